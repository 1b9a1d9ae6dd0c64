"""The protocol of file formats: read the texts of a file as a stream, and rewrite the file with edits.

Memory is bounded however large the file is. What cannot be read is a `Gap`, never silence. A rewrite changes the planned places and leaves
every other byte of the file as it was, wherever the format allows that; where it cannot, it raises `NotSupported` before it writes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import CollectionMap


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on hostile content. Bytes, levels and ratios; whatever exceeds one ends as a `Gap`.

    `ratio` is decoded bytes per stored byte of a container, above which it counts as a bomb once `bomb_floor` bytes came out.
    """

    depth: int = 8
    members: int = 10_000
    decoded_bytes: int = 4 * 1024**3
    line_bytes: int = 16 * 1024**2
    ratio: int = 200
    bomb_floor: int = 64 * 1024**2


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one file is read; shared by all its nested parts."""

    limits: Limits
    decoded: int = 0
    members: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """How one file is read. `collection` names it in gaps, `map` is what a manifest says about its fields (None: nothing).

    `gate` None yields every unit (an observation for a sweep). `prefix` is the place of this file inside the outer one (`part:2/`),
    `depth` counts nesting. `name` is the file's name where it has one: a hint, never trusted over the content.
    """

    collection: str
    gate: Gate | None
    map: CollectionMap | None = None
    name: str = ""
    prefix: str = ""
    depth: int = 0
    limits: Limits = field(default_factory=Limits)
    budget: Budget | None = None


class Format(Protocol):
    """One file format. `name` is its stable name (`csv`, `mime`, `gzip`)."""

    name: str

    def read(self, source: BinaryIO, reading: Reading) -> Iterator[Unit | Gap]:
        """The texts in the file that pass the gate. A row or object that passes is given whole, so that fields can be judged together."""

    def rewrite(self, source: BinaryIO, sink: BinaryIO, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> None:
        """Copies the file and applies the edits; places are those that `read` gave for the same bytes."""
