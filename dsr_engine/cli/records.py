"""What is kept of requests: `dsr log`, the answers that people give (`dsr case answered`), and dates of receipt that were wrong."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from dsr_engine.cli.dates import day_of, moment_of
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.exporting import deliver, json_text, one_format
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.domain.case import Case
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import Decision, Punctuality
from dsr_engine.workflow.house import House
from dsr_engine.workflow.opening import refuse_future
from dsr_engine.workflow.records import replying
from dsr_engine.workflow.records.tabling import LOG_COLUMNS, log_row, readable
from dsr_engine.workflow.wiping import wipe

_Command = TypeVar("_Command", bound=Callable[..., Any])

_HOW = {"fulfilled": Decision.FULFILLED, "partly": Decision.PARTLY, "refused": Decision.REFUSED}


def request_options(command: _Command) -> _Command:
    """--right and --by-way: what somebody asks for, and how that came in."""
    for option in (
        click.option(
            "--by-way",
            "manner",
            type=click.Choice([manner.value for manner in Manner]),
            default=Manner.NOT_RECORDED.value,
            help="How the request came in; any way counts.",
        ),
        click.option(
            "--right",
            type=click.Choice([right.value for right in Right]),
            default=Right.ERASURE.value,
            show_default=True,
            help="What is asked for. Erasure is carried out; others are counted and answered by people.",
        ),
    ):
        command = option(command)
    return command


def received_at(house: House, text: str | None) -> datetime | None:
    """The moment in --received; a mere day begins where the controller is. Raises `InputWrong` for no date, and for one that is still to come."""
    if text is None:
        return None
    moment = moment_of(text, "--received", house.calendar.zone)
    refuse_future(house, moment)
    return moment


def next_step(case: Case, doubles: Iterable[Case], *, is_vouched: bool) -> None:
    """Says what comes after a case was opened, and which other case may be the same request."""
    for double in doubles:
        print_line(f"  note: case {double.id} of {double.opened_at:%Y-%m-%d} is open for the same identifiers; is it the same request?", "yellow")
        print_line(f"    then `dsr case withdraw {case.id}`; the limits run from the first one", "dim")
    if case.right is Right.ERASURE:
        asking = f"match {case.id} --point KIND=VALUE, or dsr case code {case.id}"
        print_line(f"  next: dsr case {f'run {case.id}' if is_vouched else asking}")
    else:
        print_line("  the engine counts the limits of this request and does nothing else for it")
        print_line(f"  next: answer it, then dsr case answered {case.id} --outcome fulfilled --on DATE")


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--outcome", type=click.Choice(sorted(_HOW)), required=True, help="What the person was told.")
@click.option("--on", "day", metavar="DATE", required=True, help="When the answer went out (2026-11-21).")
@click.option(
    "--because", metavar="GROUND", default="", help="On which ground something was denied: one of the case's regimes, or such as excessive."
)
@by_whom
@click.pass_context
def answered(context: click.Context, case_id: str, outcome: str, day: str, because: str, by: str) -> int:
    """Records the answer to a request in the request log. A case about another right than erasure is closed with it."""
    with house_of(context) as house:
        entry = replying.replied(house, case_id, replying.Reply(_HOW[outcome], day_of(day, "--on"), because), by)
        wipe(house)
    print_line(f"case {case_id}: answered on {entry.answered}, {entry.days} days after it arrived; its record is kept until {entry.keep_until}")
    return DONE


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--on", "day", metavar="DATE", required=True, help="When the request really arrived (2026-11-21).")
@click.option("--because", "reason", type=click.Choice(replying.RECEIPT_REASONS), required=True, help="Why the date was wrong.")
@by_whom
@click.pass_context
def received(context: click.Context, case_id: str, day: str, reason: str, by: str) -> int:
    """Corrects the day on which a request arrived. Every limit moves with it, and the ledger keeps both days and the reason."""
    with house_of(context) as house:
        replying.correct_receipt(house, case_id, day_of(day, "--on"), reason, by)
    print_line(f"case {case_id} arrived on {day}; `dsr case show {case_id}` has the new limits")
    return DONE


@click.group()
def log() -> None:
    """The request log: what is kept of each request when its data are gone."""


@log.command("list")
@click.option("--from", "start", metavar="DATE", help="Only requests that arrived on this day or later.")
@click.option("--to", "end", metavar="DATE", help="Only requests that arrived on this day or earlier.")
@as_json
@click.pass_context
def list_(context: click.Context, start: str | None, end: str | None, is_json: bool) -> int:
    """Lists the requests by day of receipt, with how each ended and whether its limits were met."""
    rows = _rows(context, start, end)
    if is_json:
        print_json(rows)
        return DONE
    columns = {
        "case": "case",
        "right": "right",
        "manner": "by way of",
        "regimes": "regimes",
        "received": "received",
        "decision": "decision",
        "answered": "answered",
        "days": "days",
        "basis": "denied because",
        "limits": "limits",
        "keep_until": "kept until",
    }
    print_table([{**readable(row), "limits": _in_short(row["limits"])} for row in rows], columns, empty="no request")
    return DONE


def _in_short(limits: object) -> str:
    """What an officer has to know of the limits: which was missed, else which comes next, else which nobody recorded."""
    found: dict[Punctuality, list[str]] = {}
    assert isinstance(limits, dict)
    for limit, each in limits.items():
        met = Punctuality(each["met"])
        found.setdefault(met, []).append(f"{limit} {each['last_day']}" if met is Punctuality.OPEN else limit)
    if Punctuality.LATE in found:
        return f"late: {', '.join(found[Punctuality.LATE])}"
    if Punctuality.OPEN in found:
        return min(found[Punctuality.OPEN], key=lambda text: text.rpartition(" ")[2])
    if Punctuality.NOT_RECORDED in found:
        return f"not recorded: {', '.join(found[Punctuality.NOT_RECORDED])}"
    return "in time" if found else ""


@log.command()
@click.option("--from", "start", metavar="DATE", help="Only requests that arrived on this day or later.")
@click.option("--to", "end", metavar="DATE", help="Only requests that arrived on this day or earlier.")
@click.option("--csv", "is_csv", is_flag=True, help="As CSV (the default).")
@as_json
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it to a file instead of printing it.")
@click.pass_context
def export(context: click.Context, start: str | None, end: str | None, is_csv: bool, is_json: bool, out: Path | None) -> int:
    """Writes the request log for whoever may ask for it. It holds nothing of the persons, and no salt."""
    one_format(is_csv, is_json)
    rows = _rows(context, start, end)
    deliver(json_text(rows) if is_json else as_csv([readable(row) for row in rows], LOG_COLUMNS), out)
    return DONE


def _rows(context: click.Context, start: str | None, end: str | None) -> list[dict[str, object]]:
    with house_of(context) as house:
        today = house.calendar.day_of(house.clock.now())
        with house.store.snapshot() as tx:
            found = replying.entries(tx, house, _maybe(start, "--from"), _maybe(end, "--to"))
    return [log_row(entry, today) for entry in found]


def _maybe(text: str | None, option: str) -> date | None:
    return None if text is None else day_of(text, option)
