"""Where MariaDB and MySQL keep bytes of deleted rows, and who finds out.

Sources: MariaDB knowledge base ("InnoDB Undo Log", "InnoDB Redo Log", "Binary Log", "System-Versioned Tables", "Engine-Independent Table
Statistics"); measured on MariaDB 10.11: a `DELETE` leaves values in the pages of the table's file, `ALTER TABLE … FORCE` leaves none there.

Undo and redo are logs here and stand in the way of C2: no statement cleans them, and what is in them ages out with writing.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from dsr_engine.domain.residue import Work
from dsr_engine.drivers.sql.upkeep.assessing import NOTHING, Answer, Assessor, absent, elsewhere, erased, expires, listed, stays
from dsr_engine.drivers.sql.upkeep.mariadb_look import BINLOG, Look, Space, rebuilding

_SAMPLED = sa.text("""
SELECT db_name, table_name FROM mysql.column_stats WHERE db_name = :schema AND table_name IN :names GROUP BY 1, 2
""").bindparams(sa.bindparam("names", expanding=True))
_HISTOGRAMS = sa.text("""
SELECT TABLE_NAME AS table_name, COLUMN_NAME AS field FROM information_schema.COLUMN_STATISTICS
WHERE SCHEMA_NAME = :schema AND TABLE_NAME IN :names ORDER BY 1, 2
""").bindparams(sa.bindparam("names", expanding=True))
#: What the end of a version is called where the table does not name it.
_HIDDEN_END = "row_end"
_ROW_END = sa.text("""
SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :name AND GENERATION_EXPRESSION = 'ROW END'
""")
_SAMPLES_MADE = sa.text("SELECT CREATE_TIME AS made FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'column_stats'")
_RENEW = Work("ALTER TABLE mysql.column_stats FORCE", (), "statistics cannot be read or written meanwhile", "ALTER on mysql.column_stats")


def _rebuilt(look: Look, tables: tuple[Space, ...], what: str) -> Answer:
    if not tables:
        return absent(NOTHING)
    marks: dict[str, str] = {}
    for entry in tables:
        marks |= look.marked(entry)
    todo = [entry for entry in tables if not look.is_rebuilt(entry)]
    if not todo:
        return erased(f"{len(tables)} table(s) were rebuilt after the effects", **marks)
    shared = [entry.name for entry in todo if entry.is_shared]
    if shared:
        detail = f"{listed(shared)} in the system tablespace: set innodb_file_per_table, then rebuild; the old pages stay in ibdata1"
        return elsewhere(detail, *map(rebuilding, todo), **marks)
    return stays(f"{what} in {listed([entry.name for entry in todo])} until rebuilt", *map(rebuilding, todo), **marks)


def _pages(look: Look) -> Answer:
    return _rebuilt(look, look.tables, "deleted rows in free space of pages")


def _redo(look: Look) -> Answer:
    """The redo log is a ring: once more was written than it holds, nothing from before is left."""
    size = look.number("innodb_log_file_size") * max(look.number("innodb_log_files_in_group"), 1)
    size = max(size, look.number("innodb_redo_log_capacity"))
    now, first = look.status.get("innodb_lsn_current", ""), look.position["lsn"]
    if not now or not first:
        return elsewhere("overwritten as the server writes; it does not tell how far it is", **look.position)
    written = int(now) - int(first)
    if size and written > size:
        return absent("overwritten: more was written since the effects than the ring holds", **look.position)
    return elsewhere(f"a ring of {math.ceil(size / 2**20)} MiB, of which {written // 2**20} MiB were overwritten since the effects", **look.position)


def _undo(look: Look) -> Answer:
    history = look.status.get("innodb_history_list_length", "an unknown number of")
    where = "separate undo tablespaces" if look.number("innodb_undo_tablespaces") >= 2 else "the system tablespace, which never shrinks"
    return elsewhere(f"{history} transaction(s) not purged yet; freed pages stay in {where} until used again")


def _binlog(look: Look) -> Answer:
    if not look.is_on("log_bin"):
        return absent("the binary log is off")
    names = [str(row[0]) for row in look.rows(sa.text("SHOW BINARY LOGS"))]
    first = look.marks.get(BINLOG, names[-1] if names else "")
    if names and first and names[0] > first:
        return absent("every file from before the end of the effects is gone", **{BINLOG: first})
    seconds = look.number("binlog_expire_logs_seconds") or look.number("expire_logs_days") * 86400
    form = look.variables.get("binlog_format", "")
    if not seconds:
        return elsewhere(f"before-images ({form}) that never expire: binlog_expire_logs_seconds and expire_logs_days are 0", **{BINLOG: first})
    until = (look.first_at + timedelta(seconds=seconds + 86400)).date()
    return expires(until, f"before-images ({form}); removed when the server turns to a new file after that", **{BINLOG: first})


def _replicas(look: Look) -> Answer:
    if look.is_on("wsrep_on"):
        return elsewhere("a Galera cluster: other nodes and their caches (gcache) are systems of their own")
    sources = look.rows(sa.text("SHOW ALL SLAVES STATUS" if look.is_mariadb else "SHOW REPLICA STATUS"))
    if sources:
        return elsewhere("this server replicates from another one: erase there, or it may come back; relay logs are kept")
    readers = look.rows(sa.text("SHOW SLAVE HOSTS" if look.is_mariadb else "SHOW REPLICAS"))
    if readers:
        return elsewhere(f"{len(readers)} replica(s): they are systems of their own, and a delayed one still holds what was erased")
    return absent("no replica is connected and no relay log is kept" if look.is_on("log_bin") else "without a binary log nothing can replicate")


def _logs(look: Look) -> Answer:
    kept = [name for name in ("general_log", "slow_query_log") if look.is_on(name)]
    if kept:
        return elsewhere(f"{listed(kept)} on ({look.variables.get('log_output', 'FILE')}): statements with their values; rotate it")
    return elsewhere("statements are not logged now; files from before, and the error log, are the host's")


def _samples(look: Look) -> Answer:
    names = [entry.name for entry in look.tables]
    if not names:
        return absent(NOTHING)
    rows = look.rows(_SAMPLED if look.is_mariadb else _HISTOGRAMS, schema=look.schema, names=names)
    if not rows and "samples" not in look.marks:
        return absent("no values of the touched tables were ever sampled (column statistics)")
    if not look.is_mariadb:
        return stays("histograms hold sampled values of columns", *_dropping(look, rows), samples="yes") if rows else erased("dropped", samples="yes")
    made = str(look.rows(_SAMPLES_MADE)[0].made)
    first = look.marks.get("samples", made)
    if not rows and first != made:
        return erased("the samples were removed, and their table written anew", samples=first)
    works = tuple(
        Work(
            f"DELETE FROM mysql.column_stats WHERE db_name = {_text(look.schema)} AND table_name = {_text(str(row.table_name))}",  # noqa: S608  # quoted
            (),
            "rows of mysql.column_stats; take the samples again after the case went on",
            "DELETE on mysql.column_stats",
        )
        for row in rows
    )
    return stays("smallest, largest and sampled values of columns", *works, _RENEW, samples=first)


def _text(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'"


def _dropping(look: Look, rows: Sequence[sa.Row[Any]]) -> Iterator[Work]:
    """MySQL keeps histograms by column; they can be dropped without touching the table."""
    for entry in look.tables:
        columns = ", ".join(look.quoted(row.field) for row in rows if row.table_name == entry.name)
        if columns:
            yield Work(f"ANALYZE TABLE {entry.quoted} DROP HISTOGRAM ON {columns}", (), "none", "SELECT and INSERT on the table")


def _words(look: Look) -> Answer:
    tables = tuple(entry for entry in look.tables if entry.has_words)
    return _rebuilt(look, tables, "words of deleted rows in full-text indexes") if tables else absent("the touched tables have no full-text index")


def _history(look: Look) -> Answer:
    """Whose the earlier versions are only a human can tell: `DELETE HISTORY` takes everybody's."""
    versioned = [entry for entry in look.tables if entry.is_versioned]
    if not versioned:
        return absent("the touched tables are not system-versioned")
    works, left = [], []
    for entry in versioned:
        (end,) = look.rows(_ROW_END, schema=look.schema, name=entry.name) or ((_HIDDEN_END,),)
        column = look.quoted(end[0])
        count = look.count(f"SELECT count(*) FROM {entry.quoted} FOR SYSTEM_TIME ALL WHERE {column} < CURRENT_TIMESTAMP(6)")  # noqa: S608  # quoted
        if count:
            left.append(f"{entry.name} ({count})")
            harms = f"earlier versions of everybody's rows: {count} in all; keep those that are not this person's another way first"
            works.append(Work(f"DELETE HISTORY FROM {entry.quoted}", (), f"rows of {entry.quoted}", "DELETE HISTORY on the table", harms))
    if left:
        return stays(f"earlier versions of rows in {listed(left)}; whose they are only a human can tell", *works)
    return absent("no earlier version of any row is kept")


