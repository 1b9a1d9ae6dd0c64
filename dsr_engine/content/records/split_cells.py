"""What neighbouring cells of a row hold only together: a first and a last name in two columns, street and town, a text with an unquoted delimiter.

Such a text has a place of its own in its row (`row:17/2-3`, columns from 1), it mentions and never owns. When it is cut out, each cell loses its
share: the mark stands in the first one, the cells between become empty, and all delimiters stay.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from dsr_engine.content.gate import Gate
from dsr_engine.content.rewriter import Rewriter

#: More cells than this never make one identifier.
_TOGETHER = 4
#: Cells that the gate is asked about at once.
_AT_ONCE = 32
#: So that `Jane` and `Doe` are read as a name, and `Doe` and `Jane` too.
_JOINT = ", "
_PLACE = re.compile(r"(\d+)-(\d+)")


def joined(texts: Sequence[str], gate: Gate) -> Iterator[tuple[int, int, str]]:
    """The shortest runs of cells that pass the gate together although none in them does: first and last index from 0, and their text."""
    for begin in range(0, len(texts), _AT_ONCE):
        # A run may go on in the next stretch; one that begins there is found with that.
        stretch = texts[begin : begin + _AT_ONCE + _TOGETHER - 1]
        if gate.passes_text(_JOINT.join(stretch)):
            for first, last, text in _runs(stretch, gate):
                if first < _AT_ONCE:
                    yield begin + first, begin + last, text


def _runs(texts: Sequence[str], gate: Gate) -> Iterator[tuple[int, int, str]]:
    alone = [gate.passes_text(text) for text in texts]
    taken: list[tuple[int, int]] = []
    for many in range(2, _TOGETHER + 1):
        for first in range(len(texts) - many + 1):
            last = first + many - 1
            if not (texts[first] and texts[last]) or any(alone[first : last + 1]) or any(first <= low and high <= last for low, high in taken):
                continue
            text = _JOINT.join(texts[first : last + 1])
            if gate.passes_text(text):
                taken.append((first, last))
                yield first, last, text


def place_of(first: int, last: int) -> str:
    """How a run of cells is called in places; indices from 0."""
    return f"{first + 1}-{last + 1}"


def run_of(place: str) -> tuple[int, int] | None:
    """The run of cells that a place names; None for the place of one cell."""
    found = _PLACE.fullmatch(place)
    return (int(found[1]) - 1, int(found[2]) - 1) if found else None


def parted(texts: Sequence[str], first: int, last: int, rewriter: Rewriter) -> Mapping[int, str]:
    """The cells of a run, by index, without what they hold together; only those that change."""
    before = _JOINT.join(texts[first : last + 1])
    after = rewriter.redacted(before)
    if after == before:
        return {}
    start = _shared(before, after)
    end = len(before) - _shared(before[start:][::-1], after[start:][::-1])
    mark = after[start : len(after) - (len(before) - end)]
    changed: dict[int, str] = {}
    at = 0
    for index in range(first, last + 1):
        text = texts[index]
        low, high = max(start - at, 0), min(end - at, len(text))
        if low < high:
            changed[index] = text[:low] + (mark if not changed else "") + text[high:]
        at += len(text) + len(_JOINT)
    return changed


def _shared(one: str, other: str) -> int:
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))
