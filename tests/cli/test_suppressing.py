"""`dsr suppress check`: the rows of erased people, by number, in any kind of table; nothing is told of anybody else, and nobody can be listed."""

import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.bootstrap import opened, read_home
from dsr_engine.content.canonical import canonical
from dsr_engine.domain.suppression import MAILBOX, Basis, Suppressed
from dsr_engine.workflow.staying_erased.screening import screen
from tests.cli.conftest import Dsr

_ERASED = ("jane.roe@example.com", "o'neil+shop@example.org", "müller@bücher.example")


@pytest.fixture
def listed(home: Path) -> Path:
    """A home that has erased three people with addresses and one customer, 4711."""
    with opened(read_home(home, {})) as house, house.store.transaction() as tx:
        keys, now = tx.suppression.keys, house.clock.now()
        known = [("email", canonical("email", address)) for address in _ERASED] + [(MAILBOX, "o'neil@example.org"), ("customer_id", "4711")]
        tx.suppression.add(
            Suppressed(keys.newest(), kind, keys.digest(kind, text), Basis.STAY_ERASED, "case-1", now, now.replace(year=now.year + 1), "x")
            for kind, text in known
        )
    return home


_CSV = """\
id,E-Mail,note
1,kim@example.com,calls jane.roe@example.com often
2,JANE.ROE@example.com,
4711,bob@example.net,x
4,"O'Neil <o'neil@example.org>",y
"""


def _rows(said: str) -> list[int]:
    return [row["row"] for row in json.loads(said)["rows"]]


