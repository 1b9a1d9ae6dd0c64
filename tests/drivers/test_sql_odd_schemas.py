"""Schemas as they are found in the wild: reserved and unprintable names, values that their columns should not hold, bytes beside the tables."""

import pymysql
import pytest
import sqlalchemy as sa

from dsr_engine.domain.errors import NotSupported, Unreachable
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite
from dsr_engine.drivers.driver import Done
from dsr_engine.drivers.sql.server.dialects import Relation
from dsr_engine.drivers.sql.server.faults import fault
from dsr_engine.drivers.sql.server.mariadb import _GRANT, _covers, _unquoted
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, about, locator, planned, search

QUOTES = {"sqlite": '"', "postgres": '"', "mariadb": "`"}


def test_any_name_of_a_table_or_column_can_be_searched_and_changed(sql_database: SqlDatabase) -> None:
    quote = QUOTES[sql_database.kind]
    table, names = f'Odd {quote}T%b"le', ("Sel ect", "per%cent", "%(x)s", "ü:x", "a?b", "order")

    def quoted(name: str) -> str:
        return quote + name.replace(quote, quote * 2) + quote

    columns = ", ".join(f"{quoted(name)} VARCHAR(60)" for name in names[1:])
    sql_database.run(f"CREATE TABLE {quoted(table)} ({quoted(names[0])} INTEGER PRIMARY KEY, {columns})")
    row = dict.fromkeys(names, "100% :x ? %s")
    sql_database.insert(table, [{**row, names[0]: number, names[number]: JANE} for number in range(1, len(names))] + [{**row, names[0]: 9}])
    driver = sql_database.driver()
    found = search(driver, about())
    assert found.keys == {(table, (str(number),)) for number in range(1, len(names))}
    for number in range(1, len(names)):
        changes, _ = planned(driver, [locator(table, number)], Rewrite((Edit(names[number], RedactSpans()),)))
        assert isinstance(driver.change(changes, REWRITER)[0], Done)
    assert search(driver, about()).records == ()
    element = sa.table(table, *(sa.column(name) for name in names))
    with sql_database.engine.connect() as connection:
        kept = connection.execute(sa.select(*element.c[1:]).where(element.c[0] == 9)).one()
    assert tuple(kept) == ("100% :x ? %s",) * 5


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
def test_a_text_in_a_column_of_another_type_is_found(sql_database: SqlDatabase) -> None:
    types = ("BOOLEAN", "INTEGER", "REAL", "NUMERIC", "DATE", "TIMESTAMP", "JSON", "BLOB")
    sql_database.run("CREATE TABLE loose (id INTEGER PRIMARY KEY, " + ", ".join(f"c{number} {name}" for number, name in enumerate(types)) + ")")
    rows = [{f"c{other}": JANE if other == number else None for other in range(len(types))} for number in range(len(types))]
    sql_database.insert("loose", rows)
    found = search(sql_database.driver(), about())
    places = {unit.place for record in found.records for unit in record.units if JANE in unit.text}
    assert places == {f"c{number}" for number in range(len(types))}
    sql_database.run("CREATE TABLE plain (id INTEGER PRIMARY KEY, is_new BOOLEAN, email TEXT)", f"INSERT INTO plain VALUES (1, 1, '{JANE}')")
    assert "is_new" not in search(sql_database.driver(), about()).texts()


@pytest.mark.parametrize("sql_database", ["mariadb"], indirect=True)
def test_a_table_with_points_and_shapes_is_searched(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE shops (id INT PRIMARY KEY, at POINT, area GEOMETRY, net INET6, code UUID, email VARCHAR(60))",
        f"INSERT INTO shops VALUES (1, POINT(1, 2), ST_GeomFromText('LINESTRING(0 0,1 1)'), '::1', UUID(), '{JANE}')",
    )
    found = search(sql_database.driver(), about())
    assert found.keys == {("shops", ("1",))}
    assert {place: text for place, text in found.texts().items() if place in ("at", "area", "net")} == {
        "at": "POINT(1 2)",
        "area": "LINESTRING(0 0,1 1)",
        "net": "::1",
    }
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("shops", 1)], Rewrite((Edit("email", RedactSpans()),)), ("at", "area"))
    assert isinstance(driver.change(changes, REWRITER)[0], Done)
    assert sql_database.rows("SELECT ST_AsText(at), ST_AsText(area), email FROM shops") == [("POINT(1 2)", "LINESTRING(0 0,1 1)", "[redacted]")]


def test_a_refusal_of_the_server_is_not_taken_for_silence() -> None:
    assert isinstance(fault(pymysql.OperationalError(4079, "Illegal parameter data type"), "searching"), NotSupported)
    assert isinstance(fault(pymysql.OperationalError(2013, "Lost connection"), "searching"), Unreachable)
    assert isinstance(fault(pymysql.OperationalError(1040, "Too many connections"), "searching"), Unreachable)


@pytest.mark.parametrize(
    ("line", "is_covered"),
    [
        ("GRANT SELECT ON *.* TO `a`@`b`", True),
        ("GRANT SELECT ON `my shop`.* TO `a`@`b`", True),
        ("GRANT SELECT, UPDATE (`x`) ON `my shop`.`the ``best``.one` TO `a`@`b`", True),
        ("GRANT SELECT ON `my%`.* TO `a`@`b`", True),
        ("GRANT SELECT ON `your shop`.* TO `a`@`b`", False),
        ("GRANT SELECT ON `my shop`.`other` TO `a`@`b`", False),
    ],
)
def test_a_grant_names_its_table_whatever_the_table_is_called(line: str, is_covered: bool) -> None:
    grant = _GRANT.match(line)
    assert grant is not None
    assert _covers(_unquoted(grant["schema"]), _unquoted(grant["table"]), Relation("my shop", "the `best`.one")) is is_covered
