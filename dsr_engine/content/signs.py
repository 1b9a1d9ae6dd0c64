"""Which runs of base64 and hex digits can say anything in plain letters: told from their digits, before any of them is decoded.

Files and tables are full of such runs (keys, hashes, tokens, paths, pictures in mails), and decoding each costs more than all other looks together.
ASCII has its top bit clear, so in base64 of ASCII, zeros of UTF-16 included, each digit of a group of four has only half of its values; three
groups in a row are what an identifier of twelve bytes gives at any alignment. In hex the first digit of each pair is small. A long run may hold
something short between bytes that say nothing, and a wrapped one may hold it across its lines, so both are decoded whatever they look like.
"""

import binascii
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache

from dsr_engine.content import automaton
from dsr_engine.content.views import DIGIT, RUN, runs

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
#: Up to so many runs of a window are looked at one by one.
_FEW = 4
#: So many signs are taken at a time: in one long run there is one at nearly each digit.
_MOST = 64
#: A sign is never further from the start of its run or block: else it would have been seen before.
_BACK = 512
_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
#: A run with its padding, or the lines of one wrapped block.
_BLOCK = re.compile(rf"(?:{DIGIT}{{32,}}\r?\n[ \t]?)+{DIGIT}+={{0,2}}|{DIGIT}+={{0,2}}".encode())
#: Hexadecimal keys, with dashes or without, that are no longer than the longest digest.
_KEY = re.compile("[0-9A-Fa-f-]{16,71}")
_STANDARD = str.maketrans("-_", "+/")
_PADDING = ("", "", "==", "=")
_RUN = re.compile(f"{DIGIT}+".encode())
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
            behind = self._ends(data[at:end])
            for sign in behind:
                if at + sign > done:
                    start, done = _whole(data, done, at + sign)
                    yield start, done
            seen = at + 1 if len(behind) >= _MOST else end if end == len(data) else end - _LONGEST
            at = max(done, seen)

    def _ends(self, window: bytes) -> list[int]:
        """The offsets behind the signs in a window, the first `_MOST` of each sort."""
        few = self._few_runs(window)
        if few is None:
            return sorted(self._signs_in(window, 0, len(window)))
        return sorted(end for start, stop in few for end in self._signs_in(window, start, stop))

    def _few_runs(self, window: bytes) -> list[tuple[int, int]] | None:
        """The runs of a window, each with what may follow it in a wrapped block. None: they are so many that it is quicker to look everywhere."""
        found: list[tuple[int, int]] = []
        at = 0
        while True:
            first = self._run.scan(window[at:] if at else window, only_first=True)
            run = _RUN.match(window, at + first[0][1] - RUN) if first else None
            if run is None:
                return found
            if len(found) == _FEW:
                return None
            at = run.end()
            found.append((run.start(), min(at + _LONGEST, len(window))))

    def _signs_in(self, window: bytes, start: int, stop: int) -> list[int]:
        piece = window if stop - start == len(window) else window[start:stop]
        found = self._sign.scan(piece, most=_MOST)
        if self._line.scan(piece, only_first=True):
            found += self._wrapped.scan(piece, most=_MOST)
        return [start + end for _, end in found]


def _whole(data: bytes, least: int, behind: int) -> tuple[int, int]:
    """The run around a sign that ends before `behind`, with the lines before and after it that belong to the same block."""
    start = _begin(data, least, behind)
    while (line := _BREAK.search(data, max(least, start - 3), start)) is not None:
        before = _begin(data, least, line.start())
        if line.start() - before < 32:
            break
        start = before
    block = _BLOCK.match(data, start)
    return start, max(behind, block.end() if block else behind)


def _begin(data: bytes, least: int, end: int) -> int:
    """Where the run of digits that ends at or shortly before `end` begins."""
    piece = data[max(least, end - _BACK) : end]
    kept = piece.rstrip(b"=\r\n\"'<\x00")
    return end - len(piece) + len(kept.rstrip(_DIGITS))


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
    found = [run.digits for run in runs(text)]
    # Hex digits and dashes alone are a key or a digest: that they are also the base64 of a text does not happen in the life of this program.
    spelt = [digits.translate(_STANDARD) for digits in found if not _KEY.fullmatch(digits)]
    for shift in range(4) if spelt else ():
        yield b"\0\n".join(_base64(digits, shift) for digits in spelt)
    pairs = [digits for run in found for digits in _HEX.findall(run)]
    for shift in (0, 1) if pairs else ():
        yield b"\0\n".join(bytes.fromhex(digits[shift : shift + (len(digits) - shift) // 2 * 2]) for digits in pairs)


def readable(data: bytes) -> str:
    """The stretches of decoded bytes that may be encoded once more."""
    return "\n\n".join(stretch.decode("ascii") for stretch in _READABLE.findall(data))


def _base64(digits: str, shift: int) -> bytes:
    """What digits of the standard alphabet say from the digit `shift` on; a lone last digit says nothing."""
    count = len(digits) - shift
    return binascii.a2b_base64(digits[shift : len(digits) - (count % 4 == 1)] + _PADDING[count % 4])
