"""Which runs of base64 and hex digits can say anything in plain letters: told from their digits, before any of them is decoded.

Files and tables are full of such runs (keys, hashes, tokens, paths, pictures in mails), and decoding each costs more than all other looks together.
ASCII has its top bit clear, so in base64 of ASCII, zeros of UTF-16 included, each digit of a group of four has only half of its values; three
groups in a row are what an identifier of twelve bytes gives at any alignment. In hex the first digit of each pair is small. A long run may hold
something short between bytes that say nothing, and a wrapped one may hold it across its lines, so both are decoded whatever they look like.
"""

import binascii
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

from dsr_engine.content import automaton, spelt
from dsr_engine.content.digit_runs import DIGIT, RUN, digits_of

#: Four digits that say three characters which can be printed, or zeros, tabs and line breaks.
_QUAD = r"[ACDI-Za-f][AC-HQS-Xgi-nwyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PAIRS = r"(?:[2-7][0-9A-Fa-f](?:00)?){8}"
#: From this length on a run is decoded whatever it looks like. Digits.
_LONG = 72
#: One of these is in every run that matters by itself: base64 of plain letters, hex of them, great length.
_SIGNS = (f"(?:{_QUAD}){{3}}", _PAIRS, f"{DIGIT}{{{_LONG}}}")
#: A line of digits that another one follows and fills: a wrapped block.
_WRAPPED = rf"{DIGIT}{{32}}\r?\n[ \t]?{DIGIT}{{1,200}}={{0,2}}(?:[\r\n\"'<\x00]|\z)"
#: The longest of them. Bytes.
_LONGEST = 256
#: How much is searched for signs at a time, because the engine copies what it is given. Bytes.
_WINDOW = 16 * 1024
#: How much of it at first where there are many of them, because the engine looks at all that it is given whatever it finds. Bytes.
_STEP = 1024
#: Up to so many runs and wrapped blocks of a window are looked at one by one.
_FEW = 4
#: A sign is never further from the start of its run or block: else it would have been seen before.
_BACK = 512
_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
#: A run with its padding, or the lines of one wrapped block.
_BLOCK = re.compile(rf"(?:{DIGIT}{{32,}}\r?\n[ \t]?)+{DIGIT}+={{0,2}}|{DIGIT}+={{0,2}}".encode())
#: Hexadecimal keys, with dashes or without, that are no longer than the longest digest.
_KEY = re.compile("[0-9A-Fa-f-]{16,71}")
_STANDARD = str.maketrans("-_", "+/")
#: What is missing, and what is too much, where so many digits are left behind the last whole group.
_PADDING, _LONE = ("", "", "==", "="), (0, 1, 0, 0)
_WHITE = b" \t\r\n"
_BREAK = re.compile(rb"\r?\n[ \t]?\Z")

#: Hex digits of an MD5, SHA-1 and SHA-256; the base64 of an MD5 is the shortest of all.
_LENGTHS = frozenset({32, 40, 64})
_SHORTEST = 22
_ONLY_HEX = bytes(byte if chr(byte) in "0123456789abcdefABCDEF" else 32 for byte in range(256))
_ONLY_DIGITS = bytes({45: 43, 95: 47}.get(byte, byte) if byte in _DIGITS else 32 for byte in range(256))
_HEX = re.compile("[0-9A-Fa-f]{16,}")
#: So much readable text in a decoded run may be an encoding itself.
_READABLE = re.compile(rb"[\t\n\r\x20-\x7e]{16,}")


def _compiled(patterns: Iterable[str]) -> automaton.Database:
    return automaton.Database([pattern.encode() for pattern in patterns], is_literal=False, is_caseless=False)


@cache
def _same_for_all(pattern: str) -> automaton.Database:
    """A database of a pattern that says nothing of anybody: compiled once for all searches."""
    return _compiled((pattern,))


