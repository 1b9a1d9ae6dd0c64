"""Letters that a rule leaves to a person, in the browser: what they are, and what may be answered."""

import html
import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.user import Role
from tests.web.conftest import Doors, doors_of
from tests.workflow.company import BOB, EMAIL, founded
from tests.workflow.journeys import opened_for
from tests.workflow.test_mail_rules import ASKING, HEAD, REST

_LETTER = f"From: {EMAIL}\nTo: {BOB}\n\nHello Bob\n"


@pytest.fixture
def lettered(empty_home: Path, tmp_path: Path) -> Iterator[Doors]:
    company = founded(empty_home, tmp_path / "company", ())
    mailbox.Maildir(company.mail, create=True).close()
    company.deliver(_LETTER, "1.letter.host")
    company.deliver(f"From: {BOB}\nTo: sue@example.com\n\nAsk {EMAIL}.\n", "2.thread.host")
    company.declare("mail", f'connector: maildir, owner: office@example.com, url: "maildir:{company.mail}"')
    company.policy(HEAD + ASKING + REST)
    with doors_of(company) as doors:
        yield doors


def test_a_letter_is_answered_by_what_shall_become_of_it(lettered: Doors) -> None:
    case = lettered.work(opened_for(lettered.house).id)
    assert (case.stage, case.wait and case.wait.code) == (Stage.APPROVE, "finding.asked")
    page = lettered.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
    assert "A mail: one to one" in page.text
    assert "mail.sender" in page.text
    assert "It is left to you" in page.text
    with lettered.house.store.snapshot() as tx:
        (entry,) = tx.reviews.page(case.id, case.round, "found")
    for answer in ("erase", "redact", "keep", "not_theirs"):
        assert f'name="verdict.{entry.id}" value="{answer}"' in page.text
    assert f'name="verdict.{entry.id}" value="theirs"' not in page.text
    page.send("Keep these decisions", because="legal_obligation", law="§ 257 HGB", **{f"verdict.{entry.id}": "keep"})
    assert "1 decided." in page.text
    page.go(f"/cases/{case.id}/possible?show=decided")
    assert 'value="keep" checked' in page.text
    case = lettered.work(case.id)
    assert case.wait is not None
    assert case.wait.code == "approval.missing"
    plan = page.go(f"/cases/{case.id}/plan").text
    assert "§ 257 HGB" in plan
    assert "decided by a person" in plan


def test_the_case_and_its_plan_lead_to_the_letters(lettered: Doors) -> None:
    case = lettered.work(opened_for(lettered.house).id)
    page = lettered.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert "are left to you by the policy" in page.text
    assert case.wait is not None
    assert f"<strong>{case.wait.reason}.</strong>" in html.unescape(page.text), "a name of a system is copied, so it stays as it is written"
    assert case.wait.reason.startswith("mail.INBOX: ")
    assert f"/cases/{case.id}/possible" in page.go(f"/cases/{case.id}/plan").text


def test_a_rule_that_asks_stands_in_the_table_of_its_policy(lettered: Doors) -> None:
    page = lettered.signed_in(Role.OFFICER).go("/policies/ours")
    assert "leave it to a person" in page.text
    assert "one to one" in page.text


def test_why_a_letter_is_erased_may_be_said_and_stands_in_the_ledger(lettered: Doors) -> None:
    case = lettered.work(opened_for(lettered.house).id)
    page = lettered.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
    with lettered.house.store.snapshot() as tx:
        (entry,) = tx.reviews.page(case.id, case.round, "found")
    page.send("Keep these decisions", weighed="nothing_of_others", **{f"verdict.{entry.id}": "erase"})
    assert "1 decided." in page.text
    with lettered.house.store.snapshot() as tx:
        [(_, leaf)] = tx.ledger.find("finding.decided", case=case.id)
    assert (leaf["verdict"], leaf["because"]) == ("erase", "nothing_of_others")
