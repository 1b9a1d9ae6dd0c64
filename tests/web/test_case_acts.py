"""What an officer does about a case in the browser: grounds, limits, decisions, tasks, ends and appeals; each has its button, or says why not."""

import ast
import io
import re
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest

import dsr_engine
from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage, Wait
from dsr_engine.domain.order import Order
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Role
from dsr_engine.web import clicks
from dsr_engine.workflow.approve import NEEDS as OBSTACLES
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.law.entitling import stated_grounds
from tests.web.conftest import Doors
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import BOB, EMAIL
from tests.workflow.journeys import carried_through, opened_for, planned, request_of, waits_for


def _now(doors: Doors, case: Case) -> Case:
    with doors.house.store.snapshot() as tx:
        return tx.cases.get(case.id)


def _of_law(doors: Doors, *regimes: str, days: int = 0) -> Case:
    """A case under these laws, received so many days ago."""
    known = doors.house.regimes[regimes[0]].entitlements
    grounds = {"user": known[0].name} if known else {}
    asked = replace(request_of(doors.house), regimes=regimes, grounds=grounds, received_at=doors.clock.now() - timedelta(days=days))
    return open_case(doors.house, asked)


def _day(doors: Doors, ago: int = 0) -> str:
    return (doors.clock.at - timedelta(days=ago)).date().isoformat()


def _officer(doors: Doors, case: Case, path: str) -> Visitor:
    return doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/{path}")


# --- grounds -------------------------------------------------------------------------------------------------------------------


def test_a_ground_is_named_and_taken_back_before_the_approval(doors: Doors) -> None:
    case = open_case(doors.house, replace(request_of(doors.house), grounds={}))
    officer = _officer(doors, case, "grounds")
    assert "No ground is named yet" in officer.text
    officer.send("Save", ground="")
    assert "No ground was chosen" in officer.text
    officer.send("Save", ground="unlawful", category="user", reasoning="seen_in_records")
    with doors.house.store.snapshot() as tx:
        (row,) = stated_grounds(tx, doors.house, case)
    assert (row["ground"], row["reason"]) == ("unlawful", "seen_in_records")
    officer.send("Save", take_back="user")
    with doors.house.store.snapshot() as tx:
        assert list(stated_grounds(tx, doors.house, case)) == []


# --- limits --------------------------------------------------------------------------------------------------------------------


def test_a_confirmation_by_other_means_ends_that_alarm(doors: Doors) -> None:
    case = _of_law(doors, "gdpr", days=12)
    assert "confirm receipt" in doors.signed_in(Role.OFFICER).go("/desk").text
    officer = _officer(doors, case, "clock")
    form = next(form for form in forms_of(officer.text) if form.action.endswith("/acknowledged"))
    officer.page = officer.client.post(form.action, data={**form.fields, "acknowledged_on": _day(doors, 1)}, follow_redirects=True)
    assert f"Receipt was confirmed on {_day(doors, 1)}" in officer.text
    assert "confirm receipt" not in officer.go("/desk").text


def test_a_pause_says_what_it_does_to_each_clock_and_ends_when_it_came(doors: Doors) -> None:
    case = _of_law(doors, "uk-gdpr", days=10)
    officer = _officer(doors, case, "clock")
    form = next(form for form in forms_of(officer.text) if form.action.endswith("/asked"))
    asked = {**form.fields, "why": "identity", "asked_on": _day(doors, 9), "doubt": "sender_unknown"}
    officer.page = officer.client.post(form.action, data=asked, follow_redirects=True)
    assert "its clock starts when that has come" in officer.text
    assert "has not come yet" in officer.text
    assert "has not come yet" in doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}").text
    form = next(form for form in forms_of(officer.text) if form.action.endswith("/came"))
    officer.page = officer.client.post(form.action, data={**form.fields, "came_on": _day(doors, 2)}, follow_redirects=True)
    assert f"Identity came on {_day(doors, 2)}" in officer.text
    with doors.house.store.snapshot() as tx:
        (paused,) = tx.pauses.of(case.id)
    assert paused.stop.ended is not None


