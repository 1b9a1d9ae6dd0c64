"""Moves restricted rows to another table of the same database, so that whoever reads the first one does not meet them (GDPR Art. 4(3), Art. 18).

In one transaction: rows are locked and compared, what points at them is counted, they are changed in place, copied by column names, read again in
their new place and taken from the old one. Keys stay what they are, so a row is followed by its key. Killed before the commit: nothing happened.
After it: `observe` finds the row in the other table and says `Moved`.

A row that others point at is not moved: the link would be cut, or a cascade would take the others along. What does not fit is told beforehand.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.effects.dependents import Dependents
from dsr_engine.drivers.sql.effects.removing import Undone
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column
from dsr_engine.drivers.sql.schema.naming import table_name
from dsr_engine.drivers.sql.server.dialects import Dialect, Shape
from dsr_engine.drivers.sql.server.shown_grants import shown
from dsr_engine.drivers.sql.values.canonical import digest
from dsr_engine.drivers.sql.values.rows import Key, Row, batches, fetch, keyed

_HINT = "make it with the columns and the primary key of {source}, or fence by a mark: `restrict: {{set: …}}`"

#: True where the account may do this.
_MAY = sa.text("SELECT has_table_privilege(to_regclass(:name), :right)")


def state_there(state: bytes, collection: str) -> bytes:
    """The state of a row that stands in another collection than it was found in: never equal to its state before the move."""
    return hashlib.sha256(b"moved to " + collection.encode() + b"\0" + state).digest()


def target_of(catalogue: Catalogue, table: Table) -> Table | None:
    """Where the connector moves restricted rows of this table; None where it does not, or where there is no such table."""
    return catalogue.tables.get(table.map.move_to) if table.map is not None and table.map.move_to else None


def same_columns(target: Table, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of these names in the other table. Raises `ManifestWrong` for one that is not there."""
    missing = [column.name for column in columns if column.name not in target.columns]
    if missing:
        raise ManifestWrong(
            f"{target.collection} has no field {', '.join(missing)}", code="sql.move_columns", hint="it takes restricted rows and needs their columns"
        )
    return tuple(target.columns[column.name] for column in columns)


def misfits(connection: sa.Connection, catalogue: Catalogue, table: Table, to: str) -> Iterator[Problem]:
    """Why rows of this table cannot be moved there; found out without writing."""
    target = catalogue.tables.get(to)
    hint = _HINT.format(source=table.collection)
    if target is None or target.relation.shape is not Shape.TABLE or target.relation.fixed or target.relation.reason:
        yield Problem("sql.move_target", f"restricted rows of {table.collection} should go to {to}, which is no table that can be changed", hint)
        return
    if not table.key or tuple(column.name for column in table.key) != tuple(column.name for column in target.key):
        text = f"{table.collection} and {to} need the same primary key, so that a row can be found again after it was moved"
        yield Problem("sql.move_key", text, hint)
    yield from _misfitting_columns(connection, table, target, hint)
    for link in target.links:
        if link.on_delete != "none" and (parent := catalogue.tables.get(link.to_collection)) is not None and parent.map and parent.map.moved_from:
            text = f"{to} points at {link.to_collection} by a constraint, and its rows come there later"
            yield Problem("sql.move_order", text, "drop that constraint: restricted rows keep their keys, and nobody adds rows there")
    yield from _missing_rights(connection, table, target)


def _misfitting_columns(connection: sa.Connection, table: Table, target: Table, hint: str) -> Iterator[Problem]:
    unread = [column.name for column in table.columns.values() if not column.is_readable]
    if unread:
        text = f"the account may not read {', '.join(unread)} of {table.collection}, so its rows cannot be moved whole"
        yield Problem("sql.move_columns", text, "grant SELECT on these columns")
    carried = {column.name: column for column in moved_columns(table)}
    missing = [name for name in carried if name not in target.columns]
    if missing:
        yield Problem("sql.move_columns", f"{target.collection} has no {', '.join(missing)}", hint)
    unlike = [name for name, column in carried.items() if name in target.columns and not _takes(target.columns[name], column)]
    if unlike:
        yield Problem("sql.move_columns", f"{', '.join(unlike)} of {target.collection} cannot hold what {table.collection} holds", hint)
    demanded = [name for name in _demanded(connection, target) if name not in carried]
    if demanded:
        text = f"{target.collection} demands {', '.join(demanded)}, which {table.collection} does not have"
        yield Problem("sql.move_columns", text, "let it be empty, or give it a default")


