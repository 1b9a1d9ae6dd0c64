"""What Outlook knows of a message (MS-OXPROPS, MS-OXCMSG), the same in .msg files and in winmail.dat: properties, recipients, attachments.

A message is judged as a whole, as a mail is: if anything in it passes the gate, its sender, recipients and subject are given too.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dsr_engine.content.charset import Charset, as_utf8
from dsr_engine.content.codec_names import known_codec
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable
from dsr_engine.content.mail.rtf_compressed import rtf_of
from dsr_engine.content.opaque import opaque_units
from dsr_engine.content.places import inside
from dsr_engine.content.stream import flowing
from dsr_engine.content.text import PlainText
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import FieldMap

_LONG, _DOUBLE, _BOOLEAN, _LONGLONG, _STRING8, _UNICODE, _TIME, _BINARY = 0x3, 0x5, 0xB, 0x14, 0x1E, 0x1F, 0x40, 0x102
_BODY, _HTML, _RTF, _HEADERS, _CODEPAGE, _CPID = 0x1000, 0x1013, 0x1009, 0x007D, 0x3FFD, 0x3FDE
#: Addresses that say whose message it is, and those that it went to.
_SENDERS = {0x0C1F: "sender", 0x5D01: "sender.smtp", 0x0065: "from", 0x5D02: "from.smtp"}
_ADDRESSES = {0x3003: "email", 0x39FE: "smtp"}
_NAMES = _SENDERS | _ADDRESSES | {
    0x0037: "subject", 0x0E1D: "subject.normalized", 0x0070: "topic", 0x0C1A: "sender.name", 0x0042: "from.name", 0x0E04: "to", 0x0E03: "cc",
    0x0E02: "bcc", 0x3001: "name", 0x3A20: "transmittable_name", 0x3704: "filename", 0x3707: "filename.long", 0x1035: "message_id",
    0x3A06: "first_name", 0x3A11: "last_name", 0x3A16: "company", 0x3A08: "phone.office", 0x3A09: "phone.home", 0x3A1C: "phone.mobile",
    0x3A42: "birthday", 0x3A15: "address",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Property:
    """One property: its number, its type, its value as bytes."""

    number: int
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is sent along: a file (`content`), or a message."""

    properties: Sequence[Property]
    content: Opener | None = None
    message: "Message | None" = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message, contact or appointment."""

    properties: Sequence[Property]
    recipients: Sequence[Sequence[Property]] = ()
    attachments: Sequence[Attachment] = ()

    def first(self, number: int) -> Property | None:
        return next((found for found in self.properties if found.number == number), None)


def message_units(message: Message, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    """All of a message that passes."""
    if reading.depth > reading.limits.depth:
        yield Gap(reading.collection, "archive.too_deep", "messages are nested deeper than the limit; what lies below was not read")
        return
    codec = codec_of(message.properties)
    known = tuple(_known(message, codec, reading))
    is_passed = reading.gate is None or reading.gate.passes_text("\n".join(unit.text for unit in known))
    if is_passed:
        yield from known
    for got in _content(message, codec, nested, reading):
        if not is_passed and isinstance(got, Unit):
            is_passed = True
            yield from known
        yield got
    for number, attachment in enumerate(message.attachments, start=1):
        yield from _attached(number, attachment, codec, nested, reading)


def codec_of(properties: Sequence[Property]) -> str:
    """How eight-bit texts are encoded."""
    for number in (_CODEPAGE, _CPID):
        page = next((found for found in properties if found.number == number and len(found.data) >= 4), None)
        if page is not None:
            value = int.from_bytes(page.data[:4], "little")
            return "utf-8" if value == 65001 else known_codec(f"cp{value}") or "cp1252"
    return "cp1252"


def text_of(found: Property, codec: str) -> str:
    """What a property says, as text; nothing for a type that says none."""
    kind = found.kind & 0xFFF
    data = found.data
    if kind == _UNICODE:
        return data.decode("utf-16-le", "replace").rstrip("\0")
    if kind == _STRING8:
        return data.decode(codec, "replace").rstrip("\0")
    if kind == _TIME and len(data) >= 8:
        return _moment(int.from_bytes(data[:8], "little"))
    if kind in (_LONG, _LONGLONG):
        return str(int.from_bytes(data[: 4 if kind == _LONG else 8], "little", signed=True))
    if kind == _DOUBLE and len(data) >= 8:
        return repr(struct.unpack("<d", data[:8])[0])
    return ""


def _moment(ticks: int) -> str:
    """A time in steps of 100 ns since 1601."""
    try:
        return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).isoformat()
    except OverflowError:
        return str(ticks)


def called(found: Property) -> str:
    return _NAMES.get(found.number) or f"property:{found.number:04X}"


def _known(message: Message, codec: str, reading: Reading) -> Iterator[Unit]:
    part = inside(reading)
    yield from _texts(message.properties, reading.prefix, part, codec, _SENDERS, "email")
    for number, recipient in enumerate(message.recipients, start=1):
        selects = "email" if len(message.recipients) == 1 else None
        yield from _texts(recipient, f"{reading.prefix}recipient:{number}/", part, codec, _ADDRESSES, selects)


def _texts(properties: Sequence[Property], prefix: str, part: str, codec: str, owning: dict[int, str], selects: str | None) -> Iterator[Unit]:
    for found in properties:
        if found.number in (_BODY, _HTML, _RTF, _HEADERS) or len(found.data) > 65536:
            continue
        if text := text_of(found, codec):
            entry = FieldMap(called(found), "user.contact.email", selects) if found.number in owning else None
            yield Unit(prefix + called(found), text, part, entry, is_value=True)


def _content(message: Message, codec: str, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    """Bodies, headers, and what is no text."""
    part = inside(reading)
    for found in message.properties:
        kind = found.kind & 0xFFF
        if found.number in (_BODY, _HTML, _RTF, _HEADERS):
            for got in _body(found, codec, nested, reading):
                yield replace(got, inside=part) if isinstance(got, Unit) else got
        elif kind == _BINARY or len(found.data) > 65536:
            yield from (replace(unit, inside=part) for unit in opaque_units(found.data, called(found), reading))
    for number, recipient in enumerate(message.recipients, start=1):
        for found in recipient:
            if found.kind & 0xFFF == _BINARY:
                yield from (replace(unit, inside=part) for unit in opaque_units(found.data, f"recipient:{number}/{called(found)}", reading))


def _body(found: Property, codec: str, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    word, name = {_BODY: ("body", ""), _HTML: ("html", "body.html"), _RTF: ("rtf", "body.rtf"), _HEADERS: ("headers", "headers.eml")}[found.number]
    how = replace(reading, prefix=f"{reading.prefix}{word}/", depth=reading.depth + 1, name=name)
    try:
        data = rtf_of(found.data) if found.number == _RTF else found.data
    except Unreadable as unreadable:
        yield Gap(reading.collection, unreadable.code, unreadable.reason)
        return
    kind = found.kind & 0xFFF
    content = _held(data)
    if kind in (_UNICODE, _STRING8):
        content = as_utf8(content, Charset(wide="utf-16-le" if kind == _UNICODE else codec))
    elif found.number == _HTML and codec != "cp1252":
        content = as_utf8(content, Charset(wide=codec))
    reader = PlainText() if found.number == _BODY else nested
    yield from reader.read(content, how)


def _attached(number: int, attachment: Attachment, codec: str, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    place = f"attachment:{number}"
    part = inside(reading, place)
    texts = [
        unit for unit in _texts(attachment.properties, f"{reading.prefix}{place}/", part, codec, {}, None) if not unit.place.endswith("property:3709")
    ]
    if reading.gate is None or any(reading.gate.passes_text(unit.text) for unit in texts):
        yield from (unit for unit in texts if "filename" in unit.place or reading.gate is None or reading.gate.passes_text(unit.text))
    name = next((unit.text for word in ("filename.long", "filename") for unit in texts if unit.place.endswith(word)), "")
    how = replace(reading, prefix=f"{reading.prefix}{place}/", depth=reading.depth + 1, name=name)
    if attachment.message is not None:
        yield from message_units(attachment.message, nested, how)
    elif attachment.content is not None:
        yield from nested.read(attachment.content, how)


def _held(data: bytes) -> Opener:
    return lambda: flowing(iter((data,)))
