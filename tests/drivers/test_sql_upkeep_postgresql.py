"""Level C1 on PostgreSQL: what stays in the files after a deletion, what the maintenance removes, and that nothing is called done before it is."""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import psycopg
import pytest
import sqlalchemy as sa

from dsr_engine.domain.residue import ResidueState
from dsr_engine.domain.selector import Secret
from dsr_engine.drivers.sql.upkeep.postgresql_server import round_of
from tests.drivers.disk import holding
from tests.drivers.sql_database import JANE, SqlDatabase, erase, is_absent, locator
from tests.drivers.upkeep_bench import assessed, channel, long_text, maintained, pieces
from tests.servers.postgres import PostgresServer

JANES_NOTE, OTHERS_NOTE = long_text(17), long_text(18)
JANES, OTHERS = pieces(JANES_NOTE), pieces(OTHERS_NOTE)


@pytest.fixture
def shop(postgres_server: PostgresServer, postgres_database: str) -> Iterator[SqlDatabase]:
    """Jane among forty people, with an index, a long value, statistics, and a materialized view that counts."""
    url = postgres_server.url(postgres_database)
    database = SqlDatabase("postgres", url, sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.pool.NullPool))
    database.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL, note TEXT)",
        "CREATE UNIQUE INDEX customers_email ON customers (email)",
        "ALTER TABLE customers SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)",
    )
    database.insert("customers", [{"id": number, "email": f"person{number}@example.net", "note": long_text(100 + number)} for number in range(1, 40)])
    database.insert("customers", [{"id": 40, "email": JANE, "note": JANES_NOTE}, {"id": 41, "email": "bob@example.net", "note": OTHERS_NOTE}])
    database.run("CREATE MATERIALIZED VIEW domains AS SELECT split_part(email, '@', 2) AS domain, count(*) FROM customers GROUP BY 1", "ANALYZE")
    yield database
    database.close()


def erased(database: SqlDatabase) -> dict[object, tuple[object, ...]]:
    """Deletes Jane; gives everybody else's rows."""
    driver = database.driver()
    erase(driver, locator("customers", 40))
    assert is_absent(driver, locator("customers", 40))
    return database.dump("customers")


def test_after_a_deletion_the_values_are_still_in_table_index_long_values_and_statistics(shop: SqlDatabase) -> None:
    erased(shop)
    assert holding(shop, JANE) >= {"customers", "customers_email", "pg_statistic"}
    assert any(name.startswith("pg_toast") for name in holding(shop, *JANES))
    seen = assessed(shop)
    for code in ("pg.dead_tuples", "pg.index_pages", "pg.toast", "pg.statistics"):
        assert channel(seen, code).state is ResidueState.RETAINED, code
    assert seen.open_c1


def test_the_works_remove_every_copy_from_the_files_and_leave_everybody_else_as_they_were(shop: SqlDatabase) -> None:
    others = erased(shop)
    seen = assessed(shop)
    maintained(shop, seen)
    assert (holding(shop, JANE), holding(shop, *JANES)) == (set(), set())
    after = assessed(shop, seen)
    assert after.open_c1 == ()
    assert after.works == ()
    assert channel(after, "pg.dead_tuples").state is ResidueState.ERASED
    assert shop.dump("customers") == others
    assert holding(shop, *OTHERS)


def test_a_plain_vacuum_is_not_enough_and_is_not_taken_for_it(shop: SqlDatabase) -> None:
    erased(shop)
    seen = assessed(shop)
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute("VACUUM (FREEZE, ANALYZE) customers")
    assert holding(shop, JANE)
    assert {entry.code for entry in assessed(shop, seen).open_c1} >= {"pg.dead_tuples", "pg.index_pages"}


def test_a_rewrite_under_an_older_snapshot_copies_the_dead_rows_and_is_not_taken_for_one(shop: SqlDatabase) -> None:
    with psycopg.connect(shop.url) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("CREATE TEMPORARY TABLE keeps_a_snapshot (id INTEGER)")
        other.execute("SELECT count(*) FROM pg_class")
        erased(shop)
        seen = assessed(shop)
        assert channel(seen, "pg.old_snapshots").state is ResidueState.OUTSIDE_CONTROL
        with psycopg.connect(shop.url, autocommit=True) as connection:
            connection.execute("VACUUM (FULL, ANALYZE) customers")
        assert holding(shop, JANE) >= {"customers"}
        early = assessed(shop, seen)
        assert channel(early, "pg.dead_tuples").state is ResidueState.RETAINED
        assert "older transaction" in channel(early, "pg.dead_tuples").detail
        other.rollback()
    maintained(shop, early)
    assert assessed(shop, early).open_c1 == ()
    assert holding(shop, JANE) == set()


def test_a_value_that_was_overwritten_is_a_dead_copy_too(shop: SqlDatabase) -> None:
    shop.run("UPDATE customers SET email = 'nobody@example.net', note = '' WHERE id = 40")
    seen = assessed(shop)
    assert holding(shop, JANE)
    maintained(shop, seen)
    assert (assessed(shop, seen).open_c1, holding(shop, JANE)) == ((), set())


