"""SQLite files: rows, blobs and what deleted rows left; what sqlite3 reads after a rewrite is as before, but for the person."""

import gzip
import random
import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.records.sqlite_pages import Pages
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from tests.content.plain_words import MARK, WordGate, gaps, read, reading, rewritten, texts, units

_SHOP = """
CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT, born, photo BLOB, score REAL NOT NULL DEFAULT 1.5, UNIQUE(email));
CREATE TABLE pairs(k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;
CREATE TABLE notes(text);
CREATE TABLE log(what);
CREATE INDEX by_born ON customers(born, email);
CREATE VIEW everybody AS SELECT email FROM customers;
CREATE TRIGGER watch AFTER UPDATE ON customers BEGIN INSERT INTO log VALUES (old.email); END;
"""


def _file(script: str = _SHOP, rows: Sequence[tuple[str, Sequence[object]]] = (), *, gone: str = "", page: int = 4096) -> bytes:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("PRAGMA secure_delete = OFF")
    database.execute(f"PRAGMA page_size = {page}")
    database.executescript(script)
    for statement, values in rows:
        database.execute(statement, values)
    database.executescript(gone)
    data = database.serialize()
    database.close()
    return data


def _customers(*names: str) -> list[tuple[str, Sequence[object]]]:
    return [
        ("INSERT INTO customers(id, email, born) VALUES (?, ?, ?)", (number * 3, f"{name}{number}@x.org", 1984)) for number, name in enumerate(names)
    ]


def _dump(data: bytes) -> list[str]:
    database = sqlite3.connect(":memory:")
    database.deserialize(data)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    dump = list(database.iterdump())
    dump += [str(row) for row in database.execute("SELECT rowid FROM notes")] if any("notes" in line for line in dump) else []
    database.close()
    return dump


def test_rows_are_found_with_all_their_columns() -> None:
    before = _file(rows=[*_customers("bob", "jane"), ("INSERT INTO pairs VALUES ('jane', 'w'), ('a', 'b')", ())])
    found = texts(before, reading(WordGate("jane")))
    assert found == {
        "table:1/row:2/id": "3",
        "table:1/row:2/email": "jane1@x.org",
        "table:1/row:2/born": "1984",
        "table:1/row:2/score": "1.5",
        "table:2/row:2/k": "jane",
        "table:2/row:2/v": "w",
    }
    assert {unit.inside for unit in units(before, reading(WordGate("jane1")))} == {"table:1/row:2"}
    assert not gaps(before)


def test_a_rewrite_leaves_everything_else_and_runs_no_trigger() -> None:
    before = _file(rows=_customers(*["bob"] * 300, "jane", *["eve"] * 300))
    after = rewritten(before, [Edit("table:1/row:301/email", RedactSpans())], "jane")
    assert _dump(after) == [line.replace("jane", MARK) for line in _dump(before)]
    assert b"jane" not in after
    assert after == rewritten(before, [Edit("table:1/row:301/email", RedactSpans())], "jane")
    assert len(after) == len(before)


def test_rows_are_dropped_and_those_that_stay_keep_their_hidden_numbers() -> None:
    script = _SHOP + "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO notes SELECT 'note ' || i FROM n;"
    before = _file(script, gone="DELETE FROM notes WHERE rowid < 100; UPDATE notes SET text = 'jane' WHERE rowid IN (200, 300)")
    found = sorted({unit.inside for unit in units(before, reading(WordGate("jane"))) if unit.inside})
    assert found == ["table:3/row:101", "table:3/row:201"]
    after = rewritten(before, [Edit(place, DropPart()) for place in found])
    expected = [line for line in _dump(before) if "'jane'" not in line and line not in ("(200,)", "(300,)")]
    assert _dump(after) == expected


def test_what_deleted_rows_left_is_found_and_goes_with_any_rewrite() -> None:
    long = "x" * 9000 + " jane " + "y" * 9000
    before = _file(
        rows=[*_customers(*["bob"] * 50), ("INSERT INTO notes VALUES (?)", (long,)), ("INSERT INTO notes VALUES ('jane short')", ())],
        gone="DELETE FROM notes",
    )
    assert b"jane" in before
    found = units(before, reading(WordGate("jane")))
    assert found
    assert all(unit.place.startswith("leftover:") and not unit.is_opaque for unit in found)
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert b"jane" not in after
    assert _dump(after) == _dump(before)


