"""Runs a case from stage to stage until it waits or is closed. The only loop, and the only place where any error becomes a wait."""

import logging
import secrets
from dataclasses import replace

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import Conflict, DsrError
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import refuse_effects
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.pacing import wait_of
from dsr_engine.workflow.records.replying import note_closed
from dsr_engine.workflow.stages import STAGES
from dsr_engine.workflow.step import Advance, Close, NewRound, Stand, Step
from dsr_engine.workflow.turn import Turn

#: After so many rounds a person is asked; who runs the case again grants as many more.
MOST_ROUNDS = 3
EXHAUSTED = "rounds_exhausted"
CHANGED = "case.changed"

_log = logging.getLogger(__name__)


def run_case(house: House, case_id: str, worker: str, *, until: Stage = Stage.CLOSED) -> Case:
    """Works on the case until only a person, a system or time can take it further, or until it has reached a stage; gives it as it then stands.

    Raises `Conflict` if another worker has the case. A wait whose cause is gone is simply tried again: that is what running a case means.
    """
    with Turn.take(house.store, case_id, worker) as turn:
        while True:
            case = _read(house, case_id)
            if case.stage in (Stage.CLOSED, until):
                return case
            step = _attempt(case, turn, house)
            moved = _commit(case, step, turn, house)
            if moved is not None and moved.wait is not None:
                return moved


def _read(house: House, case_id: str) -> Case:
    with house.store.snapshot() as tx:
        return tx.cases.get(case_id)


def _attempt(case: Case, turn: Turn, house: House) -> Step:
    if case.wait is not None and case.wait.code == EXHAUSTED:
        return NewRound()  # what the last look found was judged already; whoever runs the case again has mended the cause
    try:
        refuse_effects(case)
        return STAGES[case.stage](case, turn, house.for_case(case.id))
    except Conflict as error:
        if error.code == "store.lease_lost":
            raise
        return Stand(_wait(house, case, error))
    except DsrError as error:
        return Stand(_wait(house, case, error))
    except Exception as error:  # whatever it is, the case must stand still with a reason instead of vanishing
        _log.error("case %s stands at %s: %s", case.id, case.stage.value, type(error).__name__)
        if _log.isEnabledFor(logging.DEBUG):
            raise
        return Stand(
            Wait(
                "internal_error",
                f"an error of the engine itself ({type(error).__name__}) at {case.stage.value}",
                "report it with the output of `dsr --log-level debug case run`, then run the case again",
                house.clock.now(),
            )
        )


def _wait(house: House, case: Case, error: DsrError) -> Wait:
    return wait_of(error, house, [house.systems[name] for name in case.systems if name in house.systems])


def _commit(case: Case, step: Step, turn: Turn, house: House) -> Case | None:
    """Moves the case, with the rows of its step. None if a person decided, approved or withdrew meanwhile: the step was made without knowing it."""
    moved = _moved(case, step, house)
    try:
        with turn.transaction() as tx:
            if tx.cases.get(case.id) != case:
                raise Conflict("the case changed meanwhile", code=CHANGED)
            step.write(tx)
            if moved.wait is not None:  # servers answer with whom they were asked about, and places may be called after the person
                moved = replace(moved, wait=replace(moved.wait, reason=mask_of(tx, case).text(moved.wait.reason)))
            tx.cases.save(moved)
            note_closed(tx, house, moved)
            _record(tx, case, moved, house)
    except Conflict as error:
        if error.code != CHANGED:
            raise
        return None
    return moved


def _moved(case: Case, step: Step, house: House) -> Case:
    match step:
        case Advance(to=to):
            return replace(case, stage=to, wait=None)
        case Stand(wait=wait):
            return replace(case, wait=wait)
        case Close(outcome=outcome):
            return replace(case, stage=Stage.CLOSED, wait=None, outcome=outcome, closed_at=house.clock.now())
        case NewRound():
            if case.round % MOST_ROUNDS == 0 and not (case.wait and case.wait.code == EXHAUSTED):
                wait = Wait(
                    EXHAUSTED,
                    f"after {case.round} rounds something of the person is still found, or still cannot be looked at",
                    "find out what writes it again, stop that, then run the case",
                    house.clock.now(),
                )
                return replace(case, wait=wait)
            return replace(case, stage=Stage.DISCOVER, round=case.round + 1, wait=None)


def _record(tx: Transaction, before: Case, after: Case, house: House) -> None:
    """The ledger gets one leaf for each border that a case crosses; standing still is not an effect."""
    if after.stage is not before.stage or after.round != before.round:
        key = f"{after.id}:{secrets.token_hex(8)}"  # one transaction with the move itself: a second leaf for one move cannot be
        outcome = after.outcome.value if after.outcome else ""
        tx.ledger.append(
            leaf(house.clock, "case.stage", key, case=after.id, round=after.round, left=before.stage.value, to=after.stage.value, outcome=outcome)
        )
