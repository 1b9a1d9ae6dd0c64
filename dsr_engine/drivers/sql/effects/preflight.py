"""What has to be known of a table before its rows are changed: triggers, constraints, burdens. Read once for each table and kind of change."""

import warnings
from collections.abc import Sequence
from functools import cached_property

import sqlalchemy as sa

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.effects.burdens import long_transactions, unindexed
from dsr_engine.drivers.sql.effects.checks import Checks, constraints_of
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.triggers import Triggered, read_triggers
from dsr_engine.drivers.sql.server.dialects import Dialect


class Preflight:
    """For one database, while a plan is made. Reads only."""

    def __init__(self, dialect: Dialect, connection: sa.Connection, catalogue: Catalogue) -> None:
        self._dialect, self._connection, self._catalogue = dialect, connection, catalogue
        self._told: dict[tuple[str, bool], tuple[Problem, ...]] = {}
        self._checks: dict[str, Checks] = {}

    def problems(self, table: Table, *, is_delete: bool, count: int) -> Sequence[Problem]:
        """Warnings, and what forbids to change this table in this way. `count`: how many rows are to be changed."""
        place = table.collection, is_delete
        if place not in self._told:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the inspector warns of indexes that it does not know
                found = list(self._triggered.problems(table, is_delete=is_delete))
                if is_delete:
                    found += unindexed(self._connection, self._catalogue, table, count)
                found += long_transactions(self._connection, table)
            self._told[place] = tuple(found)
        return self._told[place]

    def checks(self, table: Table) -> Checks:
        """The constraints that new values of this table have to pass."""
        if table.collection not in self._checks:
            self._checks[table.collection] = Checks(self._dialect, self._connection, table, constraints_of(self._connection, table))
        return self._checks[table.collection]

    @cached_property
    def _triggered(self) -> Triggered:
        return Triggered(self._catalogue, read_triggers(self._connection))
