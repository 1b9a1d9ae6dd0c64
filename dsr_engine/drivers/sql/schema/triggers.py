"""Which triggers a change sets off, and which of them keep a copy of what was erased.

A trigger that writes old rows into another table would keep what the engine erases. The engine cannot stop it: it says so in the plan, makes sure
that the table it writes to is searched (else the plan has an obstacle), and the next round of the case erases what the trigger kept. Statements of
the engine carry keys in bound parameters and never a person's value, so what a trigger or a log keeps of their text says nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.sqltext import MARIADB, SQLITE, Writes, tokens, writes_of

#: Triggers on partitions count as those of the whole table. `tgtype` has a bit for each event (PostgreSQL source, pg_trigger.h).
_POSTGRESQL = sa.text("""
SELECT t.tgname AS name, r.relname AS relation, n.nspname AS schema, t.tgtype::int AS events, p.prosrc AS body,
       l.lanname AS language, t.tgoldtable AS old
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_class r ON r.oid = COALESCE(pg_partition_root(c.oid), c.oid)
JOIN pg_namespace n ON n.oid = r.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgparentid = 0
UNION ALL
SELECT r.rulename, c.relname, n.nspname, CASE r.ev_type WHEN '2' THEN 16 WHEN '4' THEN 8 ELSE 4 END, pg_get_ruledef(r.oid), 'rule', NULL
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D' AND n.nspname !~ '^(pg_|information_schema)'
ORDER BY 1
""")
_DELETE, _UPDATE = 8, 16

_MARIADB = sa.text("""
SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS relation, EVENT_OBJECT_SCHEMA AS `schema`, EVENT_MANIPULATION AS event, ACTION_STATEMENT AS body
FROM information_schema.TRIGGERS ORDER BY TRIGGER_NAME
""")

_SQLITE = sa.text("SELECT name, tbl_name AS relation, sql AS body FROM sqlite_master WHERE type = 'trigger' ORDER BY name")

_READ = frozenset({"plpgsql", "sql", "rule", "internal"})


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger. `writes` None: it is in a language that cannot be read here, or the server keeps its body from us."""

    name: str
    schema: str
    relation: str
    on_delete: bool
    on_update: bool
    writes: Writes | None


def read_triggers(connection: sa.Connection) -> tuple[Trigger, ...]:
    """All triggers of the database. MariaDB keeps the bodies from accounts without the TRIGGER privilege, MySQL the triggers themselves."""
    match connection.dialect.name:
        case "postgresql":
            return tuple(_of_postgresql(row) for row in connection.execute(_POSTGRESQL))
        case "mysql" | "mariadb":
            return tuple(
                Trigger(
                    row.name,
                    row.schema,
                    row.relation,
                    row.event == "DELETE",
                    row.event == "UPDATE",
                    None if row.body is None else writes_of(row.body, MARIADB),
                )
                for row in connection.execute(_MARIADB)
            )
        case "sqlite":
            return tuple(_of_sqlite(row) for row in connection.execute(_SQLITE))
    return ()


def _of_postgresql(row: sa.Row[tuple[object, ...]]) -> Trigger:
    writes = writes_of(row.body or "", old=row.old or "OLD") if row.language in _READ else None
    return Trigger(row.name, row.schema, row.relation, bool(row.events & _DELETE), bool(row.events & _UPDATE), writes)


def _of_sqlite(row: sa.Row[tuple[object, ...]]) -> Trigger:
    words = list(tokens(row.body, SQLITE))
    begin = next((number for number, token in enumerate(words) if token.is_word("BEGIN")), len(words))
    events = {token.text.upper() for token in words[:begin] if token.is_word("DELETE", "UPDATE", "INSERT")}
    body = row.body[words[begin].end :] if begin < len(words) else row.body
    return Trigger(row.name, "main", row.relation, "DELETE" in events, "UPDATE" in events, writes_of(body, SQLITE))


