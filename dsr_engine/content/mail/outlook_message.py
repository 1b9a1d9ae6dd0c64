"""Outlook's .msg (MS-OXMSG): properties of a message as streams of a compound file, put together again."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence

from dsr_engine.content.format import Opener
from dsr_engine.content.mail.mapi import Attachment, Message, Property

_PROPERTIES = "__properties_version1.0"
_VALUE = "__substg1.0_"
_FIXED = frozenset({0x2, 0x3, 0x4, 0x5, 0x6, 0xB, 0x14, 0x40})
_DATA = 0x3701
#: As much of one property is looked at as a whole; an attachment is read as a stream.
_LARGEST = 64 * 1024 * 1024
_DEEPEST = 30

Path = tuple[str, ...]


class Streams:
    """The streams of a compound file, by their paths. `opener` gives one as a file, `size` how long it is."""

    def __init__(self, ranges: Mapping[Path, tuple[int, int]], opener: Callable[[int, int], Opener]) -> None:
        self.ranges = ranges
        self._opener = opener

    def opener(self, path: Path) -> Opener:
        start, end = self.ranges[path]
        return self._opener(start, end)

    def data(self, path: Path) -> bytes:
        with self.opener(path)() as stream:
            return stream.read(_LARGEST)

    def children(self, folder: Path) -> Iterator[str]:
        """Names directly under a folder, streams and folders alike."""
        depth = len(folder)
        yield from dict.fromkeys(path[depth] for path in self.ranges if len(path) > depth and path[:depth] == folder)


def is_message(streams: Streams) -> bool:
    return (_PROPERTIES,) in streams.ranges


def message_of(streams: Streams, folder: Path = (), depth: int = 0) -> Message:
    """The message under this folder."""
    recipients: list[Sequence[Property]] = []
    attachments: list[Attachment] = []
    for name in streams.children(folder):
        inner = (*folder, name)
        if name.startswith("__recip_version1.0_"):
            recipients.append(tuple(_properties(streams, inner, 8)))
        elif name.startswith("__attach_version1.0_"):
            attachments.append(_attachment(streams, inner, depth))
    return Message(tuple(_properties(streams, folder, 24 if depth else 32)), tuple(recipients), tuple(attachments))


def _attachment(streams: Streams, folder: Path, depth: int) -> Attachment:
    content = message = None
    for name in streams.children(folder):
        tag = _tag(name)
        if tag is not None and tag[0] == _DATA:
            path = (*folder, name)
            if path in streams.ranges:
                content = streams.opener(path)
            elif depth < _DEEPEST:
                message = message_of(streams, path, depth + 1)
    return Attachment(tuple(_properties(streams, folder, 8)), content, message)


def _properties(streams: Streams, folder: Path, header: int) -> Iterator[Property]:
    """Fixed values stand in one stream, the others in streams of their own that are called after number and type."""
    path = (*folder, _PROPERTIES)
    data = streams.data(path) if path in streams.ranges else b""
    for at in range(header, len(data) - 15, 16):
        kind, number = struct.unpack("<HH", data[at : at + 4])
        if kind in _FIXED:
            yield Property(number, kind, data[at + 8 : at + 16])
    for name in streams.children(folder):
        tag = _tag(name)
        if tag is not None and tag[0] != _DATA and (*folder, name) in streams.ranges:
            yield Property(*tag, streams.data((*folder, name)))


def _tag(name: str) -> tuple[int, int] | None:
    """Number and type that a stream is called after; several values of one property have a number behind it."""
    digits = name.removeprefix(_VALUE)[:8]
    if not name.startswith(_VALUE) or len(digits) < 8:
        return None
    try:
        number, kind = int(digits[:4], 16), int(digits[4:], 16)
    except ValueError:
        return None
    is_lengths = bool(kind & 0x1000) and "-" not in name and kind & 0xFFF in (0x1E, 0x1F, 0x102)
    return None if is_lengths else (number, kind)
