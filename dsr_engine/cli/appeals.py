"""Appeals to the controller itself against a refusal: `dsr case appeal`, `extend-appeal`, `deny-appeal` and `grant-appeal`."""

from datetime import date

import click

from dsr_engine.bootstrap import pin_policy
from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import by_whom, claims_from, home_of, house_of, person_options
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.intake import Request
from dsr_engine.workflow.law import appealing
from dsr_engine.workflow.law.appealing import AppealDue


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--received", metavar="DATE", required=True, help="When the appeal arrived (2026-11-21).")
@by_whom
@click.pass_context
def appeal(context: click.Context, case_id: str, received: str, by: str) -> int:
    """Records an appeal to you against a refusal. It has a limit of its own, which `dsr case due` watches."""
    with house_of(context) as house:
        due, remark = appealing.appeal(house, case_id, day_of(received, "--received"), by)
    print_line(f"case {case_id}: the appeal of {received} has to be answered by {due.day} ({due.set_by})")
    if remark:
        print_line(f"  {remark}", "yellow")
    print_line(f"  next: dsr case grant-appeal {case_id} --on DATE --email …, or dsr case deny-appeal {case_id} --on DATE")
    return DONE


@click.command("extend-appeal")
@click.argument("case_id", metavar="CASE")
@click.option("--notified", metavar="DATE", required=True, help="When the person was told so, with the reason (2026-11-21).")
@by_whom
@click.pass_context
def extend_appeal(context: click.Context, case_id: str, notified: str, by: str) -> int:
    """Records that the answer to an appeal takes longer, where the law allows that."""
    with house_of(context) as house:
        due = appealing.extend_appeal(house, case_id, day_of(notified, "--notified"), by)
    print_line(f"case {case_id}: the appeal has to be answered by {due.day} ({due.set_by})")
    return DONE


@click.command("deny-appeal")
@click.argument("case_id", metavar="CASE")
@click.option("--on", "day", metavar="DATE", required=True, help="When the person was told so, with the reasons (2026-11-21).")
@by_whom
@click.pass_context
def deny_appeal(context: click.Context, case_id: str, day: str, by: str) -> int:
    """Records that an appeal was denied."""
    on = day_of(day, "--on")
    with house_of(context) as house:
        due = appealing.deny_appeal(house, case_id, on, by)
    print_line(f"case {case_id}: the appeal is denied")
    _print_late(on, due)
    if due.authority:
        print_line(f"  your answer has to say that the person may turn to {due.authority}")
    return DONE


@click.command("grant-appeal")
@click.argument("case_id", metavar="CASE")
@click.option("--on", "day", metavar="DATE", required=True, help="When the person was told so (2026-11-21).")
@click.option("--vouch", is_flag=True, help="You answer for the identity of the requester; certificates say so.")
@person_options
@by_whom
@click.pass_context
def grant_appeal(
    context: click.Context,
    case_id: str,
    day: str,
    vouch: bool,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    by: str,
) -> int:
    """Grants an appeal: a new case is opened. The refusal forgot the identifiers, so they are given again."""
    on, claims = day_of(day, "--on"), claims_from(emails, phones, names, selectors)
    home = home_of(context, allow_gaps=True)
    with house_of(context) as house:
        with house.store.snapshot() as tx:
            name = tx.cases.get(case_id).policy
        policy = home.declared.policies.get(name)
        if policy is None:
            raise InputWrong(f"policy {name} of the case is gone", code="policy.unknown", hint="put its file back; the new case goes on under it")
        pin_policy(home, policy)
        made, due = appealing.grant_appeal(house, case_id, Request(claims, policy, by, vouched=vouch), on)
    print_line(f"case {case_id}: the appeal is granted, and case {made.id} is open for it")
    _print_late(on, due)
    print_line(f"  next: dsr case {'run' if vouch else 'verify'} {made.id}")
    return DONE


def _print_late(on: date, due: AppealDue) -> None:
    if on > due.day:
        print_line(f"  it was due on {due.day} ({due.set_by}): the answer came {(on - due.day).days} day(s) late, and the ledger says so", "yellow")
