"""`dsr case plan`, `exclude`, `move`, `undo`, `give-back`, `hand-in`: a plan before its approval."""

from dataclasses import asdict

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table
from dsr_engine.domain.correction import GRAVITY, RETURNS
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Treatment
from dsr_engine.workflow.correcting import correct
from dsr_engine.workflow.correcting.correct import Corrected, Targets
from dsr_engine.workflow.correcting.returning import give_back, hand_in
from dsr_engine.workflow.correcting.showing import Shown, show_plan

_GENTLER = tuple(one.value for one in GRAVITY if one is not Treatment.DELETE)
_ITEMS = {"item": "item", "where": "collection", "records": "records", "what": "what happens", "rules": "rules"}
_CORRECTIONS = {"correction": "id", "what": "what", "where": "collection", "records": "records", "reason": "reason", "state": "state"}

_items = click.option("--item", "items", multiple=True, metavar="ID", help="An item of the plan (`dsr case plan`); repeatable.")
_findings = click.option("--finding", "findings", multiple=True, metavar="ID", help="A record, by its finding (`dsr case show --all`); repeatable.")
_collections = click.option("--collection", "collections", multiple=True, metavar="SYSTEM.COLLECTION", help="Everything that the plan has there.")
_law = click.option("--law", default="", metavar="CITATION", help='The statute beside a ground of the law, such as "§ 147 AO".')


@click.command()
@click.argument("case_id", metavar="CASE")
@as_json
@click.pass_context
def plan(context: click.Context, case_id: str, is_json: bool) -> int:
    """Shows the plan item by item, what stays, and how it was corrected."""
    with house_of(context) as house, house.store.snapshot() as tx:
        shown = show_plan(tx, house, tx.cases.get(case_id))
    if is_json:
        print_json({"digest": shown.digest, "round": shown.round, "items": _item_rows(shown), "corrections": _correction_rows(shown)})
        return DONE
    print_heading(f"Plan {shown.digest[:16]} — {shown.affected} records affected")
    print_table(_item_rows(shown), _ITEMS, empty="the plan has no items")
    if shown.stays:
        print_heading("What stays, and why")
        rows = [{**asdict(stay), "where": f"{stay.system}.{stay.collection}", "until": str(stay.until or "not known")} for stay in shown.stays]
        print_table(rows, {"where": "collection", "records": "records", "reason": "why", "law": "law", "until": "until", "rule": "rule"}, empty="")
    if shown.corrections:
        print_heading("Corrections")
        print_table(_correction_rows(shown), _CORRECTIONS, empty="")
    return DONE


@click.command()
@click.argument("case_id", metavar="CASE")
@_items
@_findings
@_collections
@click.option("--reason", required=True, metavar="CODE", help="rights_of_others, unclear, legal_hold, not_theirs, or a ground of every law.")
@_law
@click.option("--hold", default="", metavar="ID", help="The legal hold, for `--reason legal_hold`.")
@by_whom
@click.pass_context
def exclude(
    context: click.Context,
    case_id: str,
    items: tuple[str, ...],
    findings: tuple[str, ...],
    collections: tuple[str, ...],
    reason: str,
    law: str,
    hold: str,
    by: str,
) -> int:
    """Takes records out of the plan before it is approved: they stay as they are, and are told as kept."""
    with house_of(context) as house:
        done = correct.exclude(house, case_id, _targets(items, findings, collections), reason, by, law=law, hold=hold)
    return _told(case_id, done, "taken out of the plan")


@click.command()
@click.argument("case_id", metavar="CASE")
@_items
@_findings
@_collections
@click.option("--to", "treatment", type=click.Choice(_GENTLER), required=True, help="A treatment that a rule of the policy names for these records.")
@click.option("--ground", default="", metavar="NAME", help="For retain and restrict: an exemption that every law of the case knows.")
@_law
@by_whom
@click.pass_context
def move(
    context: click.Context,
    case_id: str,
    items: tuple[str, ...],
    findings: tuple[str, ...],
    collections: tuple[str, ...],
    treatment: str,
    ground: str,
    law: str,
    by: str,
) -> int:
    """Moves records to a gentler treatment before the plan is approved; nothing is ever moved to a harsher one."""
    with house_of(context) as house:
        targets = _targets(items, findings, collections)
        done = correct.move(house, case_id, targets, Treatment(treatment), by, ground=ground, law=law)
    return _told(case_id, done, f"moved to {treatment}")


@click.command()
@click.argument("case_id", metavar="CASE")
@click.argument("correction_id", metavar="CORRECTION")
@by_whom
@click.pass_context
def undo(context: click.Context, case_id: str, correction_id: str, by: str) -> int:
    """Takes a correction back before the plan is approved."""
    with house_of(context) as house:
        correct.undo(house, case_id, correction_id, by)
    print_line(f"correction {correction_id} is taken back; the plan is made anew")
    print_line(f"  next: dsr case run {case_id}")
    return DONE


@click.command("give-back")
@click.argument("case_id", metavar="CASE")
@click.option("--digest", required=True, help="The digest of the plan that you looked at (at least 8 characters).")
@click.option("--reason", type=click.Choice(list(RETURNS)), required=True, help="Why you do not approve it.")
@by_whom
@click.pass_context
def return_(context: click.Context, case_id: str, digest: str, reason: str, by: str) -> int:
    """Does not approve the plan: gives it back to the officers with a reason."""
    with house_of(context) as house:
        give_back(house, case_id, digest, reason, by)
    print_line(f"the plan went back: {RETURNS[reason]}")
    return DONE


@click.command("hand-in")
@click.argument("case_id", metavar="CASE")
@by_whom
@click.pass_context
def hand_in_(context: click.Context, case_id: str, by: str) -> int:
    """Hands a plan in again, as it is, that was given back."""
    with house_of(context) as house:
        hand_in(house, case_id, by)
    print_line("the plan is handed in again")
    print_line(f"  next: dsr case run {case_id}")
    return DONE


def _targets(items: tuple[str, ...], findings: tuple[str, ...], collections: tuple[str, ...]) -> Targets:
    if not (items or findings or collections):
        raise InputWrong("no record was named", code="option.targets", hint="--item, --finding or --collection; `dsr case plan CASE` lists the items")
    return Targets(items, findings, collections)


def _told(case_id: str, done: Corrected, what: str) -> int:
    print_line(f"{done.records} record(s) {what}; the plan is made anew, and who corrected it cannot approve it")
    print_line(f"  next: dsr case run {case_id}")
    return DONE


def _item_rows(shown: Shown) -> list[dict[str, str | int | bool | None]]:
    return [
        {
            "item": item.id,
            "where": f"{item.system}.{item.collection}",
            "records": item.records,
            "what": item.what,
            "rules": "; ".join(rule.name for rule in item.rules),
        }
        for item in shown.items
    ]


def _correction_rows(shown: Shown) -> list[dict[str, str | int | bool | None]]:
    return [
        {
            "correction": entry.id,
            "what": "taken out" if entry.kind is entry.kind.EXCLUDE else f"moved to {entry.treatment.value}",
            "where": f"{entry.system}.{entry.collection}",
            "records": entry.count,
            "reason": " ".join(part for part in (entry.reason, entry.law, entry.hold) if part),
            "state": "in force" if entry.is_in_force else "taken back",
        }
        for entry in shown.corrections
    ]
