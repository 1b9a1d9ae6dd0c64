"""`dsr case`: the life of a case, one command for each thing that a person does to it."""

from dataclasses import replace
from pathlib import Path

import click

from dsr_engine.bootstrap import pin_policy
from dsr_engine.cli.appeals import appeal, deny_appeal, extend_appeal, grant_appeal
from dsr_engine.cli.clocks import acknowledge, pause, unpause
from dsr_engine.cli.correcting import exclude, hand_in_, move, plan, return_, undo
from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entitling import ground, ground_options, grounds_from
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, claims_from, home_of, house_of, person_options, system_options, systems_from, worker_name
from dsr_engine.cli.ordering import end_order, order_from, order_options
from dsr_engine.cli.posting import acknowledgement_told, contact_from, contact_options
from dsr_engine.cli.records import answered, next_step, received, received_at, request_options
from dsr_engine.cli.stories import print_case
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.cli.verifying import cannot_identify, code, evidence, match, more, verify
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import REFUSALS
from dsr_engine.workflow.approve import gaps_unaccepted, give_approval
from dsr_engine.workflow.asking import ERASE, KEEP, REDACT, WEIGHED
from dsr_engine.workflow.claims import doubts_of
from dsr_engine.workflow.decide import VERDICTS, close_unfulfilled, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND, VERIFIED
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, open_case
from dsr_engine.workflow.law.attention import Alarm, Urgency, alarms
from dsr_engine.workflow.law.extending import REASONS
from dsr_engine.workflow.law.extending import extend as extend_case
from dsr_engine.workflow.letters.corresponding import notice_day
from dsr_engine.workflow.letters.letterbox import worries, worry_row
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.opening import as_order
from dsr_engine.workflow.records.doubles import open_doubles
from dsr_engine.workflow.report import Row, case_report, case_row, due_row, finding_row, unread_rows
from dsr_engine.workflow.settling import GO_ON, SAME_PERSON, finish_task, settle
from dsr_engine.workflow.wiping import wipe


@click.group()
def case() -> None:
    """Open, show, decide, approve and run cases."""


@case.command("open")
@person_options
@click.option("--policy", metavar="NAME", help="The policy; the one of dsr.toml if left out.")
@click.option("--regime", "regimes", multiple=True, metavar="NAME", help="A law that applies, repeatable; the policy's first if left out.")
@click.option("--system", "systems", multiple=True, metavar="NAME", help="Only these systems; all that are declared if left out.")
@click.option("--received", metavar="DATE", help="When the request arrived (2026-11-21), if that was not today.")
@click.option("--vouch", is_flag=True, help="You answer for the identity of the requester; certificates say so.")
@ground_options
@request_options
@order_options
@contact_options
@by_whom
@as_json
@click.pass_context
def open_(
    context: click.Context,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    policy: str | None,
    regimes: tuple[str, ...],
    systems: tuple[str, ...],
    received: str | None,
    vouch: bool,
    grounds: tuple[str, ...],
    reasoning: str,
    right: str,
    manner: str,
    is_order: bool,
    reference: str,
    due: str | None,
    reply_to: str | None,
    language: str,
    by: str,
    is_json: bool,
) -> int:
    """Opens a case for a person."""
    named = grounds_from(grounds)
    order = order_from(is_order=is_order, reference=reference, due=due)
    claims = claims_from(emails, phones, names, selectors)
    home = home_of(context, allow_gaps=True)
    name = policy or home.settings.policy
    chosen = home.declared.policies.get(name)
    if chosen is None:
        raise InputWrong(f"no such policy: {name}", code="policy.unknown", hint=f"known are {', '.join(sorted(home.declared.policies))}")
    pin_policy(home, chosen)
    with house_of(context) as house:
        asked, at = Right(right), received_at(house, received)
        request = Request(claims, chosen, by, regimes, systems, at, vouch, asked, Manner(manner), grounds=named, reasoning=reasoning)
        request = replace(as_order(request, order), contact=contact_from(house, reply_to, language))
        doubles = open_doubles(house, claims, asked)
        opened = open_case(house, request)
        told = acknowledgement_told(house, opened.id)
    if is_json:
        print_json({**case_row(opened), "same_as": [double.id for double in doubles]})
    else:
        print_line(f"case {opened.id} is open" + (f"; {told}" if told else ""))
        for doubt in doubts_of(claims):
            print_line(f"  {doubt}", "yellow")
        next_step(opened, doubles, is_vouched=bool(opened.identity))
    return DONE


