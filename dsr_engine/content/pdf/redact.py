"""Takes glyphs out of a content stream: their codes go, what moves the pen as far as they did stays, and all other bytes are copied.

Nothing is drawn in their place. Runs in the child only.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from dsr_engine.content.pdf.glyphs import Glyph, Shown
from dsr_engine.content.pdf.strings import text_bytes
from dsr_engine.content.pdf.tokens import Operation
from dsr_engine.content.pdf.views import View


class Lost(Exception):
    """A place of the plan is not in the file, or cannot be changed."""


def touched(shown: Shown, view: View, spans: Sequence[tuple[int, int]]) -> tuple[set[int], dict[int, set[int]]]:
    """The glyphs that the spans of the view's text come from, and the characters of alternates by the alternate's number.

    Where all of a text that stands for glyphs goes, they go, too: they are that text, whatever else they say.
    """
    glyphs: set[int] = set()
    alternates: dict[int, set[int]] = {}
    for start, end in spans:
        if not 0 <= start < end <= len(view.sources):
            raise Lost
        for source in view.sources[start:end]:
            if source >= 0:
                glyphs.add(source)
            elif source < -1:
                number, character = view.alternates[-2 - source]
                alternates.setdefault(number, set()).add(character)
    whole = {number for number, characters in alternates.items() if not _kept(shown, number, characters).strip()}
    glyphs.update(number for number, glyph in enumerate(shown.glyphs) if glyph.actual in whole)
    return glyphs, alternates


def _kept(shown: Shown, number: int, characters: Collection[int]) -> str:
    return "".join(letter for index, letter in enumerate(shown.alternates[number].text) if index not in characters)


def redacted(data: bytes, shown: Shown, glyphs: Collection[int], alternates: Mapping[int, Collection[int]]) -> bytes:
    """The content without these glyphs, and without these characters of its alternates."""
    changed = {shown.glyphs[number].operation for number in glyphs}
    held: dict[int, dict[int, list[tuple[Glyph, bool]]]] = {number: {} for number in changed}
    for number, glyph in enumerate(shown.glyphs):
        if glyph.operation in changed:
            held[glyph.operation].setdefault(glyph.operand, []).append((glyph, number in glyphs))
    splices = [_splice(shown.operations[number], strings) for number, strings in held.items()]
    for number, characters in alternates.items():
        alternate = shown.alternates[number]
        splices.append((alternate.token.start, alternate.token.end, _hex(text_bytes(_kept(shown, number, characters), alternate.codec))))
    parts: list[bytes] = []
    at = 0
    for start, end, content in sorted(splices):
        if start < at:
            raise Lost
        parts += [data[at:start], content]
        at = end
    return b"".join((*parts, data[at:]))


def _splice(operation: Operation, strings: Mapping[int, Sequence[tuple[Glyph, bool]]]) -> tuple[int, int, bytes]:
    """The operation without some of its glyphs: what leads to its place, and one `TJ`."""
    lead, operands = b"", operation.operands
    if operation.operator in (b"'", b'"'):
        lead, operands = b"T* ", operands[-1:]
    if operation.operator == b'"' and len(operation.operands) >= 3:
        lead = operation.operands[0].raw + b" Tw " + operation.operands[1].raw + b" Tc " + lead
    parts: list[bytes] = []
    for operand in operands:
        if operand.is_string:
            parts += _pieces(strings.get(operand.start, ()))
        elif operand.kind == "number":
            parts.append(operand.raw)
    return operation.start, operation.end, lead + b"[" + b" ".join(parts) + b"] TJ"


def _pieces(codes: Sequence[tuple[Glyph, bool]]) -> Iterator[bytes]:
    """The codes that stay as strings, those that go as what they move the pen by."""
    for is_gone, run in groupby(codes, key=lambda code: code[1]):
        if is_gone:
            yield f"{sum(glyph.move for glyph, _ in run):.3f}".encode()
        else:
            yield _hex(b"".join(glyph.raw for glyph, _ in run))


def _hex(data: bytes) -> bytes:
    return b"<" + data.hex().encode() + b">"
