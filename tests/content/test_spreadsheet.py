"""CSV that leaves the engine: nothing in it runs, and everything in it can be read back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.spreadsheet import as_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "\uff1d"])
def test_a_cell_that_a_spreadsheet_would_run_is_a_text(start: str) -> None:
    text = as_csv([{"what": f"{start}cmd|' /C calc'!A0"}], ["what"])
    ((_,), (cell,)) = csv.reader(io.StringIO(text, newline=""))
    assert cell.startswith("'")


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(st.text(), st.integers(), st.none(), st.booleans()))))
def test_every_cell_comes_back_as_it_was_but_for_its_apostrophe(rows: list[dict[str, str | int | bool | None]]) -> None:
    read = list(csv.reader(io.StringIO(as_csv(rows, ["a", "b"]), newline="")))
    assert read[0] == ["a", "b"]
    for row, cells in zip(rows, read[1:], strict=True):
        for name, cell in zip(("a", "b"), cells, strict=True):
            value = row.get(name)
            plain = "" if value is None else str(value)
            assert cell in (plain, f"'{plain}")
            assert not (isinstance(value, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"))
