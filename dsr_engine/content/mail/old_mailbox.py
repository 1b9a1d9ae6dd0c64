"""Files of many mails in the forms that preceded mbox or stood beside it: MMDF (mmdf(5)) and Babyl (Emacs Rmail). They are read and never rewritten.

Each mail is a record, `mail:3`. In MMDF lines of four control-A stand around mails; in Babyl a control-underscore ends each, and a mail whose headers
were pruned for showing keeps all of them before those that are shown.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dsr_engine.content.apart import on_disk
from dsr_engine.content.format import Nested, Opener, Reading, Writer
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, head_of, part_of, spliced
from dsr_engine.content.text import PlainText
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_MARKS = {"mmdf": re.compile(rb"\x01{4}\r?\n?"), "babyl": re.compile(rb"\x1f\f?\r?\n?")}
#: As much of a line is looked at in one go, in bytes.
_LINE = 64 * 1024
#: Where the shown headers of a Babyl mail begin.
_SHOWN = b"*** EOOH ***\n"
_ENVELOPE = re.compile(rb"From [^\n]*\n")
#: As much of a mail as its headers are looked for in, in bytes.
_HEAD = 1024 * 1024


class OldMailbox:
    """`name` is `mmdf` or `babyl`."""

    def __init__(self, name: str, nested: Nested) -> None:
        self.name = name
        self._mark = _MARKS[name]
        self._mail = Mime(nested)

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        number = 0
        for start, end in _between(open_file, self._mark):
            head = head_of(part_of(open_file, start, end), _HEAD)
            if not head.strip():
                continue
            number += 1
            how = replace(reading, prefix=f"{reading.prefix}mail:{number}/", depth=reading.depth + 1, name="message.eml")
            begin = _begin(head)
            yield from self._mail.read(part_of(open_file, start + begin, end), how)
            if begin:
                yield from PlainText().read(part_of(open_file, start, start + begin), replace(how, prefix=f"{how.prefix}above/", name=""))

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:  # noqa: ARG002  # the protocol's arguments
        if edits:
            raise cannot_rewrite("A mailbox in MMDF or Babyl format cannot be rewritten.", "convert it to mbox, delete the whole file, or keep it")
        return spliced(open_file, ())


def _begin(head: bytes) -> int:
    """Where the mail itself begins: behind an envelope line, or behind the headers that are not shown."""
    shown = head.find(_SHOWN)
    if shown >= 0:
        return shown + len(_SHOWN)
    envelope = _ENVELOPE.match(head)
    return envelope.end() if envelope else 0


def _between(open_file: Opener, mark: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """The ranges between lines that are marks, in order."""
    begin = at = 0
    is_begun = False
    with on_disk(open_file) as file:
        while line := file.readline(_LINE):
            if not is_begun and mark.fullmatch(line):
                yield begin, at
                begin = at + len(line)
            is_begun = not line.endswith(b"\n")
            at += len(line)
    yield begin, at
