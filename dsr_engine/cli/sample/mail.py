"""The sample company's mail: a Maildir with folders, in which the subject writes, is written to, is forwarded, attached and mentioned."""

import mailbox
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from dsr_engine.cli.sample.people import HOUSEHOLD, SUBJECT, Person

_SUPPORT = "support@example.com"


def build_mail(path: Path, people: Sequence[Person], now: datetime) -> None:
    """Makes the Maildir: about two hundred mails of other people, and seven that hold the subject."""
    box = mailbox.Maildir(path, create=True)
    folders = {"Sent": box.add_folder("Sent"), "Archive": box.add_folder("Archive")}
    for index, person in enumerate(people[2:]):
        mail = _mail(
            person.email, _SUPPORT, "Question about my order", f"Hello,\n\nwhere is order {1000 + person.number}?\n\n{person.name}\n", now, index
        )
        (box if index % 3 else folders["Archive"]).add(mail)
    box.add(_encoded(_mail(f"{SUBJECT.name} <{SUBJECT.email}>", _SUPPORT, "Please delete my data", _request(), now, 301), "base64"))
    folders["Sent"].add(
        _encoded(_mail(_SUPPORT, SUBJECT.email, "Your order", f"Dear {SUBJECT.name},\n\nit is on its way – ☕\n", now, 302), "quoted-printable")
    )
    folders["Archive"].add(_with_table(people, now))
    folders["Archive"].add(_forward(now))
    named = _mail("sales@example.com", "team@example.com", f"Call {SUBJECT.name}", f"Ask {SUBJECT.email} about tea.\n", now, 305)
    box.add(named)
    box.add(_mail(HOUSEHOLD.email, _SUPPORT, "New number", f"You can reach us at {HOUSEHOLD.phone}.\n", now, 306))
    box.close()


def _request() -> str:
    return f"Dear team,\n\nplease delete everything you have about me.\n\n{SUBJECT.name}\n{SUBJECT.phone}\n"


def _mail(sender: str, to: str, subject: str, body: str, now: datetime, index: int) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = now - timedelta(days=30, minutes=index)
    mail["Message-ID"] = f"<{index}.sample@example.com>"
    mail.set_content(body)
    return mail


def _encoded(mail: EmailMessage, encoding: str) -> EmailMessage:
    text = mail.get_content()
    mail.set_content(text, cte=encoding)
    return mail


def _with_table(people: Sequence[Person], now: datetime) -> EmailMessage:
    mail = _mail("sales@example.com", "team@example.com", "Customers of the week", "See the table.\n", now, 303)
    rows = [f"{person.number},{person.name},{person.email}" for person in (people[10], SUBJECT, people[11])]
    table = "\r\n".join(["number,name,email", *rows]) + "\r\n"
    mail.add_attachment(table.encode(), maintype="text", subtype="csv", filename="week.csv")
    return mail


def _forward(now: datetime) -> EmailMessage:
    inner = _mail(SUBJECT.email, HOUSEHOLD.email, "Tea", "Shall we order together?\n", now, 399)
    mail = _mail(HOUSEHOLD.email, _SUPPORT, "Fwd: Tea", "See below, we would like two boxes.\n", now, 304)
    mail.add_attachment(inner)
    return mail


def mails_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every mail as (place, bytes); the place is its file without its flags and without the mark of a rewritten mail."""
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.parent.name in ("cur", "new"):
            name = file.name.partition(":")[0].partition("_r")[0]
            yield f"mail {file.parent.parent.relative_to(path).as_posix()}/{name}", file.read_bytes()
