"""`dsr find`: where is this person? Needs no home, no policy and no map, and changes nothing."""

from concurrent.futures import ThreadPoolExecutor

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.forecasting import show_estimates
from dsr_engine.cli.neighbours import beside_document, show_beside
from dsr_engine.cli.options import as_json, claims_from, home_of, person_options, selectors_from, system_options, systems_from
from dsr_engine.cli.stories import with_mail
from dsr_engine.cli.terminal import Terminal, print_heading, print_json, print_line, print_table
from dsr_engine.domain.errors import InputWrong
from dsr_engine.drivers.registry import open_driver, open_surveyor
from dsr_engine.workflow.find import Found, find_person
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.neighbours import neighbourhood
from dsr_engine.workflow.report import coverage_row, finding_row
from dsr_engine.workflow.searching import Threads


@click.command()
@person_options
@system_options
@as_json
@click.option("--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="How many slices are searched at the same time.")
@click.option("--estimate", "is_estimate", is_flag=True, help="Look for nobody; tell tables, bytes, time and load of a full search.")
@click.pass_context
def find(
    context: click.Context,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    urls: tuple[str, ...],
    endpoint_url: str | None,
    is_json: bool,
    workers: int,
    is_estimate: bool,
) -> int:
    """Finds a person in every --in URL, or in the declared systems where none is named.

    Exit code 0: everything was looked at. 3: something was not, and the coverage says what and why. No value of the person is printed.
    """
    claims = () if is_estimate else claims_from(emails, phones, names, selectors)
    systems = systems_from(urls, endpoint_url) or tuple(home_of(context, allow_gaps=True).declared.systems.values())
    if not systems:
        raise InputWrong("no system is declared", code="system.none", hint="name one with --in URL")
    if is_estimate:
        return show_estimates(systems, workers, is_json=is_json)
    wanted = selectors_from(claims)
    with Terminal() as terminal, ThreadPoolExecutor(workers, thread_name_prefix="slice") as executor:
        found = find_person(wanted, systems, open_driver, Threads(executor), terminal)
    mask = Mask(wanted)
    beside = neighbourhood(found.findings, systems, open_surveyor)
    if is_json:
        rows = {"findings": [finding_row(entry, mask) for entry in found.findings], "coverage": [coverage_row(row, mask) for row in found.coverage]}
        print_json({**rows, **beside_document(beside, mask)})
    else:
        _show(found, mask)
        show_beside(beside, mask)
    return DONE if found.is_complete else WAITING


def _show(found: Found, mask: Mask) -> None:
    print_heading(f"Findings ({len(found.findings)})")
    rows = [{**finding_row(entry, mask), "categories": ", ".join(entry.categories)} for entry in found.findings]
    columns = {"system": "system", "collection": "collection", "locator": "where", "categories": "categories", "selector": "by", "match": "match"}
    print_table(with_mail(rows), columns | {"mail": "mail", "confidence": "confidence"}, empty="nothing was found")
    print_heading("Coverage")
    print_table(
        [coverage_row(row, mask) for row in found.coverage],
        {"system": "system", "collection": "collection", "extent": "looked", "reason": "why not further"},
        empty="nothing was looked at",
    )
    if not found.is_complete:
        print_line("\nNot everything was looked at: what is missing is listed above with its reason.", "yellow")
