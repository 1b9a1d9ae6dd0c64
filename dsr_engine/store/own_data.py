"""Counts what the engine holds of people, and tells which rows name an officer. Reads every table by its columns, so that none is overlooked."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, String, Table, exists, false, func, or_, select, true

from dsr_engine.domain.case import Stage
from dsr_engine.store import tables
from dsr_engine.store.tables import metadata

#: Rows of these are in force until a column says otherwise, whatever case they belong to.
_ENDS = {"holds": "lifted_at", "incidents": "closed_at", "pauses": "ended", "appeals": "decided_on", "tasks": "done_at", "restores": "done_at"}
_IN_FORCE = frozenset({"stops"})


class OwnRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def counts(self, names: Iterable[str]) -> Mapping[str, int]:
        """How many rows these tables have. Of messages, only those that still hold their content count."""
        found = {}
        for name in names:
            table = metadata.tables[name]
            wanted = select(func.count()).select_from(table)
            if name == "outbox":
                wanted = wanted.where(or_(table.c.sealed.is_not(None), table.c.plain.is_not(None)))
            found[name] = int(self._connection.scalar(wanted) or 0)
        return found

    def span(self, name: str, column: str) -> tuple[datetime | None, datetime | None]:
        """The earliest and the latest moment in a column."""
        end = metadata.tables[name].c[column]
        row = self._connection.execute(select(func.min(end), func.max(end))).one()
        return row[0], row[1]

    def named_in(self, person: str) -> tuple[str, ...]:
        """The tables in which a row names this person."""
        return tuple(sorted({table.name for table, column in naming() if self._connection.scalar(select(exists().where(column == person)))}))

    def needed_in(self, person: str) -> tuple[str, ...]:
        """The tables in which a row that is still in force names this person: of an open case, or of something that nobody ended."""
        found = set()
        for table, column in naming():
            wanted = exists().where(column == person, _in_force(table))
            if self._connection.scalar(select(wanted)):
                found.add(table.name)
        return tuple(sorted(found))

    def acted_since(self, people: Iterable[str], since: datetime) -> frozenset[str]:
        """Those of these people whom an entry of the ledger names that was made after this moment."""
        wanted = {person.encode(): person for person in people}
        found: set[str] = set()
        for data in self._connection.scalars(select(tables.leaf.c.data).where(tables.leaf.c.at > since)) if wanted else ():
            found |= {person for text, person in wanted.items() if text in data}
        return frozenset(found)

    def unnamed(self) -> tuple[str, ...]:
        """The people whom no row names any more."""
        known = set(self._connection.scalars(select(tables.people.c.id)))
        for _, column in naming():
            known -= set(self._connection.scalars(select(column).distinct()))
        return tuple(sorted(known))


def naming() -> Iterator[tuple[Table, Column[str]]]:
    """Every column that says who did something."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, String) and (column.name == "by" or column.name.endswith("_by")):
                yield table, column


def _in_force(table: Table) -> ColumnElement[bool]:
    """What a row of this table must fulfil to be needed now."""
    if table is tables.cases:
        return table.c.stage != Stage.CLOSED
    if table.name in _IN_FORCE:
        return true()
    of_open = exists().where(tables.cases.c.id == table.c.case_id, tables.cases.c.stage != Stage.CLOSED) if "case_id" in table.c else false()
    return or_(table.c[_ENDS[table.name]].is_(None), of_open) if table.name in _ENDS else of_open
