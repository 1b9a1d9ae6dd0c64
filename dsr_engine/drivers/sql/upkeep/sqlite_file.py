"""Reads the free space of an SQLite file byte by byte: whether anything is left where no row is.

The format is documented (https://www.sqlite.org/fileformat2.html, sections 1.5 and 1.6): a b-tree page holds a header, an array of cell pointers,
a gap, and cells; between cells there are free blocks. Everything in gaps and free blocks must be zero.
"""

import struct
from pathlib import Path

#: First byte of a b-tree page → length of its header.
_KINDS = {0x02: 12, 0x05: 12, 0x0A: 8, 0x0D: 8}
_HEADER = 100


class OddFile(Exception):
    """The file is not what the format says; nothing can be proved by it."""


def dirty_pages(path: Path) -> int:
    """How many pages hold bytes in places where no row is. Only for a file that nobody writes to. Raises `OddFile`."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
        if len(head) < _HEADER or head[:16] != b"SQLite format 3\0":
            raise OddFile
        size = struct.unpack(">H", head[16:18])[0]
        size = 65536 if size == 1 else size
        usable = size - head[20]
        if size < 512 or size & (size - 1):
            raise OddFile
        is_vacuumed = struct.unpack(">I", head[52:56])[0] > 0
        dirty = 0
        file.seek(0)
        number = 0
        while page := file.read(size):
            number += 1
            if len(page) != size:
                raise OddFile
            if not (is_vacuumed and _is_map(number, usable)) and not _is_clean(page, _HEADER if number == 1 else 0, usable):
                dirty += 1
    return dirty


def _is_map(number: int, usable: int) -> bool:
    """True for a pointer map page of a file with auto_vacuum (section 1.8)."""
    return number >= 2 and (number - 2) % (usable // 5 + 1) == 0


def _is_clean(page: bytes, start: int, usable: int) -> bool:
    """True if the page is no b-tree page, or one without bytes in its gap and its free blocks.

    The first byte of an overflow page is that of a page number, which is 0 in files of less than 2^24 pages, so it is not mistaken.
    """
    length = _KINDS.get(page[start])
    if length is None:
        return True
    block, cells, content = struct.unpack(">HHH", page[start + 1 : start + 7])
    content = content or 65536
    gap = page[start + length + 2 * cells : min(content, usable)]
    if gap.count(0) != len(gap):
        return False
    while block:
        if block + 4 > len(page):
            return False
        following, extent = struct.unpack(">HH", page[block : block + 4])
        free = page[block + 4 : block + extent]
        if free.count(0) != len(free) or (following and following <= block):
            return False
        block = following
    return True


def old_frames(log: Path, salts: str) -> bool:
    """True if a write-ahead log holds a frame that is not of its present run, or if its run is still the one named by `salts`.

    Section 4.1: each restart of the log changes the salts, and frames of earlier runs lie behind those of the present one until they are overwritten.
    """
    with log.open("rb") as file:
        head = file.read(32)
        if len(head) < 32 or head[16:24].hex() == salts:
            return True
        size = struct.unpack(">I", head[8:12])[0]
        while frame := file.read(24):
            if frame[8:16] != head[16:24]:
                return True
            file.seek(size, 1)
    return False


def salts_of(log: Path) -> str:
    """The salts of the log's present run, in hex; empty where there is no log."""
    try:
        with log.open("rb") as file:
            return file.read(32)[16:24].hex()
    except FileNotFoundError:
        return ""
