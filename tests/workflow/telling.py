"""A register of recipients beside the tests' company, and the ways to let time pass and mail go out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from dsr_engine.domain.case import Case
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.parcel import Posted, PostState
from dsr_engine.domain.recipient import Notice
from dsr_engine.domain.regime import Notify
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from tests.servers.recipient_server import RecipientServer
from tests.workflow.company import Company
from tests.workflow.journeys import NOON, WORKER, carried_through, opened_for, working

SECRET = "0123456789abcdef0123456789abcdef"


def register(company: Company, **entries: str) -> None:
    """Writes recipients.yaml: name → what stands in the entry's braces."""
    lines = "".join(f"  {name}: {{{entry}}}\n" for name, entry in entries.items())
    (company.home / "recipients.yaml").write_text(f"recipients:\n{lines}" if lines else "recipients: {}\n", encoding="utf-8")


def entry(title: str, role: str = "processor", *, receives: str = "shop.customers", by: str = "email", more: str) -> str:
    return f"title: {title}, role: {role}, receives: [{receives}], identify_by: [{by}], {more}"


def webhook(server: RecipientServer, path: str = "/erasures") -> str:
    (secret := server.ca_file.parent / "secret").write_text(SECRET, encoding="utf-8")
    return f'channel: webhook, url: "{server.url}{path}", secret: "file:{secret}", ca_file: "{server.ca_file}", internal: true'


MAIL = "channel: mail, to: privacy@mailer.example.net"
MANUAL = "channel: manual, owner: officer"


@contextmanager
def at(company: Company, after: timedelta = timedelta(), *, notify: Notify | None = None) -> Iterator[House]:
    """The company's house at so much time after noon; under `notify` where that is given."""
    with working(company, FixedClock(NOON + after)) as house:
        if notify is not None:
            house = replace(house, regimes={name: replace(regime, notify=notify) for name, regime in house.regimes.items()})
        yield house


def notices_of(house: House, case: Case) -> dict[str, Notice]:
    with house.store.snapshot() as tx:
        return {notice.recipient: notice for notice in tx.notices.of(case.id)}


def erased(house: House, *claims: tuple[str, str]) -> Case:
    """A case as far as it goes by itself and with approvals."""
    return carried_through(house, opened_for(house, *claims))


def run(house: House, case: Case) -> Case:
    return run_case(house, case.id, WORKER)


def posted(house: House, case: Case) -> tuple[Posted, ...]:
    with house.store.snapshot() as tx:
        return tuple(entry for entry in tx.outbox.of(case.id) if entry.purpose.startswith("notice:"))


def settle(house: House, parcel: str, state: PostState = PostState.SENT) -> None:
    """What the post would write down after its try."""
    with house.store.transaction() as tx:
        tx.outbox.settle(parcel, state)
