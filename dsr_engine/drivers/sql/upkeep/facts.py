"""Which server was asked, as whom, and whether that account may be shown less than there is."""

import sqlalchemy as sa

from dsr_engine.domain.residue import ServerFacts
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.upkeep.assessing import listed

_HIDDEN_POSTGRESQL = sa.text("""
SELECT n.nspname || '.' || c.relname AS name, row_security_active(c.oid) AS is_filtered,
       NOT (has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')) AS is_closed,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')) AS has_hidden
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
""")
_SELECT_MARIADB = sa.text("""
SELECT (SELECT count(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'SELECT') AS everywhere,
       (SELECT count(*) FROM information_schema.SCHEMA_PRIVILEGES WHERE PRIVILEGE_TYPE = 'SELECT' AND DATABASE() LIKE TABLE_SCHEMA) AS here
""")


def role(database: Database, connection: sa.Connection) -> str:
    """The account as the server names it; empty where there are none."""
    match database.dialect.name:
        case "postgresql":
            return str(connection.scalar(sa.text("SELECT current_user")))
        case "mariadb":
            return str(connection.scalar(sa.text("SELECT CURRENT_USER()")))
    return ""


def server(database: Database, connection: sa.Connection) -> ServerFacts:
    hidden, detail = _hidden(database, connection)
    return ServerFacts(database.identity(connection), _product(database, connection), role(database, connection), hidden, detail)


def _product(database: Database, connection: sa.Connection) -> str:
    match database.dialect.name:
        case "postgresql":
            return f"PostgreSQL {connection.scalar(sa.text('SHOW server_version'))}"
        case "mariadb":
            kind = "MariaDB" if getattr(connection.dialect, "is_mariadb", False) else "MySQL"
            return f"{kind} {connection.scalar(sa.text('SELECT VERSION()'))}"
        case "sqlite":
            return f"SQLite {connection.scalar(sa.text('SELECT sqlite_version()'))}"
    return connection.engine.url.get_backend_name()


def _hidden(database: Database, connection: sa.Connection) -> tuple[bool, str]:
    """Whether the account may be shown less, and where; as far as the server lets it know that."""
    match database.dialect.name:
        case "postgresql":
            rows = connection.execute(_HIDDEN_POSTGRESQL).all()
            found = {
                "row-level security applies in": [row.name for row in rows if row.is_filtered],
                "may not be read:": [row.name for row in rows if row.is_closed],
                "columns are hidden in": [row.name for row in rows if row.has_hidden and not row.is_closed],
            }
            return any(found.values()), "; ".join(f"{words} {listed(names)}" for words, names in found.items() if names)
        case "mariadb":
            row = connection.execute(_SELECT_MARIADB).one()
            if row.everywhere or row.here:
                return False, ""
            return True, "tables without a privilege do not show, for the account may not read the whole database"
        case "sqlite":
            return False, ""
    return True, "not known for this kind of server"
