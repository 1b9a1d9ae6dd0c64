"""What all records of a collection hold in a few fields: for those who compare every record with a list of digests, not with one person.

It stands beside `Driver`, as `Surveyor` does: a search brings the records of a person whose identifiers are known; here nobody's are, and whole
columns pass by. Values live as long as their page. Nothing that comes through here may be kept, logged or shown.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Looked

#: One record: the value of each field that was asked for, in that order; None where it holds none.
Row = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """Some records. A second value of a field within one record (two addresses in a list) comes as a row of its own, beside the others' first."""

    rows: Sequence[Row]

    def __repr__(self) -> str:
        return f"Page({len(self.rows)} •••)"


class Columns(Protocol):
    """One connection to one system, for reading only. It keeps the system's pace (`domain/system.py`, Pace); its window is the caller's matter."""

    def fields(self, collection: str, among: Sequence[str]) -> tuple[str, ...]:
        """Those of these fields that the collection has and that may be read, in their order. A file is not opened: there all of them.

        Raises `ManifestWrong` where there is no such collection, `NotSupported` where it cannot be read, `Unreachable`, `NotAllowed`.
        """

    def read(self, collection: str, fields: Sequence[str]) -> Iterator[Page | Gap | Looked]:
        """Every record at least once (a page that took too long is read again), then what was not looked at, then one `Looked`.

        Raises the same, and `ManifestWrong` for a field that is not there. An iterator that just stops is *not looked*.
        """

    def close(self) -> None:
        """Gives connections back; may be called twice."""
