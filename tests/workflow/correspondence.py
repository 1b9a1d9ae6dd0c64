"""A company that writes to requesters, and what its letters came to."""

import email
import email.policy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

from dsr_engine.domain.case import Case
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import Posted
from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.letters.corresponding import SENT
from dsr_engine.workflow.letters.letterbox import worries
from tests.servers.smtp_server import PASSWORD, USER, SmtpServer, Taken
from tests.workflow.company import EMAIL, Company
from tests.workflow.journeys import NOON, request_of, working

SAID = {"recipients": "We had passed your data on to nobody."}
_SETTINGS = """
[letters]
authority = "the Data Inspector"
court = "the court of Teatown"
send = "{send}"

[mail]
server = "{url}"
user = "{user}"
password = "${{MAIL_PASSWORD}}"
from = "Example Ltd <privacy@example.com>"
alarms_to = ["officer@example.com"]
bounces = "maildir:{bounces}"
ca = "{ca}"
"""


class Writing(Company):
    """A company with a mail server and a mailbox to which undeliverable mail comes back."""

    @property
    def environment(self) -> Mapping[str, str]:
        return {"MAIL_PASSWORD": PASSWORD}


def set_up(company: Company, server: SmtpServer, *, send: str = "by_a_person") -> None:
    settings = company.home / "dsr.toml"
    text = settings.read_text(encoding="utf-8").partition("\n[letters]\nauthority")[0]
    text += _SETTINGS.format(send=send, url=server.url, user=USER, bounces=company.folder / "bounces", ca=server.ca)
    settings.write_text(text, encoding="utf-8")


@contextmanager
def at(company: Company, days: float = 0) -> Iterator[House]:
    """The company's house, so many days after noon."""
    with working(company, FixedClock(NOON + timedelta(days=days))) as house:
        yield house


def asked(house: House, address: str = EMAIL, language: str = "") -> Case:
    """A request whose author wants an answer by mail."""
    return open_case(house, replace(request_of(house), contact=Contact(Secret(address), language)))


def letters(house: House, case: Case) -> list[tuple[str, str]]:
    with house.store.snapshot() as tx:
        return [(posted.purpose.removeprefix("letter:"), posted.state.value) for posted in tx.outbox.of(case.id)]


def posted_of(house: House, case: Case, kind: LetterKind) -> Posted:
    with house.store.snapshot() as tx:
        return [posted for posted in tx.outbox.of(case.id) if posted.purpose == f"letter:{kind.value}"][-1]


def sent_leaves(house: House, case: Case) -> list[tuple[object, ...]]:
    with house.store.snapshot() as tx:
        return [(body["letter"], body["on"], body["how"]) for _, body in tx.ledger.find(SENT, case=case.id)]


def codes(house: House) -> list[str]:
    with house.store.snapshot() as tx:
        return [worry.code for worry in worries(tx, house)]


def text_of(taken: Taken) -> str:
    message = email.message_from_bytes(taken.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body()
    assert body is not None
    return str(body.get_content())
