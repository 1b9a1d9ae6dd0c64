"""What a recognised text may have been before some of its letters were mistaken: `jane.d0e©example com` for an address, `O3O 1234S67` for a number.

Nobody's identifiers are needed for it. Each reading is searched as a text of its own; what is found only there is *possible*, and a person decides.
"""

import re
from collections.abc import Iterator
from itertools import combinations, islice

#: What looks like what, in addresses: each of one row may stand for each other.
_ALIKE = (("l", "1", "i", "|"), ("o", "0"), ("s", "5"), ("b", "8"), ("z", "2"), ("g", "9", "q"), ("m", "rn"), ("w", "vv"), ("d", "cl"), (".", ","))
_PIECE = re.compile("|".join(re.escape(piece) for piece in sorted((piece for row in _ALIKE for piece in row), key=len, reverse=True)))
_OTHERS = {piece: tuple(other for other in row if other != piece) for row in _ALIKE for piece in row}
_AT = re.compile(r"@|©|®|\([aA]\)")
_TO_DIGITS = str.maketrans("OoQDlIi|!SsBZzGq", "0000111115582269"[:16])
_TO_LETTERS = str.maketrans("015|", "olsl")
_WHOLE = (("rn", "m"), ("m", "rn"), ("vv", "w"), ("cl", "d"))
#: Letters mistaken in one address, readings of one address, addresses of one text, characters of all readings together.
_MISTAKES, _READINGS, _ADDRESSES, _MOST = 2, 600, 200, 1_000_000


def readings(text: str) -> str:
    """Other texts that this one may have been, a line each."""
    lines = dict.fromkeys((*_numbers(text), *_words(text), *_addresses(text)))
    lines.pop("", None)
    return "\n".join(lines)[:_MOST]


def _numbers(text: str) -> Iterator[str]:
    """Lines in which most signs are digits, all of them read as such."""
    for line in text.splitlines():
        for piece in re.split(r"[:;\t]| {2,}|(?<=[a-z]{3}) ", line):
            digits = sum(sign.isdigit() for sign in piece)
            if digits >= 4 and digits * 2 > sum(sign.isalnum() for sign in piece):
                now = piece.translate(_TO_DIGITS)
                yield from (now, re.sub(r"(?<=\d)[.,' ](?=\d)", "", now)) if now != piece else (re.sub(r"(?<=\d)[.,' ](?=\d)", "", piece),)


def _words(text: str) -> Iterator[str]:
    """The whole text with digits in words read as letters, and with pairs of letters that look like one, and the other way round."""
    lettered = re.sub(r"\b(?=\S*[^\W\d_]{2})\w+\b", lambda word: word[0].translate(_TO_LETTERS), text)
    for now in (lettered, *(text.replace(old, new) for old, new in _WHOLE)):
        if now != text:
            yield from now.splitlines()


def _addresses(text: str) -> Iterator[str]:
    found = (address for line in text.splitlines() if _AT.search(line) for address in _joined(_AT.sub("@", line)))
    for address in islice(dict.fromkeys(found), _ADDRESSES):
        yield address
        yield from islice(_mistaken(address.lower()), _READINGS)


def _joined(line: str) -> Iterator[str]:
    """What may be the address in a line, where a space stands that should not, or should be a full stop."""
    for match in re.finditer("@", line):
        left, right = line[: match.start()].split()[-2:], line[match.end() :].split()[:2]
        befores = [left[-1:], left] if len(left) > 1 else [left]
        behinds = [right[:1], right] if len(right) > 1 else [right]
        for before in befores:
            for behind in behinds:
                yield from (f"{name}@{domain}" for name in _glued(before) for domain in _glued(behind))


def _glued(pieces: list[str]) -> Iterator[str]:
    """The pieces as one, with and without a full stop between them."""
    yield from dict.fromkeys(("".join(pieces), ".".join(pieces).replace("..", ".")))


def _mistaken(address: str) -> Iterator[str]:
    """The address with at most so many places read as what looks alike."""
    places = [(match.start(), match.end(), _OTHERS[match[0]]) for match in _PIECE.finditer(address)]
    places += [(at, at + 1, _OTHERS[sign]) for at, sign in enumerate(address) if sign in _OTHERS and not any(a <= at < b for a, b, _ in places)]
    for count in range(1, _MISTAKES + 1):
        for chosen in combinations(places, count):
            yield from _with(address, chosen)


def _with(address: str, chosen: tuple[tuple[int, int, tuple[str, ...]], ...]) -> Iterator[str]:
    if not chosen:
        yield address
        return
    *rest, (start, end, others) = sorted(chosen)
    for other in others:
        yield from _with(address[:start] + other + address[end:], tuple(rest))
