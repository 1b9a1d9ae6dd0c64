"""Runs of base64 and hex digits in a text: where they are, what their digits say, and which of them are digests.

Lines of digits may be one value that was wrapped, or a list of values: both are tried.
"""

import binascii
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

#: The shortest run of base64 or hex digits that is decoded.
RUN = 16
#: So many digits of base64 are decided by the first bytes of a digest alone.
START = 5
DIGIT = "[A-Za-z0-9+/_-]"
#: Wrapped lines of at least 32 digits are one run with the line that follows them.
_ENCODED = re.compile(rf"(?:{DIGIT}{{32,}}\r?\n[ \t]?)+{DIGIT}+={{0,2}}|{DIGIT}{{{RUN},}}={{0,2}}")
#: Widths at which programs wrap base64 in PEM, MIME and shells.
_WIDTHS = frozenset({60, 64, 72, 76})
_LINE = re.compile(f"{DIGIT}+")
#: What is no digit in a run of them.
_BREAKS = str.maketrans("", "", "\r\n\t =")
HEX = re.compile(f"[0-9A-Fa-f]{{{RUN},}}")


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A stretch of base64 or hex digits: the digits without line breaks, and (first digit, offset) of each line."""

    digits: str
    start: int
    end: int
    lines: tuple[tuple[int, int], ...]

    def part(self, first: int, behind: int) -> "Run":
        """One of its lines, from its first digit to the one behind it."""
        end = self.end if behind == len(self.digits) else self.place(behind - 1) + 1
        return Run(self.digits[first:behind], self.place(first), end, ((0, self.place(first)),))

    def values(self) -> "Iterator[Run]":
        """Its lines as values of their own; none where they are of a width at which one value is wrapped."""
        bounds = [first for first, _ in self.lines] + [len(self.digits)]
        if any(behind - first not in _WIDTHS for first, behind in pairwise(bounds[:-1])):
            yield from (self.part(first, behind) for first, behind in pairwise(bounds))

    def place(self, index: int) -> int:
        """The offset in the text of a digit."""
        first, begin = self.lines[bisect_right(self.lines, (index, self.end)) - 1]
        return begin + index - first


def runs(text: str) -> Iterator[Run]:
    """The stretches of at least `RUN` base64 or hex digits; lines of one encoded block are one run."""
    for match in _ENCODED.finditer(text):
        parts = []
        lines = []
        length = 0
        for line in _LINE.finditer(text, *match.span()):
            lines.append((length, line.start()))
            parts.append(line.group())
            length += len(line.group())
        yield Run("".join(parts), match.start(), match.end(), tuple(lines))


def digits_of(text: str) -> list[str]:
    """The digits of those stretches, without a way back."""
    found = _ENCODED.findall(text)
    return "\0".join(found).translate(_BREAKS).split("\0") if found else []


def said_in(digits: str) -> bytes:
    """What the digits say; a lone last digit says nothing."""
    usable = digits[: len(digits) - (len(digits) % 4 == 1)].replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(usable + "=" * (-len(usable) % 4))
    except binascii.Error:
        return b""


def run_digests(text: str, starts: Collection[str]) -> Iterator[tuple[bytes, int, int]]:
    """(bytes, start, end) of what has the length of an MD5, SHA-1 or SHA-256 in the text, in hex or in base64 that begins with one of `starts`."""
    for run in runs(text):
        yield from _digests_in(run, 0, len(run.digits), starts)
        if len(run.lines) > 1:
            for (first, _), (behind, _) in pairwise((*run.lines, (len(run.digits), 0))):
                yield from _digests_in(run, first, behind, starts)


def _digests_in(run: Run, first: int, behind: int, starts: Collection[str]) -> Iterator[tuple[bytes, int, int]]:
    """Those in the digits from `first` on, up to `behind`."""
    digits = run.digits
    for found in HEX.finditer(digits, first, behind):
        if found.end() - found.start() in (32, 40, 64):
            yield bytes.fromhex(found.group()), run.place(found.start()), run.place(found.end() - 1) + 1
    for count in (22, 27, 43):
        at = behind - count
        if at >= first and digits[at : at + START] in starts:
            end = run.end if behind == len(digits) else run.place(behind - 1) + 1
            yield said_in(digits[at:behind]), run.place(at), end
