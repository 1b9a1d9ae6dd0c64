"""Answers to the platform: a status for every work item, in files called like the lists, and corrections where one changed since.

A file is written down before it is sent. Killed between sending and noting: the same bytes go out again under the same name, the platform refuses a
name that it has, and that refusal is the proof that it has it.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from dsr_engine.delivery.drop_platform import Platform, Preparing, Taken
from dsr_engine.domain.drop import Batch, DropStatus
from dsr_engine.domain.errors import Conflict, Unreachable
from dsr_engine.store.drop_answers import AMEND, UPLOAD, Answer
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.dropping.settling import settle
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

HEADER = "Id,Status"
#: Rows of one file.
MOST_ROWS = 250_000
#: The longest that one file waits for a platform that asks for patience, in seconds.
_PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Reported:
    """The files that the platform has now, or that lie ready to be handed in."""

    files: tuple[Answer, ...]
    open_items: int


def report(house: House, platform: Platform, *, partial: bool = False, sleep: Callable[[float], None] = time.sleep) -> Reported:
    """Hands in what is due. Raises `Conflict` (`drop.open`) where items have no status yet, unless `partial`; what is sent then goes as a part."""
    ready = prepare(house, partial=partial)
    for answer in ready.files:
        _send(house, platform, answer, sleep)
    return replace(ready, files=tuple(replace(answer, content=b"") for answer in ready.files))


def prepare(house: House, *, partial: bool = False, by_hand: bool = False) -> Reported:
    """Writes the files that are due into the store; gives those that are not known to be with the platform."""
    settle(house)
    with house.store.transaction() as tx:
        batches = tx.drop.batches()
        open_items = sum(tally.count for tally in tx.drop.tallies() if tally.status is None and tally.reported is None)
        if open_items and not partial:
            raise Conflict(
                f"{open_items} work item(s) have no status yet, and the platform wants one for each",
                code="drop.open",
                hint="`dsr drop status` tells what they wait for; with --partial those that have one are handed in now, and the rest later",
            )
        for batch in batches:
            _keep_all(tx, house, batch, by_hand=by_hand)
        ready = tuple(answer for batch in batches for answer in tx.drop.answers.unsent(batch.id))
    return Reported(ready, open_items)


def write_out(house: House, folder: Path, *, partial: bool = False) -> Reported:
    """Writes the files into a folder, to be handed in through the portal; `handed_in` says that this was done."""
    ready = prepare(house, partial=partial, by_hand=True)
    folder.mkdir(parents=True, exist_ok=True)
    for answer in ready.files:
        (folder / answer.name).write_bytes(answer.content)
    return ready


def handed_in(house: House, by: str) -> int:
    """Somebody handed in all files that lay ready. Gives how many."""
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        answers = [answer for batch in tx.drop.batches() for answer in tx.drop.answers.unsent(batch.id)]
        for answer in answers:
            _note_sent(tx, house, answer, by=person)
    return len(answers)


def _keep_all(tx: Transaction, house: House, batch: Batch, *, by_hand: bool) -> None:
    """The files of one batch that are due and not written down yet."""
    before = tx.drop.answers.of(batch.id)
    waiting = {item for answer in before if answer.sent_at is None for item, _ in rows_of(answer.content)}
    for entry, name in tx.drop.files(batch.id).items():
        for manner, rows in ((UPLOAD, tx.drop.unreported(batch.id, entry)), (AMEND, tx.drop.changed(batch.id, entry))):
            due = iter([row for row in rows if row[0] not in waiting])
            while some := tuple(islice(due, MOST_ROWS)):
                taken = {answer.name for answer in tx.drop.answers.of(batch.id) if answer.manner == manner}
                _keep(tx, house, batch, _name(name, manner, taken), manner, some, by_hand=by_hand)
    if _is_complete(tx, batch):
        tx.drop.complete(batch.id, house.clock.now())


def _keep(tx: Transaction, house: House, batch: Batch, name: str, manner: str, rows: tuple[tuple[str, DropStatus], ...], *, by_hand: bool) -> None:
    content = "".join((f"{HEADER}\r\n", *(f"{item},{int(status)}\r\n" for item, status in rows))).encode()
    sha256 = hashlib.sha256(content).hexdigest()
    tx.drop.answers.keep(Answer(name, manner, batch.id, len(rows), sha256, house.clock.now(), by_hand=by_hand, content=content))


def rows_of(content: bytes) -> Iterator[tuple[str, DropStatus]]:
    """What a file of answers says."""
    for line in content.decode().split("\r\n")[1:]:
        item, comma, status = line.partition(",")
        if comma:
            yield item, DropStatus(int(status))


def _name(file: str, manner: str, taken: Iterable[str]) -> str:
    """The list's own name for the first file, with a suffix for further ones: up to ten letters and digits."""
    stem = file.removesuffix(".csv")
    known = set(taken)
    if manner == UPLOAD and file not in known:
        return file
    mark = "part" if manner == UPLOAD else "amend"
    return next(name for number in range(1, 10_000) if (name := f"{stem}_{mark}{number:02}.csv") not in known)


def _send(house: House, platform: Platform, answer: Answer, sleep: Callable[[float], None]) -> None:
    hand_in = platform.upload if answer.manner == UPLOAD else platform.amend
    with house.store.transaction() as tx:
        was_tried = tx.drop.answers.try_now(answer.name, answer.manner, house.clock.now())
    told = hand_in(answer.name, answer.content)
    waited = 0.0
    while isinstance(told, Preparing) and waited + told.seconds <= _PATIENCE:
        sleep(told.seconds)
        waited += told.seconds
        told = hand_in(answer.name, answer.content)
    if isinstance(told, Preparing):
        raise Unreachable("the platform asks for patience for too long", code="drop.busy", hint="try again later; nothing is lost")
    if not isinstance(told, Taken) and not was_tried:
        what = f"has a file called {answer.name} that this engine did not send" if told.is_same_name else "waits for no answers now"
        raise Conflict(
            f"the platform {what}",
            code="drop.not_awaited",
            hint="was the batch answered in the portal already? Then say so: `dsr drop report --handed-in`",
        )
    with house.store.transaction() as tx:
        _note_sent(tx, house, answer)


def _note_sent(tx: Transaction, house: House, answer: Answer, *, by: str = "") -> None:
    rows = list(rows_of(answer.content))
    tx.drop.reported(rows)
    tx.drop.answers.sent(answer.name, answer.manner, house.clock.now())
    counts = {status.name.lower(): sum(found is status for _, found in rows) for status in DropStatus}
    key = f"{answer.name}:{answer.manner}"
    facts = {"by": by} if by else {}
    tx.ledger.append(leaf(house.clock, "drop.reported", key, file=answer.name, manner=answer.manner, sha256=answer.sha256, counts=counts, **facts))
    for batch in tx.drop.batches():
        if batch.id == answer.batch and _is_complete(tx, batch):
            tx.drop.complete(batch.id, house.clock.now())


def _is_complete(tx: Transaction, batch: Batch) -> bool:
    return all(tally.reported is not None for tally in tx.drop.tallies(batch.id))
