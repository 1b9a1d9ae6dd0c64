"""What a named person settles so that a case can go on: that several records are one person's, that drift is understood, that a task is done."""

import hashlib
import secrets
from dataclasses import replace
from pathlib import Path

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.workflow.execute import GO_ON
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.resolve_identities import SAME_PERSON

__all__ = ["GO_ON", "SAME_PERSON", "finish_task", "note_task", "settle"]
#: The wait that each word of a person ends. Said at any other time it would decide what nobody has looked at.
_ASKED = {SAME_PERSON: "identity_shared", GO_ON: "too_much_drift"}


def settle(house: House, case_id: str, manner: str, by: str) -> None:
    """Stores the person's word; for `GO_ON` it holds for the present plan only. Raises `Conflict` where the case does not wait for it."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        if case.wait is None or case.wait.code != _ASKED[manner]:
            hint = "look at the case: it waits for something else, or for nothing"
            raise Conflict("the case does not wait for this decision", code="case.not_asked", hint=hint)
        plan = tx.plans.latest(case_id)
        digest = plan.digest() if plan is not None and manner == GO_ON else ""
        person = tx.people.id_of(by)
        tx.approvals.add(case_id, digest, person, house.clock.now(), manner)
        tx.cases.save(replace(case, wait=None))
        tx.ledger.append(leaf(house.clock, "case.settled", f"{case_id}:{secrets.token_hex(8)}", case=case_id, manner=manner, by=person))


def finish_task(house: House, case_id: str, task_id: str, evidence: Path, by: str) -> None:
    """Records who did a manual task, and the SHA-256 of what shows it; the evidence itself is not kept."""
    with evidence.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note_task(house, case_id, task_id, digest, by)


def note_task(house: House, case_id: str, task_id: str, digest: str, by: str) -> None:
    """As `finish_task`, by the digest (SHA-256, hex) of what shows it."""
    with house.store.transaction() as tx:
        tx.cases.get(case_id)
        if task_id not in {task.id for task in tx.tasks.of(case_id)}:
            raise InputWrong("the case has no such task", code="task.unknown", hint="`dsr case show` lists them")
        person = tx.people.id_of(by)
        tx.tasks.done(task_id, person, house.clock.now(), digest)
        tx.ledger.append(leaf(house.clock, "task.done", f"{task_id}:done", case=case_id, task=task_id, by=person, evidence=digest))
