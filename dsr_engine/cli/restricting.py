"""`dsr restricted`: what stays of people after their cases, under which lock, until when; and how a restriction ends."""

from datetime import date

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, house_of, worker_name
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.store.kept import Kept
from dsr_engine.workflow.holds.restricting import lift_restriction


@click.group(invoke_without_command=True)
@click.option("--case", "case_id", metavar="CASE", help="Only what this case kept.")
@as_json
@click.pass_context
def restricted(context: click.Context, case_id: str | None, is_json: bool) -> int:
    """Lists what is restricted or kept: where, how many, on which ground, until when, and for what it may still be used."""
    if context.invoked_subcommand is not None:
        return DONE
    with house_of(context) as house, house.store.snapshot() as tx:
        found = tx.kept.of(case_id) if case_id else tx.kept.list()
        today = house.calendar.day_of(house.clock.now())
    rows = [_row(entry, today) for entry in found]
    if is_json:
        print_json(rows)
        return DONE
    columns = {
        "case": "case",
        "where": "where",
        "records": "records",
        "fenced": "kept apart",
        "use": "may be used",
        "until": "until",
        "state": "state",
    }
    print_table(rows, columns, empty="nothing stays")
    if any(not entry.fence and not entry.hold and entry.lifted_at is None for entry in found):
        print_line(
            "\nWhat is not kept apart shows in every query: give its collection a `restrict` in the connector, and see `dsr grants --for hide`."
        )
    return DONE


def _row(entry: Kept, today: date) -> dict[str, str | int | bool | None]:
    return {
        "case": entry.case,
        "position": entry.position,
        "where": f"{entry.system}.{entry.collection}",
        "records": entry.records,
        "fenced": entry.fence or "no",
        "ground": entry.ground,
        "law": entry.law,
        "rule": entry.rule,
        "hold": entry.hold,
        "use": entry.purpose,
        "until": entry.until.isoformat() if entry.until else None,
        "state": _state(entry, today),
        "since": entry.at.date().isoformat(),
    }


def _state(entry: Kept, today: date) -> str:
    if entry.lifted_at is not None:
        return f"free again since {entry.lifted_at.date()}"
    if entry.until is not None and entry.until < today:
        return "due: the next sweep erases it"
    return "under a legal hold" if entry.hold else "restricted" if entry.fence else "kept"


@restricted.command()
@click.argument("case_id", metavar="CASE")
@click.option("--collection", metavar="SYSTEM.NAME", default="", help="Only in this collection.")
@by_whom
@click.pass_context
def lift(context: click.Context, case_id: str, collection: str, by: str) -> int:
    """Frees what the case restricted, after the person was told: marks are taken back, moved records return."""
    with house_of(context) as house:
        freed = lift_restriction(house, case_id, by, worker_name(), collection=collection)
    print_line(f"{freed.records} record(s) may be used again")
    if freed.left:
        print_line(f"  {freed.left} record(s) had changed, gone or were free already, and were left as they are", "yellow")
    return DONE if freed.records else WAITING
