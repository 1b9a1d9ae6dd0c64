"""What lies on the disk of a database: every file of it, read as bytes, by other means than the engine's."""

from pathlib import Path

from tests.drivers.sql_database import SqlDatabase


def files_of(database: SqlDatabase) -> dict[str, bytes]:
    """Name → bytes of all files that hold this database, after everything in memory was written out. Logs are not among them."""
    match database.kind:
        case "postgres":
            return _of_postgres(database)
        case "mariadb":
            return _of_mariadb(database)
    path = Path(database.engine.url.database or "")
    return {entry.name: entry.read_bytes() for entry in path.parent.iterdir() if entry.name.startswith(path.name)}


def _of_postgres(database: SqlDatabase) -> dict[str, bytes]:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")
        root = Path(str(connection.exec_driver_sql("SHOW data_directory").scalar()))
        oid = connection.exec_driver_sql("SELECT oid FROM pg_database WHERE datname = current_database()").scalar()
        rows = connection.exec_driver_sql("SELECT relname, pg_relation_filepath(oid) FROM pg_class WHERE pg_relation_filepath(oid) IS NOT NULL")
        names = {path: str(name) for name, path in map(tuple, rows)}
    found = {}
    for path in sorted((root / "base" / str(oid)).iterdir()):
        own = names.get(str(path.relative_to(root)), path.name)
        found[own] = path.read_bytes()
    return found


def _of_mariadb(database: SqlDatabase) -> dict[str, bytes]:
    with database.engine.connect() as connection:
        root = Path(str(connection.exec_driver_sql("SELECT @@datadir").scalar()))
        schema = str(connection.exec_driver_sql("SELECT DATABASE()").scalar())
        tables = [
            str(row[0])
            for row in connection.exec_driver_sql(
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW' AND ENGINE = 'InnoDB'"
            )
        ]
        found: dict[str, bytes] = {}
        for table in tables:  # which writes its pages out and keeps them there until it is unlocked
            connection.exec_driver_sql(f"FLUSH TABLES `{table}` FOR EXPORT")
            found |= {path.name: path.read_bytes() for path in (root / schema).glob(f"{table}*.ibd")}
            connection.exec_driver_sql("UNLOCK TABLES")
        found |= {path.name: path.read_bytes() for path in (root / schema).glob("FTS_*.ibd")}
    return found


def holding(database: SqlDatabase, *values: str) -> set[str]:
    """The files in which any of the values can be read."""
    needles = [value.encode() for value in values]
    return {name for name, data in files_of(database).items() if any(needle in data for needle in needles)}
