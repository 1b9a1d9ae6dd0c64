"""Who had received the data is shown with what is missing; what people say of a recipient is recorded, and nothing of the person is."""

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.recipient import NoticeState
from dsr_engine.domain.user import Role
from tests.web.conftest import Doors
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, opened_for
from tests.workflow.telling import MANUAL, entry, notices_of, register

_WHY = "The company was dissolved in March, the register shows it, and nobody took over its files."


@pytest.fixture
def told(doors: Doors) -> tuple[Visitor, str]:
    """The officer at a case that waits for two recipients, and its number."""
    register(
        doors.company,
        payroll=entry("Payroll Ltd", more=MANUAL),
        partner=entry("Partner <b>& Sons</b>", "controller", more=MANUAL),
    )
    case = carried_through(doors.keeper.house(), opened_for(doors.keeper.house()))
    assert case.stage is Stage.NOTIFY
    return doors.signed_in(Role.OFFICER).go(f"/recipients/cases/{case.id}"), case.id


def _state(doors: Doors, case: str, name: str) -> NoticeState:
    house = doors.keeper.house()
    with house.store.snapshot() as tx:
        found = tx.cases.get(case)
    return notices_of(house, found)[name].state


def test_a_new_home_says_that_nobody_is_told(doors: Doors) -> None:
    page = doors.signed_in(Role.OFFICER).go("/recipients")
    assert "names nobody" in page.text
    assert "No recipient is open" in page.text


def test_open_recipients_are_listed_with_what_is_missing(doors: Doors, told: tuple[Visitor, str]) -> None:
    officer, case = told
    listed = officer.go("/recipients")
    assert "Payroll Ltd" in listed.text
    assert "Partner &lt;b&gt;&amp; Sons&lt;/b&gt;" in listed.text
    assert f"/recipients/cases/{case}" in listed.text
    assert EMAIL not in listed.text
    assert "`dsr" not in listed.text


def test_what_a_recipient_did_is_recorded_and_not_asked_again(doors: Doors, told: tuple[Visitor, str]) -> None:
    officer, case = told
    officer.send("Record it for payroll", said="deleted")
    assert "payroll:" in officer.text
    assert _state(doors, case, "payroll") is NoticeState.CONFIRMED
    assert "Record it for payroll" not in officer.text


def test_a_day_that_has_not_come_is_refused_on_the_same_page(doors: Doors, told: tuple[Visitor, str]) -> None:
    officer, case = told
    officer.send("Record it for payroll", said="deleted", on="2999-01-01")
    assert officer.status == 400
    assert "Payroll Ltd" in officer.text
    assert _state(doors, case, "payroll") is NoticeState.PENDING


def test_a_reason_that_names_the_person_is_refused(doors: Doors, told: tuple[Visitor, str]) -> None:
    officer, case = told
    officer.send("Say that payroll cannot be told", reason=f"{_WHY} Its last letter went to {EMAIL}.")
    assert officer.status == 400
    assert _state(doors, case, "payroll") is NoticeState.PENDING
    officer.send("Say that payroll cannot be told", reason=_WHY)
    assert _state(doors, case, "payroll") is NoticeState.IMPOSSIBLE


def test_out_of_proportion_takes_two_people(doors: Doors, told: tuple[Visitor, str]) -> None:
    officer, case = told
    officer.send("Explain it for partner", reason=_WHY * 3)
    assert "somebody else has to approve it" in officer.text
    assert "Approve the explanation of partner" not in officer.text
    other = doors.signed_in(Role.OFFICER, "bea").go(f"/recipients/cases/{case}")
    other.send("Approve the explanation of partner")
    assert _state(doors, case, "partner") is NoticeState.DISPROPORTIONATE


def test_a_case_goes_on_without_answers_for_a_reason(doors: Doors, told: tuple[Visitor, str]) -> None:
    officer, _ = told
    officer.send("Go on without them", reason="short")
    assert officer.status == 400
    officer.send("Go on without them", reason="They were reminded twice and do not answer.")
    assert "goes on without" in officer.text
    assert "Go on without them" not in officer.text
    assert "Went on without it" in officer.text


def test_an_auditor_reads_an_approver_does_not_and_neither_acts(doors: Doors, told: tuple[Visitor, str]) -> None:
    _, case = told
    auditor = doors.signed_in(Role.AUDITOR).go(f"/recipients/cases/{case}")
    assert auditor.status == 200
    assert auditor.text.count("<form") == 1
    assert doors.signed_in(Role.APPROVER).go("/recipients").status == 403
    for role in (Role.AUDITOR, Role.APPROVER, Role.ADMINISTRATOR):
        visitor = doors.signed_in(role).go("/account")
        token = visitor.text.split('name="csrf_token" value="')[1].split('"')[0]
        refused = visitor.client.post(f"/recipients/cases/{case}/close", data={"csrf_token": token, "reason": _WHY})
        assert refused.status_code == 403


def test_an_unknown_case_is_a_page_that_is_not_there_and_a_wrong_page_is_said(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER)
    assert officer.go("/recipients/cases/nothing").status == 404
    assert officer.go("/recipients?before=yesterday_x").status == 400
