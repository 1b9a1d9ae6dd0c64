"""Archives that are read by libarchive in a confined child, each member by its own format under `member:N/`. They are never rewritten."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from ctypes.util import find_library
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import BinaryIO, cast

from dsr_engine.content.apart import Frame, spoken
from dsr_engine.content.containers.held import view_of
from dsr_engine.content.containers.inflate import Ratio
from dsr_engine.content.containers.members import budget_of, each_gap_once, name_units, step_into
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, head_of, opened, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_REASONS = {
    "archive.damaged": "an archive is damaged, or packed in a way that is not known; the rest was not read",
    "archive.encrypted": "an archive is encrypted; it was not read",
}
#: Why one member was not read to its end.
_ENDS = {
    "damaged": Gap("", "archive.member", "a member of an archive is damaged, or packed in a way that is not known; it was not read"),
    "encrypted": Gap("", "archive.encrypted", "a member of an archive is encrypted; it was not read"),
}
_WORDS = ("name", "link", "owner")
#: Bytes of a member that are kept in memory; larger ones go to a file without a name.
_IN_MEMORY = 4 * 1024 * 1024
_WHOLE = (b"\x1f\x9d", b"\x04\x22\x4d\x18", b"LZIP", b"\x89LZO")


class ArchiveFile:
    """7z, RAR, CAB, ISO 9660, cpio, ar and deb, LHA, xar, rpm; and files compressed by `compress`, lz4 or lzip (inside: `unpacked/`)."""

    name = "archive"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        yield from each_gap_once(self._archive(open_file, reading, budget_of(reading)))

    def _archive(self, open_file: Opener, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        is_whole = head_of(open_file, 8).startswith(_WHOLE)
        with closing(opened(open_file)) as source:
            size = source.seek(0, 2)
        try:
            frames = spoken(
                "dsr_engine.content.containers.archive_child:read",
                open_file,
                {},
                reasons=_REASONS,
                reading=replace(reading, budget=budget),
            )
            yield from self._members(frames, size, is_whole, reading, budget)
        except Unreadable as unreadable:
            said = said_of(unreadable, has_library=_has_library())
            yield Gap(reading.collection, said.code, said.reason)
            yield from opaque_bytes(open_file, "rest", reading)
            return
        if not is_whole:
            yield Gap(reading.collection, "archive.members_only", "of an archive of this kind only the members and their names were searched")

    def _members(self, frames: Iterator[Frame], size: int, is_whole: bool, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        ratio, number = Ratio(budget), 0
        ratio.taken = size
        frame = next(frames, None)
        while frame is not None:
            number += 1
            budget.members += 1
            budget.check()
            step, title = "unpacked" if is_whole else f"member:{number}", ""
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as aside:
                length, end = 0, None
                while frame is not None and end is None:
                    end = _text(frame.head.get("end"))
                    word = _text(frame.head.get("word"))
                    if word in _WORDS:
                        title = frame.body.decode("utf-8", "replace") if word == "name" else title
                        yield from name_units(f"{step}/{word}", frame.body, inside(reading, step), reading)
                    elif frame.body:
                        ratio.gave(len(frame.body))
                        length += aside.write(frame.body)
                    if end is None:
                        frame = next(frames, None)
                if length:
                    inner = step_into(reading, step, title or _stem(reading.name), budget)
                    yield from self._nested.read(lambda: view_of(cast(BinaryIO, aside)), inner)
                if end:
                    gap = _ENDS.get(end, _ENDS["damaged"])
                    yield Gap(reading.collection, gap.code, gap.reason)
            frame = next(frames, None)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("An archive of this kind cannot be rewritten.")
        return spliced(open_file, ())


def said_of(unreadable: Unreadable, *, has_library: bool) -> Unreadable:
    """What is told of an archive that could not be read: where the child could not be had for want of the library, how to get it."""
    if unreadable.code == "sandbox.none" and not has_library:
        return Unreadable("format.needs_extra", "such an archive needs libarchive to be read: apt-get install libarchive13")
    return unreadable


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _stem(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    return stem if ending.lower() in ("z", "lz4", "lz", "lzo") else ""


@cache
def _has_library() -> bool:
    return find_spec("libarchive") is not None and find_library("archive") is not None
