"""Whether `read_from` reaches a copy of the very server that `url` reaches. Anything else would show another company's data, or yesterday's.

PostgreSQL: a physical standby has the primary's system identifier; one that was promoted has it as well, but is a server of its own, so it must be
in recovery, or be the primary itself. A logical subscriber has another identifier and may lack tables and rows. MariaDB and MySQL: a replica has
an identity of its own and names its primary in SHOW REPLICA STATUS. Any other server counts as the same where its identity is the same.
"""

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from dsr_engine.domain.errors import DsrError, InputWrong, Unreachable
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.finding.waiting import replica_status
from dsr_engine.drivers.sql.server.database import Database

OTHER = "replica.other_server"
_HINT = "name a physical standby (PostgreSQL) or a replica of the same server (MariaDB) in `read_from`, or leave it out"

_INSTANCE = sa.text("SELECT pg_is_in_recovery() AS is_standby, pg_postmaster_start_time()::text AS started")
_SERVER = sa.text("SELECT CAST(@@server_id AS CHAR)")


def reading_side(system: System) -> tuple[System, Secret | None]:
    """The system as it is read, from its replica where it has one; then also the url of the primary, which the replica is to be compared with."""
    if system.read_from is None:
        return system, None
    return replace(system, settings={**system.settings, "url": system.read_from}), system.settings.get("url")


def refuse_stranger(system: System, primary_url: Secret) -> None:
    """Compares the server behind `system` with the one behind the url. Raises `InputWrong` where they are not one."""
    replica, primary = Database(system), Database(replace(system, settings={**system.settings, "url": primary_url}))
    try:
        with primary.reading("asking the primary who it is") as first, replica.reading("asking the replica who it is") as second:
            if not _is_copy(primary, first, replica, second):
                raise InputWrong(f"{system.name}: `read_from` is no copy of the server behind `url`", code=OTHER, hint=_HINT)
    finally:
        replica.close()
        primary.close()


def _is_copy(primary: Database, first: sa.Connection, replica: Database, second: sa.Connection) -> bool:
    is_same = primary.identity(first) == replica.identity(second)
    if primary.dialect.name != replica.dialect.name:
        return False
    if primary.dialect.name == "postgresql":
        ours, theirs = first.execute(_INSTANCE).one(), second.execute(_INSTANCE).one()
        return is_same and (theirs.is_standby or ours.started == theirs.started)
    if primary.dialect.name == "mariadb" and not is_same:
        return first.engine.url.database == second.engine.url.database and _source(replica_status(second)) == str(first.scalar(_SERVER))
    return is_same


def _source(status: Mapping[str, object] | None) -> str:
    """The server id of whom this server replicates."""
    return str((status or {}).get("Master_Server_Id", (status or {}).get("Source_Server_Id", "")))


def stranger(system: System) -> Problem | None:
    """The same as a finding of `check`; None where there is no replica, or where it is one."""
    if system.read_from is None:
        return None
    try:
        refuse_stranger(replace(system, settings={**system.settings, "url": system.read_from}), system.settings["url"])
    except DsrError as error:
        # A replica that is down for a moment is no reason to refuse a plan, which is made from the primary.
        return Problem(error.code, f"read_from: {error.message}", error.hint, is_fatal=not isinstance(error, Unreachable))
    return None
