"""Fills a store with what years leave: the cases that it has, copied under other ids and days until there are thousands, and a ledger of all of them.

Copies are for lists and counts. What is sealed is sealed under the key of the case that was copied, so single cases are looked at by their originals.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update

from dsr_engine.domain.evidence import leaf_hash, node_hash, root_of
from dsr_engine.store import tables
from dsr_engine.store.ledger import leaf_of
from dsr_engine.store.store import Store
from dsr_engine.store.tables import certificates, head, leaf, metadata, node

_SPAN = timedelta(days=3 * 365)
#: One copy in so many is of a case that is open.
_OPEN = 10
_AT_ONCE = 5_000
#: What the leaves of copies are known by.
COPY = "copy-"
_STEPS = ("case.stage", "selector.added", "slice.done", "plan.made", "plan.approved", "effect.intended", "effect.done", "absence.checked")
_Row = dict[str, Any]


def fill(store: Store, cases: int, leaves: int, now: datetime) -> None:
    """Copies the store's cases until there are so many, and lengthens its ledger to so many leaves, all in the three years before `now`."""
    with store.transaction() as tx:
        _fill(tx.connection, cases, leaves, now)
    with store.transaction() as tx:
        tx.ledger.checkpoint()
        tx.connection.exec_driver_sql("ANALYZE")  # what a server does by itself after a while


