"""Shows the shape of a text and hides what it says: enough to tell whose a record is, too little to be a copy of it.

What was matched keeps its first letters and its punctuation. Around it stand a few words in the clear, without names, numbers and addresses:
those may be anybody's. Everything else is a first letter and dots.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dsr_engine.content.discovery.people_words import GIVEN_NAMES
from dsr_engine.content.fold import folded

DOT = "•"
#: What stands for an address of somebody else.
OTHER_ADDRESS = "•••@•••"
#: Words of context on either side of a hit, hits that are shown with their context, and dots that stand for a long word.
_WORDS = 6
_HITS = 3
_DOTS = 8
#: Characters on either side of a hit that are looked at for context.
_NEAR = 300
#: Longer words are no words of a language: tokens, paths, bytes. So is what has no letters in two cases and is longer than two signs.
_LONGEST_WORD = 24
#: A text of more words is told by its length alone, where nobody was found in it.
_FEW = 4

#: Addresses, IBANs, and numbers of at least seven digits in groups, as they stand in a text.
_OTHERS = (
    re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}@[^\s<>()\[\],;:\"'@]{1,253}"),
    re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"),
    re.compile(r"(?!\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b|\b[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}\b)(?:\+|\b)[0-9](?:[ ()./-]{0,2}[0-9]){6,20}\b"),
)
_NAME = re.compile(r"\b(?P<given>(?=[^\W\d_a-z])[^\W\d_]+)(?:[ \u00a0](?=[^\W\d_a-z])[^\W\d_]+){0,2}")
_WORD = re.compile(r"\S+")
_SENTENCE_END = (".", "!", "?", ":", "\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a shown text; `is_hit` where it stands for what was matched."""

    text: str
    is_hit: bool = False


def matched(text: str) -> str:
    """What was matched, as its shape: `j•••@e••••••.com`, `I•• L••••••••`, `+•• •• ••••20`."""
    text = text.strip()
    local, at, domain = text.rpartition("@")
    if at:
        name, dot, top = domain.rpartition(".")
        return f"{_first(local)}@{_first(name)}.{top}" if dot and top.isalpha() and len(top) <= 6 else f"{_first(local)}@{_first(domain)}"
    digits = sum(character.isdigit() for character in text)
    if any(character.isalpha() for character in text):
        return " ".join(_first(word) for word in text.split()[:6])
    if digits >= 7:
        return _tail(text, 2)
    return _first(text) if digits > 3 else DOT * max(1, len(text))


def shape(text: str) -> str:
    """A value in which nobody was found: first letters and dots for a few words, else only how long it is."""
    words = text.split()
    if len(words) > _FEW or len(text) > 80:
        return f"a text of {len(words)} words" if len(words) > 1 else f"a text of {len(text)} characters"
    return " ".join(_hidden(word) for word in words)


def around(text: str, spans: Iterable[tuple[int, int]], shown: Callable[[str], str] = matched) -> tuple[Piece, ...]:
    """The matched places of a text with a few words around each; everything that may be somebody else's is hidden in them.

    `shown` makes of what was matched what is shown of it.
    """
    found = sorted(spans)[:_HITS]
    pieces: list[Piece] = []
    end = 0
    for number, (start, stop) in enumerate(found):
        if start < end:
            continue
        following = next((later for later, _ in found[number + 1 :] if later >= stop), len(text))
        pieces += _before(text, end, start, is_first=not pieces)
        pieces.append(Piece(shown(text[start:stop]), is_hit=True))
        end = stop
        is_last = following == len(text)
        pieces += _after(text, stop, following, is_last=is_last)
        end = following if not is_last else len(text)
    return tuple(piece for piece in pieces if piece.text)


def name_shown(name: str) -> str:
    """The name of a field or a part of a place: as it is, unless it may name somebody (`$.ida@example.org`)."""
    return "/".join(_hidden(part) if _is_telling(part) else part for part in name.split("/"))