def test_a_materialized_view_is_computed_anew(shop: SqlDatabase) -> None:
    shop.run("CREATE VIEW names AS SELECT email FROM customers", "CREATE MATERIALIZED VIEW copies AS SELECT email FROM names")
    erased(shop)
    seen = assessed(shop)
    assert [work.statement for work in seen.works if "REFRESH" in work.statement] == [
        "REFRESH MATERIALIZED VIEW public.domains",
        "REFRESH MATERIALIZED VIEW public.copies",
    ]
    maintained(shop, seen)
    assert shop.rows(f"SELECT count(*) FROM copies WHERE email = '{JANE}'") == [(0,)]
    assert (assessed(shop, seen).open_c1, holding(shop, JANE)) == ((), set())


def test_partitions_are_written_anew_each(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE TABLE visits (id INTEGER, email TEXT) PARTITION BY RANGE (id)",
        "CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE visits_2 PARTITION OF visits FOR VALUES FROM (10) TO (20)",
        f"INSERT INTO visits VALUES (1, 'one@example.net'), (12, 'visitor-{JANE}'), (13, 'visitor-{JANE}')",
        "ANALYZE visits",
        "DELETE FROM visits WHERE id > 11",
    )
    seen = assessed(shop, collections=("visits",))
    assert {work.statement for work in seen.works} >= {"VACUUM (FULL, ANALYZE) public.visits_1", "VACUUM (FULL, ANALYZE) public.visits_2"}
    maintained(shop, seen)
    assert (assessed(shop, seen, ("visits",)).open_c1, holding(shop, f"visitor-{JANE}")) == ((), set())


def test_statistics_of_a_table_that_is_empty_now_are_removed_because_nothing_else_replaces_them(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE TABLE letters (id INTEGER PRIMARY KEY, email TEXT)",
        f"INSERT INTO letters SELECT n, 'writer-{JANE}' FROM generate_series(1, 3) n",
        "ANALYZE letters",
        "DELETE FROM letters",
        "ANALYZE letters",
    )
    assert holding(shop, f"writer-{JANE}") >= {"pg_statistic"}
    seen = assessed(shop, collections=("letters",))
    maintained(shop, seen)
    assert (assessed(shop, seen, ("letters",)).open_c1, holding(shop, f"writer-{JANE}")) == ((), set())
    assert shop.rows("SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'customers'") == [(True,)]


def test_large_objects_that_nothing_refers_to_are_left_to_a_human(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE TABLE scans (id INTEGER PRIMARY KEY, picture OID)",
        f"INSERT INTO scans VALUES (1, lo_from_bytea(0, 'scan of {JANE}')), (2, lo_from_bytea(0, 'scan of somebody'))",
        "DELETE FROM scans WHERE id = 1",
    )
    seen = assessed(shop, collections=("scans",))
    assert channel(seen, "pg.large_objects").state is ResidueState.RETAINED
    (unlink,) = (work for work in seen.works if work.harms)
    with pytest.raises(Exception, match="human"):
        maintained(shop, seen)
    assert shop.rows("SELECT count(*) FROM pg_largeobject_metadata") == [(2,)]
    shop.run(unlink.statement)  # a human looked and did it
    seen = assessed(shop, seen, ("scans",))
    maintained(shop, seen)
    assert (assessed(shop, seen, ("scans",)).open_c1, holding(shop, f"scan of {JANE}")) == ((), set())
    assert shop.rows("SELECT convert_from(lo_get(picture), 'UTF8') FROM scans") == [("scan of somebody",)]


def test_large_objects_that_were_erased_as_records_leave_their_pages_too(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE TABLE scans (id INTEGER PRIMARY KEY, picture OID)",
        f"INSERT INTO scans VALUES (1, lo_from_bytea(0, 'scan of {JANE}')), (2, lo_from_bytea(0, 'scan of somebody'))",
        "ANALYZE pg_largeobject",
        "SELECT lo_unlink(picture) FROM scans WHERE id = 1",
        "DELETE FROM scans WHERE id = 1",
    )
    touched = ("scans", "pg_largeobject")
    seen = assessed(shop, collections=touched)
    assert [work.statement for work in seen.works].count("VACUUM (FULL, ANALYZE) pg_catalog.pg_largeobject") == 1
    maintained(shop, seen)
    assert (assessed(shop, seen, touched).open_c1, holding(shop, f"scan of {JANE}")) == ((), set())
    assert shop.rows("SELECT convert_from(lo_get(picture), 'UTF8') FROM scans") == [("scan of somebody",)]


def test_a_name_that_needs_quotes_is_quoted(shop: SqlDatabase) -> None:
    shop.run('CREATE TABLE "odd "" % name" (id INTEGER PRIMARY KEY, email TEXT)', 'DELETE FROM "odd "" % name"')
    seen = assessed(shop, collections=('odd " % name',))
    maintained(shop, seen)
    assert assessed(shop, seen, ('odd " % name',)).open_c1 == ()