def test_what_lies_behind_the_end_of_a_long_value_is_a_leftover_too() -> None:
    before = _file(
        rows=[("INSERT INTO notes VALUES (?)", ("jane " * 4000,))],
        gone=f"DELETE FROM notes; INSERT INTO notes VALUES ('{'z' * 9000}')",
    )
    found = units(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit(unit.place, RedactSpans()) for unit in found], "jane")
    assert b"jane" not in after
    assert _dump(after) == _dump(before)


def test_files_in_blobs_are_read_by_what_they_are() -> None:
    photo = gzip.compress(b"dear jane\ndear bob\n", mtime=0)
    before = _file(rows=[*_customers("bob", "eve"), ("UPDATE customers SET photo = ?", (photo,))])
    found = [unit.place for unit in units(before, reading(WordGate("jane"))) if not unit.place.startswith("leftover")]
    assert found == ["table:1/row:1/photo/gz/line:1", "table:1/row:2/photo/gz/line:1"]
    after = rewritten(before, [Edit(found[0], RedactSpans())], "jane")
    database = sqlite3.connect(":memory:")
    database.deserialize(after)
    photos = [bytes(row[0]) for row in database.execute("SELECT photo FROM customers ORDER BY id")]
    database.close()
    assert gzip.decompress(photos[0]) == f"dear {MARK}\ndear bob\n".encode()
    assert photos[1] == photo


def test_values_are_set_and_numbers_become_null() -> None:
    before = _file(rows=_customers("jane", "bob"))
    edits = [
        Edit("table:1/row:1/email", SetValue(Method(MethodName.TEXT, "nobody"), "")),
        Edit("table:1/row:1/born", RedactSpans()),
        Edit("table:1/row:2/email", SetValue(Method(MethodName.TEXT, "null"), "")),
    ]
    after = rewritten(before, edits, "1984")
    database = sqlite3.connect(":memory:")
    database.deserialize(after)
    assert database.execute("SELECT email, born FROM customers ORDER BY id").fetchall() == [("nobody", None), (None, 1984)]
    database.close()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (Edit("table:1/row:1/email", SetValue(Method(MethodName.TEXT, "bob1@x.org"), "")), "refused"),
        (Edit("table:1/row:1/id", SetValue(Method(MethodName.TEXT, "word"), "")), "refused"),
        (Edit("table:1/row:1/score", RedactSpans()), "may not be empty"),
        (Edit("table:1/row:9/email", RedactSpans()), "not in the file"),
        (Edit("table:1/row:1/nothing", RedactSpans()), "not in the file"),
        (Edit("schema:1", RedactSpans()), "names of tables"),
        (Edit("table:1/column:2/name", RedactSpans()), "names of tables"),
    ],
)
def test_what_the_database_does_not_allow_is_refused(edit: Edit, said: str) -> None:
    with pytest.raises(NotSupported, match=said):
        rewritten(_file(rows=_customers("jane", "bob")), [edit], "jane", "1.5", "customers")


def test_the_schema_is_searched_and_a_view_is_never_run() -> None:
    script = "CREATE TABLE t(a); CREATE VIEW about_jane AS SELECT abs(-9223372036854775808) FROM t; INSERT INTO t VALUES (1)"
    found = units(_file(script), reading(WordGate("jane")))
    assert [unit.place for unit in found] == ["schema:2"]


def test_full_text_search_is_read_and_not_rewritten() -> None:
    script = "CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('dear jane'), ('dear bob')"
    before = _file(script)
    found = units(before, reading(WordGate("jane")))
    assert any(unit.text == "dear jane" for unit in found)
    assert "sqlite.virtual_table" in gaps(before)
    with pytest.raises(NotSupported, match="virtual"):
        rewritten(before, [Edit(found[0].inside, DropPart())])


def test_samples_of_keys_do_not_outlive_a_rewrite() -> None:
    before = _file(rows=_customers(*["jane"] * 40, *["bob"] * 40), gone="ANALYZE")
    edits = [Edit(unit.place, RedactSpans()) for unit in units(before, reading(WordGate("jane"))) if "jane" in unit.text]
    after = rewritten(before, edits, "jane")
    assert b"jane" not in after
    assert len(edits) >= 40


def test_wal_mode_is_told_and_not_rewritten() -> None:
    before = bytearray(_file(rows=_customers("jane")))
    before[18:20] = b"\2\2"
    assert gaps(bytes(before)) == ["sqlite.wal"]
    assert texts(bytes(before), reading(WordGate("jane")))["table:1/row:1/email"] == "jane0@x.org"
    with pytest.raises(NotSupported, match="WAL"):
        rewritten(bytes(before), [Edit("table:1/row:1/email", RedactSpans())], "jane")


