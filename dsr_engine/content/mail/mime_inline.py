"""What stands in the text of a mail and is more than text: packed files, sealed messages, whole mails of a digest, addresses over two lines.

Bodies are text nearly always, so all this is looked for only where a few bytes say so: `Watch` sees them while the text is read anyway.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from dsr_engine.content.format import Nested, Opener, Reading
from dsr_engine.content.mail.mime_uuencode import BINHEX, packed_in
from dsr_engine.content.places import inside
from dsr_engine.content.stream import BLOCK, chunks, flowing
from dsr_engine.domain.record import Gap, Unit

_PGP, _DIGEST = b"-----BEGIN PGP MESSAGE-----", b"\n------------------------------"
#: What may stand in a text, and what must precede the sign: a line's beginning.
_CUTS = (b"@\n", b"@\r\n", b"@ \n")
_SIGNS = (b"\nbegin ", b"\nbegin-base64 ", b"\n=ybegin ", _PGP, b"\n" + BINHEX, _DIGEST, *_CUTS)
_LONGEST_SIGN = max(map(len, _SIGNS))
#: How much of a text is searched for packed files and digests. Bytes.
_LARGEST = 64 * 1024 * 1024
#: RFC 1153: thirty dashes after each message, seventy after the preamble.
_RULE = re.compile(rb"(?m)^-{30}(?:-{40})?[ \t]*\r?\n\r?\n(?=(?:Date|From|Subject|Message|To|Cc|Message-ID)[ \t]*:)", re.IGNORECASE)
#: So many files or mails in one text are read as such.
_MOST = 1_000


@dataclass(slots=True)
class Watch:
    """Remembers which signs were in the bytes that went by."""

    seen: set[bytes] = field(default_factory=set)

    def over(self, open_file: Opener) -> Opener:
        """The same file, watched."""
        return lambda: flowing(self._pieces(open_file()))

    def _pieces(self, source: BinaryIO) -> Iterator[bytes]:
        with closing(source):
            last = b"\n"
            while piece := source.read(BLOCK):
                self._look(last, piece)
                last = piece[-_LONGEST_SIGN:]
                yield piece

    def _look(self, last: bytes, piece: bytes) -> None:
        edge = last + piece[:_LONGEST_SIGN]
        self.seen.update(sign for sign in _SIGNS if sign in piece or sign in edge)

    @property
    def has_packed(self) -> bool:
        return not self.seen.isdisjoint(_SIGNS[:3])

    @property
    def has_cut(self) -> bool:
        """True where a line ends behind an `@`."""
        return not self.seen.isdisjoint(_CUTS)

    @property
    def has_digest(self) -> bool:
        return _DIGEST in self.seen

    def gaps(self, collection: str) -> Iterator[Gap]:
        """What nobody reads here."""
        if _PGP in self.seen:
            yield Gap(collection, "mime.encrypted", "a text holds a message that is sealed with PGP; it was not read")
        if b"\n" + BINHEX in self.seen:
            yield Gap(collection, "mime.binhex", "a text holds a file in BinHex; only its bytes were searched")


def has_signs(text: bytes) -> bool:
    """True if any of those signs stands in a whole text: a few searches tell it of nearly all texts."""
    if b"-----" in text and (_PGP in text or _DIGEST[1:] in text):
        return True
    if (b"begin" in text or BINHEX in text) and any(sign in b"\n" + text for sign in _SIGNS):
        return True
    return b"@" in text and any(cut in text for cut in _CUTS)


def found_inside(watch: Watch, content: Opener, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    """The files and mails in a text that showed signs of them. They are reported and never rewritten."""
    if not (watch.has_packed or watch.has_digest):
        return
    with closing(chunks(content)) as pieces:
        text = b""
        for piece in pieces:
            text += piece
            if len(text) > _LARGEST:
                yield Gap(
                    reading.collection,
                    "mime.text_too_long",
                    "a text with files in it is longer than the limit; only its beginning was searched for them",
                )
                break
    if watch.has_packed:
        yield from _files_in(text[:_LARGEST], nested, reading)
    if watch.has_digest:
        for number, mail in enumerate(_mails_in(text[:_LARGEST]), 1):
            yield from _of(mail, f"mail:{number}", "message.eml", nested, reading)


def _files_in(text: bytes, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    for packed in packed_in(text):
        if packed.number > _MOST:
            yield Gap(reading.collection, "mime.too_many_parts", "a text holds more files than the limit; the others were searched as text")
            return
        yield from _of(packed.content, f"file:{packed.number}", packed.name.decode("utf-8", "replace").strip(), nested, reading)


def _mails_in(text: bytes) -> Iterator[bytes]:
    """The mails of a digest (RFC 1153)."""
    rules = [found.span() for found in _RULE.finditer(text)][:_MOST]
    for number, (_, start) in enumerate(rules):
        yield text[start : rules[number + 1][0] if number + 1 < len(rules) else len(text)]


def _of(data: bytes, place: str, name: str, nested: Nested, reading: Reading) -> Iterator[Unit | Gap]:
    inner = replace(reading, prefix=f"{reading.prefix}{place}/", depth=reading.depth + 1, name=name)
    for got in nested.read(lambda: flowing(iter((data,) if data else ())), inner):
        yield replace(got, is_opaque=True, inside=inside(reading)) if isinstance(got, Unit) else got
