"""Is a rewritten PDF what it was, without what was to go? Both files are read anew, by both programs, and compared.

Objects have other numbers afterwards, so what is not on a page is compared as a whole: each text as often as before.
"""

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from unicodedata import normalize

from dsr_engine.content.apart import Frame
from dsr_engine.content.pdf.frames import number_in, pair_list, place_of

#: How far a letter may stand from where it stood, in points. PDFium rounds the width of each glyph to a thousandth of its size; other viewers do not.
_NEAR = 1.0
#: Hyphens at the end of a line are told in different ways, by what follows.
_HYPHENS = frozenset({2, 0x2D, 0xAD, 0x2010})


@dataclass(slots=True)
class Inventory:
    """What is in a PDF. `contents` are the drawn texts by place, without spaces; `kept` the texts that somebody wanted to have, by place and view."""

    contents: dict[str, str] = field(default_factory=dict)
    forms: dict[str, tuple[int, ...]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    strings: Counter[bytes] = field(default_factory=Counter)
    sums: dict[int, bytes] = field(default_factory=dict)
    marks: dict[int, bytes] = field(default_factory=dict)
    gaps: Counter[str] = field(default_factory=Counter)
    is_signed: bool = False
    is_encrypted: bool = False
    #: Digests of the texts in places that nobody wants to change.
    texts: set[bytes] = field(default_factory=set)


def inventory(said: Iterable[Frame], wanted: frozenset[str] = frozenset()) -> Inventory:
    """What the frames say. `wanted` are the places that are to be changed."""
    found = Inventory()
    around = frozenset(place.rpartition("/")[0] for place in wanted)
    for frame in said:
        match frame.head.get("is"):
            case "text":
                _text(found, frame, wanted, around)
            case "strings":
                _strings(found, frame, wanted)
            case "seen" | "names":
                _seen(found, frame, around)
            case _:
                _other(found, frame)
    return found


def _other(found: Inventory, frame: Frame) -> None:
    match frame.head.get("is"):
        case "sum":
            found.sums[number_in(frame)] = frame.body
        case "marks":
            found.marks[number_in(frame)] = zlib.compress(frame.body)
        case "about":
            found.is_signed, found.is_encrypted = bool(frame.head.get("signed")), bool(frame.head.get("encrypted"))
        case "gap":
            found.gaps[str(frame.head.get("code"))] += 1


def _seen(found: Inventory, frame: Frame, around: frozenset[str]) -> None:
    """Notes what PDFium sees on a page that is to stay as it is, and names."""
    is_changing = f"page:{frame.head.get('number')}" in around or any(at.startswith("content") for at in around)
    if frame.head.get("is") == "names" or not is_changing:
        found.texts.add(digest(frame.body.decode("utf-8", "replace")))


def _text(found: Inventory, frame: Frame, wanted: frozenset[str], around: frozenset[str]) -> None:
    at, view, text = place_of(frame), str(frame.head.get("view")), frame.body.decode("utf-8", "replace")
    if f"{at}/{view}" in wanted:
        found.kept[f"{at}/{view}"] = text
    if at not in around:
        found.texts.add(digest(text))
    if view == "text" and not at.startswith("orphan"):
        found.contents[at] = squashed(text)
        found.forms[at] = tuple(number for number in frame.head.get("forms", ()) if isinstance(number, int))


def _strings(found: Inventory, frame: Frame, wanted: frozenset[str]) -> None:
    at = place_of(frame)
    for path, text in pair_list(frame.body):
        if f"{at}/{path}" in wanted:
            found.kept[f"{at}/{path}"] = text
        else:
            found.texts.add(digest(text))
        if text and at.startswith("object"):
            found.strings[digest(text)] += 1


def digest(text: str) -> bytes:
    """Stands for a text, so that millions of them need not be kept."""
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def squashed(text: str) -> str:
    """The text without what is between words and columns: that follows from where letters stand."""
    return "".join(letter for letter in text if not letter.isspace() and letter != "¦")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a rewrite is to change: new drawn texts by place, texts that go and that come instead, streams that change, objects that go."""

    contents: Mapping[str, str]
    gone: Sequence[str]
    come: Sequence[str]
    streams: frozenset[int]
    removed: frozenset[int]
    letters: frozenset[str]


def is_as_expected(before: Inventory, after: Inventory, expected: Expected) -> bool:
    """True if nothing else changed."""
    return (
        _are_contents(before, after, expected)
        and _are_strings(before, after, expected)
        and _are_streams(before, after, expected)
        and _are_marks(before, after, expected)
        and not after.gaps - before.gaps
    )


def _are_contents(before: Inventory, after: Inventory, expected: Expected) -> bool:
    pages = {at: expected.contents.get(at, text) for at, text in before.contents.items() if at.startswith("page")}
    if pages != {at: text for at, text in after.contents.items() if at.startswith("page")}:
        return False
    rest = Counter(
        expected.contents.get(at, text)
        for at, text in before.contents.items()
        if at.startswith("content") and int(at.partition(":")[2]) not in expected.removed
    )
    return rest == Counter(text for at, text in after.contents.items() if at.startswith("content"))


def _are_strings(before: Inventory, after: Inventory, expected: Expected) -> bool:
    """True if no text is there that was not, and none is missing but those of objects that are gone, or that belonged to them."""
    texts = before.strings - Counter(map(digest, expected.gone)) + Counter(digest(text) for text in expected.come if text)
    missing = texts - after.strings
    return not after.strings - texts and (not missing or bool(expected.removed or expected.streams))


def _are_streams(before: Inventory, after: Inventory, expected: Expected) -> bool:
    kept = Counter(found for number, found in before.sums.items() if number not in expected.streams and number not in expected.removed)
    new = Counter(after.sums.values()) - kept
    return not kept - Counter(after.sums.values()) and new.total() == len(expected.streams - expected.removed)


def _are_marks(before: Inventory, after: Inventory, expected: Expected) -> bool:
    """True if each letter on a page stands where it stood, and none is missing but on pages that changed, and of those that were to go."""
    if before.marks.keys() != after.marks.keys():
        return False
    changed = {int(at.partition(":")[2]) for at in expected.contents if at.startswith("content")}
    for number, marks in before.marks.items():
        if marks == after.marks[number]:
            continue
        missing = _missing(marks, after.marks[number])
        at = f"page:{number}"
        may_change = at in expected.contents or bool(_drawn_by(before, at) & changed)
        if missing is None or (missing and not may_change) or not missing <= expected.letters:
            return False
    return True


def _drawn_by(found: Inventory, at: str) -> set[int]:
    """The forms that a page draws, and those that they draw."""
    seen: set[int] = set()
    pending = [at]
    while pending:
        for number in found.forms.get(pending.pop(), ()):
            if number not in seen:
                seen.add(number)
                pending.append(f"content:{number}")
    return seen


def _missing(before: bytes, after: bytes) -> set[str] | None:
    """The letters that are no longer there; None if one stands where none was."""
    places: dict[tuple[int, int, int], list[tuple[float, float]]] = {}
    for letter, x, y in json.loads(zlib.decompress(before)):
        places.setdefault((letter, math.floor(x), math.floor(y)), []).append((x, y))
    for letter, x, y in json.loads(zlib.decompress(after)):
        if letter not in _HYPHENS and not _taken(places, letter, x, y):
            return None
    left = {letter for (letter, _, _), held in places.items() if held and letter not in _HYPHENS}
    return {piece for letter in left for piece in letters_of(chr(letter))}


def _taken(places: dict[tuple[int, int, int], list[tuple[float, float]]], letter: int, x: float, y: float) -> bool:
    around = ((letter, math.floor(x) + column, math.floor(y) + row) for column in (0, -1, 1) for row in (0, -1, 1))
    near = [
        (abs(place[0] - x) + abs(place[1] - y), place, key)
        for key in around
        for place in places.get(key, ())
        if abs(place[0] - x) <= _NEAR and abs(place[1] - y) <= _NEAR
    ]
    if near:
        _, place, key = min(near)
        places[key].remove(place)
    return bool(near)


def letters_of(text: str) -> frozenset[str]:
    """The letters of a text, ligatures taken apart."""
    return frozenset(normalize("NFKC", text))
