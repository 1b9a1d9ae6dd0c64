"""Reads the catalogue from the live server, through SQLAlchemy's inspector and what only the dialect can tell."""

import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn, ReflectedForeignKeyConstraint
from sqlalchemy.engine.reflection import Inspector, ObjectKind
from sqlalchemy.sql.elements import ColumnElement

from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.system import CollectionMap, Manifest
from dsr_engine.drivers.driver import Link
from dsr_engine.drivers.sql.finding.splitnames import split_names
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table, manifest_links
from dsr_engine.drivers.sql.schema.columns import AsIs, Column, max_length, value_type, words_of
from dsr_engine.drivers.sql.schema.guards import guarded
from dsr_engine.drivers.sql.schema.partitions import Only, links_of_partitions, roots
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.dialects import Relation, Shape

_QUOTE = '"'
#: The expression of an index on the lower-cased form of one column, as PostgreSQL and MySQL print it.
_LOWERED = re.compile(r"""lower\(\(?(?:"((?:[^"]|"")+)"|`?(\w+)`?)\)?(?:::\w+(?: \w+)*)?\)""")
_ON_DELETE = {"CASCADE": "cascade", "SET NULL": "set_null", "SET DEFAULT": "set_null"}


def read_catalogue(database: Database, connection: sa.Connection, manifest: Manifest) -> Catalogue:
    """The catalogue as it is now. Needs no right beyond seeing the catalogue itself."""
    default, *others = database.dialect.schemas(connection, database.schema)
    tables = []
    with warnings.catch_warnings():
        # SQLAlchemy warns of types and indexes that it does not know; here they are read as text all the same.
        warnings.simplefilter("ignore")
        inspector = sa.inspect(connection)
        for schema in (default, *others):
            tables += _Schema(database, connection, inspector, schema, default).tables(manifest)
    return Catalogue.of(tables, manifest)


