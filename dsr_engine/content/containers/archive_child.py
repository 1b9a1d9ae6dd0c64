"""Archives that only libarchive reads (7z, RAR, CAB, ISO 9660, cpio, ar, LHA, xar, rpm, .Z, lz4, lzip), spoken member by member.

Runs in a confined child. It says what stands in the archive and knows of nobody.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from dsr_engine.content.format import Unreadable

try:
    import libarchive
    from libarchive import ffi
except (OSError, AttributeError, TypeError):  # the binding is there, and the library is not
    raise ImportError("libarchive") from None

#: Bytes of one frame.
_PIECE = 1024 * 1024
#: Files that are compressed as a whole and have no members.
_WHOLE = (b"\x1f\x9d", b"\x04\x22\x4d\x18", b"LZIP", b"\x89LZO")
#: Those whose members lie behind a header that a filter takes off.
_FILTERED = (b"\xed\xab\xee\xdb",)
#: A name as text, where the library has no bytes of it.
_WORDS = (
    ("name", "entry_pathname", "entry_pathname_w"),
    ("link", "entry_hardlink", "entry_hardlink_w"),
    ("link", "entry_symlink", "entry_symlink_w"),
    ("owner", "entry_uname", "entry_uname_w"),
)


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:  # noqa: ARG001  # the signature of all such work
    """Frames of one member follow each other: its words (`{"member": N, "word": …}`), its data, and how it ended (`{"member": N, "end": code}`).

    Codes: empty where it was read whole; `encrypted`, `damaged`. Raises `Unreadable` where the archive cannot be read on.
    """
    head = source.read(8)
    os.lseek(source.fileno(), 0, os.SEEK_SET)  # the library reads by the descriptor, which a buffer has moved
    is_whole = head.startswith(_WHOLE)
    with _archive(source, "raw" if is_whole else "all", "all" if is_whole or head.startswith(_FILTERED) else "none") as pointer:
        number = 0
        while True:
            entry = libarchive.entry.ArchiveEntry(pointer)
            if _told(ffi.read_next_header2, pointer, entry._entry_p) == ffi.ARCHIVE_EOF:
                return
            number += 1
            if not is_whole:
                yield from _words(entry, number)
            try:
                yield from (({"member": number}, piece) for piece in _data(pointer))
                end = ""
            except libarchive.ArchiveError as error:
                end = _code(error)
                if error.retcode == ffi.ARCHIVE_FATAL:
                    yield {"member": number, "end": end}, b""
                    raise Unreadable(f"archive.{end}", "") from None
            yield {"member": number, "end": end}, b""


@contextmanager
def _archive(source: BinaryIO, kind: str, filters: str) -> Iterator[Any]:
    with libarchive.read.new_archive_read(kind, filters) as pointer:
        _told(ffi.read_open_fd, pointer, source.fileno(), 64 * 1024)
        yield pointer


def _told(call: Callable[..., Any], *arguments: Any) -> Any:
    """What the library answers. Raises `Unreadable` by a code of ours for whatever it complains of."""
    try:
        return call(*arguments)
    except libarchive.ArchiveError as error:
        raise Unreadable(f"archive.{_code(error)}", "") from None


def _code(error: "libarchive.ArchiveError") -> str:
    message = str(error.msg).lower()
    return "encrypted" if "encrypt" in message or "passphrase" in message else "damaged"


def _words(entry: Any, number: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    for word, plain, wide in _WORDS:
        said = getattr(ffi, plain)(entry._entry_p)
        if said is None:
            text = getattr(ffi, wide)(entry._entry_p)
            said = text.encode("utf-8", "replace") if text else b""
        if said:
            yield {"member": number, "word": word}, said[:65536]


def _data(pointer: Any) -> Iterator[bytes]:
    buffer = bytearray(_PIECE)
    space = (ffi.ctypes.c_char * _PIECE).from_buffer(buffer)
    while length := ffi.read_data(pointer, space, _PIECE):
        yield bytes(buffer[:length])
