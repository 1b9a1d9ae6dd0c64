"""Mails are looked over by the hundred: what nobody who is looked for is in is told at once, and the rest is read one by one.

What is known to be as it was when the person was not in it (`drivers/unchanged.py`) is not opened at all.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content.gate import Gate
from dsr_engine.content.screening import Memory, Noting, passing
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.mailstore.store import Gone, Mail
from dsr_engine.drivers.unchanged import Marks

#: So many mails, or so much text in them, are looked over together.
_MAILS, _SIZE = 200, 1024 * 1024

#: What a mail left unread; None: it has to be read by itself.
Verdict = tuple[Gap, ...] | None


@dataclass(frozen=True, slots=True)
class _Waiting:
    mail: Mail | Gap
    note: Noting | None
    gaps: tuple[Gap, ...] = ()

    @property
    def size(self) -> int:
        return self.note.size if self.note is not None else 0


def screened(
    mails: Iterable[Mail | Gap], gate: Gate, read: Callable[[Mail, Noting], tuple[Gap, ...]], marks: Marks, memory: Memory
) -> Iterator[tuple[Mail | Gap, Verdict]]:
    """Each mail in its order with what is known of it. `read` gives what a mail leaves unread, and asks the gate about the rest.

    `memory` is told what becomes of what `read` notes.
    """
    batch: list[_Waiting] = []
    size = 0
    for mail in mails:
        if isinstance(mail, Gap) or (marks.is_asking and marks.is_known(mail.told)):
            batch.append(_Waiting(mail, None))
        else:
            batch.append(_noted(mail, gate, read))
            size += batch[-1].size
        if len(batch) >= _MAILS or size >= _SIZE:
            yield from _judged(batch, gate, memory)
            batch, size = [], 0
    yield from _judged(batch, gate, memory)


def _noted(mail: Mail, gate: Gate, read: Callable[[Mail, Noting], tuple[Gap, ...]]) -> _Waiting:
    note = Noting(gate)
    try:
        return _Waiting(mail, note, read(mail, note))
    except (Gone, OSError):
        # Read again by itself, it says what is wrong with it.
        note.passed = True
        return _Waiting(mail, note)


def _judged(batch: Sequence[_Waiting], gate: Gate, memory: Memory) -> Iterator[tuple[Mail | Gap, Verdict]]:
    """What is known of a batch. What its mails say is forgotten before the next one is read."""
    notes = [each.note for each in batch if each.note is not None]
    hers = {id(notes[place]) for place in passing(gate, notes)}
    memory.judged(is_refused=not hers)
    yield from ((each.mail, None if id(each.note) in hers else each.gaps) for each in batch)
