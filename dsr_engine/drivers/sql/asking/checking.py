"""Everything that can be known before a database is used: the manifest against the catalogue, privileges, other accounts, replicas, pauses."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sqlalchemy as sa

from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.sql.asking.rights import changed, forbidden, missing_updates, unseen, written
from dsr_engine.drivers.sql.finding.waiting import blind_spots
from dsr_engine.drivers.sql.schema.catalogue import Catalogue
from dsr_engine.drivers.sql.schema.reflection import read_catalogue
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.server.dialects import Relation, Shape
from dsr_engine.drivers.sql.server.replicas import stranger


def problems(system: System, database: Database, catalogue: Catalogue) -> Iterator[Problem]:
    """What is missing or limited, for every account that the system has. Changes nothing."""
    yield from catalogue.problems()
    tables = [catalogue.tables[name] for name in catalogue.scope() if name in catalogue.tables]
    changeable = [table.relation for table in tables if not table.relation.fixed and not table.relation.reason]
    kind = database.dialect.name
    with database.reading("checking permissions") as connection:
        yield from _of_writing(connection, database, catalogue, changeable)
        yield from _of_reading(connection, system, kind, catalogue)
    for table in tables:
        why = table.relation.reason or table.relation.caveat
        if why:
            yield Problem("sql.limited", f"{table.collection}: {why}", "the certificate will name it as a gap", is_fatal=False)
        elif table.relation.fixed and table.relation.shape is not Shape.SNAPSHOT:  # which is refreshed after the tables that it is made from
            yield Problem(
                "sql.fixed", f"{table.collection}: {table.relation.fixed}", "it is searched; what is found in it waits for you", is_fatal=False
            )
    if (other := stranger(system)) is not None:
        yield other
    yield from _of_the_verifier(system, catalogue)


def _of_writing(connection: sa.Connection, database: Database, catalogue: Catalogue, relations: Sequence[Relation]) -> Iterator[Problem]:
    """Privileges of whole tables, then of columns where a table may be written in part only."""
    rights = list(database.dialect.permissions(connection, relations))
    plain = {f"{table.relation.schema}.{table.relation.name}" for table in changed(catalogue) if not written(table)}
    if database.dialect.name == "mariadb":  # which locks rows for whoever may delete them
        rights = [
            problem for problem in rights if problem.code != "sql.missing_update" or not any(problem.message.endswith(f" {name}") for name in plain)
        ]
    yield from rights
    if any(problem.code == "sql.read_only" for problem in rights):
        return
    closed = {problem.message.rpartition(" on ")[2] for problem in rights if problem.code == "sql.missing_update"}
    denied = forbidden(connection, database.dialect.name, catalogue)
    tables = catalogue.tables
    yield from missing_updates(
        {name: columns for name, columns in denied.items() if f"{tables[name].relation.schema}.{tables[name].relation.name}" not in closed}
    )


def _of_reading(connection: sa.Connection, system: System, kind: str, catalogue: Catalogue) -> Iterator[Problem]:
    if (hidden := unseen(connection, kind, catalogue)) is not None:
        yield hidden
    if system.read_from is None:
        yield from blind_spots(connection, kind, system.pace)


def _of_the_verifier(system: System, catalogue: Catalogue) -> Iterator[Problem]:
    """What the account of the fresh look may not read although the other one may: it could not tell that the person is gone."""
    if not system.verify_as:
        return
    database = Database(replace(system, settings={**system.settings, **system.verify_as}))
    try:
        with database.reading("checking permissions") as connection:
            theirs = read_catalogue(database, connection, system.manifest)
            missing = unseen(connection, database.dialect.name, theirs)
    except DsrError as error:
        yield Problem(error.code, f"verify_as: {error.message}", error.hint, is_fatal=not isinstance(error, Unreachable))
        return
    finally:
        database.close()
    if missing is not None:
        yield replace(missing, message=f"verify_as: {missing.message}")
    for name in catalogue.scope():
        ours, other = catalogue.tables.get(name), theirs.tables.get(name)
        if ours is None or ours.relation.reason:
            continue
        if other is None or other.relation.reason:
            why = other.relation.reason if other is not None else "it does not show"
            yield Problem("sql.verifier_blind", f"verify_as: {name} cannot be looked at again: {why}", f"GRANT SELECT ON {name}")
        elif set(other.relation.hidden) - set(ours.relation.hidden):
            yield Problem("sql.verifier_blind", f"verify_as: columns of {name} cannot be looked at again", f"GRANT SELECT ON {name}")
