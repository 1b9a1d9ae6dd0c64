"""Which driver a manifest's `driver:` means. Drivers are imported when one is opened, so that a command which needs none starts fast."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import System
from dsr_engine.drivers.access import Access
from dsr_engine.drivers.columns import Columns
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.reading import Reader
from dsr_engine.drivers.survey import Surveyor
from dsr_engine.drivers.upkeep import Upkeep
from dsr_engine.drivers.whereabouts import refuse_never
from dsr_engine.drivers.wrapped import guarded_reader, wrapped

#: Makes one connection to a system.
Factory = Callable[[System], Driver]

_DRIVERS: dict[str, str] = {}


def register(name: str, factory: str) -> None:
    """Adds a driver by dotted name (`package.module:Class`). Raises `InputWrong` for a name that is taken."""
    if name in _DRIVERS:
        raise InputWrong(f"the driver {name} is registered twice", code="driver.twice", hint=f"it is {_DRIVERS[name]} already")
    _DRIVERS[name] = factory


def names() -> tuple[str, ...]:
    return tuple(sorted(_DRIVERS))


def factory_of(name: str) -> Factory:
    """Imports the driver. Raises `InputWrong` for an unknown name."""
    if name not in _DRIVERS:
        raise InputWrong(f"there is no driver {name}", code="driver.unknown", hint=f"one of {', '.join(names())}")
    return cast("Factory", _loaded(_DRIVERS[name]))


def _loaded(place: str) -> Callable[[System], object]:
    module, _, noun = place.partition(":")
    return cast("Callable[[System], object]", getattr(import_module(module), noun))


def open_driver(system: System, *, read_only: bool = False) -> Driver:
    """A driver for the system with all wrappers around it. Errors of opening are the engine's families too; `read_only` refuses every change."""
    refuse_never(system)
    return wrapped(factory_of(system.manifest.driver), system, read_only=read_only)


#: What some drivers can do beside the protocol: driver → where it is.
_SURVEYORS = {
    "sql": "dsr_engine.drivers.sql.asking.surveying:SqlSurveyor",
    "objectstore": "dsr_engine.drivers.objectstore.surveying:ObjectstoreSurveyor",
}
#: Surveyors of everything instead of a sample.
_FULL_SURVEYORS = {"objectstore": "dsr_engine.drivers.objectstore.surveying:full_surveyor"}
_UPKEEP = {
    "sql": "dsr_engine.drivers.sql.upkeep.upkeep:SqlUpkeep",
    "objectstore": "dsr_engine.drivers.objectstore.upkeep:ObjectstoreUpkeep",
    "mailstore": "dsr_engine.drivers.mailstore.upkeep:MailstoreUpkeep",
}
_ACCESS = {"sql": "dsr_engine.drivers.sql.asking.access:SqlAccess"}
_COLUMNS = {"sql": "dsr_engine.drivers.sql.asking.columns:SqlColumns", "objectstore": "dsr_engine.drivers.objectstore.columns:ObjectstoreColumns"}

_READERS = {
    "sql": "dsr_engine.drivers.sql.asking.reading:SqlReader",
    "mailstore": "dsr_engine.drivers.mailstore.reading:MailstoreReader",
    "objectstore": "dsr_engine.drivers.objectstore.reading:ObjectstoreReader",
}


def open_surveyor(system: System, *, is_full: bool = False) -> Surveyor | None:
    """Who answers questions about the shape of this system; None where its driver has nobody. `is_full`: by reading everything, not a sample."""
    return cast("Surveyor | None", _beside(_FULL_SURVEYORS if is_full else _SURVEYORS, system))


def open_upkeep(system: System) -> Upkeep | None:
    """Who tells what outlives an erasure in this system; None where its driver has nobody."""
    return cast("Upkeep | None", _beside(_UPKEEP, system))


def open_access(system: System) -> Access | None:
    """Who tells which privileges a search takes and what it costs; None where its driver has nobody."""
    return cast("Access | None", _beside(_ACCESS, system))


def open_columns(system: System) -> Columns | None:
    """Who reads a few fields of all records of this system; None where its driver has nobody (mail has no fields)."""
    return cast("Columns | None", _beside(_COLUMNS, system))


def open_reader(system: System) -> Reader | None:
    """Who reads known records of this system again, with what they hold; None where its driver has nobody."""
    refuse_never(system)
    place = _READERS.get(system.manifest.driver)
    return None if place is None else guarded_reader(cast("Callable[[System], Reader]", _loaded(place)), system)


def _beside(known: Mapping[str, str], system: System) -> object | None:
    refuse_never(system)
    place = known.get(system.manifest.driver)
    return None if place is None else _loaded(place)(system)


register("sql", "dsr_engine.drivers.sql.driver:SqlDriver")
register("mailstore", "dsr_engine.drivers.mailstore.driver:MailstoreDriver")
register("objectstore", "dsr_engine.drivers.objectstore.driver:ObjectstoreDriver")
register("manual", "dsr_engine.drivers.manual:ManualDriver")
