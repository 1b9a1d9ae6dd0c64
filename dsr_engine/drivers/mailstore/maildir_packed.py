"""Mails that a server keeps compressed in a Maildir (Dovecot's zlib plugin): read as the mails that they are, and written back compressed alike.

The file's first bytes say so and nothing else does: no mail begins like these. What only the server can read (mails that it encrypts, its own framing
of LZ4) is refused, because searching the bytes would find nobody in them.
"""

import bz2
import errno
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from dsr_engine.content.containers.zstandard import ZstdError, zstd_file
from dsr_engine.content.format import Limits
from dsr_engine.domain.errors import NotSupported
from dsr_engine.drivers.mailstore.disk import handle_of, open_plain
from dsr_engine.drivers.mailstore.store import BLOCK

_LIMITS = Limits()
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, ZstdError, ValueError)

#: First bytes of what the server alone can read: mail_crypt's streams, and LZ4 in a framing of Dovecot's own or in the usual one.
_SEALED = (b"CRYPTED\x03\x07", b"Dovecot-LZ4\x0d\x2a\x9b\xc5", b"\x04\x22\x4d\x18")


@dataclass(frozen=True, slots=True)
class Packing:
    """One way of compressing. `wrapped` gives a file that packs into, or unpacks out of, another one."""

    start: bytes
    wrapped: Callable[[BinaryIO, Literal["rb", "wb"]], BinaryIO]


_PACKINGS = (
    Packing(b"\x1f\x8b\x08", lambda file, mode: cast("BinaryIO", gzip.GzipFile("", mode, 6, file, 0))),
    Packing(b"BZh", lambda file, mode: cast("BinaryIO", bz2.open(file, mode))),  # noqa: SIM115  # whoever wraps a file closes it
    Packing(b"\xfd7zXZ\0", lambda file, mode: cast("BinaryIO", lzma.LZMAFile(file, mode))),  # noqa: SIM115  # whoever wraps a file closes it
    Packing(b"\x28\xb5\x2f\xfd", zstd_file),
)


def packing_of(file: BinaryIO) -> Packing | None:
    """How an open file is compressed; None: not at all. Raises `NotSupported` for what only the server can read."""
    return _packing_at(file.fileno())


def facts_of(path: Path) -> os.stat_result:
    """What the file system says of the file of a mail. Raises `NotSupported` for what only the server can read."""
    handle = handle_of(path)
    try:
        _packing_at(handle)
        return os.fstat(handle)
    finally:
        os.close(handle)


def _packing_at(handle: int) -> Packing | None:
    head = os.pread(handle, 16, 0)
    if head.startswith(_SEALED):
        raise NotSupported(
            "A mail is encrypted or packed in a way that only its server can read", code="mail.server_only", hint="search it over IMAP"
        )
    if head.startswith(b"BZh") and head[4:10] not in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return None
    return next((packing for packing in _PACKINGS if head.startswith(packing.start)), None)


def open_mail(path: Path) -> BinaryIO:
    """The mail in a file, unpacked where it is compressed. Damaged data and bombs raise `OSError` where they are met."""
    file = open_plain(path)
    try:
        packing = packing_of(file)
    except NotSupported:
        file.close()
        raise
    return file if packing is None else cast("BinaryIO", _Unpacked(file, packing))


class _Unpacked(io.RawIOBase):
    """What a compressed file holds, read forward. Closing it closes the file."""

    def __init__(self, file: BinaryIO, packing: Packing) -> None:
        super().__init__()
        self._file = file
        self._unpacking = packing.wrapped(file, "rb")
        self._left = max(_LIMITS.bomb_floor, _LIMITS.ratio * os.fstat(file.fileno()).st_size)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(BLOCK), b""))
        try:
            data = self._unpacking.read(size)
        except _DAMAGED:
            raise OSError(errno.EIO, "damaged") from None
        self._left -= len(data)
        if self._left < 0:
            raise OSError(errno.EFBIG, "unpacks without end")
        return data

    def close(self) -> None:
        if not self.closed:
            self._unpacking.close()
            self._file.close()
        super().close()


class Packed:
    """A file that is written through the same compression as another one. `size` counts the bytes before it."""

    def __init__(self, file: BinaryIO, packing: Packing | None) -> None:
        self._file = file
        self._packing = packing
        self.size = 0

    def write_by(self, write: Callable[[BinaryIO], None]) -> None:
        """Lets `write` write the whole mail."""
        if self._packing is None:
            write(self._file)
            self.size = self._file.tell()
            return
        with self._packing.wrapped(self._file, "wb") as packing:
            write(packing)
            self.size = packing.tell()
