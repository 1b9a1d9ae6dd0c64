"""Nothing irreversible happens until somebody has said that legal holds were reviewed, and their word lapses.

An engine that knows of no hold cannot tell "there is none" from "nobody entered them". So a person looks, says so, and answers for it on certificates
(FRCP 37(e); GDPR Art. 17(3)(e)).
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import CONFIRM_WITHIN, REVIEW_ENDS_SOON, Hold, HoldState, Review
from dsr_engine.domain.plan import Effect, Fence, Rewrite
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

UNREVIEWED = "holds.unreviewed"


def attest(house: House, by: str, looked_at: str) -> Review:
    """Stores that this person reviewed the holds, and what they looked at. The ledger holds who, when and how many were in force.

    Raises `InputWrong` if they do not say what they looked at.
    """
    if not looked_at.strip():
        raise InputWrong("nobody said what was looked at", code="holds.unsaid", hint="name the lists, the matters or the people that were asked")
    now = house.clock.now()
    with house.store.transaction() as tx:
        review = Review(secrets.token_hex(6), tx.people.id_of(by), now, looked_at.strip(), len(tx.holds.list()))
        tx.holds.add_review(review)
        tx.ledger.append(
            leaf(house.clock, "holds.reviewed", review.id, by=review.by, in_force=review.in_force, until=review.until.date().isoformat())
        )
    return review


def unreviewed(tx: Transaction, house: House) -> Wait | None:
    """Why nothing irreversible may be done now; None while somebody's word counts. Asked in the transaction that records each intention."""
    now, last = house.clock.now(), tx.holds.last_review()
    if last is not None and last.is_valid(now):
        return None
    reason = "nobody has said yet that legal holds were reviewed"
    if last is not None:
        reason = f"legal holds were last reviewed on {last.at.date().isoformat()}, and that counts for 90 days"
    needs = (
        "find out whether anything must be kept for a dispute or an inquiry, place holds for it, then `dsr hold attest --by NAME`, then run the case"
    )
    return Wait(UNREVIEWED, reason, needs, now)


def is_reversible(effect: Effect | None) -> bool:
    """True for what takes nothing away: a record that stays, a mark that fences it, and a move to where it is kept apart."""
    return effect is None or (isinstance(effect, Rewrite) and all(isinstance(edit.how, Fence) for edit in effect.edits))


def reviewed_statement(tx: Transaction, case: Case) -> Mapping[str, str]:
    """What the certificate says of legal holds: when they were reviewed and by whom, how many are in force, and which of them kept something back."""
    last = tx.holds.last_review()
    found = {"in_force": str(len(tx.holds.list()))}
    if last is not None:
        found |= {"reviewed": last.at.strftime("%Y-%m-%dT%H:%M:%SZ"), "by": last.by}
    plans = [plan for number in range(1, case.round + 1) if (plan := tx.plans.of(case.id, number)) is not None]
    planned = {reason.law for plan in plans for item in plan.items for reason in item.reasons if reason.because == "legal_hold"}
    met = {str(body["hold"]) for kind in ("effect.held", "task.held") for _, body in tx.ledger.find(kind, case=case.id)}
    if planned | met:
        found["kept_something"] = ", ".join(sorted(planned | met))
    return found


def hold_alarms(holds: Iterable[Hold], last: Review | None, house: House) -> Iterator[tuple[str, str]]:
    """(key, sentence) for everything about holds that waits for a person: the same key as long as it is the same matter."""
    now = house.clock.now()
    for hold in holds:
        if hold.confirmed_at is None and now - hold.placed_at >= CONFIRM_WITHIN:
            days = (now - hold.placed_at).days
            yield f"{hold.id}:unconfirmed", f"hold {hold.id} has been waiting for a second person for {days} days: `dsr hold confirm {hold.id}`"
        if hold.state is HoldState.LIFTING and hold.lift_asked_at is not None and now - hold.lift_asked_at >= CONFIRM_WITHIN:
            days = (now - hold.lift_asked_at).days
            yield f"{hold.id}:lifting", f"somebody wants hold {hold.id} lifted, for {days} days: `dsr hold lift {hold.id} --confirm` or `--refuse`"
    if last is not None and last.until - now <= REVIEW_ENDS_SOON:
        when = f"ends on {last.until.date().isoformat()}" if last.is_valid(now) else f"ended on {last.until.date().isoformat()}"
        yield f"{last.id}:lapses", f"the review of legal holds {when}; without one nothing is erased: `dsr hold attest`"


def remind_of_holds(house: House) -> Iterator[str]:
    """Tells once of each hold that waits for its second person, and of a review that lapses; the ledger remembers that it was told."""
    with house.store.snapshot() as tx:
        told = {str(body["what"]) for _, body in tx.ledger.find("holds.alarm")}
        due = [entry for entry in hold_alarms(tx.holds.list(), tx.holds.last_review(), house) if entry[0] not in told]
    for key, sentence in due:
        with house.store.transaction() as tx:
            tx.ledger.append(leaf(house.clock, "holds.alarm", key, what=key))
        yield sentence
