"""Where pictures keep words: the segments of JPEG, the chunks of PNG and WebP, the extensions of GIF, as ranges of the file.

What is between them is picture, and is never touched. Each part knows how to be written with another content.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from dsr_engine.content.format import Unreadable
from dsr_engine.content.stream import cannot_rewrite

#: Bytes of one part; more is no metadata.
_LARGEST = 64 * 1024 * 1024
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """`kind`: exif, xmp, iptc, comment, text, other, tail. The bytes from `start` to `end` of the file hold `content` and what frames it."""

    kind: str
    start: int
    end: int
    content: bytes
    framed: Callable[[bytes], bytes]


def damaged() -> Unreadable:
    return Unreadable("image.damaged", "a picture is damaged; its bytes were searched as they are")


# ---- JPEG (ITU T.81 annex B, Exif 2.32 §4.7, XMP part 3)

_KINDS = ((0xE1, b"Exif\0\0", "exif"), (0xE1, b"http://ns.adobe.com/xap/1.0/\0", "xmp"), (0xED, b"Photoshop 3.0\0", "iptc"), (0xFE, b"", "comment"))


def jpeg_parts(source: BinaryIO) -> Iterator[Part]:
    at = 2
    source.seek(at)
    for _ in range(_MOST):
        head = source.read(4)
        if len(head) < 2 or head[0] != 0xFF:
            raise damaged()
        marker = head[1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
        elif marker == 0xD9:
            yield from _tail(source, at + 2)
            return
        else:
            length = int.from_bytes(head[2:4], "big")
            body = source.read(max(0, length - 2))
            if length < 2 or len(body) < length - 2:
                raise damaged()
            yield from _segment(marker, at, body)
            at += 2 + length
            if marker == 0xDA:
                at = _behind_scan(source, at)
        source.seek(at)
    raise damaged()


def _segment(marker: int, at: int, body: bytes) -> Iterator[Part]:
    for known, head, kind in _KINDS:
        if marker == known and body.startswith(head):
            yield Part(kind, at, at + 4 + len(body), body[len(head) :], partial(_segment_bytes, marker, head))
            return
    if not 0xC0 <= marker <= 0xDF:
        yield Part("other", at, at + 4 + len(body), body, partial(_segment_bytes, marker, b""))


def _segment_bytes(marker: int, head: bytes, content: bytes) -> bytes:
    body = head + content
    if len(body) > 65533:
        raise cannot_rewrite(
            "The metadata of a picture would not fit into their segment.", "delete the picture, or have its metadata removed by its owner"
        )
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def _behind_scan(source: BinaryIO, at: int) -> int:
    """The next marker behind entropy-coded data; stuffed bytes and restarts are part of them."""
    source.seek(at)
    carry = b""
    while piece := source.read(1024 * 1024):
        data = carry + piece
        found = data.find(b"\xff")
        while 0 <= found < len(data) - 1:
            if data[found + 1] != 0 and not 0xD0 <= data[found + 1] <= 0xD7 and data[found + 1] != 0xFF:
                return at + found
            found = data.find(b"\xff", found + 1)
        keep = 1 if data.endswith(b"\xff") else 0
        at += len(data) - keep
        carry = data[len(data) - keep :]
    raise damaged()


def _tail(source: BinaryIO, at: int) -> Iterator[Part]:
    """What somebody put behind the end of the picture: a film, another picture, a note."""
    source.seek(at)
    rest = source.read(_LARGEST + 1)
    if len(rest) > _LARGEST:
        raise Unreadable("image.too_large", "what follows a picture in its file is larger than the limit; its bytes were searched as they are")
    if rest.strip(b"\0"):
        yield Part("tail", at, at + len(rest), rest, bytes)


# ---- PNG (ISO 15948)


def png_parts(source: BinaryIO) -> Iterator[Part]:
    at = 8
    for _ in range(_MOST * 50):
        source.seek(at)
        head = source.read(8)
        if len(head) < 8:
            raise damaged()
        length, name = struct.unpack(">I4s", head)
        kind = {b"tEXt": "text", b"zTXt": "text", b"iTXt": "text", b"eXIf": "exif"}.get(name)
        if kind or name not in (b"IDAT", b"fdAT", b"PLTE", b"IHDR"):
            body = source.read(min(length, _LARGEST))
            if len(body) < length:
                raise damaged()
            content = name + body if kind == "text" else body
            yield Part(kind or "other", at, at + 12 + length, content, partial(_chunk, b"" if kind == "text" else name))
        at += 12 + length
        if name == b"IEND":
            yield from _tail(source, at)
            return
    raise damaged()


def _chunk(name: bytes, content: bytes) -> bytes:
    """A chunk; the name is in the content already where it is empty."""
    content = name + content
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def png_text(content: bytes) -> tuple[bytes, bytes, str]:
    """Everything before the text, the text, and its codec. Raises `Unreadable`."""
    name, body = content[:4], content[4:]
    word = body.find(b"\0") + 1
    if not word:
        raise damaged()
    if name == b"tEXt":
        return body[:word], body[word:], "latin-1"
    if name == b"zTXt":
        return body[: word + 1], _inflated(body[word + 1 :]), "latin-1"
    start = body.find(b"\0", body.find(b"\0", word + 2) + 1) + 1
    if start <= word + 2:
        raise damaged()
    return body[:start], _inflated(body[start:]) if body[word] else body[start:], "utf-8"


def png_text_with(content: bytes, text: bytes) -> bytes:
    """The chunk's name and body with another text, compressed as it was."""
    name, head = content[:4], png_text(content)[0]
    is_packed = name == b"zTXt" or (name == b"iTXt" and head[head.find(b"\0") + 1] == 1)
    return name + head + (zlib.compress(text) if is_packed else text)


