"""Rules about mail in a sweep, where nobody in particular is looked for: what may be meant is never let go."""

import mailbox
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.sweeps.sweep import Swept, sweep
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import WORKER, working

_TODAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
_CONNECTOR = """\
connector: box
driver: mailstore
own_domains: [shop.example]
collections:
  INBOX:
    fields:
      date: {starts: retention}
discover: none
"""
_POLICY = """\
policy: ours
about: Mail, one year.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: mail
    when: {collection: mail.INBOX}
    keep: {for: 1 year, from: date}
    then: delete
%s
sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 99, max_share: 100%%, first_runs_dry: 0}
"""
MAILS = {
    "letter": f"From: {EMAIL}\nTo: help@shop.example\nCc: boss@shop.example\n\nHello\n",
    "thread": f"From: {BOB}\nTo: {EMAIL}, help@shop.example\n\nHello\n",
    "list": f"From: {BOB}\nTo: all@lists.example\nList-Id: <all.lists.example>\n\nHello\n",
    "headless": "\n",
    "young": f"From: {BOB}\nTo: all@lists.example\nPrecedence: bulk\n\nHello\n",
}


@pytest.fixture
def company(older_home: Path, tmp_path: Path) -> Company:
    made = founded(older_home, tmp_path / "company", ())
    mailbox.Maildir(made.mail, create=True).close()
    for name, text in MAILS.items():
        path = made.deliver(text, f"{name}.host")
        moment = datetime(2026 if name == "young" else 2020, 4, 1, tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
    made.connector(_CONNECTOR)
    made.declare("mail", f'connector: box, owner: office@example.com, url: "maildir:{made.mail}"')
    return made


def swept(company: Company, rule: str) -> Swept:
    company.policy(_POLICY % rule)
    with working(company, FixedClock(_TODAY)) as house:
        return sweep(house, house.policies["ours"], by="officer", worker=WORKER)


def left(company: Company) -> set[str]:
    there = {path.name.partition(".")[0]: path.read_text(encoding="utf-8") for path in (company.mail / "cur").iterdir()}
    assert all(MAILS[name] == text for name, text in there.items())
    return set(there)


def test_without_a_word_on_mail_everything_old_goes(company: Company) -> None:
    assert swept(company, "").case.stage is Stage.CLOSED
    assert left(company) == {"young"}


def test_letters_that_a_rule_leaves_to_a_person_stay(company: Company) -> None:
    done = swept(company, "  - {name: letters, when: {message: one_to_one}, then: ask}")
    assert done.case.stage is Stage.CLOSED, done.case.wait
    assert left(company) == {"letter", "headless", "young"}


def test_a_longer_period_of_letters_holds(company: Company) -> None:
    keep = 'keep: {for: 10 years, from: date, because: legal_obligation, law: "§ 257 HGB"}'
    swept(company, f"  - {{name: letters, when: {{message: one_to_one}}, {keep}, then: delete}}")
    assert {"letter", "headless", "young"} <= left(company)


@pytest.mark.parametrize("when", ["{mailbox: own}", "{category: mail.attachment}"])
@pytest.mark.parametrize("then", ["ask", "retain"])
def test_what_may_hold_for_any_mail_keeps_all_of_them(company: Company, when: str, then: str) -> None:
    keep = ', keep: {for: 10 years, from: date, because: legal_obligation, law: "§ 257 HGB"}' if then == "retain" else ""
    swept(company, f"  - {{name: some, when: {when}{keep}, then: {then}}}")
    assert left(company) == set(MAILS)


def test_what_may_hold_for_any_mail_lets_none_go(company: Company) -> None:
    only = _POLICY.replace("when: {collection: mail.INBOX}", "when: {mailbox: own}")
    company.policy(only % "")
    with working(company, FixedClock(_TODAY)) as house:
        sweep(house, house.policies["ours"], by="officer", worker=WORKER)
    assert left(company) == set(MAILS)
