"""Where triggers copy to. A trigger's statement is text that nobody can follow wholly; what it plainly inserts into is enough for a proposal."""

import re
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from dsr_engine.drivers.sql.catalogue import Catalogue
from dsr_engine.drivers.sql.database import Database
from dsr_engine.drivers.survey import Copying

#: (schema of the table, table, statement text) of every trigger, by server.
_STATEMENTS = {
    "postgresql": sa.text("""
SELECT n.nspname AS schema, c.relname AS name, p.prosrc AS body
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2, t.tgname
"""),
    "mariadb": sa.text("""
SELECT EVENT_OBJECT_SCHEMA AS `schema`, EVENT_OBJECT_TABLE AS name, ACTION_STATEMENT AS body
FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1, 2, TRIGGER_NAME
"""),
    "sqlite": sa.text("SELECT 'main' AS schema, tbl_name AS name, sql AS body FROM sqlite_master WHERE type = 'trigger' ORDER BY 2, name"),
}

_NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|\w+)'
_INTO = re.compile(rf"\b(?:insert\s+(?:or\s+\w+\s+|ignore\s+)?into|replace\s+into)\s+(?:only\s+)?(?:{_NAME}\s*\.\s*)?({_NAME})", re.IGNORECASE)


def copies(database: Database, connection: sa.Connection, catalogue: Catalogue) -> tuple[Copying, ...]:
    """(changed collection → collection that its triggers insert into), each pair once. Empty for servers that are not known here."""
    statement = _STATEMENTS.get(database.dialect.name)
    if statement is None:
        return ()
    names = {(table.relation.schema, table.relation.name): name for name, table in catalogue.tables.items()}
    targets: dict[str, str] = {}
    for table in catalogue.tables.values():
        targets.setdefault(table.relation.name.lower(), table.collection)
    found: dict[Copying, None] = {}
    for row in connection.execute(statement):
        source = names.get((row.schema, row.name))
        for target in written_to(row.body or ""):
            if source is not None and (known := targets.get(target.lower())) and known != source:
                found[Copying(source, known)] = None
    return tuple(found)


def written_to(body: str) -> Sequence[str]:
    """The names of tables that a statement inserts into, in their order, without quotes and schema."""
    return tuple(dict.fromkeys(_unquoted(match[1]) for match in _inserts(body)))


def _inserts(body: str) -> Iterator[re.Match[str]]:
    return _INTO.finditer(re.sub(r"--[^\n]*|/\*.*?\*/", " ", body, flags=re.DOTALL))


def _unquoted(name: str) -> str:
    if name[0] == "[":
        return name[1:-1]
    return name[1:-1].replace(name[0] * 2, name[0]) if name[0] in '"`' else name
