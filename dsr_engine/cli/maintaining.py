"""`dsr maintenance`: what an administrator has to do so that nothing of an erasure stays on the disk, and who lets it be."""

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table, print_verbatim
from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.upkeep import OPEN, REASONS, accept_level, maintenance_report

_COLUMNS = {"what": "copies in", "state": "state", "until": "until", "level": "level", "detail": "why"}


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--all", "is_all", is_flag=True, help="Show every channel, not only those that are open.")
@click.option("--accept-lower", "system", metavar="SYSTEM", help="You accept by name that the certificate claims level C0 for this system.")
@click.option("--sql", "as_sql", metavar="SYSTEM", help="Print only the statements for this system, to be given to its own client (`… | psql`).")
@click.option("--reason", type=click.Choice(REASONS), help="Why; needed with --accept-lower. Certificates say it.")
@by_whom
@as_json
@click.pass_context
def maintenance(
    context: click.Context, case_id: str, is_all: bool, system: str | None, as_sql: str | None, reason: str | None, by: str, is_json: bool
) -> int:
    """Prints the commands that level C1 takes, what they lock and who may run them; the engine checks afterwards whether they were run.

    Exit code 3: something is open.
    """
    with house_of(context) as house:
        if system is not None:
            if reason is None:
                raise InputWrong("--reason is missing", code="option.reason", hint=f"one of {', '.join(REASONS)}")
            accept_level(house, case_id, system, reason, by)
        report = maintenance_report(house, case_id)
    if as_sql is not None:
        _print_statements(report, as_sql)
    elif is_json:
        print_json(report)
    else:
        _print(report, is_all=is_all)
    return WAITING if report["waits_for"] == OPEN else DONE


def _print(report: dict[str, object], *, is_all: bool) -> None:
    systems = report["systems"]
    assert isinstance(systems, list)
    if not systems:
        print_line("no system was assessed yet: that happens after the fresh look")
    for entry in systems:
        print_heading(f"{entry['system']}  {entry['server']}, level {entry['asked']} is asked for, assessed at {entry['assessed_at']}")
        if entry["accepted"]:
            print_line(f"  the lower level is accepted: {entry['accepted']}")
        rows = [row for row in entry["channels"] if is_all or row["is_open"]]
        print_table(rows, _COLUMNS, empty="nothing stands in the way of level C1")
        for work in entry["works"]:
            _print_work(work)
    if report["stage"] != Stage.CLOSED.value:
        print_line(f"\n  next: dsr case run {report['case']}")


def _print_statements(report: dict[str, object], system: str) -> None:
    """What the engine would run itself; what also harms somebody else is left to whoever reads the whole report."""
    systems = report["systems"]
    assert isinstance(systems, list)
    known = {entry["system"]: entry["works"] for entry in systems}
    if system not in known:
        raise InputWrong(f"no system {system} was assessed in this case", code="system.unknown", hint=f"one of {', '.join(known) or 'none yet'}")
    for work in known[system]:
        if not work["harms"]:
            print_verbatim(f"{work['statement']};")


def _print_work(work: dict[str, str]) -> None:
    print_line(f"\n  locks {work['locks']}" + (f"; needs {work['needs']}" if work["needs"] else ""))
    if work["harms"]:
        print_line(f"  not run by the engine, because it also takes {work['harms']}", "yellow")
    print_verbatim(f"    {work['statement']};")
