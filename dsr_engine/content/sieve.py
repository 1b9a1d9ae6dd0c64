"""The gate over all subjects: a glance at everything, and a closer look at where the signs are.

Places are found by halves: what a glance refuses is done with, and only the last small piece is read with offsets kept.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from dsr_engine.content.fold import Ruler, fold_origin, folded
from dsr_engine.content.glance import Glance
from dsr_engine.content.views import View, deeper, encoded, escaped, views
from dsr_engine.content.vocabulary import Vocabulary

#: Pieces of at most this size (or four times the reach) are not halved any more. Bytes.
_PIECE = 16 * 1024
_LINE_END = re.compile("\n|\r(?!\n)")


class SubjectGate:
    """Implements `content.gate.Gate`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._glance = Glance(vocabulary)

    @property
    def reach(self) -> int:
        return self._vocabulary.reach

    def passes(self, data: bytes) -> bool:
        return self._glance.at_bytes(data)

    def passes_text(self, text: str) -> bool:
        return self._glance.at_text(text)

    def hits(self, data: bytes) -> Sequence[int]:
        if not self.passes(data):
            return ()
        found = set(self._halved(data, 0, len(data)))
        return sorted(found) or (len(data),)

    def _halved(self, data: bytes, start: int, end: int) -> Iterator[int]:
        """Offsets in a piece of the data that a glance did not refuse."""
        piece = data[start:end]
        if len(piece) <= max(_PIECE, 4 * self.reach):
            yield from (start + offset for offset in self._places(piece))
            return
        middle = (start + end) // 2
        for first, last in ((start, middle + self.reach), (middle, end)):
            if self.passes(data[first:last]):
                yield from self._halved(data, first, last)

    def _places(self, data: bytes) -> Iterator[int]:
        """Offsets behind each sign in a small piece; its end where a sign cannot be placed."""
        text = data.decode("utf-8", "surrogateescape")
        window = self._vocabulary.window
        is_placed = False
        for offset in self._in_text(data, text, views(text, window)):
            is_placed = True
            yield offset
        if b"\0" in data and not data.isascii():
            wide = data.decode("latin-1")
            for offset in self._in_text(data, wide, deeper(chain(escaped(View(wide), window), encoded(View(wide))), window)):
                is_placed = True
                yield offset
        for charset in self._glance.in_other_charsets(data) if not data.isascii() else ():
            is_placed = True
            yield from self._in_charset(data, charset)
        if not is_placed:
            yield len(data)

    def _in_charset(self, data: bytes, charset: str) -> Iterator[int]:
        """Hits in another charset. Their offsets are those of the text encoded again: exact where that gives the same bytes."""
        text = data.decode(charset, "replace")
        for _, last in self._in_view(View(text)):
            yield min(len(data), len(text[:last].encode(charset, "replace")))

    def _in_text(self, data: bytes, text: str, readings: Iterable[View]) -> Iterator[int]:
        """Offsets in the bytes of what the views of a text hold. The text is their UTF-8, or their latin-1 character by character."""
        ruler = None
        for view in readings:
            for first, last in self._in_view(view):
                for offset in _marks(text, first, last, self.reach):
                    if len(text) == len(data):
                        yield offset
                    else:
                        ruler = ruler or Ruler(text, "surrogateescape")
                        yield ruler.byte(offset)

    def _in_view(self, view: View) -> Iterator[tuple[int, int]]:
        """Spans of the original that a view has candidates in."""
        origin = None
        for candidate in self._vocabulary.candidates(folded(view.text)):
            origin = origin or fold_origin(view.text)
            yield view.span(*origin.span(candidate.start, candidate.end))
        for digest in self._vocabulary.digest_hits(view.text):
            yield view.span(digest.start, digest.end)


def _marks(text: str, first: int, last: int, reach: int) -> Iterator[int]:
    """The end of a place, and within a long one every line end and every `reach` characters.

    What is encoded over many lines (base64) is one place from its first digit to its last, and callers look only near an offset.
    """
    yield from (found.end() for found in _LINE_END.finditer(text, first, last))
    yield from range(first + reach, last, reach)
    yield last
