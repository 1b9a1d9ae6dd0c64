"""PostgreSQL's large objects: bytes that belong to the database and to no table; rows hold only their numbers (PostgreSQL manual, chapter 35).

They are one collection, `pg_largeobject`, with the number as key and the bytes as a file; whatever finds and observes rows does the same with them.
A row that is deleted leaves its object behind: so it is searched by what is in it, whether a column still points at it or not. Columns that do are
links. Only deleting is different: it is `lo_unlink`. Nothing locks a large object before that; it is compared in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.plan import Delete, Rewrite
from dsr_engine.domain.system import Manifest
from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Foreseen, Link, Outcome, Problem
from dsr_engine.drivers.sql.effects.changing import change as change_rows
from dsr_engine.drivers.sql.effects.observing import covered, state_of
from dsr_engine.drivers.sql.finding.scanning import LARGEST
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import AsIs, Column
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.dialects import Relation, Shape
from dsr_engine.drivers.sql.values.rows import Key, Row, fetch

NAME, KEY = "pg_largeobject", "oid"
#: Column types that hold numbers of large objects; `lo` is the domain of the extension of this name.
_POINTERS = frozenset({"oid", "lo"})
#: Rows that are looked at to tell whether a column of such a type holds numbers of large objects, or of something else.
_SAMPLE = 1000

#: True for an object that this account may read: superuser, owner, by a grant, or because the server does not ask.
_READABLE = """(current_setting('lo_compat_privileges')::boolean OR current_setting('is_superuser')::boolean OR pg_has_role(lomowner, 'USAGE')
 OR EXISTS (SELECT FROM aclexplode(lomacl) a WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE'))))"""
_COUNTS = sa.text(f"SELECT count(*) AS objects, count(*) FILTER (WHERE NOT {_READABLE}) AS unread FROM pg_largeobject_metadata")  # noqa: S608  # a constant


def with_objects(connection: sa.Connection, catalogue: Catalogue) -> Catalogue:
    """The catalogue with the large objects of its database, and with the links to them."""
    if connection.dialect.name != "postgresql" or NAME in catalogue.tables:
        return catalogue
    objects = _table(connection, catalogue.manifest)
    return Catalogue.of((*(_pointing(connection, table) for table in catalogue.tables.values()), objects), catalogue.manifest)


def _table(connection: sa.Connection, manifest: Manifest) -> Table:
    counts = connection.execute(_COUNTS).one()
    map_ = manifest.collection_named(NAME)
    caveat = f"{counts.unread} large objects that the account may not read (grant SELECT ON LARGE OBJECT)" if counts.unread else ""
    element = sa.table("pg_largeobject_metadata", sa.column("oid", AsIs()), schema="pg_catalog")
    key = Column(
        FieldFacts(KEY, ValueType.INTEGER, is_nullable=False, is_unique=True, is_key=True),
        element.c.oid,
        sa.cast(element.c.oid, sa.Text),
        declared="oid",
        is_in_unique=True,
        is_indexed=True,
        field=map_.field_named(KEY) if map_ else None,
    )
    # One byte more than is read of any value, so that what is too big shows.
    data = sa.case((sa.literal_column(_READABLE, sa.Boolean()), sa.func.lo_get(element.c.oid, 0, LARGEST + 1, type_=AsIs())))
    body = Column(FieldFacts("data", ValueType.BINARY), data, data, declared="bytea", field=map_.field_named("data") if map_ else None)
    relation = Relation("pg_catalog", NAME, Shape.OBJECTS, caveat=caveat, count=counts.objects)
    return Table(NAME, relation, element, {KEY: key, "data": body}, (key,), map=map_)


def forbidding(catalogue: Catalogue, found: Sequence[Foreseen], changes: Sequence[Change]) -> Sequence[Foreseen]:
    """What is foreseen, with a refusal wherever a large object is to be rewritten."""
    table = catalogue.tables.get(NAME)
    if table is None or not is_objects(table):
        return found
    refusal = Problem("sql.file", "a large object cannot be rewritten in place", "delete it as a whole, or leave it")
    return [
        replace(seen, refusal=refusal) if one.locator.collection == NAME and isinstance(one.effect, Rewrite) and one.effect.edits else seen
        for one, seen in zip(changes, found, strict=True)
    ]


def _pointing(connection: sa.Connection, table: Table) -> Table:
    """The table with its links to large objects: columns of a fitting type that hold the number of one, among the first rows."""
    found = [column for column in table.columns.values() if column.declared in _POINTERS and column.is_readable and not table.relation.reason]
    links = [Link((column.name,), NAME, (KEY,)) for column in found if _points(connection, table, column)]
    known = {(link.fields, link.to_collection) for link in table.links}
    return replace(table, links=(*table.links, *(link for link in links if (link.fields, NAME) not in known)))


def _points(connection: sa.Connection, table: Table, column: Column) -> bool:
    some = sa.select(column.element.label("number")).select_from(table.element).where(column.element.is_not(None)).limit(_SAMPLE).subquery()
    objects = sa.table("pg_largeobject_metadata", sa.column("oid", AsIs()), schema="pg_catalog")
    return bool(connection.scalar(sa.select(sa.exists(sa.select(sa.text("1")).select_from(some.join(objects, objects.c.oid == some.c.number))))))


def change(database: Database, catalogue: Catalogue, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
    """What `changing.change` does, for changes of which some concern large objects: these come last, in a transaction of their own."""
    table = catalogue.tables.get(NAME)
    numbers = [number for number, one in enumerate(changes) if one.locator.collection == NAME and table is not None and is_objects(table)]
    if not numbers or table is None:
        return change_rows(database, catalogue, changes, rewriter)
    objects = frozenset(numbers)
    rows = [one for number, one in enumerate(changes) if number not in objects]
    others = iter(change_rows(database, catalogue, rows, rewriter) if rows else ())
    own = iter(_unlinked(database, table, [changes[number] for number in numbers]))
    return [next(own) if number in objects else next(others) for number in range(len(changes))]


def is_objects(table: Table) -> bool:
    return table.relation.shape is Shape.OBJECTS


def _unlinked(database: Database, table: Table, changes: Sequence[Change]) -> list[Outcome]:
    with database.writing("deleting large objects") as connection:
        server = database.identity(connection)
        outcomes: list[Outcome] = []
        for one in changes:
            refused = _refused(one, server) or _drifted(
                one, table, fetch(database.dialect, connection, table, [one.locator.key], covered(table, one.fields))
            )
            if refused is None:
                connection.execute(sa.text("SELECT lo_unlink(:number)"), {"number": int(one.locator.key[0])})
            outcomes.append(refused or Done(None))
    return outcomes


def _refused(one: Change, server: str) -> Outcome | None:
    if one.server != server:
        return Drifted("server")
    if not isinstance(one.effect, Delete) or one.locator.inside:
        return Failed("sql.file", "a large object is deleted as a whole or left as it is")
    return None


def _drifted(one: Change, table: Table, found: dict[Key, tuple[Row, ...]]) -> Outcome | None:
    same = found.get(one.locator.key)
    if same is None:
        return Drifted("absent")
    return None if state_of(covered(table, one.fields), same) == one.expect else Drifted("changed")