def test_a_pause_that_no_law_of_the_case_knows_is_refused_on_the_page(doors: Doors) -> None:
    case = _of_law(doors, "ccpa", days=10)
    officer = _officer(doors, case, "clock")
    form = next(form for form in forms_of(officer.text) if form.action.endswith("/asked"))
    officer.page = officer.client.post(form.action, data={**form.fields, "why": "fee", "asked_on": _day(doors, 1)}, follow_redirects=True)
    assert officer.status >= 400
    assert 'role="alert"' in officer.text
    assert "dsr case" not in officer.text


def test_an_extension_needs_a_notice_in_time_and_is_possible_once(doors: Doors) -> None:
    case = _of_law(doors, "gdpr", days=10)
    officer = _officer(doors, case, "clock")
    officer.send("Extend", reason="complexity", notified_on=_day(doors, -3))
    assert "lies in the future" in officer.text
    before = officer.go(f"/cases/{case.id}").text
    officer.go(f"/cases/{case.id}/clock").send("Extend", reason="complexity", notified_on=_day(doors, 1))
    assert "The limit for the answer is extended" in officer.text
    assert "The answer was extended" in officer.go(f"/cases/{case.id}").text
    assert "The answer was extended" not in before
    officer.go(f"/cases/{case.id}/clock").send("Extend", reason="complexity", notified_on=_day(doors, 1))
    assert officer.status == 409
    assert "possible once" in officer.text


def test_a_wrong_day_of_receipt_is_put_right_and_every_limit_moves(doors: Doors) -> None:
    case = _of_law(doors, "gdpr")
    officer = _officer(doors, case, "clock").send("Correct it", received_on=_day(doors, 5), because="arrived_elsewhere_first")
    assert f"The request arrived on {_day(doors, 5)}" in officer.text
    after = _now(doors, case)
    assert after.received_at is not None
    assert doors.house.calendar.day_of(after.received_at).isoformat() == _day(doors, 5)
    officer.send("Correct it", received_on="soon", because="typing_error")
    assert "The day of receipt is no date" in officer.text


def test_a_form_that_there_is_not_is_no_page(doors: Doors) -> None:
    case = _of_law(doors, "gdpr")
    officer = _officer(doors, case, "clock")
    token = forms_of(officer.text)[0].fields["csrf_token"]
    for path in ("clock/rewound", "end/forgotten", "appeals/won"):
        assert officer.client.post(f"/cases/{case.id}/{path}", data={"csrf_token": token}).status_code == 404, path


# --- what only a person decides ------------------------------------------------------------------------------------------------


def test_a_decision_is_taken_only_while_the_case_waits_for_it(doors: Doors) -> None:
    case = planned(doors.house)
    officer = _officer(doors, case, "decide")
    assert "Nothing in this case waits for such a decision" in officer.text
    token = forms_of(officer.text)[0].fields["csrf_token"]
    for manner in ("same_person", "go_on_after_drift", "anything"):
        answer = officer.client.post(f"/cases/{case.id}/decide", data={"csrf_token": token, "manner": manner})
        assert answer.status_code in (400, 409), manner
    assert _now(doors, case) == case
    with doors.house.store.snapshot() as tx:
        assert tx.approvals.of(case.id) == ()


def test_drift_that_is_understood_lets_the_rest_be_done(doors: Doors) -> None:
    case = planned(doors.house)
    halted = replace(case, wait=Wait("too_much_drift", "3 of 4 records changed", "find out who", doors.clock.now()))
    with doors.house.store.transaction() as tx:
        tx.cases.save(halted)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert f'href="/cases/{case.id}/decide"' in officer.text
    officer.go(f"/cases/{case.id}/decide").send("I know why; go on with the rest")
    assert officer.path == f"/cases/{case.id}"
    assert _now(doors, case).wait is None


def test_a_legal_hold_is_placed_from_the_case_and_stands_on_its_page(doors: Doors) -> None:
    case = planned(doors.house)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert f'href="/holds/new?case={case.id}"' in officer.text
    officer.go(f"/holds/new?case={case.id}").send("Place the hold", reason="M-17")
    assert "is in force" in officer.text
    assert "A legal hold protects what this case is about" in officer.go(f"/cases/{case.id}").text


