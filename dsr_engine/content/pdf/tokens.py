"""Cuts a content stream of a PDF into operations with their offsets, so that what is not redacted is copied byte for byte.

ISO 32000-2, 7.2 (lexical conventions) and 7.8 (content streams). Nothing here fails on broken content: what makes no sense is passed over, as
viewers do.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SPACE = r"\x00\t\n\x0c\r\x20"
_DELIMITER = _SPACE + r"()<>\[\]{}/%"
_DRAWING = r"(?:m|l|c|v|y|h|re|S|s|f\*?|F|B\*?|b\*?|W\*?|n|w|J|j|M|i|g|G|rg|RG|k|K|sc|SC)"
#: Drawing with plain numbers is passed over in one step: it is most of what large pages are made of.
_TOKEN = re.compile(
    "|".join(
        (
            rf"(?P<drawing>(?:[-+.\d]+[{_SPACE}]+){{0,6}}{_DRAWING}(?=[{_DELIMITER}]|\Z))",
            rf"(?P<number>[-+.]*\d[-+.\d]*(?=[{_DELIMITER}]|\Z))",
            r"(?P<literal>\((?:[^()\\]|\\.)*\))",
            r"(?P<nested>\()",
            r"(?P<open><<)",
            r"(?P<close>>>)",
            rf"(?P<hex><[0-9A-Fa-f{_SPACE}]*>)",
            rf"(?P<name>/[^{_DELIMITER}]*)",
            r"(?P<array>\[)",
            r"(?P<end>\])",
            r"(?P<comment>%[^\r\n]*)",
            rf"(?P<word>[^{_DELIMITER}]+)",
            r"(?P<other>[<>{})])",
        )
    ).encode(),
    re.DOTALL,
)
_SPACES = re.compile(rf"[{_SPACE}]+".encode())
_NESTED = re.compile(rb"\\.|[()]", re.DOTALL)
_IMAGE_END = re.compile(rb"[\x00\t\n\x0c\r ]EI(?=[\x00\t\n\x0c\r ]|\Z)")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|\r\n|(.))|\r\n?", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r": b"", b"\n": b""}
_NOT_HEX = re.compile(rb"[^0-9A-Fa-f]")
_NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
#: Operands of one operation; whoever writes more is not drawing.
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Token:
    """One operand, or a bracket of an array or a dictionary; `raw` are its bytes, which begin at `start`."""

    kind: str
    start: int
    raw: bytes

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.raw)

    @property
    def is_string(self) -> bool:
        return self.kind in ("literal", "hex")

    @property
    def number(self) -> float:
        """Its value; 0 where it is no number, as viewers take it."""
        try:
            return float(self.raw)
        except ValueError:
            return 0.0

    @property
    def string(self) -> bytes:
        """What a string holds."""
        return hex_string(self.raw) if self.kind == "hex" else literal_string(self.raw)

    @property
    def name(self) -> str:
        """What a name says, with its slash."""
        return name_of(self.raw)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator with its operands, arrays and dictionaries as their tokens in a row. It lies from `start` to `end`."""

    operator: bytes
    operands: Sequence[Token]
    start: int
    end: int


def operations(data: bytes) -> Iterator[Operation]:
    """The operations in their order, without those that draw lines with plain numbers. An inline image is one operation `EI`."""
    operands: list[Token] = []
    at = 0
    while found := _TOKEN.match(data, _behind_space(data, at)):
        kind, at = found.lastgroup or "", found.end()
        if kind == "nested":
            at = _end_of_nested(data, found.start())
            operands.append(Token("literal", found.start(), data[found.start() : at]))
        elif kind == "word":
            begin = operands[0].start if operands else found.start()
            if found[0] == b"ID":
                at = _end_of_image(data, at)
                yield Operation(b"EI", tuple(operands), begin, at)
            elif found[0] not in (b"true", b"false", b"null"):
                yield Operation(found[0], tuple(operands), begin, at)
            operands = []
        elif kind == "drawing":
            operands = []
        elif kind not in ("comment", "other") and len(operands) < _MOST:
            operands.append(Token(kind, found.start(), found[0]))


def _behind_space(data: bytes, at: int) -> int:
    found = _SPACES.match(data, at)
    return found.end() if found else at


def _end_of_nested(data: bytes, start: int) -> int:
    """Behind the string that begins at `start` and has parentheses in it; the end of the data where it has no end."""
    depth = 0
    for found in _NESTED.finditer(data, start):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(data)


def _end_of_image(data: bytes, start: int) -> int:
    """Behind the `EI` of an inline image: the first one that is followed by what looks like text."""
    for found in _IMAGE_END.finditer(data, start):
        if all(byte in b"\t\n\r\x0c\0" or 32 <= byte < 127 for byte in data[found.end() : found.end() + 12]):
            return found.end()
    return len(data)


def literal_string(raw: bytes) -> bytes:
    """What a string in parentheses holds (7.3.4.2)."""
    body = raw[1:-1] if raw.endswith(b")") else raw[1:]
    return body if b"\\" not in body and b"\r" not in body else _ESCAPE.sub(_unescaped, body)


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 8) & 255,))
    if found[2] is not None:
        return _ESCAPED.get(found[2], found[2])
    return b"" if found[0].startswith(b"\\") else b"\n"


def hex_string(raw: bytes) -> bytes:
    """What a hexadecimal string holds (7.3.4.3)."""
    digits = _NOT_HEX.sub(b"", raw)
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


def name_of(raw: bytes) -> str:
    """What a name says (7.3.5); bytes that are no UTF-8 as the surrogates that pikepdf takes for them, so that it can be looked up."""
    return _NAME_ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), raw).decode("utf-8", "surrogateescape")
