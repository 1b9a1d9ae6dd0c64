"""Texts that a file keeps in several stretches of bytes: joined to be read, taken apart again to be changed.

A word processor splits `jane@example.org` wherever somebody touched the formatting; markup writes characters as references. A `Run` knows
which bytes each of its characters is; `Joined` is what a reader sees; a `Change` is one cut in one run, and splices are what becomes of the
file. Every byte of a character that no change concerns stays.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice

_TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)
#: How many equal tokens show that two texts are in step again, and how far ahead that is looked for.
_IN_STEP = 3
_AHEAD = 256


class Run(Protocol):
    """One stretch of characters in a file."""

    @property
    def text(self) -> str:
        """The characters."""

    @property
    def start(self) -> int:
        """The offset of its first byte; runs of one file are told apart by it."""

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The bytes, as offsets into the file, that the characters from `first` to `last` are."""

    def written(self, text: str) -> bytes:
        """New characters in the way in which this run is written."""


def bytes_of(steps: Iterable[tuple[str, int]], start: int, first: int, last: int) -> tuple[int, int]:
    """The bytes that the characters from `first` to `last` are. `steps` are the characters of a run with how many bytes each is written in."""
    at = end = 0
    begin = -1
    for characters, size in steps:
        if begin < 0 and at + len(characters) > first:
            begin = end
        if at >= last:
            break
        at, end = at + len(characters), end + size
    return start + (begin if begin >= 0 else end), start + end


@dataclass(frozen=True, slots=True)
class Change:
    """The characters from `first` to `last` of a run become `text`."""

    run: Run
    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Runs in their order. A plain string between them stands for an element that a reader sees as a space or a line break; it has no bytes."""

    pieces: tuple[Run | str, ...]

    @property
    def text(self) -> str:
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)

    def changes(self, now: str) -> Iterator[Change]:
        """What makes the text `now`. A string between runs cannot be changed and stays."""
        for first, last, text in cuts(self.text, now):
            yield from self._cut(first, last, text)

    def redacted(self, rewriter: Rewriter) -> Iterator[Change]:
        """What takes the person out: changes of the spans that go, and of nothing that stands between them."""
        was, now = self.text, rewriter.redacted(self.text)
        spans = rewriter.spans(was)
        kept = len(was) - sum(last - first for first, last in spans)
        mark = now[spans[0][0] :][: (len(now) - kept) // len(spans)] if spans else ""
        if _with_marks(was, spans, mark) != now:
            yield from self.changes(now)
            return
        for first, last in spans:
            yield from self._cut(first, last, mark)

    def replaced(self, now: str) -> Iterator[Change]:
        """What makes the whole text `now`."""
        yield from self._cut(0, len(self.text), now)

    def _cut(self, first: int, last: int, text: str) -> Iterator[Change]:
        at = 0
        is_put = not text
        behind: tuple[Run, int] | None = None
        for piece in self.pieces:
            end = at + len(piece if isinstance(piece, str) else piece.text)
            if not isinstance(piece, str):
                low, high = max(first, at), min(last, end)
                if low < high:
                    yield Change(piece, low - at, high - at, "" if is_put else text)
                    is_put = True
                elif low == high == first and behind is None:
                    behind = piece, low - at
            at = end
        if not is_put:
            yield self._inserted(behind, text)

    def _inserted(self, behind: tuple[Run, int] | None, text: str) -> Change:
        """New text where nothing of a run goes: at the run that is there, else at the end of the last one."""
        if behind is None:
            run = next(piece for piece in reversed(self.pieces) if not isinstance(piece, str))
            behind = run, len(run.text)
        return Change(behind[0], behind[1], behind[1], text)


def _with_marks(was: str, spans: Sequence[tuple[int, int]], mark: str) -> str:
    ends = (0, *(last for _, last in spans))
    starts = (*(first for first, _ in spans), len(was))
    return mark.join(was[end:start] for end, start in zip(ends, starts, strict=True))


def cuts(was: str, now: str) -> Iterator[tuple[int, int, str]]:
    """What turns one text into the other: start and end of what goes, and what stands there instead."""
    old, new = _TOKEN.findall(was), _TOKEN.findall(now)
    one = other = at = 0
    while one < len(old) or other < len(new):
        if one < len(old) and other < len(new) and old[one] == new[other]:
            at += len(old[one])
            one, other = one + 1, other + 1
            continue
        gone, come = _step(old, new, one, other)
        before, after = "".join(old[one : one + gone]), "".join(new[other : other + come])
        head = _shared(before, after)
        tail = _shared(before[head:][::-1], after[head:][::-1])
        yield at + head, at + len(before) - tail, after[head : len(after) - tail]
        one, other, at = one + gone, other + come, at + len(before)


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _step(old: Sequence[str], new: Sequence[str], one: int, other: int) -> tuple[int, int]:
    """How many tokens go and come until both texts are in step again."""
    for total in range(1, _AHEAD):
        for come in range(min(total, len(new) - other) + 1):
            gone = total - come
            if one + gone > len(old):
                continue
            ahead = old[one + gone : one + gone + _IN_STEP]
            if ahead == new[other + come : other + come + _IN_STEP] and (len(ahead) == _IN_STEP or _both_end(old, new, one + gone, other + come)):
                return gone, come
    return len(old) - one, len(new) - other


def _both_end(old: Sequence[str], new: Sequence[str], one: int, other: int) -> bool:
    return len(old) - one == len(new) - other


def splices_of(changes: Iterable[Change]) -> Iterator[Splice]:
    """The changes as splices. Where several concern the same characters (a word in a paragraph and in the paragraph before its corrections),
    they are made together and the text of the first stands there.
    """
    by_run: dict[int, list[Change]] = {}
    for change in changes:
        by_run.setdefault(change.run.start, []).append(change)
    for several in by_run.values():
        for change in _merged(sorted(several, key=lambda change: (change.first, change.last))):
            start, end = change.run.span(change.first, change.last)
            yield Splice(start, end, change.run.written(change.text))


def _merged(ordered: Sequence[Change]) -> Iterator[Change]:
    pending = ordered[0]
    for change in ordered[1:]:
        if change.first < pending.last or (change.first, change.last) == (pending.first, pending.last):
            pending = Change(pending.run, pending.first, max(pending.last, change.last), pending.text or change.text)
        else:
            yield pending
            pending = change
    yield pending
