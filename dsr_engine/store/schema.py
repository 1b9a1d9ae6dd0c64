"""Brings a database to the schema of this version. Alembic does it, told by code: there is no ini file to lose."""

import functools
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
        known, heads = _revisions()
        current = frozenset(MigrationContext.configure(connection).get_current_heads())
        unknown = current - known
        if unknown:
            raise InputWrong(
                f"the store has schema {min(unknown)}, which this version does not know",
                code="store.newer",
                hint="a newer dsr wrote it; run that version, or a newer one",
            )
        if current != heads:
            command.upgrade(_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """True if the tables are those of this version."""
    return frozenset(MigrationContext.configure(connection).get_current_heads()) == _revisions()[1]


@functools.cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """All revisions that this version knows, and the last ones. Reading them loads every script, so it is done once."""
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions()), frozenset(scripts.get_heads())


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
