"""The glyphs that a content stream shows: what each stands for, where it stands, and which bytes show it (ISO 32000-2, 9.3 and 9.4).

Also glyphs that nobody sees: invisible, clipped, white, off the page, or in a layer that is switched off. Runs in the child only.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import pikepdf

from dsr_engine.content.pdf.fonts import Font, font_of
from dsr_engine.content.pdf.objects import array_of, dictionary_of, entry_of, number_of
from dsr_engine.content.pdf.strings import text_of
from dsr_engine.content.pdf.tokens import Operation, Token, operations

Matrix = tuple[float, float, float, float, float, float]
_UNIT: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
#: Most glyphs of one content stream, and levels of `q`.
_MOST, _DEEPEST = 5_000_000, 512
#: Entries of a marked content that stand for what is shown, or are read out with it.
_ALTERNATES = ("/ActualText", "/Alt", "/E")


@dataclass(frozen=True, slots=True)
class Alternate:
    """A text in the content that stands for glyphs: the string operand that holds it."""

    token: Token
    text: str
    codec: str
    is_actual: bool


class Glyph(NamedTuple):
    """One glyph. It starts at (x, y) and ends at (end_x, end_y), `size` is the height of its font, all in the units of the stream's own space.

    It is the bytes `raw` in the string operand that begins at offset `operand`, of operation number `operation`.
    `move` is what it moves the pen by, in thousandths of the font size as `TJ` counts them. `actual` is the number of the alternate that stands
    for it, or -1.
    """

    text: str
    x: float
    y: float
    end_x: float
    end_y: float
    size: float
    operation: int
    operand: int
    raw: bytes
    move: float
    is_hidden: bool
    actual: int


@dataclass(slots=True)
class _State:
    """The part of the graphics state that text needs."""

    ctm: Matrix = _UNIT
    font: Font = field(default_factory=Font)
    size: float = 1.0
    char_space: float = 0.0
    word_space: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0
    mode: int = 0


@dataclass(slots=True)
class Shown:
    """What a content stream shows. `operations` are those that show text or hold an alternate, by the number that glyphs name."""

    glyphs: list[Glyph] = field(default_factory=list)
    alternates: list[Alternate] = field(default_factory=list)
    operations: dict[int, Operation] = field(default_factory=dict)
    invoked: list[str] = field(default_factory=list)
    has_images: bool = False


def times(one: Matrix, other: Matrix) -> Matrix:
    """The product of two transformations: first `one`, then `other`."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