def _fill(connection: Connection, cases: int, leaves: int, now: datetime) -> None:
    rows = {row["id"]: row for row in _rows(connection, tables.cases)}
    still_open = sorted(case for case, row in rows.items() if row["closed_at"] is None)
    closed = sorted(case for case, row in rows.items() if row["closed_at"] is not None)
    parts = {table: _by_case(connection, table) for table in _tables_of_cases()}
    ids = _ids(parts)
    serial = int(connection.scalar(select(func.max(certificates.c.serial))) or 0)
    made: dict[Table, list[_Row]] = {table: [] for table in parts}
    steps: list[tuple[str, str, int, str]] = []
    for number in range(cases - len(rows)):
        is_open = number % _OPEN == 0
        source = still_open[number // _OPEN % len(still_open)] if is_open else closed[number % len(closed)]
        copy = _Copy(f"{number}", ids, -timedelta(days=number % 60) if is_open else -_SPAN * ((cases - number) / cases))
        issued = len(parts[certificates].get(source, ()))
        for table, of_case in parts.items():
            made[table] += [_unnumbered(table, copy.row(row, serial)) for row in of_case.get(source, ())]
        certificate = copy.value(parts[certificates][source][0]["id"]) if issued else ""
        steps.append((copy.value(source), certificate, serial + 1, rows[source]["outcome"] or ""))
        serial += issued
    for table in sorted(made, key=lambda each: metadata.sorted_tables.index(each)):
        for some in _some(made[table]):
            connection.execute(insert(table), some)
    _fill_ledger(connection, leaves, now, steps)


def _tables_of_cases() -> list[Table]:
    """All tables with rows of one case, however they name it; the ledger's leaves are made by themselves."""
    named = ("cases", "plan_items", "results", "certificate_facts", "certificate_systems")
    return [table for table in metadata.sorted_tables if "case_id" in table.c or table.name in named]


def _rows(connection: Connection, table: Table) -> list[_Row]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _by_case(connection: Connection, table: Table) -> dict[str, list[_Row]]:
    """The rows of a table by their case."""
    plans = {row["id"]: row["case_id"] for row in _rows(connection, metadata.tables["plans"])}
    serials = {row["serial"]: row["case_id"] for row in _rows(connection, certificates)}
    find: Callable[[_Row], Any] = {
        "cases": lambda row: row["id"],
        "plan_items": lambda row: plans.get(row["plan_id"]),
        "results": lambda row: plans.get(row["plan_id"]),
        "certificate_facts": lambda row: serials.get(row["serial"]),
        "certificate_systems": lambda row: serials.get(row["serial"]),
    }.get(table.name, lambda row: row["case_id"])
    found: dict[str, list[_Row]] = {}
    for row in _rows(connection, table):
        if find(row) is not None:
            found.setdefault(find(row), []).append(row)
    return found


def _ids(parts: dict[Table, dict[str, list[_Row]]]) -> frozenset[Any]:
    """Everything by which rows are told apart and name each other, but for names that the operator gave."""
    found: set[Any] = set()
    for table, of_case in parts.items():
        columns = [column.name for column in table.primary_key]
        if "case_id" in columns or "serial" in columns or "plan_id" in columns:
            continue
        columns += ["subject_ref"] if table.name == "cases" else []
        found |= {row[name] for rows in of_case.values() for row in rows for name in columns if isinstance(row[name], str | bytes)}
    return frozenset(found)


def _unnumbered(table: Table, row: _Row) -> _Row:
    """The row without a number that the database gives."""
    return {name: value for name, value in row.items() if name != "id" or not isinstance(value, int)}


class _Copy:
    """One copy of a case: other ids, other days."""

    def __init__(self, name: str, ids: frozenset[Any], moved: timedelta) -> None:
        self._name = name
        self._ids = ids
        self._moved = moved

    def row(self, row: _Row, serial: int) -> _Row:
        changed = {name: self._any(value) for name, value in row.items()}
        if "serial" in row:
            changed["serial"] = serial + 1
        if "statement" in row:
            said = json.loads(row["statement"])
            named = {"id": changed["id"], "serial": changed["serial"], "case": {**said["case"], "id": changed["case_id"]}}
            changed["statement"] = json.dumps({**said, **named}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        return changed

    def value(self, value: Any) -> Any:
        """The id under which this copy has what the original has under this one."""
        if value not in self._ids:
            return value
        digest = hashlib.sha256(f"{self._name}:".encode() + (value if isinstance(value, bytes) else value.encode()))
        return digest.digest()[: len(value)] if isinstance(value, bytes) else re.sub("[0-9a-f]+$", digest.hexdigest()[:32], value)[: len(value)]

    def _any(self, value: Any) -> Any:
        match value:
            case datetime() | date():
                return value + self._moved
            case str() | bytes():
                return self.value(value)
            case dict():
                return {name: self._any(each) for name, each in value.items()}
            case list():
                return [self._any(each) for each in value]
        return value


def _some(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    return (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))


def _fill_ledger(connection: Connection, leaves: int, now: datetime, steps: Sequence[tuple[str, str, int, str]]) -> None:
    """The ledger as the steps of these cases leave it, with every node of its tree."""
    size = int(connection.scalars(select(head.c.size)).one())
    hashes = list(connection.scalars(select(node.c.hash).where(node.c.level == 0).order_by(node.c.position)))
    last, rows, entered = "", [], []
    ends = {"refused": "case.refused", "withdrawn": "case.withdrawn"}
    for position in range(size, leaves):
        case, certificate, serial, outcome = steps[(position - size) * len(steps) // (leaves - size)]
        is_last = position + 1 == leaves or steps[(position + 1 - size) * len(steps) // (leaves - size)][0] != case
        kind = "case.opened" if case != last else _STEPS[position % len(_STEPS)]
        facts: dict[str, object] = {"records": position % 1000, "round": 1}
        if is_last and certificate:
            kind, facts = "certificate.issued", {"serial": serial, "certificate": certificate}
            entered.append({"wanted": certificate, "at": position})
        elif is_last:
            kind = ends.get(outcome, kind)
        last, at = case, now - _SPAN + _SPAN * (position / leaves)
        made = leaf_of(kind, str(position), at, case=case, **facts)
        hashes.append(leaf_hash(made.data))
        rows.append({"position": position, "kind": kind, "dedup_key": f"{kind}:{COPY}{position}", "data": made.data, "at": at, "about_case": case})
        if len(rows) == _AT_ONCE or position + 1 == leaves:
            connection.execute(insert(leaf), rows)
            rows = []
    connection.execute(update(certificates).where(certificates.c.id == bindparam("wanted")).values(leaf_index=bindparam("at")), entered)
    _plant(connection, hashes)


def _plant(connection: Connection, hashes: list[bytes]) -> None:
    """Every node of the tree over these leaves."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    connection.execute(delete(node))
    for level, nodes in enumerate(levels):
        for some in _some([{"level": level, "position": at, "hash": value} for at, value in enumerate(nodes)]):
            connection.execute(insert(node), some)
    connection.execute(update(head).values(size=len(hashes), root=root_of(len(hashes), lambda level, at: levels[level][at])))
