"""`dsr recipients`: the register of those who receive data, and for each case who was told, who answered and who cannot be told."""

from datetime import datetime
from pathlib import Path

import click

from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, home_of, house_of
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table, print_verbatim
from dsr_engine.delivery.iab_ddr import own_key
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.recipient import Channel, Notice, Recipient
from dsr_engine.workflow.house import House
from dsr_engine.workflow.notices.answering import (
    LEAST,
    PROPOSED,
    SAYABLE,
    acknowledge,
    approve_disproportionate,
    cancel,
    close_recipients,
    declare_impossible,
    propose_disproportionate,
    resend,
)
from dsr_engine.workflow.notices.recipients import CHANNELS, STATES, for_person, missing

Row = dict[str, str | int | bool | None]
_REASON = "It stands on the certificate: at least {} characters, and no name of a person."


@click.group()
def recipients() -> None:
    """Who receives data, and who of them was told of an erasure."""


@recipients.command("list")
@as_json
@click.pass_context
def list_(context: click.Context, is_json: bool) -> int:
    """Lists the register (recipients.yaml)."""
    rows = [_entry(entry) for entry in home_of(context, allow_gaps=True).declared.recipients.values()]
    if is_json:
        print_json(rows)
        return DONE
    columns = {
        "name": "recipient",
        "title": "organisation",
        "role": "role",
        "channel": "told by",
        "receives": "receives",
        "awaits": "the case awaits",
    }
    print_table(rows, columns | {"contract": "contract", "countries": "in"}, empty="recipients.yaml names nobody: say who receives data from you")
    return DONE


def _entry(entry: Recipient) -> Row:
    return {
        "name": entry.name,
        "title": entry.title,
        "role": entry.role.value,
        "channel": entry.channel.value,
        "receives": ", ".join(entry.receives),
        "identify_by": ", ".join(entry.identify_by),
        "awaits": entry.awaits.value,
        "within": str(entry.within),
        "contract": entry.contract,
        "countries": ", ".join(entry.countries),
        "source": str(entry.source),
    }


@recipients.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@as_json
@click.pass_context
def check(context: click.Context, names: tuple[str, ...], is_json: bool) -> int:
    """Reaches recipients without telling them anything of anybody. Exit code 3: one cannot be told as it is declared."""
    with house_of(context) as house:
        chosen = [_known(house, name) for name in names] or list(house.recipients.values())
        rows = [_checked(house, entry) for entry in chosen]
    if is_json:
        print_json(rows)
    else:
        print_table(rows, {"name": "recipient", "state": "state", "message": "what", "hint": "what to do"}, empty="recipients.yaml names nobody")
    return DONE if all(row["state"] == "ok" for row in rows) else WAITING


def _checked(house: House, entry: Recipient) -> Row:
    row: Row = {"name": entry.name, "state": "ok", "message": "it answers", "hint": "", "code": ""}
    try:
        if entry.channel is Channel.MANUAL:
            return {**row, "message": f"{entry.setting('owner')} tells it"}
        if entry.channel is Channel.MAIL:
            return {**row, **_mail(house)}
        teller = house.open_teller(entry)
        if teller is not None:
            teller.check()
    except DsrError as error:
        return {**row, "state": "failed", "message": error.message, "hint": error.hint, "code": error.code}
    return row


def _mail(house: House) -> Row:
    post = house.open_post()
    if post is None:
        return {
            "state": "no mail",
            "message": "told by mail",
            "hint": "name a mail server in dsr.toml; until then these mails wait",
            "code": "post.none",
        }
    post.close()
    return {"message": "told by mail"}


@recipients.command()
@click.argument("name", metavar="NAME")
@click.pass_context
def key(context: click.Context, name: str) -> int:
    """Prints the public key that your own dsrdelete.json has to publish (`publicKey`), so that this recipient can verify you."""
    with house_of(context) as house:
        entry = _known(house, name)
    if entry.channel is not Channel.IAB_DDR:
        raise InputWrong(
            "only the channel iab_ddr signs with a key of yours", code="recipient.channel", hint="`dsr recipients list` shows the channels"
        )
    print_json(own_key(entry))
    return DONE


