"""Outlook data files (PST, OST, PAB: MS-PST): read item by item through libpff in a confined child, and never rewritten.

An item is a part of the file of its own, `item:3`; what is known of it is read as Outlook's messages are everywhere (`content.mail.mapi`). Nothing
but Outlook can take an item out: the file is a database of pages with sums over sums, and keeps what was deleted until it is compacted.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cache
from importlib.util import find_spec

from dsr_engine.content.apart import Frame, spoken
from dsr_engine.content.containers.members import budget_of, each_gap_once
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.mapi import message_units
from dsr_engine.content.mail.pst_message import Assembly
from dsr_engine.content.opaque import opaque_bytes
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

#: What the child does.
WORK = "dsr_engine.content.mail.pst_child:read"
NEEDS_EXTRA = "an Outlook data file needs libpff to be read: pip install 'dsr-engine[pst]'"
_REASONS = {
    "pst.damaged": "an Outlook data file is damaged, or of a version that is not read; it was not read to its end",
    "pst.encrypted": "an Outlook data file is encrypted by Windows Information Protection; it was not read",
}
_ATTACHED = "messages that are attached to items of an Outlook data file were searched as bytes: their long texts and attachments were not read"
#: What the child tells of the whole file.
_TOLD = {
    "lost": Gap("", "pst.lost", "some items or properties of an Outlook data file could not be read"),
    "attached": Gap("", "pst.attached", _ATTACHED),
}
_ITEMS_ONLY = "of an Outlook data file only folders and items were searched: hidden items (rules, views, lists of names) and freed space were not"


class PstFile:
    """Folder names (`folder:2`) and items (`item:3/…`), those that hang in no folder any more among them."""

    name = "pst"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        yield from each_gap_once(self._archive(open_file, reading, budget_of(reading)))

    def _archive(self, open_file: Opener, reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        try:
            frames = spoken(WORK, open_file, {}, reasons=_REASONS, reading=replace(reading, budget=budget))
            yield from self._said(frames, reading, budget)
        except Unreadable as unreadable:
            is_missing = unreadable.code == "sandbox.none" and not has_library()
            yield Gap(reading.collection, *(("format.needs_extra", NEEDS_EXTRA) if is_missing else (unreadable.code, unreadable.reason)))
            yield from opaque_bytes(open_file, "rest", reading)
            return
        yield Gap(reading.collection, "pst.items_only", _ITEMS_ONLY)

    def _said(self, frames: Iterator[Frame], reading: Reading, budget: Budget) -> Iterator[Unit | Gap]:
        folders = items = 0
        for frame in frames:
            kind = frame.head.get("kind")
            if kind == "folder":
                folders += 1
                name = frame.body.decode("utf-8", "replace")
                if reading.gate is None or reading.gate.passes_text(name):
                    yield Unit(f"{reading.prefix}folder:{folders}", name, inside(reading), is_value=True)
            elif kind == "message":
                items += 1
                budget.members += 1
                budget.check()
                with closing(Assembly()) as assembly:
                    message = assembly.taken(frames)
                    inner = replace(reading, prefix=f"{reading.prefix}item:{items}/", depth=reading.depth + 1, name="", budget=budget)
                    yield from message_units(message, self._nested, inner)
            elif kind in _TOLD:
                yield replace(_TOLD[kind], collection=reading.collection)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite(
                "An Outlook data file cannot be rewritten.", "delete the items in Outlook and compact the file, delete the whole file, or keep it"
            )
        return spliced(open_file, ())


@cache
def has_library() -> bool:
    return find_spec("pypff") is not None
