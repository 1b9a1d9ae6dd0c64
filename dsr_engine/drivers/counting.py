"""What stands in for an order of keys: counting by looking, and a page that is found by looking at everything and keeping the first ones."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.record import Gap, Record
from dsr_engine.drivers.driver import Counted, Looked, OlderThan, Query, Slice

Events = Iterator[Record | Gap | Looked]


class Searcher(Protocol):
    def slices(self, query: Query) -> Iterator[Slice]:
        """As `Driver.slices`."""

    def find(self, query: Query, part: Slice) -> Events:
        """As `Driver.find`."""


def counted(searcher: Searcher, collection: str, queries: Sequence[OlderThan]) -> Counted:
    """Counts by listing the collection once for each query; `total` is how many records were looked at."""
    total, found = 0, []
    for query in queries:
        events = [0, 0]
        for part in searcher.slices(query):
            for event in searcher.find(query, part) if part.collection == collection else ():
                if isinstance(event, Record):
                    events[0] += 1
                elif isinstance(event, Looked):
                    events[1] += event.count
        found.append(events[0])
        total = max(total, events[1])
    return Counted(total, tuple(found))


def page_of(events: Iterable[Record | Gap | Looked], query: OlderThan) -> Events:
    """A page out of an unordered stream, in the order of the keys as texts. Never holds more than `query.most` records in memory.

    The stream may be that of several slices; their last words become one.
    """
    first: list[_Last] = []
    looked, is_cut, extent, reason = 0, False, Extent.FULL, ""
    for event in events:
        if isinstance(event, Looked):
            looked += event.count
            extent, reason = (extent, reason) if event.extent is Extent.FULL else (event.extent, event.reason)
        elif isinstance(event, Gap):
            yield event
        elif _is_within(place_of(event, query), query):
            heapq.heappush(first, _Last(event, query))
            if query.most is not None and len(first) > query.most:
                heapq.heappop(first)
                is_cut = True
    yield from (entry.record for entry in sorted(first, reverse=True))
    yield Looked(query.collection, looked, extent, reason, is_cut)


def place_of(record: Record, query: OlderThan) -> tuple[str, ...]:
    """Where a record stands in the order of a query: its key; behind the name of its collection where the query is about several (a pattern)."""
    place = record.locator
    return place.key if place.collection == query.collection else (place.collection, *place.key)


def _is_within(key: tuple[str, ...], query: OlderThan) -> bool:
    return key > query.after and (query.upto is None or key <= query.upto)


class _Last:
    """A record that is smaller the later its key is, so that a heap gives up its last one first."""

    __slots__ = ("place", "record")

    def __init__(self, record: Record, query: OlderThan) -> None:
        self.record, self.place = record, place_of(record, query)

    def __lt__(self, other: "_Last") -> bool:
        return self.place > other.place
