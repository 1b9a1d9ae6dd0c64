"""OLE compound files (MS-CFB): Outlook messages are read as messages; of old Office documents the streams are searched as bytes.

A text in an old document may be split into pieces that lie apart, so those are partial and say so. None is rewritten: their writers keep
deleted text in them, and only they can say what is what.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from dsr_engine.content.apart import spoken
from dsr_engine.content.charset import decoded
from dsr_engine.content.detect import container_of
from dsr_engine.content.format import Format, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.mapi import message_units
from dsr_engine.content.mail.outlook_message import Path, Streams, is_message, message_of
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import BLOCK, cannot_rewrite, flowing, head_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_REASONS = {
    "ole.damaged": "an OLE file is damaged; its bytes were searched as they are",
    "ole.too_many": "an OLE file has more streams than the limit; its bytes were searched as they are",
}
_WORKBOOKS = ("Workbook", "Book")
_LEGACY = (*_WORKBOOKS, "WordDocument", "PowerPoint Document")
_ENCRYPTED = "a document is encrypted with a password; it was not read"
#: Bytes of the names in front of an embedded file.
_NATIVE_HEAD = 65536


@dataclass(frozen=True, slots=True)
class _Kept:
    """All streams of the file in an unnamed temporary one."""

    file: BinaryIO
    ranges: dict[Path, tuple[int, int]]
    is_damaged: bool

    def opener(self, start: int, end: int) -> Opener:
        return lambda: flowing(self._pieces(start, end))

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            self.file.seek(start)
            piece = self.file.read(min(BLOCK, end - start))
            start += len(piece)
            yield piece


class OleFile:
    """`workbook`, where there is one, reads the cells of old Excel files."""

    name = "ole"

    def __init__(self, nested: Nested, workbook: Format | None = None) -> None:
        self._nested = nested
        self._workbook = workbook

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        is_whole = True
        with tempfile.TemporaryFile() as spool:
            try:
                kept = _kept(open_file, spool, reading)
            except Unreadable as unreadable:
                yield Gap(reading.collection, unreadable.code, unreadable.reason)
            else:
                is_whole = is_message(Streams(kept.ranges, kept.opener))
                yield from self._streams(open_file, kept, reading)
                if kept.is_damaged:
                    yield Gap(reading.collection, "ole.damaged", _REASONS["ole.damaged"])
        if not is_whole or reading.gate is not None:
            yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("An Outlook message or an old Office document cannot be rewritten.")
        return spliced(open_file, ())

    def _streams(self, open_file: Opener, kept: _Kept, reading: Reading) -> Iterator[Unit | Gap]:
        streams = Streams(kept.ranges, kept.opener)
        names = {path[-1] for path in kept.ranges}
        if "EncryptedPackage" in names or _is_encrypted_word(streams):
            yield Gap(reading.collection, "office.encrypted", _ENCRYPTED)
        if is_message(streams):
            yield from message_units(message_of(streams), self._nested, reading)
            return
        if self._workbook is not None and any((name,) in kept.ranges for name in _WORKBOOKS):
            yield from self._workbook.read(open_file, reading)
        elif names.intersection(_LEGACY):
            reason = "an old Office document was searched as the bytes of its streams; a text that it keeps in pieces may be missed"
            yield Gap(reading.collection, "office.legacy", reason)
        else:
            yield Gap(reading.collection, "ole.unknown", "an OLE file is of a kind that is not known; its streams were searched as bytes")
        for number, path in enumerate(kept.ranges, start=1):
            yield from self._embedded(streams, path, replace(reading, prefix=f"{reading.prefix}stream:{number}/", depth=reading.depth + 1, name=""))

    def _embedded(self, streams: Streams, path: Path, reading: Reading) -> Iterator[Unit | Gap]:
        """A stream, if it is a file that somebody put into the document."""
        content = streams.opener(path)
        if path[-1].endswith("Ole10Native"):
            with content() as stream:
                names, start = _native(stream.read(_NATIVE_HEAD))
            for word, name in names:
                text = decoded(name)[0]
                if text and (reading.gate is None or reading.gate.passes_text(text)):
                    yield Unit(f"{reading.prefix}{word}", text, inside(reading))
            if start:
                yield from self._nested.read(_behind(content, start), replace(reading, name=decoded(names[0][1])[0]))
        elif container_of(head_of(content, 64)) not in ("", "binary", "ole") or head_of(content, 5) == b"%PDF-":
            yield from self._nested.read(content, reading)


def _kept(open_file: Opener, spool: BinaryIO, reading: Reading) -> _Kept:
    ranges: dict[Path, tuple[int, int]] = {}
    is_damaged = False
    at = 0
    for frame in spoken("dsr_engine.content.mail.ole_child:read", open_file, {}, reasons=_REASONS, reading=reading):
        if frame.head.get("kind") == "damaged":
            is_damaged = True
            continue
        path = tuple(str(step) for step in frame.head["path"])
        start = ranges.get(path, (at, at))[0] if frame.head["kind"] == "more" else at
        spool.write(frame.body)
        at += len(frame.body)
        ranges[path] = (start, at)
    return _Kept(spool, ranges, is_damaged)


def _is_encrypted_word(streams: Streams) -> bool:
    """The flag in the head of a Word document (MS-DOC 2.5.2, `fEncrypted`)."""
    if ("WordDocument",) not in streams.ranges:
        return False
    head = head_of(streams.opener(("WordDocument",)), 12)
    return len(head) == 12 and bool(head[11] & 1)


def _native(data: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """The names of a file that was put into a document (Ole10Native), and where its content begins; 0: nowhere."""
    words: list[tuple[str, bytes]] = []
    at = 6
    for word in ("label", "path"):
        end = data.find(b"\0", at)
        if end < 0:
            return [*words, ("label", b"")], 0
        words.append((word, data[at:end]))
        at = end + 1
    at += 4
    length = int.from_bytes(data[at : at + 4], "little")
    words.append(("temporary_path", data[at + 4 : at + 4 + min(length, 4096)].rstrip(b"\0")))
    at += 4 + length + 4
    return words, at if at <= len(data) else 0


def _behind(content: Opener, start: int) -> Opener:
    def pieces() -> Iterator[bytes]:
        with content() as stream:
            stream.read(start)
            while piece := stream.read(BLOCK):
                yield piece

    return lambda: flowing(pieces())