# --- how it ends ---------------------------------------------------------------------------------------------------------------


def test_a_refusal_forgets_the_person_and_leads_to_the_letter(doors: Doors) -> None:
    case = planned(doors.house)
    officer = _officer(doors, case, "end").send("Refuse", reason="manifestly_unfounded")
    after = _now(doors, case)
    assert (after.stage, after.outcome) == (Stage.CLOSED, Outcome.REFUSED)
    assert "The request was refused: manifestly unfounded" in officer.text
    assert f'href="/cases/{case.id}/letters?kind=refusal"' in officer.text
    assert "Record the answer" in officer.text
    again = officer.go(f"/cases/{case.id}/end")
    assert "Refuse" not in [button for form in forms_of(again.text) for button in form.buttons]


def test_a_withdrawal_wants_the_box_ticked(doors: Doors) -> None:
    case = planned(doors.house)
    officer = _officer(doors, case, "end").send("Withdraw")
    assert "the box is not ticked" in officer.text
    assert _now(doors, case).stage is Stage.APPROVE
    officer.send("Withdraw", sure="1")
    assert _now(doors, case).outcome is Outcome.WITHDRAWN
    assert "The request was withdrawn" in officer.text


def test_it_is_too_late_to_refuse_what_was_carried_out(doors: Doors) -> None:
    case = opened_for(doors.house)
    stale = _officer(doors, case, "end")
    token = forms_of(stale.text)[0].fields["csrf_token"]
    carried_through(doors.house, case)
    for how, fields in (("refused", {"reason": "other"}), ("withdrawn", {"sure": "1"})):
        answer = stale.client.post(f"/cases/{case.id}/end/{how}", data={"csrf_token": token, **fields})
        assert answer.status_code == 409, how
    assert _now(doors, case).outcome is Outcome.FULFILLED


def test_an_answer_that_people_gave_is_recorded_with_its_day(doors: Doors) -> None:
    asked = replace(request_of(doors.house), right=Right.ACCESS, received_at=doors.clock.now() - timedelta(days=4), grounds={})
    case = open_case(doors.house, asked)
    officer = _officer(doors, case, "end").send("Record the answer", outcome="fulfilled", answered_on=_day(doors, 1))
    assert f"Answered on {_day(doors, 1)}, 3 day(s) after it arrived" in officer.text
    assert _now(doors, case).stage is Stage.CLOSED
    assert "The person was answered on" in officer.text


