"""CSV that leaves the engine: nothing in it runs, and everything in it can be read back."""

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.spreadsheet import as_csv


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "\uff1d", "\uff20", "\u2212", '"=', "'+", "\u00a0=", "\u200b=", "\ufeff@", "\u201c=", "\" '="],
)
def test_a_cell_that_a_spreadsheet_would_run_is_a_text(start: str) -> None:
    text = as_csv([{"what": f"{start}cmd|' /C calc'!A0"}], ["what"])
    ((_,), (cell,)) = csv.reader(io.StringIO(text, newline=""))
    assert cell.startswith("'")


@pytest.mark.parametrize("separator", [";", "\t", "|", "\n", "\r\n"])
def test_what_another_spreadsheet_takes_for_the_next_cell_does_not_run_either(separator: str) -> None:
    for quote in ("", '"', " "):
        cell = _cell_of(f"harmless{separator}{quote}=1+1")
        assert not any(part.lstrip(' "').startswith("=") for part in re.split(r"[;\t|\r\n]", cell)), cell


@pytest.mark.parametrize("plain", ["", "x-y", "a = b", "2026-11-22", "jane+news@example.test", "Doe, Jane", "10 %; from 3 on", "it's"])
def test_an_ordinary_cell_is_left_as_it_is(plain: str) -> None:
    assert _cell_of(plain) == plain


def _cell_of(value: str) -> str:
    _, (cell,) = csv.reader(io.StringIO(as_csv([{"what": value}], ["what"]), newline=""))
    return cell


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(st.text(), st.integers(), st.none(), st.booleans()))))
def test_every_cell_comes_back_as_it_was_but_for_apostrophes(rows: list[dict[str, str | int | bool | None]]) -> None:
    read = list(csv.reader(io.StringIO(as_csv(rows, ["a", "b"]), newline="")))
    assert read[0] == ["a", "b"]
    for row, cells in zip(rows, read[1:], strict=True):
        for name, cell in zip(("a", "b"), cells, strict=True):
            value = row.get(name)
            plain = "" if value is None else str(value)
            assert cell.replace("'", "") == plain.replace("'", "")
            assert not (isinstance(value, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"))
