"""Level C1 on MariaDB: what stays in the files after a deletion, what the rebuild removes, and whose history is left to a human."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pymysql
import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.residue import ResidueState
from dsr_engine.domain.selector import Secret
from tests.drivers.disk import holding
from tests.drivers.sql_database import JANE, SqlDatabase, erase, is_absent, locator
from tests.drivers.upkeep_bench import assessed, channel, long_text, maintained, pieces
from tests.servers.mariadb import MariadbServer, running_mariadb

JANES_NOTE, OTHERS_NOTE = long_text(17), long_text(18)
JANES, OTHERS = pieces(JANES_NOTE), pieces(OTHERS_NOTE)


@pytest.fixture
def shop(mariadb_server: MariadbServer, mariadb_database: str) -> Iterator[SqlDatabase]:
    """Jane among forty people, with an index, a long value, and an index of words."""
    url = mariadb_server.url(mariadb_database)
    database = SqlDatabase("mariadb", url, sa.create_engine(url.replace("mysql://", "mysql+pymysql://"), poolclass=sa.pool.NullPool))
    database.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(100) NOT NULL UNIQUE, note TEXT, FULLTEXT KEY words (email)) ENGINE=InnoDB"
    )
    database.insert("customers", [{"id": number, "email": f"person{number}@example.net", "note": long_text(100 + number)} for number in range(1, 40)])
    database.insert("customers", [{"id": 40, "email": JANE, "note": JANES_NOTE}, {"id": 41, "email": "bob@example.net", "note": OTHERS_NOTE}])
    yield database
    database.close()


def erased(database: SqlDatabase) -> dict[object, tuple[object, ...]]:
    driver = database.driver()
    erase(driver, locator("customers", 40))
    assert is_absent(driver, locator("customers", 40))
    return database.dump("customers")


def test_after_a_deletion_the_values_are_still_in_the_file_of_the_table(shop: SqlDatabase) -> None:
    with shop.engine.connect() as older:  # whoever still sees the row keeps the server from purging it, and a purge may compact its page
        older.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        erased(shop)
        assert "customers.ibd" in holding(shop, JANE, *JANES)
    seen = assessed(shop)
    assert channel(seen, "mariadb.pages").state is ResidueState.RETAINED
    assert channel(seen, "mariadb.full_text").state is ResidueState.RETAINED
    assert channel(seen, "mariadb.undo_log").state is ResidueState.OUTSIDE_CONTROL


def test_the_rebuild_removes_every_copy_from_the_files_and_leaves_everybody_else_as_they_were(shop: SqlDatabase) -> None:
    others = erased(shop)
    seen = assessed(shop)
    (work,) = seen.works
    assert (work.statement.endswith("ENGINE=InnoDB, FORCE"), set(work.closes)) == (True, {"mariadb.pages", "mariadb.full_text"})
    maintained(shop, seen)
    assert holding(shop, JANE, *JANES, "jane") == set()
    after = assessed(shop, seen)
    assert (after.open_c1, after.works) == ((), ())
    assert channel(after, "mariadb.pages").state is ResidueState.ERASED
    assert shop.dump("customers") == others
    assert holding(shop, *OTHERS) == {"customers.ibd"}


def test_a_value_that_was_overwritten_is_a_dead_copy_too(shop: SqlDatabase) -> None:
    assert holding(shop, *JANES)  # which writes it out: a page that is freed before is never written
    shop.run("UPDATE customers SET email = 'nobody@example.net', note = '' WHERE id = 40")
    seen = assessed(shop)
    assert holding(shop, JANE, *JANES)
    maintained(shop, seen)
    assert (assessed(shop, seen).open_c1, holding(shop, JANE, *JANES)) == ((), set())


def test_what_was_done_to_another_table_does_not_count(shop: SqlDatabase) -> None:
    shop.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT) ENGINE=InnoDB")
    erased(shop)
    seen = assessed(shop)
    shop.run("ALTER TABLE orders ENGINE=InnoDB, FORCE", "ANALYZE TABLE customers")
    assert "mariadb.pages" in {entry.code for entry in assessed(shop, seen).open_c1}


@pytest.mark.slow
def test_a_table_that_somebody_uses_is_not_waited_for_without_end(shop: SqlDatabase) -> None:
    erased(shop)
    seen = assessed(shop)
    with shop.engine.connect() as other:
        other.exec_driver_sql("SELECT count(*) FROM customers").scalar()  # which holds a metadata lock until its transaction ends
        with pytest.raises(DsrError) as refused:
            maintained(shop, seen)
        assert refused.value.code == "sql.locked"
    maintained(shop, seen)
    assert assessed(shop, seen).open_c1 == ()


def test_partitions_are_rebuilt_together(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, email VARCHAR(99)) ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 3",
        f"INSERT INTO visits VALUES (1, 'one@example.net'), (2, 'visitor-{JANE}')",
        "DELETE FROM visits WHERE id = 2",
    )
    seen = assessed(shop, collections=("visits",))
    assert len(seen.marks["file:visits"].split()) == 3
    shop.run("ALTER TABLE visits REBUILD PARTITION p0")
    assert assessed(shop, seen, ("visits",)).open_c1
    maintained(shop, seen)
    assert (assessed(shop, seen, ("visits",)).open_c1, holding(shop, f"visitor-{JANE}")) == ((), set())


def test_earlier_versions_of_rows_are_left_to_a_human(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(99)) ENGINE=InnoDB WITH SYSTEM VERSIONING",
        f"INSERT INTO people VALUES (1, 'old@example.net'), (2, '{JANE}')",
        "UPDATE people SET email = 'new@example.net' WHERE id = 1",
        "DELETE FROM people WHERE id = 2",
    )
    seen = assessed(shop, collections=("people",))
    assert "people (2)" in channel(seen, "mariadb.history").detail
    (delete,) = (work for work in seen.works if work.harms)
    with pytest.raises(Exception, match="human"):
        maintained(shop, seen)
    assert len(shop.rows("SELECT * FROM people FOR SYSTEM_TIME ALL")) == 3
    shop.run(delete.statement)  # a human looked and did it
    seen = assessed(shop, seen, ("people",))
    maintained(shop, seen)
    assert (assessed(shop, seen, ("people",)).open_c1, holding(shop, JANE)) == ((), {"customers.ibd"})


def test_sampled_values_of_columns_are_removed_with_their_bytes(shop: SqlDatabase) -> None:
    shop.run("DELETE FROM customers WHERE id <> 40", "ANALYZE TABLE customers PERSISTENT FOR ALL")
    samples = Path(str(shop.rows("SELECT @@datadir")[0][0])) / "mysql" / "column_stats.MAD"
    shop.run("FLUSH TABLES mysql.column_stats")
    assert JANE.encode() in samples.read_bytes()
    erased(shop)
    seen = assessed(shop)
    assert channel(seen, "mariadb.column_statistics").state is ResidueState.RETAINED
    shop.run("DELETE FROM mysql.column_stats WHERE db_name = DATABASE()", "FLUSH TABLES mysql.column_stats")
    assert JANE.encode() in samples.read_bytes()  # deleted, and still there
    assert "mariadb.column_statistics" in {entry.code for entry in assessed(shop, seen).open_c1}
    maintained(shop, seen)
    shop.run("FLUSH TABLES mysql.column_stats")
    assert (assessed(shop, seen).open_c1, JANE.encode() in samples.read_bytes()) == ((), False)


def test_without_a_binary_log_there_is_nothing_in_it_and_a_poor_account_leaves_no_channel_out(shop: SqlDatabase) -> None:
    erased(shop)
    rich = assessed(shop)
    assert channel(rich, "mariadb.binary_log").state is ResidueState.VERIFIED_ABSENT
    name = f"poor_{abs(hash(shop.url)) % 10_000_000}"
    shop.run(f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY 'test'", f"GRANT SELECT ON customers TO '{name}'@'127.0.0.1'")
    try:
        seen = assessed(shop, verify_as={"user": Secret(name)})
    finally:
        shop.run(f"DROP USER '{name}'@'127.0.0.1'")
    assert [entry.code for entry in seen.channels] == [entry.code for entry in rich.channels]
    assert "SELECT on mysql.column_stats" in channel(seen, "mariadb.column_statistics").detail
    assert "MONITOR" in channel(seen, "mariadb.replicas").detail
    assert (seen.server.role, seen.server.erased_as) == (f"{name}@127.0.0.1", "test@127.0.0.1")
    assert (seen.server.may_hide_rows, rich.server.may_hide_rows) == (True, False)


def test_a_rebuild_counts_also_for_an_account_that_may_not_see_the_files(shop: SqlDatabase) -> None:
    name = f"owner_{abs(hash(shop.url)) % 10_000_000}"
    shop.run(f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY 'test'", f"GRANT ALL ON {shop.engine.url.database}.* TO '{name}'@'127.0.0.1'")
    try:
        erased(shop)
        seen = assessed(shop, verify_as={"user": Secret(name)})
        assert seen.marks["file:customers"].startswith("made ")
        with (
            pymysql.connect(host="127.0.0.1", port=shop.engine.url.port or 0, user="test", password="test") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("DO SLEEP(1.1)")  # the time of a table's file has whole seconds
        maintained(shop, seen)
        after = assessed(shop, seen, verify_as={"user": Secret(name)})
        assert channel(after, "mariadb.pages").state is ResidueState.ERASED
    finally:
        shop.run(f"DROP USER '{name}'@'127.0.0.1'")


@pytest.fixture
def logged() -> Iterator[SqlDatabase]:
    """A server of its own that writes a binary log, as production servers do."""
    with running_mariadb("log-bin=binlog", "server-id=1", "expire-logs-days=0", "binlog-format=ROW") as server:
        server.run("CREATE DATABASE shop CHARACTER SET utf8mb4")
        url = server.url("shop")
        database = SqlDatabase("mariadb", url, sa.create_engine(url.replace("mysql://", "mysql+pymysql://"), poolclass=sa.pool.NullPool))
        database.run("CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(99)) ENGINE=InnoDB")
        database.run(f"INSERT INTO customers VALUES (1, '{JANE}'), (2, 'bob@example.net')", "DELETE FROM customers WHERE id = 1")
        yield database
        database.close()


def test_the_binary_log_keeps_before_images_for_ever_unless_it_expires_or_is_purged(logged: SqlDatabase) -> None:
    folder = Path(str(logged.rows("SELECT @@datadir")[0][0]))
    seen = assessed(logged)
    found = channel(seen, "mariadb.binary_log")
    assert (found.state, "never expire" in found.detail) == (ResidueState.OUTSIDE_CONTROL, True)
    assert any(JANE.encode() in path.read_bytes() for path in folder.glob("binlog.0*"))
    logged.run("SET GLOBAL binlog_expire_logs_seconds = 604800")
    found = channel(assessed(logged, seen), "mariadb.binary_log")
    assert found.state is ResidueState.EXPIRES_ON
    assert found.until is not None
    assert 7 <= (found.until - datetime.now(UTC).date()).days <= 9
    logged.run("FLUSH BINARY LOGS")
    last = str(logged.rows("SHOW BINARY LOGS")[-1][0])
    while str(logged.rows("SHOW BINARY LOGS")[0][0]) != last:  # the server lets go of a file a moment after the next one was begun
        logged.run(f"PURGE BINARY LOGS TO '{last}'", "DO SLEEP(0.1)")  # an administrator, once the replicas have caught up
    assert channel(assessed(logged, seen), "mariadb.binary_log").state is ResidueState.VERIFIED_ABSENT
    assert not any(JANE.encode() in path.read_bytes() for path in folder.glob("binlog.0*"))


def test_the_redo_log_is_clean_once_its_ring_was_written_over(logged: SqlDatabase) -> None:
    seen = assessed(logged)
    assert channel(seen, "mariadb.redo_log").state is ResidueState.OUTSIDE_CONTROL
    logged.run("CREATE TABLE filler (id INTEGER PRIMARY KEY AUTO_INCREMENT, text LONGTEXT) ENGINE=InnoDB")
    for _ in range(8):
        logged.run("INSERT INTO filler (text) VALUES (REPEAT('x', 3000000))", "DELETE FROM filler")
    assert channel(assessed(logged, seen), "mariadb.redo_log").state is ResidueState.VERIFIED_ABSENT
