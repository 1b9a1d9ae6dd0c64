"""Finds personal data of people whom nobody named, in texts of any length: a quick look that picks stretches, a closer one at what was picked.

The quick look is one automaton of RE2 over raw bytes: it sees a digit, an `@` or a colon in the right company and passes over everything else.
Both looks are linear in the length of the text, whatever it holds. No value leaves here: a finding is a place, a kind and a confidence.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import re2

from dsr_engine.content import automaton
from dsr_engine.content.discovery.tracing import BEFORE, Trace, traces_in

#: From this confidence on a finding counts as clear; below it somebody has to look.
CLEAR = 0.6
#: Below this a finding is not worth a look.
LEAST = 0.2
#: Bytes that are looked at in one go, and what two neighbouring pieces share.
_PIECE = 1024 * 1024
#: Bytes of a long stretch that are decoded and looked at together.
_SHARE = 32 * 1024
#: Bytes before and behind a sign that belong to its stretch: the longest address, and the words near.
_LEFT, _RIGHT = 80 + BEFORE, 192
_GAP = rb"(?:[ ./()\t-]|\xc2\xa0|\xe2\x80[\x87\x90-\x93\xaf]){0,2}"
_SIGNS = (
    rb"[^ \t\r\n@]@[^ \t\r\n@]",
    rb"[0-9](?:" + _GAP + rb"[0-9]){5}(?:[^0-9]|\z)",
    rb"[0-9]{2}[A-Za-z][0-9]{2}[ -]?[A-Za-z][0-9]{3}[A-Za-z]",  # the end of an Italian tax code
    rb"[A-Z]{3}[0-9]{4}[A-Z]|[a-z]{3}[0-9]{4}[a-z]",  # that of an Indian PAN
    rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
    rb"(?:[0-9a-fA-F]{0,4}:){3}[0-9a-fA-F:]",
    rb"[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}",
    rb"[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}",
    rb"[0-9]\.[0-9]{3,15}[,; ]{1,2}-?[0-9]{1,3}\.[0-9]{3}",
    rb" (?:[Ss]treet|[Aa]venue|[Rr]oad|[Ll]ane|[Bb]oulevard|Drive|St|Ave|Rd|Ln|Dr|Blvd|Court|Ct|Square|Sq|Terrace|Way|Parkway|Pkwy|Highway|Hwy"
    rb"|Crescent|Close|Row|STREET|AVENUE|ROAD|LANE|DRIVE|WAY)(?:[^A-Za-z]|\z)",
    rb"\xe5\xb9\xb4[0-9]{1,2}\xe6\x9c\x88",  # 1980年5月12日
    rb"(?i:stra\xc3\x9fe|strasse|str\.|gasse|weg|platz|allee|damm|ufer|straat|laan|gracht|plein|v\xc3\xa4gen|gatan|katu|gata|veien|vej|gade) [0-9]",
    rb"[0-9](?: bis)?,? (?i:rue|avenue|boulevard|place|chemin|quai|impasse|cours|all\xc3\xa9e) [A-Za-z\xc3]",
    rb"(?i:via|viale|piazza|corso|calle|avenida|plaza|paseo|rua|travessa|ulica|ul\.) [^\r\n]{1,40}[0-9]",
    rb"(?i:born|birth|dob|geb|naissance|n\xc3\xa9e?|nacid|nacimiento|nat[oa]|nascita|nascid|nascimento|geboorte)[^\r\n]{0,40}[0-9]{4}",
)
#: Nothing that is found goes without one of these.
_TELLING = re.compile(rb"[0-9@:]")
#: From here on signs begin with a word, before with digits.
_FIRST_WORD = 9


def _re2() -> Callable[[bytes], Iterable[int]]:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes are characters: the text may be in any charset
    options.max_mem = 64 * 1024 * 1024
    signs = re2.compile(b"|".join(_SIGNS), options)
    return lambda data: (found.end() for found in signs.finditer(data))


def _hyperscan() -> Callable[[bytes], Iterable[int]]:
    # Together they would be one slow automaton: those that begin alike pass over ordinary text many times faster by themselves.
    groups = (_SIGNS[:2], _SIGNS[2:_FIRST_WORD], _SIGNS[_FIRST_WORD:])
    signs = tuple(automaton.Database(group, is_literal=False, is_caseless=False) for group in groups)
    return lambda data: sorted(end for group in signs for _, end in group.scan(data))


#: The engines of the quick look, best first. Both find the same.
ENGINES: Mapping[str, Callable[[], Callable[[bytes], Iterable[int]]]] = {
    **({"hyperscan": _hyperscan} if find_spec("hyperscan") is not None else {}),
    "re2": _re2,
}


@cache
def _look(engine: str) -> Callable[[bytes], Iterable[int]]:
    return ENGINES[engine]()


def discovered(text: str, engine: str = "") -> tuple[Trace, ...]:
    """What the text may hold, in its order; where places overlap the likeliest stays. Offsets are those of the text. Never raises."""
    data = text.encode("utf-8", "surrogatepass")
    found: list[Trace] = []
    at = passed = 0
    for stretch in stretches(data, engine):
        passed += stretch.start - at if len(data) == len(text) else len(data[at : stretch.start].decode("utf-8", "surrogatepass"))
        at = stretch.start
        found += (Trace(one.start + passed, one.end + passed, one.kind, one.category, one.confidence) for one in _within(data, stretch))
    return tuple(found)


def tallied(data: bytes) -> Mapping[tuple[str, str], Sequence[float]]:
    """Kind and category of everything in UTF-8 bytes → the confidence of each finding. For counting: the places are not kept."""
    counts: dict[tuple[str, str], list[float]] = {}
    for stretch in stretches(data):
        for found in _within(data, stretch):
            counts.setdefault((found.kind, found.category), []).append(found.confidence)
    return counts


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes from `start` to `end`, between characters of UTF-8. What begins from `first` on and before `last` is this stretch's own."""

    start: int
    end: int
    first: int
    last: int