def named(catalogue: Catalogue, name: str, where: Table) -> str:
    """The collection that a body on this table means by a name; letter case does not count, no schema means the default one or the table's own."""
    wanted = name.casefold()
    own = where.relation.schema.casefold()
    for table in catalogue.tables.values():
        full = f"{table.relation.schema}.{table.relation.name}".casefold()
        if wanted in (table.collection.casefold(), full) or full == f"{own}.{wanted}":
            return table.collection
    return name


@dataclass(frozen=True, slots=True)
class Triggered:
    """What the triggers of one database mean for changes of its tables."""

    catalogue: Catalogue
    triggers: Sequence[Trigger]

    def of(self, table: Table, *, is_delete: bool) -> Iterator[tuple[Trigger, Table]]:
        """The triggers that a change of the table sets off, also through what a deletion takes along or empties."""
        yield from ((trigger, table) for trigger in self.triggers if self._is_set_off(trigger, table, is_delete=is_delete))
        for other, takes in self._followed(table, frozenset()) if is_delete else ():
            yield from ((trigger, other) for trigger in self.triggers if self._is_set_off(trigger, other, is_delete=takes))

    def _followed(self, table: Table, seen: frozenset[str]) -> Iterator[tuple[Table, bool]]:
        for inbound in self.catalogue.inbound(table.collection):
            child, rule = inbound.table, inbound.link.on_delete
            if child.collection in seen or rule not in ("cascade", "set_null"):
                continue
            yield child, rule == "cascade"
            if rule == "cascade":
                yield from self._followed(child, seen | {table.collection, child.collection})

    def _is_set_off(self, trigger: Trigger, table: Table, *, is_delete: bool) -> bool:
        is_there = (trigger.relation, trigger.schema) == (table.relation.name, table.relation.schema)
        return is_there and (trigger.on_delete if is_delete else trigger.on_update)

    def problems(self, table: Table, *, is_delete: bool) -> Iterator[Problem]:
        """Warnings, and what is in the way (`is_fatal`): a copy of erased values where nobody would look for it."""
        what = "DELETE" if is_delete else "UPDATE"
        for trigger, where in self.of(table, is_delete=is_delete):
            begin = f"the trigger {trigger.name} on {where.collection} runs on {what} in {table.collection}"
            if trigger.writes is None:
                yield Problem(
                    "sql.trigger_unread",
                    f"{begin}; it cannot be read (another language, or the account lacks TRIGGER), so find out what it writes",
                    is_fatal=False,
                )
                continue
            targets = [named(self.catalogue, name, where) for name in trigger.writes.targets]
            copied = [target for target in targets if not self._is_own(target, where)] if trigger.writes.uses_old else []
            if copied:
                yield self._copying(begin, copied)
            elif trigger.writes.is_dynamic:
                yield Problem("sql.trigger_unread", f"{begin}; it puts statements together when it runs, so find out what it writes", is_fatal=False)
            else:
                yield Problem("sql.trigger", begin, is_fatal=False)

    def _copying(self, begin: str, copied: Sequence[str]) -> Problem:
        unseen = [target for target in copied if not self._is_searched(target)]
        if unseen:
            hint = "search that table (`discover: all`, or list it in the connector), or disable the trigger for the engine's account"
            return Problem("sql.trigger_unsearched", f"{begin} and copies old values into {', '.join(unseen)}, which is not searched", hint)
        text = f"{begin} and copies old values into {', '.join(copied)}; a further round of the case erases them there"
        return Problem("sql.trigger_copies", text, is_fatal=False)

    def _is_own(self, collection: str, where: Table) -> bool:
        """True for the table itself, and for a search index that shows nothing but what stands there."""
        table = self.catalogue.tables.get(collection)
        return collection == where.collection or (table is not None and table.relation.shows.casefold() == where.relation.name.casefold())

    def _is_searched(self, collection: str) -> bool:
        table = self.catalogue.tables.get(collection)
        return table is not None and not table.relation.reason and collection in set(self.catalogue.scope())