@case.command("list")
@click.option("--open", "is_open", is_flag=True, help="Only cases that are not closed.")
@as_json
@click.pass_context
def list_(context: click.Context, is_open: bool, is_json: bool) -> int:
    """Lists the cases."""
    with house_of(context) as house, house.store.snapshot() as tx:
        rows = [{**case_row(entry), **_answer(due_row(tx, house, entry))} for entry in tx.cases.list(open_only=is_open)]
    if is_json:
        print_json(rows)
    else:
        columns = {
            "case": "case",
            "kind": "kind",
            "right": "right",
            "stage": "stage",
            "round": "round",
            "waits_for": "waits for",
            "outcome": "outcome",
            "opened_at": "opened",
            "answer": "answer due",
            "set_by": "by",
        }
        print_table(rows, columns, empty="no case")
    return DONE


def _answer(limits: Row) -> Row:
    """The day on which the answer is due, the law that sets it, and what is left until then."""
    return {"answer": limits.get("answer"), "set_by": limits.get("answer_by"), "days_left": limits.get("days_left")}


@case.command("due")
@as_json
@click.pass_context
def due_(context: click.Context, is_json: bool) -> int:
    """Lists open requests by their next limit, with what each waits for, and letters that want a person. Exit code 3: a limit is over."""
    with house_of(context) as house, house.store.snapshot() as tx:
        found = alarms(tx, house)
        rows = [*map(_alarm_row, found), *map(worry_row, worries(tx, house))]
    if is_json:
        print_json(rows)
    else:
        columns = {"urgency": "when", "day": "by", "limit": "to", "set_by": "law", "case": "case", "stage": "stage", "needs": "what is needed"}
        print_table(rows, columns, empty="no open request has a limit")
    return WAITING if any(alarm.urgency is Urgency.OVERDUE for alarm in found) else DONE


def _alarm_row(alarm: Alarm) -> Row:
    entry = alarm.case
    return {
        "case": entry.id,
        "limit": alarm.limit,
        "day": alarm.day.isoformat(),
        "last_day": alarm.last.isoformat(),
        "set_by": alarm.set_by,
        "urgency": alarm.urgency.value,
        "stage": entry.stage.value,
        "waits_for": entry.wait.code if entry.wait else None,
        "needs": alarm.needs,
    }


@case.command("show")
@click.argument("case_id", metavar="CASE")
@click.option("--possible", is_flag=True, help="Also list, with their ids, the findings that wait for a decision.")
@click.option("--all", "is_all", is_flag=True, help="Also list every finding, with its id.")
@click.option("--unread", is_flag=True, help="Also name files and other records that could not be read wholly, a few for each reason.")
@as_json
@click.pass_context
def show(context: click.Context, case_id: str, possible: bool, is_all: bool, unread: bool, is_json: bool) -> int:
    """Tells the story of a case so far."""
    with house_of(context) as house:
        report = case_report(house, case_id)
        report["unread"] = _unread(house, case_id) if unread else []
        report["possible"] = _possible(house, case_id) if possible else []
        report["all"] = _all(house, case_id) if is_all else []
    print_json(report) if is_json else print_case(report)
    return DONE


def _possible(house: House, case_id: str) -> list[dict[str, object]]:
    with house.store.snapshot() as tx:
        entry = tx.cases.get(case_id)
        mask = mask_of(tx, entry)
        return [{"finding": id_, **finding_row(finding, mask)} for id_, finding in possible_findings(tx, entry, FOUND)]


def _unread(house: House, case_id: str) -> list[Row]:
    """What could not be read when the person was looked for, and after the effects."""
    with house.store.snapshot() as tx:
        entry = tx.cases.get(case_id)
        mask = mask_of(tx, entry)
        return [{**row, "when": phase} for phase in (FOUND, VERIFIED) for row in unread_rows(tx, entry, phase, mask)]


