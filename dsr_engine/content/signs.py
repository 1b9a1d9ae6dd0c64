"""Which runs of base64 and hex digits can say anything in plain letters: told from their digits, before any of them is decoded.

Files are full of such runs (numbers, ids, file names, pictures in mails), and decoding each costs more than all other looks together.
ASCII has its top bit clear, so in base64 of ASCII, zeros of UTF-16 included, each digit of a group of four has only half of its values; three
groups in a row are what an identifier of twelve bytes gives at any alignment. In hex the first digit of each pair is small.
"""

import binascii
import re
from collections.abc import Iterator

from dsr_engine.content.views import Run, runs

_QUAD = r"[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-]"
_PAIRS = r"(?:00)?(?:[2-7][0-9A-Fa-f](?:00)?){8,}"
#: One of these is in every short run that matters: base64 of plain letters, hex of them.
_SIGN = re.compile(f"(?:{_QUAD}){{3}}|{_PAIRS}".encode())
#: From this length on a run may be a digest (22 digits are an MD5 in base64), or a line of a longer text.
_LONG = 22

_HEX = re.compile("[0-9A-Fa-f]{16,}")
#: So much readable text in a decoded run may be an encoding itself.
_READABLE = re.compile(rb"[\t\n\r\x20-\x7e]{16,}")


def is_telling(data: bytes, start: int, end: int) -> bool:
    """True if this run may say something in plain letters, or be a digest."""
    return end - start >= _LONG or _SIGN.search(data, start, end) is not None


def decoded(text: str) -> Iterator[bytes]:
    """What all runs in a text say, in bulk: one answer for each of the four alignments of base64 and the two of hex."""
    found = list(runs(text))
    for shift in range(4):
        yield b"\0\n".join(_base64(run, shift) for run in found)
    pairs = [digits for run in found for digits in _HEX.findall(run.digits)]
    for shift in (0, 1) if pairs else ():
        yield b"\0\n".join(bytes.fromhex(digits[shift : shift + (len(digits) - shift) // 2 * 2]) for digits in pairs)


def readable(data: bytes) -> str:
    """The stretches of decoded bytes that may be encoded once more."""
    return "\n\n".join(stretch.decode("ascii") for stretch in _READABLE.findall(data))


def _base64(run: Run, shift: int) -> bytes:
    digits = run.digits[shift:]
    usable = digits[: len(digits) - (len(digits) % 4 == 1)].replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(usable + "=" * (-len(usable) % 4))
