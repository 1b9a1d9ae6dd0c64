"""The mark that a rewritten mail carries, `X-DSR-Redacted: REFERENCE`: whoever reads it later knows why something is missing, and whom to ask.

The reference is the case's public one, which is random and derived from nothing; it leads to a person only by way of the case, and to nobody once
that was forgotten. Each case that rewrites a mail adds one field of its own, in the order in which they came, as the last of the header block: trace
fields and whatever a signature covers stay in their order (RFC 5322, section 3.6; a field beginning with X- is RFC 6648's private one). A mail that
comes out of its rewriting as it was gets no mark, and one that bears the case's mark already no second one: a repeated rewrite gives the same.

A field of that name which somebody else put there is a text like any other. It is neither believed nor removed: nothing in the engine reads marks.
"""

import io
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import BinaryIO, cast

from dsr_engine.content.format import Limits, Unreadable
from dsr_engine.content.mail.mime_structure import structure_of
from dsr_engine.domain.errors import NotSupported
from dsr_engine.drivers.mailstore.store import BLOCK

#: The name of the field.
MARK = "X-DSR-Redacted"

#: A new mail up to so many bytes is held in memory while it is compared with the old one; a larger one on disk, in a file without a name.
_IN_MEMORY = 4 * 1024 * 1024

#: Headers are looked for in as many bytes; a mail with more of them is never rewritten.
_HEAD = 2 * 1024 * 1024

_LINE_END = re.compile(rb"(?:\r\n|\n|\r)\Z")
_REFERENCE = re.compile(r"[0-9A-Za-z._-]{1,64}")

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Marked:
    """Where a mark belongs: `at` bytes from the beginning of the mail. `field` is the whole line (empty: it is there already)."""

    at: int
    field: bytes


def write_marked(open_old: Opener, write: Callable[[BinaryIO], None], sink: BinaryIO, reference: str, *, is_changed: bool = False) -> None:
    """Writes what `write` writes, with the mark of the case where that is another mail than the old one.

    `is_changed`: it counts as another one whatever is in it (its envelope changed). Without a `reference` nothing is marked.
    """
    if not reference:
        write(sink)
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
        new = cast("BinaryIO", spool)
        write(new)
        mark = _mark_for(new, reference) if is_changed or _differs(open_old, new) else Marked(0, b"")
        new.seek(0)
        _copy(new, sink, mark.at)
        sink.write(mark.field)
        shutil.copyfileobj(new, sink, BLOCK)


def _differs(open_old: Opener, new: BinaryIO) -> bool:
    new.seek(0)
    with open_old() as old:
        while True:
            was, now = old.read(BLOCK), new.read(BLOCK)
            while len(was) < len(now) and (more := old.read(len(now) - len(was))):
                was += more
            if was != now:
                return True
            if not was:
                return False


def _mark_for(new: BinaryIO, reference: str) -> Marked:
    new.seek(0)
    try:
        return place_of(new.read(_HEAD), reference)
    except Unreadable as unreadable:
        raise NotSupported(f"A mail cannot be rewritten: {unreadable.reason}", code=unreadable.code) from None


def place_of(head: bytes, reference: str) -> Marked:
    """Where the mark goes in a mail that begins with `head`, and how it is written there.

    It ends the header block as it is read here (`mime_structure.py`, which reads broken mails, too): behind the last field with its folds, with that
    field's line end, but before a line that is no field, behind which most programs see the text begin. A mail without any header gets an empty line
    as well, or else its text would be read as headers.
    """
    assert _REFERENCE.fullmatch(reference), "a reference is a short word, which fits any line"
    field = f"{MARK}: {reference}".encode("ascii")
    block = structure_of(lambda: io.BytesIO(head), Limits()).headers
    if block and not block[0].name and block[0].raw.startswith((b"From ", b">From ")):
        block = block[1:]  # the line of an mbox comes before the headers
    headers = tuple(takewhile(lambda header: header.name, block)) or block
    if any(_unfolded(header.raw) == field.lower() for header in block):
        return Marked(0, b"")
    if headers:
        at = headers[-1].start + len(headers[-1].raw)
        newline = next((end[0] for header in reversed(headers) if (end := _LINE_END.findall(header.raw))), b"\n")
        return Marked(at, (b"" if _LINE_END.search(headers[-1].raw) else newline) + field + newline)
    at = head.find(b"\n") + 1 if head.startswith((b"From ", b">From ")) else 0
    newline = b"\r\n" if head[: head.find(b"\n") + 1].endswith(b"\r\n") else b"\n"
    has_text = bool(head[at:]) and not head[at:].startswith((b"\r", b"\n"))
    return Marked(at, field + newline + (newline if has_text else b""))


def _unfolded(field: bytes) -> bytes:
    """A field as one line with one space behind its colon, in small letters."""
    name, _, value = b" ".join(field.split()).partition(b":")
    return name.strip().lower() + b": " + value.strip().lower()


def _copy(source: BinaryIO, sink: BinaryIO, length: int) -> None:
    while length:
        data = source.read(min(length, BLOCK))
        sink.write(data)
        length -= len(data)
