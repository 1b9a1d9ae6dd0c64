"""Writing an mbox anew: what becomes of each mail, the new file, and its coming into the place of the old one without losing a delivery.

A program that had the old file open, and waited for the lock on it without a dot-lock, may append its mail to the old file after the new one stands.
So the old one is watched until nobody has it open (a lease tells), and what came to it is appended to the new one.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from dsr_engine.content.mail.mbox import measured
from dsr_engine.content.mail.mbox_spans import Envelope, spans, window
from dsr_engine.domain.errors import NotSupported
from dsr_engine.drivers.driver import Done, Drifted, Failed, Outcome
from dsr_engine.drivers.mailstore.disk import create_private, dress, sync_folder
from dsr_engine.drivers.mailstore.mbox_file import StateSink
from dsr_engine.drivers.mailstore.mbox_lock import Held, locked_file
from dsr_engine.drivers.mailstore.mbox_seen import Seen, sighting_of, within
from dsr_engine.drivers.mailstore.store import BLOCK, Mail, Order, Rewriting

#: What a draft of a new file is called, beside the old one.
DRAFT = ".dsr-draft"

#: How long the old file is watched, in seconds: while others have it open, and where that cannot be told.
_WATCH, _BLIND = 2.0, 0.3
_PAUSE = 0.02


def judged(file: BinaryIO, there: Sequence[Seen], orders: Sequence[Order]) -> tuple[tuple[Outcome, ...], dict[int, Rewriting | None]]:
    """What becomes of each order, and the mails to touch by their position."""
    positions = {seen.key: index for index, seen in enumerate(there)}
    links = {seen.key[2] for seen in there if seen.key[2]}
    outcomes: list[Outcome] = []
    chosen: dict[int, Rewriting | None] = {}
    for order in orders:
        index = positions.get(order.key)
        if index is None:
            outcomes.append(Drifted("changed" if order.key[2] in links else "absent"))
        elif there[index].state != order.expect:
            outcomes.append(Drifted("changed"))
        else:
            outcome = _foretold(file, there[index], order.rewriting)
            outcomes.append(outcome)
            if isinstance(outcome, Done) and outcome.state != order.expect:
                chosen[index] = order.rewriting
    return tuple(outcomes), chosen


def _foretold(file: BinaryIO, seen: Seen, rewriting: Rewriting | None) -> Outcome:
    if rewriting is None:
        return Done(None)
    try:
        return Done(state_written(sighting_of(seen, within(file)).mail, seen.span.envelope, rewriting))
    except NotSupported as error:
        return Failed(error.code, error.message)


def state_written(mail: Mail, envelope: Envelope, rewriting: Rewriting) -> bytes:
    """The state of the mail that a rewriting gives, without keeping it."""
    sink = StateSink(_rewritten(envelope, mail, rewriting))
    rewriting.write(mail, sink)  # type: ignore[arg-type]  # a raw sink is all that writing needs
    return sink.state()


def _rewritten(envelope: Envelope, mail: Mail, rewriting: Rewriting) -> Envelope:
    """The envelope with its new sender, which may hold no spaces."""
    sender = rewriting.sender(mail.sender)
    if sender == mail.sender:
        return envelope
    return replace(envelope, sender="".join(sender.split()).encode("utf-8", "surrogateescape") or b"MAILER-DAEMON")


def put_in_place(path: Path, held: Held, facts: os.stat_result, there: Sequence[Seen], chosen: Mapping[int, Rewriting | None]) -> Outcome | None:
    """Writes the new file and puts it in place. Else why not: somebody changed the old one in spite of the locks, or a mail would come out as two."""
    file = held.file
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    try:
        with create_private(draft) as new:
            _write_new(file, new, there, chosen)
            new.flush()
            left = len(there) - sum(rewriting is None for rewriting in chosen.values())
            is_whole = sum(1 for _ in spans(new.fileno(), new.tell())) == left
            dress(new.fileno(), file.fileno())
            os.fsync(new.fileno())
        now = path.stat()
        if not is_whole:
            return Failed("mail.rewrite_differs", "a rewritten mail would be taken for two by its lines")
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (facts.st_ino, facts.st_size, facts.st_mtime_ns):
            return Drifted("changed")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    held.release()
    _take_over(path, file, facts.st_size)
    return None


def _write_new(file: BinaryIO, new: BinaryIO, there: Sequence[Seen], chosen: Mapping[int, Rewriting | None]) -> None:
    for index, seen in enumerate(there):
        span = seen.span
        if index not in chosen:
            with window(file.fileno(), span.start, span.end) as source:
                shutil.copyfileobj(source, new, BLOCK)
            continue
        rewriting = chosen[index]
        if rewriting is None:
            continue
        mail = sighting_of(seen, within(file)).mail
        new.write(_rewritten(span.envelope, mail, rewriting).line)
        measured(partial(rewriting.write, mail), mail.open)(new)
        new.flush()
        if os.pread(new.fileno(), 1, new.tell() - 1) != b"\n":
            new.write(span.envelope.end)
        new.write(span.envelope.end)


def _take_over(path: Path, old: BinaryIO, size: int) -> None:
    """Appends to the new file what others append to the old one, which has no name any more."""
    for grown in _growth(old, size):
        with locked_file(path) as held, window(old.fileno(), size, grown) as came:
            held.file.seek(0, os.SEEK_END)
            shutil.copyfileobj(came, held.file, BLOCK)
            held.file.flush()
            os.fsync(held.file.fileno())
        size = grown


def _growth(old: BinaryIO, size: int) -> Iterator[int]:
    """The size of the old file each time that it grew and stood still, until nobody else has it open, or for some time."""
    until, blind = time.monotonic() + _WATCH, time.monotonic() + _BLIND
    while True:
        is_alone = _is_alone(old)
        before, now = size, os.fstat(old.fileno()).st_size
        if now > before:
            if not is_alone:
                time.sleep(_PAUSE)
                if os.fstat(old.fileno()).st_size != now:
                    continue
            yield now
            size = now
        elif is_alone or time.monotonic() > (until if is_alone is False else blind):
            return
        else:
            time.sleep(_PAUSE)


def _is_alone(old: BinaryIO) -> bool | None:
    """True if no other process has the file open, by a lease that is given back at once (fcntl(2)); None where that cannot be asked."""
    try:
        fcntl.fcntl(old.fileno(), fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return False if error.errno in (errno.EAGAIN, errno.EBUSY) else None
    with contextlib.suppress(OSError):
        fcntl.fcntl(old.fileno(), fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True
