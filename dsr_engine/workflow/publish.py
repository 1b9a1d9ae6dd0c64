"""The certificate goes out only after our own verifier, which trusts nothing but the bundle, has accepted it; then the case is closed."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from dsr_engine.certificate.check import check
from dsr_engine.certificate.statement import from_bytes
from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.errors import NotVerified
from dsr_engine.domain.plan import Plan
from dsr_engine.store.sweep_marks import BEGIN
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.holds.restricting import remember_kept
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import supersede
from dsr_engine.workflow.intake import opened
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.corresponding import write_ending
from dsr_engine.workflow.notices.recipients import is_followed_up
from dsr_engine.workflow.staying_erased.aftercare import begin_aftercare, is_awaited
from dsr_engine.workflow.step import Advance, Close, Step
from dsr_engine.workflow.sweeps.tranche import rest_of
from dsr_engine.workflow.turn import Turn

FORGET = "forget"


def publish(case: Case, turn: Turn, house: House) -> Step:
    """Verifies the file that was written, closes the case with its outcome, and sets the day on which the case is forgotten."""
    with turn.transaction() as tx:
        issued = tx.certificates.of(case.id)
        plan = tx.plans.of(case.id, case.round)
    path = house.paper.folder / issued.path if issued is not None else None
    if issued is None or path is None or not path.is_file():
        return Advance(Stage.CERTIFY)
    report = check(path.read_bytes(), house.paper.bundle)
    if not report.is_genuine:
        raise NotVerified(
            f"the certificate that was just issued does not verify: {report.status}", code="certificate.own", hint="look at `dsr verify`"
        )
    outcome = Outcome(from_bytes(issued.statement).verdict)
    certificate, forget_at = issued.id, forgotten_at(case, plan, house)
    affected = plan.affected if plan is not None else 0

    def write(tx: Transaction) -> None:
        if case.kind is CaseKind.SWEEP:
            open_next(tx, case, affected, house)
        supersede(tx, house, case, certificate)
        remember_kept(tx, case, house)
        tx.followups.put(case.id, FORGET, forget_at)
        begin_aftercare(tx, house, case)
        tx.ledger.append(leaf(house.clock, "certificate.published", f"{certificate}:published", case=case.id, certificate=certificate))
        write_ending(tx, house, replace(case, stage=Stage.CLOSED, wait=None, outcome=outcome, closed_at=house.clock.now()))

    return Close(outcome, write)


def open_next(tx: Transaction, case: Case, affected: int, house: House) -> None:
    """Opens the next tranche of the sweep, if more is due: in the transaction that closes this one, so there is exactly one."""
    assert case.tranche is not None
    rest = rest_of(tx, case, house.policy_of(case), [house.system_named(name) for name in case.systems])
    if not rest:
        return
    tranche = replace(case.tranche, number=case.tranche.number + 1, before=case.tranche.before + affected)
    following = replace(
        case,
        id=secrets.token_hex(8),
        subject_ref=secrets.token_hex(16),
        stage=Stage.DISCOVER,
        opened_at=house.clock.now(),
        round=1,
        wait=None,
        tranche=tranche,
    )
    opened(tx, house, following)
    for mark in rest:
        tx.sweep_marks.put(following.id, 1, BEGIN, mark)


def forgotten_at(case: Case, plan: Plan | None, house: House) -> datetime:
    """When the case's key is shredded: after the follow-up time, and after the last date until which something of the person is kept.

    From then on nothing can be matched to the person but by exact normalised values.
    """
    days = 0 if case.kind is CaseKind.SWEEP else house.followup_days
    ends = [reason.until for item in plan.items for reason in item.reasons if reason.until is not None] if plan else []
    last = datetime.combine(max(ends), time.max, UTC) if ends else house.clock.now()
    return max(house.clock.now() + timedelta(days=days), last)


def forget_due(house: House, *, is_patient: bool = False) -> tuple[str, ...]:
    """Shreds the keys of closed cases whose day has come; gives their ids. Repeatable.

    `is_patient`: not while a later look is due that has not been made.
    """
    with house.store.transaction() as tx:
        due = [entry for entry in tx.followups.due(house.clock.now()) if entry.what == FORGET]
        due = [entry for entry in due if not (is_patient and is_awaited(tx, entry.case, house.clock.now()))]
        due = [entry for entry in due if not is_followed_up(tx, entry.case, house.clock.now())]
        for entry in due:
            forget(tx, house, entry.case)
            tx.followups.drop(entry.case, FORGET)
            tx.ledger.append(leaf(house.clock, "case.forgotten", f"{entry.case}:forgotten", case=entry.case))
    if due:
        house.store.scrub()
    return tuple(entry.case for entry in due)
