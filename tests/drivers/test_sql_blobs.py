"""Files in columns: the person's spans are cut out of them, every other byte stays, and what cannot be rewritten is refused."""

import gzip
import io
import zipfile
from collections.abc import Mapping

import pytest

from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.drivers.driver import Done
from tests.drivers.sql_database import BLOB, JANE, REWRITER, SqlDatabase, about, locator, planned, search, state

CUT = Rewrite((Edit("file", RedactSpans()),))


def zipped(files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return out.getvalue()


def inside(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def filed(database: SqlDatabase, content: bytes) -> None:
    database.run(f"CREATE TABLE scans (id INTEGER PRIMARY KEY, title VARCHAR(20), file {BLOB[database.kind]})")
    database.insert("scans", [{"id": number, "title": "x", "file": content} for number in (1, 2)] + [{"id": 3, "title": "x", "file": None}])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"Dear {JANE},\r\nbye\r\n".encode(), b"Dear [redacted],\r\nbye\r\n"),
        (f"id;mail\r\n1;{JANE}\r\n2;bob@example.com\r\n".encode(), b"id;mail\r\n1;[redacted]\r\n2;bob@example.com\r\n"),
        (f'{{"a": ["{JANE}", 1.50]}}'.encode(), b'{"a": ["[redacted]", 1.50]}'),
        (f"Grüsse an {JANE}".encode("utf-16"), "Grüsse an [redacted]".encode("utf-16")),
    ],
)
def test_spans_are_cut_out_of_a_file_in_a_column(sql_database: SqlDatabase, content: bytes, expected: bytes) -> None:
    filed(sql_database, content)
    before = sql_database.dump("scans")
    driver = sql_database.driver()
    assert {record.locator.key for record in search(driver, about()).records} == {("1",), ("2",)}
    changes, (seen,) = planned(driver, [locator("scans", 1)], CUT, ("file",))
    assert seen.refusal is None
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    assert state(driver, locator("scans", 1), ("file",)).state == seen.becomes
    after = sql_database.dump("scans")
    assert bytes(after[1][3]) == expected
    assert {key: after[key] for key in (2, 3)} == {key: before[key] for key in (2, 3)}


def test_spans_are_cut_out_of_what_is_packed_in_a_column(sql_database: SqlDatabase) -> None:
    filed(sql_database, zipped({"a.txt": f"to {JANE}", "b.txt": "to Bob"}))
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("scans", 1)], CUT, ("file",))
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    ((data,),) = sql_database.rows("SELECT file FROM scans WHERE id = 1")
    assert inside(bytes(data)) == {"a.txt": "to [redacted]", "b.txt": "to Bob"}


def test_a_packed_file_is_packed_again(sql_database: SqlDatabase) -> None:
    filed(sql_database, gzip.compress(f"to {JANE}".encode(), mtime=0))
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("scans", 1)], CUT, ("file",))
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    ((data,),) = sql_database.rows("SELECT file FROM scans WHERE id = 1")
    assert gzip.decompress(bytes(data)) == b"to [redacted]"


def test_a_file_that_nobody_stands_in_stays_byte_for_byte(sql_database: SqlDatabase) -> None:
    filed(sql_database, b"\x00\x01 nobody \xff")
    before = sql_database.dump("scans")
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("scans", 1)], CUT, ("file",))
    assert (seen.refusal, seen.becomes) == (None, seen.state)
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    assert sql_database.dump("scans") == before


def test_a_format_that_cannot_be_rewritten_is_refused(sql_database: SqlDatabase) -> None:
    filed(sql_database, b"\x89PNG\r\n\x1a\n" + bytes(64) + JANE.encode() + bytes(64))
    before = sql_database.dump("scans")
    _, (seen,) = planned(sql_database.driver(), [locator("scans", 1)], CUT, ("file",))
    assert seen.refusal is not None
    assert seen.refusal.code == "sql.file"
    assert JANE not in seen.refusal.message
    assert sql_database.dump("scans") == before