def stretches(data: bytes, engine: str = "") -> Iterator[Stretch]:
    """Where to look closer, each place with room for the words around it; long stretches in shares that overlap, so that no place is cut."""
    start = end = -1
    for at in _signs(data, engine or next(iter(ENGINES))):
        low, high = max(0, at - _LEFT), min(len(data), at + _RIGHT)
        if low <= end:
            end = max(end, high)
            continue
        if end >= 0:
            yield from _shares(data, start, end)
        start, end = low, high
    if end >= 0:
        yield from _shares(data, start, end)


def _shares(data: bytes, start: int, end: int) -> Iterator[Stretch]:
    start, end = _boundary(data, start), _boundary(data, end)
    first = start
    while first < end:
        last = _boundary(data, min(end, first + _SHARE))
        yield Stretch(_boundary(data, max(start, first - _LEFT)), _boundary(data, min(end, last + _RIGHT)), first, last)
        first = last


def _signs(data: bytes, engine: str) -> Iterator[int]:
    """Offsets behind the signs; two neighbouring pieces may both tell one."""
    look = _look(engine)
    for begin in range(0, len(data), _PIECE):
        offset = max(0, begin - _LEFT)
        yield from (offset + end for end in look(data[offset : begin + _PIECE]))


def _boundary(data: bytes, at: int) -> int:
    """The offset, or the one behind it at which a character of UTF-8 begins."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at


def _within(data: bytes, stretch: Stretch) -> Iterator[Trace]:
    """What is the stretch's own, at offsets in its text."""
    piece = data[stretch.start : stretch.end]
    text = piece.decode("utf-8", "replace")
    first = len(data[stretch.start : stretch.first].decode("utf-8", "replace"))
    last = len(text) if stretch.last == stretch.end else first + len(data[stretch.first : stretch.last].decode("utf-8", "replace"))
    if not _TELLING.search(piece):
        return iter(())  # a word for a street, and no number
    return (found for found in _best(traces_in(text)) if first <= found.start < last)


def _best(found: Iterable[Trace]) -> list[Trace]:
    """Of places that overlap the likeliest, of equal ones the longest."""
    starts: list[int] = []
    kept: list[Trace] = []
    for one in sorted(found, key=lambda each: (-each.confidence, each.start - each.end, each.start)):
        if one.confidence < LEAST:
            break
        at = bisect_left(starts, one.start)
        if (at < len(kept) and kept[at].start < one.end) or (at and kept[at - 1].end > one.start):
            continue
        starts.insert(at, one.start)
        kept.insert(at, one)
    return kept
