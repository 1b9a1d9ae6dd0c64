"""The desk: what is due, overdue, waiting and why, with the next click; for each role its own; and figures of how it went."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.user import Role
from dsr_engine.web.clicks import BY_ITSELF
from dsr_engine.workflow.intake import open_case
from tests.web.conftest import Doors, browsing
from tests.web.test_looks import problems_of
from tests.workflow.company import BOB, EMAIL, NAME
from tests.workflow.journeys import approved, carried_through, opened_for, planned, request_of


def _tile(text: str, title: str) -> str:
    found = re.search(rf'<span class="figure">([^<]*)</span> {title}', text)
    assert found is not None, title
    return found[1]


def _waiting(doors: Doors, code: str, reason: str = "it waits") -> Case:
    """A case that stands still for this reason, as the engine would leave it."""
    case = open_case(doors.house, request_of(doors.house, vouched=False))
    with doors.house.store.transaction() as tx:
        after = replace(case, stage=Stage.EXECUTE, wait=Wait(code, reason, "`dsr case run`", doors.clock.now()))
        tx.cases.save(after)
    return after


def test_an_empty_house_says_what_to_do_in_which_order(doors: Doors) -> None:
    officer = doors.signed_in(Role.OFFICER).go("/")
    assert officer.path == "/desk"
    steps = re.findall(r"<strong>([^<]+)</strong> (?:<span class=\"tag good\">done)?", officer.text)
    assert steps[:5] == ["Name your systems", "Choose a policy", "Review legal holds", "Bring in a second person", "Enter the first request"]
    assert 'href="/cases/new"' in officer.text
    assert "Somebody with another role does this" in officer.text  # accounts are an administrator's
    assert "open cases" not in officer.text


def test_everybody_is_led_to_the_first_page_that_is_theirs(doors: Doors) -> None:
    assert doors.signed_in(Role.AUDITOR).go("/").path == "/desk"
    assert doors.signed_in(Role.ADMINISTRATOR).go("/").path == "/systems"
    assert doors.signed_in(Role.ADMINISTRATOR, "second").go("/desk").status == 403


def test_what_is_overdue_stands_first_with_its_day_and_the_next_click(doors: Doors) -> None:
    late = open_case(doors.house, request_of(doors.house, vouched=False)).id
    doors.work(late)
    doors.clock.at += timedelta(days=40)
    soon = open_case(
        doors.house, replace(request_of(doors.house, ("email", BOB), vouched=False), received_at=doors.clock.now() - timedelta(days=26))
    ).id
    doors.work(soon)
    text = doors.signed_in(Role.OFFICER).go("/desk").text
    assert _tile(text, "overdue") == "2"  # the receipt of the second was not confirmed either
    overdue, week = text.index('id="overdue"'), text.index('id="soon"')
    assert overdue < text.index(late, overdue) < week < text.index(soon, week)
    assert f'href="/cases/{late}/identity"' in text
    assert f'href="/cases/{late}/letters"' in text
    assert not any(value.lower() in text.lower() for value in (EMAIL, NAME, BOB))


def test_an_approver_sees_the_plans_first_and_nobody_their_own(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go("/desk").text
    assert _tile(approver, "plan to approve") == "1"
    assert approver.index("Plans to approve") < approver.index('id="soon"' if 'id="soon"' in approver else "more than a week left")
    assert "Look at it and approve" in approver
    officer = doors.signed_in(Role.OFFICER).go("/desk").text
    assert "It is yours: somebody else approves" in officer
    assert f'href="/cases/{case.id}/plan"' in doors.signed_in(Role.AUDITOR).go("/desk").text


def test_who_may_not_do_the_next_step_is_led_to_the_case(doors: Doors) -> None:
    case = doors.work(open_case(doors.house, request_of(doors.house, vouched=False)).id)
    assert f'href="/cases/{case.id}/identity"' in doors.signed_in(Role.OFFICER).go("/desk").text
    auditor = doors.signed_in(Role.AUDITOR).go("/desk").text
    assert f'href="/cases/{case.id}/identity"' not in auditor
    assert "See the case" in auditor


@pytest.mark.parametrize(
    ("code", "href"),
    [("holds.unreviewed", "/holds"), ("stopped", "/systems"), ("task_open", "/cases/{}/tasks"), ("recipients_open", "/recipients/cases/{}")],
)
def test_a_wait_leads_to_where_it_ends(doors: Doors, code: str, href: str) -> None:
    case = _waiting(doors, code)
    officer = doors.signed_in(Role.OFFICER).go("/desk")
    assert f'href="{href.format(case.id)}"' in officer.text
    assert officer.go(href.format(case.id)).status == 200


def test_what_goes_on_by_itself_is_counted_and_wants_nobody(doors: Doors) -> None:
    for code in sorted(BY_ITSELF):
        _waiting(doors, code)
    text = doors.signed_in(Role.OFFICER).go("/desk").text
    assert _tile(text, "wait for somebody") == "0"
    assert f"{len(BY_ITSELF)} cases wait for a system or for time" in text


def test_a_long_list_is_cut_and_leads_to_all_of_it(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.web.pages.desk.MOST", 2)
    for _ in range(5):
        _waiting(doors, "blocked", "the system refuses <b>&")
    text = doors.signed_in(Role.OFFICER).go("/desk").text
    assert text.count("the system refuses &lt;b&gt;&amp;") == 2
    assert "All 5" in text


def test_holds_that_nobody_reviewed_are_said_before_they_are_in_the_way(doors: Doors) -> None:
    opened_for(doors.house)
    assert "legal holds" not in doors.signed_in(Role.OFFICER).go("/desk").text.split("<main")[1].lower()
    doors.clock.at += timedelta(days=400)
    assert "Nothing is erased before somebody says so" in doors.signed_in(Role.OFFICER).go("/desk").text


def test_figures_tell_in_tables_what_the_drawings_show(doors: Doors) -> None:
    empty = doors.signed_in(Role.OFFICER).go("/desk/figures").text
    assert "Nothing to draw yet" in empty
    carried_through(doors.house, opened_for(doors.house))
    planned(doors.house, ("email", BOB))
    text = doors.signed_in(Role.AUDITOR).go("/desk/figures").text
    month = f"{doors.clock.at:%b %y}"
    assert re.search(rf'<th scope="row">{month}</th><td class="number">2</td><td class="number">1</td>', text)
    assert re.search(r'<th scope="row">shop</th><td class="number">[1-9]', text)
    assert 'href="/cases?stage=approve">Approval</a>' in text
    assert "style=" not in text


def _closed(doors: Doors) -> Case:
    """A case that was approved and closed; its paper is signed in a thread without the browser's loop."""
    case = doors.work(opened_for(doors.house).id)
    approved(doors.house, case)
    return doors.work(case.id)


@pytest.mark.slow
def test_desk_and_cases_are_read_by_everybody_in_both_schemes_and_on_a_telephone(chromium: Browser, doors: Doors, address: str) -> None:
    done, waiting = _closed(doors), doors.work(opened_for(doors.house, ("email", BOB)).id)
    asking = doors.work(open_case(doors.house, request_of(doors.house, vouched=False)).id)
    paths = ["/desk", "/desk/figures", "/cases", "/cases/new", *(f"/cases/{case.id}" for case in (done, waiting, asking))]
    paths += [f"/cases/{waiting.id}/{page}" for page in ("grounds", "clock", "end", "letters", "ledger")]
    paths += [f"/cases/{asking.id}/identity", f"/cases/{done.id}/appeals"]
    said: list[str] = []
    for scheme, width in (("light", 380), ("dark", 1280)):
        with browsing(chromium, doors, address, Role.OFFICER, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
            page.on("console", lambda message: said.append(message.text))
            for path in paths:
                page.goto(path)
                assert problems_of(page) == [], (scheme, path)
                assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, (width, path)
    assert said == []