def _takes(there: Column, here: Column) -> bool:
    """True if the column holds whatever the other one holds, in the same written form."""
    is_wide = there.facts.max_length is None or (here.facts.max_length is not None and here.facts.max_length <= there.facts.max_length)
    same_words = (there.type, there.is_array, there.declared, there.words) == (here.type, here.is_array, here.declared, here.words)
    is_text = there.type.value == here.type.value == "text" and there.is_array == here.is_array and there.is_padded == here.is_padded
    may_be_empty = there.facts.is_nullable or not here.facts.is_nullable
    return (same_words or is_text) and is_wide and may_be_empty and not there.is_generated and set(here.labels) <= set(there.labels)


def _demanded(connection: sa.Connection, target: Table) -> Iterator[str]:
    """Columns that an INSERT has to name."""
    for entry in sa.inspect(connection).get_columns(target.relation.name, target.relation.schema or None):
        has_value = entry.get("default") is not None or entry.get("computed") or entry.get("identity") or entry.get("autoincrement") is True
        if not entry["nullable"] and not has_value:
            yield entry["name"]


def _missing_rights(connection: sa.Connection, table: Table, target: Table) -> Iterator[Problem]:
    for right, one in (("INSERT", target), ("DELETE", table)):
        if not _may(connection, right, one):
            text = f"restricted rows of {table.collection} go to {target.collection}, and the account may not {right} on {one.collection}"
            yield Problem(f"sql.missing_{right.lower()}", text, f"GRANT {right} ON {one.collection}; `dsr grants` prints it")


def _may(connection: sa.Connection, right: str, table: Table) -> bool:
    """True where the account has the right, or where the server does not tell."""
    if connection.dialect.name == "postgresql":
        return bool(connection.scalar(_MAY, {"name": table_name(connection, table.relation), "right": right}))
    if connection.dialect.name in ("mysql", "mariadb"):
        database, name = table.relation.schema or connection.engine.url.database or "", table.relation.name
        return any(grant.table in ("*", name) and replace(grant, table="*").gives(right, database) for grant in shown(connection))
    return True


def moved_columns(table: Table) -> tuple[Column, ...]:
    """What is copied: everything but what the server computes from the rest."""
    return tuple(column for column in table.columns.values() if not column.is_generated)


def pointing(
    dialect: Dialect, connection: sa.Connection, catalogue: Catalogue, table: Table, keys: Sequence[Key], leaving: Mapping[str, Collection[Key]]
) -> Mapping[Key, str]:
    """Key → what points at the row, of those that something points at. Rows that leave their own tables, `leaving`, do not count."""
    tallies = Dependents(dialect, connection, catalogue, leaving).walked(table, keys)
    return {key: ", ".join(sorted({collection for collection, _ in tally})) for key, tally in tallies.items() if tally.total()}


def taken(dialect: Dialect, connection: sa.Connection, target: Table, keys: Sequence[Key]) -> frozenset[Key]:
    """The keys under which another row stands there already."""
    return frozenset(key for batch in batches(keys) for key in fetch(dialect, connection, target, batch, ()))


def relocate(
    dialect: Dialect, connection: sa.Connection, table: Table, target: Table, columns: Sequence[Column], keys: Sequence[Key]
) -> dict[Key, bytes]:
    """Moves locked rows that nothing points at; gives their states in the new place. Raises `Undone` if the server did something else."""
    names = [column.name for column in moved_columns(table)]
    before = fetch(dialect, connection, table, keys, moved_columns(table))
    chosen = sa.select(*(table.columns[name].element for name in names)).select_from(table.element).where(keyed(dialect, table, keys))
    connection.execute(sa.insert(target.element).from_select(names, chosen))
    after = fetch(dialect, connection, target, keys, same_columns(target, moved_columns(table)))
    if any(_whole(table, before.get(key)) != _whole(table, after.get(key)) for key in keys):
        raise Undone("sql.not_moved", f"{target.collection}: the server did not keep a row as it was; a trigger or a conversion interferes")
    deleted = connection.execute(sa.delete(table.element).where(keyed(dialect, table, keys))).rowcount
    if deleted != len(keys) or fetch(dialect, connection, table, keys, ()):
        raise Undone("sql.not_moved", f"{table.collection}: the server did not take the moved rows away; a trigger or a rule interferes")
    there = fetch(dialect, connection, target, keys, same_columns(target, columns))
    return {key: state_there(digest((column, there[key][0].values[column.name]) for column in columns), target.collection) for key in keys}


def _whole(table: Table, same: tuple[Row, ...] | None) -> bytes:
    if not same or len(same) != 1:
        return b""
    return digest((column, same[0].values[column.name]) for column in moved_columns(table))
