"""Level C1 on SQLite: bytes in free pages, the write-ahead log, full-text indexes and kept journals, looked for in the files themselves."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.residue import ResidueState
from dsr_engine.drivers.sql.upkeep.sqlite_file import dirty_pages
from tests.drivers.disk import holding
from tests.drivers.sql_database import JANE, SqlDatabase, erase, is_absent, locator
from tests.drivers.upkeep_bench import assessed, channel, long_text, maintained, pieces

JANES_NOTE, OTHERS_NOTE = long_text(17), long_text(18)
JANES, OTHERS = pieces(JANES_NOTE), pieces(OTHERS_NOTE)


def _made(path: Path, *, wal: bool) -> None:
    """A shop whose application never heard of secure_delete."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        connection.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, note TEXT)")
        people = [(number, f"person{number}@example.net", long_text(100 + number)) for number in range(1, 20)]
        people += [(40, JANE, JANES_NOTE), (41, "bob@example.net", OTHERS_NOTE)]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?)", people)
        connection.execute("UPDATE customers SET email = 'moved.' || email WHERE id = 40")
        connection.execute("UPDATE customers SET email = substr(email, 7) WHERE id = 40")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SqlDatabase]:
    yield from _shop(tmp_path, wal=False)


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[SqlDatabase]:
    """The same with a write-ahead log."""
    yield from _shop(tmp_path, wal=True)


def _shop(folder: Path, *, wal: bool) -> Iterator[SqlDatabase]:
    path = folder / "shop.db"
    _made(path, wal=wal)
    url = f"sqlite:///{path}"
    database = SqlDatabase("sqlite", url, sa.create_engine(url, poolclass=sa.pool.NullPool))
    yield database
    database.close()


def erased(database: SqlDatabase) -> dict[object, tuple[object, ...]]:
    driver = database.driver()
    erase(driver, locator("customers", 40))
    assert is_absent(driver, locator("customers", 40))
    return database.dump("customers")


