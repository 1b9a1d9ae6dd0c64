"""A mail store's files are mails, whatever they look like: the format is not guessed as it is for files in a bucket.

Guessing would take a mail with raw binary in its first lines for an unknown file, and its encoded parts would go unread.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from dsr_engine.content.files import FILES
from dsr_engine.content.format import Budget, Reading, Unreadable
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_MAIL = FILES.formats["mime"]


def read_message(open_file: Callable[[], BinaryIO], reading: Reading) -> Iterator[Unit | Gap]:
    """The texts of a mail that pass the gate, and what could not be read."""
    try:
        yield from _MAIL.read(open_file, replace(reading, budget=Budget(reading.limits)))
    except Unreadable as unreadable:
        yield Gap(reading.collection, unreadable.code, unreadable.reason)


def write_message(open_file: Callable[[], BinaryIO], sink: BinaryIO, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> None:
    """The whole mail with the edits applied, else byte for byte. Raises `NotSupported` before anything is written."""
    try:
        write = _MAIL.prepare(open_file, edits, rewriter, replace(reading, budget=Budget(reading.limits)))
    except Unreadable as unreadable:
        raise NotSupported(f"A mail cannot be rewritten: {unreadable.reason}", code=unreadable.code) from None
    write(sink)
