"""PostgreSQL's large objects: searched as the files that they are, seen when nothing points at them any more, deleted one by one."""

import io
import zipfile

import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.domain.selector import CARRIED, Scope, Secret, Selector
from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Link
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, erase, is_absent, locator, planned, search

pytestmark = pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
BOB = b"name,email\nBob,bob@example.com\n"


def _archive() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("people.csv"), f"name,email\nJane,{JANE}\n")
    return sink.getvalue()


def _papers(database: SqlDatabase) -> None:
    """101: Jane's, in a ZIP file; 102: Bob's; 103: Jane's, and nothing points at it."""
    database.run(
        "CREATE TABLE papers (id INTEGER PRIMARY KEY, content OID, kind OID DEFAULT 'pg_class'::regclass)",
        f"SELECT lo_from_bytea(101, '\\x{_archive().hex()}')",
        f"SELECT lo_from_bytea(102, '\\x{BOB.hex()}')",
        f"SELECT lo_from_bytea(103, '{JANE}')",
        "INSERT INTO papers VALUES (1, 101), (2, 102), (3, NULL)",
    )


def _objects(database: SqlDatabase) -> dict[int, bytes]:
    return {row[0]: bytes(row[1]) for row in database.rows("SELECT oid, lo_get(oid) FROM pg_largeobject_metadata ORDER BY 1")}


def test_a_database_without_large_objects_has_no_such_collection(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE papers (id INTEGER PRIMARY KEY, content OID)", "CREATE SCHEMA other", "CREATE TABLE other.papers (id INTEGER)")
    assert [looked.collection for looked in search(sql_database.driver(), about()).looked] == ["papers", "other.papers"]


def test_a_large_object_is_read_as_the_file_that_it_is(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    found = search(sql_database.driver(), about())
    assert found.keys == {("pg_largeobject", ("101",)), ("pg_largeobject", ("103",))}
    assert {looked.collection: (looked.count, looked.extent) for looked in found.looked} == {
        "papers": (3, Extent.FULL),
        "pg_largeobject": (3, Extent.FULL),
    }
    assert found.gaps == ()
    assert all(unit.place.startswith("data/") for record in found.records for unit in record.units if JANE in unit.text)


def test_columns_that_point_at_large_objects_are_links_and_other_numbers_are_not(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    facts = {entry.name: entry for entry in sql_database.driver().describe()}
    assert facts["papers"].links == (Link(("content",), "pg_largeobject", ("oid",)),)
    assert facts["pg_largeobject"].key == ("oid",)
    assert facts["papers"].rank < facts["pg_largeobject"].rank


def test_a_large_object_is_deleted_alone(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    driver = sql_database.driver()
    assert erase(driver, locator("pg_largeobject", 103), locator("papers", 3)) == [Done(None), Done(None)]
    assert _objects(sql_database) == {101: _archive(), 102: BOB}
    assert sql_database.rows("SELECT id, content FROM papers ORDER BY id") == [(1, 101), (2, 102)]
    assert is_absent(driver, locator("pg_largeobject", 103))


def test_the_last_large_object_that_goes_is_seen_as_absent(sql_database: SqlDatabase) -> None:
    sql_database.run(f"SELECT lo_from_bytea(103, '{JANE}')")
    assert erase(sql_database.driver(), locator("pg_largeobject", 103)) == [Done(None)]
    assert is_absent(sql_database.driver(), locator("pg_largeobject", 103))
    assert search(sql_database.driver(), about()).records == ()


def test_a_large_object_that_changed_or_went_since_the_plan_is_left(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("pg_largeobject", 101), locator("pg_largeobject", 103)])
    sql_database.run("SELECT lo_put(101, 0, 'x')", "SELECT lo_unlink(103)")
    before = _objects(sql_database)
    assert driver.change(changes, REWRITER) == [Drifted("changed"), Drifted("absent")]
    assert _objects(sql_database) == before


def test_nothing_is_cut_from_a_large_object(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    before = _objects(sql_database)
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("pg_largeobject", 103)], Rewrite((Edit("data", RedactSpans()),)), ("data",))
    assert seen.refusal is not None
    assert seen.refusal.code == "sql.file"
    (outcome,) = driver.change([Change(changes[0].locator, changes[0].effect, ("data",), seen.state or b"", seen.server)], REWRITER)
    assert isinstance(outcome, Failed)
    assert _objects(sql_database) == before


def test_a_large_object_goes_along_by_its_number(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    carried = Selector("s", CARRIED, Secret("102"), verified=True, scope=Scope("shop", "pg_largeobject", "oid"))
    assert ("pg_largeobject", ("102",)) in search(sql_database.driver(), about(carried)).keys


def test_large_objects_that_the_account_may_not_read_are_a_gap(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    role = "reader_" + sql_database.url.rpartition("/")[2]
    sql_database.run(f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON papers TO {role}", f"GRANT SELECT ON LARGE OBJECT 101 TO {role}")
    found = search(sql_database.driver(url=sql_database.url.replace("test@", f"{role}@")), about())
    sql_database.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
    assert found.keys == {("pg_largeobject", ("101",))}
    assert [(gap.collection, gap.code) for gap in found.gaps] == [("pg_largeobject", "sql.unread")]
    assert [looked.extent for looked in found.looked if looked.collection == "pg_largeobject"] == [Extent.PARTIAL]


def test_a_check_of_a_database_with_large_objects_finds_no_fault(sql_database: SqlDatabase) -> None:
    _papers(sql_database)
    assert [problem.code for problem in sql_database.driver().check() if problem.is_fatal] == []
