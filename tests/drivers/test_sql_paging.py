"""Pages of what is due: every row once, in whatever order the server sorts its keys, and counted as it is found; on all servers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.system import FieldMap
from dsr_engine.drivers.driver import Looked, OlderThan
from dsr_engine.drivers.sql.driver import SqlDriver
from tests.drivers.sql_database import SqlDatabase, mapped

_CUTOFF = date(2020, 1, 2)
_DUE = OlderThan("leads", Start(("seen",)), _CUTOFF)
_SEEN = FieldMap("seen", starts_retention=True)
_EMAIL = FieldMap("email", category="user.contact.email")
_WORDS = ["", "a b", "a", "b'c", "b%", "b_", "10", "9", "zz", "Ωmega", "ж", "\\n", "tab\there", "Z-last", "éa", "ñ", "-1", "-"]


def _pages(driver: SqlDriver, query: OlderThan, size: int, upto: tuple[str, ...] | None = None) -> Iterator[list[tuple[str, ...]]]:
    """The keys of each page, each page behind the last key of the one before, as a sweep walks."""
    after: tuple[str, ...] = ()
    while True:
        wanted = replace(query, after=after, most=size, upto=upto)
        (part,) = driver.slices(wanted)
        events = list(driver.find(wanted, part))
        keys = [event.locator.key for event in events if isinstance(event, Record)]
        yield keys
        last = events[-1]
        assert isinstance(last, Looked)
        if not last.is_cut:
            return
        assert len(keys) == size
        after = keys[-1]


def _walked(driver: SqlDriver, query: OlderThan, size: int, upto: tuple[str, ...] | None = None) -> list[tuple[str, ...]]:
    return [key for page in _pages(driver, query, size, upto) for key in page]


_KEYS: dict[str, tuple[str, list[tuple[str, ...]]]] = {
    "whole numbers": ("id BIGINT PRIMARY KEY", [(str(number),) for number in (-5, 0, 1, 2, 9, 10, 11, 100, 2**40)]),
    "words": ("id VARCHAR(40) PRIMARY KEY", [(word,) for word in _WORDS]),
    "days": ("id DATE PRIMARY KEY", [(f"20{year}-0{month}-11",) for year in (10, 11, 99) for month in (1, 2, 9)]),
    "two columns": (
        "shop VARCHAR(20) NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (shop, number)",
        [(shop, str(number)) for shop in ("a", "b", "ä b") for number in (1, 2, 10)],
    ),
    "no key at all": ("id VARCHAR(40)", [(word,) for word in _WORDS]),
}


def _columns(kind: str) -> tuple[str, ...]:
    return ("shop", "number") if kind == "two columns" else ("id",)


def _filled(database: SqlDatabase, kind: str) -> set[tuple[str, ...]]:
    """A table with keys of this kind; every third row is not due. Gives the keys of those that are."""
    declared, keys = _KEYS[kind]
    database.run(f"CREATE TABLE leads (email VARCHAR(60), seen DATE, {declared})")
    rows = [
        {**dict(zip(_columns(kind), key, strict=True)), "email": f"{number}@x.org", "seen": "2026-01-01" if number % 3 == 0 else "2019-01-01"}
        for number, key in enumerate(keys)
    ]
    database.insert("leads", rows)
    return {key for number, key in enumerate(keys) if number % 3}


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("kind", _KEYS)
def test_pages_bring_every_due_row_once(sql_database: SqlDatabase, kind: str, size: int) -> None:
    due = _filled(sql_database, kind)
    driver = sql_database.driver(mapped("leads", _SEEN, _EMAIL))
    walked = _walked(driver, _DUE, size)
    assert len(walked) == len(set(walked)) == len(due)
    if kind != "no key at all":
        assert set(walked) == due
    assert driver.count("leads", (_DUE,)).found == (len(due),)


@pytest.mark.parametrize("kind", ["whole numbers", "words", "two columns", "no key at all"])
def test_a_stretch_ends_with_its_last_key_and_begins_behind_its_first(sql_database: SqlDatabase, kind: str) -> None:
    _filled(sql_database, kind)
    driver = sql_database.driver(mapped("leads", _SEEN, _EMAIL))
    whole = _walked(driver, _DUE, 100)
    for number, key in enumerate(whole):
        assert _walked(driver, _DUE, 2, upto=key) == whole[: number + 1]


@pytest.mark.parametrize("sql_database", ["postgres", "mariadb"], indirect=True)
def test_an_enum_key_is_walked_although_servers_sort_it_by_number(sql_database: SqlDatabase) -> None:
    if sql_database.kind == "postgres":
        sql_database.run("CREATE TYPE size AS ENUM ('small', 'medium', 'large')")
    kind = "size" if sql_database.kind == "postgres" else "ENUM('small', 'medium', 'large')"
    sql_database.run(
        f"CREATE TABLE leads (id {kind} PRIMARY KEY, seen DATE)",
        "INSERT INTO leads VALUES ('small', '2001-01-01'), ('medium', '2001-01-01'), ('large', '2001-01-01')",
    )
    assert sorted(_walked(sql_database.driver(mapped("leads", _SEEN)), _DUE, 1)) == [("large",), ("medium",), ("small",)]


def test_every_age_that_counts_has_to_be_over_and_one_has_to_count(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE leads (id INTEGER PRIMARY KEY, email VARCHAR(20), phone VARCHAR(20), seen DATE, called DATE, state VARCHAR(9))",
        "INSERT INTO leads VALUES (1, 'a', NULL, '2019-01-01', '2026-01-01', 'new'), (2, 'a', '1', '2019-01-01', '2026-01-01', 'new'), "
        "(3, 'a', '1', '2019-01-01', '2019-01-01', NULL), (4, NULL, NULL, '2019-01-01', '2019-01-01', 'new'), "
        "(5, 'a', NULL, '2026-01-01', '2019-01-01', 'new'), (6, 'a', NULL, '2019-01-01', NULL, 'open'), (7, 'a', '1', '2019-01-01', NULL, 'new')",
    )
    driver = sql_database.driver(mapped("leads", _SEEN, _EMAIL, FieldMap("phone", category="user.contact.phone_number")))
    calls = OlderThan("leads", Start(("called",)), _CUTOFF, where_any=("phone",))
    open_ones = OlderThan("leads", Start(()), _CUTOFF, {"state": ("open",)})
    mails = OlderThan("leads", Start(("seen",)), _CUTOFF, where_any=("email",))
    both = replace(mails, also=(calls,))
    assert _walked(driver, both, 100) == [("1",), ("3",), ("6",)]
    assert _walked(driver, replace(mails, also=(calls, open_ones)), 100) == [("1",), ("3",), ("4",)]
    unknown = replace(calls, unknown=True)
    answer = driver.count("leads", (both, unknown, replace(mails, unknown=True)))
    assert (answer.total, answer.found) == (7, (3, 1, 0))


def test_a_page_carries_the_dates_and_the_fields_with_a_category_and_no_more(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE leads (id INTEGER PRIMARY KEY, email VARCHAR(20), secret VARCHAR(20), seen DATE)",
        "INSERT INTO leads VALUES (1, 'a@x.org', 'never read', '2019-01-01'), (2, NULL, 'never read', '2019-01-01')",
    )
    driver = sql_database.driver(mapped("leads", _SEEN, _EMAIL))
    wanted = replace(_DUE, most=10)
    records = [event for part in driver.slices(wanted) for event in driver.find(wanted, part) if isinstance(event, Record)]
    assert [[unit.place for unit in record.units] for record in records] == [["email"], []]
    assert [dict(record.facts) for record in records] == [{"seen": "2019-01-01"}] * 2


def test_a_linked_date_is_judged_page_by_page(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE leads (id INTEGER PRIMARY KEY, email VARCHAR(20))",
        "CREATE TABLE calls (id INTEGER PRIMARY KEY, lead INTEGER, seen DATE)",
        "INSERT INTO leads VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
        "INSERT INTO calls VALUES (1, 1, '2019-01-01'), (2, 2, '2019-01-01'), (3, 2, '2026-01-01'), (4, 4, '2018-01-01')",
    )
    driver = sql_database.driver(mapped("leads", _EMAIL), mapped("calls", FieldMap("lead", references=("leads", "id")), _SEEN))
    query = OlderThan("leads", Start(("calls.seen",)), _CUTOFF)
    assert _walked(driver, query, 1) == [("1",), ("4",)]
    assert driver.count("leads", (query, replace(query, unknown=True))).found == (2, 1)


@pytest.mark.parametrize("sql_database", ["sqlite"], indirect=True)
def test_a_key_of_nothing_is_a_gap_and_does_not_stop_the_walk(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE leads (id TEXT PRIMARY KEY, seen DATE)",
        "INSERT INTO leads VALUES (NULL, '2001-01-01'), ('a', '2001-01-01'), ('b', '2001-01-01')",
    )
    driver = sql_database.driver(mapped("leads", _SEEN))
    wanted = replace(_DUE, most=2)
    (part,) = driver.slices(wanted)
    events = list(driver.find(wanted, part))
    assert [type(event) for event in events] == [Gap, Record, Looked]
    assert events[-1] == Looked("leads", 2, Extent.FULL, is_cut=True)


def test_a_table_that_is_not_there_is_not_counted_as_empty(sql_database: SqlDatabase) -> None:
    with pytest.raises(ManifestWrong):
        sql_database.driver(mapped("leads", _SEEN)).count("leads", (_DUE,))
