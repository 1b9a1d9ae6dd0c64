"""What PostgreSQL keeps beside its tables: logs, archives, slots, standbys, copies made by triggers, and what lies outside of the database."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta

import sqlalchemy as sa

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.drivers.sql.upkeep.assessing import Answer, absent, elsewhere, expires, listed, unknown
from dsr_engine.drivers.sql.upkeep.postgresql_look import Look

#: Names of log files that come round again: what they turn over by, in days (PostgreSQL manual, log_truncate_on_rotation).
_ROUNDS = {"%a": 7, "%u": 7, "%w": 7, "%d": 31, "%j": 366, "%H": 1}

_WAL = sa.text("SELECT name FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$' ORDER BY name")
_SLOTS = sa.text("""
SELECT slot_name AS name, active, restart_lsn - '0/0'::pg_lsn AS restart, confirmed_flush_lsn - '0/0'::pg_lsn AS confirmed
FROM pg_replication_slots ORDER BY slot_name
""")
_STANDBYS = sa.text("SELECT application_name AS name, replay_lsn - '0/0'::pg_lsn AS replayed FROM pg_stat_replication ORDER BY 1")
_TRIGGERS = sa.text("""
SELECT DISTINCT tgname AS name FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D' AND tgrelid = ANY(CAST(:oids AS oid[])) ORDER BY 1
""")
_PUBLICATIONS = sa.text("""
SELECT DISTINCT p.pubname AS name FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename WHERE c.oid = ANY(CAST(:oids AS oid[])) ORDER BY 1
""")
_OTHERS = sa.text("""
SELECT count(*) FILTER (WHERE relkind = 'f') AS foreign_tables,
       count(*) FILTER (WHERE relpersistence = 't' AND relnamespace <> pg_my_temp_schema() AND relkind = 'r') AS temporary
