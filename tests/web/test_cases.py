"""The list of cases and the page of one: what an officer and an auditor see, and that nobody's data is in it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.domain.user import Role
from dsr_engine.workflow.correcting.showing import show_plan
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


def test_a_whole_number_leads_to_the_case_itself(doors: Doors) -> None:
    case = planned(doors.house)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases?number={case.id}")
    assert officer.path == f"/cases/{case.id}"
    assert "No case fits this filter" in officer.go("/cases?number=0123456789abcdef").text


def test_a_plan_is_told_in_short_with_what_stays_and_why(doors: Doors) -> None:
    case = planned(doors.house)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    tiles = dict(re.findall(r'<span class="figure">(\d+)</span> ([a-z, ]+)<', officer.text))
    with doors.house.store.snapshot() as tx:
        shown = show_plan(tx, doors.house, case)
    assert sum(map(int, tiles)) >= sum(shown.ends.values()) > 0
    assert "Nothing stays of what was found" in officer.text
    assert "Nobody has approved it yet" in officer.text
    officer.go("/holds/new").send("Place the hold", reason="M-17", system="shop")
    held = doors.work(opened_for(doors.house, ("email", BOB)).id)
    text = officer.go(f"/cases/{held.id}").text
    assert "legal hold" in text
    assert "It changes nothing, so nobody has to approve it" in text


def test_a_plan_of_very_many_batches_is_told_on_its_own_page_only(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    case = planned(doors.house)
    monkeypatch.setattr("dsr_engine.web.story.MOST_ITEMS", 0)
    text = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}").text
    assert "What would happen to each record" in text
    assert "Nothing stays" not in text


def test_a_case_whose_key_is_gone_still_tells_how_it_went(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    with doors.house.store.transaction() as tx:
        doors.house.store.vault.shred(tx, case.id)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert officer.status == 200
    assert "Certificate" in officer.text
    for path in ("letters", "identity", "clock", "end", "ledger", "grounds", "appeals", "tasks"):
        assert officer.go(f"/cases/{case.id}/{path}").status == 200, path


def test_overdue_cases_are_found_by_the_day_that_their_law_sets(doors: Doors) -> None:
    late = open_case(doors.house, request_of(doors.house, vouched=False)).id
    doors.clock.at += timedelta(days=40)
    open_case(doors.house, request_of(doors.house, vouched=False))
    assert _numbers(doors.signed_in(Role.OFFICER).go("/cases?state=overdue").text) == [late]


@pytest.mark.parametrize(
    "query", ["after=x", "before=2026-01-01_x", "after=_", "from=2026-13-40", "stage=none", "state=%00", "_external=1&_scheme=javascript"]
)
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


def test_a_certificate_is_not_handed_out_before_it_is_checked(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    with doors.house.store.transaction() as tx:
        tx.cases.save(replace(case, stage=Stage.PUBLISH, outcome=None, closed_at=None))
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert "Certificate, PDF" not in officer.text
    assert officer.go(f"/cases/{case.id}/certificate.pdf").status == 404
