"""Systems that no driver reaches: a person gets a task, and the case stays open until a named one says that it is done."""

from datetime import UTC, datetime, time

from dsr_engine.domain.case import Case, Wait
from dsr_engine.domain.system import System
from dsr_engine.store.tasks import Task
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.turn import Turn


def is_errand(system: System) -> bool:
    """True for a system in which a person acts instead of a driver."""
    return system.manifest.task is not None


def hand_out(case: Case, turn: Turn, house: House) -> None:
    """Makes the case's tasks, each once however often it is called."""
    today = house.clock.now().date()
    for name in case.systems:
        task = house.system_named(name).manifest.task
        if task is None:
            continue
        id_ = f"{case.id}-{name}"
        due = datetime.combine(task.due.after(today), time(), UTC)
        with turn.transaction() as tx:
            if id_ not in {entry.id for entry in tx.tasks.of(case.id)}:
                tx.tasks.add(id_, case.id, name, task.instructions, task.owner, due)
                tx.ledger.append(leaf(house.clock, "task.opened", id_, case=case.id, task=id_, system=name, due=due.date().isoformat()))


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
