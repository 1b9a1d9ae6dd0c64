"""Slices of a table: together they are every row exactly once, whatever the key is."""

from collections import Counter
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.drivers.driver import Slice
from dsr_engine.drivers.sql.finding.slicing import _uuid_bounds, within
from tests.drivers.sql_database import JANE, SqlDatabase, about, search

WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-2_000_000, 2_000_000)


def _covered(database: SqlDatabase, table: str) -> tuple[list[Slice], Counter[tuple[str, ...]]]:
    driver = database.driver()
    parts = [part for part in driver.slices(about()) if part.collection == table]
    found = Counter(record.locator.key for record in search(driver, about()).records if record.locator.collection == table)
    driver.close()
    return parts, found


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(WHOLE, min_size=1, max_size=30, unique=True))
def test_ranges_of_a_whole_number_key_hold_every_row_once(sql_database: SqlDatabase, keys: list[int]) -> None:
    sql_database.run("DROP TABLE IF EXISTS people", "CREATE TABLE people (id BIGINT PRIMARY KEY, email VARCHAR(100))")
    sql_database.insert("people", [{"id": key, "email": JANE} for key in keys])
    parts, found = _covered(sql_database, "people")
    assert found == Counter((str(key),) for key in keys)
    assert len(parts) > 1 or max(keys) - min(keys) < 500_000


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.tuples(WHOLE, st.integers(0, 3)), min_size=1, max_size=30, unique=True))
def test_ranges_of_a_composite_key_hold_every_row_once(sql_database: SqlDatabase, keys: list[tuple[int, int]]) -> None:
    sql_database.run(
        "DROP TABLE IF EXISTS seats", "CREATE TABLE seats (flight BIGINT, place INTEGER, email VARCHAR(100), PRIMARY KEY (flight, place))"
    )
    sql_database.insert("seats", [{"flight": flight, "place": place, "email": JANE} for flight, place in keys])
    parts, found = _covered(sql_database, "seats")
    flights = [flight for flight, _ in keys]
    assert found == Counter((str(flight), str(place)) for flight, place in keys)
    assert len(parts) > 1 or max(flights) - min(flights) < 500_000


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
def test_null_and_text_in_a_whole_number_key_fall_into_one_range_each(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE seats (flight INTEGER, place INTEGER, email TEXT, PRIMARY KEY (flight, place))")
    keys = [(None, 1), (-5, 1), (3, 1), (2_000_000, 1)]
    sql_database.insert("seats", [{"flight": flight, "place": place, "email": JANE} for flight, place in keys])
    found = search(sql_database.driver(), about())
    assert len(found.looked) > 3
    assert sum(looked.count for looked in found.looked) == len(keys)
    assert found.keys == {("seats", (str(flight), "1")) for flight, _ in keys[1:]}
    assert [gap.code for gap in found.gaps] == ["sql.null_key"]
    sql_database.insert("seats", [{"flight": "tomorrow", "place": 1, "email": JANE}])
    assert ("seats", ("tomorrow", "1")) in search(sql_database.driver(), about()).keys


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
def test_ranges_of_a_uuid_key_hold_every_row_once(sql_database: SqlDatabase) -> None:
    edges = [UUID(int=number) for number in (0, 1, 2**128 - 1, 2**127, 2**127 - 1, 2**126, 3 * 2**126 - 1)]
    keys = [str(key) for key in (*edges, *(uuid4() for _ in range(50)))]
    sql_database.run("CREATE TABLE people (id UUID PRIMARY KEY, email TEXT)")
    sql_database.insert("people", [{"id": UUID(key), "email": JANE} for key in keys])
    sql_database.run("UPDATE pg_class SET reltuples = 3000000 WHERE relname = 'people'")
    parts, found = _covered(sql_database, "people")
    assert len(parts) == 8
    assert found == Counter((key,) for key in keys)


@given(rows=st.integers(0, 10**12))
def test_bounds_of_the_space_of_uuids_ascend_and_say_nothing_about_a_row(rows: int) -> None:
    bounds = [UUID(bound).int for bound in _uuid_bounds(rows)]
    assert bounds == sorted(set(bounds))
    assert len(bounds) < 64
    assert all(bound % 2**120 == 0 for bound in bounds)


@pytest.mark.parametrize("sql_database", ["postgres"], indirect=True)
def test_a_range_is_asked_for_by_the_key_alone_so_that_an_index_serves_it(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE seats (flight BIGINT, place INTEGER, PRIMARY KEY (flight, place))")
    sql_database.insert("seats", [{"flight": flight, "place": 1} for flight in range(0, 4_000_000, 400)])
    sql_database.run("ANALYZE seats")
    driver = sql_database.driver()
    table = driver._catalogue().table("seats")
    query = sa.select(sa.func.count()).select_from(table.element).where(within(table, ("1000000", "1500000")))
    with sql_database.engine.connect() as connection:
        compiled = query.compile(connection, compile_kwargs={"literal_binds": False})
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}", dict(compiled.params)))
    assert "seats_pkey" in plan
