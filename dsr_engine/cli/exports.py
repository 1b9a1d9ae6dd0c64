"""`dsr export`: the record of processing activities and the retention table, drawn from policies and connectors."""

from dataclasses import asdict
from pathlib import Path

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.exporting import deliver, json_text, one_format
from dsr_engine.cli.options import as_json, house_of
from dsr_engine.cli.terminal import print_heading, print_line, print_table
from dsr_engine.content.spreadsheet import as_csv
from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.proving.bundling import evidence_of
from dsr_engine.workflow.records.retention import Table, as_markdown, as_rows, retention_table
from dsr_engine.workflow.records.ropa import RecordOfProcessing, record_of_processing
from dsr_engine.workflow.records.tabling import PROCESSING_COLUMNS, processing_row
from dsr_engine.workflow.report import Row

_out = click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it to a new file instead of printing it.")
_csv = click.option("--csv", "is_csv", is_flag=True, help="As CSV.")


@click.group()
def export() -> None:
    """Write what the law wants written down: the record of processing, the retention table; and evidence for auditors."""


@export.command()
@_csv
@as_json
@_out
@click.pass_context
def art30(context: click.Context, is_csv: bool, is_json: bool, out: Path | None) -> int:
    """The record of processing activities (GDPR Art. 30(1)), as far as the home's files say it. Exit code 3: for some data nobody has decided.

    Per system and collection: categories, purposes, recipients, limits for erasure and their grounds; then the engine's own processing, and what only
    people can add. CSV holds the first part only.
    """
    one_format(is_csv, is_json)
    with house_of(context) as house, house.store.snapshot() as tx:
        record = record_of_processing(tx, house)
    if is_csv:
        deliver(as_csv([processing_row(entry) for entry in record.entries], PROCESSING_COLUMNS), out)
    elif is_json or out is not None:
        deliver(json_text(asdict(record)), out)
    else:
        _show(record)
    return DONE if all(entry.treatment for entry in record.entries) else WAITING


def _show(record: RecordOfProcessing) -> None:
    print_line(f"{record.controller.get('name', '')}, {record.made_on}", "bold")
    for system in dict.fromkeys(entry.system for entry in record.entries):
        print_heading(system)
        rows = [processing_row(entry) for entry in record.entries if entry.system == system]
        columns = {
            "collection": "collection",
            "category": "category",
            "policy": "policy",
            "limits": "kept",
            "grounds": "because",
            "treatment": "then",
        }
        print_table(rows, {**columns, "recipients": "recipients"}, empty="nothing")
        for backup in record.backups:
            if backup.system == system:
                print_line(
                    f"  not reached: {backup.what}" + (f", gone after {backup.gone_after}" if backup.gone_after else ", nobody knows until when")
                )
    print_heading("The engine itself")
    own: list[Row] = [{"activity": each.activity, "purpose": each.purpose, "until": each.until, "count": each.count} for each in record.own]
    print_table(own, {"activity": "activity", "purpose": "purpose", "until": "until", "count": "rows"}, empty="nothing")
    print_heading("To be added by people")
    for line in record.open:
        print_line(f"  {line}")


@export.command()
@click.option("--language", metavar="CODE", default="", help="The language (en, de); that of the letters if left out.")
@_csv
@as_json
@click.option("--markdown", "is_markdown", is_flag=True, help="As Markdown (the default).")
@_out
@click.pass_context
def retention(context: click.Context, language: str, is_csv: bool, is_json: bool, is_markdown: bool, out: Path | None) -> int:
    """The retention table for the privacy notice, in plain words (GDPR Art. 13(2)(a)). Exit code 3: for some data nobody has decided."""
    one_format(is_csv, is_json, is_markdown)
    with house_of(context) as house:
        table = retention_table(house, language)
    if is_json:
        deliver(json_text(_document(table)), out)
    elif is_csv:
        deliver(as_csv([dict(row) for row in as_rows(table)], table.columns), out)
    else:
        deliver(as_markdown(table), out)
    return DONE if table.is_decided else WAITING


def _document(table: Table) -> dict[str, object]:
    def lines(part: str) -> list[dict[str, object]]:
        return [{"what": list(line.what), "how_long": line.how_long, "why": line.why, "then": line.then} for line in getattr(table, part)]

    return {"title": table.title, "lines": lines("lines"), "own": lines("own")}


@export.command()
@click.argument("wanted", metavar="CASE|SERIAL")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", required=True, help="The new archive (evidence.zip).")
@click.pass_context
def evidence(context: click.Context, wanted: str, out: Path) -> int:
    """Everything about one certified case for an auditor, in one archive with a verifier that runs offline and without the engine.

    Name the case, or the id or number of its certificate.
    """
    if out.exists():
        raise InputWrong(f"{out} is there already", code="export.exists", hint="choose another name; nothing was changed")
    with house_of(context) as house:
        bundle = evidence_of(house, wanted)
    out.write_bytes(bundle.data)
    print_line(f"the evidence is in {out}; unpack it, and `python verify.py --trust BUNDLE.json` checks it offline")
    return DONE
