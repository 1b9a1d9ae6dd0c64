"""ORC: read like Parquet (`parquet_file`), stripe by stripe and column by column. It is never rewritten.

What pyarrow writes is another file: `char(10)` and `varchar(10)` become `string`, the writer's own metadata, time zone, bloom filters and row
indexes are lost. A table in Hive or Trino would take that for a changed schema, so the whole file is deleted, or a person decides.
"""

import io
from collections.abc import Iterator, Sequence

from dsr_engine.content.apart import on_disk, spoken
from dsr_engine.content.columnar.arrow_search import NEEDS_EXTRA, ArrowSearch, as_bytes, has_library
from dsr_engine.content.format import Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import inside
from dsr_engine.content.pread_file import reopened
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import cannot_rewrite, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

REASONS = {
    "orc.damaged": "an ORC file is damaged; what could not be read in it was searched as bytes only",
    "orc.unknown": "an ORC file has columns of a kind that is not read; it was searched as bytes only",
    "orc.encrypted": "an ORC file has encrypted columns, which were not read",
}
#: Fields of `FileTail` and of `Footer` in orc_proto.proto.
_FOOTER, _ENCRYPTION = 2, 10


class Orc:
    """Reads columns in a child (`orc_child`)."""

    name = "orc"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if not has_library():
            yield Gap(reading.collection, "format.needs_extra", NEEDS_EXTRA)
            yield from as_bytes(open_file, reading)
            return
        with on_disk(open_file) as file:
            search = ArrowSearch(file, reading, "dsr_engine.content.columnar.orc_child:read", "orc", REASONS)
            tail = b""
            try:
                frames = spoken("dsr_engine.content.columnar.orc_child:tail", lambda: reopened(file), {}, reasons=REASONS, reading=reading)
                tail = b"".join(frame.body for frame in frames)
                if _ENCRYPTION in dict(_fields(dict(_fields(tail)).get(_FOOTER, b""))):
                    yield from search.gap("orc.encrypted", REASONS["orc.encrypted"], is_partial=False)
            except Unreadable as unreadable:
                yield from search.gap(unreadable.code, unreadable.reason)
            has_found = False
            for found in search.units():
                has_found = has_found or isinstance(found, Unit)
                yield found
            if reading.gate is not None and not has_found:
                for offset, data in windows(io.BytesIO(tail), reading.gate, reading.gate.reach):
                    yield Unit(f"{reading.prefix}metadata:{offset}", data.decode("latin-1"), inside(reading), is_opaque=True)
            if search.is_partial:
                yield from as_bytes(lambda: reopened(file), reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("A file in ORC cannot be rewritten without changing its schema.")
        return spliced(open_file, ())


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of the fields of a protocol buffer that have a length; it ends where the bytes make no sense."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 2:
            length, at = _varint(message, at)
            yield key >> 3, message[at : at + length]
            at += length
        elif kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        value |= (message[at] & 127) << shift
        at += 1
        if message[at - 1] < 128:
            break
        shift += 7
    return value, at
