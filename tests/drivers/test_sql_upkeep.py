"""No channel is left out: the catalogue of what survives an erasure is written here once more, and each server must answer all of it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.residue import Assessment, Channel, ResidueState, ServerFacts, Work
from dsr_engine.drivers.sql.upkeep import mariadb, postgresql, sqlite
from dsr_engine.drivers.sql.upkeep.assessing import Answer, Assessor, absent
from dsr_engine.drivers.sql.upkeep.assessing import assessed as run_assessors
from dsr_engine.drivers.sql.upkeep.sqlite_file import OddFile, dirty_pages, old_frames
from dsr_engine.drivers.sql.upkeep.upkeep import SqlUpkeep
from tests.drivers.sql_database import JANE, SqlDatabase
from tests.drivers.upkeep_bench import assessed, system

#: What is known to survive, by server, in the words of `pg.`, `mariadb.` and `sqlite.` codes.
CATALOGUE = {
    "postgres": {
        "dead_tuples": "rows after DELETE",
        "old_versions": "values after UPDATE",
        "index_pages": "keys in indexes",
        "toast": "long values",
        "dropped_columns": "DROP COLUMN",
        "statistics": "most_common_vals and histogram_bounds",
        "wal": "write-ahead log",
        "archive": "archived log and base backups",
        "slots": "inactive replication slots",
        "standbys": "standbys and logical subscribers",
        "old_snapshots": "long and prepared transactions",
        "large_objects": "orphaned large objects",
        "materialized_views": "materialized views",
        "server_log": "log_statement and friends",
        "statement_statistics": "pg_stat_statements",
        "triggers": "audit triggers, publications, pgaudit",
        "other_tables": "foreign, temporary and detached tables",
        "compressed": "compressed values",
        "orphans": "rows without their parents",
        "typed_fields": "JSON, arrays, bytes",
        "row_security": "row-level security",
        "outside": "dumps, tablespaces, disks",
    },
    "mariadb": {
        "pages": "free space in .ibd files",
        "redo_log": "redo log",
        "undo_log": "undo log",
        "binary_log": "binary log",
        "replicas": "relay logs, replicas, Galera",
        "statement_logs": "general and slow log",
        "column_statistics": "EITS and histograms",
        "full_text": "FTS auxiliary tables",
        "history": "system-versioned tables",
        "leftovers": "change buffer, doublewrite, #sql files, backups",
    },
    "sqlite": {
        "free_space": "secure_delete off or fast",
        "log": "-wal after DELETE and PASSIVE checkpoint",
        "rollback_journal": "journal_mode PERSIST",
        "full_text": "FTS5 tokens",
        "samples": "sqlite_stat4",
        "copies": "copies of the file",
        "auto_vacuum": "auto_vacuum does not scrub",
    },
}
_PREFIX = {"postgres": "pg", "mariadb": "mariadb", "sqlite": "sqlite"}
_TABLES = {"postgres": postgresql.ASSESSORS, "mariadb": mariadb.ASSESSORS, "sqlite": sqlite.ASSESSORS}


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_known_channel_has_an_assessor_and_no_assessor_is_unknown(kind: str) -> None:
    codes = [entry.code for entry in _TABLES[kind]]  # type: ignore[attr-defined]  # assessors of three kinds
    assert sorted(codes) == sorted(f"{_PREFIX[kind]}.{name}" for name in CATALOGUE[kind])


def test_each_channel_gets_exactly_one_state_with_a_reason_and_a_date_only_where_it_expires(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(99))")
    sql_database.insert("customers", [{"id": 1, "email": JANE}, {"id": 2, "email": "bob@example.net"}])
    sql_database.run("DELETE FROM customers WHERE id = 1")
    seen = assessed(sql_database)
    expected = [f"{_PREFIX[sql_database.kind]}.{name}" for name in CATALOGUE[sql_database.kind]]
    assert sorted(entry.code for entry in seen.channels) == sorted(expected)
    for entry in seen.channels:
        assert isinstance(entry.state, ResidueState)
        assert entry.what
        assert entry.detail
        assert (entry.until is not None) == (entry.state is ResidueState.EXPIRES_ON)
        assert entry.level in ("C0", "C1", "C2", "C3")
    open_ = {entry.code for entry in seen.channels if entry.state is ResidueState.RETAINED}
    assert {code for work in seen.works for code in work.closes} >= open_ & {entry.code for entry in seen.open_c1}


def test_nothing_that_is_said_or_remembered_holds_a_value(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(99))")
    sql_database.insert("customers", [{"id": 1, "email": JANE}])
    assert JANE not in repr(assessed(sql_database))


def test_where_nothing_was_touched_nothing_stands_in_the_way(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(99))")
    seen = assessed(sql_database, collections=())
    assert (seen.open_c1, seen.works) == ((), ())


def test_a_table_that_is_not_found_again_is_not_taken_for_a_clean_one(sql_database: SqlDatabase) -> None:
    if sql_database.kind == "sqlite":
        return  # the file is looked at as a whole
    sql_database.run("CREATE TABLE customers (id INTEGER PRIMARY KEY)")
    first = assessed(sql_database)
    sql_database.run("DROP TABLE customers")
    seen = assessed(sql_database, first)
    assert "sql.unknown_collection" in {entry.detail.rpartition("(")[2].rstrip(")") for entry in seen.open_c1}


def test_only_clean_channels_up_to_its_level_make_a_level() -> None:
    server = ServerFacts("s", "Some 1.0", "reader", may_hide_rows=False, erased_as="writer")
    clean = [Channel("a", "a", state, level="C1") for state in (ResidueState.ERASED, ResidueState.VERIFIED_ABSENT)]
    later = Channel("b", "b", ResidueState.OUTSIDE_CONTROL, level="C2")
    assert Assessment(server, (*clean, later)).open_c1 == ()
    for state in set(ResidueState) - {ResidueState.ERASED, ResidueState.VERIFIED_ABSENT}:
        for level in ("C0", "C1"):
            unclean = Channel("c", "c", state, level=level)
            assert Assessment(server, (*clean, unclean)).open_c1 == (unclean,)
    assert server.is_other_role


def test_a_work_that_takes_more_than_the_persons_data_is_not_run(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE customers (id INTEGER PRIMARY KEY)", "INSERT INTO customers VALUES (1)")
    upkeep = SqlUpkeep(system(sql_database))
    try:
        with pytest.raises(Exception, match="human"):
            upkeep.maintain((Work("DELETE FROM customers", (), ""), Work("DROP TABLE customers", (), "", harms="everybody's rows")))
    finally:
        upkeep.close()
    assert sql_database.rows("SELECT count(*) FROM customers") == [(1,)]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotAllowed("no", code="sql.denied"), "pg_monitor needed"),
        (NotSupported("no", code="sql.refused"), "sql.refused"),
        (PermissionError(13, "/home/jane"), "PermissionError"),
        (KeyError("jane"), "not understood"),
        (ValueError("jane"), "not understood"),
    ],
)
def test_a_refusal_of_any_kind_is_an_answer_and_the_other_channels_are_asked_all_the_same(error: Exception, words: str) -> None:
    def refuse(_: object) -> Answer:
        raise error

    table: tuple[Assessor[object], ...] = (Assessor("a", "a", "C2", refuse, "pg_monitor"), Assessor("b", "b", "C2", lambda _: absent("looked")))
    (first, second), works, marks = run_assessors(table, object(), is_touched=True)
    assert (first.state, second.state, works, marks) == (ResidueState.NOT_ASSESSED, ResidueState.VERIFIED_ABSENT, (), {})
    assert words in first.detail
    assert "jane" not in first.detail


def test_a_server_that_does_not_answer_is_no_answer() -> None:
    def silent(_: object) -> Answer:
        raise Unreachable("gone", code="sql.unreachable")

    with pytest.raises(Unreachable):
        run_assessors((Assessor("a", "a", "C2", silent),), object(), is_touched=True)


@given(st.binary(max_size=3000))
@settings(deadline=None)
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.db"
    path.write_bytes(data)
    with pytest.raises(OddFile):
        dirty_pages(path)
    assert old_frames(path, "00" * 8) in (True, False)


@given(st.binary(min_size=400, max_size=400), st.sampled_from([2, 5, 10, 13]))
@settings(deadline=None)
def test_a_damaged_page_is_dirty_and_never_an_endless_chain(tmp_path_factory: pytest.TempPathFactory, noise: bytes, kind: int) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "damaged.db"
    head = b"SQLite format 3\0" + (512).to_bytes(2, "big") + bytes(82)
    path.write_bytes(head + bytes([kind]) + noise + bytes(512 - 100 - 1 - len(noise)))
    assert dirty_pages(path) in (0, 1)
