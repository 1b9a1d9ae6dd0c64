"""Where PostgreSQL keeps bytes of deleted rows, and who finds out: the table of all channels, and the storage of the database itself.

Sources: PostgreSQL 15 manual, 25.1 (routine vacuuming), 52 (catalogs), 54 (views); measured on PostgreSQL 15: after `VACUUM` alone the values of
deleted rows can still be read in the heap file, and planner statistics survive `VACUUM FULL`.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from dsr_engine.domain.residue import Work
from dsr_engine.drivers.sql.upkeep import postgresql_server as server
from dsr_engine.drivers.sql.upkeep.assessing import NOTHING, Answer, Assessor, absent, elsewhere, erased, listed, stays, unknown
from dsr_engine.drivers.sql.upkeep.postgresql_look import Files, Look, rewriting

_STATISTIC, _EXTENDED = ("pg_catalog.pg_statistic", "pg_catalog.pg_statistic_ext_data")

#: Statistics of the touched relations: how old the oldest and the youngest of them are, in transactions.
_STATISTICS = "SELECT count(*), COALESCE(max(age(xmin)), 0), COALESCE(min(age(xmin)), 0) FROM {} WHERE {} = ANY(CAST(:oids AS oid[]))"
_EXTENDED_OF = "(SELECT s.stxrelid FROM pg_statistic_ext s WHERE s.oid = stxoid)"
_MAY_READ = "SELECT has_table_privilege('pg_catalog.pg_statistic', 'SELECT') AND has_table_privilege('pg_catalog.pg_statistic_ext_data', 'SELECT')"

_LO_COLUMNS = sa.text("""
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, a.attname AS field
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (t.oid = 'oid'::regtype OR t.typname = 'lo') ORDER BY 2, 3, 4
""")


def rewritten(look: Look, tables: tuple[Files, ...], what: str) -> Answer:
    """Whether all of these tables were written anew since the effects."""
    if not tables:
        return absent(NOTHING)
    marks: dict[str, str] = {}
    todo: list[Files] = []
    for entry in tables:
        is_done = look.is_rewritten(entry)
        marks |= look.marked(entry.mark, entry.file, is_done)
        if not is_done:
            todo.append(entry)
    if not todo:
        return erased(f"{len(tables)} table(s) were written anew after the effects", **marks)
    early = [entry.name for entry in todo if look.is_new(entry.mark, entry.file)]
    if early:
        return stays(f"{listed(early)}: written anew while an older transaction was open, so dead rows were copied", *_all_anew(look, todo), **marks)
    return stays(f"{what} until written anew", *_all_anew(look, todo), **marks)


def _all_anew(look: Look, tables: Sequence[Files]) -> Iterator[Work]:
    return (rewriting(look, entry) for entry in tables)


def _dead_tuples(look: Look) -> Answer:
    names = listed([entry.name for entry in look.tables])
    return rewritten(look, look.tables, f"{sum(entry.dead for entry in look.tables)} dead rows by the server's count in {names},")


def _old_versions(look: Look) -> Answer:
    return rewritten(look, look.tables, "values from before an update")


def _index_pages(look: Look) -> Answer:
    indexed = tuple(entry for entry in look.tables if entry.indexes)
    if not indexed:
        return absent("the touched tables have no index" if look.tables else NOTHING)
    marks: dict[str, str] = {}
    todo: list[Files] = []
    for entry in indexed:
        has_new_heap = look.is_rewritten(entry)
        is_done = has_new_heap
        for oid, file in entry.indexes:
            # An index that was made after the first look has no mark, and was filled from rows that are there.
            is_old = look.marks.get(f"file:{oid}") == str(file) or not look.marks
            is_done = is_done and not is_old
            marks |= look.marked(f"file:{oid}", file, has_new_heap)
        if not is_done:
            todo.append(entry)
    if todo:
        return stays(f"keys of deleted rows in indexes of {len(todo)} table(s)", *_all_anew(look, todo), **marks)
    return erased("the indexes were built anew with their tables", **marks)


def _toast(look: Look) -> Answer:
    toasted = tuple(entry for entry in look.tables if entry.toast_file)
    if not toasted:
        return absent("the touched tables keep no long values apart" if look.tables else NOTHING)
    marks: dict[str, str] = {}
    todo: list[Files] = []
    for entry in toasted:
        mark, file = f"toast:{entry.oid}", entry.toast_file or 0
        is_done = look.is_new(mark, file) and look.frozen(entry.toast_age) >= look.first_xid
        marks |= look.marked(mark, file, is_done)
        if not is_done:
            todo.append(entry)
    if todo:
        return stays(f"long values of deleted rows of {len(todo)} table(s)", *_all_anew(look, todo), **marks)
    return erased("the tables of long values were written anew", **marks)


def _dropped_columns(look: Look) -> Answer:
    with_holes = tuple(entry for entry in look.tables if entry.dropped)
    return rewritten(look, with_holes, "values of dropped columns") if with_holes else absent("the touched tables have no dropped column")


def _compressed(look: Look) -> Answer:
    answer = rewritten(look, look.tables, "compressed values, which no search for bytes finds, stay")
    detail = f"{answer.detail}; judged by the age of files, not by their bytes" if look.tables else answer.detail
    return Answer(answer.state, detail, works=answer.works)


def _statistics(look: Look) -> Answer:
    described = (*look.relations, *look.snapshots)
    if not described:
        return absent(NOTHING)
    analyze = tuple(
        Work(f"ANALYZE {entry.name}", (), f"SHARE UPDATE EXCLUSIVE on {entry.name}; reads and writes go on", "owner")
        for entry in described
        if entry.kind != "r"
    )
    if not look.scalar(_MAY_READ):
        return unknown("reading pg_statistic takes a superuser or pg_read_all_data")
    works = (*_all_anew(look, look.tables), *analyze)
    sampled = False
    marks: dict[str, str] = {}
    open_: list[str] = []
    for catalog, owner in ((_STATISTIC, "starelid"), (_EXTENDED, _EXTENDED_OF)):
        is_sampled, is_clean, found, more = _catalog(look, described, catalog, owner)
        sampled, marks = sampled or is_sampled, marks | found
        if not is_clean:
            open_.append(catalog)
            works = (*works, *more)
    if not sampled:
        return absent("no statistics were ever computed of the touched tables", **marks)
    if open_:
        return stays(f"sampled values of columns in {listed(open_)}", *works, **marks)
    return erased("statistics were computed anew, and their catalog written anew", **marks)


def _catalog(look: Look, described: tuple[Files, ...], catalog: str, owner: str) -> tuple[bool, bool, dict[str, str], tuple[Work, ...]]:
    """Whether a catalog of statistics ever described these tables, whether nothing from before the effects is left in it, marks and works."""
    (files,) = look.files([look.scalar("SELECT CAST(CAST(:name AS regclass) AS oid)::bigint", name=catalog)])
    ages = {entry.oid: tuple(look.row(sa.text(_STATISTICS.format(catalog, owner)), oids=[entry.oid])) for entry in described}
    known = {oid: found for oid, found in ages.items() if found[0]}
    empty = f"empty:{catalog}"
    was_empty = look.marks.get(empty, "" if look.marks or known else "yes")
    if was_empty:
        return False, True, {empty: was_empty}, ()
    stale = [entry for entry in described if entry.oid in known and look.xid - known[entry.oid][1] < look.first_xid]
    youngest = max((look.xid - found[2] for found in known.values()), default=look.first_xid - 1)
    is_new = look.is_new(files.mark, files.file) and look.frozen(files.age) > youngest
    # Statistics of a table without rows stay as they are, whoever analyzes it.
    removing = tuple(_removing(entry, catalog, owner) for entry in stale if _is_empty(look, entry))
    return True, is_new and not stale, look.marked(files.mark, files.file, is_new), (*removing, _rewriting_catalog(files, catalog))


def _is_empty(look: Look, entry: Files) -> bool:
    return not look.count(f"SELECT count(*) FROM (SELECT FROM {entry.name} LIMIT 1) one")  # noqa: S608  # a name of the catalogue, quoted


def _removing(entry: Files, catalog: str, owner: str) -> Work:
    table = entry.name.replace("'", "''")
    statement = f"DELETE FROM {catalog} WHERE {owner} = '{table}'::regclass"  # noqa: S608  # names of the catalogue, quoted
    return Work(statement, (), f"rows of {catalog}", "superuser")


def _rewriting_catalog(files: Files, catalog: str) -> Work:
    locks = f"ACCESS EXCLUSIVE on {catalog} ({files.size}): nobody can plan a query meanwhile"
    return Work(f"VACUUM (FULL) {catalog}", (), locks, "superuser or owner of the database")


def _large_objects(look: Look) -> Answer:
    columns = look.rows(_LO_COLUMNS)
    (files,) = look.files([look.scalar("SELECT 'pg_catalog.pg_largeobject'::regclass::oid::bigint")])
    is_concerned = any(row.oid in look.oids for row in columns) or files.oid in look.oids
    if not is_concerned:
        return absent("no column of the touched tables refers to large objects")
    refers = " AND ".join(
        f"NOT EXISTS (SELECT FROM {look.quoted(row.schema)}.{look.quoted(row.name)} t WHERE t.{look.quoted(row.field)} = m.oid)" for row in columns
    )
    where = f" WHERE {refers}" if refers else ""
    orphans = look.count(f"SELECT count(*) FROM pg_largeobject_metadata m{where}")  # noqa: S608  # names of the live catalogue, quoted
    is_done = look.is_rewritten(files)
    marks = look.marked(files.mark, files.file, is_done)
    if orphans:
        harms = "objects that are not this person's, if somebody else left them or has not referred to them yet: look at each first (`vacuumlo -n`)"
        statement = f"SELECT lo_unlink(m.oid) FROM pg_largeobject_metadata m{where}"  # noqa: S608  # as above
        unlink = Work(statement, (), "the unlinked objects", "owner of the objects", harms)
        return stays(f"{orphans} large object(s) to which no column refers; whose they are only a human can tell", unlink, **marks)
    if is_done:
        return erased("no large object is left alone, and pg_largeobject was written anew", **marks)
    return stays("pages of unlinked large objects until pg_largeobject is written anew", rewriting(look, files), **marks)


def _snapshots(look: Look) -> Answer:
    if not look.snapshots:
        return absent("no filled materialized view is computed from the touched tables")
    answer = rewritten(look, look.snapshots, "what was computed before the effects")
    works = tuple(
        Work(f"REFRESH MATERIALIZED VIEW {entry.name}", (), f"ACCESS EXCLUSIVE on {entry.name} ({entry.size}) until it is computed anew", "owner")
        for entry in look.snapshots
        if not look.is_rewritten(entry)
    )
    return Answer(answer.state, answer.detail.replace("table(s)", "materialized view(s)"), works=works, marks=answer.marks)


def _old_snapshots(look: Look) -> Answer:
    """Transactions that can still see what was erased: they do not hold a copy, they keep a rewrite from dropping it."""
    if all(look.is_rewritten(entry) for entry in look.tables):
        return absent("nobody held back the rewrite", **look.position) if look.tables else absent(NOTHING, **look.position)
    prepared = look.scalar("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")
    if not look.sees_sessions:
        return Answer(unknown("").state, "transactions of other sessions are hidden: pg_read_all_stats needed", marks=look.position)
    older = look.scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
        " AND (datname = current_database() OR datname IS NULL) AND :now - age(backend_xmin) < :first",
        now=look.xid,
        first=look.first_xid,
    )
    if older or prepared:
        detail = f"{older} open snapshot(s) and {prepared} prepared transaction(s) still see what was erased: end them before a rewrite"
        return elsewhere(detail, **look.position)
    return absent("no transaction is older than the effects", **look.position)


ASSESSORS: tuple[Assessor[Look], ...] = (
    Assessor("pg.dead_tuples", "dead rows in table files", "C1", _dead_tuples),
    Assessor("pg.old_versions", "row versions before an update", "C1", _old_versions),
    Assessor("pg.index_pages", "index pages", "C1", _index_pages),
    Assessor("pg.toast", "long values kept apart (TOAST)", "C1", _toast),
    Assessor("pg.dropped_columns", "values of dropped columns", "C1", _dropped_columns),
    Assessor("pg.statistics", "planner statistics", "C1", _statistics, "pg_read_all_data or a superuser"),
    Assessor("pg.wal", "write-ahead log", "C2", server.wal, "pg_monitor"),
    Assessor("pg.archive", "archived log and base backups", "C3", server.archive, "pg_read_all_settings"),
    Assessor("pg.slots", "replication slots", "C2", server.slots),
    Assessor("pg.standbys", "standbys and subscribers", "C2", server.standbys, "pg_monitor"),
    Assessor("pg.old_snapshots", "transactions older than the effects", "C1", _old_snapshots, "pg_read_all_stats"),
    Assessor("pg.large_objects", "large objects without a row", "C1", _large_objects, "SELECT on all tables with columns of type oid"),
    Assessor("pg.materialized_views", "materialized views", "C1", _snapshots),
    Assessor("pg.server_log", "server log", "C2", server.log_files, "pg_read_all_settings"),
    Assessor("pg.statement_statistics", "texts of statements (pg_stat_statements)", "C2", server.statements, "pg_read_all_settings"),
    Assessor("pg.triggers", "triggers and publications", "C2", server.copiers),
    Assessor("pg.other_tables", "foreign and temporary tables", "C2", server.other_tables),
    Assessor("pg.compressed", "compressed values", "C1", _compressed),
    Assessor("pg.orphans", "rows that refer to what is gone", "C0", server.unvalidated),
    Assessor("pg.typed_fields", "values inside JSON, arrays, bytes", "C0", server.typed_fields),
    Assessor("pg.row_security", "rows that row-level security hides", "C0", server.row_security),
    Assessor("pg.outside", "dumps, other databases, tablespaces, disks", "C3", server.outside),
)