class Interpreter:
    """Runs one content stream with its resources."""

    def __init__(self, resources: Any, fonts: dict[tuple[int, int], Font]) -> None:
        self._resources = dictionary_of(resources)
        self._fonts = fonts
        self._named: dict[str, Font] = {}
        self._state = _State()
        self._stack: list[_State] = []
        self._text: Matrix = _UNIT
        self._line: Matrix = _UNIT
        self._marked: list[int] = []
        self.shown = Shown()
        self._number = 0
        self._verbs: Mapping[bytes, Callable[[Sequence[Token]], None]] = {
            b"q": self._save, b"Q": self._restore, b"cm": self._concat, b"BT": self._begin, b"Tf": self._select, b"gs": self._external,
            b"Tc": self._char_space, b"Tw": self._word_space, b"Tz": self._horizontal, b"TL": self._leading, b"Ts": self._rise, b"Tr": self._mode,
            b"Td": self._move, b"TD": self._move_leading, b"Tm": self._set, b"T*": self._next, b"Tj": self._show, b"TJ": self._show,
            b"'": self._next_show, b'"': self._spaced_show, b"BDC": self._mark, b"BMC": self._mark, b"EMC": self._end_mark, b"DP": self._point,
            b"Do": self._invoke, b"EI": self._image,
        }  # fmt: skip

    def run(self, data: bytes) -> Shown:
        """What the content shows."""
        for number, operation in enumerate(operations(data)):
            verb = self._verbs.get(operation.operator)
            if verb is not None:
                self._number = number
                held = len(self.shown.glyphs), len(self.shown.alternates)
                verb(operation.operands)
                if held != (len(self.shown.glyphs), len(self.shown.alternates)):
                    self.shown.operations[number] = operation
                if len(self.shown.glyphs) > _MOST:
                    break
        return self.shown

    def _save(self, _operands: Sequence[Token]) -> None:
        if len(self._stack) < _DEEPEST:
            self._stack.append(replace(self._state))

    def _restore(self, _operands: Sequence[Token]) -> None:
        if self._stack:
            self._state = self._stack.pop()

    def _concat(self, operands: Sequence[Token]) -> None:
        self._state.ctm = times(_matrix(operands), self._state.ctm)

    def _begin(self, _operands: Sequence[Token]) -> None:
        self._text = self._line = _UNIT

    def _select(self, operands: Sequence[Token]) -> None:
        if len(operands) >= 2:
            self._state.font = self._font(operands[-2].name)
            self._state.size = operands[-1].number

    def _external(self, operands: Sequence[Token]) -> None:
        states = dictionary_of(self._resources.get("/ExtGState"))
        said = array_of(dictionary_of(entry_of(states, operands[-1].name)).get("/Font")) if operands and operands[-1].kind == "name" else []
        if len(said) == 2:
            self._state.font, self._state.size = self._made(said[0]), number_of(said[1])

    def _font(self, name: str) -> Font:
        if name not in self._named:
            self._named[name] = self._made(entry_of(dictionary_of(self._resources.get("/Font")), name))
        return self._named[name]

    def _made(self, source: Any) -> Font:
        key = source.objgen if isinstance(source, pikepdf.Object) and source.is_indirect else None
        if key is None:
            return font_of(source)
        if key not in self._fonts:
            self._fonts[key] = font_of(source)
        return self._fonts[key]

    def _char_space(self, operands: Sequence[Token]) -> None:
        self._state.char_space = _last(operands)

    def _word_space(self, operands: Sequence[Token]) -> None:
        self._state.word_space = _last(operands)

    def _horizontal(self, operands: Sequence[Token]) -> None:
        self._state.scale = _last(operands) / 100

    def _leading(self, operands: Sequence[Token]) -> None:
        self._state.leading = _last(operands)

    def _rise(self, operands: Sequence[Token]) -> None:
        self._state.rise = _last(operands)

    def _mode(self, operands: Sequence[Token]) -> None:
        self._state.mode = int(_last(operands))

    def _move(self, operands: Sequence[Token]) -> None:
        if len(operands) >= 2:
            self._line = times((1.0, 0.0, 0.0, 1.0, operands[-2].number, operands[-1].number), self._line)
            self._text = self._line

    def _move_leading(self, operands: Sequence[Token]) -> None:
        self._state.leading = -_last(operands)
        self._move(operands)

    def _set(self, operands: Sequence[Token]) -> None:
        self._text = self._line = _matrix(operands)

    def _next(self, _operands: Sequence[Token]) -> None:
        self._line = times((1.0, 0.0, 0.0, 1.0, 0.0, -self._state.leading), self._line)
        self._text = self._line

    def _next_show(self, operands: Sequence[Token]) -> None:
        self._next(operands)
        self._show(operands)

    def _spaced_show(self, operands: Sequence[Token]) -> None:
        if len(operands) >= 3:
            self._state.word_space, self._state.char_space = operands[0].number, operands[1].number
        self._next(operands)
        self._show(operands[-1:])

    def _show(self, operands: Sequence[Token]) -> None:
        for operand in operands:
            if operand.kind == "number":
                self._advance(-operand.number / 1000 * self._state.size)
            elif operand.is_string:
                self._string(operand)

    def _string(self, operand: Token) -> None:
        """Shows a string. What moves the pen is added up along one direction, because most of a PDF's reading is spent here."""
        state = self._state
        font, size, glyphs, actual = state.font, state.size, self.shown.glyphs, self._marked[-1] if self._marked else -1
        is_hidden, unit, per_space = state.mode in (3, 7), font.scale * state.size, -1000 / (state.size or 1e-9)
        a, b, c, d, e, f = times(self._text, state.ctm)
        x, y = e + c * state.rise, f + d * state.rise
        way_x, way_y = (c, d) if font.is_vertical else (a * state.scale, b * state.scale)
        height = min(1e6, math.hypot(c, d) * abs(size)) or 1.0
        moved = 0.0
        for raw, text, width in font.codes(operand.string):
            step = width * unit + state.char_space + (state.word_space if raw == b" " else 0.0)
            end_x, end_y = x + step * way_x, y + step * way_y
            glyphs.append(Glyph(text, x, y, end_x, end_y, height, self._number, operand.start, raw, step * per_space, is_hidden, actual))
            x, y, moved = end_x, end_y, moved + step
        self._advance(moved)

    def _advance(self, step: float) -> None:
        way = (0.0, step) if self._state.font.is_vertical else (step * self._state.scale, 0.0)
        self._text = times((1.0, 0.0, 0.0, 1.0, *way), self._text)

    def _mark(self, operands: Sequence[Token]) -> None:
        inherited = self._marked[-1] if self._marked else -1
        actual = next((number for number in self._noted(operands) if self.shown.alternates[number].is_actual), inherited)
        if len(self._marked) < _DEEPEST:
            self._marked.append(actual)

    def _point(self, operands: Sequence[Token]) -> None:
        self._noted(operands)

    def _noted(self, operands: Sequence[Token]) -> Sequence[int]:
        """The numbers of the alternates among the operands. Those in a property list of the resources are strings of an object."""
        first = len(self.shown.alternates)
        for key, value in pairwise(operands):
            if key.kind == "name" and key.name in _ALTERNATES and value.is_string:
                text, codec = text_of(value.string)
                self.shown.alternates.append(Alternate(value, text, codec, key.name == "/ActualText"))
        return range(first, len(self.shown.alternates))

    def _end_mark(self, _operands: Sequence[Token]) -> None:
        if self._marked:
            self._marked.pop()

    def _invoke(self, operands: Sequence[Token]) -> None:
        if not operands or operands[-1].kind != "name":
            return
        found = dictionary_of(entry_of(dictionary_of(self._resources.get("/XObject")), operands[-1].name))
        if found.get("/Subtype") == "/Image":
            self.shown.has_images = True
        else:
            self.shown.invoked.append(operands[-1].name)

    def _image(self, _operands: Sequence[Token]) -> None:
        self.shown.has_images = True


def _last(operands: Sequence[Token]) -> float:
    return operands[-1].number if operands else 0.0


def _matrix(operands: Sequence[Token]) -> Matrix:
    numbers = [min(1e9, max(-1e9, operand.number)) for operand in operands[-6:]]
    return tuple(numbers) if len(numbers) == 6 else _UNIT  # type: ignore[return-value]  # six of them
