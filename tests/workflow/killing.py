"""Ends a process at any border that a journey crosses: transactions, calls of drivers, calls of S3 and IMAP, renames and removals of files.

The borders are counted where they are crossed, so a step that is added to the engine is covered by itself.
"""

import json
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from botocore.client import BaseClient

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.residue import Assessment, Work
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.mailstore.imap_session import Session
from dsr_engine.drivers.registry import open_driver, open_upkeep
from dsr_engine.drivers.upkeep import Upkeep
from dsr_engine.drivers.wrapped import Layer
from dsr_engine.store.leases import Lease
from dsr_engine.store.store import Store
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from tests.thoroughness import EVERY_KILL_POINT
from tests.workflow.company import Company
from tests.workflow.journeys import carried_through, opened_for, working

T = TypeVar("T")

#: Calls of the operating system that change what is on the disk under which name.
_CALLS = ("replace", "rename", "unlink", "rmdir", "fsync")
#: Commands of IMAP that change what is on the server.
_COMMANDS = ("append", "mark_deleted", "unmark_deleted", "expunge", "rename", "subscribe", "unsubscribe")
#: The one method through which every request of a client of S3 goes.
_ASK = "_make_api_call"


class Borders:
    """Notes every border, and kills this process at the one of this number, counted from 0."""

    def __init__(self, last: int | None = None) -> None:
        self.crossed: list[str] = []
        self._last = last

    def cross(self, name: str) -> None:
        self.crossed.append(name)
        if len(self.crossed) - 1 == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, work: Callable[..., T]) -> Callable[..., T]:
        """The work, with a border before it and one after it."""

        def bordered(*args: Any, **kwargs: Any) -> T:
            self.cross(f"before {name}")
            done = work(*args, **kwargs)
            self.cross(f"after {name}")
            return done

        return bordered


class BorderedDriver(Layer):
    """A driver with a border before and after each verb."""

    def __init__(self, inner: Driver, system: System, borders: Borders) -> None:
        super().__init__(inner)
        self._kind, self._borders = system.manifest.driver, borders

    def _call(self, verb: str, _collection: str, answer: Callable[[], T]) -> T:
        return self._borders.around(f"{verb} in {self._kind}", answer)()

    def _stream(self, verb: str, _collection: str, answers: Callable[[], Iterator[T]]) -> Iterator[T]:
        self._borders.cross(f"before {verb} in {self._kind}")
        yield from answers()
        self._borders.cross(f"after {verb} in {self._kind}")


class BorderedStore(Store):
    """A store with borders before, in and after each transaction. It takes over what an opened store holds."""

    def __init__(self, store: Store, borders: Borders) -> None:
        self.__dict__.update(store.__dict__)
        self._borders = borders

    @contextmanager
    def transaction(self, lease: Lease | None = None) -> Iterator[Transaction]:
        self._borders.cross("before a transaction")
        with super().transaction(lease) as tx:
            yield tx
            self._borders.cross("before a commit")
        self._borders.cross("after a commit")

    def claim(self, case: str, worker: str, seconds: int = 60) -> Lease | None:
        return self._borders.around("a claim", super().claim)(case, worker, seconds)

    def release(self, lease: Lease) -> None:
        self._borders.around("a release", super().release)(lease)


class BorderedUpkeep:
    """Upkeep with a border before and after each verb."""

    def __init__(self, inner: Upkeep, borders: Borders) -> None:
        self._inner, self._borders = inner, borders

    def assess(self, collections: Sequence[str], since: datetime, marks: Mapping[str, str]) -> Assessment:
        return self._borders.around("assess", self._inner.assess)(collections, since, marks)

    def maintain(self, works: Sequence[Work]) -> None:
        self._borders.around("maintain", self._inner.maintain)(works)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def bordered(company: Company, borders: Borders, clock: Clock | None = None) -> Iterator[House]:
    """The company's house with borders everywhere. Only for a process that ends afterwards: the modules stay as they are made here."""
    for name in _CALLS:
        setattr(os, name, borders.around(f"os.{name}", getattr(os, name)))
    for name in _COMMANDS:
        setattr(Session, name, borders.around(f"IMAP {name}", getattr(Session, name)))
    ask = getattr(BaseClient, _ASK)

    def bordered_ask(client: object, operation: str, arguments: object) -> object:
        if operation.startswith(("Get", "List", "Head")):
            return ask(client, operation, arguments)
        return borders.around(f"S3 {operation}", ask)(client, operation, arguments)

    setattr(BaseClient, _ASK, bordered_ask)

    def drivers(system: System, *, read_only: bool = False) -> Driver:
        return BorderedDriver(open_driver(system, read_only=read_only), system, borders)

    def upkeep(system: System) -> Upkeep | None:
        inner = open_upkeep(system)
        return inner and BorderedUpkeep(inner, borders)

    with working(company, clock, drivers=drivers) as house:
        yield replace(house, store=BorderedStore(house.store, borders), open_upkeep=upkeep)


def passages(borders: Sequence[str]) -> list[int]:
    """The numbers of one border of each passage: its name with the name of the one before it. The others of a passage leave the same behind.

    All numbers if every kill point was asked for.
    """
    if EVERY_KILL_POINT:
        return list(range(len(borders)))
    first: dict[tuple[str, str], int] = {}
    for number, passage in enumerate(pairwise(["", *borders])):
        first.setdefault(passage, number)
    return list(first.values())


def in_child(work: Callable[[], None]) -> int:
    """Does the work in a child of this warm process; gives its exit code, which is negative if it was killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test's servers rest while we fork
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def walk(company: Company, borders: Borders) -> None:
    """The whole journey of the person's case, with borders."""
    with bordered(company, borders) as house:
        carried_through(house, opened_for(house), worker="killed")


def borders_of(company: Company) -> list[str]:
    """The names of all borders that an undisturbed journey crosses, in order. The company is spent afterwards."""
    note = company.folder / "borders.json"

    def work() -> None:
        borders = Borders()
        walk(company, borders)
        Path(note).write_text(json.dumps(borders.crossed), encoding="utf-8")

    assert in_child(work) == 0
    crossed = json.loads(note.read_text(encoding="utf-8"))
    assert isinstance(crossed, list)
    return crossed


def killed_at(company: Company, number: int) -> None:
    """Begins the journey in a child and kills it at that border."""
    assert in_child(lambda: walk(company, Borders(number))) == -signal.SIGKILL
