"""Decompression with bounds: what comes out is counted, and a bomb ends as `Unreadable` before it fills anything."""

import bz2
import zlib
from collections.abc import Iterator
from typing import Protocol

from dsr_engine.content.format import Budget, Unreadable

_PIECE = 256 * 1024


class Ratio:
    """Watches one container: so many bytes in, so many out."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.taken = 0
        self.given = 0

    def gave(self, count: int) -> None:
        """Raises `Unreadable` if more came out than the limits allow."""
        self.given += count
        self._budget.decoded += count
        limits = self._budget.limits
        if self._budget.decoded > limits.decoded_bytes:
            raise Unreadable("archive.too_large", "an archive unpacks to more than the limit; the rest was not read")
        if self.given > limits.bomb_floor and self.given > limits.ratio * max(1, self.taken):
            raise Unreadable("archive.bomb", "an archive unpacks to so many times its size that it was taken for a bomb; it was not read further")


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflated(pieces: Iterator[bytes], ratio: Ratio) -> Iterator[bytes]:
    """Raw deflate. Raises `Unreadable` if it is damaged or ends early."""
    inflater = zlib.decompressobj(-15)
    for piece in pieces:
        ratio.taken += len(piece)
        rest = piece
        while rest and not inflater.eof:
            try:
                out = inflater.decompress(rest, _PIECE)
            except zlib.error:
                raise _damaged() from None
            rest = inflater.unconsumed_tail
            ratio.gave(len(out))
            if out:
                yield out
    yield from _drained(inflater, ratio)


def _drained(inflater: "zlib._Decompress", ratio: Ratio) -> Iterator[bytes]:
    """What a full output buffer held back when the input ended."""
    while not inflater.eof:
        try:
            out = inflater.decompress(inflater.unconsumed_tail, _PIECE)
        except zlib.error:
            raise _damaged() from None
        if not out:
            raise Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")
        ratio.gave(len(out))
        yield out


def expanded(pieces: Iterator[bytes], method: int, ratio: Ratio) -> Iterator[bytes]:
    """A zip member's bytes by its method (APPNOTE 4.4.5): stored, deflate, bzip2. Raises `Unreadable` for another one."""
    if method == 0:
        for piece in pieces:
            ratio.taken += len(piece)
            ratio.gave(len(piece))
            yield piece
    elif method == 8:
        yield from inflated(pieces, ratio)
    elif method == 12:
        yield from _stepwise(pieces, bz2.BZ2Decompressor(), ratio)
    else:
        raise Unreadable("zip.method", "a member of an archive is compressed in a way that is not known; it was not read")


def _stepwise(pieces: Iterator[bytes], decompressor: _Decompressor, ratio: Ratio) -> Iterator[bytes]:
    for piece in pieces:
        ratio.taken += len(piece)
        rest = piece
        while not decompressor.eof:
            try:
                out = decompressor.decompress(rest, _PIECE)
            except OSError:
                raise _damaged() from None
            rest = b""
            if not out:
                break
            ratio.gave(len(out))
            yield out
    if not decompressor.eof:
        raise Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")


def _damaged() -> Unreadable:
    return Unreadable("archive.damaged", "a compressed file is damaged; the rest was not read")
