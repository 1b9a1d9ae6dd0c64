"""Reasons why a search should stand still for a moment, as the server tells them: replicas that fall behind, and others who wait for a lock.

Sources: PostgreSQL manual 28.2.4 (pg_stat_replication), 54.12 (pg_locks), 9.27.4 (recovery information); MariaDB, SHOW REPLICA STATUS and
information_schema.PROCESSLIST.
"""

from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.system import Pace
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.schema.catalogue import Table
from dsr_engine.drivers.sql.server.shown_grants import shown

#: On a standby: how old the last replayed transaction is, 0 where everything that came was replayed. On a primary: the slowest standby.
_LAG_POSTGRESQL = sa.text("""
SELECT CASE WHEN pg_is_in_recovery()
  THEN CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END
  ELSE (SELECT COALESCE(max(EXTRACT(EPOCH FROM COALESCE(replay_lag, flush_lag, write_lag))), 0) FROM pg_stat_replication)
END::float8
""")
_SEES_REPLICAS = sa.text("SELECT pg_is_in_recovery() OR pg_has_role('pg_read_all_stats', 'USAGE')")

#: Somebody waits for, or holds, the one lock that a plain reader is in the way of; a partitioned table's partitions count.
_LOCK_POSTGRESQL = sa.text("""
SELECT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.relation IN (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name
                     UNION SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname = :schema AND c.relname = :name))
""")
_LOCK_MARIADB = sa.text(
    "SELECT EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for table metadata lock%')"
)


def reason(connection: sa.Connection, kind: str, pace: Pace, table: Table) -> str:
    """Why a search of this table should stand still now; empty where nothing is in its way. Raises `NotAllowed` where the account cannot see it."""
    if pace.replication_lag is not None:
        lag = replication_lag(connection, kind)
        if lag > pace.replication_lag:
            return f"a replica is {lag:.0f} s behind"
    if pace.yields_to_locks and _is_lock_wanted(connection, kind, table):
        return f"another session wants the lock of {table.collection}"
    return ""


def replication_lag(connection: sa.Connection, kind: str) -> float:
    """Seconds by which the slowest replica, or the one that is read, is behind. 0 where there is none."""
    if kind == "postgresql":
        if not connection.scalar(_SEES_REPLICAS):
            raise _hidden("how far replicas are behind", "GRANT pg_read_all_stats")
        return float(connection.scalar(_LAG_POSTGRESQL) or 0)
    if kind == "mariadb":
        status = replica_status(connection)
        if status is None:
            return 0
        behind = status.get("Seconds_Behind_Master", status.get("Seconds_Behind_Source"))
        return float("inf") if behind is None else float(behind)
    return 0


def replica_status(connection: sa.Connection) -> dict[str, Any] | None:
    """What a MariaDB or MySQL replica says of itself; None on a server that replicates nobody."""
    words = "SHOW SLAVE STATUS" if getattr(connection.dialect, "is_mariadb", False) else "SHOW REPLICA STATUS"
    row = connection.execute(sa.text(words)).mappings().first()
    return None if row is None else dict(row)


def _is_lock_wanted(connection: sa.Connection, kind: str, table: Table) -> bool:
    if kind == "postgresql":
        return bool(connection.scalar(_LOCK_POSTGRESQL, {"schema": table.relation.schema, "name": table.relation.name}))
    if kind == "mariadb":
        if not _sees_threads(connection):
            raise _hidden("who waits for a lock", "GRANT PROCESS ON *.*")
        return bool(connection.scalar(_LOCK_MARIADB))
    return False


def _sees_threads(connection: sa.Connection) -> bool:
    return any(grant.gives("PROCESS") or grant.gives("SUPER") for grant in shown(connection))


def _hidden(what: str, hint: str) -> NotAllowed:
    return NotAllowed(f"the account may not see {what}, which `pause_when` asks for", code="sql.hidden_pace", hint=hint)


def blind_spots(connection: sa.Connection, kind: str, pace: Pace) -> list[Problem]:
    """Where `pause_when` asks for something that this account or this kind of server does not show."""
    found: list[Problem] = []
    lag, locks = pace.replication_lag is not None, pace.yields_to_locks
    if kind == "postgresql" and lag and not connection.scalar(_SEES_REPLICAS):
        found.append(Problem("sql.hidden_pace", "the account may not see how far replicas are behind", "GRANT pg_read_all_stats"))
    if kind == "mariadb" and lag and replica_status(connection) is None:
        text = "this server replicates nobody and does not know who replicates it, so `pause_when.replication_lag` has no effect"
        found.append(Problem("sql.no_lag", text, "read from a replica (`read_from`)", is_fatal=False))
    if kind == "mariadb" and locks and not _sees_threads(connection):
        found.append(Problem("sql.hidden_pace", "the account may not see who waits for a lock", "GRANT PROCESS ON *.*"))
    if kind not in ("postgresql", "mariadb") and (lag or locks):
        text = "`pause_when` has no effect here: the server tells neither lag nor waiting locks"
        found.append(Problem("sql.no_lag", text, "use `max_snapshot`, which lets others in between", is_fatal=False))
    return found
