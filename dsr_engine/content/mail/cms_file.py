"""Sealed messages (CMS, RFC 5652): what is only signed or compressed is read through, what is encrypted is told.

A signature is a seal on a message in the open: everybody can read it, so everybody is found in it, and the certificates beside it name people, too.
It is read and never rewritten, because the seal would break: a mail can lose the whole part. Compressed data (RFC 3274) is unpacked as far as the
limits of an archive allow.
"""

import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.der import Value, texts_in, value_at, values_in
from dsr_engine.content.opaque import opaque_units
from dsr_engine.content.places import inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, opened, spliced
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_PKCS7 = bytes.fromhex("2a864886f70d0107")
_DATA, _SIGNED = _PKCS7 + b"\x01", _PKCS7 + b"\x02"
_COMPRESSED = bytes.fromhex("2a864886f70d0109100109")
#: Larger ones are mails with large attachments, which are rarely sealed as a whole. Bytes.
_LARGEST = 64 * 1024 * 1024
_STEP = 256 * 1024


class CmsFile:
    """One sealed message, or the signature of one that lies beside it."""

    name = "cms"

    def __init__(self, nested: Nested) -> None:
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        with closing(opened(open_file)) as source:
            data = source.read(_LARGEST + 1)
        try:
            if len(data) > _LARGEST:
                raise Unreadable("cms.too_large", "a sealed message is larger than the limit; only its bytes were searched")
            yield from self._content(data, reading)
        except Unreadable as unreadable:
            yield from opaque_units(data[:_LARGEST], "bytes:0", reading)
            yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _content(self, data: bytes, reading: Reading) -> Iterator[Unit | Gap]:
        kind, content = _sealed(data)
        if kind == _SIGNED:
            fields = values_in(data, content)
            enclosed = _enclosed(data, fields)
            yield from _names(data, fields, reading)
        elif kind == _COMPRESSED:
            enclosed = _inflated(_enclosed(data, values_in(data, content)), reading.budget or Budget(reading.limits))
        elif kind == _DATA:
            enclosed = b"".join(texts_in(data, content))
        else:
            yield from opaque_units(data, "bytes:0", reading)
            yield Gap(reading.collection, "mime.encrypted", "a part of a mail is encrypted; it was not read")
            return
        if enclosed:
            inner = replace(reading, prefix=f"{reading.prefix}sealed/", depth=reading.depth + 1, name="message.eml")
            for got in self._nested.read(lambda: io.BytesIO(enclosed), inner):
                yield replace(got, is_opaque=True, inside=got.inside or inside(reading)) if isinstance(got, Unit) else got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("A sealed message cannot be rewritten: its seal would break.", "drop the part of the mail, or delete the mail")
        return spliced(open_file, ())


def _damaged() -> Unreadable:
    return Unreadable("cms.damaged", "a sealed message is damaged; its bytes were searched as they are")


def _sealed(data: bytes) -> tuple[bytes, Value]:
    """The kind of the message, and the sequence of its fields."""
    outer = value_at(data, 0)
    fields = values_in(data, outer) if outer is not None else ()
    if len(fields) < 2 or fields[0].tag != 6:
        raise _damaged()
    inner = values_in(data, fields[1])
    return data[fields[0].start : fields[0].end], inner[0] if inner else fields[1]


def _enclosed(data: bytes, fields: Sequence[Value]) -> bytes:
    """What is sealed; empty where it lies elsewhere."""
    for field in fields:
        parts = values_in(data, field) if field.tag == 0x30 else ()
        if len(parts) > 1 and parts[0].tag == 6 and parts[1].tag == 0xA0:
            return b"".join(texts_in(data, parts[1], octets=True))
    return b""


def _names(data: bytes, fields: Sequence[Value], reading: Reading) -> Iterator[Unit]:
    """The texts of certificates and signers: whatever lies beside what is sealed."""
    number = 0
    for field in fields:
        if field.tag != 0x30:
            for raw in texts_in(data, field):
                text = _shown(raw)
                number += 1
                if text and (reading.gate is None or reading.gate.passes_text(text)):
                    yield Unit(f"{reading.prefix}name:{number}", text, inside(reading), is_opaque=True)


def _shown(raw: bytes) -> str:
    """A text of a certificate: UTF-8, UTF-16 where every other byte is zero or it is no UTF-8, else Latin-1."""
    if raw[:1] == b"\0" or (len(raw) % 2 == 0 and b"\0" in raw):
        return raw.decode("utf-16-be", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _inflated(data: bytes, budget: Budget) -> bytes:
    """The compressed message, as far as the limits go. Raises `Unreadable` where they are reached before its end."""
    unpacker = zlib.decompressobj()
    pieces: list[bytes] = []
    size = 0
    pending = data
    try:
        while pending and not unpacker.eof:
            budget.check()
            piece = unpacker.decompress(pending, _STEP)
            pending = unpacker.unconsumed_tail
            size += len(piece)
            budget.decoded += len(piece)
            if size > _LARGEST:
                raise Unreadable("cms.too_large", "a sealed message unpacks to more than the limit; it was not read")
            pieces.append(piece)
    except zlib.error:
        raise _damaged() from None
    return b"".join(pieces)
