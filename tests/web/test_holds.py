"""Holds are placed, confirmed and lifted by two people, and reviewed by one who answers for it; of a person nothing is shown or kept."""

from datetime import timedelta

from dsr_engine.domain.user import Role
from tests.web.conftest import Doors
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, opened_for


def _placed(doors: Doors, **fields: str) -> Visitor:
    return doors.signed_in(Role.OFFICER).go("/holds/new").send("Place the hold", reason="M-17", **(fields or {"system": "shop"}))


def test_a_hold_takes_two_people_and_lifting_it_two_as_well(doors: Doors) -> None:
    officer = _placed(doors)
    assert "is in force" in officer.text
    assert "Confirm the hold" not in officer.text
    other = doors.signed_in(Role.APPROVER).go(officer.path).send("Confirm the hold")
    assert "The hold is confirmed" in other.text
    other.send("Ask for it to be lifted", reason="settled")
    assert "Agree: lift the hold" not in other.text
    officer.go(officer.path).send("Agree: lift the hold")
    assert "The hold is lifted" in officer.text
    assert "No hold is in force" in officer.go("/holds").text
    assert "settled" in officer.go("/holds?all=1").text or "lifted" in officer.text


def test_whoever_asked_can_think_better_of_it(doors: Doors) -> None:
    officer = _placed(doors).send("Ask for it to be lifted", reason="a mistake")
    officer.send("It stays in force")
    assert "The hold stays in force" in officer.text


def test_one_person_alone_cannot_go_on_by_sending_the_form_of_another(doors: Doors) -> None:
    other = doors.signed_in(Role.OFFICER, "bea").go("/holds")
    officer = _placed(doors)
    other.go(officer.path)
    action = f"{officer.path}/confirm"
    token = other.text.split('name="csrf_token" value="')[1].split('"')[0]
    officer_token = officer.text.split('name="csrf_token" value="')[1].split('"')[0]
    refused = officer.client.post(action, data={"csrf_token": officer_token}, headers={"Referer": "http://localhost/"})
    assert "who placed a hold cannot confirm it" in refused.get_data(as_text=True)
    assert other.client.post(action, data={"csrf_token": token}, headers={"Referer": "http://localhost/"}).status_code == 303


def test_of_a_person_neither_page_nor_store_keeps_a_value(doors: Doors) -> None:
    officer = _placed(doors, email=EMAIL)
    assert "one person" in officer.text
    assert EMAIL not in officer.text
    with doors.house.store.snapshot() as tx:
        [hold] = tx.holds.list()
        assert hold.is_of_person
    refused = doors.signed_in(Role.OFFICER).go("/holds/new").send("Place the hold", reason="M-18", email=EMAIL, system="shop", since="never")
    assert refused.status == 400
    assert EMAIL not in refused.text
    assert EMAIL not in refused.path


def test_a_hold_on_everything_has_to_be_meant(doors: Doors) -> None:
    refused = doors.signed_in(Role.OFFICER).go("/holds/new").send("Place the hold", reason="M-17")
    assert "the hold would protect everything" in refused.text
    assert 'value="M-17"' in refused.text
    assert "everything" in _placed(doors, everything="1").go("/holds").text


def test_a_slip_of_the_pen_is_no_protection(doors: Doors) -> None:
    visitor = doors.signed_in(Role.OFFICER)
    for fields in ({"collection": "shap.orders"}, {"case": "nope"}, {"since": "2026-02-01", "until": "2026-01-01"}, {"collection": "orders"}):
        assert visitor.go("/holds/new").send("Place the hold", reason="M-17", **fields).status in (400, 404)
    with doors.house.store.snapshot() as tx:
        assert tx.holds.list() == ()


def test_a_review_is_somebodys_word(doors: Doors) -> None:
    visitor = doors.signed_in(Role.APPROVER).go("/holds")
    doors.clock.at += timedelta(minutes=5)
    visitor.send("Say that the 0 holds in force were reviewed", looked_at="the list of matters")
    assert "That counts for 90 days" in visitor.text
    assert "by approver" in visitor.text


def test_an_auditor_sees_holds_and_no_acts(doors: Doors) -> None:
    path = _placed(doors).path
    auditor = doors.signed_in(Role.AUDITOR)
    for page in ("/holds", path):
        auditor.go(page)
        assert auditor.status == 200
        assert "Sign out" in auditor.text
        assert auditor.text.count("<form") == 1
    assert auditor.go("/holds/new").status == 403
    assert doors.signed_in(Role.ADMINISTRATOR).go("/holds").status == 403


def test_what_a_hold_kept_back_is_told_as_counts(doors: Doors) -> None:
    officer = _placed(doors, collection="shop.customers")
    assert "Nothing yet" in officer.text
    case = carried_through(doors.house, opened_for(doors.house))
    page = officer.go(officer.path).text
    assert "1 record of 1 case" in page
    assert "shop.customers" in page
    assert case.id in page
