"""Requesters at the portal of a company that can send mail, and the mails that they get."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from dsr_engine.domain.case import Case
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.chores import do_chores
from tests.servers.smtp_server import SmtpServer
from tests.web.conftest import Doors, doors_of
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL, Company
from tests.workflow.correspondence import Writing, set_up, text_of
from tests.workflow.journeys import NOON

#: How long somebody needs to fill in the form.
_READING = timedelta(seconds=40)
_BUTTONS = {"en": "Send the request", "de": "Antrag senden", "fr": "Envoyer la demande", "es": "Enviar la solicitud", "zh": "提交请求"}


@dataclass(frozen=True)
class Portal:
    """A portal whose mails arrive at a server of the tests."""

    doors: Doors
    server: SmtpServer

    def pass_time(self, **span: float) -> None:
        self.doors.clock.at += timedelta(**span)

    def mails(self, to: str) -> list[str]:
        """What arrived for this address, after the worker did its round."""
        list(do_chores(self.doors.house))
        return [text_of(taken) for taken in self.server.mails if taken.recipient.startswith(to)]

    def code(self, to: str = EMAIL) -> str:
        """The last code that was sent to this address."""
        found = [match[0] for mail in self.mails(to) if (match := re.search(r"\d{4} \d{4}", mail))]
        return found[-1]

    def link(self, to: str, view: str = "follow") -> str:
        """The path of the last private link that was sent to this address."""
        found = [match[1] for mail in self.mails(to) if (match := re.search(rf"(/portal/[a-z]+/{view}/\S+)", mail))]
        return found[-1]

    def asks(self, *, visitor: Visitor | None = None, language: str = "en", what: str = "erasure", **fields: str) -> Visitor:
        """Somebody fills in the form and sends it; the person themselves, if nothing else is said."""
        visitor = visitor or self.doors.visitor()
        choices: dict[str, str] = {name: fields.pop(name) for name in ("who", "where") if name in fields}
        query = "&".join(f"{name}={value}" for name, value in {"what": what, **choices}.items())
        visitor.go(f"/portal/{language}/ask?{query}")
        self.doors.clock.at += _READING
        button = _BUTTONS[language]
        return visitor.send(button, **({"email": EMAIL} | fields))

    def confirmed(self, to: str = EMAIL, **fields: str) -> Visitor:
        """Somebody who asked and entered the code that was sent to this address; looks at the page of their request."""
        visitor = self.asks(visitor=None, **fields)
        return visitor.send("Confirm the request", code=self.code(to))

    def cases(self) -> list[Case]:
        with self.doors.house.store.snapshot() as tx:
            return list(tx.cases.list())


@contextmanager
def portal_of(company: Company, server: SmtpServer) -> Iterator[Portal]:
    """The portal of this company, which writes by this server."""
    writing = Writing(company.folder, company.bucket, company.s3, company.systems)
    set_up(writing, server)
    settings = writing.home / "dsr.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('policy = "one-shot"', 'policy = "ours"'), encoding="utf-8")
    with doors_of(writing, FixedClock(NOON)) as doors:
        yield Portal(doors, server)