FROM pg_class
""")
_UNVALIDATED = sa.text("""
SELECT conname AS name FROM pg_constraint WHERE contype = 'f' AND NOT convalidated AND (conrelid = ANY(CAST(:oids AS oid[]))
OR confrelid = ANY(CAST(:oids AS oid[]))) ORDER BY 1
""")
_OUTSIDE = sa.text("""
SELECT (SELECT count(*) FROM pg_database WHERE NOT datistemplate AND datname <> current_database()) AS databases,
       (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')) AS tablespaces,
       (SELECT count(*) FROM pg_extension WHERE extname IN ('dblink', 'postgres_fdw')) AS links
""")
_FILTERED = sa.text("""
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND row_security_active(c.oid) ORDER BY 1
""")


def _setting(look: Look, name: str) -> str:
    """A setting that this account may see; raises `NotAllowed` for a hidden one."""
    if name not in look.settings:
        raise NotAllowed(f"{name} is hidden", code="sql.hidden_setting", hint="GRANT pg_read_all_settings")
    return look.settings[name]


def wal(look: Look) -> Answer:
    """Segments that were full before the first look, or that were kept to be filled again, may hold any row that was ever written."""
    segment = int(look.settings["wal_segment_size"])
    names = [row.name for row in look.rows(_WAL)]
    first = _segment_number(look.first_lsn, segment)
    old = sum(_number(name, segment) <= first for name in names)
    kept = sum(_number(name, segment) > _segment_number(look.lsn, segment) for name in names)
    if not old and not kept:
        return absent("no segment from before the effects is left")
    rate = look.row(sa.text("SELECT wal_bytes, EXTRACT(EPOCH FROM now() - stats_reset) AS seconds FROM pg_stat_wal"))
    limit = (int(look.settings["max_wal_size"]) + int(look.settings["wal_keep_size"])) * 1024 * 1024
    pace = float(rate.wal_bytes) / max(float(rate.seconds or 0), 1.0)
    days = f"about {math.ceil(limit / pace / 86400)} day(s) at the present load" if pace else "nobody knows when: nothing is written"
    return elsewhere(f"{old} segment(s) from before the effects, {kept} kept for reuse; overwritten as log is written, {days}")


def _segment_number(lsn: int, segment: int) -> int:
    return lsn // segment


def _number(name: str, segment: int) -> int:
    """The number of a segment from its file's name: timeline, high word, low word (PostgreSQL manual, 73.6)."""
    return int(name[8:16], 16) * (2**32 // segment) + int(name[16:24], 16)


def archive(look: Look) -> Answer:
    if _setting(look, "archive_mode") == "off":
        return elsewhere("the server archives no log; base backups and dumps are made by other means")
    return elsewhere("the server archives its log (archive_mode): it cannot be edited and ends with its retention")


def slots(look: Look) -> Answer:
    found = look.rows(_SLOTS)
    behind = [row for row in found if min(int(row.restart or 0), int(row.confirmed or row.restart or 0)) < look.first_lsn]
    if behind:
        names = [f"{row.name}{'' if row.active else ' (inactive)'}" for row in behind]
        return elsewhere(f"{listed(names)} still keep log from before the effects and would replay it")
    return absent(f"{len(found)} slot(s), all of them beyond the effects" if found else "there are no slots")


def standbys(look: Look) -> Answer:
    if look.settings["wal_level"] == "minimal" or look.settings["max_wal_senders"] == "0":
        return absent("the server is set to feed no standby")
    if not look.sees_sessions:
        raise NotAllowed("standbys are hidden", code="sql.hidden_sessions", hint="GRANT pg_monitor")
    found = look.rows(_STANDBYS)
    if not found:
        return unknown("no standby is connected now; one that is detached does not show")
    late = [row.name for row in found if int(row.replayed or 0) < look.first_lsn]
    if late:
        return elsewhere(f"{listed(late)} have not replayed the effects yet")
    return absent(f"{len(found)} connected standby(s) or subscriber(s) have replayed the effects")


def log_files(look: Look) -> Answer:
    statements = look.settings["log_statement"]
    durations = [look.settings[name] for name in ("log_min_duration_statement", "log_min_duration_sample")]
    is_quiet = statements == "none" and all(value == "-1" for value in durations)
    what = "statements are not logged, but errors may quote keys" if is_quiet else f"statements are logged (log_statement={statements})"
    days = round_of(look.settings)
    if days:
        return expires((look.first_at + timedelta(days=days + 1)).date(), f"{what}; files come round after {days} day(s)")
    return elsewhere(f"{what}; how long files are kept is a matter of the host")


def round_of(settings: Mapping[str, str]) -> int:
    """After how many days the server writes over a log file, by the pattern of its name; 0 if it never does, or does not tell."""
    if settings.get("logging_collector") != "on" or settings.get("log_truncate_on_rotation") != "on":
        return 0
    if not 0 < int(settings.get("log_rotation_age", "0")) <= 24 * 60:
        return 0
    parts = re.findall(r"%\w", settings.get("log_filename", ""))
    if not all(part in _ROUNDS or part in ("%M", "%S") for part in parts):
        return 0
    return max((_ROUNDS[part] for part in parts if part in _ROUNDS), default=0)


def statements(look: Look) -> Answer:
    if "pg_stat_statements" not in _setting(look, "shared_preload_libraries"):
        return absent("pg_stat_statements is not loaded")
    if look.settings.get("pg_stat_statements.track_utility") == "off":
        return absent("pg_stat_statements keeps no literal: it replaces them, and utility statements are off")
    return elsewhere("literals are replaced, those of utility statements are not; `SELECT pg_stat_statements_reset()` empties it")


def copiers(look: Look) -> Answer:
    """Triggers and publications that may have carried old rows elsewhere. What lies in this database was searched afresh."""
    triggers = [row.name for row in look.rows(_TRIGGERS, oids=look.oids)]
    publications = [row.name for row in look.rows(_PUBLICATIONS, oids=look.oids)]
    if publications:
        return elsewhere(f"published by {listed(publications)}: subscribers are systems of their own")
    if triggers:
        return elsewhere(f"trigger(s) {listed(triggers)} act on changes; copies in this database were searched, others not")
    is_audited = "pgaudit" in look.settings.get("shared_preload_libraries", "")
    return elsewhere("pgaudit writes statements to the server log") if is_audited else absent("no trigger and no publication on the touched tables")


def other_tables(look: Look) -> Answer:
    found = look.row(_OTHERS)
    if found.foreign_tables or found.temporary:
        return elsewhere(
            f"{found.foreign_tables} foreign table(s) and {found.temporary} temporary table(s) of other sessions cannot be searched here"
        )
    return absent("there are none; detached partitions are tables and were searched")


def unvalidated(look: Look) -> Answer:
    found = [row.name for row in look.rows(_UNVALIDATED, oids=look.oids)]
    if found:
        return elsewhere(f"{listed(found)}: foreign keys that were never validated, so rows may refer to what is gone")
    return absent("every foreign key at the touched tables is validated; links without a constraint are the connector's")


def typed_fields(look: Look) -> Answer:  # noqa: ARG001  # the signature of assessors
    return absent("the fresh look read them decoded, as far as its coverage says")


def row_security(look: Look) -> Answer:
    """As this account is treated; what the looking account is shown stands with the server's facts."""
    found = [row.name for row in look.rows(_FILTERED)]
    if found:
        return unknown(f"row-level security applies to this account in {listed(found)}: BYPASSRLS needed")
    return absent("no table hides rows from this account")


def outside(look: Look) -> Answer:
    found = look.row(_OUTSIDE)
    beside = f"{found.databases} other database(s), {found.tablespaces} further tablespace(s), {found.links} link extension(s); "
    return elsewhere(beside + "dumps, snapshots and spare blocks are the host's")
