"""TNEF, the winmail.dat that Outlook sends (MS-OXTNEF): attributes of a message and its attachments, each with a length and a sum.

It is read and not rewritten: a mail that carries one can lose the whole part.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import BinaryIO

from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.mapi import Attachment, Message, Property, message_units
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, flowing, opened, part_of, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_SIGNATURE = b"\x78\x9f\x3e\x22"
_MESSAGE, _ATTACHMENT = 1, 2
_BODY, _MESSAGE_CLASS, _SUBJECT, _FROM, _MESSAGE_ID = 0x800C, 0x8008, 0x8004, 0x8000, 0x8009
_CODEPAGE, _MAPI, _RECIPIENTS = 0x9007, 0x9003, 0x9004
_RENDER, _DATA, _TITLE, _PROPERTIES = 0x9002, 0x800F, 0x8010, 0x9005
#: Attributes of a message under the numbers of the properties that say the same, as eight-bit texts.
_SAME = {_BODY: 0x1000, _SUBJECT: 0x0037, _MESSAGE_ID: 0x1035}
_LARGEST = 64 * 1024 * 1024
_MOST = 100_000
_WIDTHS = {0x2: 2, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 2, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = frozenset({0xD, 0x1E, 0x1F, 0x102})


@dataclass(slots=True)
class _Read:
    """What has been put together so far."""

    properties: list[Property] = field(default_factory=list)
    recipients: list[list[Property]] = field(default_factory=list)
    attachments: list[tuple[list[Property], list[Opener]]] = field(default_factory=list)
    damage: Unreadable | None = None

    @property
    def message(self) -> Message:
        attached = tuple(Attachment(properties, contents[-1] if contents else None) for properties, contents in self.attachments)
        return Message(tuple(self.properties), tuple(self.recipients), attached)


class TnefFile:
    """One message."""

    name = "tnef"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        found = _Read()
        try:
            with closing(opened(open_file)) as source:
                _attributes(source, open_file, found)
        except Unreadable as unreadable:
            found.damage = unreadable
        yield from message_units(found.message, self._nested, reading)
        if found.damage is not None:
            yield from (got for got in Opaque().read(open_file, reading) if isinstance(got, Unit))
            yield Gap(reading.collection, found.damage.code, found.damage.reason)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("A message in TNEF (winmail.dat) cannot be rewritten.", "drop the part of the mail, or delete the file")
        return spliced(open_file, ())


def _damaged() -> Unreadable:
    return Unreadable("tnef.damaged", "a winmail.dat is damaged; its bytes were searched as they are")


def _attributes(source: BinaryIO, open_file: Opener, found: _Read) -> None:
    at = 6
    if source.read(6)[:4] != _SIGNATURE:
        raise _damaged()
    for _ in range(_MOST):
        head = source.read(9)
        if not head:
            return
        if len(head) < 9:
            raise _damaged()
        level, number, _, length = struct.unpack("<BHHI", head)
        at += 9
        data = source.read(min(length, _LARGEST))
        if level not in (_MESSAGE, _ATTACHMENT) or len(data) < min(length, _LARGEST):
            raise _damaged()
        if level == _MESSAGE:
            _message_attribute(number, data, found)
        else:
            _attachment_attribute(number, data, part_of(open_file, at, at + length), found)
        source.seek(at + length)
        if len(source.read(2)) < 2:  # the sum is not compared: writers get it wrong
            raise _damaged()
        at += length + 2
    raise _damaged()


def _message_attribute(number: int, data: bytes, found: _Read) -> None:
    if number == _MAPI:
        found.properties += _properties(data)[0]
    elif number == _RECIPIENTS:
        at = 4
        for _ in range(min(int.from_bytes(data[:4], "little"), _MOST)):
            row, at = _properties(data, at)
            found.recipients.append(row)
    elif number == _CODEPAGE:
        found.properties.insert(0, Property(0x3FFD, 0x3, data[:4]))
    elif number in _SAME:
        found.properties.append(Property(_SAME[number], 0x1E, data))
    elif number == _FROM:
        found.properties.append(Property(0x0042, 0x102, data))
    else:
        found.properties.append(Property(number, 0x102, data))


def _attachment_attribute(number: int, data: bytes, content: Opener, found: _Read) -> None:
    if number == _RENDER or not found.attachments:
        found.attachments.append(([], []))
    properties, contents = found.attachments[-1]
    if number == _DATA:
        contents.append(content)
    elif number == _TITLE:
        properties.append(Property(0x3704, 0x1E, data))
    elif number == _PROPERTIES:
        for prop in _properties(data)[0]:
            if prop.number == 0x3701:
                contents.append(_held(prop.data[16:] if prop.kind == 0xD else prop.data))
            else:
                properties.append(prop)
    elif number != _RENDER:
        properties.append(Property(number, 0x102, data))


def _held(data: bytes) -> Opener:
    return lambda: flowing(iter((data,)))


def _properties(data: bytes, at: int = 0) -> tuple[list[Property], int]:
    """A list of properties, and where the next one begins. Values are filled up to four bytes."""
    found: list[Property] = []
    count, at = _number(data, at)
    for _ in range(min(count, _MOST)):
        tag, at = _number(data, at)
        kind, number = tag & 0xFFFF, tag >> 16
        if number >= 0x8000:
            name, at = _name(data, at)
            if name:
                found.append(Property(number, 0x1F, name))
        values, at = _values(data, at, kind)
        found += (Property(number, kind & 0xFFF, value) for value in values)
    return found, at


def _name(data: bytes, at: int) -> tuple[bytes, int]:
    """The name of a property that has no number of its own; empty where another number names it."""
    kind, at = _number(data, at + 16)
    length, at = _number(data, at)
    return (b"", at) if kind == 0 else (data[at : at + length], at + -(-length // 4) * 4)


def _values(data: bytes, at: int, kind: int) -> tuple[list[bytes], int]:
    basic = kind & 0xFFF
    count = 1
    if basic in _VARIABLE or kind & 0x1000:
        count, at = _number(data, at)
    values: list[bytes] = []
    for _ in range(min(count, _MOST)):
        if basic in _VARIABLE:
            length, at = _number(data, at)
        elif basic in _WIDTHS:
            length = _WIDTHS[basic]
        else:
            raise _damaged()
        if at + length > len(data):
            raise _damaged()
        values.append(data[at : at + length])
        at += -(-length // 4) * 4
    return values, at


def _number(data: bytes, at: int) -> tuple[int, int]:
    if at + 4 > len(data):
        raise _damaged()
    return int.from_bytes(data[at : at + 4], "little"), at + 4