def careless(database: SqlDatabase, statement: str) -> None:
    """What an application does that does not overwrite what it deletes."""
    with closing(sqlite3.connect(database.engine.url.database or "", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute(statement)


def test_bytes_that_an_application_left_in_free_pages_are_seen_and_removed(shop: SqlDatabase) -> None:
    careless(shop, "DELETE FROM customers WHERE id = 40")
    others = shop.dump("customers")
    assert holding(shop, *JANES) == {"shop.db"}
    seen = assessed(shop)
    assert channel(seen, "sqlite.free_space").state is ResidueState.RETAINED
    assert [work.statement for work in seen.works] == ["PRAGMA secure_delete = ON", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]
    maintained(shop, seen)
    assert (holding(shop, JANE, *JANES), assessed(shop, seen).open_c1) == (set(), ())
    assert shop.dump("customers") == others
    assert holding(shop, *OTHERS) == {"shop.db"}


def test_the_deletion_of_the_engine_overwrites_but_what_an_application_left_before_still_counts(shop: SqlDatabase) -> None:
    erased(shop)
    assert holding(shop, *JANES) == {"shop.db"}
    seen = assessed(shop)
    assert seen.open_c1
    maintained(shop, seen)
    assert (holding(shop, JANE, *JANES), assessed(shop, seen).open_c1) == (set(), ())


def test_the_write_ahead_log_keeps_the_values_until_it_is_truncated(logged: SqlDatabase) -> None:
    with closing(sqlite3.connect(logged.engine.url.database or "")) as reader:
        reader.execute("SELECT count(*) FROM customers").fetchall()
        others = erased(logged)
        assert "shop.db-wal" in holding(logged, JANE)
        seen = assessed(logged)
        assert channel(seen, "sqlite.log").state is ResidueState.RETAINED
    maintained(logged, seen)
    assert (holding(logged, JANE, *JANES), assessed(logged, seen).open_c1) == (set(), ())
    assert logged.dump("customers") == others


@pytest.mark.slow
def test_a_busy_reader_is_noticed_in_the_row_of_the_checkpoint(logged: SqlDatabase) -> None:
    with closing(sqlite3.connect(logged.engine.url.database or "", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM customers").fetchall()
        erased(logged)
        seen = assessed(logged)
        with pytest.raises(Conflict) as refused:
            maintained(logged, seen)
        assert refused.value.code == "sql.locked"
        assert "sqlite.log" in {entry.code for entry in assessed(logged, seen).open_c1}
        reader.execute("COMMIT")
    maintained(logged, seen)
    assert assessed(logged, seen).open_c1 == ()


def test_a_log_that_was_begun_anew_after_the_effects_does_not_stand_in_the_way_but_the_file_has_to_be_looked_at(logged: SqlDatabase) -> None:
    with closing(sqlite3.connect(logged.engine.url.database or "", isolation_level=None)) as application:
        application.execute("SELECT count(*) FROM customers").fetchall()
        erased(logged)
        seen = assessed(logged)
        maintained(logged, seen)
        application.execute("INSERT INTO customers VALUES (99, 'new@example.net', '')")
        after = assessed(logged, seen)
        assert channel(after, "sqlite.log").state is ResidueState.VERIFIED_ABSENT
        assert [entry.code for entry in after.open_c1] == ["sqlite.free_space", "sqlite.auto_vacuum"]


def test_a_full_text_index_keeps_words_until_it_is_merged(shop: SqlDatabase) -> None:
    shop.run("CREATE VIRTUAL TABLE words USING fts5 (body)")
    shop.run("INSERT INTO words (rowid, body) VALUES (1, 'quetzalcoatlus called'), (2, 'somebody else called')")
    shop.run("DELETE FROM words WHERE rowid = 1")
    assert holding(shop, "quetzalcoatlus") == {"shop.db"}
    seen = assessed(shop)
    assert channel(seen, "sqlite.full_text").state is ResidueState.RETAINED
    maintained(shop, seen)
    assert (holding(shop, "quetzalcoatlus"), assessed(shop, seen).open_c1) == (set(), ())
    assert shop.rows("SELECT rowid FROM words WHERE words MATCH 'somebody'") == [(2,)]


def test_a_journal_that_is_kept_is_found(shop: SqlDatabase) -> None:
    with closing(sqlite3.connect(shop.engine.url.database or "", isolation_level=None)) as application:
        application.execute("PRAGMA journal_mode = PERSIST")
        application.execute("DELETE FROM customers WHERE id = 40")
        assert "shop.db-journal" in holding(shop, JANE)
        seen = assessed(shop)
        assert channel(seen, "sqlite.rollback_journal").state is ResidueState.RETAINED
        maintained(shop, seen)
    assert (holding(shop, JANE, *JANES), assessed(shop, seen).open_c1) == (set(), ())


def test_samples_of_rows_that_are_gone_are_found_by_reading_them(shop: SqlDatabase) -> None:
    """This Python's SQLite makes no samples of this kind, so one is written as a server with them would."""
    record = bytes([3, 13 + 2 * len(JANE), 1]) + JANE.encode() + bytes([40])
    shop.run("CREATE TABLE notes (id INTEGER)", "ANALYZE")
    with closing(sqlite3.connect(shop.engine.url.database or "", isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        made = "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"
        connection.execute("UPDATE sqlite_schema SET name = 'sqlite_stat4', tbl_name = name, sql = ? WHERE name = 'notes'", (made,))
        connection.execute("UPDATE sqlite_schema SET tbl_name = name WHERE name = 'sqlite_stat4'")
    with closing(sqlite3.connect(shop.engine.url.database or "", isolation_level=None)) as connection:
        connection.execute("INSERT INTO sqlite_stat4 VALUES ('customers', 'sqlite_autoindex_customers_1', '1', '1', '1', ?)", (record,))
    assert channel(assessed(shop), "sqlite.samples").state is ResidueState.VERIFIED_ABSENT
    erased(shop)
    seen = assessed(shop)
    assert channel(seen, "sqlite.samples").state is ResidueState.RETAINED
    assert "ANALYZE" in [work.statement for work in seen.works]
    maintained(shop, seen)
    assert (assessed(shop, seen).open_c1, holding(shop, JANE)) == ((), set())


def test_copies_beside_the_file_are_counted_and_not_named(shop: SqlDatabase) -> None:
    path = Path(shop.engine.url.database or "")
    path.with_name("shop.db.bak").write_bytes(path.read_bytes())
    found = channel(assessed(shop), "sqlite.copies")
    assert (found.state, found.detail.startswith("1 file")) == (ResidueState.OUTSIDE_CONTROL, True)
    assert "bak" not in found.detail


_ROWS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3), st.integers(0, 9000)), min_size=1, max_size=40)


@given(_ROWS, st.sampled_from([512, 1024, 4096, 65536]), st.sampled_from(["NONE", "FULL", "INCREMENTAL"]))
@settings(deadline=None, max_examples=40)
def test_a_file_in_which_nothing_is_found_holds_no_deleted_value_wherever_it_stood(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int]], page: int, vacuum: str
) -> None:
    """Rows are written, overwritten and deleted at random; when no page is dirty and none is free, no value but the present ones can be read."""
    path = tmp_path_factory.mktemp("pages") / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in (f"page_size = {page}", f"auto_vacuum = {vacuum}", "secure_delete = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT)")
        connection.execute("CREATE INDEX i ON t (substr(value, 1, 20))")
        written: set[str] = set()
        for number, (key, kind, length) in enumerate(steps):
            if kind == 0:
                connection.execute("DELETE FROM t WHERE id = ?", (key,))
            else:
                value = f"value-{number:04}-" + f"{number:x}" * (length if kind == 3 else length % 200)
                written.add(value[:11])
                connection.execute("INSERT INTO t VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value", (key, value))
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("VACUUM")
        kept = {row[0][:11] for row in connection.execute("SELECT value FROM t")}
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    assert (dirty_pages(path), free) == (0, 0)
    data = path.read_bytes()
    assert {value for value in written if value.encode() in data} == kept
