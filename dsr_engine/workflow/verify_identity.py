"""Who asks? What was done to find that out is written down; what was shown as proof is not (GDPR Art. 12(6), 11 CCR § 7060).

How sure one must be depends on the laws of the case and on what is to be erased. Before anything is known of the person the reasonable level is
enough to look; where sensitive data was found, nothing is erased before the high level is reached (`too_weak`).
"""

import secrets
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage, Wait
from dsr_engine.domain.entitled import EVERYTHING
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.plan import Plan
from dsr_engine.domain.regime import Assurance, PauseWhy
from dsr_engine.domain.verification import CONFIRMED, GUARDIAN, METHODS, ON_PAPER, POINTS, Need, Verified, identity_of, lacking, need_of
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import COPYING, copy_need
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.pausing import end_for
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.corresponding import write_not_identified
from dsr_engine.workflow.step import Advance, Close, Stand, Step
from dsr_engine.workflow.turn import Turn
from dsr_engine.workflow.wiping import wipe

NOT_IDENTIFIED = "cannot_identify"
TOO_WEAK = "identity_too_weak"
#: How long a requester has to give more where no law of the case sets a limit.
_USUAL_WAIT = timedelta(days=30)


def verify_identity(case: Case, turn: Turn, house: House) -> Step:
    """Goes on once enough was done to know who asked; stands until then, and ends where the person gave nothing more in time."""
    if case.identity:
        return Advance(Stage.RESOLVE_IDENTITIES)
    if case.wait is not None and case.wait.code == NOT_IDENTIFIED:
        return _waiting_for_more(case, case.wait, house)
    with turn.transaction() as tx:
        done = tx.verifications.of(case.id)
        need = requested_need(tx, house, case)
    if done:
        wait = Wait(
            "identity_incomplete",
            "what was done so far does not show yet that the requester is the person",
            f"{lacking(need, done)}: `dsr case match`, `dsr case code` or `dsr case verify`; or `dsr case cannot-identify {case.id}`",
            house.clock.now(),
        )
    else:
        wait = Wait(
            "identity_unverified",
            "nobody has verified yet that the requester is the person" + _warning(case, house),
            f"{lacking(need, done)}: `dsr case match`, `dsr case code`, or `dsr case verify {case.id} --method …` by whoever checked it",
            house.clock.now(),
        )
    return Stand(wait)


def _warning(case: Case, house: House) -> str:
    """Said early, so that the requester is written to once: the systems may hold data for which more will be needed."""
    need = need_of(house.regimes_of(case), _declared(case, house))
    if need.level is not Assurance.HIGH:
        return ""
    more = " and a signed declaration" if need.is_declared else ""
    return f"; its systems can hold sensitive data, and if the person has any there, {need.points} matching kinds of data{more} will be needed"


def _declared(case: Case, house: House) -> tuple[str, ...]:
    maps = (house.systems[name].manifest for name in case.systems if name in house.systems)
    return tuple({entry.category for map_ in maps for collection in map_.collections for entry in collection.fields if entry.category})


def _waiting_for_more(case: Case, wait: Wait, house: House) -> Step:
    if wait.wake_at is None or house.clock.now() < wait.wake_at:
        return Stand(wait)

    def write(tx: Transaction) -> None:
        tx.ledger.append(leaf(house.clock, "case.cannot_identify", case.id, case=case.id, reason=NOT_IDENTIFIED, by=case.opened_by))
        write_not_identified(tx, house, case)
        forget(tx, house, case.id)

    return Close(Outcome.CANNOT_IDENTIFY, write)


def requested_need(tx: Transaction, house: House, case: Case) -> Need:
    """What must be done before a person is looked for: by the categories that were asked for by name."""
    asked = {entry.category for entry in tx.case_grounds.of(case.id)} - {EVERYTHING}
    return copy_need(house.regimes_of(case), asked) if case.right in COPYING else need_of(house.regimes_of(case), asked)


def too_weak(tx: Transaction, house: House, case: Case, plan: Plan) -> Wait | None:
    """Why the plan may not be approved yet: it takes sensitive data, and what was done to verify the requester is not enough for that."""
    if case.kind is not CaseKind.REQUEST or plan.affected == 0:
        return None
    need, done = _need_of_plan(house, case, plan), tx.verifications.of(case.id)
    if need.level is not Assurance.HIGH or not done or identity_of(need, done):
        return None
    return Wait(
        TOO_WEAK,
        "sensitive data of the person was found, and to erase it more must be done to know who asked",
        f"{lacking(need, done)}: `dsr case match` or `dsr case verify`; then run the case",
        house.clock.now(),
    )


def _need_of_plan(house: House, case: Case, plan: Plan) -> Need:
    return need_of(house.regimes_of(case), {category for item in plan.items if item.effect is not None for category in item.categories})


def confirm_identity(
    house: House,
    case_id: str,
    method: str,
    by: str,
    kinds: tuple[str, ...] = (),
    *,
    paper: bytes | None = None,
    signed_on: date | None = None,
    age: int | None = None,
) -> Case:
    """Records on somebody's word who verified the requester and how; marks the selectors of these kinds (all if empty) as verified.

    `paper` is the signed paper that the method rests on, of which only a keyed digest stays. `age` is that of the child, for a guardian.
    Raises `InputWrong` for a method that the case's laws do not know or a paper that is missing, `Conflict` where the identity is settled.
    """
    with house.store.transaction() as tx:
        case = open_question(tx, case_id)
        _refuse_method(house, case, method, paper, signed_on, age)
        given = kinds or tuple(selector.kind for selector in tx.selectors.of(case_id))
        person = tx.people.id_of(by)
        done = Verified(method, person, house.clock.now(), tuple(sorted(set(given))) if method == POINTS else (), signed_on)
        after = note_verified(tx, house, case, done, paper)
        if after.identity:
            mark_verified(tx, case_id, {selector.id for selector in tx.selectors.of(case_id) if not kinds or selector.kind in kinds})
    return after