def test_the_answer_to_an_erasure_that_went_out_by_post_is_recorded_once_it_is_done(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert "It is not recorded that the person was answered" in officer.text
    officer.go(f"/cases/{case.id}/end").send("Record the answer", outcome="fulfilled", answered_on=_day(doors))
    assert "The person was answered on" in officer.go(f"/cases/{case.id}").text


def test_an_order_ends_only_by_what_shows_that_it_does_not_bind(doors: Doors) -> None:
    order = Order(Secret("LfD-2026-0815"), (doors.clock.at + timedelta(days=14)).date())
    asked = replace(request_of(doors.house, vouched=False), kind=CaseKind.SUPERVISORY_ORDER, order=order, grounds={}, manner=Manner.AUTHORITY)
    case = open_case(doors.house, asked)
    officer = _officer(doors, case, "end")
    assert "Withdraw" not in officer.text
    form = next(form for form in forms_of(officer.text) if form.action.endswith("/end/order"))
    nothing = officer.client.post(form.action, data={**form.fields, "reason": "annulled_by_court"}, content_type="multipart/form-data")
    assert nothing.status_code == 400
    data = {**form.fields, "reason": "annulled_by_court", "evidence": (io.BytesIO(b"%PDF-1.7 judgment"), "judgment.pdf")}
    officer.page = officer.client.post(form.action, data=data, content_type="multipart/form-data", follow_redirects=True)
    assert "the order does not bind any more" in officer.text
    assert _now(doors, case).stage is Stage.CLOSED


# --- appeals -------------------------------------------------------------------------------------------------------------------


def _refused(doors: Doors, law: str) -> Case:
    case = _of_law(doors, law)
    _officer(doors, case, "end").send("Refuse", reason="unverified")
    return case


def test_an_appeal_has_its_own_limit_and_granting_it_opens_a_new_case(doors: Doors) -> None:
    case = _refused(doors, "us-va")
    officer = _officer(doors, case, "appeals").send("Record it", came_on=_day(doors))
    assert "The appeal has to be answered by" in officer.text
    assert "to be answered by" in officer.go(f"/cases/{case.id}").text
    officer.go(f"/cases/{case.id}/appeals").send("Extend", notified_on=_day(doors))
    assert "knows no extension of an appeal" in officer.text or "The appeal has to be answered by" in officer.text
    officer.go(f"/cases/{case.id}/appeals").send("Grant it and open a case", kind="email", value=EMAIL, granted_on=_day(doors))
    made = re.search(r"case ([0-9a-f]{16}) is open for it", officer.text)
    assert made is not None
    assert EMAIL not in officer.text
    assert "an appeal against" in officer.go(f"/cases/{made[1]}").text


def test_a_denied_appeal_says_to_whom_the_person_may_turn(doors: Doors) -> None:
    case = _refused(doors, "us-va")
    officer = _officer(doors, case, "appeals").send("Record it", came_on=_day(doors)).send("Deny it", denied_on=_day(doors))
    assert "The appeal is denied. Your answer has to say that the person may turn to" in officer.text


def test_a_law_without_appeals_says_where_the_person_turns(doors: Doors) -> None:
    case = _refused(doors, "gdpr")
    officer = _officer(doors, case, "appeals").send("Record it", came_on=_day(doors))
    assert officer.status >= 400
    assert "knows no appeal to the controller" in officer.text


# --- clicks --------------------------------------------------------------------------------------------------------------------


def test_every_step_leads_to_a_page_that_there_is(doors: Doors) -> None:
    case = planned(doors.house)
    officer = doors.signed_in(Role.OFFICER)
    for path in clicks.paths():
        place = path if path.startswith("/") else f"/cases/{case.id}/{path}"
        assert officer.go(place + case.id if place.endswith("/") else place).status == 200, path


def _waits_of_the_engine() -> set[str]:
    """Every code with which the engine's own source lets a case wait; those that come from a driver's error have their own words."""
    root = Path(dsr_engine.__file__).parent
    found: set[str] = set(OBSTACLES)
    for file in (root / "workflow").rglob("*.py"):
        module = import_module(".".join(("dsr_engine", *file.relative_to(root).with_suffix("").parts)))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Wait" and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
                elif isinstance(code, ast.Name):
                    found.add(getattr(module, code.id))
    return found


def test_every_wait_of_the_engine_says_in_words_what_to_do(doors: Doors) -> None:
    case = planned(doors.house)
    codes = _waits_of_the_engine()
    assert {"approval.missing", "copy_review", "identity_unverified", "maintenance_open", "recipients_open"} < codes
    assert codes - set(clicks.known_codes()) == set()
    for code in codes:
        waiting = replace(case, wait=Wait(code, "it waits", f"`dsr case run {case.id}`", doors.clock.now()))
        click = clicks.click_of(waiting)
        assert click.needs, code
        assert "dsr " not in click.needs, code
        assert click.label or code in clicks.BY_ITSELF, code


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.APPROVER])
def test_who_may_not_work_on_cases_is_refused_by_every_act(doors: Doors, role: Role) -> None:
    case = planned(doors.house, ("email", BOB))
    visitor = doors.signed_in(role).go("/desk")
    token = forms_of(visitor.text)[0].fields["csrf_token"]
    acts = ("run", "grounds", "decide", "clock/received", "end/withdrawn", "end/refused", "appeals/came", "letters", "tasks/1", "identity")
    for act in acts:
        data = {"csrf_token": token, "sure": "1", "reason": "other", "manner": "same_person"}
        assert visitor.client.post(f"/cases/{case.id}/{act}", data=data).status_code == 403, act
    assert _now(doors, case) == case
    assert waits_for(case) == "approval.missing"
