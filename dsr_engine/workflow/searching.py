"""Who searches the slices of a system: threads of this process, or workers elsewhere. What a slice means is the same for both."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Slice
from dsr_engine.workflow.looking import Look, Search, look_at
from dsr_engine.workflow.readers import Readers

#: Hands one slice of a pass to whoever searches it.
Hand = Callable[[Slice], Future[Look]]


class Searchers(Protocol):
    """A slice may be searched more than once, and its answer may come late or twice: whoever asks keeps one."""

    def over(self, system: System, search: Search, readers: Readers) -> AbstractContextManager[Hand]:
        """A pass over one system, with the settings by which it is read. Connections that the pass needed end with it.

        Raises `Unreachable` where nobody can search now; a slice that could not be searched has it as the error of its look.
        """


@dataclass(frozen=True, slots=True)
class Threads:
    """Searches in threads of this process, on the connections of the pass."""

    executor: Executor

    def over(self, system: System, search: Search, readers: Readers) -> AbstractContextManager[Hand]:  # noqa: ARG002  # the readers know the system
        return nullcontext(lambda part: self.executor.submit(look_at, readers.lent, search, part))
