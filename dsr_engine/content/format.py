"""The protocol of file formats: read the texts of a file as a stream, and rewrite the file with edits.

Memory is bounded however large the file is. What cannot be read is a `Gap`, never silence. A rewrite changes the planned places and leaves
every other byte of the file as it was, wherever the format allows that; where it cannot, it raises `NotSupported` before it writes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import BinaryIO, Protocol

from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import CollectionMap

#: Opens the file again, from its start. A rewrite reads it twice: once to learn what changes, once to copy.
Opener = Callable[[], BinaryIO]

#: Writes a whole file. Everything that can be refused was refused before one of these exists.
Writer = Callable[[BinaryIO], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on hostile content. Bytes, levels and ratios; whatever exceeds one ends as a `Gap`.

    `ratio` is decoded bytes per stored byte of a container, above which it counts as a bomb once `bomb_floor` bytes came out.
    A container may take `seconds` of work, and one more for every `pace` bytes that are stored in the outermost file; it may unpack to
    `decoded_bytes`, and to `growth` more for each of those bytes. Any other file may take `patience` times as long for its bytes, since it is read
    at the speed of what is found in it. Recognising words in its pictures may take `recognising` seconds beside that.
    """

    depth: int = 8
    members: int = 250_000
    decoded_bytes: int = 4 * 1024**3
    line_bytes: int = 8 * 1024**2
    ratio: int = 200
    bomb_floor: int = 64 * 1024**2
    growth: int = 16
    seconds: float = 50.0
    pace: int = 1_000_000
    patience: int = 5
    recognising: float = 300.0


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one file is read; shared by all its nested parts.

    `stored` is how far the outermost file has been read, in bytes. `idle` is how many seconds somebody else was waited for: the system that the
    file comes from, or who takes what was found. They do not count as work. `recognised` is how many seconds words in pictures
    took; they are idle, too.
    """

    limits: Limits
    decoded: int = 0
    members: int = 0
    stored: int = 0
    idle: float = 0.0
    recognised: float = 0.0
    began: float = field(default_factory=monotonic)

    @property
    def used(self) -> float:
        """How much of the time is used up: 1.0 is all of it."""
        return (monotonic() - self.began - self.idle) / self._allowed

    @property
    def is_overdue(self) -> bool:
        """True if reading has taken far longer than any honest file of this size takes, be it a container or not."""
        return monotonic() - self.began - self.idle > self.limits.seconds + self.limits.patience * self.stored / self.limits.pace

    @property
    def left(self) -> float:
        """Seconds that work may still take; not below zero."""
        return max(0.0, self._allowed * (1.0 - self.used))

    @property
    def _allowed(self) -> float:
        return max(1e-9, self.limits.seconds + self.stored / self.limits.pace)

    def check(self) -> None:
        """Raises `Unreadable` where the limits are reached. To be asked before each member and each piece of a container."""
        if self.decoded > self.limits.decoded_bytes + self.limits.growth * self.stored:
            raise Unreadable("archive.too_large", "an archive unpacks to more than the limit; the rest was not read")
        if self.members > self.limits.members:
            raise Unreadable("archive.too_many_members", "an archive has more members than the limit; the rest was not read")
        if self.used > 1.0:
            raise Unreadable("archive.too_long", "reading an archive took more time than its size justifies; the rest was not read")


@dataclass(frozen=True, slots=True)
class Reading:
    """How one file is read. `collection` names it in gaps, `map` is what a manifest says about its fields (None: nothing).

    `gate` None yields every unit (an observation for a sweep). `prefix` is the place of this file inside the outer one (`part:2/`),
    `depth` counts nesting. `name` is the file's name where it has one: a hint, never trusted over the content.
    `is_drawn` says that what a picture shows is looked at elsewhere: on the page that it stands on, or as the picture that it is the small form of.
    """

    collection: str
    gate: Gate | None
    map: CollectionMap | None = None
    name: str = ""
    prefix: str = ""
    depth: int = 0
    limits: Limits = field(default_factory=Limits)
    budget: Budget | None = None
    is_drawn: bool = False


class Unreadable(Exception):
    """Content that cannot be read on; inside this room only, where it ends as a `Gap` or as `NotSupported`. The reason holds no personal data."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Format(Protocol):
    """One file format. `name` is its stable name (`csv`, `mime`, `gzip`)."""

    name: str

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        """The texts in the file that pass the gate. A row or object that passes is given whole, so that fields can be judged together."""

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        """What writes the file with the edits applied; places are those that `read` gave for the same bytes.

        Raises `NotSupported` (`format.cannot_rewrite`) where a place is not there or cannot be changed: nothing was written then.
        """


class Nested(Protocol):
    """How a container reads and rewrites what is inside it, whatever that is."""

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        """As `Format.read`, for a file of unknown format. Never raises `Unreadable`."""

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        """As `Format.prepare`, for a file of unknown format."""
