"""`dsr verify` and `dsr ledger`: proof for whoever was not there."""

import os
from pathlib import Path

import click

from dsr_engine.bootstrap import BUNDLE
from dsr_engine.certificate.check import check as check_certificate
from dsr_engine.certificate.report import Report, Step
from dsr_engine.certificate.trust import Bundle, read_bundle
from dsr_engine.cli.entry import DONE, FAILED
from dsr_engine.cli.options import as_json, house_of
from dsr_engine.cli.terminal import print_heading, print_json, print_line
from dsr_engine.domain.errors import InputWrong
from dsr_engine.settings import find_home
from dsr_engine.store import ledger_file
from dsr_engine.workflow.proving.checking import known_here

#: A certificate is a few hundred kilobytes; what is larger by far is not read at all.
MOST_BYTES = 64 * 1024**2


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--trust", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="BUNDLE", help="The trust bundle that the controller gave you."
)
@click.option("--ledger", "ledger_path", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="An exported ledger.")
@as_json
@click.pass_context
def verify(context: click.Context, file: Path, trust: Path | None, ledger_path: Path | None, is_json: bool) -> int:
    """Verifies a certificate, offline: integrity, issuer and time, told apart.

    Trust comes from --trust, or from DSR_HOME; never from the PDF. Exit code 0 only if every step holds.
    """
    if file.stat().st_size > MOST_BYTES:
        raise InputWrong(f"{file.name} is larger than any certificate", code="verify.size", hint="name the PDF of a certificate")
    report = check_certificate(file.read_bytes(), _bundle(context, trust), ledger=ledger_path)
    if trust is None and ledger_path is None and report.is_genuine:
        report = _as_known_here(context, report)
    print_json(_document(report)) if is_json else _show(report)
    return DONE if report.is_in_force else FAILED


def _bundle(context: click.Context, trust: Path | None) -> Bundle | None:
    if trust is not None:
        return read_bundle(trust)
    try:
        home = find_home(context.find_root().obj, os.environ, Path.cwd())
    except InputWrong:
        return None
    path = home / BUNDLE
    return read_bundle(path) if path.is_file() else None


def _as_known_here(context: click.Context, report: Report) -> Report:
    """The report with what the home's own store and ledger know of the certificate: nothing where it was issued elsewhere."""
    with house_of(context) as house, house.store.snapshot() as tx:
        return known_here(tx, house, report).report


def _document(report: Report) -> dict[str, object]:
    return {
        "genuine": report.is_genuine,
        "status": report.status,
        "later": report.later,
        "code": report.code,
        "integrity": [_step(step) for step in report.integrity],
        "issuer": {**_step(report.issuer), "fingerprints": dict(report.issuer.fingerprints)},
        "time": {**_step(report.time), "at": report.time.at, "trusted": report.time.is_trusted},
    }


def _step(step: Step) -> dict[str, object]:
    return {"name": step.name, "ok": step.is_ok, "detail": step.detail, "code": step.code}


def _show(report: Report) -> None:
    print_heading("Integrity")
    for step in report.integrity:
        _line(step)
    print_heading("Issuer")
    _line(report.issuer)
    for name, fingerprint in report.issuer.fingerprints.items():
        print_line(f"      {name}: {fingerprint}", "dim")
    print_heading("Time")
    _line(report.time)
    print_line()
    print_line(report.status, "bold green" if report.is_in_force else "bold red")


def _line(step: Step) -> None:
    code = f" [{step.code}]" if step.code else ""
    print_line(f"  {'✓' if step.is_ok else '✗'} {step.name}: {step.detail}{code}", "" if step.is_ok else "red")


@click.group()
def ledger() -> None:
    """Check, sign and export the ledger."""


@ledger.command("check")
@click.option(
    "--known", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A checkpoint that was kept elsewhere; the ledger must contain it."
)
@click.pass_context
def check(context: click.Context, known: Path | None) -> int:
    """Recomputes the whole ledger and compares it with every checkpoint."""
    with house_of(context) as house:
        ledger_file.check(house.store, known.read_text(encoding="utf-8", errors="replace") if known else "")
        with house.store.snapshot() as tx:
            size = tx.ledger.size()
    print_line(f"the ledger holds: {size} entries")
    return DONE


@ledger.command()
@click.pass_context
def checkpoint(context: click.Context) -> int:
    """Signs the ledger as it is now and prints the checkpoint; keep it somewhere else."""
    with house_of(context) as house, house.store.transaction() as tx:
        note = tx.ledger.checkpoint()
    click.echo(note, nl=False)
    return DONE


@ledger.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def export(context: click.Context, file: Path) -> int:
    """Writes the ledger to a file for auditors (`dsr verify --ledger FILE`). It holds no personal data."""
    with house_of(context) as house:
        ledger_file.export(house.store, file)
    print_line(f"the ledger is in {file}")
    return DONE
