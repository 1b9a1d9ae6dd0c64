"""`dsr replay` and `dsr ready`: after a restored backup everyone is erased again before the system is opened."""

import click

from dsr_engine.cli.dates import moment_of
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, house_of, worker_name
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.report import Row
from dsr_engine.workflow.staying_erased.replaying import Replayed, note_restore, open_replays, readiness


@click.command()
@click.option("--since", required=True, metavar="MOMENT", help="When the backup was made that was restored: 2026-11-21, or 2026-11-21T03:00.")
@click.option("--system", "systems", multiple=True, metavar="NAME", help="What was restored, repeatable; all that are declared if left out.")
@click.option("--accept-unknown", is_flag=True, help="You answer for those whom the engine cannot know any more, and for what it cannot look at.")
@by_whom
@as_json
@click.pass_context
def replay(context: click.Context, since: str, systems: tuple[str, ...], accept_unknown: bool, by: str, is_json: bool) -> int:
    """Erases again everyone who was erased since a backup that was restored. May be killed and repeated. Exit code 3: something is missing."""
    with house_of(context) as house:
        as_of = moment_of(since, "--since", house.calendar.zone)
        done = [open_replays(house, note_restore(house, name, as_of, by), accept_unknown=accept_unknown) for name in _named(house, systems)]
        cases = _run(house, [case for entry in done for case in entry.cases])
    if is_json:
        print_json({"missing": [text for entry in done for text in entry.missing], "cases": [_row(case) for case in cases]})
    else:
        _tell(done, cases)
    return WAITING if any(entry.missing for entry in done) or any(case.stage is not Stage.CLOSED for case in cases) else DONE


def _named(house: House, systems: tuple[str, ...]) -> tuple[str, ...]:
    found = systems or tuple(name for name, system in house.systems.items() if not system.is_disabled and system.manifest.task is None)
    if not found:
        raise InputWrong("no system is declared", code="system.none", hint="add one to systems.yaml")
    return found


def _run(house: House, cases: list[str]) -> list[Case]:
    """Runs the cases as far as they go by themselves: first all to their search, so that one pass over a system serves all of them."""
    worker = worker_name()
    for until in (Stage.DISCOVER, Stage.CLOSED):
        for case in cases:
            try:
                run_case(house, case, worker, until=until)
            except Conflict as error:
                print_line(f"case {case}: {error.message}", "yellow")
    with house.store.snapshot() as tx:
        return [tx.cases.get(case) for case in cases]


def _row(case: Case) -> Row:
    waits = case.wait.code if case.wait else None
    outcome = case.outcome.value if case.outcome else None
    return {"case": case.id, "systems": ", ".join(case.systems), "stage": case.stage.value, "waits_for": waits, "outcome": outcome}


def _tell(done: list[Replayed], cases: list[Case]) -> None:
    for entry in done:
        print_line(f"{entry.restore.system}, as it was on {entry.restore.as_of:%Y-%m-%d %H:%M} UTC: {len(entry.cases)} person(s) to be erased again")
    if cases:
        print_heading("Cases")
        columns = {"case": "case", "systems": "system", "stage": "stage", "waits_for": "waits for", "outcome": "outcome"}
        print_table([_row(case) for case in cases], columns, empty="")
    missing = [text for entry in done for text in entry.missing]
    if missing:
        print_heading("Missing")
        for text in missing:
            print_line(f"  {text}", "yellow")
    is_open = [case for case in cases if case.stage is not Stage.CLOSED]
    if is_open:
        print_line(f"  next: dsr case show {is_open[0].id}")
    print_line("  then: dsr ready " + " ".join(f"--system {entry.restore.system}" for entry in done))


@click.command()
@click.option("--system", "systems", multiple=True, metavar="NAME", help="Which system, repeatable; all that are declared if left out.")
@click.option("--quick", is_flag=True, help="Go by what is noted only, without looking into the systems.")
@as_json
@click.pass_context
def ready(context: click.Context, systems: tuple[str, ...], quick: bool, is_json: bool) -> int:
    """Tells whether everyone who was erased is erased: for the check before a restored system is opened. Exit code 3: it must stay closed."""
    with house_of(context) as house:
        found = [readiness(house, name, look=not quick) for name in _named(house, systems)]
    if is_json:
        print_json({"ready": all(entry.is_ready for entry in found), "systems": {entry.system: list(entry.missing) for entry in found}})
    else:
        for entry in found:
            print_line(f"{entry.system}: {'ready' if entry.is_ready else 'not ready'}", "" if entry.is_ready else "red")
            for text in entry.missing:
                print_line(f"  {text}")
    return DONE if all(entry.is_ready for entry in found) else WAITING
