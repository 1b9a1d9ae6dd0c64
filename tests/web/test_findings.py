"""Deciding about possible findings in the browser: masked, one by one or many at once, without scripts and with keys."""

import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.user import Role
from dsr_engine.workflow.decide import NOT_THEIRS, THEIRS
from tests.web.conftest import Doors, browsing, doors_of, served
from tests.web.test_looks import problems_of
from tests.workflow.company import BOB, EMAIL, NAME, SHOP, founded
from tests.workflow.journeys import opened_for

_TICKETS = "".join(f"INSERT INTO tickets VALUES ({3 + number}, '{NAME} wrote {number} times about a teapot of {BOB}.');\n" for number in range(60))
_SHARED = SHOP.replace("email TEXT NOT NULL UNIQUE", "email TEXT NOT NULL") + f"INSERT INTO customers VALUES (19, '{EMAIL}', 'Ina Lindqvist');\n"


@pytest.fixture
def busy(empty_home: Path, tmp_path: Path) -> Iterator[Doors]:
    """The doors of a company with sixty tickets that a name alone leads to."""
    company = founded(empty_home, tmp_path / "company", ())
    company.add_shop(SHOP + _TICKETS)
    with doors_of(company) as doors:
        yield doors


def _searched(doors: Doors) -> Case:
    return doors.work(opened_for(doors.house, ("email", EMAIL), ("name", NAME)).id)


def _ids(doors: Doors, case: Case, *, is_decided: bool = False) -> list[str]:
    with doors.house.store.snapshot() as tx:
        return [entry.id for entry in tx.reviews.page(case.id, case.round, "found", is_decided=is_decided, most=100)]


def test_fifty_stand_on_a_page_and_several_are_decided_at_once(busy: Doors) -> None:
    case = _searched(busy)
    page = busy.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
    assert page.text.count("<fieldset") == 50
    first, second, third = _ids(busy, case)[:3]
    page.send("Keep these decisions", **{f"verdict.{first}": THEIRS, f"verdict.{second}": NOT_THEIRS})
    assert "2 decided." in page.text
    assert sorted(_ids(busy, case, is_decided=True)) == sorted((first, second))
    assert third in _ids(busy, case)
    page.go(f"/cases/{case.id}/possible?show=decided")
    assert page.text.count("<fieldset") == 2
    page.send("Keep these decisions", **{f"verdict.{first}": NOT_THEIRS})
    with busy.house.store.snapshot() as tx:
        assert tx.findings.verdicts(case.id)[first] == NOT_THEIRS


def test_records_are_shown_masked_and_only_when_asked_for(busy: Doors) -> None:
    case = _searched(busy)
    page = busy.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
    assert "teapot" not in page.text
    page.send("Show the records, masked")
    assert "<mark>I•• L••••••••</mark>" in page.text
    assert "teapot" in page.text
    for secret in ("Lindqvist", BOB, EMAIL):
        assert secret not in page.text
    with busy.house.store.snapshot() as tx:
        assert [data["records"] for _, data in tx.ledger.find("case.previewed")] == [50]
    page.send("Hide the records")
    assert "teapot" not in page.text


def test_an_auditor_sees_where_and_how_many_and_nothing_of_the_records(busy: Doors) -> None:
    case = _searched(busy)
    page = busy.signed_in(Role.AUDITOR).go(f"/cases/{case.id}/possible")
    assert page.status == 200
    assert "Show the records" not in page.text
    assert "Keep these decisions" not in page.text
    with page.client.session_transaction() as cookie:
        cookie["looking"] = case.id
    assert "teapot" not in page.go(f"/cases/{case.id}/possible").text


def test_a_case_without_possible_findings_says_what_is_next(doors: Doors) -> None:
    case = doors.work(opened_for(doors.house).id)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
    assert "Nothing waits for you here" in page.text
    assert doors.signed_in(Role.OFFICER).go("/cases/nothing/possible").status == 404


def test_the_question_whether_all_is_one_person_is_answered_here(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ())
    company.add_shop(_SHARED)
    with doors_of(company) as doors:
        case = doors.work(opened_for(doors.house).id)
        assert case.wait is not None
        assert case.wait.code == "identity_shared"
        page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
        assert "one person" in page.text
        page.send("Yes, all of them are the requester")
        assert doors.work(case.id).stage is not Stage.RESOLVE_IDENTITIES


def test_the_page_works_by_keys_and_has_no_serious_barrier(chromium: Browser, busy: Doors) -> None:
    case = _searched(busy)
    with served(busy) as address, browsing(chromium, busy, address, Role.OFFICER, viewport={"width": 380, "height": 800}) as page:
        page.goto(f"/cases/{case.id}/possible")
        page.click("text=Show the records, masked")
        assert problems_of(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        page.keyboard.press("j")
        page.keyboard.press("3")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=2 decided.")
    with busy.house.store.snapshot() as tx:
        assert sorted(tx.findings.verdicts(case.id).values()) == [NOT_THEIRS, THEIRS]


def test_a_mailbox_called_after_the_person_is_masked_here_too_also_in_addresses(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ())
    (tmp_path / "mail").mkdir()
    box = mailbox.Maildir(tmp_path / "mail" / EMAIL)
    box.add(f"From: {BOB}\nTo: all@shop.example\nSubject: tea\n\n{NAME} wrote about a teapot.\n")
    company.declare(
        "mail", f'connector: maildir, owner: office@example.com, url: "maildir:{tmp_path}/mail/%u", mailboxes: [{EMAIL}], because: agreed'
    )
    with doors_of(company) as doors:
        case = _searched(doors)
        page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
        assert "place=0" in page.text
        assert EMAIL not in page.text
        page.go(f"/cases/{case.id}/possible?place=0")
        assert "To be decided in mail · •••/INBOX" in page.text
        assert page.text.count("<fieldset") == 1
