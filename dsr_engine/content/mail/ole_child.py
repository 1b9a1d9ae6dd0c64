"""The part of reading an OLE compound file that the confined child does: olefile finds its streams, which are given in pieces."""

import codecs
import struct
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import olefile

from dsr_engine.content.format import Unreadable

#: The child can open no file, so the codec of names has to be there before.
codecs.lookup("utf-16-le")
_PIECE = 4 * 1024 * 1024
_MOST_STREAMS = 20_000
#: What the parser makes of a damaged file.
_ERRORS = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, struct.error)


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Iterator[tuple[dict[str, Any], bytes]]:  # noqa: ARG001  # the protocol's arguments
    """Every stream: its path, then its bytes."""
    try:
        compound = olefile.OleFileIO(source)
        paths = compound.listdir(streams=True, storages=False)
    except _ERRORS:
        raise Unreadable("ole.damaged", "") from None
    if len(paths) > _MOST_STREAMS:
        raise Unreadable("ole.too_many", "")
    for path in paths:
        try:
            stream = compound.openstream(path)
        except _ERRORS:
            yield {"kind": "damaged"}, b""
            continue
        yield {"kind": "stream", "path": path}, stream.read(_PIECE)
        while piece := stream.read(_PIECE):
            yield {"kind": "more", "path": path}, piece
