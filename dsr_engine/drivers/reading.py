"""Reads records again whose place is known, with all that they hold: for previews and for the copies that the right of access asks for.

It stands beside `Driver`, as `Surveyor` does: finding and erasing need no content, and what comes through here may be shown to somebody and must
never be stored, logged or put into a plan. It only reads. How much of a record is read and how long that may take is bounded by the caller.
"""

import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, cast

from dsr_engine.content.gate import Gate
from dsr_engine.domain.record import Gap, Locator, Record, Unit

#: What a record says of itself that was not read to its end.
CUT = "reading.cut"


@dataclass(frozen=True, slots=True)
class Bounds:
    """At most so many characters of one record, and so many seconds for one record (of SQL: for one statement)."""

    characters: int
    seconds: float
    #: Bytes of originals that are brought along with one record; 0: none are asked for.
    originals: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Original:
    """What a record holds beside texts, byte for byte: a mail with its attachments, a binary value. `data` None: it is larger than asked for."""

    name: str
    data: bytes | None


@dataclass(frozen=True, slots=True, repr=False)
class Reread:
    """A record as it is now; `record` None: there is none at this place any more. What could not be read of it stands in `record.gaps`."""

    locator: Locator
    record: Record | None
    originals: tuple[Original, ...] = ()

    def __repr__(self) -> str:
        return f"Reread({self.locator.system}.{self.locator.collection} •••)"


class Reader(Protocol):
    """One connection to one system, for reading known records. Not shared between threads."""

    def read(self, locators: Sequence[Locator], gate: Gate, bounds: Bounds) -> Iterator[Reread]:
        """One answer for each place, in any order. Places are of whole records (`Locator.whole`), each named once.

        A row or a mail comes whole, with its originals where the bounds leave room for them. Of a file only what passes the gate does, and never
        the file itself: it is full of other people. An answer is to be used before the next one is taken.
        Raises the families of `domain/errors.py` where the system or a collection cannot be read at all.
        """

    def close(self) -> None:
        """Gives connections back; may be called twice."""


class TooLate(Exception):
    """The time for one record is over; inside this room only, where it ends as a `Gap`."""


@dataclass(slots=True)
class Gathering:
    """What is read of one record, until the bounds are reached."""

    collection: str
    bounds: Bounds
    units: list[Unit] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _left: int = 0
    _ends: float = 0

    def __post_init__(self) -> None:
        self._left = self.bounds.characters
        self._ends = time.monotonic() + self.bounds.seconds

    def take(self, found: Iterable[Unit | Gap]) -> bool:
        """Takes what comes until the bounds are reached; True if all of it was taken."""
        try:
            for item in found:
                if isinstance(item, Gap):
                    self.gaps.append(item)
                    continue
                self._left -= len(item.text)
                if self._left < 0:
                    self._cut("the record is longer than what is read of one")
                    return False
                self.units.append(item)
                self.in_time()
        except TooLate:
            self._cut("reading the record took too long")
            return False
        return True

    def in_time(self) -> None:
        """Raises `TooLate` once the time is over."""
        if time.monotonic() > self._ends:
            raise TooLate

    def timed(self, open_file: Callable[[], BinaryIO]) -> Callable[[], BinaryIO]:
        """The same file, which stops being read when the time is over."""
        return lambda: cast("BinaryIO", io.BufferedReader(_Timed(open_file(), self.in_time)))

    def _cut(self, reason: str) -> None:
        self.gaps.append(Gap(self.collection, CUT, reason))


class _Timed(io.RawIOBase):
    """A file that asks before each block whether there is time left."""

    def __init__(self, inner: BinaryIO, in_time: Callable[[], None]) -> None:
        super().__init__()
        self._inner, self._in_time = inner, in_time

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._inner.seekable()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer, as io allows
        self._in_time()
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
        super().close()