def test_generated_columns_are_read_and_follow_what_they_are_made_of() -> None:
    before = _file(
        "CREATE TABLE t(a TEXT, b TEXT, c TEXT GENERATED ALWAYS AS (a || '@' || b) STORED, d AS (upper(a)))",
        [("INSERT INTO t VALUES ('jane', 'x')", ())],
    )
    assert texts(before, reading(WordGate("jane@x")))["table:1/row:1/c"] == "jane@x"
    with pytest.raises(NotSupported, match="computed"):
        rewritten(before, [Edit("table:1/row:1/c", RedactSpans())], "jane")
    after = rewritten(before, [Edit("table:1/row:1/a", RedactSpans())], "jane")
    assert b"jane" not in after.lower()


def test_texts_in_utf16_and_broken_texts_are_searched() -> None:
    script = "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a)"
    before = _file(script, [("INSERT INTO t VALUES ('grüße jane')", ()), ("INSERT INTO t VALUES (CAST(x'6a616e65ff0a41d8' AS TEXT))", ())])
    assert texts(before, reading(WordGate("jane")))["table:1/row:1/a"] == "grüße jane"
    after = rewritten(before, [Edit("table:1/row:1/a", RedactSpans())], "jane")
    assert texts(after, reading(WordGate("erased")))["table:1/row:1/a"] == f"grüße {MARK}"


@pytest.mark.parametrize("seed", range(12))
def test_damage_ends_as_a_gap_or_is_survived_and_what_is_left_is_searched(seed: int) -> None:
    before = bytearray(_file(rows=_customers(*["bob"] * 200, "jane"), page=512))
    chance = random.Random(seed)
    for _ in range(40):
        before[chance.randrange(100, len(before))] = chance.randrange(256)
    data = bytes(before)
    found = read(data, reading(WordGate("jane")))
    assert any("jane" in got.text for got in found if isinstance(got, Unit)) or b"jane" not in data


def test_a_file_that_is_encrypted_or_cut_is_a_gap_and_is_searched() -> None:
    before = _file(rows=_customers(*["bob"] * 300, "jane"))
    for broken in (before[:100], before[:16] + b"\xff" * 84 + before[100:], before[: len(before) // 2]):
        assert gaps(broken)
    assert units(before[:16] + b"\xff" * 84 + before[100:], reading(WordGate("jane")))


texts_of_cells = (
    st.none()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.sampled_from(("jane", "bob", "x" * 700 + "jane" + "y" * 700, ""))
    | st.binary(max_size=9)
)


@given(st.lists(st.tuples(texts_of_cells, texts_of_cells), max_size=25), st.sampled_from((512, 1024, 4096)), st.sets(st.integers(1, 25)))
@settings(deadline=None, max_examples=25)
def test_after_a_rewrite_sqlite_reads_everything_but_the_person(cells: list[tuple[object, object]], page: int, dropped: set[int]) -> None:
    before = _file("CREATE TABLE t(a, b); CREATE INDEX i ON t(b, a)", [("INSERT INTO t VALUES (?, ?)", row) for row in cells], page=page)
    dropped = {number for number in dropped if number <= len(cells)}
    edits = [Edit(f"table:1/row:{number}", DropPart()) for number in dropped]
    for number, row in enumerate(cells, start=1):
        if number not in dropped:
            edits += [
                Edit(f"table:1/row:{number}/{name}", RedactSpans())
                for name, value in zip("ab", row, strict=True)
                if isinstance(value, str) and "jane" in value
            ]
    after = rewritten(before, edits, "jane")
    database = sqlite3.connect(":memory:")
    database.deserialize(after)
    now = database.execute("SELECT rowid, a, b FROM t ORDER BY rowid").fetchall()
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    kept = [(number, *row) for number, row in enumerate(cells, start=1) if number not in dropped]
    assert now == [tuple(value.replace("jane", MARK) if isinstance(value, str) else value for value in row) for row in kept]
    assert not edits or b"jane" not in after


@given(st.binary(min_size=21, max_size=3000), st.lists(st.integers(0, 2**32)))
def test_pages_of_any_bytes_are_walked_to_an_end(data: bytes, roots: list[int]) -> None:
    data = data + bytes(max(0, 1024 - len(data)))
    pages = Pages(data, roots)
    assert all(start >= 0 and end <= len(data) + pages.size for _, start, end in pages.unused())
