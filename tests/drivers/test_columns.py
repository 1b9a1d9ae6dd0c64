"""Whole columns of tables and files, as they are compared with a list of digests."""

import gzip
import json
from pathlib import Path

import pytest

from dsr_engine.domain.errors import ManifestWrong, NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest, Pace, System
from dsr_engine.drivers.columns import Columns, Page, Row
from dsr_engine.drivers.driver import Looked
from dsr_engine.drivers.registry import open_columns
from tests.drivers.sql_database import BLOB, SqlDatabase

PEOPLE = [(number, f"person{number}@example.com", f"Person {number}") for number in range(2_500)]


def system_of(driver: str, url: str, *maps: CollectionMap, pace: Pace = Pace()) -> System:  # noqa: B008  # frozen
    return System("shop", Manifest("shop", driver, collections=maps), {"url": Secret(url)}, pace=pace)


def columns_of(system: System) -> Columns:
    found = open_columns(system)
    assert found is not None
    return found


def read(columns: Columns, collection: str, *fields: str) -> tuple[list[Row], list[Gap], list[Looked]]:
    events = list(columns.read(collection, fields))
    return (
        [row for event in events if isinstance(event, Page) for row in event.rows],
        [event for event in events if isinstance(event, Gap)],
        [event for event in events if isinstance(event, Looked)],
    )


@pytest.fixture
def people(sql_database: SqlDatabase) -> SqlDatabase:
    sql_database.run(f"CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), name VARCHAR(100), face {BLOB[sql_database.kind]})")
    sql_database.insert("people", [{"id": number, "email": email, "name": name} for number, email, name in PEOPLE])
    return sql_database


class TestTables:
    def test_every_row_comes_with_the_values_in_the_order_that_was_asked_for(self, people: SqlDatabase) -> None:
        columns = columns_of(system_of("sql", people.url))
        rows, gaps, looked = read(columns, "people", "name", "id")
        columns.close()
        assert sorted(rows, key=lambda row: int(row[1] or 0)) == [(name, str(number)) for number, _, name in PEOPLE]
        assert (gaps, [(word.extent, word.count) for word in looked]) == ([], [(Extent.FULL, len(PEOPLE))])

    def test_rows_in_which_nothing_stands_are_left_out(self, people: SqlDatabase) -> None:
        people.run("UPDATE people SET email = NULL WHERE id > 1")
        columns = columns_of(system_of("sql", people.url))
        rows, _, _ = read(columns, "people", "email")
        columns.close()
        assert sorted(rows) == [("person0@example.com",), ("person1@example.com",)]

    def test_a_table_that_is_read_gently_comes_whole(self, people: SqlDatabase) -> None:
        columns = columns_of(system_of("sql", people.url, pace=Pace(longest_snapshot=30)))
        rows, _, looked = read(columns, "people", "id")
        columns.close()
        assert {row[0] for row in rows} == {str(number) for number, _, _ in PEOPLE}
        assert looked[0].extent is Extent.FULL

    def test_only_fields_that_are_there_and_hold_text_can_be_read(self, people: SqlDatabase) -> None:
        columns = columns_of(system_of("sql", people.url))
        assert columns.fields("people", ("email", "face", "nothing", "id")) == ("email", "id")
        for field in ("face", "nothing"):
            with pytest.raises(ManifestWrong):
                read(columns, "people", field)
        columns.close()

    def test_a_table_that_is_not_there_is_an_error_and_not_an_empty_one(self, people: SqlDatabase) -> None:
        columns = columns_of(system_of("sql", people.url))
        with pytest.raises((ManifestWrong, NotSupported)):
            read(columns, "persons", "email")
        columns.close()


MAP = CollectionMap("people/*", (), tuple(FieldMap(name) for name in ("email", "name", "phone")))


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "people").mkdir()
        (tmp_path / "people" / "list.csv").write_text("number,email,name\n1,a@example.com,Ann\n2,,Bob\n3,,\n")
        (tmp_path / "people" / "more.csv.gz").write_bytes(gzip.compress(b"email;phone\nc@example.com;555 1\n"))
        (tmp_path / "people" / "lines.jsonl").write_text('{"email": "d@example.com", "name": "Dora"}\n{"name": "Emil"}\n')
        (tmp_path / "other.csv").write_text("email\nz@example.com\n")
        return tmp_path

    def rows(self, folder: Path, *fields: str) -> tuple[list[Row], list[Gap], list[Looked]]:
        columns = columns_of(system_of("objectstore", f"folder:{folder}", MAP))
        try:
            return read(columns, "people/*", *fields)
        finally:
            columns.close()

    def test_rows_lines_and_packed_files_come_record_by_record(self, folder: Path) -> None:
        rows, gaps, looked = self.rows(folder, "email", "name")
        found = [("a@example.com", "Ann"), (None, "Bob"), ("c@example.com", None), ("d@example.com", "Dora"), (None, "Emil")]
        assert (set(rows), gaps) == (set(found), [])
        assert [(word.extent, word.count) for word in looked] == [(Extent.FULL, len(found))]

    def test_two_values_in_one_record_come_beside_the_rest_of_it(self, folder: Path) -> None:
        person = {"email": "f@example.com", "phone": ["1", "2"]}
        (folder / "people" / "doc.json").write_text(json.dumps([person, {"email": "g@example.com", "phone": "3"}]))
        rows, _, _ = self.rows(folder, "email", "phone")
        assert {("f@example.com", "1"), ("f@example.com", "2"), ("g@example.com", "3")} <= set(rows)

    def test_what_cannot_be_read_is_said(self, folder: Path) -> None:
        (folder / "people" / "broken.jsonl").write_text('{"email": "h@example.com"}\n{"email": \n')
        rows, gaps, looked = self.rows(folder, "email")
        assert ("h@example.com",) in rows
        assert gaps
        assert looked[0].extent is Extent.PARTIAL

    def test_a_collection_that_nobody_declared_is_an_error(self, folder: Path) -> None:
        columns = columns_of(system_of("objectstore", f"folder:{folder}", MAP))
        with pytest.raises(ManifestWrong):
            columns.fields("strangers", ("email",))
        columns.close()


def test_a_mail_store_has_no_columns() -> None:
    assert open_columns(system_of("mailstore", "maildir:/nowhere")) is None


def test_no_repr_shows_a_value() -> None:
    assert "secret" not in repr(Page((("secret@example.com",),)))
