"""zstd (RFC 8878) from the standard library, or from its backport before Python 3.14, bounded in memory."""

import sys
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from dsr_engine.content.containers.inflate import Decompressor

#: What broken data raises.
ZstdError: type[Exception] = zstd.ZstdError
#: A frame may look back over so many bytes, as a power of two: what programs accept by themselves (RFC 8878 3.1.1.1.2).
_WINDOW = 27


def zstd_decompressor() -> "Decompressor":
    """For one frame. It refuses frames that need more than 128 MiB, and those that need a dictionary."""
    made: Decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW})
    return made


def zstd_compressor(*, checksum: bool) -> "zstd.ZstdCompressor":
    """With the usual level: a frame does not tell by which one it was made."""
    return zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: int(checksum)})


def zstd_file(file: BinaryIO, mode: Literal["rb", "wb"]) -> BinaryIO:
    """A file that packs into, or unpacks out of, another one, which stays open. Frames are bounded as above."""
    if mode == "wb":
        return cast("BinaryIO", zstd.ZstdFile(file, "wb"))
    return cast("BinaryIO", zstd.ZstdFile(file, "rb", options={zstd.DecompressionParameter.window_log_max: _WINDOW}))
