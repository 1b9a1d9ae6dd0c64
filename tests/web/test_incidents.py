"""Incidents are opened, judged, told and closed; the page says who is owed a word until when."""

import pytest

from dsr_engine.domain.user import Role
from tests.web.conftest import Doors
from tests.web.visiting import Visitor
from tests.workflow.journeys import carried_through, opened_for


@pytest.fixture
def opened(doors: Doors) -> Visitor:
    case = carried_through(doors.house, opened_for(doors.house))
    officer = doors.signed_in(Role.OFFICER).go("/incidents/new")
    return officer.send("Open the incident", case=case.id, kind="wrong_person")


def test_an_incident_from_its_opening_to_its_end(doors: Doors, opened: Visitor) -> None:
    assert "The authority has to be told by" in opened.text
    assert "71 hours left" in opened.text or "72 hours left" in opened.text
    assert "shop.customers" in opened.text
    opened.send("Close the incident", closing="no_loss")
    assert "nobody judged the risk yet" in opened.text
    opened.go("/incidents").go(opened.path)
    page = opened.text.split("/incidents/")
    path = "/incidents/" + next(part.split('"')[0] for part in page if part[:12].isalnum())
    opened.go(path).send("Record the risk", risk="high")
    assert "The people concerned have to be told" in opened.text
    opened.send("Record it", who="authority").send("Record it", who="people").send("Close the incident", closing="told_and_mended")
    assert "The incident is closed" in opened.text
    assert "No incident is open" in opened.go("/incidents").text
    assert "closed" in opened.go("/incidents?all=1").text
    with doors.house.store.snapshot() as tx:
        kinds = [kind for kind in ("incident.opened", "incident.risk_high", "incident.told_authority", "incident.closed") if tx.ledger.find(kind)]
    assert len(kinds) == 4


def test_a_wrong_form_is_shown_again(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER).go("/incidents/new").send("Open the incident", case="nope", kind="wrong_person")
    assert officer.status == 404
    assert 'value="nope"' in officer.text
    officer.go("/incidents/new").send("Open the incident", case="nope", kind="wrong_person", aware="yesterday")
    assert "that is no moment" in officer.text


def test_an_auditor_reads_and_does_nothing(doors: Doors, opened: Visitor) -> None:
    auditor = doors.signed_in(Role.AUDITOR).go(opened.path)
    assert auditor.status == 200
    assert auditor.text.count("<form") == 1
    assert auditor.go("/incidents/new").status == 403
    assert doors.signed_in(Role.APPROVER).go("/incidents").status == 403
