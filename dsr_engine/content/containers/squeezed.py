"""Files that are compressed as a whole by bzip2, xz, lzma or zstd: what is inside is read by its own format under `bz2/`, `xz/`, `lzma/`, `zst/`.

Several streams behind each other are one file, as for the programs that write them. An edited file is compressed anew as one stream with the settings
that the old one tells of. What stands behind the last stream is searched as bytes.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from dsr_engine.content.containers.inflate import Ratio, damaged, step
from dsr_engine.content.containers.members import budget_of, step_into, unhurried
from dsr_engine.content.containers.stream_codecs import Codec, Start
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, flowing, head_of, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_PIECE = 256 * 1024
#: Bytes by which the start of a stream is told.
_HEAD = 64


@dataclass(slots=True)
class _Beside:
    """Bytes of the file that are not compressed: (start, end) of frames that programs skip, and where something else begins."""

    skipped: dict[int, int] = field(default_factory=dict)
    junk: int | None = None


class Squeezed:
    """One way of compressing whole files."""

    def __init__(self, nested: Nested, codec: Codec) -> None:
        self._nested = nested
        self._codec = codec
        self.name = codec.name

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        budget, beside = budget_of(reading), _Beside()
        inner = step_into(reading, self._codec.step, self._inner_name(reading.name), budget)
        yield from self._nested.read(lambda: flowing(self._content(open_file, budget, beside)), inner)
        for number, start in enumerate(sorted(beside.skipped), 1):
            if not self._codec.is_index(head_of(part_of(open_file, start), _HEAD)):
                yield Gap(reading.collection, "archive.skipped", "a compressed file holds frames that programs skip; they were searched as bytes")
            yield from opaque_bytes(part_of(open_file, start, beside.skipped[start]), f"skipped:{number}", reading)
        if beside.junk is not None:
            yield Gap(reading.collection, "archive.trailing", "something else stands behind a compressed file; it was searched as bytes")
            yield from opaque_bytes(part_of(open_file, beside.junk), "rest", reading)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        if not edits:
            return spliced(open_file, ())
        try:
            self._refuse_what_would_be_lost(open_file, reading)
            inner = step_into(reading, self._codec.step, self._inner_name(reading.name), unhurried(reading.limits))
            if any(not edit.place.startswith(inner.prefix) for edit in edits):
                raise cannot_rewrite("There is no place of that kind in this file.", "plan again: the file is not what it was")
            writer = self._nested.prepare(lambda: flowing(self._content(open_file, unhurried(reading.limits), _Beside())), edits, rewriter, inner)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        return self._compressing(writer, head_of(open_file, _HEAD))

    def _refuse_what_would_be_lost(self, open_file: Opener, reading: Reading) -> None:
        """Reads it through once, so that nothing is written before it is known to be whole."""
        beside = _Beside()
        for _ in self._content(open_file, unhurried(reading.limits), beside):
            pass
        if beside.junk is not None:
            raise cannot_rewrite("Something else stands behind the compressed file.")
        if not all(self._codec.is_index(head_of(part_of(open_file, start), _HEAD)) for start in beside.skipped):
            raise cannot_rewrite("The compressed file holds frames of another program.")

    def _content(self, open_file: Opener, budget: Budget, beside: _Beside) -> Iterator[bytes]:
        """The decompressed bytes of all streams; notes what stands beside them."""
        ratio = Ratio(budget)
        with closing(opened(open_file)) as source:
            at = 0
            while True:
                source.seek(at)
                head = source.read(_HEAD)
                start, length = self._codec.start(head, is_first=not at)
                if not head or start is Start.NOTHING:
                    return
                if start is Start.JUNK:
                    if not at:
                        raise damaged()
                    beside.junk = at
                    return
                if start is Start.STREAM:
                    source.seek(at)
                    at = yield from self._stream(source, at, ratio)
                else:
                    if start is Start.SKIPPED:
                        beside.skipped[at] = at + length
                    at += length

    def _stream(self, source: BinaryIO, at: int, ratio: Ratio) -> Generator[bytes, None, int]:
        """The content of one stream; returns where the next one begins."""
        decompressor = self._codec.decompressor()
        while not decompressor.eof:
            piece = source.read(_PIECE)
            if not piece:
                raise Unreadable("archive.truncated", "a compressed file ends too early; the rest was not read")
            at += len(piece)
            ratio.taken += len(piece)
            yield from step(decompressor, piece, ratio)
        return at - len(decompressor.unused_data)

    def _compressing(self, writer: Writer, head: bytes) -> Writer:
        def write(sink: BinaryIO) -> None:
            squeezing = _Squeezing(sink, self._codec, head)
            writer(cast(BinaryIO, squeezing))
            squeezing.finish()

        return write

    def _inner_name(self, name: str) -> str:
        stem, _, ending = name.rpartition(".")
        return stem if ending.lower() in self._codec.endings else ""


class _Squeezing:
    """A sink that compresses what it gets into one stream."""

    def __init__(self, sink: BinaryIO, codec: Codec, head: bytes) -> None:
        self._sink = sink
        self._compressor = codec.compressor(head)

    def write(self, data: bytes) -> int:
        self._sink.write(self._compressor.compress(data))
        return len(data)

    def finish(self) -> None:
        self._sink.write(self._compressor.flush())