def _known(house: House, name: str) -> Recipient:
    entry = house.recipients.get(name)
    if entry is None:
        raise InputWrong(f"recipients.yaml has no {name}", code="recipient.unknown", hint="`dsr recipients list` shows them")
    return entry


@recipients.command()
@click.argument("case_id", metavar="CASE")
@click.option("--for-person", "is_for_person", is_flag=True, help="In plain words and by name, for a person who asks who was told.")
@click.option("--language", default="", help="The language of --for-person; that of letters if left out.")
@as_json
@click.pass_context
def show(context: click.Context, case_id: str, is_for_person: bool, language: str, is_json: bool) -> int:
    """Shows who had received data of a case, and how each stands. Exit code 3: one is open."""
    with house_of(context) as house, house.store.snapshot() as tx:
        case, notices = tx.cases.get(case_id), tx.notices.of(case_id)
        lines = for_person(tx, case, house, language or house.settings.letters.language) if is_for_person else ()
    if is_for_person:
        _print_lines(lines, is_json=is_json)
        return DONE
    if is_json:
        print_json([_row(notice) for notice in notices])
    else:
        _print(case_id, notices)
    return WAITING if any(notice.is_open for notice in notices) else DONE


def _print_lines(lines: tuple[str, ...], *, is_json: bool) -> None:
    if is_json:
        print_json(list(lines))
        return
    for line in lines or ("nobody that is known here",):
        print_line(line)


def _print(case_id: str, notices: tuple[Notice, ...]) -> None:
    columns = {"recipient": "recipient", "role": "role", "channel": "told by", "state": "state", "sent": "told", "answered": "answered"}
    rows = [_row(notice) for notice in notices]
    print_table(
        rows, columns | {"expected": "expects to be done", "code": "last met", "reason": "reason"}, empty="no recipient had received these data"
    )
    still_open = [notice for notice in notices if notice.is_open]
    for notice in still_open:
        print_line(f"  {notice.recipient}: {missing(notice)}; its answer is due by {notice.answer_by.date()}")
    if still_open:
        print_heading("What can be done")
        name = still_open[0].recipient
        print_verbatim(f"  it answered:       dsr recipients acknowledge {case_id} {name} --as received    (or: deleted)")
        print_verbatim(f"  send it again:     dsr recipients resend {case_id} {name}")
        print_verbatim(f"  it cannot be told: dsr recipients impossible {case_id} {name} --reason TEXT")
        if any(notice.closed_at is None for notice in still_open):
            print_verbatim(f"  go on without it:  dsr recipients close {case_id} --reason TEXT")


def _row(notice: Notice) -> Row:
    proposed = " (disproportionate effort is explained; somebody else has to approve it)" if notice.code == PROPOSED else ""
    return {
        "recipient": notice.recipient,
        "title": notice.title,
        "role": notice.role.value,
        "channel": CHANNELS[notice.channel],
        "state": STATES[notice.state] + proposed,
        "state_code": notice.state.value,
        "is_open": notice.is_open,
        "law": notice.law,
        "sent": _day(notice.sent_at),
        "answered": _day(notice.answered_at),
        "expected": _day(notice.expected_at),
        "answer_by": _day(notice.answer_by),
        "tries": notice.tries,
        "reminders": notice.reminded,
        "code": notice.code,
        "reason": notice.reason,
        "notice": notice.id,
    }


