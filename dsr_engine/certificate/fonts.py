"""Fonts that are embedded in every certificate, and the promise that no character becomes an empty box.

ReportLab keeps fonts in one registry per process; a font is registered once under a name made of its content.
Letters may fall back to a font that is not embedded for Chinese characters (`ASIAN`), because none is shipped; certificates never do.
Scripts that need shaping or run from right to left are refused: drawn glyph by glyph they would be wrong, and a wrong certificate is worse than none.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from dsr_engine.domain.errors import InputWrong
from dsr_engine.shipped import shipped

#: A font that every PDF reader brings along, or has a replacement for (ISO 32000-1 § 9.7.5.2, character collection Adobe-GB1).
ASIAN = "STSong-Light"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})


@dataclass(frozen=True, slots=True)
class Typeface:
    """The names of the registered fonts. `others` are asked in turn where a face has no glyph."""

    regular: str
    bold: str
    mono: str
    others: tuple[str, ...]

    def runs(self, text: str, face: str) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with the first font that has all of it. Raises `InputWrong` naming a character that no font has."""
        fonts = {character: self._font_for(character, face) for character in dict.fromkeys(text)}
        for font, characters in groupby(text, fonts.__getitem__):
            yield font, "".join(characters)

    def _font_for(self, character: str, face: str) -> str:
        for name in (face, self.regular, *self.others):
            if name == ASIAN and is_asian(character):
                return name
            if name != ASIAN and pdfmetrics.getFont(name).face.charToGlyph.get(ord(character)):  # glyph 0 is the empty box
                return name
        shown = f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"
        raise InputWrong(
            f"no font has the character {shown}",
            code="page.no_glyph",
            hint="add a TrueType font that has it to fonts in templates/certificate/look.toml",
        )


def is_asian(character: str) -> bool:
    """True for Chinese characters and the punctuation that goes with them."""
    return unicodedata.east_asian_width(character) in ("W", "F")


def typeface(extra: Sequence[Path], *, is_asian_drawn: bool = False) -> Typeface:
    """The shipped faces, and the operator's further fonts. `is_asian_drawn`: what none of them has may be left to the reader's Chinese font."""
    folder = shipped("templates") / "certificate" / "fonts"
    regular, bold, mono = (_registered(folder / f"{name}.ttf") for name in ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"))
    if is_asian_drawn and ASIAN not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(ASIAN))
        addMapping(ASIAN, 0, 0, ASIAN)
    last = (ASIAN,) if is_asian_drawn else ()
    return Typeface(regular, bold, mono, (*(_registered(path) for path in extra), *last))


def drawable(text: str) -> str:
    """The text as it is drawn: composed (NFC), white space as single spaces. Raises `InputWrong` for what cannot be drawn rightly."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    if composed.isascii() and composed.isprintable():
        return composed
    for character in composed:
        category = unicodedata.category(character)
        if category.startswith("C") or category in ("Zl", "Zp"):
            raise InputWrong(f"a text holds the invisible character U+{ord(character):04X}", code="page.invisible", hint="remove it")
        if category.startswith("M") or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT:
            raise InputWrong(
                f"the page cannot draw U+{ord(character):04X} {unicodedata.name(character, '')}".strip(),
                code="page.script",
                hint="scripts that run from right to left or combine marks are not supported; use a transliteration",
            )
    return composed


def _registered(path: Path) -> str:
    refused = InputWrong(f"{path} cannot be used as a font", code="look.font", hint="use a TrueType font (.ttf) with glyf outlines")
    try:
        name = f"dsr-{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
        if name in pdfmetrics.getRegisteredFontNames():
            return name
        pdfmetrics.registerFont(TTFont(name, str(path)))
    except (TTFError, OSError):
        raise refused from None
    if pdfmetrics.getFont(name).face.filename != str(path):
        raise InputWrong(  # ReportLab would silently draw with the other one
            f"{path} bears the name of another font inside",
            code="look.font",
            hint="give it a PostScript name of its own, or leave one of the two out",
        )
    addMapping(name, 0, 0, name)
    return name