def _all(house: House, case_id: str) -> list[dict[str, object]]:
    with house.store.snapshot() as tx:
        entry = tx.cases.get(case_id)
        mask = mask_of(tx, entry)
        verdicts = tx.findings.verdicts(case_id)
        try:
            found = list(tx.findings.of(case_id, entry.round, FOUND))
        except DsrError:
            return []  # forgotten
        return [{"finding": id_, **finding_row(finding, mask), "decided": verdicts.get(id_, "")} for id_, finding in found]


@case.command()
@click.argument("case_id", metavar="CASE")
@click.option("--finding", "findings", multiple=True, metavar="ID", help="The findings to decide about (`dsr case show CASE --all`).")
@click.option("--all-possible", is_flag=True, help="Decide about every possible finding that is still open in the same way.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Whose they are; or, where a rule says `ask`, what happens: erase, redact or keep.")
@click.option(
    "--because",
    default="",
    metavar="REASON",
    help=f"Why: with keep a ground of the laws, such as legal_obligation; with erase and redact, if you like, {', '.join(WEIGHED)}.",
)
@click.option("--law", default="", metavar="CITATION", help="The statute that the ground needs, such as § 257 HGB.")
@click.option("--same-person", is_flag=True, help="All the records that one identifier leads to are the requester's.")
@click.option("--go-on", is_flag=True, help="Go on although more records drifted than the policy allows.")
@by_whom
@click.pass_context
def decide(
    context: click.Context,
    case_id: str,
    findings: tuple[str, ...],
    all_possible: bool,
    verdict: str | None,
    because: str,
    law: str,
    same_person: bool,
    go_on: bool,
    by: str,
) -> int:
    """Decides what the engine must not decide."""
    with house_of(context) as house:
        if same_person or go_on:
            settle(house, case_id, SAME_PERSON if same_person else GO_ON, by)
        if findings or all_possible:
            if verdict is None:
                raise InputWrong("--verdict is missing", code="option.verdict", hint=f"one of {', '.join(VERDICTS)}")
            wanted = findings or tuple(str(row["finding"]) for row in _possible(house, case_id))
            reason = _reason(verdict, because, law)
            count = decide_findings(house, case_id, [(id_, verdict) for id_ in wanted], by, **reason)
            print_line(f"{count} finding(s) decided: {verdict}")
        elif not (same_person or go_on):
            raise InputWrong(
                "nothing was decided", code="option.decide", hint="name --finding ID or --all-possible with --verdict, --same-person or --go-on"
            )
    print_line(f"  next: dsr case run {case_id}")
    return DONE


def _reason(verdict: str, because: str, law: str) -> dict[str, str]:
    """What was said of a reason, for the verdict that it goes with. Raises `InputWrong` where none does."""
    if verdict == KEEP or not (because or law):
        return {"because": because, "law": law}
    if verdict not in (ERASE, REDACT) or law:
        hint = "--because goes with erase, redact and keep; --law with keep"
        raise InputWrong(f"the verdict {verdict} takes no such reason", code="option.because", hint=hint)
    return {"weighed": because}


@case.command()
@click.argument("case_id", metavar="CASE")
@click.option("--digest", required=True, help="The digest of the plan that you looked at (at least 8 characters).")
@click.option("--accept-gaps", is_flag=True, help="You accept by name that some collections were not looked at; certificates say so.")
@by_whom
@click.pass_context
def approve(context: click.Context, case_id: str, digest: str, accept_gaps: bool, by: str) -> int:
    """Approves exactly this plan. Who opened the case cannot."""
    with house_of(context) as house:
        missing = give_approval(house, case_id, digest, by, accept_gaps=accept_gaps)
        gaps = gaps_unaccepted(house, case_id)
    if missing:
        print_line(f"plan {digest} is approved by you; the policy wants {missing} more, of somebody else who did not open the case", "yellow")
    if gaps:
        print_line(f"plan {digest} is approved by you, and nobody has accepted that {gaps} collection(s) were not looked at in full", "yellow")
        print_line(f"  which ones: dsr case show {case_id} --unread; to be made readable, or accepted by name")
    if missing or gaps:
        print_line(f"  next: dsr case approve {case_id} --digest {digest}{' --accept-gaps' if gaps else ''} --by NAME")
        return WAITING
    print_line(f"plan {digest} is approved")
    print_line(f"  next: dsr case run {case_id}")
    return DONE


