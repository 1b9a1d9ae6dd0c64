"""Decompression with bounds: what comes out is counted, and a bomb ends as `Unreadable` before it fills anything."""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from dsr_engine.content.containers.deflate64 import inflated64
from dsr_engine.content.containers.zstandard import ZstdError, zstd_decompressor
from dsr_engine.content.format import Budget, Unreadable

_PIECE = 256 * 1024
#: Bytes of memory that a compressed file may ask for to be read. What `xz -9` writes needs 65 MiB.
MEMORY = 400 * 1024**2


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
        self._budget.check()
        if self.given > limits.bomb_floor and self.given > limits.ratio * max(1, self.taken):
            raise Unreadable("archive.bomb", "an archive unpacks to so many times its size that it was taken for a bomb; it was not read further")


class Decompressor(Protocol):
    """One stream of `bz2`, `lzma` or zstd."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

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
                raise damaged() from None
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
            raise damaged() from None
        if not out:
            raise _truncated()
        ratio.gave(len(out))
        yield out


def _stored(pieces: Iterator[bytes], ratio: Ratio) -> Iterator[bytes]:
    for piece in pieces:
        ratio.taken += len(piece)
        ratio.gave(len(piece))
        yield piece


def _bunzipped(pieces: Iterator[bytes], ratio: Ratio) -> Iterator[bytes]:
    return stepwise(pieces, bz2.BZ2Decompressor(), ratio)


def _unxzed(pieces: Iterator[bytes], ratio: Ratio) -> Iterator[bytes]:
    return stepwise(pieces, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY), ratio)


def _unzstded(pieces: Iterator[bytes], ratio: Ratio) -> Iterator[bytes]:
    return stepwise(pieces, zstd_decompressor(), ratio)


def _unlzmaed(pieces: Iterator[bytes], ratio: Ratio) -> Iterator[bytes]:
    """LZMA as zip has it (APPNOTE 5.8.8): two bytes of version, the length of the properties, the properties."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= 9:
            break
    if len(head) < 9 or head[2:4] != b"\x05\0" or head[4] >= 9 * 5 * 5:
        raise damaged()
    (dictionary,) = struct.unpack_from("<L", head, 5)
    if dictionary > MEMORY:
        raise too_demanding()
    first = {"id": lzma.FILTER_LZMA1, "lc": head[4] % 9, "lp": head[4] // 9 % 5, "pb": head[4] // 45, "dict_size": max(4096, dictionary)}
    try:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[first])
    except lzma.LZMAError:
        raise damaged() from None
    return stepwise(_joined(head[9:], pieces), decompressor, ratio, ends_by_itself=False)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


#: How to unpack a zip member, by its method (APPNOTE 4.4.5).
METHODS: dict[int, Callable[[Iterator[bytes], Ratio], Iterator[bytes]]] = {
    0: _stored,
    8: inflated,
    9: inflated64,
    12: _bunzipped,
    14: _unlzmaed,
    20: _unzstded,
    93: _unzstded,
    95: _unxzed,
}


def expanded(pieces: Iterator[bytes], method: int, ratio: Ratio) -> Iterator[bytes]:
    """A zip member's bytes by its method. Raises `Unreadable` for one that is not known."""
    if method not in METHODS:
        raise Unreadable("zip.method", "a member of an archive is compressed in a way that is not known; it was not read")
    return METHODS[method](pieces, ratio)


def stepwise(pieces: Iterator[bytes], decompressor: Decompressor, ratio: Ratio, *, ends_by_itself: bool = True) -> Iterator[bytes]:
    """One compressed stream. Raises `Unreadable` if it is damaged, ends early, or asks for too much memory."""
    for piece in pieces:
        ratio.taken += len(piece)
        yield from step(decompressor, piece, ratio)
        if decompressor.eof:
            return
    if ends_by_itself:
        raise _truncated()


def step(decompressor: Decompressor, piece: bytes, ratio: Ratio) -> Iterator[bytes]:
    """All that comes out for one more piece of the stream."""
    rest = piece
    while not decompressor.eof:
        try:
            out = decompressor.decompress(rest, _PIECE)
        except lzma.LZMAError as error:
            raise (too_demanding() if "limit" in str(error).lower() else damaged()) from None
        except ZstdError as error:
            raise (too_demanding() if "memory" in str(error) else damaged()) from None
        except (OSError, EOFError):
            raise damaged() from None
        except MemoryError:
            raise too_demanding() from None
        rest = b""
        ratio.gave(len(out))
        if out:
            yield out
        elif decompressor.needs_input or decompressor.eof:
            return


def damaged() -> Unreadable:
    return Unreadable("archive.damaged", "a compressed file is damaged; the rest was not read")


def _truncated() -> Unreadable:
    return Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")


def too_demanding() -> Unreadable:
    return Unreadable("archive.memory", "a compressed file needs more memory to be unpacked than the limit; it was not read")
