"""`dsr match`: whether a certificate is about a person. It says yes or no, and nothing else."""

from pathlib import Path

import click

from dsr_engine.certificate.check import check
from dsr_engine.cli.entry import DONE, FAILED
from dsr_engine.cli.options import as_json, by_whom, claims_from, house_of, person_options
from dsr_engine.cli.proving import MOST_BYTES
from dsr_engine.cli.terminal import print_json, print_line
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.commitment import salt_of
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.workflow.records.matching import is_about, salt_from_log


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@person_options
@click.option("--code", metavar="CODE", help="The person's match code, from their letter; then no home is needed. Without it the log is asked.")
@by_whom
@as_json
@click.pass_context
def match(
    context: click.Context,
    file: Path,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    code: str | None,
    by: str,
    is_json: bool,
) -> int:
    """Tells whether a certificate is about the person with one of these identifiers. Exit code 0: it is; 1: it is not.

    That the certificate is genuine is `dsr verify`'s to say; here it must only be unaltered. That the request log was asked stands in the ledger.
    """
    claims = claims_from(emails, phones, names, selectors)
    statement = _statement(file)
    if code is not None:
        salt = salt_of(code)
    else:
        with house_of(context) as house:
            salt = salt_from_log(house, statement, by)
    found = is_about(statement, salt, [(claim.kind, claim.value) for claim in claims])
    if is_json:
        print_json({"certificate": statement.id, "match": found})
    else:
        print_line("yes: this certificate is about the person with this identifier" if found else "no: nothing shows that it is about this person")
    return DONE if found else FAILED


def _statement(file: Path) -> Statement:
    """What the certificate states. Raises `NotVerified` unless every step of its integrity holds that needs no trust in anybody."""
    if file.stat().st_size > MOST_BYTES:
        raise InputWrong(f"{file.name} is larger than any certificate", code="verify.size", hint="name the PDF of a certificate")
    report = check(file.read_bytes(), None)
    failed = [step for step in report.integrity if not step.is_ok and step.code != "checkpoint.no_key"]
    if failed or report.statement is None:
        raise NotVerified(
            f"{file.name} is not an unaltered certificate: {failed[0].detail if failed else report.status}",
            code="match.altered",
            hint="`dsr verify` tells what is wrong with it",
        )
    return report.statement