def test_where_nothing_was_erased_nothing_has_to_be_done(shop: SqlDatabase) -> None:
    seen = assessed(shop, collections=())
    assert (seen.works, seen.open_c1) == ((), ())


@pytest.fixture
def reader(shop: SqlDatabase, postgres_server: PostgresServer) -> Iterator[SimpleNamespace]:
    """An account that may read the table and nothing of the server."""
    name = f"reader_{abs(hash(shop.url)) % 10_000_000}"
    postgres_server.run(f"CREATE ROLE {name} LOGIN")
    shop.run(f"GRANT SELECT ON customers TO {name}")
    yield SimpleNamespace(name=name, url=shop.url.replace("//test@", f"//{name}@"))
    shop.run(f"DROP OWNED BY {name} CASCADE")
    postgres_server.run(f"DROP ROLE {name}")


def test_what_a_poor_account_cannot_see_is_not_assessed_with_the_right_that_is_missing(shop: SqlDatabase, reader: SimpleNamespace) -> None:
    erased(shop)
    seen = assessed(shop, verify_as={"url": Secret(reader.url)})
    rich = assessed(shop)
    assert [entry.code for entry in seen.channels] == [entry.code for entry in rich.channels]
    for code, right in {
        "pg.statistics": "pg_read_all_data",
        "pg.wal": "pg_monitor",
        "pg.archive": "",
        "pg.standbys": "pg_monitor",
        "pg.old_snapshots": "pg_read_all_stats",
        "pg.statement_statistics": "pg_read_all_settings",
    }.items():
        found = channel(seen, code)
        assert right in found.detail, code
        assert found.state is (ResidueState.NOT_ASSESSED if right else ResidueState.OUTSIDE_CONTROL), code
    assert (seen.server.role, seen.server.erased_as, seen.server.is_other_role) == (reader.name, "test", True)
    assert (rich.server.role, rich.server.is_other_role) == ("test", False)
    assert re.match(r"PostgreSQL \d+", seen.server.product)


def test_an_account_with_another_default_schema_is_asked_about_the_same_table(shop: SqlDatabase, reader: SimpleNamespace) -> None:
    shop.run(f"CREATE SCHEMA AUTHORIZATION {reader.name}", f"CREATE TABLE {reader.name}.customers (id INTEGER)")
    erased(shop)
    seen = assessed(shop, verify_as={"url": Secret(reader.url)})
    assert "public.customers" in channel(seen, "pg.dead_tuples").detail


def test_an_account_that_row_security_or_hidden_columns_keep_from_rows_is_told_of(shop: SqlDatabase, reader: SimpleNamespace) -> None:
    assert not assessed(shop).server.may_hide_rows
    shop.run("ALTER TABLE customers ENABLE ROW LEVEL SECURITY", "CREATE TABLE payroll (id INTEGER, pay INTEGER)")
    shop.run(f"GRANT SELECT (id) ON payroll TO {reader.name}")
    seen = assessed(shop, verify_as={"url": Secret(reader.url)})
    assert seen.server.may_hide_rows
    assert "row-level security applies in public.customers" in seen.server.detail
    assert "columns are hidden in public.payroll" in seen.server.detail
    assert channel(seen, "pg.row_security").state is ResidueState.NOT_ASSESSED
    assert "pg.row_security" in {entry.code for entry in seen.open_c1}


def test_an_inactive_slot_a_trigger_and_a_publication_are_named(shop: SqlDatabase) -> None:
    shop.run(
        "CREATE FUNCTION copies() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE TRIGGER customers_audit AFTER DELETE ON customers FOR EACH ROW EXECUTE FUNCTION copies()",
    )
    assert "customers_audit" in channel(assessed(shop), "pg.triggers").detail
    slot = f"forgotten_{abs(hash(shop.url)) % 10_000_000}"
    shop.run("CREATE PUBLICATION everything FOR TABLE customers", f"SELECT pg_create_physical_replication_slot('{slot}', true)")
    try:
        erased(shop)
        seen = assessed(shop)
        assert "everything" in channel(seen, "pg.triggers").detail
        assert f"{slot} (inactive)" in channel(seen, "pg.slots").detail
    finally:
        shop.run(f"SELECT pg_drop_replication_slot('{slot}')")
    assert channel(assessed(shop, seen), "pg.slots").state is ResidueState.VERIFIED_ABSENT


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({}, 7),
        ({"log_filename": "postgresql-%d.log"}, 31),
        ({"log_filename": "postgresql-%Y-%m-%d.log"}, 0),
        ({"log_filename": "postgresql.log"}, 0),
        ({"logging_collector": "off"}, 0),
        ({"log_truncate_on_rotation": "off"}, 0),
        ({"log_rotation_age": "0"}, 0),
    ],
)
def test_a_log_whose_files_come_round_again_has_a_date(changes: dict[str, str], days: int) -> None:
    usual = {"logging_collector": "on", "log_truncate_on_rotation": "on", "log_rotation_age": "1440", "log_filename": "postgresql-%a.log"}
    assert round_of(usual | changes) == days
