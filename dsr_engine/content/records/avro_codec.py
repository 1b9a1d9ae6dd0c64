"""How blocks of an Avro file are compressed (Avro 1.11 specification, "Object Container Files"), with bounds, and the way back."""

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from dsr_engine.content.format import Unreadable
from dsr_engine.content.records.snappy import snapped, unsnapped


def _null(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise _too_large()
    return data


def _deflated(data: bytes, limit: int) -> bytes:
    return _once(zlib.decompressobj(-15), data, limit)


def _bzip2(data: bytes, limit: int) -> bytes:
    return _once(bz2.BZ2Decompressor(), data, limit)


def _xz(data: bytes, limit: int) -> bytes:
    return _once(lzma.LZMADecompressor(memlimit=256 * 1024 * 1024), data, limit)


def _zstandard(data: bytes, limit: int) -> bytes:
    zstd = _zstd()
    return _once(zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 27}), data, limit)


def _snappy(data: bytes, limit: int) -> bytes:
    content = unsnapped(data[:-4], limit)
    if struct.pack(">I", zlib.crc32(content)) != data[-4:]:
        raise _damaged()
    return content


def _zstd() -> Any:
    """Python's own from 3.14 on, the same under another name before."""
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _once(decompressor: Any, data: bytes, limit: int) -> bytes:
    """The content of one stream; it must end where the block ends."""
    try:
        content: bytes = decompressor.decompress(data, limit + 1)
    except (zlib.error, OSError, lzma.LZMAError, ValueError, EOFError, _zstd().ZstdError):
        raise _damaged() from None
    if len(content) > limit:
        raise _too_large()
    if not decompressor.eof:
        raise _damaged()
    return content


def _deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
    return deflater.compress(data) + deflater.flush()


def _snap(data: bytes) -> bytes:
    return snapped(data) + struct.pack(">I", zlib.crc32(data))


def _zstd_compress(data: bytes) -> bytes:
    packed: bytes = _zstd().compress(data)
    return packed


_CODECS: dict[str, tuple[Callable[[bytes, int], bytes], Callable[[bytes], bytes]]] = {
    "null": (_null, bytes),
    "deflate": (_deflated, _deflate),
    "snappy": (_snappy, _snap),
    "zstandard": (_zstandard, _zstd_compress),
    "bzip2": (_bzip2, bz2.compress),
    "xz": (_xz, lzma.compress),
}


def is_codec(name: str) -> bool:
    return name in _CODECS


def unpacked(codec: str, data: bytes, limit: int) -> bytes:
    """A block's content. Raises `Unreadable` where it is damaged or larger than `limit` bytes."""
    return _CODECS[codec][0](data, limit)


def packed(codec: str, data: bytes) -> bytes:
    """The content as a block; the same content gives the same bytes."""
    return _CODECS[codec][1](data)


def _damaged() -> Unreadable:
    return Unreadable("archive.damaged", "a compressed block is damaged; it was not read")


def _too_large() -> Unreadable:
    return Unreadable("archive.too_large", "a compressed block is larger than the limit; it was not read")
