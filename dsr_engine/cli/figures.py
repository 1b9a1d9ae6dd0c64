"""`dsr metrics` and `dsr certificates`: figures of a year, and the register of serial numbers."""

from datetime import date
from pathlib import Path

import click

from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE, FAILED, WAITING
from dsr_engine.cli.exporting import deliver, json_text, one_format
from dsr_engine.cli.options import as_json, house_of
from dsr_engine.cli.terminal import print_heading, print_line, print_table
from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.domain.figures import Figures, RightFigures
from dsr_engine.workflow.records.figures import Publication, drop_figures, figures_of, publications
from dsr_engine.workflow.records.register import Register, register_of
from dsr_engine.workflow.records.tabling import FIGURE_COLUMNS, FIGURES, days_text, figure_rows, figures_document
from dsr_engine.workflow.report import Row

_out = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it to a new file instead of printing it.")
_csv = click.option("--csv", "is_csv", is_flag=True, help="As CSV.")


@click.command()
@click.option("--year", type=click.IntRange(1990, 2999), required=True, help="The calendar year in which the requests arrived.")
@click.option("--regime", metavar="NAME", default="", help="Only requests under this law; all if left out.")
@_csv
@as_json
@_out
@click.pass_context
def metrics(context: click.Context, year: int, regime: str, is_csv: bool, is_json: bool, out: Path | None) -> int:
    """Counts the requests of a year: received, complied with, denied by ground, median and mean days to the answer.

    Days are calendar days from receipt to the answer, without the day of receipt. Exit code 3: records of that year are erased already, so figures
    are incomplete.
    """
    one_format(is_csv, is_json)
    with house_of(context) as house, house.store.snapshot() as tx:
        found = figures_of(tx, house, year, regime)
        due = publications(tx, house, year, regime)
        drop = drop_figures(tx, house, year)
    if is_json:
        deliver(json_text({**figures_document(found, due), "drop": dict(drop)}), out)
    elif is_csv or out is not None:
        lists: list[Row] = [{"year": year, "regime": regime, "right": "drop", "figure": name, "value": count} for name, count in drop.items()]
        deliver(as_csv([*figure_rows(found), *lists], FIGURE_COLUMNS), out)
    else:
        _show(found, due)
        if drop:
            print_line("  entries of deletion lists: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in drop.items()))
    return DONE if found.is_complete else WAITING


def _show(found: Figures, due: tuple[Publication, ...]) -> None:
    print_heading(f"Requests that arrived in {found.year}" + (f", under {found.regime}" if found.regime else ""))
    columns = {
        "right": "right",
        "received": "received",
        "complied_whole": "in whole",
        "complied_part": "in part",
        "denied": "denied",
        "withdrawn": "withdrawn",
        "open": "open",
        "late": "late",
        "median_days": "median days",
        "mean_days": "mean days",
    }
    print_table([_table_row(row) for row in found.rights], columns, empty="no request")
    for row in found.rights:
        for words, grounds in (("denied", row.denied_by), ("kept in part", row.kept_by)):
            if grounds and row.right != "all":
                print_line(f"  {row.right}, {words}: {', '.join(f'{ground} {count}' for ground, count in grounds.items())}")
    measured = sum(row.by_decision for row in found.rights if row.right != "all")
    if measured:
        print_line(f"  {measured} without a recorded answer are measured to the decision; `dsr case answered` records the day of the answer", "dim")
    if not found.is_complete:
        print_line(f"  {found.erased} requests of this year have no record any more, so these figures are incomplete", "yellow")
    for each in due:
        crowd = f", by who handles the data of {each.from_people:,} people or more" if each.from_people else ""
        print_line(f"  {each.regime}: to be published by {each.by}{crowd} ({each.cite})")


def _table_row(row: RightFigures) -> Row:
    numbers: Row = {name: getattr(row, name) for name in FIGURES}
    return {"right": row.right, **numbers, "median_days": days_text(row.median_days), "mean_days": days_text(row.mean_days)}


@click.command()
@click.option("--from", "start", metavar="DATE", help="Only what happened on this day or later.")
@click.option("--to", "end", metavar="DATE", help="Only what happened on this day or earlier.")
@_csv
@as_json
@_out
@click.pass_context
def certificates(context: click.Context, start: str | None, end: str | None, is_csv: bool, is_json: bool, out: Path | None) -> int:
    """Lists every serial number and what became of it. Exit code 1: one is missing somewhere, or its PDF is.

    The cases of the same days are counted beside: opened, certified, refused, withdrawn, answered by hand.
    """
    one_format(is_csv, is_json)
    first, last = _maybe(start, "--from"), _maybe(end, "--to")
    with house_of(context) as house, house.store.snapshot() as tx:
        found = register_of(tx, house, first, last)
    rows = _serials(found)
    if is_json:
        deliver(json_text({"whole": found.is_whole, "cases": dict(found.counts), "serials": rows}), out)
    elif is_csv or out is not None:
        deliver(as_csv(rows, ("serial", "certificate", "issued_on", "state", "amiss")), out)
    else:
        columns = {"serial": "No.", "certificate": "certificate", "issued_on": "issued", "state": "state", "amiss": "amiss"}
        print_table(rows, columns, empty="no certificate")
        print_line("  cases: " + ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.counts.items()))
        if not found.is_whole:
            print_line("  something is missing: look for it in backups before anything else is issued", "bold red")
    return DONE if found.is_whole else FAILED


def _serials(found: Register) -> list[Row]:
    return [
        {
            "serial": serial.number,
            "certificate": serial.certificate,
            "issued_on": serial.issued_on.isoformat() if serial.issued_on else "",
            "state": serial.state.value,
            "amiss": serial.amiss,
        }
        for serial in found.serials
    ]


def _maybe(text: str | None, option: str) -> date | None:
    return None if text is None else day_of(text, option)
