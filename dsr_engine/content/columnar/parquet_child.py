"""Parquet files in the child that reads them: by column for a search, by row for what was asked for. It knows nothing of any person.

Apache Parquet, *parquet.thrift*. What Arrow wrote about its own types (`ARROW:schema`) is left out before Arrow sees the footer: types are those
that are stored, and one parser less reads hostile bytes.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow.parquet

from dsr_engine.content.columnar.arrow_answers import BATCH, FAILURES, Said, answered
from dsr_engine.content.columnar.arrow_spread import paths
from dsr_engine.content.columnar.parquet_footer import COLUMNS as GROUP_COLUMNS
from dsr_engine.content.columnar.parquet_footer import (
    CRYPTO,
    ENCODING_STATS,
    KEY_VALUES,
    MAGIC,
    META,
    SEALED_META,
    Footer,
    footer_of,
    number,
    structs,
)
from dsr_engine.content.columnar.parquet_thrift import damaged, written
from dsr_engine.content.format import Unreadable
from dsr_engine.content.pread_file import Seekable

#: Rows that one batch may have.
_MOST_ROWS = 128 * 1024
#: Bytes of all columns' buffers together.
_BUFFERS = 32 * 1024 * 1024
_BYTE_ARRAY, _DICTIONARY_ENCODINGS, _DATA_PAGES = 6, (2, 8), (0, 3)


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Said:  # noqa: ARG001  # the protocol of children
    """What the request asks for."""
    yield from answered(Opened(source), request)


class Opened:
    """A file that pyarrow could open. Raises `Unreadable` where it could not."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = Seekable(source)
        self.footer = _footer(self.source)
        try:
            metadata = plain_metadata(self.footer) if self.footer else None
            dictionaries = _dictionaries(self.footer) if self.footer else []
            self.file = opened(self.source, metadata, dictionaries)
            self.schema = self.file.schema_arrow
            self.paths = list(paths(self.schema))
            stored = self.file.schema
            self.uuids = [stored.column(at).logical_type.type == "UUID" for at in range(len(stored))]
        except FAILURES:
            raise damaged() from None
        if len(self.uuids) != len(self.paths):
            raise Unreadable("parquet.unknown", "")
        self.groups = [self.file.metadata.row_group(at).num_rows for at in range(self.file.num_row_groups)]

    def batches(self, group: int, leaves: Sequence[int]) -> Iterator[Any]:
        """The batches of these leaves of a row group, each small enough."""
        metadata = self.file.metadata.row_group(group)
        stored = sum(max(0, metadata.column(at).total_uncompressed_size) for at in leaves)
        each = max(1, stored // max(1, metadata.num_rows))
        count = max(64, min(_MOST_ROWS, BATCH // each))
        yield from self.file.reader.iter_batches(count, row_groups=[group], column_indices=list(leaves), use_threads=False)

    def is_sealed(self, group: int, leaf: int) -> bool:
        """True for a chunk that is encrypted."""
        if self.footer is None:
            return False
        chunk = structs(self.footer.groups[group], GROUP_COLUMNS)[leaf]
        return CRYPTO in chunk or SEALED_META in chunk or META not in chunk


def opened(source: Any, metadata: Any, dictionaries: Sequence[str] = (), **options: Any) -> Any:
    """The file by pyarrow: no threads, nothing read ahead, types as they are stored."""
    columns = max(1, metadata.num_columns) if metadata is not None else 16
    return pyarrow.parquet.ParquetFile(
        source,
        metadata=metadata,
        read_dictionary=list(dictionaries) or None,
        buffer_size=max(16 * 1024, min(1024 * 1024, _BUFFERS // columns)),
        pre_buffer=False,
        arrow_extensions_enabled=False,
        page_checksum_verification=True,
        **options,
    )


def _footer(source: Any) -> Footer | None:
    """The footer as we read it; None where only pyarrow may understand it."""
    try:
        return footer_of(source)
    except Unreadable as unreadable:
        if unreadable.code == "parquet.encrypted":
            raise
        return None


def plain_metadata(footer: Footer, change: Callable[[dict[int, Any]], None] = lambda _: None) -> Any:
    """The footer for pyarrow, without what Arrow said of its types; `change` may alter it further."""
    meta = {field: value for field, value in footer.meta.items() if field != KEY_VALUES}
    change(meta)
    data = written(meta)
    return pyarrow.parquet.read_metadata(io.BytesIO(MAGIC + data + len(data).to_bytes(4, "little") + MAGIC))


def _dictionaries(footer: Footer) -> list[str]:
    """The text columns that are stored as dictionaries throughout: they are searched as such."""
    groups = [structs(group, GROUP_COLUMNS) for group in footer.groups[:1] + footer.groups[-1:]]
    found = []
    for at, leaf in enumerate(footer.leaves()):
        if leaf.physical == _BYTE_ARRAY and groups and all(_is_dictionary(chunks[at]) for chunks in groups):
            found.append(b".".join(leaf.path).decode("utf-8", "replace"))
    return found


def _is_dictionary(chunk: dict[int, Any]) -> bool:
    meta = chunk[META][1] if META in chunk else {}
    if ENCODING_STATS not in meta:
        return False
    pages = [each for each in structs(meta, ENCODING_STATS) if number(each, 1) in _DATA_PAGES]
    return bool(pages) and all(number(each, 2) in _DICTIONARY_ENCODINGS for each in pages)
