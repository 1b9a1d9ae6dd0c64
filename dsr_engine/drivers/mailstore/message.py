"""A mail store's files are mails, whatever they look like: the format is not guessed as it is for files in a bucket.

Guessing would take a mail with raw binary in its first lines for an unknown file, and its encoded parts would go unread. Only in a folder of files of
any kind (`Reading.name` says what the file is called) the content says what is no mail, and a name that promises one is believed before a guess.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import BinaryIO, cast

from dsr_engine.content.files import FILES, kind_of_file, read_file, rewrite_file
from dsr_engine.content.format import Budget, Reading, Unreadable
from dsr_engine.content.mail.mime import Mime
from dsr_engine.content.mail.skim import LARGEST, Skimmer
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.screening import Memory, Noting
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import Edit
from dsr_engine.domain.record import Gap, Unit

_MAIL = cast(Mime, FILES.formats["mime"])

#: Bytes that are read at once to skim a mail.
_ORDINARY = 64 * 1024

#: What a mail may look like that begins oddly, or has no header that is known.
_GUESSES = frozenset({"text", "csv", "json", "jsonl", "html", "xml", "binary"})
_NAMED = re.compile(r".*\.eml|[0-9]+", re.IGNORECASE | re.DOTALL)


def is_mail(open_file: Callable[[], BinaryIO], name: str) -> bool:
    """True unless the file called `name` is of another kind: `.eml`, and numbers as MH gives them, are mails unless they surely are not."""
    if not name:
        return True
    kind = kind_of_file(open_file, Reading("", None, name=name))
    return kind == "mime" or (kind in _GUESSES and _NAMED.fullmatch(name) is not None)


def read_message(open_file: Callable[[], BinaryIO], reading: Reading) -> Iterator[Unit | Gap]:
    """The texts of a mail that pass the gate, and what could not be read."""
    if not is_mail(open_file, reading.name):
        yield from read_file(open_file, reading)
        return
    try:
        yield from _MAIL.read(open_file, replace(reading, budget=Budget(reading.limits)))
    except Unreadable as unreadable:
        yield Gap(reading.collection, unreadable.code, unreadable.reason)


def skimming(memory: Memory) -> Skimmer:
    """What skims the mails of one search; what was read and refused is remembered."""
    return Skimmer(_MAIL, memory)


def skim_message(open_file: Callable[[], BinaryIO], reading: Reading, name: str, skimmer: Skimmer, note: Noting) -> Sequence[Gap] | None:
    """Notes what the mail says, and gives what of it could not be read; None: it is no ordinary mail, and has to be read in full."""
    with closing(open_file()) as source:
        # Room is made for as much as is asked for, and few mails need much.
        pieces = [source.read(_ORDINARY)]
        while pieces[-1] and sum(map(len, pieces)) <= LARGEST:
            pieces.append(source.read(_ORDINARY))
    data = b"".join(pieces)
    if len(data) > LARGEST or (name and not is_mail(partial(BytesIO, data), name)):
        return None
    return skimmer.skim(data, reading, note)


def write_message(open_file: Callable[[], BinaryIO], sink: BinaryIO, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> None:
    """The whole mail with the edits applied, else byte for byte. Raises `NotSupported` before anything is written."""
    if not is_mail(open_file, reading.name):
        rewrite_file(open_file, sink, edits, rewriter, reading)
        return
    try:
        write = _MAIL.prepare(open_file, edits, rewriter, replace(reading, budget=Budget(reading.limits)))
    except Unreadable as unreadable:
        raise NotSupported(f"A mail cannot be rewritten: {unreadable.reason}", code=unreadable.code) from None
    write(sink)
