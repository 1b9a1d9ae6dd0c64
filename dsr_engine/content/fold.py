"""Makes texts comparable: case, width, diacritics and look-alike punctuation folded away, with a map back to where each character came from.

The loose fold decides *where to look*; whether a hit is exact is decided by `exact`, which keeps diacritics (José is not Jose). The loose one works
character by character, so folding a piece of a text gives the piece of the folded text (UAX #15 NFKD, Unicode default case folding).
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

#: Letters that NFKD leaves whole although people write them with plain ones.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t", "ŋ": "n", "ſ": "s"})
#: What people type for German and Nordic letters where a keyboard lacks them.
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_NOT_ASCII = re.compile("[^\x00-\x7f]")
#: Marks that belong to the letter before them (vowel signs of Indic scripts, accents): letters to a reader, and not to a regular expression.
MARKS = "".join(character for character in map(chr, range(0x300, 0x20000)) if unicodedata.category(character)[0] == "M")
_QUOTES = "\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\u0060"


@lru_cache(maxsize=65536)
def _folded_character(character: str) -> str:
    """The loose fold of one character: empty for what cannot be seen, a plain dash, quote or space for their variants."""
    kind = unicodedata.category(character)
    if kind in ("Mn", "Me", "Cf"):
        return ""
    if kind == "Pd" or character == "\u2212":
        return "-"
    if kind == "Zs":
        return " "
    if character in _QUOTES:
        return "'"
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold()).translate(_PLAIN)
    return "".join(part for part in plain if not unicodedata.combining(part)).lower()


def folded(text: str) -> str:
    """The loose fold of a text. Fast where the text is ASCII."""
    if text.isascii():
        return text.lower()
    return _NOT_ASCII.sub(_folded_match, text).lower()


def _folded_match(match: re.Match[str]) -> str:
    return _folded_character(match.group())


def exact(text: str) -> str:
    """The strict fold: only case, composition, width and what cannot be seen or told apart are levelled (NFKC, case folding)."""
    if text.isascii():
        return text.lower()
    level = "".join(_levelled_character(character) for character in text)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", level).casefold())


def _levelled_character(character: str) -> str:
    """Dashes, quotes and spaces as the loose fold has them; format characters dropped; letters and their marks kept."""
    kind = unicodedata.category(character)
    return character if kind[0] in "LMN" else _folded_character(character)


def spelled_out(text: str) -> str:
    """The loose fold after Müller became Mueller."""
    return folded(unicodedata.normalize("NFC", text).casefold().translate(_SPELLED))


def behind_marks(text: str, end: int) -> int:
    """Where the accents and vowel signs end that belong to the letter before `end`: what is not one character with its letter is still part of it."""
    while end < len(text) and text[end] > "\x7f" and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a source that became another stretch of a derived text; offsets of both."""

    start: int
    end: int
    source_start: int
    source_end: int


class Origin:
    """Maps offsets of a derived text to its source. Between the pieces both texts run along character by character."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces
        self._starts = [piece.start for piece in pieces]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The smallest stretch of the source that gave `start:end`; a piece that is touched is taken whole."""
        return self._first(start), self._last(end)

    def _first(self, offset: int) -> int:
        index = bisect_right(self._starts, offset) - 1
        # Pieces that gave nothing (a zero-width space) share their start with what follows: they stay outside the span.
        if index < 0:
            return offset
        piece = self._pieces[index]
        return piece.source_start if offset < piece.end else piece.source_end + offset - piece.end

    def _last(self, offset: int) -> int:
        index = bisect_right(self._starts, offset - 1) - 1
        if index < 0:
            return offset
        piece = self._pieces[index]
        return piece.source_end if offset <= piece.end else piece.source_end + offset - piece.end


def fold_origin(text: str) -> Origin:
    """The map from `folded(text)` to `text`."""
    if text.isascii():
        return Origin([])
    pieces = []
    shift = 0
    for match in _NOT_ASCII.finditer(text):
        length = len(_folded_character(match.group()).lower())
        start = match.start() + shift
        pieces.append(Piece(start, start + length, match.start(), match.end()))
        shift += length - 1
    return Origin(pieces)


class Ruler:
    """Converts between the offsets of a text and those of its UTF-8, without encoding all of it for every offset.

    `errors` says what half a surrogate pair is: `surrogateescape` for a byte that was not UTF-8, `surrogatepass` for itself.
    """

    _STEP = 1024

    def __init__(self, text: str, errors: str) -> None:
        self._text = text
        self._errors = errors
        pieces = (text[at : at + self._STEP].encode("utf-8", errors) for at in range(0, max(1, len(text)), self._STEP))
        self._bytes = list(accumulate((len(piece) for piece in pieces), initial=0))

    def byte(self, offset: int) -> int:
        """The offset in the UTF-8 of an offset in the text."""
        block = offset // self._STEP
        return self._bytes[block] + len(self._text[block * self._STEP : offset].encode("utf-8", self._errors))

    def character(self, offset: int) -> int:
        """The offset in the text of an offset in its UTF-8, where a character begins."""
        block = min(bisect_right(self._bytes, offset) - 1, len(self._bytes) - 2)
        piece = self._text[block * self._STEP : (block + 1) * self._STEP].encode("utf-8", self._errors)
        return block * self._STEP + len(piece[: offset - self._bytes[block]].decode("utf-8", self._errors))
