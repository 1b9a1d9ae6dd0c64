"""Archives that are built to do harm, each read by a process of its own: it ends, in bounded memory, and says what it did not read."""

import json
import lzma
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.content.container_samples import SQUEEZED, TABLE, by_libarchive, gzipped, needs_libarchive, tar_of, zip_of

_MIB = 1024 * 1024
#: Reads the file of its argument; says how often what was found, which gaps there were, and the most bytes of memory.
_READER = """
import json, sys
from pathlib import Path
from dsr_engine.content.files import read_file
from dsr_engine.content.format import Reading
from dsr_engine.domain.record import Gap
from dsr_engine.content.match import Matcher
from tests.content.people import JANE
gaps, found = set(), 0
for got in read_file(lambda: open(sys.argv[1], "rb"), Reading("files", Matcher({"case": JANE}).gate)):
    if isinstance(got, Gap):
        gaps.add(got.code)
    else:
        found += 1
most = next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps([found, sorted(gaps), most]))
"""


def _read_apart(data: bytes, folder: Path) -> tuple[int, list[str]]:
    """What was found, and the gaps. Fails where it takes more than a GiB; time is the business of the limits, whose gaps are asked for."""
    path = folder / "hostile"
    path.write_bytes(data)
    said = subprocess.run([sys.executable, "-c", _READER, str(path)], capture_output=True, check=True, timeout=600).stdout
    found, gaps, memory = json.loads(said)
    assert memory < 1024 * _MIB
    return found, gaps


def _zeros(size: int, window: int = -15) -> bytes:
    deflater, block = zlib.compressobj(9, zlib.DEFLATED, window), bytes(_MIB)
    return b"".join(deflater.compress(block) for _ in range(size // _MIB)) + deflater.flush()


def _nested_like_42() -> bytes:
    inner = zip_of(("0.dll", bytes(64 * _MIB)))
    for _ in range(5):
        inner = zip_of(*((f"{number:x}.zip", inner) for number in range(16)))
    return inner


def _entry(name: bytes, crc: int, packed: int, size: int, method: int, offset: int) -> bytes:
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, method, 0, 0x21, crc, packed, size, len(name), 0, 0, 0, 0, 0, offset) + name


def _local(name: bytes, crc: int, packed: int, size: int, method: int) -> bytes:
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, method, 0, 0x21, crc, packed, size, len(name), 0) + name


def _closed(body: bytes, entries: bytes, count: int) -> bytes:
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(entries), len(body))
    wide += struct.pack("<4sLQL", b"PK\6\7", 0, len(body) + len(entries), 1)
    short = min(count, 0xFFFF)
    return body + entries + wide + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, short, short, len(entries), len(body), 0)


def _overlapping() -> bytes:
    """Every entry names the same kernel of data."""
    data, crc = _zeros(16 * _MIB), zlib.crc32(bytes(16 * _MIB))
    body = _local(b"A", crc, len(data), 16 * _MIB, 8) + data
    return _closed(body, b"".join(_entry(b"%05d" % number, crc, len(data), 16 * _MIB, 8, 0) for number in range(10_000)), 10_000)


def _quoting() -> bytes:
    """Each member quotes the header of the next one as a stored block and goes on into it (Fifield, A better zip bomb, 2019)."""
    kernel, size, crc = _zeros(16 * _MIB), 16 * _MIB, 0
    tail, entries, lengths = kernel, [], [len(kernel)]
    for number in range(300):
        name = b"%04d" % number
        header = _local(name, crc, len(tail), size, 8)
        entries.append((name, len(tail), size, len(header) + len(tail)))
        quoted = b"\0" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF)
        tail, size = quoted + header + tail, size + len(header)
        lengths.append(len(tail))
    body = tail[5:]
    listed = b"".join(_entry(name, crc, packed, size, 8, len(body) - behind) for name, packed, size, behind in entries)
    return _closed(body, listed, len(entries))


def _a_million_members() -> bytes:
    body, entries = bytearray(), bytearray()
    for number in range(1_000_000):
        name = b"x%x" % number
        entries += _entry(name, 0, 0, 0, 0, len(body))
        body += _local(name, 0, 0, 0, 0)
    return _closed(bytes(body), bytes(entries), 1_000_000)


def _headers_only() -> bytes:
    """Members that no directory lists, each without an end."""
    return b"".join(struct.pack("<4s5H3L2H", b"PK\3\4", 20, 8, 8, 0, 0x21, 0, 0, 0, 1, 0) + b"A\x4b\x04" for _ in range(3_000))


