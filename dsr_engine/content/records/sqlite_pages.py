"""Bytes of a SQLite file that belong to no row (SQLite, "Database File Format" §1.5-1.6): free pages, and room in pages that is not in use.

A delete only unlinks; until a page is used again, what was in it stays. VACUUM would clean it, but gives rows without a declared key new numbers
by which programs may know them; so the bytes themselves are looked for, and cleared in a rewrite.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_HEADER = 100
_INNER_INDEX, _INNER_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13
_TREES = frozenset({_INNER_INDEX, _INNER_TABLE, _LEAF_INDEX, _LEAF_TABLE})


@dataclass(slots=True)
class Pages:
    """The pages of one file. `roots` are the first pages of its trees, as the schema names them."""

    data: bytes | bytearray
    roots: Sequence[int]
    size: int = 0
    usable: int = 0
    seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        size = int.from_bytes(self.data[16:18], "big")
        self.size = 65536 if size == 1 else max(512, size)
        self.usable = self.size - self.data[20]

    def unused(self) -> Iterator[tuple[int, int, int]]:
        """Number of a page, and where bytes of it start and end that nothing uses."""
        yield from self._free()
        waiting = [1, *self.roots]
        while waiting:
            number = waiting.pop()
            if self._is_new(number):
                at = self._start(number) + (_HEADER if number == 1 else 0)
                if self.data[at] in _TREES:
                    yield from self._tree(number, at, waiting)

    def unseen(self) -> Iterator[tuple[int, int, int]]:
        """Pages that nothing leads to; to be asked behind `unused`."""
        for number in range(1, len(self.data) // self.size + 1):
            if number not in self.seen:
                yield number, self._start(number), self._start(number) + self.size

    def _start(self, number: int) -> int:
        return (number - 1) * self.size

    def _is_new(self, number: int) -> bool:
        """Notes the page. False for one that was there before, or that does not exist: files are damaged by chance and on purpose."""
        if number in self.seen or not 1 <= number <= len(self.data) // self.size:
            return False
        self.seen.add(number)
        return True

    def _number(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 4], "big")

    def _free(self) -> Iterator[tuple[int, int, int]]:
        """The free list: trunks, each with the numbers of many leaves."""
        trunk = self._number(32)
        while self._is_new(trunk):
            at = self._start(trunk)
            count = min(self._number(at + 4), self.usable // 4 - 2)
            yield trunk, at + 8 + 4 * count, at + self.size
            for leaf in struct.unpack(f">{count}I", self.data[at + 8 : at + 8 + 4 * count]):
                if self._is_new(leaf):
                    yield leaf, self._start(leaf), self._start(leaf) + self.size
            trunk = self._number(at)

    def _tree(self, number: int, at: int, waiting: list[int]) -> Iterator[tuple[int, int, int]]:
        """The room in one page; `waiting` gets its children."""
        base, kind = self._start(number), self.data[at]
        free, count, content = struct.unpack(">HHH", self.data[at + 1 : at + 7])
        content = content or 65536
        head = 12 if kind in (_INNER_INDEX, _INNER_TABLE) else 8
        pointers = at + head + 2 * count
        if pointers > base + content or content > self.usable:
            return
        yield number, pointers, base + content
        while content <= free <= self.usable - 4:
            following, length = struct.unpack(">HH", self.data[base + free : base + free + 4])
            yield number, base + free + 4, base + min(free + length, self.usable)
            free = following if following > free else self.usable
        if head == 12:
            waiting.append(self._number(at + 8))
        for cell in struct.unpack(f">{count}H", self.data[at + head : pointers]):
            if content <= cell <= self.usable - 4:
                if head == 12:
                    waiting.append(self._number(base + cell))
                if kind != _INNER_TABLE:
                    yield from self._overflow(base + cell + (4 if kind == _INNER_INDEX else 0), kind, base + self.usable)

    def _overflow(self, at: int, kind: int, end: int) -> Iterator[tuple[int, int, int]]:
        """What is behind the end of a payload in the last page of its chain."""
        payload, at = self._varint(at)
        if kind == _LEAF_TABLE:
            at = self._varint(at)[1]
        most = self.usable - 35 if kind == _LEAF_TABLE else (self.usable - 12) * 64 // 255 - 23
        if payload <= most:
            return
        least = (self.usable - 12) * 32 // 255 - 23
        local = least + (payload - least) % (self.usable - 4)
        local = local if local <= most else least
        left = payload - local
        number = self._number(at + local) if at + local + 4 <= end else 0
        while left > 0 and self._is_new(number):
            start = self._start(number)
            if left < self.usable - 4:
                yield number, start + 4 + left, start + self.usable
            left -= self.usable - 4
            number = self._number(start)

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for step in range(9):
            byte = self.data[at + step] if at + step < len(self.data) else 0
            if step == 8:
                return value << 8 | byte, at + 9
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, at + step + 1
        return value, at


def clear(data: bytearray, roots: Sequence[int]) -> None:
    """Writes zeros where nothing is. What was cleared is not read again on the way."""
    for _, start, end in Pages(data, roots).unused():
        data[start:end] = bytes(max(0, end - start))


def leftovers(data: bytearray, roots: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Number of a page, and what is left in it of rows that are gone."""
    pages = Pages(data, roots)
    for ranges in (pages.unused(), pages.unseen()):
        for number, start, end in ranges:
            rest = bytes(data[start:end])
            if rest.strip(b"\0"):
                yield number, rest
