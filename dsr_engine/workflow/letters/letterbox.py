"""How the letters of cases fare, and which of them want a person: one that came back, was refused, waits to be sent, or was never written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import Posted, PostState
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.corresponding import ENDING, ending_of, kind_of, purpose_of

Row = dict[str, str | int | bool | None]

BOUNCED, FAILED, WAITING, OWED = "letter.bounced", "letter.failed", "letter.waiting", "letter.owed"
_CODES = {PostState.BOUNCED: BOUNCED, PostState.FAILED: FAILED, PostState.WAITING: WAITING}
#: Letters that mean nothing any more once the case is closed.
_ON_THE_WAY = frozenset({LetterKind.ACKNOWLEDGEMENT, LetterKind.CLARIFICATION, LetterKind.EXTENSION})
#: Why a message was given up by a person or for another one: nothing to worry about.
GIVEN_UP = frozenset({"dropped", "replaced"})


@dataclass(frozen=True, slots=True)
class Worry:
    """A letter that does not arrive by itself. `since` is the day on which that was known, `needs` what ends it."""

    case: Case
    code: str
    letter: LetterKind
    since: date
    needs: str


def letter_rows(tx: Transaction, case_id: str) -> list[Row]:
    """The letters of a case, the oldest first: what, how it fares, when it went out, and the carrier's last answer."""
    return [_row(posted, kind) for posted in tx.outbox.of(case_id) if (kind := kind_of(posted)) is not None]


def _row(posted: Posted, kind: LetterKind) -> Row:
    return {
        "letter": kind.value,
        "state": posted.state.value,
        "sent_at": posted.sent_at.isoformat(timespec="minutes") if posted.sent_at else None,
        "answer": posted.code or None,
        "id": posted.id,
    }


def worry_row(worry: Worry) -> Row:
    """One line among what is due."""
    return {
        "case": worry.case.id,
        "limit": worry.code,
        "day": worry.since.isoformat(),
        "urgency": "letter",
        "stage": worry.case.stage.value,
        "waits_for": worry.code,
        "set_by": None,
        "needs": worry.needs,
    }


def worries(tx: Transaction, house: House) -> tuple[Worry, ...]:
    """Every letter of every case that wants a person, the oldest first."""
    by_case: dict[str, list[Posted]] = {case_id: [] for case_id in tx.contacts.cases()}
    for posted in tx.outbox.list():
        if posted.case and kind_of(posted) is not None:
            by_case.setdefault(posted.case, []).append(posted)
    found = [worry for case_id, letters in by_case.items() for worry in _of_case(tx, house, case_id, letters)]
    return tuple(sorted(found, key=lambda worry: (worry.since, worry.case.id, worry.letter)))


def worries_of(tx: Transaction, house: House, case_id: str) -> tuple[Worry, ...]:
    """The letters of one case that want a person."""
    return tuple(_of_case(tx, house, case_id, [posted for posted in tx.outbox.of(case_id) if kind_of(posted) is not None]))


def _of_case(tx: Transaction, house: House, case_id: str, letters: Iterable[Posted]) -> Iterator[Worry]:
    latest = {posted.purpose: posted for posted in letters if posted.code not in GIVEN_UP}
    unsettled = [posted for posted in latest.values() if posted.state in _CODES]
    owed = _owed(tx, case_id, latest)
    if not unsettled and owed is None:
        return
    case = tx.cases.get(case_id)
    for posted in unsettled:
        kind = kind_of(posted)
        if kind is None or (case.outcome is not None and kind in _ON_THE_WAY):
            continue  # an acknowledgement of what is answered by now interests nobody
        yield Worry(case, _CODES[posted.state], kind, house.calendar.day_of(posted.sent_at or posted.queued_at), _needs(posted, kind))
    if owed is not None:
        since = house.calendar.day_of(case.closed_at or case.opened_at)
        yield Worry(case, OWED, owed, since, f"`dsr letter {case_id} {owed.value}` says what is missing; then add --send, or --record-sent DATE")


def _owed(tx: Transaction, case_id: str, latest: dict[str, Posted]) -> LetterKind | None:
    """The letter that ends the case, where its requester can be reached and none was ever written or sent."""
    if any(purpose_of(kind) in latest for kind in ENDING) or not tx.contacts.is_known(case_id):
        return None
    entry = tx.request_log.of(case_id)
    if entry is not None and entry.answered is not None:
        return None  # somebody answered by other means and recorded the day
    case = tx.cases.get(case_id)
    return ending_of(tx, case) if case.kind is CaseKind.REQUEST else None


def _needs(posted: Posted, kind: LetterKind) -> str:
    match posted.state:
        case PostState.WAITING:
            return f"read it with `dsr letter {posted.case} {kind.value}`, then send it: `dsr post retry {posted.id}`"
        case PostState.BOUNCED:
            return f"`dsr letter {posted.case} {kind.value} --send --to ADDRESS`, or send it by post and --record-sent DATE"
        case _:
            return f"`dsr post retry {posted.id}`, or `dsr letter {posted.case} {kind.value}` with --send --to ADDRESS or --record-sent DATE"
