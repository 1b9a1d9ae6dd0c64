"""Making changes to files: only what still equals what was expected, the successor before its predecessor goes, each step repeatable.

The order within one call is: old versions, current versions, delete markers. So whoever reads in the meantime never sees an older version come back.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from dsr_engine.content.files import rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.anonymize import Misfit
from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.domain.plan import Delete, Rewrite
from dsr_engine.drivers.driver import Change, Done, Drifted, Failed, Foreseen, Outcome, Problem
from dsr_engine.drivers.objectstore.catalogue import Catalogue
from dsr_engine.drivers.objectstore.composed import Composed, copied
from dsr_engine.drivers.objectstore.labels import is_label, relabelled
from dsr_engine.drivers.objectstore.lake_tables import LakeTables
from dsr_engine.drivers.objectstore.shelf import Labels, Shelf, state_of
from dsr_engine.drivers.objectstore.states import Seen, States

#: Places of a file that are neither content nor labels.
_NAMES = frozenset({"key", "last_modified"})


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """What a file is to become."""

    content: Composed
    labels: Labels

    def state(self) -> bytes:
        return state_of(self.content.digest(), self.labels)


class Changing:
    """Foresees and makes changes on one shelf."""

    def __init__(self, system: str, shelf: Shelf, states: States, catalogue: Catalogue) -> None:
        self._system = system
        self._shelf = shelf
        self._states = states
        self._catalogue = catalogue
        self._tables = LakeTables(shelf)

    def foresee(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Foreseen]:
        self._tables.forget()
        going: dict[str, set[str | None]] = {}
        for change in changes:
            if isinstance(change.effect, Delete) and not change.locator.inside:
                key, *version = change.locator.key
                going.setdefault(key, set()).add(version[0] if version else None)
        times = Counter(change.locator.whole for change in changes)
        return tuple(
            self._foreseen(change, rewriter, frozenset(going.get(change.locator.key[0], ())), times[change.locator.whole]) for change in changes
        )

    def _foreseen(self, change: Change, rewriter: Rewriter, going: frozenset[str | None], times: int) -> Foreseen:
        server = self._shelf.server
        seen = self._states.seen(change.locator.whole)
        if seen is None:
            return Foreseen(None, None, change.effect, server)
        try:
            refusal = _unfit(change, times) or self._tables.refusal(seen.stored) or self._shelf.refusal(seen.stored, change.effect, going)
            becomes = None if refusal or isinstance(change.effect, Delete) else self._becomes(seen, change.effect, rewriter)
        except (Conflict, Misfit, NotAllowed, NotSupported) as error:
            refusal, becomes = _problem(error), None
        return Foreseen(seen.state, seen.state if refusal else becomes, change.effect, server, refusal=refusal)

    def _becomes(self, seen: Seen, effect: Rewrite, rewriter: Rewriter) -> bytes:
        with self._rewritten(seen, effect, rewriter) as new:
            return new.state()

    def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
        self._tables.forget()
        times = Counter(change.locator.whole for change in changes)
        outcomes: dict[int, Outcome] = {}
        emptied: set[str] = set()  # keys of which this call deleted a version: their delete markers may have gone with the last one
        for index in sorted(range(len(changes)), key=lambda at: self._turn(changes[at])):
            change = changes[index]
            outcome = self._changed(change, rewriter, times[change.locator.whole])
            if outcome == Drifted("absent") and isinstance(change.effect, Delete) and change.locator.key[0] in emptied:
                outcome = Done(None)
            if outcome == Done(None):
                emptied.add(change.locator.key[0])
            outcomes[index] = outcome
        return tuple(outcomes[index] for index in range(len(changes)))

    def _turn(self, change: Change) -> int:
        try:
            stored = self._states.at(change.locator)
        except Conflict:
            return 0
        if stored is None:
            return 0
        return 2 if stored.is_marker else int(stored.is_current)

    def _changed(self, change: Change, rewriter: Rewriter, times: int) -> Outcome:
        if change.server != self._shelf.server:
            return Drifted("server")
        if unfit := _unfit(change, times):
            return Failed(unfit.code, unfit.message)
        try:
            seen = self._states.seen(change.locator)
            if seen is None:
                return Drifted("absent")
            if seen.state != change.expect:
                return Drifted("changed")
            return self._made(change, seen, rewriter)
        except Conflict as error:
            return Drifted("absent" if error.code.endswith(".gone") else "changed")
        except (Misfit, NotAllowed, NotSupported) as error:
            problem = _problem(error)
            return Failed(problem.code, problem.message)

    def _made(self, change: Change, seen: Seen, rewriter: Rewriter) -> Outcome:
        if table := self._tables.refusal(seen.stored):
            return Failed(table.code, table.message)
        if isinstance(change.effect, Delete):
            if refusal := self._shelf.refusal(seen.stored, change.effect, frozenset()):
                return Failed(refusal.code, refusal.message)
            self._shelf.delete(seen.stored)
            return Done(None)
        with self._rewritten(seen, change.effect, rewriter) as new:
            becomes = new.state()
            if becomes == seen.state:
                return Done(becomes)
            return self._replaced(change, seen, becomes, new)

    def _replaced(self, change: Change, seen: Seen, becomes: bytes, new: _Rewritten) -> Outcome:
        """The successor is written unless an interrupted try wrote it already; it is read back; then the old version goes.

        What was read back differently is taken away again where the old version still stands behind it.
        """
        successor = self._shelf.successor(seen.stored)
        is_mine = successor is None
        if successor is None:
            if not seen.stored.is_current:
                return Drifted("changed")
            if refusal := self._shelf.refusal(seen.stored, change.effect, frozenset()):
                return Failed(refusal.code, refusal.message)
            successor = self._shelf.replace(seen.stored, new.labels, new.content)
        if self._states.digested(successor).state != becomes:
            if is_mine:
                self._shelf.withdraw(successor, seen.stored)
            return Failed("objectstore.successor", "what was written was not read back, so the old version stays")
        if successor.version != seen.stored.version:
            self._shelf.delete(seen.stored)
        return Done(becomes)

    @contextmanager
    def _rewritten(self, seen: Seen, effect: Rewrite, rewriter: Rewriter) -> Iterator[_Rewritten]:
        """The file with its edits. A file of which only labels change is copied whatever it holds."""
        stored = seen.stored
        if seen.hidden_by is not None:
            raise seen.hidden_by
        beside = tuple(edit for edit in effect.edits if is_label(edit.place))
        within = tuple(edit for edit in effect.edits if not is_label(edit.place))
        labels = relabelled(seen.labels, beside, rewriter) if beside else seen.labels
        collection = self._catalogue.collection_of(stored.path)
        reading = Reading(collection, None, self._catalogue.map_of(collection), name=stored.path.rsplit("/", 1)[-1])

        def open_file() -> BinaryIO:
            return self._shelf.open(stored)

        with Composed(open_file) as content:
            if within:
                rewrite_file(open_file, cast("BinaryIO", content), within, rewriter, reading)
            else:
                copied(open_file, content)
            yield _Rewritten(content, labels)


def _unfit(change: Change, times: int) -> Problem | None:
    """Why the driver cannot take this order at all."""
    if times > 1:
        return Problem("objectstore.twice", "one file is to be changed twice in one go", "put all edits of a file into one change")
    if change.locator.inside:
        return Problem("objectstore.part", "a part of a file is changed through its file", "edit the whole file and drop the part")
    if isinstance(change.effect, Rewrite) and any(edit.place in _NAMES for edit in change.effect.edits):
        reason = "a file is not given another name: whatever refers to it by its name would lose it"
        return Problem("objectstore.name", reason, "delete the file, or rename it by hand")
    return None


def _problem(error: Conflict | Misfit | NotAllowed | NotSupported) -> Problem:
    if isinstance(error, Misfit):
        return Problem("content.misfit", str(error))
    return Problem(error.code, error.message, error.hint)