class _Schema:
    """One schema while it is read."""

    def __init__(self, database: Database, connection: sa.Connection, inspector: Inspector, schema: str, default: str) -> None:
        self._database, self._connection, self._inspector = database, connection, inspector
        self._schema, self._default = schema, default
        self._declared = database.dialect.declared(connection, schema)
        self._json = database.dialect.json_columns(connection, schema)
        self._geometries = database.dialect.geometries(connection, schema)
        self._delete_rules = database.dialect.delete_rules(connection, schema)
        self._foreign_keys = database.dialect.foreign_keys(connection, schema)
        self._guarded = guarded(connection, schema)
        is_partitioned = database.dialect.name == "postgresql"
        self._roots = roots(connection) if is_partitioned else {}
        self._partition_links = links_of_partitions(connection, schema) if is_partitioned else {}

    def tables(self, manifest: Manifest) -> list[Table]:
        relations = self._database.dialect.relations(self._connection, self._schema)
        columns = self._columns(relations)
        return [self._table(relation, columns.get(relation.name, ()), manifest) for relation in relations]

    def _columns(self, relations: Sequence[Relation]) -> Mapping[str, Sequence[ReflectedColumn]]:
        if self._database.dialect.name == "postgresql":  # one question for all tables; elsewhere it would be one each anyway, and miss versioned ones
            found = self._inspector.get_multi_columns(schema=self._schema, kind=ObjectKind.ANY)
            return {name: columns for (_, name), columns in found.items()}
        known = {
            relation.name: self._inspector.get_columns(relation.name, self._schema or None)
            for relation in relations
            if relation.shape is not Shape.VIEW
        }
        names = {table: [entry["name"] for entry in columns] for table, columns in known.items()}
        for table, overlooked in self._database.dialect.unreflected(self._connection, self._schema, names).items():
            known[table] += [{"name": name, "type": sa.types.Text(), "nullable": is_nullable, "default": None} for name, is_nullable in overlooked]
        return known

    def _table(self, relation: Relation, columns: Sequence[ReflectedColumn], manifest: Manifest) -> Table:
        collection = self._collection(relation.schema, relation.name)
        map_ = manifest.collection_named(collection)
        kind = Only if relation.is_inherited else sa.TableClause
        element = kind(relation.name, *(sa.column(entry["name"], AsIs()) for entry in columns), schema=relation.schema or None)
        if relation.shape is not Shape.TABLE:
            known = {entry["name"]: self._column(relation, element, entry, map_, (), ()) for entry in columns}
            return Table(collection, relation, element, known, map=map_, names=split_names(known.values()))
        primary = tuple(self._inspector.get_pk_constraint(relation.name, self._schema or None)["constrained_columns"])
        uniques = self._uniques(relation.name)
        indexed = self._indexed(relation.name, primary)
        known = {entry["name"]: self._column(relation, element, entry, map_, primary, uniques, indexed) for entry in columns}
        own = self._foreign_keys.get(relation.name) or self._inspector.get_foreign_keys(relation.name, self._schema or None)
        keys = (*own, *self._partition_links.get(relation.name, ()))
        declared = tuple(dict.fromkeys(self._link(relation.name, entry) for entry in keys))
        links = (*declared, *manifest_links(map_, declared))
        return Table(collection, relation, element, known, _key(known, primary, uniques), links, map_, split_names(known.values()))

    def _read(self, relation: Relation, column: ColumnElement[Any], kind: ValueType, declared: sa.types.TypeEngine[Any]) -> ColumnElement[Any]:
        if (relation.name, column.key) in self._geometries:
            return sa.func.ST_AsText(column)
        is_array = isinstance(declared, sa.types.ARRAY)
        if kind is ValueType.TIMESTAMP and getattr(declared, "timezone", False) and self._database.dialect.name == "postgresql":
            # Every session is in UTC. `+00` behind each moment would be read as an encoded space by the gate, and take it as long as all the rest.
            return sa.cast(sa.func.timezone(sa.literal_column("'UTC'"), column), sa.Text)
        return self._database.dialect.as_text(column, kind, is_array)

    def _collection(self, schema: str | None, name: str) -> str:
        return name if schema in (None, "", self._default) else f"{schema}.{name}"

    def _uniques(self, name: str) -> tuple[frozenset[str], ...]:
        """Column sets that are unique for all rows; an index over expressions or some of the rows promises nothing."""
        schema = self._schema or None
        found = {frozenset(entry["column_names"]) for entry in self._inspector.get_unique_constraints(name, schema)}
        # SQLite makes an index for every UNIQUE; the option is the only sure way to learn of it, and other dialects ignore it.
        for index in self._inspector.get_indexes(name, schema, include_auto_indexes=True):
            is_partial = any("where" in option and value is not None for option, value in index.get("dialect_options", {}).items())
            if index["unique"] and not is_partial and not index.get("expressions"):
                found.add(frozenset(column for column in index["column_names"] if column))
        return tuple(sorted(found, key=lambda columns: (len(columns), sorted(columns))))

    def _indexed(self, name: str, primary: Sequence[str]) -> frozenset[str]:
        """Columns that an index over all rows begins with, and `lower(column)` where one begins with that."""
        found = set(primary[:1])
        for index in self._inspector.get_indexes(name, self._schema or None, include_auto_indexes=True):
            options = index.get("dialect_options", {})
            if any("where" in option and value is not None for option, value in options.items()) or options.get("postgresql_using"):
                continue
            column = (index["column_names"] or [None])[0]
            lowered = _LOWERED.fullmatch(next(iter(index.get("expressions") or ()), ""))
            if column is not None:
                found.add(column)
            elif lowered:
                found.add(f"lower({lowered[1].replace(_QUOTE * 2, _QUOTE)})" if lowered[1] else f"lower({lowered[2]})")
        return frozenset(found)

    def _link(self, table: str, entry: ReflectedForeignKeyConstraint) -> Link:
        known = self._delete_rules.get((table.lower(), entry["constrained_columns"][0].lower(), entry["referred_table"].lower()))
        rule = str(known or (entry.get("options") or {}).get("ondelete") or "").upper()
        schema, name = entry["referred_schema"] or self._schema, entry["referred_table"]
        target = self._collection(*self._roots.get((schema, name), (schema, name)))
        fields, to_fields = tuple(entry["constrained_columns"]), tuple(entry["referred_columns"])
        if not to_fields:
            to_fields = tuple(self._inspector.get_pk_constraint(entry["referred_table"], entry["referred_schema"])["constrained_columns"])
        # SQLite defers every NO ACTION when it is told to; RESTRICT is checked at once everywhere, deferrable or not.
        is_deferrable = self._database.dialect.name == "sqlite" or bool((entry.get("options") or {}).get("deferrable"))
        return Link(fields, target, to_fields, _ON_DELETE.get(rule, "restrict"), rule in ("", "NO ACTION") and is_deferrable)

    def _column(
        self,
        relation: Relation,
        element: sa.TableClause,
        entry: ReflectedColumn,
        map_: CollectionMap | None,
        primary: Sequence[str],
        uniques: Sequence[frozenset[str]],
        indexed: frozenset[str] = frozenset(),
    ) -> Column:
        name = entry["name"]
        kind = ValueType.JSON if (relation.name, name) in self._json else value_type(entry["type"])
        is_array = isinstance(entry["type"], sa.types.ARRAY)
        facts = FieldFacts(
            name=name,
            type=kind,
            is_nullable=entry["nullable"],
            is_unique=frozenset((name,)) in uniques or tuple(primary) == (name,),
            is_key=name in primary,
            max_length=max_length(entry["type"]) if kind is ValueType.TEXT else None,
        )
        return Column(
            facts=facts,
            element=element.c[name],
            read=self._read(relation, element.c[name], kind, entry["type"]),
            declared=self._declared.get((relation.name, name), ""),
            is_padded=isinstance(entry["type"], sa.types.CHAR),
            is_array=is_array,
            is_generated="computed" in entry or bool(entry.get("identity", {}).get("always")),
            is_readable=name not in relation.hidden,
            is_in_unique=name in primary or any(name in columns for columns in uniques) or (relation.name, name.lower()) in self._guarded,
            labels=tuple(getattr(entry["type"], "enums", ()) or getattr(entry["type"], "values", ())),
            words=words_of(entry["type"]),
            field=map_.field_named(name) if map_ else None,
            is_indexed=name in indexed,
            is_indexed_lowered=f"lower({name})" in indexed,
        )


def _key(columns: Mapping[str, Column], primary: Sequence[str], uniques: Sequence[frozenset[str]]) -> tuple[Column, ...]:
    """The primary key, else the smallest unique set without NULLs, else nothing. A key that we may not read names nothing."""
    candidates = [tuple(primary)] if primary else []
    candidates += [
        tuple(sorted(names)) for names in uniques if names and all(name in columns and not columns[name].facts.is_nullable for name in names)
    ]
    return next((tuple(columns[name] for name in names) for names in candidates if all(columns[name].is_readable for name in names)), ())
