"""Which driver a manifest's `driver:` means. Drivers are imported when one is opened, so that a command which needs none starts fast."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.wrapped import wrapped

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
    module, _, noun = _DRIVERS[name].partition(":")
    return cast("Factory", getattr(import_module(module), noun))


def open_driver(system: System, *, read_only: bool = False) -> Driver:
    """A driver for the system with all wrappers around it. Errors of opening are the engine's families too; `read_only` refuses every change."""
    return wrapped(factory_of(system.manifest.driver), system, read_only=read_only)


register("sql", "dsr_engine.drivers.sql.driver:SqlDriver")
register("mailstore", "dsr_engine.drivers.mailstore.driver:MailstoreDriver")
register("objectstore", "dsr_engine.drivers.objectstore.driver:ObjectstoreDriver")
register("manual", "dsr_engine.drivers.manual:ManualDriver")
