"""The list of cases and the page of one: what an officer and an auditor see, and that nobody's data is in it."""

import re
from datetime import timedelta

import pytest

from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.domain.user import Role
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.intake import open_case
from tests.web.conftest import Doors
from tests.web.visiting import forms_of
from tests.workflow.company import BOB, EMAIL, NAME
from tests.workflow.journeys import carried_through, opened_for, planned, request_of

PERSON = (EMAIL, NAME, BOB, "lindqvist", "bob.marsh")


def _numbers(text: str) -> list[str]:
    """The cases that the list shows, in its order."""
    return re.findall(r'<th scope="row"><a class="mono" href="/cases/([0-9a-f]{16})">', text)


def test_an_empty_list_says_what_to_do_first(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER).go("/cases")
    assert "There is no case yet" in officer.text
    assert "Enter the first request" in officer.text
    auditor = doors.signed_in(Role.AUDITOR).go("/cases")
    assert "There is no case yet" in auditor.text
    assert "Enter the first request" not in auditor.text


def test_the_list_turns_its_pages_and_shows_each_case_once(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.web.pages.cases.PAGE", 3)
    opened = []
    for _ in range(8):
        opened.append(open_case(doors.house, request_of(doors.house, vouched=False)).id)
        doors.clock.at += timedelta(minutes=1)
    officer = doors.signed_in(Role.OFFICER).go("/cases")
    seen = [_numbers(officer.text)]
    while later := re.search(r'rel="next" href="([^"]+)"', officer.text):
        officer.go(later[1].replace("&amp;", "&"))
        seen.append(_numbers(officer.text))
    assert [len(page) for page in seen] == [3, 3, 2]
    assert [number for page in seen for number in page] == list(reversed(opened))
    back = re.search(r'rel="prev" href="([^"]+)"', officer.text)
    assert back is not None
    assert _numbers(officer.go(back[1].replace("&amp;", "&")).text) == seen[1]


def test_the_list_is_filtered_by_what_a_case_is_and_by_its_number_only(doors: Doors) -> None:
    closed, waiting = carried_through(doors.house, opened_for(doors.house)), planned(doors.house, ("email", BOB))
    officer = doors.signed_in(Role.OFFICER)
    assert _numbers(officer.go("/cases?state=closed").text) == [closed.id]
    assert _numbers(officer.go("/cases?state=open").text) == [waiting.id]
    assert _numbers(officer.go("/cases?state=waiting&stage=approve").text) == [waiting.id]
    assert _numbers(officer.go(f"/cases?number={closed.id[:6].upper()}").text) == [closed.id]
    assert _numbers(officer.go("/cases?outcome=fulfilled").text) == [closed.id]
    assert _numbers(officer.go("/cases?kind=sweep").text) == []
    assert _numbers(officer.go("/cases?policy=theirs").text) == []
    assert _numbers(officer.go("/cases?from=2001-01-01&to=2001-12-31").text) == []
    assert "No case fits this filter" in officer.text
    assert _numbers(officer.go(f"/cases?number={EMAIL}").text) == []


def test_overdue_cases_are_found_by_the_day_that_their_law_sets(doors: Doors) -> None:
    late = open_case(doors.house, request_of(doors.house, vouched=False)).id
    doors.clock.at += timedelta(days=40)
    open_case(doors.house, request_of(doors.house, vouched=False))
    assert _numbers(doors.signed_in(Role.OFFICER).go("/cases?state=overdue").text) == [late]


@pytest.mark.parametrize("query", ["after=x", "before=2026-01-01_x", "after=_", "from=2026-13-40", "stage=none", "state=%00", "_external=1&_scheme=javascript"])
def test_a_broken_address_of_the_list_harms_nobody(doors: Doors, query: str) -> None:
    planned(doors.house)
    assert doors.signed_in(Role.OFFICER).go(f"/cases?{query}").status in (200, 400)


def test_a_case_tells_its_story_and_names_nobody(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert officer.status == 200
    for part in ("The request", "The clock", "Who asked", "What was found", "What happened", "The fresh look", "Certificate", "What comes after"):
        assert part in officer.text
    assert not any(value in officer.text.lower() for value in map(str.lower, PERSON))


def test_a_wait_stands_in_plain_sight_with_its_next_click(doors: Doors) -> None:
    case = planned(doors.house)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert f'href="/cases/{case.id}/plan"' in officer.text
    assert "approval.missing" in officer.text
    assert "dsr case" not in officer.text


def test_a_gap_is_not_silence(doors: Doors) -> None:
    doors.company.shop.rename(doors.company.shop.with_suffix(".gone"))
    doors.company.shop.write_bytes(b"this is no database")
    case = doors.work(opened_for(doors.house).id)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert "“Not looked” is not “nothing found”" in officer.text or "does not answer" in officer.text


def test_an_auditor_sees_the_story_and_none_of_the_acts(doors: Doors) -> None:
    case = planned(doors.house)
    auditor = doors.signed_in(Role.AUDITOR)
    for path in ("", "/identity", "/grounds", "/clock", "/decide", "/tasks", "/end", "/appeals", "/letters", "/ledger"):
        auditor.go(f"/cases/{case.id}{path}")
        assert auditor.status == 200, path
        assert [form.action for form in forms_of(auditor.text) if form.method == "post"] == ["/sign-out"], path
    assert auditor.client.post(f"/cases/{case.id}/run").status_code in (400, 403)


def test_an_unknown_case_is_a_page_that_is_not_there(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER)
    for path in ("", "/identity", "/letters", "/clock", "/end", "/progress", "/events", "/certificate.pdf", "/ledger"):
        assert officer.go(f"/cases/0000000000000000{path}").status == 404, path


def test_running_again_wakes_the_case_and_runs_nothing_here(doors: Doors) -> None:
    doors.company.shop.rename(doors.company.shop.with_suffix(".gone"))
    doors.company.shop.write_bytes(b"this is no database")
    case = doors.work(opened_for(doors.house).id)
    assert case.wait is not None
    assert case.id not in doors.house.store.claimable(doors.clock.now())
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    button = next(name for form in forms_of(officer.text) for name in form.buttons if form.action.endswith("/run"))
    officer.send(button)
    with doors.house.store.snapshot() as tx:
        after = tx.cases.get(case.id)
        assert len(tx.ledger.find("case.woken", case=case.id)) == 1
    assert (after.stage, after.round) == (case.stage, case.round)
    assert case.id in doors.house.store.claimable(doors.clock.now())


def test_a_certificate_is_handed_out_as_a_file_and_a_case_without_one_has_none(doors: Doors) -> None:
    done, refused = carried_through(doors.house, opened_for(doors.house)), opened_for(doors.house, ("email", BOB))
    close_unfulfilled(doors.house, refused.id, Outcome.WITHDRAWN, "withdrawn", "officer")
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{done.id}/certificate.pdf")
    assert officer.page is not None
    assert officer.page.data.startswith(b"%PDF-")
    assert "attachment" in officer.page.headers["Content-Disposition"]
    assert officer.go(f"/cases/{refused.id}/certificate.pdf").status == 404
    assert officer.go(f"/cases/{refused.id}").status == 200
    with doors.house.store.snapshot() as tx:
        assert tx.cases.get(refused.id).stage is Stage.CLOSED


def test_the_ledger_of_a_case_is_shown_without_ids_of_people(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    text = doors.signed_in(Role.AUDITOR).go(f"/cases/{case.id}/ledger").text
    assert text.index("case.opened") < text.index("plan.made") < text.index("certificate.published")
    assert "person-" not in text