def open_question(tx: Transaction, case_id: str) -> Case:
    """The case, if it is still open who asked. Raises `Conflict`."""
    case = tx.cases.locked(case_id)
    is_asked_again = case.wait is not None and case.wait.code == TOO_WEAK
    if (case.identity or case.stage not in (Stage.VERIFY_IDENTITY, Stage.INTAKE)) and not is_asked_again:
        raise Conflict("the identity of this case is settled already", code="case.stage", hint="`dsr case show` tells where it stands")
    if case.kind is not CaseKind.REQUEST:
        raise Conflict("nobody asked in this case whose identity could be verified", code="case.kind", hint="`dsr case show` tells what it is")
    return case


def note_verified(tx: Transaction, house: House, case: Case, done: Verified, paper: bytes | None = None) -> Case:
    """Writes down what was done, and settles the identity if that is enough now; then every paper that was shown is deleted."""
    tx.verifications.add(case.id, done, paper)
    key = f"{case.id}:{secrets.token_hex(8)}"
    tx.ledger.append(leaf(house.clock, "case.identity", key, case=case.id, method=done.method, by=done.by, matched=list(done.kinds)))
    plan = tx.plans.of(case.id, case.round) if case.stage is Stage.APPROVE else None
    need = requested_need(tx, house, case) if plan is None else _need_of_plan(house, case, plan)
    identity = identity_of(need, tx.verifications.of(case.id))
    if identity:
        forget_shown(tx, house, case.id)
        end_for(tx, house, case, PauseWhy.IDENTITY, done.by)
    after = replace(case, identity=identity or case.identity, wait=case.wait if case.wait and case.wait.code == TOO_WEAK and not identity else None)
    tx.cases.save(after)
    return after


def forget_shown(tx: Transaction, house: House, case_id: str) -> None:
    """The case is decided: the papers that were shown go, and so does a code that nobody needs any more."""
    tx.verifications.drop_code(case_id)
    if tx.verifications.drop_papers(case_id):
        tx.after_commit(lambda: wipe(house))


def mark_verified(tx: Transaction, case_id: str, ids: set[str]) -> None:
    """These selectors are the requester's own."""
    for selector in tx.selectors.of(case_id):
        if selector.id in ids:
            tx.selectors.add(case_id, replace(selector, verified=True))


def not_identified(house: House, case_id: str, by: str) -> Case:
    """Records that with what was given nobody can tell which data are the requester's (GDPR Art. 11(2)).

    What they showed is deleted. The case waits for more until the limit of the answer, and then ends as *cannot identify*, which is no refusal.
    """
    with house.store.transaction() as tx:
        case = open_question(tx, case_id)
        if case.stage is Stage.APPROVE:
            raise Conflict("the person was found already", code="case.stage", hint="refuse the case instead, or verify the requester")
        person = tx.people.id_of(by)
        until = _until(tx, house, case)
        forget_shown(tx, house, case_id)
        wait = Wait(
            NOT_IDENTIFIED,
            "with what the requester gave, nobody can tell which data are theirs",
            f"tell them so (`dsr letter {case_id} cannot_identify`); if they give more: `dsr case more {case_id} --email …` or `dsr case verify`",
            house.clock.now(),
            until,
        )
        after = replace(case, stage=Stage.VERIFY_IDENTITY, wait=wait)
        tx.cases.save(after)
        write_not_identified(tx, house, after)
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "case.not_identified", key, case=case_id, until=f"{until:%Y-%m-%d}", by=person))
    return after


def _until(tx: Transaction, house: House, case: Case) -> datetime:
    """The end of the last day of the answer, on the controller's wall."""
    today = house.calendar.day_of(house.clock.now())
    stood = standing(tx, house, case)
    day = stood.limits.answer if stood is not None else today + _USUAL_WAIT
    return datetime.combine(max(day, today), time.max, house.calendar.zone)


def _refuse_method(house: House, case: Case, method: str, paper: bytes | None, signed_on: date | None, age: int | None) -> None:
    laws = {regime.name: regime.verification for regime in house.regimes_of(case)}
    if method not in METHODS:
        raise InputWrong(f"no such method: {method}", code="verification.method", hint=f"one of {', '.join(METHODS)}")
    if method in ON_PAPER and (paper is None or signed_on is None):
        raise InputWrong(
            f"{METHODS[method]}: the paper or its day is missing",
            code="verification.paper",
            hint="name the file with --paper and the day with --signed; only a digest of the file is kept",
        )
    if signed_on is not None and signed_on > house.calendar.day_of(house.clock.now()):
        raise InputWrong("the paper was signed in the future", code="verification.signed", hint="write the day on which it was signed")
    if method == CONFIRMED and not all(law.confirm for law in laws.values()):
        raise InputWrong("a law of this case lets nobody ask the person to confirm an agent", code="verification.confirm")
    below = {name: law.guardian_below for name, law in laws.items() if law.guardian_below is not None}
    if method == GUARDIAN and below and age is None:
        raise InputWrong("how old is the child?", code="verification.age", hint="name it with --age; it is not kept")
    of_age = next((name for name, limit in below.items() if age is not None and age >= limit), "")
    if method == GUARDIAN and of_age:
        raise InputWrong(
            f"under {of_age} a child asks itself from the age of {below[of_age]} on",
            code="verification.of_age",
            hint="verify the child itself, by any other method",
        )
