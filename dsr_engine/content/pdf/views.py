"""Glyphs as text that can be searched: as they are drawn, as they lie on the page, as they are meant, and with lines that were wrapped put together.

Each view knows which glyph a character comes from, so what is found in it can be removed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content.pdf.glyphs import Alternate, Glyph, Shown

#: Names of views, in which places are spoken of.
DRAWN, LINES, MEANT, UNWRAPPED = "text", "lines", "meant", "unwrapped"
#: Where two glyphs are further apart than this part of their size, a space is between them; beyond `_APART` they have nothing to do with each other.
_GAP, _APART = 0.17, 2.5
#: Stands between texts of one line that are far from each other, so that they are not read as one name.
_COLUMN = " ¦ "
_WORD = re.compile(r"\S+")
#: Lines over which one word may be wrapped.
_WRAPPED = 6


#: The source of a character that comes from no glyph.
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class View:
    """A text, and where each of its characters comes from: the number of a glyph, or -1 for none.

    -2 and below stand for characters of alternates: for entry -2 - n of `alternates`, (number of the alternate, number of the character).
    """

    name: str
    text: str
    sources: Sequence[int]
    alternates: Sequence[tuple[int, int]] = ()


def views(shown: Shown) -> Iterator[View]:
    """The views of a content stream. One that says nothing new is left out."""
    drawn = _drawn(shown.glyphs)
    yield drawn
    if lines := _lines(shown.glyphs):
        yield lines
    if any(alternate.text for alternate in shown.alternates):
        yield _meant(shown.glyphs, shown.alternates)
    if (joined := _unwrapped(drawn)).text:
        yield joined


class _Writing:
    """A text that grows, with its sources."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.sources: list[int] = []
        self.alternates: list[tuple[int, int]] = []

    def add(self, text: str, source: int) -> None:
        self.text.append(text)
        if len(text) == 1:
            self.sources.append(source)
        else:
            self.sources += [source] * len(text)

    def view(self, name: str) -> View:
        return View(name, "".join(self.text), self.sources, self.alternates)


def _drawn(glyphs: Sequence[Glyph]) -> View:
    writing = _Writing()
    before: Glyph | None = None
    was_space = False
    for number, glyph in enumerate(glyphs):
        is_space = glyph.text.isspace()
        if before is not None and (before.end_x != glyph.x or before.end_y != glyph.y):
            between = _between(before, glyph)
            if between and (between == "\n" or not (was_space or is_space)):
                writing.add(between, _NOWHERE)
        writing.add(glyph.text, number)
        before, was_space = glyph, is_space
    return writing.view(DRAWN)


def _between(one: Glyph, other: Glyph) -> str:
    """What a reader sees between two glyphs that are drawn one after the other."""
    size = max(one.size, other.size)
    along_x, along_y = one.end_x - one.x, one.end_y - one.y
    length = (along_x**2 + along_y**2) ** 0.5
    if length < 1e-6:
        along_x, along_y, length = 1.0, 0.0, 1.0
    dx, dy = other.x - one.end_x, other.y - one.end_y
    along, across = (dx * along_x + dy * along_y) / length, abs(dy * along_x - dx * along_y) / length
    if across > 0.6 * size or along < -0.6 * size:
        # Drawn once more at the same place to look bold: the same word, not the next line.
        return "\n"
    if along > _APART * size:
        return _COLUMN
    return " " if along > _GAP * size else ""


def _lines(glyphs: Sequence[Glyph]) -> View | None:
    """The glyphs line by line, from left to right; None where they are drawn in that order."""
    numbered = [(number, glyph) for number, glyph in enumerate(glyphs) if not glyph.text.isspace()]
    ordered: list[list[tuple[int, Glyph]]] = []
    for entry in sorted(numbered, key=lambda entry: -entry[1].y):
        if ordered and abs(ordered[-1][0][1].y - entry[1].y) < 0.3 * min(ordered[-1][0][1].size, entry[1].size):
            ordered[-1].append(entry)
        else:
            ordered.append([entry])
    for line in ordered:
        line.sort(key=lambda entry: (entry[1].x, entry[0]))
    if [number for line in ordered for number, _ in line] == [number for number, _ in numbered]:
        return None
    writing = _Writing()
    for line in ordered:
        for (_, one), (number, other) in zip(((-1, None), *line), line, strict=False):
            if one is not None:
                writing.add(_beside(one, other), _NOWHERE)
            writing.add(other.text, number)
        writing.add("\n", _NOWHERE)
    return writing.view(LINES)


def _beside(one: Glyph, other: Glyph) -> str:
    gap, size = other.x - max(one.end_x, one.x), max(one.size, other.size)
    if gap > _APART * size:
        return _COLUMN
    return " " if gap > _GAP * size else ""


def _meant(glyphs: Sequence[Glyph], alternates: Sequence[Alternate]) -> View:
    """The text with what stands for glyphs in their place, and the other alternates behind it."""
    writing = _Writing()
    used: set[int] = set()
    drawn = _drawn(glyphs)
    for letter, source in zip(drawn.text, drawn.sources, strict=True):
        actual = glyphs[source].actual if source >= 0 else -1
        if actual < 0:
            writing.add(letter, source)
        elif actual not in used:
            used.add(actual)
            _add_alternate(writing, alternates[actual], actual)
    for number, alternate in enumerate(alternates):
        if number not in used and alternate.text:
            writing.add("\n", _NOWHERE)
            _add_alternate(writing, alternate, number)
    return writing.view(MEANT)


def _add_alternate(writing: _Writing, alternate: Alternate, number: int) -> None:
    for character, letter in enumerate(alternate.text):
        writing.alternates.append((number, character))
        writing.add(letter, -1 - len(writing.alternates))


def _unwrapped(view: View) -> View:
    """The words that may be one word which was wrapped: the last of a line with the first of the next, and so on while lines are single words."""
    writing = _Writing()
    lines = [[(found.start(), found.end()) for found in _WORD.finditer(view.text, *span)] for span in _line_spans(view.text)]
    for number, words in enumerate(lines[:-1]):
        pieces = words[-1:]
        for after in lines[number + 1 : number + _WRAPPED]:
            if not pieces or not after or not _may_join(view.text[slice(*pieces[-1])], view.text[slice(*after[0])]):
                break
            pieces.append(after[0])
            for start, end in pieces:
                for index in range(start, end):
                    writing.add(view.text[index], view.sources[index])
            for character in _COLUMN:
                writing.add(character, _NOWHERE)
            if len(after) > 1:
                break
    return writing.view(UNWRAPPED)


def _line_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _may_join(one: str, other: str) -> bool:
    """False for numbers that stand under each other: that is what columns look like."""
    return not (one.isdigit() and other.isdigit())
