"""Which files need not be read again when the same case is searched for in the same way: their bytes are those that were read.

Whatever a mark does not cover (labels, the key) is looked at each time. A file that had just been written has no mark.
"""

from datetime import timedelta

from dsr_engine.domain.clock import SystemClock
from dsr_engine.drivers.driver import Query
from dsr_engine.drivers.objectstore.shelf import Shelf, Stored
from dsr_engine.drivers.unchanged import Marks

#: For so long bytes must have rested before they are read: times are coarse, clocks differ, and what is written through a mapping gets its time late.
RESTED = timedelta(hours=1)


class Unchanged:
    """What is known of the files of one part, and what is learnt while they are read."""

    def __init__(self, query: Query, shelf: Shelf, collection: str) -> None:
        self._marks = Marks(query, shelf.server, collection)
        self._shelf = shelf
        self._latest = SystemClock().now() - RESTED

    @property
    def clean(self) -> frozenset[bytes]:
        return self._marks.clean

    def is_known(self, stored: Stored) -> bool:
        """True if every case of the search knows these bytes."""
        return self._marks.is_asking and self._marks.is_known(self._told(stored))

    def note(self, stored: Stored) -> None:
        """The file was read to its end, and nobody who is looked for is in it."""
        if self._marks.is_noting:
            self._marks.note(self._told(stored))

    def _told(self, stored: Stored) -> tuple[object, ...]:
        """All that decides what the file's bytes say; empty where that cannot be told."""
        same = self._shelf.sameness(stored) if stored.bare is None else None
        if same is None or same.since > self._latest:
            return ()
        return (stored.key, stored.version, stored.path, stored.size, stored.modified.isoformat(), same.told)