class Signs:
    """Finds the runs that may say something, without a look at the others. Shared between threads; only where Hyperscan is installed.

    `spelt` are patterns of what a run may hold that does not show in this way (`spelt.py`).
    """

    def __init__(self, spelt: Iterable[str]) -> None:
        # Each by itself is several times faster than all in one, and the first one keeps ordinary text away from the others.
        self._run, self._line, self._wrapped = (_same_for_all(pattern) for pattern in (f"{DIGIT}{{{RUN}}}", rf"{DIGIT}{{32}}\r?\n", _WRAPPED))
        self._sign = _compiled((*_SIGNS, *sorted(set(spelt))))

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each such run or wrapped block, in order."""
        at = done = 0
        while at < len(data):
            end = min(at + _WINDOW, len(data))
            for sign in self._signs_in(data, at, end):
                if sign > done:
                    start, done = _whole(data, done, sign)
                    yield start, done
            at = max(done, end if end == len(data) else end - _LONGEST)

    def _signs_in(self, data: bytes, start: int, end: int) -> Iterator[int]:
        """The offset behind the first sign in each run or wrapped block of a window."""
        at = start
        for _ in range(_FEW):
            found = self._run.first(data[at:end])
            if found < 0:
                return
            block = _BLOCK.match(data, at + found - RUN, end)
            first, at = at + found - RUN, block.end() if block else at + found
            if (sign := self._first_in(data[first : min(at + 1, end)])) >= 0:
                yield first + sign
        # So many runs that it is quicker to look everywhere.
        has_lines = self._line.first(data[at:end]) >= 0
        size = _STEP
        while at < end:
            stop = min(at + size, end)
            piece = data[at:stop]
            signs = [sign for sign in (self._sign.first(piece), self._wrapped.first(piece) if has_lines else -1) if sign >= 0]
            if signs:
                sign = at + min(signs)
                yield sign
                block = _BLOCK.match(data, sign - 1, end)
                at, size = max(sign, block.end() if block else sign), _STEP
            else:
                at, size = end if stop == end else stop - _LONGEST, size * 4

    def _first_in(self, block: bytes) -> int:
        """The offset behind a sign in a run or wrapped block with the byte that follows it; -1: it says nothing."""
        if len(block) > _LONG and not block[:_LONG].strip(_DIGITS):
            return _LONG
        sign = self._sign.first(block)
        return sign if sign >= 0 or b"\n" not in block[:-1] else self._wrapped.first(block)


def _whole(data: bytes, least: int, behind: int) -> tuple[int, int]:
    """The run around a sign that ends before `behind`, with the lines before and after it that belong to the same block."""
    start = own = _begin(data, least, behind)
    while (line := _BREAK.search(data, max(least, start - 3), start)) is not None:
        piece = data[max(least, line.start() - _BACK) : line.start()]
        digits = len(piece) - len(piece.rstrip(_DIGITS))
        if digits < 32:
            break
        start = line.start() - digits
    ends = [block.end() for at in {start, own} if (block := _BLOCK.match(data, at))]
    return start, max((behind, *ends))


def _begin(data: bytes, least: int, end: int) -> int:
    """Where the run of digits that ends at or shortly before `end` begins."""
    piece = data[max(least, end - _BACK) : end]
    kept = piece.rstrip(b"=\r\n\"'<\x00")
    return end - len(piece) + len(kept.rstrip(_DIGITS))


class FewDigests:
    """Tells whether a few digests may stand somewhere. Shared between threads; only where Hyperscan is installed."""

    def __init__(self, digests: Iterable[bytes]) -> None:
        self._starts = _compiled(sorted({pattern for digest in digests for pattern in spelt.of_digest(digest)}))

    def may_be_in(self, data: bytes) -> bool:
        """False if none is in the bytes, on one line or wrapped over several."""
        return self._starts.first(data.translate(None, _WHITE)) >= 0


class Digests:
    """Looks up every run that has the length of a digest, where there are too many digests to be patterns. Shared between threads."""

    def __init__(self, digests: Collection[bytes]) -> None:
        self._long = automaton.Database([f"{DIGIT}{{{_SHORTEST}}}".encode()], is_literal=False, is_caseless=False)
        self._hex = frozenset(digest.hex() for digest in digests)
        self._digits = frozenset(binascii.b2a_base64(digest, newline=False).decode().rstrip("=") for digest in digests)

    def any(self, data: bytes) -> bool:
        """True if one of the digests stands in the bytes, in hex or at the end of a run of base64."""
        windows = [window for at in range(0, len(data), _WINDOW) if self._long.scan(window := data[at : at + _WINDOW + _LONGEST], only_first=True)]
        return any(self._is_in(window) for window in windows)

    def _is_in(self, window: bytes) -> bool:
        # To blank out everything else and to split is many times faster than to search for runs.
        if any(len(run) in _LENGTHS and run.decode().lower() in self._hex for run in window.translate(_ONLY_HEX).split()):
            return True
        for run in window.translate(_ONLY_DIGITS).split():
            if len(run) >= _SHORTEST:
                digits = run.decode()
                if digits[-22:] in self._digits or digits[-27:] in self._digits or digits[-43:] in self._digits:
                    return True
        return False


def decoded(text: str) -> Iterator[bytes]:
    """What all runs in a text say, in bulk: one answer for each of the four alignments of base64 and the two of hex."""
    found = digits_of(text)
    # Hex digits and dashes alone are a key or a digest: that they are also the base64 of a text does not happen in the life of this program.
    said = "\0".join(digits for digits in found if not _KEY.fullmatch(digits)).translate(_STANDARD).split("\0")
    for shift in range(4) if said[0] else ():
        yield _base64(said, shift)
    pairs = _HEX.findall("\0".join(found))
    for shift in (0, 1) if pairs else ():
        yield b"\0\n".join(bytes.fromhex(digits[shift : shift + (len(digits) - shift) // 2 * 2]) for digits in pairs)


def readable(data: bytes) -> str:
    """The stretches of decoded bytes that may be encoded once more."""
    return "\n\n".join(stretch.decode("ascii") for stretch in _READABLE.findall(data))


def _base64(runs: Sequence[str], shift: int) -> bytes:
    """What digits of the standard alphabet say from the digit `shift` on; a lone last digit says nothing."""
    said, rest = binascii.a2b_base64, -shift
    return b"\0\n".join([said(run[shift : len(run) - _LONE[len(run) + rest & 3]] + _PADDING[len(run) + rest & 3]) for run in runs])