def test_rows_of_erased_people_are_told_by_number_and_by_nothing_else(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(_CSV)
    said = dsr("--home", listed, "suppress", "check", "new.csv", "--column", "email=E-Mail")
    assert said.code == 3
    assert "2 of 5 line(s)" in said.out
    assert "jane" not in said.all.lower()
    assert _rows(dsr("--home", listed, "suppress", "check", "new.csv", "--json").out) == [3, 5]


def test_a_named_column_tells_customers_by_their_number(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(_CSV)
    assert _rows(dsr("--home", listed, "suppress", "check", "new.csv", "--column", "customer_id=id", "--json").out) == [4]


def test_nobody_of_them_is_exit_code_0(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("id,email\n1,kim@example.com\n")
    assert dsr("--home", listed, "suppress", "check", "new.csv").code == 0


_LINES = {
    "new.jsonl": '{"email": "kim@example.com"}\n{"email": "jane\\u002eroe\\u0040example.com"}\n{"who": {"mail": "JANE.ROE@EXAMPLE.COM"}}\n',
    "new.json": '[{"email": "kim@example.com"}, {"email": "jane.roe@example.com"}, {"email": "jane.roe@example.com"}]',
    "list.txt": "kim@example.com\njane.roe@example.com\nmüller@xn--bcher-kva.example\n",
    "new.tsv": "name\temail\nKim\tkim@example.com\nJane\tjane.roe@example.com\n",
}


@pytest.mark.parametrize(("name", "rows"), [("new.jsonl", [2, 3]), ("new.json", [2, 3]), ("list.txt", [2, 3]), ("new.tsv", [3])])
def test_every_kind_of_table_is_read_and_written_without_them(dsr: Dsr, listed: Path, tmp_path: Path, name: str, rows: list[int]) -> None:
    (tmp_path / name).write_text(_LINES[name], encoding="utf-8")
    assert _rows(dsr("--home", listed, "suppress", "check", name, "--json").out) == rows
    said = dsr("--home", listed, "suppress", "check", name, "--drop", "out")
    assert (said.code, "written" in said.out) == (0, True)
    if name != "new.json":
        kept = [line for number, line in enumerate(_LINES[name].splitlines(keepends=True), start=1) if number not in rows]
        assert (tmp_path / "out").read_text(encoding="utf-8") == "".join(kept)
    else:
        assert json.loads((tmp_path / "out").read_text()) == [{"email": "kim@example.com"}]


def test_a_list_without_a_header_loses_its_first_line_too(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("jane.roe@example.com\nkim@example.com\n")
    assert dsr("--home", listed, "suppress", "check", "list.csv", "--drop", "out.csv").code == 0
    assert (tmp_path / "out.csv").read_text() == "kim@example.com\n"


def test_a_packed_table_and_standard_input_are_read(dsr: Dsr, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(_CSV.encode())
    (tmp_path / "new.csv.gz").write_bytes(packed)
    assert _rows(dsr("--home", listed, "suppress", "check", "new.csv.gz", "--json").out) == [3, 5]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_CSV.encode())))
    assert _rows(dsr("--home", listed, "suppress", "check", "-", "--json").out) == [3, 5]


def test_a_file_that_is_there_is_not_overwritten(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(_CSV)
    assert dsr("--home", listed, "suppress", "check", "new.csv", "--drop", "new.csv").code == 2
    assert (tmp_path / "new.csv").read_text() == _CSV
    assert dsr("--home", listed, "suppress", "check", "new.csv", "--drop", "new.csv", "--force").code == 0
    assert (tmp_path / "new.csv").read_text().count("\n") == 3
    assert [path.name for path in tmp_path.glob(".*.part")] == []


def test_what_cannot_be_read_is_said_and_nothing_is_written(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text('{"email": "kim@example.com"}\n{"email": "jane.roe@example.com"\n')
    said = dsr("--home", listed, "suppress", "check", "new.jsonl")
    assert (said.code, "not looked at" in said.out) == (3, True)
    assert dsr("--home", listed, "suppress", "check", "new.jsonl", "--drop", "out").code == 2
    assert not (tmp_path / "out").exists()


def test_a_column_that_is_not_there_is_an_error_and_not_nobody(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(_CSV)
    said = dsr("--home", listed, "suppress", "check", "new.csv", "--column", "email=Mail")
    assert (said.code, "no column Mail" in said.err) == (2, True)


def test_a_file_in_which_nothing_can_be_compared_is_not_called_clean(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("name,phone\nJane Roe,+49 30 1234567\nKim Sato,+49 30 7654321\n")
    said = dsr("--home", listed, "suppress", "check", "new.csv")
    assert (said.code, "nothing in the first rows" in said.out) == (3, True)


def test_several_addresses_in_one_cell_are_each_asked_about(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text('id,email\n1,"kim@example.com; Jane Roe <jane.roe@example.com>"\n2,kim@example.com\n')
    assert _rows(dsr("--home", listed, "suppress", "check", "new.csv", "--json").out) == [2]


def test_line_ends_of_old_macs_are_a_gap_and_no_clean_file(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    file = tmp_path / "old.csv"
    file.write_bytes(f'id,email,note\r1,kim@example.com,"two\nlines"\r2,{_ERASED[0]},x\r'.encode())
    said = dsr("--home", listed, "suppress", "check", file)
    assert said.code == 3
    assert "carriage returns alone" in " ".join(said.out.split())


def test_a_line_with_one_cell_too_many_does_not_hide_its_address(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"email\nkim@example.com\n{_ERASED[0]}\textra\nlee@example.com\n", encoding="utf-8")
    said = dsr("--home", listed, "suppress", "check", file, "--json")
    assert (said.code, [row["row"] for row in json.loads(said.out)["rows"]]) == (3, [3])


def test_every_question_is_in_the_ledger_by_its_size(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(_CSV)
    dsr("--home", listed, "suppress", "check", "new.csv")
    with opened(read_home(listed, {})) as house, house.store.snapshot() as tx:
        ((_, entry),) = tx.ledger.find("suppression.checked")
    assert entry["counts"] == {"lines": 5, "rows_of_erased": 2}


def test_the_list_itself_is_told_by_counts_only(dsr: Dsr, listed: Path) -> None:
    said = dsr("--home", listed, "suppress", "about", "--json")
    assert [row["digests"] for row in json.loads(said.out)] == [5]


def test_destroying_the_key_asks_first(dsr: Dsr, listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert dsr("--home", listed, "suppress", "destroy-key").code == 130
    assert "5 digest(s)" in dsr("--home", listed, "suppress", "destroy-key", "--yes").out


def test_somebody_who_came_back_is_let_in(dsr: Dsr, listed: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("email\njane.roe@example.com\n")
    assert dsr("--home", listed, "suppress", "lift", "--email", _ERASED[0], "--because", "came_back").code == 0
    assert dsr("--home", listed, "suppress", "check", "new.csv").code == 0


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_ADDRESS = st.one_of(st.sampled_from([*_ERASED, "JANE.ROE@EXAMPLE.COM", "jane.roe@example.co", "kim@example.com"]), _TEXT)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(_ADDRESS, _TEXT), max_size=30))
def test_exactly_the_rows_whose_address_is_listed_are_told_whatever_stands_around_them(listed: Path, rows: list[tuple[str, str]]) -> None:
    text = "".join(json.dumps({"email": address, "note": note}, ensure_ascii=len(note) % 2 == 0) + "\n" for address, note in rows)
    erased = {canonical("email", address) for address in _ERASED}
    wanted = {
        number for number, (address, note) in enumerate(rows, start=1) if canonical("email", address) in erased or canonical("email", note) in erased
    }
    with opened(read_home(listed, {})) as house:
        found = screen(house, lambda: io.BytesIO(text.encode()), "x.jsonl", {}, "tester")
    assert set(found.rows) == wanted