@case.command()
@click.argument("case_id", metavar="CASE")
@click.option("--reason", type=click.Choice(REFUSALS), required=True)
@by_whom
@click.pass_context
def refuse(context: click.Context, case_id: str, reason: str, by: str) -> int:
    """Closes a case without effect because the request is refused."""
    with house_of(context) as house:
        late = close_unfulfilled(house, case_id, Outcome.REFUSED, reason, by)
        wipe(house)
    print_line(f"case {case_id} is refused; its identifiers are forgotten")
    print_line(f"  next: tell the requester: dsr letter {case_id} refusal")
    if late:
        print_line(f"  the limit for saying no was over for {late} day(s): the ledger and the request log say so", "yellow")
    return DONE


@case.command()
@click.argument("case_id", metavar="CASE")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Why the answer takes longer.")
@click.option("--notified", metavar="DATE", help="When the requester was told so (2026-11-21); known where `dsr letter` sent the notice.")
@by_whom
@click.pass_context
def extend(context: click.Context, case_id: str, reason: str, notified: str | None, by: str) -> int:
    """Records that the limit for the answer is extended. The notice has to have gone out within the first limit."""
    day = day_of(notified, "--notified") if notified is not None else None
    with house_of(context) as house:
        extend_case(house, case_id, reason, day or notice_day(house, case_id, LetterKind.EXTENSION), by)
        with house.store.snapshot() as tx:
            limits = due_row(tx, house, tx.cases.get(case_id))
    print_line(f"case {case_id} is extended: answer by {limits['answer']}, refusal by {limits['refusal']}")
    return DONE


@case.command()
@click.argument("case_id", metavar="CASE")
@by_whom
@click.pass_context
def withdraw(context: click.Context, case_id: str, by: str) -> int:
    """Closes a case without effect because the requester withdrew it."""
    with house_of(context) as house:
        close_unfulfilled(house, case_id, Outcome.WITHDRAWN, "withdrawn", by)
        wipe(house)
    print_line(f"case {case_id} is withdrawn; its identifiers are forgotten")
    return DONE


@case.command("task-done")
@click.argument("case_id", metavar="CASE")
@click.argument("task_id", metavar="TASK")
@click.option(
    "--evidence", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="A file that shows it; only its SHA-256 is kept."
)
@by_whom
@click.pass_context
def task_done(context: click.Context, case_id: str, task_id: str, evidence: Path, by: str) -> int:
    """Records that a manual task was done."""
    with house_of(context) as house:
        finish_task(house, case_id, task_id, evidence, by)
    print_line("the task is done")
    print_line(f"  next: dsr case run {case_id}")
    return DONE


@case.command()
@click.argument("case_id", metavar="CASE")
@system_options
@as_json
@click.pass_context
def run(context: click.Context, case_id: str, urls: tuple[str, ...], endpoint_url: str | None, is_json: bool) -> int:
    """Works on a case until only a person, a system or time can take it further. May be killed and run again at any time."""
    with house_of(context, systems=systems_from(urls, endpoint_url)) as house:
        after = run_case(house, case_id, worker_name())
        report = case_report(house, case_id)
    print_json(report) if is_json else print_case(report)
    return exit_code(after)


for further in (ground, verify, match, code, evidence, cannot_identify, more, end_order):
    case.add_command(further)
case.add_command(answered)
case.add_command(received)
for command in (acknowledge, pause, unpause, appeal, extend_appeal, deny_appeal, grant_appeal):
    case.add_command(command)


for changing in (plan, exclude, move, undo, return_, hand_in_):
    case.add_command(changing)


def exit_code(case: Case) -> int:
    """0 for a closed case, 3 for one that waits."""
    return DONE if case.stage is Stage.CLOSED else WAITING
