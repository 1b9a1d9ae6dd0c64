"""A request that came by mail or telephone, entered in the browser: with its true day, and with nothing of the person left about."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.user import Role
from dsr_engine.workflow.law.entitling import stated_grounds
from tests.web.conftest import Doors
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import BOB, EMAIL, NAME, PHONE
from tests.workflow.journeys import waits_for

OPEN = "Open the case"


def _entered(doors: Doors, **values: Any) -> Visitor:
    """An officer who filled in the form and sent it."""
    officer = doors.signed_in(Role.OFFICER).go("/cases/new")
    given = {"kind": "email", "value": EMAIL, "policy": "ours", "received": doors.clock.at.date().isoformat(), **values}
    return officer.send(OPEN, **given)


def _case(doors: Doors, visitor: Visitor) -> Case:
    found = re.search(r"/cases/([0-9a-f]{16})", visitor.path)
    assert found is not None, visitor.text
    with doors.house.store.snapshot() as tx:
        return tx.cases.get(found[1])


def _cases(doors: Doors) -> tuple[Case, ...]:
    with doors.house.store.snapshot() as tx:
        return tx.cases.list()


def test_a_request_that_came_by_post_counts_from_its_true_day_and_leads_to_who_asked(doors: Doors) -> None:
    came = (doors.clock.at - timedelta(days=9)).date()
    officer = _entered(doors, received=came.isoformat(), manner="post", ground="purpose_over")
    case = _case(doors, officer)
    assert officer.path == f"/cases/{case.id}/identity"
    assert case.received_at is not None
    assert doors.house.calendar.day_of(case.received_at) == came
    with doors.house.store.snapshot() as tx:
        entry = tx.request_log.of(case.id)
        (ground,) = stated_grounds(tx, doors.house, case)
        assert tx.people.name_of(case.opened_by) == "officer"
    assert entry is not None
    assert (entry.manner, entry.received) == (Manner.POST, came)
    assert ground["ground"] == "purpose_over"


def test_a_request_of_today_does_not_begin_before_the_day_did(doors: Doors) -> None:
    case = _case(doors, _entered(doors))
    assert case.received_at == doors.clock.now()


def test_nothing_of_the_person_is_in_addresses_cookies_logs_or_rows(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    officer = _entered(doors, value=BOB, reply_to=BOB, language="de")
    assert officer.page is not None
    seen = [*officer.page.history, officer.page]
    told = " ".join(f"{answer.request.url} {answer.headers}" for answer in seen).lower() + caplog.text.lower()
    assert "bob.marsh" not in told
    assert "bob.marsh" not in officer.text.lower()
    home = doors.company.home
    for file in home.glob("dsr.db*"):
        assert b"bob.marsh" not in file.read_bytes().lower(), file.name


def test_what_is_wrong_is_said_on_the_form_which_keeps_what_was_typed(doors: Doors) -> None:
    tomorrow = (doors.clock.at + timedelta(days=2)).date().isoformat()
    for values, said in (
        ({"value": "no address"}, "e-mail address is none"),
        ({"value": " "}, "No identifier was given"),
        ({"received": tomorrow}, "lies in the future"),
        ({"received": "yesterday"}, "is no date"),
        ({"language": "de"}, "no address to write to"),
        ({"order_reference": "A-17"}, "a reference and a last day"),
        ({"kind": "", "own_kind": "membership"}, "kind of selector"),
        ({"policy": "theirs"}, "No policy was chosen"),
        ({"right": "forgiveness"}, "what is asked for"),
    ):
        officer = _entered(doors, **{"reply_to": "", **values})
        assert officer.status in (400, 404, 422), values
        assert said in officer.text, values
        assert officer.path == "/cases/new"
        form = next(form for form in forms_of(officer.text) if OPEN in form.buttons)
        if values.get("value", EMAIL).strip():
            assert f'value="{values.get("value", EMAIL)}"' in officer.text, values
        assert form.fields["right"] == "erasure"
    assert _cases(doors) == ()


def test_more_rows_are_added_without_losing_what_was_typed(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER).go("/cases/new")
    before = officer.text.count('name="value"')
    officer.send("More rows", kind="email", value=EMAIL, more="1", received="2026-01-02")
    assert officer.text.count('name="value"') > 1
    assert before == 3
    assert EMAIL in officer.text
    assert 'value="2026-01-02"' in officer.text
    assert _cases(doors) == ()


def test_several_identifiers_of_several_kinds_are_sealed_as_one_case(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER).go("/cases/new")
    form = next(form for form in forms_of(officer.text) if OPEN in form.buttons)
    data = {
        **form.fields,
        "policy": "ours",
        "kind": ["email", "name", "phone", ""],
        "value": [EMAIL, NAME, PHONE, "M-1200"],
        "own_kind": "loyalty_id",
    }
    officer.page = officer.client.post("/cases/new", data=data, follow_redirects=True)
    officer.path = officer.page.request.path
    case = _case(doors, officer)
    with doors.house.store.snapshot() as tx:
        assert sorted(selector.kind for selector in tx.selectors.of(case.id)) == ["email", "loyalty_id", "name", "phone"]


def test_a_request_for_access_is_recorded_and_waits_for_an_answer_of_people(doors: Doors) -> None:
    officer = _entered(doors, right="access", manner="phone")
    case = _case(doors, officer)
    assert officer.path == f"/cases/{case.id}"
    assert case.right is Right.ACCESS
    assert waits_for(doors.work(case.id)) == "answer_by_hand"


def test_an_authority_names_person_and_day_and_nobody_is_verified(doors: Doors) -> None:
    due = (doors.clock.at + timedelta(days=14)).date().isoformat()
    case = _case(doors, _entered(doors, order_reference="LfD-2026-0815", order_due=due))
    assert case.kind is CaseKind.SUPERVISORY_ORDER
    assert doors.work(case.id).stage is Stage.APPROVE
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert "by an authority" in page.text
    assert b"LfD-2026-0815" not in (doors.company.home / "dsr.db").read_bytes()


def test_vouching_stands_in_the_case_and_skips_the_question_who_asked(doors: Doors) -> None:
    officer = _entered(doors, vouch="1")
    case = _case(doors, officer)
    assert officer.path == f"/cases/{case.id}"
    assert case.identity == "vouched_by_operator"


def test_a_second_request_for_the_same_identifiers_is_pointed_out(doors: Doors) -> None:
    first = _case(doors, _entered(doors))
    again = _entered(doors)
    assert f"Case {first.id} is open for the same identifiers" in again.text
    assert len(_cases(doors)) == 2


def test_an_agent_is_led_to_the_paper_that_an_agent_shows(doors: Doors) -> None:
    officer = _entered(doors, asker="agent_with_power_of_attorney")
    assert officer.path.endswith("?method=agent_with_power_of_attorney")
    assert re.search(r'value="agent_with_power_of_attorney" required checked', officer.text)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_only_officers_enter_requests(doors: Doors, role: Role) -> None:
    visitor = doors.signed_in(role)
    assert visitor.go("/cases/new").status == 403
    assert visitor.client.post("/cases/new", data={"value": EMAIL}).status_code in (400, 403)
    assert _cases(doors) == ()


def test_a_telephone_without_its_country_is_pointed_out(doors: Doors) -> None:
    for number, is_said in (("030 5550123", True), ("+49 30 5550123", False), ("0049 30 5550123", False)):
        officer = doors.signed_in(Role.OFFICER).go("/cases/new")
        officer.send(OPEN, kind="phone", value=number, policy="ours")
        assert ("country code is not found" in officer.text) is is_said, number
        assert number not in officer.text
