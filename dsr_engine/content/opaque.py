"""Bytes of unknown shape: searched as they are, reported, never rewritten."""

import io
from collections.abc import Iterator, Sequence
from contextlib import closing

from dsr_engine.content.format import Budget, Opener, Reading, Writer
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.scan import windows
from dsr_engine.content.stream import cannot_rewrite, chunks, flowing, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_LEAST_OVERLAP = 4096
#: The share of an archive's time after which bytes of unknown shape in it are left aside, so that its other members are read.
_SHARE = 0.5


class Opaque:
    """A file that no format knows. Encoded or compressed text inside it stays unseen, which is why it is always a gap."""

    name = "binary"

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        overlap = reading.gate.reach if reading.gate is not None else _LEAST_OVERLAP
        budget = reading.budget if reading.depth else None
        with closing(flowing(_while_there_is_time(open_file, budget))) as source:
            for offset, data in windows(source, reading.gate, overlap):
                yield _unit(f"bytes:{offset}", data, reading)
        if budget is not None and budget.used > _SHARE:
            yield Gap(
                reading.collection,
                "binary.not_searched",
                "bytes in an archive were not searched to their end, so that time is left for the rest of it",
            )
        yield Gap(reading.collection, "binary.unknown", "a file is of a kind that cannot be read; only its bytes were searched")

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("A file of unknown kind cannot be rewritten.")
        return spliced(open_file, ())


def _while_there_is_time(open_file: Opener, budget: Budget | None) -> Iterator[bytes]:
    with closing(chunks(open_file)) as pieces:
        for piece in pieces:
            if budget is not None and budget.used > _SHARE:
                return
            yield piece


def opaque_bytes(open_file: Opener, place: str, reading: Reading) -> Iterator[Unit]:
    """What passes the gate in bytes that belong to no part of a file in a known format."""
    overlap = reading.gate.reach if reading.gate is not None else _LEAST_OVERLAP
    with closing(flowing(_while_there_is_time(open_file, reading.budget))) as source:
        for offset, data in windows(source, reading.gate, overlap):
            yield Unit(f"{reading.prefix}{place}/bytes:{offset}", data.decode("latin-1"), inside(reading, place), is_opaque=True)


def opaque_units(data: bytes, place: str, reading: Reading) -> Iterator[Unit]:
    """Bytes in a known format that could not be read as it says."""
    overlap = reading.gate.reach if reading.gate is not None else _LEAST_OVERLAP
    for _, window in windows(io.BytesIO(data), reading.gate, overlap):
        yield _unit(place, window, reading)


def _unit(place: str, data: bytes, reading: Reading) -> Unit:
    return Unit(reading.prefix + place, data.decode("latin-1"), inside(reading), is_opaque=True)
