"""Enhanced Deflate, method 9 of zip (APPNOTE 4.4.5): what Windows writes for members beyond 2 GB. No library of ours reads it.

It is RFC 1951 with a window of 64 KiB, two more distance codes, and a longest length of 65,538. In Python it takes a second for each megabyte or two,
so that the time of an archive may be used up within a large member.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from dsr_engine.content.format import Unreadable

if TYPE_CHECKING:
    from dsr_engine.content.containers.inflate import Ratio

_WINDOW = 65536
_PIECE = 256 * 1024
_LENGTHS = (*range(3, 11), 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 3)
_LENGTH_BITS = (*[0] * 8, *[1] * 4, *[2] * 4, *[3] * 4, *[4] * 4, *[5] * 4, 16)
_DISTANCE_BITS = (0, 0, *(bits for bits in range(15) for _ in range(2)))
_DISTANCES = tuple(1 + sum(1 << bits for bits in _DISTANCE_BITS[:code]) for code in range(32))
_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)

#: A code: how many bits are looked up, and for each of their values the length of the code and its symbol (length 0: no code).
_Table = tuple[int, list[tuple[int, int]]]


class _Bits:
    """Bits from pieces of bytes, the lowest first."""

    def __init__(self, pieces: Iterator[bytes], ratio: "Ratio") -> None:
        self._pieces = pieces
        self._ratio = ratio
        self._data = b""
        self._at = 0
        self.buffer = 0
        self.count = 0

    def fill(self, wanted: int) -> None:
        """At least so many bits, or zeros behind the end of the data."""
        while self.count < wanted:
            chunk = self._data[self._at : self._at + 6]
            self._at += len(chunk)
            if not chunk:
                self._data, self._at = next(self._pieces, b""), 0
                self._ratio.taken += len(self._data)
                if not self._data:
                    return
                continue
            self.buffer |= int.from_bytes(chunk, "little") << self.count
            self.count += 8 * len(chunk)

    def take(self, count: int) -> int:
        if not count:
            return 0
        self.fill(count)
        if self.count < count:
            raise Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")
        value = self.buffer & ((1 << count) - 1)
        self.buffer >>= count
        self.count -= count
        return value

    def symbol(self, table: _Table) -> int:
        width, codes = table
        if self.count < width:
            self.fill(width)
        length, symbol = codes[self.buffer & ((1 << width) - 1)]
        if not length:
            raise _damaged()
        if length > self.count:
            raise Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")
        self.buffer >>= length
        self.count -= length
        return symbol


def inflated64(pieces: Iterator[bytes], ratio: "Ratio") -> Iterator[bytes]:
    """The bytes of the data. Raises `Unreadable` where they are damaged, end too early or are a bomb."""
    bits, out, given, is_last = _Bits(pieces, ratio), bytearray(), 0, 0
    while not is_last:
        is_last, kind = bits.take(1), bits.take(2)
        if kind == 3:
            raise _damaged()
        block = _plain(bits, out) if kind == 0 else _coded(bits, out, *(_FIXED if kind == 1 else _tables(bits)))
        for _ in block:
            fresh = bytes(out[given:])
            del out[:-_WINDOW]
            given = len(out)
            ratio.gave(len(fresh))
            yield fresh
    ratio.gave(len(out) - given)
    yield bytes(out[given:])


def _plain(bits: _Bits, out: bytearray) -> Generator[None, None, None]:
    """A block that is not compressed."""
    bits.take(bits.count % 8)
    length, check = bits.take(16), bits.take(16)
    if length ^ check != 0xFFFF:
        raise _damaged()
    for _ in range(length):
        out.append(bits.take(8))
    yield


def _coded(bits: _Bits, out: bytearray, literals: _Table, distances: _Table) -> Generator[None, None, None]:
    """A compressed block; it rests now and then, so that what came out can be taken."""
    symbol = bits.symbol(literals)
    while symbol != 256:
        if symbol < 256:
            out.append(symbol)
        elif symbol > 285:
            raise _damaged()
        else:
            length = _LENGTHS[symbol - 257] + bits.take(_LENGTH_BITS[symbol - 257])
            code = bits.symbol(distances)
            distance = _DISTANCES[code] + bits.take(_DISTANCE_BITS[code])
            if distance > len(out):
                raise _damaged()
            _repeat(out, distance, length)
        if len(out) > _WINDOW + _PIECE:
            yield
        symbol = bits.symbol(literals)


def _repeat(out: bytearray, distance: int, length: int) -> None:
    start = len(out) - distance
    pattern = out[start : start + length]
    if len(pattern) < length:
        pattern = (pattern * (length // len(pattern) + 1))[:length]
    out += pattern


def _tables(bits: _Bits) -> tuple[_Table, _Table]:
    """The codes that a block brings along (RFC 1951 3.2.7)."""
    literals, distances, count = bits.take(5) + 257, bits.take(5) + 1, bits.take(4) + 4
    short = [0] * 19
    for place in _ORDER[:count]:
        short[place] = bits.take(3)
    table, lengths = _table(short), list[int]()
    while len(lengths) < literals + distances:
        symbol = bits.symbol(table)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16 and not lengths:
            raise _damaged()
        else:
            again = {16: (2, 3), 17: (3, 3), 18: (7, 11)}[symbol]
            lengths += [lengths[-1] if symbol == 16 else 0] * (bits.take(again[0]) + again[1])
    return _table(lengths[:literals]), _table(lengths[literals : literals + distances])


def _table(lengths: Sequence[int]) -> _Table:
    """The canonical code with these lengths (RFC 1951 3.2.2). Raises `Unreadable` where there can be none."""
    width = max(lengths, default=0) or 1
    table, code = [(0, 0)] * (1 << width), 0
    for length in range(1, width + 1):
        for symbol, own in enumerate(lengths):
            if own == length:
                if code >= 1 << length:
                    raise _damaged()
                backwards = int(f"{code:0{length}b}"[::-1], 2)
                for place in range(backwards, 1 << width, 1 << length):
                    table[place] = (length, symbol)
                code += 1
        code <<= 1
    return width, table


def _damaged() -> Unreadable:
    return Unreadable("archive.damaged", "a compressed file is damaged; the rest was not read")


_FIXED = (_table([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8), _table([5] * 32))