def _leftovers(look: Look) -> Answer:
    buffering = look.variables.get("innodb_change_buffering", "none")
    is_double = look.variables.get("innodb_doublewrite", "ON").upper() not in ("OFF", "0")
    parts = [f"change buffer {buffering}", f"doublewrite buffer {'on' if is_double else 'off'}"]
    detail = f"{', '.join(parts)}; pages that crashed changes left (#sql-…) and physical backups are the host's"
    return elsewhere(detail)


ASSESSORS: tuple[Assessor[Look], ...] = (
    Assessor("mariadb.pages", "free space in table files", "C1", _pages),
    Assessor("mariadb.redo_log", "redo log", "C2", _redo),
    Assessor("mariadb.undo_log", "undo log", "C2", _undo),
    Assessor("mariadb.binary_log", "binary log", "C2", _binlog, "BINLOG MONITOR (REPLICATION CLIENT)"),
    Assessor("mariadb.replicas", "replicas and relay logs", "C2", _replicas, "REPLICA MONITOR and REPLICATION MASTER ADMIN"),
    Assessor("mariadb.statement_logs", "general and slow log", "C2", _logs),
    Assessor("mariadb.column_statistics", "sampled values of columns", "C1", _samples, "SELECT on mysql.column_stats"),
    Assessor("mariadb.full_text", "words in full-text indexes", "C1", _words),
    Assessor("mariadb.history", "earlier versions of rows (system versioning)", "C1", _history, "SELECT and DELETE HISTORY on the table"),
    Assessor("mariadb.leftovers", "change and doublewrite buffer, leftovers, backups", "C3", _leftovers),
)