def _inflated(data: bytes) -> bytes:
    try:
        inflater = zlib.decompressobj()
        out = inflater.decompress(data, _LARGEST)
    except zlib.error:
        raise damaged() from None
    if inflater.unconsumed_tail:
        raise Unreadable("archive.too_large", "a compressed text is larger than the limit; it was not read")
    return out


# ---- WebP (RFC 9649)


def webp_parts(source: BinaryIO) -> Iterator[Part]:
    """A part that changes its length changes that of the file: `grown` says so."""
    source.seek(0)
    end = 8 + int.from_bytes(source.read(8)[4:8], "little")
    at = 12
    while at < end:
        source.seek(at)
        head = source.read(8)
        if len(head) < 8:
            raise damaged()
        name, length = struct.unpack("<4sI", head)
        if at + 8 + length > end + 1:
            raise damaged()
        kind = {b"EXIF": "exif", b"XMP ": "xmp"}.get(name)
        if kind or name not in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"):
            body = source.read(min(length, _LARGEST))
            if len(body) < length:
                raise damaged()
            yield Part(kind or "other", at, at + 8 + length + length % 2, body, partial(_riff, name))
        at += 8 + length + length % 2
    yield from _tail(source, at)


def _riff(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)


# ---- GIF (version 89a)


def gif_parts(source: BinaryIO) -> Iterator[Part]:
    source.seek(0)
    head = source.read(13)
    at = 13 + (3 << (head[10] & 7) + 1 if len(head) == 13 and head[10] & 0x80 else 0)
    for _ in range(_MOST * 5):
        source.seek(at)
        head = source.read(10)
        if head[:1] == b";":
            yield from _tail(source, at + 1)
            return
        if head[:1] == b",":
            start = at + 10 + (3 << (head[9] & 7) + 1 if len(head) == 10 and head[9] & 0x80 else 0) + 1
            at = _blocks(source, start)[1]
        elif head[:1] == b"!" and len(head) > 1:
            content, end = _blocks(source, at + 2)
            prefix = head[:2]
            if head[1] == 0xFE:
                yield Part("comment", at, end, content, partial(_extension, prefix))
            elif head[1] != 0xF9:
                yield Part("other", at, end, content, partial(_extension, prefix))
            at = end
        else:
            raise damaged()
    raise damaged()


def _blocks(source: BinaryIO, at: int) -> tuple[bytes, int]:
    """The content of sub-blocks, and where they end."""
    source.seek(at)
    out = bytearray()
    while True:
        size = source.read(1)
        at += 1
        if not size:
            raise damaged()
        if size == b"\0":
            return bytes(out), at
        piece = source.read(size[0])
        if len(piece) < size[0] or len(out) > _LARGEST:
            raise damaged()
        out += piece
        at += len(piece)


def _extension(prefix: bytes, content: bytes) -> bytes:
    pieces = (content[at : at + 255] for at in range(0, len(content), 255))
    return prefix + b"".join(bytes((len(piece),)) + piece for piece in pieces) + b"\0"
