"""Where a request stands, for whoever asked: steps in plain words, when the answer is due, what is asked of them, what they may do and download.

It tells nothing of what was found: that stands in the letter that ends the case.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.portal import KeptLetter, Link, NoteKind
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.domain.request import Right
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import is_of_copy
from dsr_engine.workflow.access.copying import is_copy_ready
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.portal.denial import is_denied
from dsr_engine.workflow.portal.opening import reference_of
from dsr_engine.workflow.verify_identity import NOT_IDENTIFIED, TOO_WEAK


class Walk(StrEnum):
    """The steps of a request as its requester sees them."""

    WHO = "who"
    LOOKING = "looking"
    DECIDING = "deciding"
    ERASING = "erasing"
    ANSWERING = "answering"
    DONE = "done"


#: The steps of an erasure, of a copy that the engine makes, and of what people answer by hand.
ERASURE = (Walk.WHO, Walk.LOOKING, Walk.DECIDING, Walk.ERASING, Walk.ANSWERING, Walk.DONE)
COPY = (Walk.WHO, Walk.LOOKING, Walk.ANSWERING, Walk.DONE)
BY_HAND = (Walk.ANSWERING, Walk.DONE)
_STEPS = {
    **dict.fromkeys((Stage.INTAKE, Stage.VERIFY_IDENTITY), Walk.WHO),
    **dict.fromkeys((Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN), Walk.LOOKING),
    Stage.APPROVE: Walk.DECIDING,
    **dict.fromkeys((Stage.EXECUTE, Stage.VERIFY_ABSENCE), Walk.ERASING),
    **dict.fromkeys((Stage.NOTIFY, Stage.CERTIFY, Stage.PUBLISH), Walk.ANSWERING),
    Stage.CLOSED: Walk.DONE,
}
#: The outcome as a link tells it that no code proved.
ANSWERED = "answered"
_BEFORE_EFFECTS = frozenset({Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES, Stage.DISCOVER, Stage.PLAN, Stage.APPROVE})
_OBJECTABLE = frozenset({Outcome.REFUSED, Outcome.FULFILLED_WITH_EXCEPTIONS, Outcome.CANNOT_IDENTIFY})
_CERTIFIED = frozenset({Outcome.FULFILLED, Outcome.FULFILLED_WITH_EXCEPTIONS})
_ASKING = {PauseWhy.IDENTITY: "identity", PauseWhy.CLARIFICATION: "clarification", PauseWhy.FEE: "fee"}


@dataclass(frozen=True, slots=True)
class Story:
    """`walk` are all steps, `step` the one that is being done. `due`: the last day of the answer; None where none runs.

    `asked` says in codes what the requester should do (`more`, `identity`, `clarification`, `fee`, `stronger`, `permission`). `outcome` empty: open.
    """

    reference: str
    right: Right
    received: date
    walk: tuple[Walk, ...]
    step: Walk
    due: date | None
    closed: date | None
    outcome: str
    asked: tuple[str, ...]
    letters: tuple[KeptLetter, ...]
    has_certificate: bool
    has_copy: bool
    has_address: bool
    may_write: bool
    may_show: bool
    may_withdraw: bool
    may_object: bool
    has_objected: bool
    agent_denied: bool


def story_of(tx: Transaction, house: House, link: Link, *, is_inside: bool) -> Story:
    """The story of the link's case as it stands now. `is_inside`: for who answered a code lately.

    To others a link that no code proved says no more than that the request was answered: an opt-out is taken from whoever names an address.
    """
    case = tx.cases.get(link.case)
    limits = standing(tx, house, case)
    is_open = case.outcome is None
    kinds, agent_denied = set(tx.portal.kinds_of(case.id)), is_denied(tx, case.id)
    is_told = is_inside or link.confirmed_at is not None
    is_question_open = is_open and not case.identity and case.stage in (Stage.INTAKE, Stage.VERIFY_IDENTITY)
    has_copy = not agent_denied and is_copy_ready(tx, house, case)
    walk = ERASURE if case.right is Right.ERASURE else COPY if is_of_copy(case) else BY_HAND
    day = house.calendar.day_of
    return Story(
        reference=reference_of(case),
        right=case.right,
        received=day(case.received_at or case.opened_at),
        walk=walk,
        step=Walk.ANSWERING if is_open and (has_copy or walk is BY_HAND) else _STEPS[case.stage],
        due=limits.limits.answer if limits is not None else None,
        closed=day(case.closed_at) if case.closed_at is not None else None,
        outcome="" if case.outcome is None else case.outcome.value if is_told else ANSWERED,
        asked=_asked(tx, case, kinds, is_told=is_told) if is_open else (),
        letters=tx.portal.letters_of(case.id),
        has_certificate=case.outcome in _CERTIFIED and tx.certificates.of(case.id) is not None,
        has_copy=has_copy,
        has_address=tx.contacts.is_known(case.id),
        may_write=is_open,
        may_show=is_question_open or _is_asked_again(case),
        may_withdraw=is_open and case.stage in _BEFORE_EFFECTS,
        may_object=case.outcome in _OBJECTABLE and NoteKind.OBJECTION not in kinds,
        has_objected=NoteKind.OBJECTION in kinds,
        agent_denied=agent_denied,
    )


def _asked(tx: Transaction, case: Case, kinds: set[NoteKind], *, is_told: bool) -> tuple[str, ...]:
    """What the requester should do, in codes; nothing that depends on whether the person is known, before it is clear who asks."""
    asked = []
    if is_told and case.wait is not None and case.wait.code == NOT_IDENTIFIED:
        asked.append("more")
    if is_told and _is_asked_again(case):
        asked.append("stronger")
    asked += [_ASKING[entry.stop.why] for entry in tx.pauses.of(case.id) if entry.stop.ended is None]
    if NoteKind.ACTS_FOR in kinds and not case.identity:
        asked.append("permission")
    return tuple(dict.fromkeys(asked))


def _is_asked_again(case: Case) -> bool:
    return case.wait is not None and case.wait.code == TOO_WEAK


@dataclass(frozen=True, slots=True, repr=False)
class Download:
    """A file for the requester. `name` holds nothing of the person."""

    name: str
    data: bytes


def letter_for(house: House, link: Link, letter_id: str) -> Download:
    """The letter of this case as it was sent. Raises `InputWrong` (`letter.unknown`)."""
    with house.store.snapshot() as tx:
        kept = {letter.id: letter for letter in tx.portal.letters_of(link.case)}
        parcel = tx.outbox.unsealed(link.case, letter_id, tx.portal.letter(link.case, letter_id))
    enclosed = parcel.enclosures[0]
    kind = kept[letter_id].purpose.partition(":")[2]
    return Download(f"{kind.replace('_', '-')}.pdf", enclosed.data)
