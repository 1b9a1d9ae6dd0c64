"""Who asked, found out in the browser: by data points, by a code, by papers that lie sealed; and what the pages keep of it."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.user import Role
from dsr_engine.workflow.intake import open_case
from tests.servers.smtp_server import SmtpServer
from tests.web.conftest import Doors
from tests.web.portals import Portal, portal_of
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import BOB, EMAIL, NAME, Company
from tests.workflow.journeys import request_of, waits_for

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
_HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture
def portal(shop: Company, smtp_server: SmtpServer) -> Iterator[Portal]:
    with portal_of(shop, smtp_server) as found:
        yield found


def _unverified(doors: Doors, *claims: tuple[str, str]) -> Case:
    case = doors.work(open_case(doors.house, request_of(doors.house, *claims, vouched=False)).id)
    assert waits_for(case) == "identity_unverified"
    return case


def _sent(visitor: Visitor, button: str, **values: Any) -> Visitor:
    """Sends the form with this button as a browser does that has files to send, too; several values of one name are a list."""
    form = next(form for form in forms_of(visitor.text) if button in form.buttons)
    data = {**form.fields, **values}
    visitor.page = visitor.client.post(form.action, data=data, content_type="multipart/form-data", follow_redirects=True)
    visitor.path = visitor.page.request.path
    return visitor


def _file(data: bytes, name: str = "paper.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def test_what_is_still_needed_is_said_with_every_way_to_it(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    assert "Still needed:" in page.text
    for way in ("Compare", "Record it", "Seal it", "Add them", "We cannot identify them"):
        assert way in page.text
    assert "No mail is set up" in page.text


def test_data_points_are_held_against_the_systems_and_only_their_kinds_are_kept(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    _sent(page, "Compare", kind=["name", "postcode"], value=[NAME, "10115"])
    assert "In one person&#39;s records matched: email, name" in page.text
    assert NAME not in page.text
    with doors.house.store.snapshot() as tx:
        assert {kind for entry in tx.verifications.of(case.id) for kind in entry.kinds} == {"email", "name"}


def test_the_word_of_an_officer_lets_the_case_go_on(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    _sent(page, "Record it", method="reauthenticated_account")
    assert "It is known now who asked" in page.text
    assert doors.work(case.id).stage is Stage.APPROVE
    page.go(f"/cases/{case.id}/identity")
    assert "Nothing has to be verified" in page.text or "It is known who asked" in page.text
    assert [form.action for form in forms_of(page.text) if form.method == "post"] == ["/sign-out"]


def test_a_power_of_attorney_without_its_paper_is_refused_on_the_form(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    _sent(page, "Record it", method="agent_with_power_of_attorney")
    assert page.status in (400, 409, 422)
    assert "dsr " not in page.text
    _sent(page, "Record it", method="guardian", age="seven")
    assert "That is no age" in page.text
    day = doors.clock.at.date().isoformat()
    _sent(page, "Record it", method="agent_with_power_of_attorney", paper=_file(_PNG), signed=day, age="")
    assert page.status == 200
    with doors.house.store.snapshot() as tx:
        (done,) = tx.verifications.of(case.id)
    assert done.method == "agent_with_power_of_attorney"


def test_a_paper_is_sealed_handed_out_as_a_file_and_gone_when_it_is_decided(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    _sent(page, "Seal it", evidence=_file(_PNG), doubt="sender_unknown")
    _sent(page, "Seal it", evidence=_file(_HTML, "paper.html"), doubt="sender_unknown")
    links = re.findall(rf'href="(/cases/{case.id}/identity/papers/[^"]+)"', page.text)
    kinds = []
    for link in links:
        answer = page.client.get(link)
        kinds.append(str(answer.mimetype))
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert sorted(kinds) == ["application/octet-stream", "image/png"]
    assert doors.signed_in(Role.AUDITOR).go(links[0]).status == 403
    for file in doors.company.home.glob("dsr.db*"):
        assert _HTML not in file.read_bytes()
    _sent(page, "Record it", method="reauthenticated_account")
    doors.work(case.id)
    assert page.go(links[0]).status == 404


def test_a_paper_without_a_file_or_without_a_doubt_is_refused(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    _sent(page, "Seal it", evidence=_file(b"", ""), doubt="sender_unknown")
    assert "No file was chosen" in page.text
    _sent(page, "Seal it", evidence=_file(_PNG), doubt="")
    assert page.status == 400
    assert "--doubt" not in page.text


def test_further_identifiers_are_added_once(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    _sent(page, "Add them", kind=["name", "customer_id"], value=[NAME, ""])
    assert "1 identifier(s) added" in page.text
    _sent(page, "Add them", kind=["name", "customer_id"], value=[NAME, ""])
    assert "The case had them already" in page.text
    _sent(page, "Add them", kind=["name", "customer_id"], value=["", ""])
    assert "No identifier was given" in page.text
    assert NAME not in page.text


def test_a_case_whose_person_nobody_can_tell_waits_for_more_and_is_no_refusal(doors: Doors) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity").send("We cannot identify them")
    assert "which is no refusal" in page.text
    with doors.house.store.snapshot() as tx:
        assert waits_for(tx.cases.get(case.id)) == "cannot_identify"
    page.go(f"/cases/{case.id}")
    assert "Enter what came" in page.text
    assert page.client.post(f"/cases/{case.id}/run").status_code in (303, 400, 409)


def test_identity_is_closed_to_who_may_not_write_and_over_once_it_is_known(doors: Doors) -> None:
    case = _unverified(doors)
    auditor = doors.signed_in(Role.AUDITOR)
    for path in ("", "/points", "/code", "/answer", "/papers", "/more", "/nobody"):
        token = re.search(r'name="csrf_token" value="([^"]+)"', auditor.go("/desk").text)
        assert token is not None
        answer = auditor.client.post(f"/cases/{case.id}/identity{path}", data={"csrf_token": token[1], "method": "vouched_by_operator"})
        assert answer.status_code == 403, path
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    stale = officer.text
    _sent(officer, "Record it", method="reauthenticated_account")
    doors.work(case.id)
    officer.page = officer.client.get(f"/cases/{case.id}/identity")
    for form in (form for form in forms_of(stale) if "/identity" in form.action):
        data = {**form.fields, "method": "guardian", "kind": "email", "value": BOB, "code": "1234 5678"}
        answer = officer.client.post(form.action, data=data)
        assert answer.status_code in (400, 409, 422), form.action
    with doors.house.store.snapshot() as tx:
        assert [selector.value.reveal() for selector in tx.selectors.of(case.id) if selector.kind == "email"] == [EMAIL]


def test_a_code_goes_to_the_address_on_file_and_its_answer_verifies(portal: Portal) -> None:
    case = _unverified(portal.doors)
    page = portal.doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity").send("Send a code")
    assert "A code goes to the address on file" in page.text
    assert EMAIL not in page.text
    (code,) = [found[0] for mail in portal.mails(EMAIL) if (found := re.search(r"\b[A-Z2-9]{4}-[A-Z2-9]{4}\b", mail))]
    assert code not in page.text
    form = next(form for form in forms_of(page.text) if form.action.endswith("/identity/answer"))
    page.page = page.client.post(form.action, data={**form.fields, "code": "AAAA-AAAA"}, follow_redirects=True)
    assert page.status in (400, 403, 409, 422)
    page.page = page.client.post(form.action, data={**form.fields, "code": code}, follow_redirects=True)
    assert "It is known now who asked" in page.text


def test_pages_of_hostile_names_stay_pages(doors: Doors, tmp_path: Path) -> None:
    case = _unverified(doors)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/identity")
    hostile = '"><script>alert(1)</script>'
    _sent(page, "Record it", method=hostile, signed=hostile)
    assert hostile not in page.text
    _sent(page, "Compare", kind=[hostile], value=[hostile])
    assert hostile not in page.text
