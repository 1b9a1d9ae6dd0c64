"""Characters of Rich Text Format as bytes (RTF 1.9.1): as they are, as `\\'e9`, as `\\u233?`, in the charset of a font."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dsr_engine.content.documents.runs import bytes_of

_STEP = re.compile(rb"\\'([0-9a-fA-F]{2})|\\u(-?\d{1,6}) ?|\\([\\{}~_\-])|([\r\n]+)|[^\\{}\r\n]|\\|[{}]")
_SYMBOLS = {b"~": "\u00a0", b"_": "-", b"-": ""}
#: Charsets of fonts (\\fcharsetN) as codecs. The default and symbols are in the document's own.
CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip


def codec_of(page: int) -> str:
    """The codec of a code page (\\ansicpgN); Windows-1252 where there is none."""
    try:
        return codecs.lookup(f"cp{page}").name
    except LookupError:
        return "cp1252"


@dataclass(frozen=True, slots=True)
class RtfRun:
    """One stretch of characters without a control word or brace in it.

    `codec` is the charset of bytes, `fallback` how many characters follow a `\\u` for readers that do not know it (\\ucN). `is_glued`: a control
    word stands directly before it, which other letters must not become a part of.
    """

    start: int
    raw: bytes
    codec: str
    fallback: int
    is_glued: bool
    text: str

    def span(self, first: int, last: int) -> tuple[int, int]:
        return bytes_of(_steps(self.raw, self.codec, self.fallback), self.start, first, last)

    def written(self, text: str) -> bytes:
        return (b"{}" if self.is_glued else b"") + b"".join(_written(character, self.fallback) for character in text)


def rtf_run(start: int, raw: bytes, codec: str, fallback: int, *, is_glued: bool) -> RtfRun:
    """The run of these bytes."""
    if raw.isascii() and b"\\" not in raw:
        text = raw.decode("ascii").replace("\r", "").replace("\n", "")
    else:
        text = "".join(characters for characters, _ in _steps(raw, codec, fallback))
    return RtfRun(start, raw, codec, fallback, is_glued, text)


def _steps(raw: bytes, codec: str, fallback: int) -> Iterator[tuple[str, int]]:
    """What is read, with how many bytes it is written. Line ends are nothing; a pair of surrogates is one character."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    pending = 0
    tokens = _Tokens(raw)
    while (found := tokens.next()) is not None:
        size = len(found[0])
        if found[2] is not None:
            unit, size = int(found[2]) & 0xFFFF, size + tokens.skip(fallback)
            following = tokens.peek()
            if 0xD800 <= unit < 0xDC00 and following is not None and following[2] is not None and int(following[2]) & 0xFC00 == 0xDC00:
                tokens.next()
                low = int(following[2]) & 0xFFFF
                unit, size = 0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00, size + len(following[0]) + tokens.skip(fallback)
            yield (chr(unit) if not 0xD800 <= unit < 0xE000 else "\N{REPLACEMENT CHARACTER}"), size
        elif found[3] is not None:
            yield _SYMBOLS.get(found[3], found[3].decode("ascii")), size
        elif found[4] is not None:
            yield "", size
        else:
            characters = decoder.decode(bytes.fromhex(found[1].decode("ascii")) if found[1] is not None else found[0])
            if characters:
                yield characters, size + pending
                pending = 0
            else:
                pending += size
    rest = decoder.decode(b"", final=True)
    if rest or pending:
        yield rest, pending


class _Tokens:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def peek(self) -> re.Match[bytes] | None:
        return _STEP.match(self._raw, self._at)

    def next(self) -> re.Match[bytes] | None:
        found = self.peek()
        self._at = found.end() if found else self._at
        return found

    def skip(self, count: int) -> int:
        """Passes what stands for a character in readers that do not know Unicode; its size."""
        start = self._at
        for _ in range(count):
            found = self.peek()
            if found is None or found[2] is not None:
                break
            self._at = found.end()
        return self._at - start


def _written(character: str, fallback: int) -> bytes:
    if character in "\\{}":
        return b"\\" + character.encode("ascii")
    if character == "\n":
        return b"\\line "
    if character == "\t":
        return b"\\tab "
    if character.isascii():
        return character.encode("ascii") if character.isprintable() else b""
    units = character.encode("utf-16-be")
    numbers = (int.from_bytes(units[at : at + 2], "big", signed=True) for at in range(0, len(units), 2))
    return b"".join(b"\\u%d" % number + (b"?" * fallback or b" ") for number in numbers)
