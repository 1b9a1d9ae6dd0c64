"""Mails are looked over by the hundred: what nobody who is looked for is in is told at once, and the rest is read one by one.

What is known to be as it was when the person was not in it (`drivers/unchanged.py`) is not opened at all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dsr_engine.content.gate import Gate
from dsr_engine.content.screening import Noting, passes_any
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
    mails: Iterable[Mail | Gap], gate: Gate, read: Callable[[Mail, Gate], tuple[Gap, ...]], marks: Marks
) -> Iterator[tuple[Mail | Gap, Verdict]]:
    """Each mail in its order with what is known of it. `read` gives what a mail leaves unread, and asks the gate about the rest."""
    batch: list[_Waiting] = []
    for mail in mails:
        if isinstance(mail, Gap) or (marks.is_asking and marks.is_known(mail.told)):
            batch.append(_Waiting(mail, None))
        else:
            batch.append(_noted(mail, gate, read))
        if len(batch) >= _MAILS or sum(each.size for each in batch) >= _SIZE:
            yield from _judged(batch, gate)
            batch = []
    yield from _judged(batch, gate)


def _noted(mail: Mail, gate: Gate, read: Callable[[Mail, Gate], tuple[Gap, ...]]) -> _Waiting:
    note = Noting(gate)
    try:
        return _Waiting(mail, note, read(mail, note))
    except (Gone, OSError):
        # Read again by itself, it says what is wrong with it.
        note.passed = True
        return _Waiting(mail, note)


def _judged(batch: list[_Waiting], gate: Gate) -> Iterator[tuple[Mail | Gap, Verdict]]:
    """Found by halves."""
    notes = [each.note for each in batch if each.note is not None]
    if not notes or not passes_any(gate, notes):
        yield from ((each.mail, each.gaps) for each in batch)
    elif len(batch) == 1:
        yield batch[0].mail, None
    else:
        yield from _judged(batch[: len(batch) // 2], gate)
        yield from _judged(batch[len(batch) // 2 :], gate)
