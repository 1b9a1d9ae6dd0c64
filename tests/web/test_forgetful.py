"""Whatever is done about a person by a browser, nothing of them is in the home, in logs, in temporary files, in addresses or cookies."""

import logging
from io import BytesIO
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.user import Role
from tests.servers.smtp_server import SmtpServer
from tests.web.conftest import Doors
from tests.web.portals import portal_of
from tests.web.visiting import Visitor, forms_of
from tests.workflow.canaries import assert_empty, assert_forgotten, leaks_in
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, Company
from tests.workflow.journeys import plan_of


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that the program logs, also what only whoever looks for a mistake would turn on."""
    caplog.set_level(logging.DEBUG)
    return caplog


def _kept_of(visitor: Visitor) -> bytes:
    """Where the visitor is, and what their browser keeps, opened."""
    with visitor.client.session_transaction() as session:
        return f"{visitor.path} {dict(session)}".encode()


def _case(doors: Doors, case: str) -> Case:
    with doors.house.store.snapshot() as tx:
        return tx.cases.get(case)


def _checked(folder: Path, *visitors: Visitor) -> None:
    assert_forgotten(folder)
    for visitor in visitors:
        assert leaks_in(_kept_of(visitor)) == []


def test_a_whole_case_in_the_console_leaves_nothing_of_its_person(
    shop: Company, doors: Doors, temporary: Path, told: pytest.LogCaptureFixture
) -> None:
    shop.sql(f"INSERT INTO tickets VALUES (3, 'Call {NAME} back, {PHONE}.')")
    officer, approver = doors.signed_in(Role.OFFICER), doors.signed_in(Role.APPROVER)
    officer.go("/cases/new").send("Open the case", kind="email", value=EMAIL, policy="ours", vouch="on", category="user", ground="purpose_over")
    case = officer.path.split("/")[2].partition("?")[0]
    officer.client.get("/cases", query_string={"q": EMAIL})
    officer.client.get(f"/{EMAIL}")
    officer.client.post("/cases/new", data={"kind": "email", "value": EMAIL})
    doors.work(case)
    officer.go(f"/cases/{case}/possible")
    if "Show the records, masked" in officer.text:
        officer.send("Show the records, masked")
    assert _case(doors, case).stage is Stage.APPROVE
    _checked(shop.home, officer)
    approver.go(f"/cases/{case}/plan")
    item = next(item.id for item in plan_of(doors.house, _case(doors, case)).items)
    approver.go(f"/cases/{case}/plan/items/{item}")
    [samples] = [form for form in forms_of(approver.text) if "/samples" in form.action]
    assert approver.client.post(samples.action.partition("#")[0], data=samples.fields).status_code == 200
    approver.go(f"/cases/{case}/plan").send("Approve this plan")
    assert doors.work(case).stage is Stage.CLOSED
    assert shop.rows("SELECT email FROM customers") == [(BOB,)]
    officer.go(f"/cases/{case}")
    _checked(shop.home, officer, approver)
    assert leaks_in(told.text.encode()) == []
    assert_empty(temporary)


def test_doors_that_stay_closed_keep_nothing_of_what_was_typed_in(
    doors: Doors, shop: Company, temporary: Path, told: pytest.LogCaptureFixture
) -> None:
    visitor = doors.visitor()
    visitor.go("/sign-in").send("Sign in", name=EMAIL, password=f"{EMAIL} {PHONE}")
    assert "Sign in" in visitor.text
    visitor.go("/check")
    form = next(form for form in forms_of(visitor.text) if form.method == "post")
    page = visitor.client.post(
        form.action or "/check",
        data={**form.fields, "certificate": (BytesIO(f"%PDF-1.7 {EMAIL}".encode()), f"{EMAIL}.pdf")},
        content_type="multipart/form-data",
        headers={"Referer": "http://localhost/check"},
    )
    assert page.status_code < 500
    visitor.client.post("/api/v1/cases", json={"identifiers": [{"kind": "email", "value": EMAIL}]}, headers={"Authorization": f"Bearer {EMAIL}"})
    visitor.client.get(f"/portal/en/follow/{EMAIL}")
    _checked(shop.home, visitor)
    assert leaks_in(told.text.encode()) == []
    assert_empty(temporary)


def test_a_request_at_the_portal_leaves_nothing_that_can_be_read_without_a_key(
    shop: Company, smtp_server: SmtpServer, temporary: Path, told: pytest.LogCaptureFixture
) -> None:
    with portal_of(shop, smtp_server) as portal:
        requester = portal.confirmed(name=NAME)
        [case] = portal.cases()
        portal.doors.work(case.id)
        _checked(shop.home, requester)
    assert leaks_in(told.text.encode()) == []
    assert_empty(temporary)
