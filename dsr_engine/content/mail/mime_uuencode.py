"""Files in the text of a mail: uuencode (POSIX `uuencode`) and yEnc, as transfer encodings of a part and in the middle of a text.

Both are decoded line by line, and a line that is damaged hides no other. Nobody writes them any more, so they are read and not rewritten.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Names under which programs announced these encodings; none was ever registered.
UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue", "x-uu"})
YENC = frozenset({"x-yenc", "yenc"})
BINHEX = b"(This file must be converted with BinHex"

_BEGIN = re.compile(rb"(?m)^begin(?:-base64)? [0-7]{3,4} [^\r\n]*\r?$")
_END = re.compile(rb"(?m)^end[ \t]*\r?$")
_YBEGIN = re.compile(rb"(?m)^=ybegin [^\r\n]*\r?$")
_YEND = re.compile(rb"(?m)^=yend[^\r\n]*\r?$")
_YPART = re.compile(rb"\r?\n=ypart [^\r\n]*")
_YESCAPE = re.compile(rb"=(.)", re.DOTALL)
_YSHIFT = bytes((byte - 42) % 256 for byte in range(256))
#: How far behind a beginning its end is looked for. Bytes.
_LONGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in a text: its number there, its name, and its decoded content."""

    number: int
    name: bytes
    content: bytes


def packed_in(text: bytes) -> Iterator[Packed]:
    """The files in a text, damaged ones as far as they go."""
    found = sorted(
        [*((one.start(), one.end(), False) for one in _BEGIN.finditer(text)), *((one.start(), one.end(), True) for one in _YBEGIN.finditer(text))]
    )
    for number, (start, behind, is_yenc) in enumerate(found, 1):
        following = found[number][0] if number < len(found) else len(text)
        end = (_YEND if is_yenc else _END).search(text, behind, following)
        body = text[behind : end.start() if end else following][:_LONGEST]
        line = text[start:behind].strip()
        name = line.partition(b"name=")[2] if is_yenc else line.split(b" ", 2)[2]
        content = from_yenc_lines(body) if is_yenc else _from_base64(body) if line.startswith(b"begin-") else from_uu_lines(body)
        yield Packed(number, name, content)


def from_uu_lines(body: bytes) -> bytes:
    """What the lines between `begin` and `end` say."""
    pieces: list[bytes] = []
    for line in body.splitlines():
        line = line.rstrip(b"\r\n")
        if not line or line.startswith((b"begin ", b"end")):
            continue
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:
            pieces.append(_repaired(line))
    return b"".join(pieces)


def _repaired(line: bytes) -> bytes:
    """A line whose length is wrong or whose spaces at the end were lost, read as the CPython documentation of `uu` advises."""
    count = ((line[0] - 32) & 63) * 4 // 3 + 5
    try:
        return binascii.a2b_uu(line[:count])
    except binascii.Error:
        return b""


def _from_base64(body: bytes) -> bytes:
    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
    digits = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def from_yenc_lines(body: bytes) -> bytes:
    """What the lines between `=ybegin` and `=yend` say (yEnc 1.3)."""
    data = _YPART.sub(b"", body).replace(b"\r", b"").replace(b"\n", b"")
    return _YESCAPE.sub(lambda code: bytes(((code[1][0] - 64) % 256,)), data).translate(_YSHIFT)


def unpacked(data: bytes, encoding: str) -> bytes:
    """A whole part in one of these encodings; where it has no beginning, its lines as they are."""
    found = tuple(packed_in(data))
    if found:
        return b"".join(one.content for one in found)
    return from_yenc_lines(data) if encoding in YENC else from_uu_lines(data)
