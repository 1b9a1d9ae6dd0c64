"""Brings a database to the schema of this version. Alembic does it, told by code: there is no ini file to lose."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from dsr_engine.domain.errors import InputWrong
from dsr_engine.store.work import SCHEMA, lock

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"


def migrate(engine: Engine) -> None:
    """Creates or upgrades the tables in one transaction: killed in between, nothing was changed.

    Raises `InputWrong` for a database that a newer version wrote: an older one would misread it.
    """
    with engine.begin() as connection:
        lock(connection, SCHEMA)
        config = _config(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
        if unknown:
            raise InputWrong(
                f"the store has schema {min(unknown)}, which this version does not know",
                code="store.newer",
                hint="a newer dsr wrote it; run that version, or a newer one",
            )
        command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    """True if the tables are those of this version."""
    heads = set(ScriptDirectory.from_config(_config(connection)).get_heads())
    return set(MigrationContext.configure(connection).get_current_heads()) == heads


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
