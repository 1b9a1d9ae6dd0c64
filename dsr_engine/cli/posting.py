"""`dsr post`: messages on their way, by how they fare and never by what is in them."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, house_of
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.delivery.bounces import mailbox_at
from dsr_engine.delivery.mail import open_mail
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.parcel import Posted, PostState
from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.references import resolve_text
from dsr_engine.settings import Settings
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.corresponding import checked_contact
from dsr_engine.workflow.letters.messages import give_up, let_out, refuse_without_mail
from dsr_engine.workflow.letters.posting import note_bounces, send, send_post
from dsr_engine.workflow.portal.readiness import shortcomings
from dsr_engine.workflow.report import Row

_Command = TypeVar("_Command", bound=Callable[..., Any])


def contact_options(command: _Command) -> _Command:
    """--reply-to and --language: where a requester is answered, and in which language."""
    for option in (
        click.option("--language", metavar="CODE", default="", help="The language in which the requester is written to (`dsr catalog` lists them)."),
        click.option(
            "--reply-to", "reply_to", metavar="ADDRESS", help="Where the requester is answered by mail; kept sealed until the last letter is out."
        ),
    ):
        command = option(command)
    return command


def mail_checked(settings: Settings) -> list[Row]:
    """Whether mail could be sent now, as a line of `dsr check`; nothing where none is set up. It never fails a check: letters wait."""
    mail = open_mail(settings, SystemClock())
    if mail is None:
        return _portal_rows(settings)
    row: Row = {"system": "[mail]", "state": "ready", "message": "", "hint": "", "code": "", "fatal": False, "wrong_file": False}
    try:
        mail.greet()
    except DsrError as error:
        row |= {"state": "not ready", "message": error.message, "hint": error.hint, "code": error.code}
    finally:
        mail.close()
    return [row, *_portal_rows(settings)]


def _portal_rows(settings: Settings) -> list[Row]:
    """What the requesters' door lacks; it says so itself to who comes, and never fails a check."""
    return [
        {
            "system": "[web] portal",
            "state": "warning",
            "message": entry.message,
            "hint": entry.hint,
            "code": entry.code,
            "fatal": False,
            "wrong_file": False,
        }
        for entry in shortcomings(settings)
    ]


def contact_from(house: House, reply_to: str | None, language: str) -> Contact | None:
    """Where the requester is answered; None where no address was given."""
    if reply_to is None:
        if language:
            raise InputWrong(
                "--language says in which language letters go out, and no address is given", code="option.language", hint="add --reply-to"
            )
        return None
    return checked_contact(house, reply_to, language)


def acknowledgement_told(house: House, case_id: str) -> str:
    """Tries to send the acknowledgement that was queued when the case was opened, and says what became of it; nothing where no address is known."""
    with house.store.snapshot() as tx:
        queued = [posted for posted in tx.outbox.of(case_id) if posted.state is PostState.QUEUED]
        is_known = tx.contacts.of(case_id) is not None
    if not is_known:
        return ""
    if house.settings.mail is None:
        return f"dsr.toml has no [mail]: send the acknowledgement yourself (`dsr letter {case_id} acknowledgement --out FILE`)"
    list(send(house, queued))
    with house.store.snapshot() as tx:
        states = [posted.state for posted in tx.outbox.of(case_id)]
    if not states:
        return f"the acknowledgement was not sent: `dsr letter {case_id} acknowledgement` says what is missing"
    if PostState.SENT in states:
        return "the acknowledgement was sent to the requester"
    if PostState.FAILED in states:
        return f"the acknowledgement was refused by the mail server: `dsr case show {case_id}` says what can be done"
    return "the acknowledgement is queued; `dsr worker` goes on trying to send it"


@click.group()
def post() -> None:
    """Messages on their way: letters, notices, alarms. What is in them is never shown."""


@post.command("list")
@click.option("--open", "is_open", is_flag=True, help="Only what is not sent, or came back.")
@as_json
@click.pass_context
def list_(context: click.Context, is_open: bool, is_json: bool) -> int:
    """Lists messages with their state."""
    wanted = [state for state in PostState if not (is_open and state is PostState.SENT)]
    with house_of(context) as house, house.store.snapshot() as tx:
        rows = [_row(posted) for posted in tx.outbox.list(*wanted)]
        has_mail = house.settings.mail is not None
    if is_json:
        print_json(rows)
        return DONE
    columns = {
        "id": "id",
        "case": "case",
        "what": "what",
        "state": "state",
        "tries": "tries",
        "code": "answer",
        "next_try": "next try",
        "sent_at": "sent",
    }
    print_table(rows, columns, empty="no message")
    if not has_mail and any(row["state"] == PostState.QUEUED.value for row in rows):
        print_line("  dsr.toml has no [mail]: nothing is sent", "yellow")
    return DONE


def _row(posted: Posted) -> Row:
    return {
        "id": posted.id,
        "case": posted.case or None,
        "what": posted.purpose.replace(":", " ", 1),
        "state": posted.state.value,
        "tries": posted.tries,
        "code": posted.code or None,
        "queued_at": posted.queued_at.isoformat(timespec="seconds"),
        "next_try": posted.next_try.isoformat(timespec="minutes") if posted.next_try else None,
        "sent_at": posted.sent_at.isoformat(timespec="minutes") if posted.sent_at else None,
        "sha256": posted.digest or None,
    }


@post.command("send")
@click.pass_context
def send_(context: click.Context) -> int:
    """Sends what is due now, as `dsr worker` does by itself."""
    with house_of(context) as house:
        refuse_without_mail(house)
        lines = list(send_post(house))
    for line in lines:
        print_line(line)
    if not lines:
        print_line("nothing is due")
    return DONE


@post.command()
@click.argument("post_id", metavar="ID")
@click.pass_context
def retry(context: click.Context, post_id: str) -> int:
    """Sends a message that waits for a person, or tries one again that failed."""
    with house_of(context) as house:
        posted = let_out(house, post_id)
        for line in send(house, (posted,)):
            print_line(line)
        with house.store.snapshot() as tx:
            state = tx.outbox.get(post_id).state
    return DONE if state is PostState.SENT else WAITING


@post.command()
@click.argument("post_id", metavar="ID")
@click.pass_context
def drop(context: click.Context, post_id: str) -> int:
    """Gives up a message that was not sent; what was in it is erased."""
    with house_of(context) as house:
        give_up(house, post_id)
    print_line("the message is given up, and what was in it is erased")
    return DONE


@post.command()
@click.option("--in", "url", metavar="URL", help="maildir:PATH, mbox:PATH or imaps://user:${PASSWORD}@HOST/FOLDER; the one of dsr.toml if left out.")
@click.pass_context
def bounces(context: click.Context, url: str | None) -> int:
    """Reads reports of failed delivery from a mailbox, which stays as it is, and notes which messages came back."""
    with house_of(context) as house:
        mail = house.settings.mail
        given = Secret(resolve_text(url, os.environ)) if url is not None else mail.bounces if mail is not None else None
        if given is None:
            raise InputWrong("no mailbox is named", code="bounces.url", hint="name it with --in, or as `bounces` in [mail] of dsr.toml")
        lines = list(note_bounces(house, mailbox_at(given, mail.ca if mail else None)))
    for line in lines:
        print_line(line, "yellow")
    print_line(f"{len(lines)} message(s) came back" if lines else "nothing new came back")
    return DONE
