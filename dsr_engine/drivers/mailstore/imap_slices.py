"""How the search of a folder splits over IMAP, so that nothing that moves about meanwhile is missed and a later search finds the same slices.

UIDs only grow and are never given again (RFC 9051 § 2.3.1.1). So the slices of what is there lie below the next UID, where no mail can come to lie
any more, and whatever comes, also out of another folder, is in the late slice from that UID on, which is searched when all others are done. Slices
begin where a halved range of all UIDs begins: a mail that goes or comes moves no other slice. Empty ranges need no slice.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.drivers.mailstore.store import LATE

#: Mails in one slice at most.
SLICE = 5_000
#: UIDs are numbers of 32 bits.
_ALL = 1 << 32
#: What marks the end of a slice, which may lie further on in a later search.
_FOR_NOW = "~"


@dataclass(frozen=True, slots=True)
class Range:
    """UIDs from `low` to `high` (`*`: all later ones) of a folder while its UIDVALIDITY is `validity`."""

    validity: int
    low: int
    high: str
    is_late: bool = False


def parts_of(validity: int, uids: Sequence[int], next_uid: int) -> tuple[tuple[str, ...], ...]:
    """The parts of a folder with these UIDs, ascending, and the late one."""
    ranges = _halved(uids, 0, _ALL, 0, bisect_left(uids, next_uid)) if uids and next_uid > 1 else ()
    told = [(str(validity), str(max(1, low)), f"{_FOR_NOW}{min(end, next_uid) - 1}") for low, end in ranges]
    return (*told, (LATE, str(validity), str(next_uid), "*"))


def range_of(part: tuple[str, ...]) -> Range:
    """What a part means."""
    validity, low, high = part[-3:]
    return Range(int(validity), int(low), high.removeprefix(_FOR_NOW), is_late=part[0] == LATE)


def _halved(uids: Sequence[int], low: int, end: int, first: int, behind: int) -> Iterator[tuple[int, int]]:
    """Ranges with some UIDs and not too many; `first` and `behind` are the places of theirs in `uids`."""
    if first == behind:
        return
    if behind - first <= SLICE or end - low == 1:
        yield low, end
        return
    middle = (low + end) // 2
    at = bisect_left(uids, middle, first, behind)
    yield from _halved(uids, low, middle, first, at)
    yield from _halved(uids, middle, end, at, behind)
