"""`dsr own-data`: what the engine itself holds of people, and how it lets go of it."""

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json, by_whom, claims_from, house_of, person_options
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.workflow.records import own_data as own
from dsr_engine.workflow.records.tabling import holding_row
from dsr_engine.workflow.report import Row


@click.group("own-data")
def own_data() -> None:
    """What the engine itself holds of people: how much, on which basis, until when."""


@own_data.command()
@as_json
@click.pass_context
def show(context: click.Context, is_json: bool) -> int:
    """Lists every kind of personal data that the engine holds of requesters and officers. No value is shown."""
    with house_of(context) as house, house.store.snapshot() as tx:
        found = own.holdings(tx, house)
    rows = [holding_row(each) for each in found]
    if is_json:
        print_json(rows)
        return DONE
    print_table(rows, {"kind": "kind", "of": "of", "rows": "rows", "first_goes": "first goes", "last_goes": "last goes"}, empty="nothing")
    for row in rows:
        print_line(f"\n{row['kind']}: {row['what']}", "bold")
        print_line(f"  basis: {row['basis']}")
        print_line(f"  goes: {row['until']}")
    return DONE


@own_data.command()
@person_options
@as_json
@click.pass_context
def find(
    context: click.Context, emails: tuple[str, ...], phones: tuple[str, ...], names: tuple[str, ...], selectors: tuple[str, ...], is_json: bool
) -> int:
    """Finds the cases that still hold identifiers of a requester, and says until when."""
    claims = claims_from(emails, phones, names, selectors)
    with house_of(context) as house:
        found = own.traces(house, claims)
    rows: list[Row] = [
        {
            "case": trace.case.id,
            "stage": trace.case.stage.value,
            "right": trace.case.right.value,
            "until": trace.until.isoformat() if trace.until else "the case is closed" if trace.case.outcome is None else "",
        }
        for trace in found
    ]
    if is_json:
        print_json(rows)
    else:
        print_table(rows, {"case": "case", "stage": "stage", "right": "right", "until": "identifiers go"}, empty="nothing of this person is held")
    return DONE


@own_data.command("erase-requester")
@person_options
@by_whom
@click.pass_context
def erase_requester(
    context: click.Context, emails: tuple[str, ...], phones: tuple[str, ...], names: tuple[str, ...], selectors: tuple[str, ...], by: str
) -> int:
    """Forgets at once what closed cases hold of a requester. From then on nothing of theirs can be found again but by a new request."""
    claims = claims_from(emails, phones, names, selectors)
    with house_of(context) as house:
        forgotten = own.erase_requester(house, claims, by)
    if not forgotten:
        print_line("nothing of this person is held in cases")
    for case_id in forgotten:
        print_line(f"case {case_id}: forgotten; its record in the request log, which names nobody, stays")
    return DONE


@own_data.command("erase-officer")
@click.argument("name")
@by_whom
@click.pass_context
def erase_officer(context: click.Context, name: str, by: str) -> int:
    """Forgets the name of somebody who acted here, once nothing in force needs it. Their random id stays and means nobody."""
    with house_of(context) as house:
        person = own.erase_officer(house, name, by)
    print_line(f"the name is forgotten; what was done under it stands as {person}, which means nobody now")
    return DONE