def without_others(text: str, own: Iterable[tuple[int, int]], says: str) -> str:
    """The whole text, with what looks like somebody else's address, number or name replaced by `says`; the places in `own` stay as they are.

    A name is recognised by its given name, where that is a frequent one: others stay, and a person has to look.
    """
    kept = sorted(own)
    shown, end = [], 0
    for start, stop in others(text, kept):
        shown += [text[end:start], says]
        end = stop
    return "".join([*shown, text[end:]])


def others(text: str, own: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The places in a text that look like somebody's address, number or name and are none of `own`; in order, none overlaps another."""
    mine = tuple(own)
    found = [place.span() for pattern in _OTHERS for place in pattern.finditer(text)]
    found += _names(text)
    clear: list[tuple[int, int]] = []
    for start, stop in sorted(found, key=lambda place: (place[0], -place[1])):
        is_mine = any(start < end and begin < stop for begin, end in mine)
        if not is_mine and (not clear or start >= clear[-1][1]):
            clear.append((start, stop))
    return tuple(clear)


def _names(text: str) -> list[tuple[int, int]]:
    """Frequent given names that are written as names are, each with the capitalised words behind it."""
    return [place.span() for place in _NAME.finditer(text) if folded(place["given"]) in GIVEN_NAMES]


def _is_telling(part: str) -> bool:
    return "@" in part or sum(character.isdigit() for character in part) >= 5


def _before(text: str, begin: int, start: int, *, is_first: bool) -> list[Piece]:
    """The last words before a hit. Those between two hits are shown behind the first of them already."""
    if not is_first:
        return []
    near = max(begin, start - _NEAR)
    words = _spoken(text, near, start)
    if near > begin:
        words = words[1:]  # the first one may be the end of a longer one
    return [Piece(("… " if len(words) > _WORDS or near > begin else "") + "".join(words[-_WORDS:]))]


def _after(text: str, stop: int, following: int, *, is_last: bool) -> list[Piece]:
    near = min(following, stop + _NEAR)
    words = _spoken(text, stop, near)
    if near < following:
        words = words[:-1]
    most = _WORDS if is_last else 2 * _WORDS
    return [Piece("".join(words[:most]) + (" …" if len(words) > most or near < following else ""))]


def _spoken(text: str, begin: int, end: int) -> list[str]:
    """The words of a stretch with the blanks around them, hidden where they may be a name, a number or an address."""
    words: list[str] = []
    last = begin
    for found in _WORD.finditer(text, begin, end):
        lead = text[last : found.start()]
        before = text[max(0, found.start() - _NEAR) : found.start()].rstrip(" \t")
        starts = not before or before.endswith(_SENTENCE_END)
        words.append(_blank(lead) + _word(found.group(), starts=starts))
        last = found.end()
    if words:
        words[-1] += _blank(text[last:end])
    elif end > begin:
        words.append(_blank(text[begin:end]))
    return words


def _blank(text: str) -> str:
    return " " if text else ""


def _word(word: str, *, starts: bool) -> str:
    bare = word.strip(".,;:!?…()[]\"'„“”»«<>*_–—-")
    if not bare:
        return word
    is_plain = bare.replace("'", "").replace("’", "").replace("-", "").isalpha()
    is_cased = bare.lower() != bare.upper()
    is_name = folded(bare) in GIVEN_NAMES or (bare[0].isupper() and not starts and len(bare) > 1)
    is_odd = not is_plain or len(bare) > _LONGEST_WORD or (not is_cased and len(bare) > 2)
    return word.replace(bare, _hidden(bare)) if is_odd or is_name else word


def _hidden(word: str) -> str:
    """One word hidden: an address wholly, a number wholly, else all but its first letter."""
    if "@" in word:
        return OTHER_ADDRESS
    if any(character.isdigit() for character in word):
        return "".join(DOT if character.isalnum() else character for character in word[:_LONGEST_WORD])
    return _first(word)


def _first(word: str) -> str:
    return word[:1] + DOT * min(len(word) - 1, _DOTS) if word else ""


def _tail(text: str, shown: int) -> str:
    """Digits hidden but for the last ones."""
    kept: Sequence[int] = [place for place, character in enumerate(text) if character.isalnum()][-shown:]
    return "".join(character if not character.isalnum() or place in kept else DOT for place, character in enumerate(text))
