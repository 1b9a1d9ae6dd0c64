"""The copy of the schema that Arrow leaves in a file's metadata (`ARROW:schema`): base64 of a flatbuffer that repeats names and metadata of
columns.

Its strings are searched as they are. They are changed in place only: a string of the same length leaves a flatbuffer whole.
"""

import base64
import binascii
import re

from dsr_engine.content.rewriter import Rewriter

ARROW_SCHEMA = b"ARROW:schema"
_STRING = re.compile(rb"[^\x00-\x08\x0e-\x1f]{4,}")


def schema_texts(key: bytes, value: bytes) -> str:
    """What a metadata value says: itself, or the strings in Arrow's schema, one a line."""
    data = _decoded(value) if key == ARROW_SCHEMA else None
    if data is None:
        return value.decode("utf-8", "replace")
    return "\n".join(run.decode("utf-8", "replace") for run in _STRING.findall(data))


def redacted_value(key: bytes, value: bytes, rewriter: Rewriter) -> bytes:
    """The metadata value without the subject."""
    data = _decoded(value) if key == ARROW_SCHEMA else None
    if data is not None:
        return base64.b64encode(_STRING.sub(lambda run: _in_place(run[0], rewriter), data))
    return _redacted(value, rewriter)


def _decoded(value: bytes) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _redacted(data: bytes, rewriter: Rewriter) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    now = rewriter.redacted(text)
    return data if now == text else now.encode("utf-8", "surrogateescape")


def _in_place(run: bytes, rewriter: Rewriter) -> bytes:
    """A string of the same length. Where the mark is too long, stars stand between the quotes in which something was cut out."""
    now = _redacted(run, rewriter)
    if len(now) <= len(run):
        return now.ljust(len(run))
    starred = b'"'.join(_starred(piece, rewriter) for piece in run.split(b'"'))
    return starred if _redacted(starred, rewriter) == starred else b"*" * len(run)


def _starred(piece: bytes, rewriter: Rewriter) -> bytes:
    now = _redacted(piece, rewriter)
    if now == piece:
        return piece
    before = _alike(piece, now)
    behind = _alike(piece[before:][::-1], now[before:][::-1])
    return piece[:before] + b"*" * (len(piece) - before - behind) + piece[len(piece) - behind :]


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes at the beginning are the same."""
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))
