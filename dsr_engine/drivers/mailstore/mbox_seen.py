"""The mails of an mbox file as it stands: where each is, what names it, what state it is in, and how it is opened again."""

import io
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dsr_engine.content.mail.mbox_spans import Span, spans, window
from dsr_engine.content.pread_file import Part
from dsr_engine.domain.errors import Unreachable
from dsr_engine.drivers.mailstore.disk import open_plain
from dsr_engine.drivers.mailstore.mbox_file import StateSink
from dsr_engine.drivers.mailstore.store import BLOCK, Key, Mail, Sighting, short

#: Opens the content of a span.
OpenSpan = Callable[[Span], BinaryIO]


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """One mail of a file that was read: where it is, its key and its state, and whether it bears our mark."""

    span: Span
    key: Key
    state: bytes
    is_marked: bool = False


def seen_in(file: BinaryIO, size: int) -> Iterator[Seen]:
    """The mails in the first `size` bytes of an open file."""
    counts: Counter[bytes] = Counter()
    for span in spans(file.fileno(), size):
        sink = StateSink(span.envelope)
        with window(file.fileno(), span.content, span.stop) as content:
            shutil.copyfileobj(content, sink, BLOCK)
        state = sink.state()
        counts[state] += 1
        yield Seen(span, (short(state), str(counts[state]), sink.link()), state, sink.is_marked)


def heir_of(key: Key, is_planned: Callable[[bytes], bool] | None, there: Sequence[Seen], linked: Mapping[str, Seen]) -> Seen | None:
    """What became of the mail with this key, which is not there: what the plan makes of it, else another mail that is tied to it.

    Of equal mails the last is changed first (`workflow/batching.py`). So the one that is called the third, where one is left, is the second of those
    that were changed, and none of them where only one was.
    """
    made = [seen for seen in there if seen.is_marked and is_planned(seen.state)] if is_planned is not None else []
    ahead = int(key[1]) - sum(seen.key[0] == key[0] for seen in there)
    if 0 < ahead <= len(made):
        return made[ahead - 1]
    tied = linked.get(key[2])
    # An equal mail is a copy and never what a rewrite made; and what became of another is not what became of this one.
    return None if tied is None or tied.key[0] == key[0] or tied in made else tied


def sighting_of(seen: Seen, open_span: OpenSpan, *, is_same: bool = True) -> Sighting:
    span = seen.span
    mail = Mail(
        span.envelope.created,
        lambda: open_span(span),
        lambda: Sighting(mail, seen.key, seen.state, is_same),
        span.envelope.sender.decode("utf-8", "surrogateescape"),
    )
    return Sighting(mail, seen.key, seen.state, is_same)


def within(file: BinaryIO) -> OpenSpan:
    """Opens spans of a file that stays open."""
    return lambda span: window(file.fileno(), span.content, span.stop)


def anew(path: Path, facts: os.stat_result) -> OpenSpan:
    """Opens spans of a file that is opened anew each time. Raises `Unreachable` where another one, or a shorter one, has its name by then."""

    def opened(span: Span) -> BinaryIO:
        try:
            file = open_plain(path)
        except FileNotFoundError:
            raise rewritten() from None
        now = os.fstat(file.fileno())
        if (now.st_dev, now.st_ino) != (facts.st_dev, facts.st_ino) or now.st_size < facts.st_size:
            file.close()
            raise rewritten()
        return io.BufferedReader(_Owned(file, span.content, span.stop))

    return opened


class _Owned(Part):
    """A range of a file that is closed with it."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__(file.fileno(), start, end)
        self._file = file

    def close(self) -> None:
        self._file.close()
        super().close()


def rewritten() -> Unreachable:
    return Unreachable("An mbox was rewritten while it was read", code="mail.busy", hint="it is searched again")