def _day(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%d") if moment is not None else None


@recipients.command("acknowledge")
@click.argument("case_id", metavar="CASE")
@click.argument("name", metavar="NAME")
@click.option("--as", "said", type=click.Choice(sorted(SAYABLE)), required=True, help="You told it; it received the notice; it says that it deleted.")
@click.option("--on", metavar="DATE", help="When that was (2026-11-21); today if left out.")
@click.option("--evidence", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file that shows it; only its SHA-256 is kept.")
@by_whom
@click.pass_context
def acknowledge_(context: click.Context, case_id: str, name: str, said: str, on: str | None, evidence: Path | None, by: str) -> int:
    """Records what a recipient said. That a notice arrived is one thing, that the data are deleted another."""
    with house_of(context) as house:
        notice = acknowledge(house, case_id, name, said, by, on=day_of(on, "--on") if on is not None else None, evidence=evidence)
        return _done(house, notice)


@recipients.command()
@click.argument("case_id", metavar="CASE")
@click.argument("name", metavar="NAME")
@click.option("--reason", required=True, help=_REASON.format(LEAST["impossible"]))
@by_whom
@click.pass_context
def impossible(context: click.Context, case_id: str, name: str, reason: str, by: str) -> int:
    """Records that a recipient cannot be told (it does not exist any more, nobody knows who it is), and why."""
    with house_of(context) as house:
        return _done(house, declare_impossible(house, case_id, name, reason, by))


@recipients.command()
@click.argument("case_id", metavar="CASE")
@click.argument("name", metavar="NAME")
@click.option("--reason", help=_REASON.format(LEAST["disproportionate"]))
@click.option("--approve", is_flag=True, help="You have read what somebody else explained, and approve it.")
@by_whom
@click.pass_context
def disproportionate(context: click.Context, case_id: str, name: str, reason: str | None, approve: bool, by: str) -> int:
    """Records that telling a recipient would take disproportionate effort: one person explains it in detail, another approves."""
    if (reason is None) == (not approve):
        raise InputWrong("give either --reason or --approve", code="option.reason", hint="one person explains, another approves")
    with house_of(context) as house:
        if reason is not None:
            propose_disproportionate(house, case_id, name, reason, by)
            print_line(f"recipient {name}: the explanation is recorded")
            print_line(f"  next: somebody else says dsr recipients disproportionate {case_id} {name} --approve")
            return DONE
        return _done(house, approve_disproportionate(house, case_id, name, by))


@recipients.command()
@click.argument("case_id", metavar="CASE")
@click.option("--reason", required=True, help=_REASON.format(LEAST["close"]))
@by_whom
@click.pass_context
def close(context: click.Context, case_id: str, reason: str, by: str) -> int:
    """Lets a case go on although recipients are open. Its certificate names them; `dsr worker` goes on trying."""
    with house_of(context) as house:
        notices = close_recipients(house, case_id, reason, by)
    print_line(f"case {case_id} goes on without {', '.join(notice.recipient for notice in notices)}; the certificate says so")
    print_line(f"  next: dsr case run {case_id}")
    return DONE


@recipients.command("resend")
@click.argument("case_id", metavar="CASE")
@click.argument("name", metavar="NAME")
@click.pass_context
def resend_(context: click.Context, case_id: str, name: str) -> int:
    """Lets a notice go out again, to the address of today."""
    with house_of(context) as house:
        resend(house, case_id, name)
    print_line(f"recipient {name} will be told again")
    print_line(f"  next: dsr case run {case_id}, or dsr worker for a case that is closed")
    return DONE


@recipients.command("cancel")
@click.argument("case_id", metavar="CASE")
@click.argument("name", metavar="NAME")
@by_whom
@click.pass_context
def cancel_(context: click.Context, case_id: str, name: str, by: str) -> int:
    """Takes back a request that was made over OpenDSR, while the recipient has not begun with it."""
    with house_of(context) as house:
        cancel(house, case_id, name, by)
    print_line(f"recipient {name} has taken the request back")
    return DONE


def _done(house: House, notice: Notice) -> int:
    print_line(f"recipient {notice.recipient}: {STATES[notice.state]}")
    with house.store.snapshot() as tx:
        if tx.cases.get(notice.case).outcome is None:
            print_line(f"  next: dsr case run {notice.case}")
    return DONE
