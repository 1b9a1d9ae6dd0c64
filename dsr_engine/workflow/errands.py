"""Systems that no driver reaches: a person gets a task, and the case stays open until a named one says that it is done.

Whoever gets a task erases something, so it is as with the engine's own effects: legal holds were reviewed, and what one covers is not handed out.
"""

from dataclasses import replace
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.hold import NOTHING_KNOWN, Hold
from dsr_engine.domain.system import System
from dsr_engine.store.tasks import Task
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.holds.reviewing import unreviewed
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.turn import Turn


def is_errand(system: System) -> bool:
    """True for a system in which a person acts instead of a driver."""
    return system.manifest.task is not None


def hand_out(case: Case, turn: Turn, house: House, people: frozenset[str] = frozenset()) -> Wait | None:
    """Makes the case's tasks, each once however often it is called; the wait if holds have to be reviewed first.

    `people` are digests of whom the case is about (`protecting.people_of`).
    """
    today = house.clock.now().date()
    for name in case.systems:
        task = house.system_named(name).manifest.task
        if task is None:
            continue
        id_ = f"{case.id}-{name}"
        due = datetime.combine(task.due.after(today), time(), UTC)
        with turn.transaction() as tx:
            if id_ in {entry.id for entry in tx.tasks.of(case.id)} or name in held_errands(tx, case):
                continue
            wait = unreviewed(tx, house)
            if wait is not None:
                return wait
            hold = next((entry for entry in tx.holds.list() if _covers(entry, case, name, people)), None)
            if hold is not None:
                tx.ledger.append(leaf(house.clock, "task.held", id_, case=case.id, task=id_, system=name, hold=hold.id))
                continue
            tx.tasks.add(id_, case.id, name, task.instructions, task.owner, due)
            tx.ledger.append(leaf(house.clock, "task.opened", id_, case=case.id, task=id_, system=name, due=due.date().isoformat()))
    return None


def held_errands(tx: Transaction, case: Case) -> dict[str, str]:
    """System → the hold because of which nobody was told to erase anything in it."""
    return {str(body["system"]): str(body["hold"]) for _, body in tx.ledger.find("task.held", case=case.id)}


def _covers(hold: Hold, case: Case, system: str, people: frozenset[str]) -> bool:
    """True if something in the system may be held: nobody knows which collections it has, nor from when its records are."""
    if hold.collection is not None and not fnmatchcase(system, hold.collection.partition(".")[0]):
        return False
    anywhere = replace(hold, collection=None)
    return anywhere.concerns(case=case.id, system=system, collection="", categories=None) and hold.holds(NOTHING_KNOWN, people)


def open_errand(case: Case, turn: Turn, house: House) -> Wait | None:
    """The wait for the first task that nobody has done yet; None if all are done."""
    with turn.transaction() as tx:
        task = next((entry for entry in tx.tasks.of(case.id) if entry.done_at is None), None)
    return None if task is None else _wait(task, house)


def _wait(task: Task, house: House) -> Wait:
    return Wait(
        "task_open",
        f"{task.owner} has not done the task in {task.system} yet (due {task.due.date()}): {task.instructions.strip()}",
        f"`dsr case task-done {task.case} {task.id} --evidence FILE` by who did it",
        house.clock.now(),
    )
