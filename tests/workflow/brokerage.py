"""A data broker as small as can be: consumers in a table, their calls and leads in others, and what the platform lists of them."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from dsr_engine.bootstrap import opened, pin_policy, read_home
from dsr_engine.content import drop_hash
from dsr_engine.content.drop_names import standard_name
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.clock import Clock, FixedClock
from dsr_engine.drivers.registry import open_columns
from dsr_engine.workflow.dropping.matching import Matched, match
from dsr_engine.workflow.dropping.pulling import Pulled, platform_of, pull
from dsr_engine.workflow.dropping.reporting import Reported, report
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from tests.servers.drop_platform import BROKER, KEY, FakePlatform
from tests.workflow.company import Company, founded
from tests.workflow.journeys import NOON, WORKER, Serial, review_holds

CONNECTOR = """\
connector: shop
driver: sql
collections:
  consumers:
    key: [id]
    fields:
      id:      {category: user.unique_id, selects: customer_id, identifies: true}
      email:   {category: user.contact.email, selects: email}
      phone:   {category: user.contact.phone_number, selects: phone}
      first:   {category: user.name.first}
      last:    {category: user.name.last}
      born:    {category: user.date_of_birth, selects: date_of_birth}
      zip:     {category: user.contact.address.postal_code, selects: postcode}
  purchases:
    key: [id]
    fields:
      consumer_id: {category: user.unique_id, selects: customer_id, references: consumers.id}
      note:        {category: user.content}
  leads:
    key: [id]
    fields:
      name:  {category: user.name, selects: name}
      phone: {category: user.contact.phone_number, selects: phone}
discover: rest
"""
SCHEMA = """\
CREATE TABLE consumers (id INTEGER PRIMARY KEY, email TEXT, phone TEXT, first TEXT, last TEXT, born TEXT, zip TEXT);
CREATE TABLE purchases (id INTEGER PRIMARY KEY, consumer_id INTEGER REFERENCES consumers (id), note TEXT);
CREATE TABLE leads (id INTEGER PRIMARY KEY, name TEXT, phone TEXT);
"""
POLICY = """\
policy: ours
about: The tests' policy.
owner: privacy@example.com
regimes: [ca-delete-act]
rules:
  - name: mentions
    when: {category: user, match: mentions}
    then: redact
  - name: what is theirs
    when: {category: user}
    then: delete
request: {approval: automatic, max_affected: 1000}
"""
#: Another policy under the same name, for consumers with a column `since`.
KEEPING = """\
policy: ours
about: Everything is under a contract.
owner: privacy@example.com
regimes: [ca-delete-act]
rules:
  - name: under contract
    when: {category: user}
    then: delete
    keep: {for: 2 years, from: since, because: contract}
request: {approval: automatic, max_affected: 1000}
"""
_ALPHABET = string.ascii_letters + string.digits


def item() -> str:
    """A work item's id as the platform makes them."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def email_hash(text: str) -> str:
    return drop_hash.hashed(drop_hash.email(text))


def phone_hash(text: str) -> str:
    return drop_hash.hashed(drop_hash.phone(text))


def ndz_hash(first: str, last: str, born: str, code: str) -> str:
    return drop_hash.composite(standard_name(first), standard_name(last), drop_hash.birth_date(born), drop_hash.zip_code(code))


def brokerage(home: Path, folder: Path, platform: FakePlatform | None = None, *, policy: str = POLICY) -> Company:
    """A broker without any consumers yet."""
    company = founded(home, folder, ())
    company.add_shop(SCHEMA, CONNECTOR)
    company.policy(policy)
    settings = company.home / "dsr.toml"
    url = platform.url if platform is not None else "https://api.drop.privacy.ca.gov"
    drop = f'\n[drop]\nkey = "${{DROP_KEY}}"\nbroker = "{BROKER}"\nurl = "{url}"\npolicy = "ours"\n'
    settings.write_text(settings.read_text(encoding="utf-8") + drop, encoding="utf-8")
    return company


ENVIRONMENT = {"DROP_KEY": KEY}


@contextmanager
def brokering(company: Company, clock: Clock | None = None) -> Iterator[House]:
    """The broker's house, read anew as every command does."""
    home = read_home(company.home, ENVIRONMENT, allow_gaps=True)
    pin_policy(home, home.declared.policies["ours"])
    with opened(home, clock or FixedClock(NOON), executor=Serial()) as house:
        review_holds(house)
        yield house


def pulled(house: House) -> Pulled:
    return pull(house, platform_of(house), sleep=lambda _: None)


def matched(house: House) -> Matched:
    return match(house, open_columns, by="officer")


def reported(house: House, *, partial: bool = False) -> Reported:
    return report(house, platform_of(house), partial=partial, sleep=lambda _: None)


def run_all(house: House) -> list[Case]:
    """Runs every open case as far as it goes."""
    with house.store.snapshot() as tx:
        cases = [case.id for case in tx.cases.list(open_only=True)]
    return [run_case(house, case, WORKER) for case in cases]


def all_closed(cases: list[Case]) -> bool:
    return all(case.stage is Stage.CLOSED for case in cases)


def later(days: int) -> datetime:
    return NOON + timedelta(days=days)
