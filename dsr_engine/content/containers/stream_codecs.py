"""What the ways of compressing whole files differ in: how a stream begins, what reads it, and what writes one with the same settings."""

import bz2
import lzma
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from dsr_engine.content.containers.inflate import MEMORY, Decompressor, too_demanding
from dsr_engine.content.containers.zstandard import zstd_compressor, zstd_decompressor
from dsr_engine.content.format import Unreadable

#: The largest dictionary that is used for writing: compressing takes ten times as much memory.
_DICTIONARY = 16 * 1024**2


class Start(Enum):
    """What begins at a place of the file: a stream, bytes that are left out, bytes that programs skip, nothing any more, something else."""

    STREAM = "stream"
    PADDING = "padding"
    SKIPPED = "skipped"
    NOTHING = "nothing"
    JUNK = "junk"


class Compressor(Protocol):
    """Writes one stream."""

    def compress(self, data: bytes) -> bytes: ...

    def flush(self) -> bytes: ...


class Codec(Protocol):
    """One way of compressing. `step` begins the places inside."""

    @property
    def name(self) -> str: ...

    @property
    def step(self) -> str: ...

    @property
    def endings(self) -> tuple[str, ...]: ...

    def start(self, head: bytes, *, is_first: bool) -> tuple[Start, int]:
        """What these bytes begin, and how long it is where that is known beforehand."""

    def is_index(self, head: bytes) -> bool:
        """True for skipped bytes that only say where in the compressed data what begins: a file without them is whole."""

    def decompressor(self) -> Decompressor: ...

    def compressor(self, head: bytes) -> Compressor:
        """`head` are the first bytes of the file that is written anew."""


@dataclass(frozen=True, slots=True)
class Bzip2:
    """bzip2 1.0."""

    name: str = "bz2"
    step: str = "bz2"
    endings: tuple[str, ...] = ("bz2", "bz")

    def start(self, head: bytes, *, is_first: bool) -> tuple[Start, int]:  # noqa: ARG002  # the protocol's arguments
        return (Start.STREAM if head.startswith(b"BZh") else Start.JUNK), 0

    def is_index(self, head: bytes) -> bool:  # noqa: ARG002  # as above
        return True

    def decompressor(self) -> Decompressor:
        return bz2.BZ2Decompressor()

    def compressor(self, head: bytes) -> Compressor:
        return bz2.BZ2Compressor(head[3] - 48)


@dataclass(frozen=True, slots=True)
class Xz:
    """The .xz File Format 1.1.0. Zeros may stand between and behind the streams (2.2)."""

    name: str = "xz"
    step: str = "xz"
    endings: tuple[str, ...] = ("xz",)

    def start(self, head: bytes, *, is_first: bool) -> tuple[Start, int]:
        if head.startswith(b"\xfd7zXZ\0"):
            return Start.STREAM, 0
        zeros = len(head) - len(head.lstrip(b"\0"))
        return (Start.PADDING, zeros) if zeros and not is_first else (Start.JUNK, 0)

    def is_index(self, head: bytes) -> bool:  # noqa: ARG002  # the protocol's arguments
        return True

    def decompressor(self) -> Decompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)

    def compressor(self, head: bytes) -> Compressor:
        check = head[7] & 15 if lzma.is_check_supported(head[7] & 15) else lzma.CHECK_CRC64
        return lzma.LZMACompressor(lzma.FORMAT_XZ, check=check, filters=[_lzma2(head[12:])])


def _lzma2(block: bytes) -> dict[str, Any]:
    """The filter with the dictionary that the header of a block tells (3.1), where LZMA2 is its only filter."""
    chosen: dict[str, Any] = {"id": lzma.FILTER_LZMA2, "preset": 6}
    if len(block) < 2 or block[1] & 3:
        return chosen
    at = 2
    for flag in (0x40, 0x80):
        while block[1] & flag and at < len(block):
            at += 1
            if block[at - 1] < 0x80:
                break
    if block[at : at + 2] == b"\x21\x01" and at + 2 < len(block) and block[at + 2] <= 40:
        code = block[at + 2]
        chosen["dict_size"] = min(_DICTIONARY, (2 | code & 1) << (code // 2 + 11))
    return chosen


@dataclass(frozen=True, slots=True)
class Lzma:
    """The .lzma format of LZMA Utils: a byte of properties, the size of the dictionary, the size of the content."""

    name: str = "lzma"
    step: str = "lzma"
    endings: tuple[str, ...] = ("lzma",)

    def start(self, head: bytes, *, is_first: bool) -> tuple[Start, int]:  # noqa: ARG002  # as above
        return (Start.STREAM if is_first else Start.JUNK), 0

    def is_index(self, head: bytes) -> bool:  # noqa: ARG002  # the protocol's arguments
        return True

    def decompressor(self) -> Decompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY)

    def compressor(self, head: bytes) -> Compressor:
        properties, dictionary = struct.unpack_from("<BL", head)
        chosen = {"id": lzma.FILTER_LZMA1, "lc": properties % 9, "lp": properties // 9 % 5, "pb": properties // 45}
        return lzma.LZMACompressor(lzma.FORMAT_ALONE, filters=[{**chosen, "dict_size": min(_DICTIONARY, max(4096, dictionary))}])


@dataclass(frozen=True, slots=True)
class Zstd:
    """zstd frames (RFC 8878), with the frames that are skipped (3.1.2)."""

    name: str = "zst"
    step: str = "zst"
    endings: tuple[str, ...] = ("zst", "zstd")

    def start(self, head: bytes, *, is_first: bool) -> tuple[Start, int]:  # noqa: ARG002  # the protocol's arguments
        if _is_skipped(head):
            return Start.SKIPPED, 8 + int.from_bytes(head[4:8], "little")
        if not head.startswith(b"\x28\xb5\x2f\xfd"):
            return Start.JUNK, 0
        if _dictionary(head):
            raise Unreadable("zstd.dictionary", "a file was compressed with a dictionary that is not in it; it was not read")
        if _window(head) > 128 * 1024**2:
            raise too_demanding()
        return Start.STREAM, 0

    def is_index(self, head: bytes) -> bool:
        # A seek table at the end (zstd seekable format 0.1), and the size of the next frame as pzstd writes it.
        return head[:4] == b"\x5e\x2a\x4d\x18" or (head[:4] == b"\x50\x2a\x4d\x18" and head[4:8] == b"\x04\0\0\0")

    def decompressor(self) -> Decompressor:
        return zstd_decompressor()

    def compressor(self, head: bytes) -> Compressor:
        return zstd_compressor(checksum=bool(not _is_skipped(head) and head[4] & 4))


def _is_skipped(head: bytes) -> bool:
    return len(head) >= 8 and head[0] & 0xF0 == 0x50 and head[1:4] == b"\x2a\x4d\x18"


def _dictionary(head: bytes) -> int:
    """The number of the dictionary that a frame needs, 0 for none (RFC 8878 3.1.1.1.3)."""
    if len(head) < 6:
        return 0
    at = 5 if head[4] & 0x20 else 6
    return int.from_bytes(head[at : at + (0, 1, 2, 4)[head[4] & 3]], "little")


def _window(head: bytes) -> int:
    """Bytes of the window that a frame asks for (RFC 8878 3.1.1.1.2); 0 where it is one segment."""
    if len(head) < 6 or head[4] & 0x20:
        return 0
    size = 1 << (10 + (head[5] >> 3))
    return size + size // 8 * (head[5] & 7)