def _many_in_tar() -> bytes:
    head = tarfile.TarInfo("x" * 20)
    head.size = 3
    return (head.tobuf(tarfile.USTAR_FORMAT) + b"abc" + bytes(509)) * 260_000


def _sparse_exabyte() -> bytes:
    head = bytearray(tarfile.TarInfo("holes").tobuf(tarfile.GNU_FORMAT))
    head[156:157] = b"S"
    head[386:434] = b"".join(b"\x80" + number.to_bytes(11, "big") for number in (0, 4, (1 << 60) - 4, 0))
    head[124:136], head[483:495], head[148:156] = b"\x80" + (4).to_bytes(11, "big"), b"\x80" + (1 << 60).to_bytes(11, "big"), b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + b"jane" + bytes(508 + 1024)


def _deep() -> bytes:
    data = TABLE
    for number in range(40):
        data = zip_of(("a", data)) if number % 6 == 5 else SQUEEZED[number % 5][1](data)
    return data


def _endless_dictionary() -> bytes:
    packed = bytearray(lzma.compress(TABLE, check=lzma.CHECK_NONE))
    end = 12 + (packed[12] + 1) * 4
    packed[packed.index(b"\x21\x01", 12) + 2] = 40
    packed[end - 4 : end] = struct.pack("<L", zlib.crc32(bytes(packed[12 : end - 4])))
    return bytes(packed)


_HOSTILE: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "members over each other": (_overlapping, {"zip.overlap"}),
    "members that quote the next": (_quoting, {"zip.overlap"}),
    "gzip of zeros": (lambda: _zeros(160 * _MIB, 31), {"archive.bomb"}),
    "headers without a directory": (_headers_only, {"zip.damaged"}),
    "a tar file of holes": (_sparse_exabyte, {"archive.bomb"}),
    "deeper than the limit": (_deep, {"archive.too_deep"}),
    "a dictionary of 4 GiB": (_endless_dictionary, {"archive.memory"}),
    "bz2 in bz2 of zeros": (lambda: SQUEEZED[1][1](SQUEEZED[1][1](bytes(160 * _MIB))), {"archive.bomb"}),
    "zstd of zeros": (lambda: SQUEEZED[4][1](bytes(160 * _MIB)), {"archive.bomb"}),
    "xz of zeros": (lambda: lzma.compress(bytes(160 * _MIB), preset=0), {"archive.bomb"}),
}
_LARGE: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "nested like 42.zip": (_nested_like_42, {"archive.bomb", "archive.too_large", "archive.too_long"}),
    "a million members": (_a_million_members, {"archive.too_many_members", "archive.too_long"}),
    "a tar file of tiny members": (_many_in_tar, {"archive.too_many_members", "archive.too_long"}),
}


@pytest.mark.parametrize("which", _HOSTILE)
def test_it_ends_and_says_what_was_not_read(which: str, tmp_path: Path) -> None:
    make, expected = _HOSTILE[which]
    _, gaps = _read_apart(make(), tmp_path)
    assert expected & set(gaps)


@pytest.mark.slow
@pytest.mark.parametrize("which", _LARGE)
def test_so_does_what_takes_a_while(which: str, tmp_path: Path) -> None:
    make, expected = _LARGE[which]
    _, gaps = _read_apart(make(), tmp_path)
    assert expected & set(gaps)


@pytest.mark.slow
@needs_libarchive
def test_so_do_archives_of_other_programs(tmp_path: Path) -> None:
    many = by_libarchive("7zip", *((f"{number:x}", b"") for number in range(10_000)))
    assert "archive.members_only" in _read_apart(many, tmp_path)[1]
    assert "archive.bomb" in _read_apart(by_libarchive("7zip", ("zeros", bytes(128 * _MIB))), tmp_path)[1]


def test_a_large_honest_file_is_read_to_its_end(tmp_path: Path) -> None:
    """20 MB of text, twice, in an archive that is a fortieth of it."""
    lines = b"".join(b"%d;nobody at all;some words\n" % number for number in range(700_000)) + b"9;jane.doe@example.com;x\n"
    found, gaps = _read_apart(gzipped(tar_of((("a.csv", lines), ("b.zip", zip_of(("c.csv", lines)))))), tmp_path)
    assert found >= 2
    assert gaps == []
