"""Archives and compressed files to test with, made by the standard library, by libarchive, or by hand where neither writes them."""

import bz2
import ctypes.util
import gzip
import io
import lzma
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable, Sequence

import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TABLE = b"id,name\n1,jane\n2,bob\n"
MEMBERS = (("a.txt", b"about bob\n"), ("jane.csv", TABLE), ("z.txt", b"and others\n"))

needs_libarchive = pytest.mark.skipif(ctypes.util.find_library("archive") is None, reason="apt-get install libarchive13")


def tar_of(
    members: Sequence[tuple[str, bytes]] = MEMBERS, kind: int = tarfile.USTAR_FORMAT, owner: str = "", links: Sequence[tuple[str, str]] = ()
) -> bytes:
    """A tar archive; `links` are symbolic ones, by name and target."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=kind) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uname, member.gname = len(data), 1_600_000_000, owner, "staff"
            archive.addfile(member, io.BytesIO(data))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return sink.getvalue()


def zip_of(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return sink.getvalue()


def lzma_alone(data: bytes) -> bytes:
    return lzma.compress(data, lzma.FORMAT_ALONE)


def lzma_unpacked(data: bytes) -> bytes:
    return lzma.decompress(data, lzma.FORMAT_ALONE)


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


#: Step in places, how to pack, how to unpack.
SQUEEZED: tuple[tuple[str, Callable[[bytes], bytes], Callable[[bytes], bytes]], ...] = (
    ("gz", gzipped, gzip.decompress),
    ("bz2", bz2.compress, bz2.decompress),
    ("xz", lzma.compress, lzma.decompress),
    ("lzma", lzma_alone, lzma_unpacked),
    ("zst", zstd.compress, zstd.decompress),
)


def cpio_of(*members: tuple[str, bytes]) -> bytes:
    """In the form `newc`."""
    written = b""
    for number, (name, data) in enumerate((*members, ("TRAILER!!!", b"")), 1):
        fields = (number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        written += head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    return written


def ar_of(*members: tuple[str, bytes]) -> bytes:
    body = b"".join(
        f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2) for name, data in members
    )
    return b"!<arch>\n" + body


def cab_of(*members: tuple[str, bytes]) -> bytes:
    """One folder that is not compressed (MS-CAB 2)."""
    data = b"".join(content for _, content in members)
    files, at = b"", 0
    for name, content in members:
        files += struct.pack("<IIHHHH", len(content), at, 0, 0x5021, 0, 0x20) + name.encode() + b"\0"
        at += len(content)
    first = 36 + 8
    start = first + len(files)
    block = struct.pack("<IHH", 0, len(data), len(data)) + data
    head = b"MSCF" + struct.pack("<IIIIIBBHHHHH", 0, start + len(block), 0, first, 0, 3, 1, 1, len(members), 0, 1, 0)
    return head + struct.pack("<IHH", start, 1, 0) + files + block


def lha_of(*members: tuple[str, bytes]) -> bytes:
    """Stored, with headers of level 0."""
    written = b""
    for name, data in members:
        rest = (
            b"-lh0-" + struct.pack("<IIIBB", len(data), len(data), 0, 0x20, 0) + bytes([len(name)]) + name.encode() + struct.pack("<H", _crc16(data))
        )
        written += bytes([len(rest), sum(rest) & 255]) + rest + data
    return written + b"\0"


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return crc


def by_libarchive(kind: str, *members: tuple[str, bytes], options: str = "") -> bytes:
    """As `7zip` or `iso9660`."""
    import libarchive  # noqa: PLC0415  # where the library is missing these tests are skipped

    pieces: list[bytes] = []

    def keep(piece: bytes) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    with libarchive.custom_writer(keep, kind, options=options) as archive:
        for name, data in members:
            archive.add_file_from_memory(name, len(data), data)
    return b"".join(pieces)


#: A file or more for each format of the registry that is a container, but gzip and zip.
CONTAINERS = {
    "tar": [
        tar_of(),
        tar_of((("x" * 120 + "/jane.csv", TABLE), ("b.txt", b"bob\n")), tarfile.PAX_FORMAT, links=(("link", "home/jane"),)),
        tar_of((("y/" * 90 + "jane.csv", TABLE), ("b.txt", b"bob\n")), tarfile.GNU_FORMAT),
    ],
    "archive": [cpio_of(*MEMBERS)] if ctypes.util.find_library("archive") else [],
    **{step: [pack(TABLE), pack(tar_of())] for step, pack, _ in SQUEEZED if step != "gz"},
}
