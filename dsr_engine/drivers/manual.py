"""The driver for a system that no driver reaches (paper, payroll, a vendor by mail): it says so, in every place where another driver would look."""

from collections.abc import Iterator, Sequence

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import (
    Change,
    CollectionFacts,
    Counted,
    Foreseen,
    Looked,
    Observation,
    OlderThan,
    Outcome,
    Problem,
    Query,
    Slice,
    Traits,
    Watched,
)

#: The one collection of such a system.
COLLECTION = "task"


class ManualDriver:
    """Finds nothing and never claims to have looked: its coverage names the task that a person has to do."""

    traits = Traits(exhaustive_search=False, conditional_change=False, deletes_later=True)

    def __init__(self, system: System) -> None:
        self._system = system

    def check(self) -> Sequence[Problem]:
        if self._system.manifest.task is not None:
            return ()
        return (Problem("manual.task", f"the manifest {self._system.manifest.name} names no task", "add `task:` with instructions, owner and due"),)

    def describe(self) -> Sequence[CollectionFacts]:
        return (CollectionFacts(COLLECTION, is_searchable=False, reason=self._reason),)

    def slices(self, _query: Query) -> Iterator[Slice]:
        yield Slice(self._system.name, COLLECTION)

    def find(self, _query: Query, _part: Slice) -> Iterator[Record | Gap | Looked]:
        yield Looked(COLLECTION, 0, Extent.NONE, self._reason)

    def count(self, _collection: str, _queries: Sequence[OlderThan]) -> Counted:
        raise self._out_of_reach()

    def observe(self, watched: Sequence[Watched]) -> Sequence[Observation]:
        if watched:
            raise self._out_of_reach()
        return ()

    def foresee(self, changes: Sequence[Change], _rewriter: Rewriter) -> Sequence[Foreseen]:
        if changes:
            raise self._out_of_reach()
        return ()

    def change(self, changes: Sequence[Change], _rewriter: Rewriter) -> Sequence[Outcome]:
        if changes:
            raise self._out_of_reach()
        return ()

    def close(self) -> None:
        """There is nothing to give back."""

    @property
    def _reason(self) -> str:
        task = self._system.manifest.task
        return "a person looks" if task is None else f"a person looks: task for {task.owner}"

    def _out_of_reach(self) -> NotSupported:
        return NotSupported(
            f"no driver reaches {self._system.name}", code="manual.out_of_reach", hint="a person does it, see the task in its manifest"
        )
