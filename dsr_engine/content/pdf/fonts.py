"""Fonts of a PDF, as far as text needs them: which bytes are one glyph, what it stands for and how wide it is (ISO 32000-2, 9.6 to 9.10).

Runs in the child only (`content.pdf.child`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pikepdf
from reportlab.pdfbase._fontdata import encodings, widthsByFontGlyph
from reportlab.pdfbase._glyphlist import _glyphname2unicode, _glyphname2unicodes

from dsr_engine.content.pdf.cmap import CMap, cmap_of, codec_of
from dsr_engine.content.pdf.objects import array_of, dictionary_of, is_stream, name_in, name_text, number_of, stream_data

#: Glyphs that are called by a word and are no letters: `bracketleftbig`.
_SIGN = re.compile(r"[a-z]{5,}")
_UNICODE_NAME = re.compile(r"uni((?:[0-9A-F]{4})+)")
_LONG_NAME = re.compile(r"u([0-9A-F]{4,6})")
#: `dup 65 /A put` in the readable part of a Type 1 font program.
_BUILT_IN = re.compile(rb"dup\s+(\d{1,3})\s*/([^\s/]+)\s+put")
_STANDARD = {"Arial": "Helvetica", "TimesNewRoman": "Times-Roman", "CourierNew": "Courier"}
#: TeX's names that are no Adobe glyph names.
_LIGATURES = {"ff": "ff", "ffi": "ffi", "ffl": "ffl", "fi": "fi", "fl": "fl", "dotlessj": "ȷ", "visiblespace": " ", "nbspace": " "}
_DEFAULT_WIDTH = 500.0
#: Glyphs whose widths are told one by one.
_MOST = 500_000
#: Fonts of signs that are no letters.
_SIGNS = frozenset({"ZapfDingbats", "Dingbats", "Wingdings", "Webdings", "Wingdings-Regular"})


#: One character code in a string: its bytes, what it stands for, its width in thousandths.
Code = tuple[bytes, str, float]
#: Marks places where nobody knows what a glyph stands for.
UNKNOWN = "\ufffd"


@dataclass(slots=True)
class Font:
    """How strings in one font are read."""

    is_composite: bool = False
    is_vertical: bool = False
    to_text: CMap = field(default_factory=CMap)
    encoding: CMap | None = None
    codec: str = ""
    letters: Mapping[int, str] = field(default_factory=dict)
    widths: Mapping[int, float] = field(default_factory=dict)
    default: float = _DEFAULT_WIDTH
    #: Type 3 fonts have a scale of their own.
    scale: float = 0.001
    #: Codes that were met already.
    known: dict[bytes, Code] = field(default_factory=dict)

    def codes(self, data: bytes) -> Iterator[Code]:
        """The glyphs of a string."""
        known, at = self.known, 0
        while at < len(data):
            length = self._length(data, at) if self.is_composite else 1
            raw = data[at : at + length]
            at += length
            found = known.get(raw)
            if found is None:
                number = int.from_bytes(raw)
                text = self._text(number, raw)
                found = known[raw] = (raw, UNKNOWN if text is None else text, self._width(number, raw))
            yield found

    def _length(self, data: bytes, at: int) -> int:
        if self.codec and not self.codec.startswith("utf"):
            return _length_in(self.codec, data[at : at + 2])
        lengths = self.encoding.lengths if self.encoding is not None and self.encoding.lengths else ()
        for length, low, high in sorted(lengths):
            piece = data[at : at + length]
            if len(piece) == length and all(a <= b <= c for a, b, c in zip(low.to_bytes(length), piece, high.to_bytes(length), strict=True)):
                return length
        if lengths:
            return min(length for length, _, _ in lengths)
        return 4 if self.codec == "utf-32-be" else 4 if self.codec and 0xD8 <= data[at] < 0xDC else 2

    def _text(self, number: int, raw: bytes) -> str | None:
        for length in (len(raw), 2, 1):
            found = self.to_text.texts.get((number, length))
            if found is not None and found.strip("\0"):
                return found
        if self.codec:
            return raw.decode(self.codec, "replace").replace("\ufffd", "") or None
        return self.letters.get(number)

    def _width(self, number: int, raw: bytes) -> float:
        if self.encoding is not None and self.encoding.glyphs:
            number = self.encoding.glyphs.get((number, len(raw)), 0)
        elif self.codec:
            return self._width_of_letter(raw)
        return self.widths.get(number, self.default)

    def _width_of_letter(self, raw: bytes) -> float:
        """The width where the code is a letter of a charset: all collections of Adobe have ASCII as their glyphs 1 to 95."""
        letter = raw.decode(self.codec, "replace")
        return self.widths.get(ord(letter) - 31, self.default) if len(letter) == 1 and " " <= letter <= "~" else self.default


def _length_in(codec: str, piece: bytes) -> int:
    try:
        piece[:1].decode(codec)
    except UnicodeDecodeError:
        return 2
    return 1


def font_of(source: Any) -> Font:
    """The font of a font dictionary; one that decodes nothing where it is broken."""
    dictionary = dictionary_of(source)
    to_text = stream_data(dictionary.get("/ToUnicode")) if is_stream(dictionary.get("/ToUnicode")) else b""
    cmap = cmap_of(to_text) if to_text else CMap()
    kind = name_in(dictionary, "/Subtype")
    if kind == "/Type0":
        return _composite(dictionary, cmap)
    letters = _letters(dictionary)
    first = int(number_of(dictionary.get("/FirstChar")))
    widths: Mapping[int, float] = {first + index: number_of(width) for index, width in enumerate(array_of(dictionary.get("/Widths"))[:256])}
    default = number_of(dictionary_of(dictionary.get("/FontDescriptor")).get("/MissingWidth"), 0.0 if widths else _DEFAULT_WIDTH)
    if not widths:
        widths = _standard_widths(dictionary)
    scale = 0.001
    if kind == "/Type3":
        matrix = array_of(dictionary.get("/FontMatrix"))
        scale = number_of(matrix[0], 0.001) if len(matrix) == 6 else 0.001
        default = 0.0
    return Font(to_text=cmap, letters=letters, widths=widths, default=default, scale=scale)


def _composite(dictionary: Any, to_text: CMap) -> Font:
    below = array_of(dictionary.get("/DescendantFonts"))
    inner = dictionary_of(below[0] if below else None)
    encoding = dictionary.get("/Encoding")
    name = name_in(dictionary, "/Encoding").lstrip("/")
    is_vertical = name.endswith("-V")
    cmap: CMap | None = None
    if is_stream(encoding):
        cmap = cmap_of(stream_data(encoding))
        is_vertical = number_of(dictionary_of(encoding).get("/WMode")) == 1
    codec = codec_of(name)
    if is_vertical:
        down = array_of(inner.get("/DW2"))
        default, widths = number_of(down[1], -1000.0) if len(down) == 2 else -1000.0, _vertical_widths(array_of(inner.get("/W2")))
    else:
        default, widths = number_of(inner.get("/DW"), 1000.0), _glyph_widths(array_of(inner.get("/W")))
    return Font(is_composite=True, is_vertical=is_vertical, to_text=to_text, encoding=cmap, codec=codec, widths=widths, default=default)


def _glyph_widths(said: Sequence[Any]) -> Mapping[int, float]:
    """The array `/W` (9.7.4.3): `c [w1 w2 …]` and `first last w`."""
    widths: dict[int, float] = {}
    at = work = 0
    while at + 1 < len(said) and work < _MOST:
        first = int(number_of(said[at]))
        listed = array_of(said[at + 1])
        if listed or isinstance(said[at + 1], pikepdf.Array):
            widths.update({first + index: number_of(width) for index, width in enumerate(listed)})
            at += 2
        elif at + 2 < len(said):
            last, width = int(number_of(said[at + 1])), number_of(said[at + 2])
            widths.update(dict.fromkeys(range(first, min(last, first + 65535) + 1), width))
            work += max(1, min(last - first, 65535))
            at += 3
        else:
            break
    return widths


def _vertical_widths(said: Sequence[Any]) -> Mapping[int, float]:
    """The array `/W2`: `c [w1y vx vy …]` and `first last w1y vx vy`."""
    widths: dict[int, float] = {}
    at = work = 0
    while at + 1 < len(said) and work < _MOST:
        first = int(number_of(said[at]))
        if isinstance(said[at + 1], pikepdf.Array):
            widths.update({first + index: number_of(down) for index, down in enumerate(array_of(said[at + 1])[::3])})
            at += 2
        elif at + 4 < len(said):
            last = min(int(number_of(said[at + 1])), first + 65535)
            widths.update(dict.fromkeys(range(first, last + 1), number_of(said[at + 2])))
            work += max(1, last - first)
            at += 5
        else:
            break
    return widths


def _letters(dictionary: Any) -> Mapping[int, str]:
    """What the codes of a simple font stand for, by its encoding (9.6.5)."""
    encoding = dictionary.get("/Encoding")
    names: dict[int, str] = dict(enumerate(_base_names(dictionary, encoding)))
    if isinstance(encoding, pikepdf.Dictionary):
        at = 0
        for entry in array_of(encoding.get("/Differences")):
            if isinstance(entry, pikepdf.Name):
                names[at] = name_text(entry)[1:]
                at += 1
            else:
                at = int(number_of(entry))
    is_signs = name_in(dictionary, "/BaseFont").rpartition("+")[2].lstrip("/") in _SIGNS
    return {code: text for code, name in names.items() if name and (text := letter_of(name) or ("■" if is_signs or _SIGN.fullmatch(name) else ""))}


def _base_names(dictionary: Any, encoding: Any) -> Sequence[str]:
    said = name_in(encoding, "/BaseEncoding") if isinstance(encoding, pikepdf.Dictionary) else name_in(dictionary, "/Encoding")
    known = {"/WinAnsiEncoding": "WinAnsiEncoding", "/MacRomanEncoding": "MacRomanEncoding", "/MacExpertEncoding": "MacExpertEncoding"}.get(said)
    base = name_in(dictionary, "/BaseFont").lstrip("/").rpartition("+")[2]
    if known is None:
        descriptor = dictionary_of(dictionary.get("/FontDescriptor"))
        if built_in := _built_in(descriptor.get("/FontFile")):
            return built_in
        if base in ("Symbol", "ZapfDingbats"):
            known = f"{base}Encoding"
        else:
            known = "WinAnsiEncoding" if name_in(dictionary, "/Subtype") == "/TrueType" else "StandardEncoding"
    return tuple(name or "" for name in encodings[known])


def _built_in(program: Any) -> Sequence[str]:
    """The encoding that a Type 1 font program brings."""
    if not is_stream(program):
        return ()
    names = [""] * 256
    for code, name in _BUILT_IN.findall(stream_data(program)[:65536]):
        names[int(code) & 255] = name.decode("latin-1")
    return names if any(names) else ()


@lru_cache(maxsize=8192)
def letter_of(name: str) -> str:
    """What a glyph name stands for (Adobe Glyph List Specification); empty where it says nothing."""
    stem = name.partition(".")[0]
    if stem in _LIGATURES:
        return _LIGATURES[stem]
    if stem in _glyphname2unicode:
        return chr(_glyphname2unicode[stem])
    if stem in _glyphname2unicodes:
        several = _glyphname2unicodes[stem]
        return "".join(map(chr, several)) if isinstance(several, list | tuple) else ""
    if found := _UNICODE_NAME.fullmatch(stem):
        return bytes.fromhex(found[1]).decode("utf-16-be", "replace")
    if found := _LONG_NAME.fullmatch(stem):
        return chr(int(found[1], 16)) if int(found[1], 16) < 0x110000 else ""
    return "".join(map(letter_of, stem.split("_"))) if "_" in stem.strip("_") else ""


def _standard_widths(dictionary: Any) -> Mapping[int, float]:
    """The widths of the 14 standard fonts, which a file need not tell."""
    base = name_in(dictionary, "/BaseFont").lstrip("/").rpartition("+")[2]
    family, _, style = base.replace("PSMT", "").replace("MT", "").partition(",")
    family = _STANDARD.get(family, family)
    known = widthsByFontGlyph.get(f"{family}-{style}") or widthsByFontGlyph.get(family)
    if known is None:
        return {}
    encoding = dictionary.get("/Encoding")
    names: dict[int, str] = dict(enumerate(_base_names(dictionary, encoding)))
    at = 0
    for entry in array_of(encoding.get("/Differences")) if isinstance(encoding, pikepdf.Dictionary) else ():
        if isinstance(entry, pikepdf.Name):
            names[at] = name_text(entry)[1:]
            at += 1
        else:
            at = int(number_of(entry))
    return {code: float(known[name]) for code, name in names.items() if name in known}
