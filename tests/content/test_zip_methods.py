"""Zip members by each method that is read, and what is written in its place where something in them is cut."""

import base64
import io
import lzma
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable

import pytest

from dsr_engine.content.containers.inflate import METHODS, Ratio, expanded
from dsr_engine.content.format import Budget, Limits, Unreadable
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from tests.content.container_samples import TABLE, zip_of
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: Made by 7-Zip 26 with -mm=Deflate64: 60 random digits, "jane", 70,000 times the letter a, the digits again, "bob".
_DEFLATE64 = base64.b64decode(
    "5MGxEcMgEACwPlNkhX8MHOOAwUWK7F96EEnzuiPLiha5d/bcUXrc0eMa+yqjlrZKRnv2PGeNXnuOZ56RZdf5/c3/+Uwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6P"
    "x+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6P"
    "x+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+PxeDwej8fj8Xg8Ho/H4/F4PB6Px+O95cGxEcQwCADBXFV8C4AkhnLAyOn3n7kHzzi6XTw8PDw8PDw8PDw8"
    "PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDy8j42cl6iVbNFudW0xl0tcZvS0WLbLVPbdeU6FL9e484Rar/zVv0bW++MB"
)


def _packed_as(method: int, packed: bytes, content: bytes, name: bytes = b"a.csv") -> bytes:
    crc = zlib.crc32(content)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 63, 0, method, 0, 0x21, crc, len(packed), len(content), len(name), 0) + name
    listed = struct.pack("<4s6H3L5H2L", b"PK\1\2", 63, 63, 0, method, 0, 0x21, crc, len(packed), len(content), len(name), 0, 0, 0, 0, 0, 0) + name
    body = local + packed
    return body + listed + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(listed), len(body), 0)


def _raw_lzma(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(zip_of(("x", data), method=zipfile.ZIP_LZMA))) as archive:
        info = archive.infolist()[0]
        return zip_of(("x", data), method=zipfile.ZIP_LZMA)[30 + 1 :][: info.compress_size]


_WAYS: dict[int, Callable[[bytes], bytes]] = {
    14: _raw_lzma,
    20: zstd.compress,
    93: zstd.compress,
    95: lzma.compress,
}


@pytest.mark.parametrize("method", _WAYS)
def test_members_that_the_standard_library_does_not_read_are_read_and_deflated_when_cut(method: int) -> None:
    before = _packed_as(method, _WAYS[method](TABLE), TABLE)
    assert "member:1/row:2/name" in texts(before, reading(WordGate("jane")))
    after = rewritten(before, [Edit("member:1/row:2", DropPart())])
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert archive.read("a.csv") == b"id,name\n2,bob\n"
        assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_by_bzip2_and_lzma_are_deflated_when_cut_and_copied_otherwise(method: int) -> None:
    before = zip_of(("a.csv", TABLE), ("b.csv", TABLE), method=method)
    after = rewritten(before, [Edit("member:1/row:2/name", RedactSpans())], "jane")
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert [info.compress_type for info in archive.infolist()] == [zipfile.ZIP_DEFLATED, method]
        assert archive.read("a.csv") == TABLE.replace(b"jane", b"[erased]")
        assert archive.read("b.csv") == TABLE


@pytest.mark.parametrize("flags", [0, 2, 4, 6])
def test_a_member_is_deflated_as_hard_as_it_was(flags: int) -> None:
    before = bytearray(zip_of(("a.csv", TABLE * 50)))
    before[6] |= flags
    before[before.index(b"PK\1\2") + 8] |= flags
    after = rewritten(bytes(before), [Edit("member:1/row:2", DropPart())])
    assert after[6] & 6 == flags
    with zipfile.ZipFile(io.BytesIO(after)) as archive:
        assert archive.read("a.csv") == (TABLE * 50).replace(b"1,jane\n", b"", 1)


def test_a_method_that_is_not_known_is_a_gap_and_is_not_written() -> None:
    before = _packed_as(98, b"\0" * 20, TABLE)
    assert gaps(before, reading(WordGate("jane"))) == ["zip.method"]
    with pytest.raises(NotSupported):
        rewritten(before, [Edit("member:1/row:2", DropPart())])


def _all_of(method: int, packed: bytes) -> bytes:
    return b"".join(expanded(iter([packed[at : at + 7] for at in range(0, len(packed), 7)]), method, Ratio(Budget(Limits()))))


def test_deflate64_is_read() -> None:
    digits = b"a4c123b1612dd272d1371c17149d439536b3216fdaeeb975729fae923d5a"
    content = digits + b" jane\n" + b"a" * 70_000 + b"\n" + digits + b" bob\n" + b"ab" * 30 + b"\n"
    assert _all_of(9, _DEFLATE64) == content
    assert "member:1/line:1" in texts(_packed_as(9, _DEFLATE64, content, b"a.txt"), reading(WordGate("jane")))
    assert gaps(_packed_as(9, _DEFLATE64[:-9], content, b"a.txt"), reading(WordGate("jane"))) == ["archive.truncated"]


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("content", [b"", b"a", bytes(range(256)) * 2, TABLE * 3])
def test_what_deflate_and_deflate64_share_is_read_alike(level: int, content: bytes) -> None:
    deflater = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = deflater.compress(content) + deflater.flush()
    assert _all_of(8, packed) == content
    assert _all_of(9, packed) == content


@pytest.mark.parametrize("method", [method for method in METHODS if method])
def test_nonsense_is_unreadable(method: int) -> None:
    for nonsense in (b"\xff" * 90, bytes(range(200)), b"\x07" * 30):
        with pytest.raises(Unreadable):
            _all_of(method, nonsense)
