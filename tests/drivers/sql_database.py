"""What the tests of the SQL driver share: a database on each kind of server, a substring gate, and the control that other rows stay as they were."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.anonymize import FieldFacts, anonymized
from dsr_engine.domain.plan import Delete, Dependent, Effect, SetValue
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.domain.system import CollectionMap, Discover, FieldMap, Manifest, System
from dsr_engine.drivers.driver import AboutSubjects, Absent, Change, Foreseen, Looked, Outcome, Present, Query, Watched
from dsr_engine.drivers.sql.driver import SqlDriver

JANE = "jane.doe@example.com"
SERVERS = ("sqlite", "postgres", "mariadb")

#: A column type that has another name on each server.
BLOB = {"sqlite": "BLOB", "postgres": "BYTEA", "mariadb": "LONGBLOB"}
JSON = {"sqlite": "JSON", "postgres": "JSONB", "mariadb": "JSON"}
MOMENT = {"sqlite": "DATETIME", "postgres": "TIMESTAMPTZ", "mariadb": "DATETIME"}


@dataclass(slots=True)
class SqlDatabase:
    """An empty database. `kind` is one of `SERVERS`."""

    kind: str
    url: str
    engine: sa.Engine
    drivers: list[SqlDriver] = field(default_factory=list)

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%") if self.kind != "sqlite" else statement)

    def insert(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        many = list(rows)
        target = sa.table(table, *(sa.column(name) for name in many[0]))
        with self.engine.begin() as connection:
            connection.execute(sa.insert(target), many)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def dump(self, table: str, key: str = "id") -> dict[Any, tuple[Any, ...]]:
        """Every row by its key, as the server gives it."""
        return {row[0]: row for row in self.rows(f"SELECT {key}, t.* FROM {table} t")}

    def driver(self, *collections: CollectionMap, discover: Discover = Discover.ALL, url: str = "", **settings: str) -> SqlDriver:
        manifest = Manifest("shop", "sql", collections=collections, discover=discover)
        driver = SqlDriver(System("shop", manifest, {name: Secret(value) for name, value in {"url": url or self.url, **settings}.items()}))
        self.drivers.append(driver)
        return driver

    def close(self) -> None:
        for driver in self.drivers:
            driver.close()
        self.engine.dispose()


class Substring:
    """A gate and a rewriter that know one text, in any letter case."""

    reach = 1024
    reference = ""

    def __init__(self, *needles: str) -> None:
        self._needles = tuple(needle.casefold() for needle in needles)

    def passes(self, data: bytes) -> bool:
        return self.passes_text(data.decode(errors="replace"))

    def passes_text(self, text: str) -> bool:
        folded = text.casefold()
        return any(needle in folded for needle in self._needles)

    def hits(self, data: bytes) -> Sequence[int]:
        folded = data.decode("latin-1").casefold()
        return sorted({found + len(needle) for needle in self._needles if (found := folded.find(needle)) >= 0})

    def redacted(self, text: str) -> str:
        for needle in self._needles:
            while (at := text.casefold().find(needle)) >= 0:
                text = text[:at] + "[redacted]" + text[at + len(needle) :]
        return text

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        return sorted((found.start(), found.end()) for needle in self._needles for found in re.finditer(re.escape(needle), text.casefold()))

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        return anonymized(how.method, value, facts, key=b"k" * 32, category=how.category, counter=how.counter)


REWRITER = Substring(JANE)


def selector(value: str = JANE, kind: str = "email", scope: Scope | None = None) -> Selector:
    return Selector(f"s-{kind}-{value[-4:]}", kind, Secret(value), verified=True, scope=scope)


def about(*selectors: Selector, facts: Mapping[str, tuple[str, ...]] | None = None) -> AboutSubjects:
    known = selectors or (selector(),)
    gate = (
        Substring(*(one.value.reveal() for one in known if one.scope is None)) if any(one.scope is None for one in known) else Substring("\0never\0")
    )
    return AboutSubjects({"case": known}, gate, facts or {})


@dataclass(frozen=True, slots=True)
class Found:
    records: tuple[Record, ...]
    gaps: tuple[Gap, ...]
    looked: tuple[Looked, ...]

    @property
    def keys(self) -> set[tuple[str, tuple[str, ...]]]:
        return {(record.locator.collection, record.locator.key) for record in self.records}

    def texts(self) -> dict[str, str]:
        return {unit.place: unit.text for record in self.records for unit in record.units}


def search(driver: SqlDriver, query: Query) -> Found:
    """Everything that all slices give."""
    events = [event for part in driver.slices(query) for event in driver.find(query, part)]
    return Found(
        tuple(event for event in events if isinstance(event, Record)),
        tuple(event for event in events if isinstance(event, Gap)),
        tuple(event for event in events if isinstance(event, Looked)),
    )


def locator(collection: str, *key: object) -> Locator:
    return Locator("shop", collection, tuple(str(part) for part in key))


def state(driver: SqlDriver, where: Locator, fields: tuple[str, ...] = ()) -> Present:
    (seen,) = driver.observe([Watched(where, fields)])
    assert isinstance(seen, Present)
    return seen


def is_absent(driver: SqlDriver, where: Locator) -> bool:
    (seen,) = driver.observe([Watched(where)])
    return isinstance(seen, Absent)


def planned(
    driver: SqlDriver, wheres: Sequence[Locator], effect: Effect | None = None, fields: tuple[str, ...] = ()
) -> tuple[list[Change], Sequence[Foreseen]]:
    """What a plan would hold: changes that expect what is there now, and what they are foreseen to do."""
    draft = [Change(where, effect or Delete(), fields, b"", "") for where in wheres]
    foreseen = driver.foresee(draft, REWRITER)
    return [
        Change(one.locator, seen.effect, fields, seen.state or b"", seen.server, seen.dependents) for one, seen in zip(draft, foreseen, strict=True)
    ], foreseen


def erase(driver: SqlDriver, *wheres: Locator) -> Sequence[Outcome]:
    changes, _ = planned(driver, wheres)
    return driver.change(changes, REWRITER)


def mapped(name: str, *fields: FieldMap) -> CollectionMap:
    return CollectionMap(name, ("id",), fields)


def dependents_of(seen: Foreseen) -> set[Dependent]:
    return set(seen.dependents)
