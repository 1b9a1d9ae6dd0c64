"""The plan on its page: what would happen and why, corrected by an officer, approved or given back by somebody else."""

import html
import re
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.user import Role
from dsr_engine.workflow.correcting.correct import Targets, exclude
from dsr_engine.workflow.decide import decide_findings
from dsr_engine.workflow.engine import run_case
from tests.web.conftest import Doors, browsing
from tests.web.test_looks import problems_of
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL, NAME, POLICY
from tests.workflow.journeys import WORKER, approved, opened_for, plan_of, planned, waits_for

OFFICER = "officer"


def _path(case: Case) -> str:
    return f"/cases/{case.id}/plan"


def _item(doors: Doors, case: Case, collection: str) -> str:
    return next(item.id for item in plan_of(doors.house, case).items if item.collection == collection)


def _worker_turn(doors: Doors, case: Case) -> Case:
    return doors.work(case.id)


def _taken_out(doors: Doors, case: Case, collection: str, by: str = "corrector") -> Case:
    exclude(doors.house, case.id, Targets(collections=(f"shop.{collection}",)), "unclear", by)
    return _worker_turn(doors, case)


def _officer_corrects(doors: Doors, case: Case, collection: str, **choice: str) -> Visitor:
    officer = doors.signed_in(Role.OFFICER).go(f"{_path(case)}/items/{_item(doors, case, collection)}")
    return officer.send("Correct the plan", **{"scope": "item", "treatment": "exclude", "reason": "unclear", **choice})


# --- reading ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.OFFICER, Role.APPROVER, Role.AUDITOR])
def test_the_plan_says_what_would_happen_under_which_rule(doors: Doors, role: Role) -> None:
    case = planned(doors.house)
    page = doors.signed_in(role).go(_path(case))
    assert page.status == 200
    for text in (
        "what is theirs",
        "mentions",
        "ours.yaml:",
        "shop.customers",
        "waits for approval",
        "they are deleted",
        plan_of(doors.house, case).digest(),
    ):
        assert text in page.text
    assert EMAIL not in page.text
    assert NAME not in page.text


def test_an_administrator_reads_no_plan(doors: Doors) -> None:
    assert doors.signed_in(Role.ADMINISTRATOR).go(_path(planned(doors.house))).status == 403


def test_a_case_without_a_plan_says_so(doors: Doors) -> None:
    case = planned(doors.house)
    assert doors.signed_in(Role.OFFICER).go("/cases/nosuchcase/plan").status == 404
    with doors.house.store.transaction() as tx:
        doors.house.store.vault.shred(tx, case.id)
    page = doors.signed_in(Role.OFFICER).go(_path(case))
    assert page.status == 404
    assert "the certificate says what was done" in page.text


def test_a_further_round_says_why_it_is_approved_anew(doors: Doors) -> None:
    case = planned(doors.house)
    assert "Nothing has been changed yet" in doors.signed_in(Role.APPROVER).go(_path(case)).text
    approved(doors.house, case)
    doors.company.sql(f"UPDATE tickets SET body = 'Please write to {EMAIL}.' WHERE id = 1")
    _worker_turn(doors, case)
    assert plan_of(doors.house, case).round == 2
    page = doors.signed_in(Role.APPROVER).go(_path(case)).text
    assert "What would happen in round 2" in page
    assert "approved anew" in page
    assert "every record of this case, and why. Nothing has been changed" not in page


def test_what_stays_is_told_with_its_reason_and_its_law(doors: Doors) -> None:
    case = planned(doors.house)
    _officer_corrects(doors, case, "orders", reason="legal_obligation", law="§ 147 AO")
    _worker_turn(doors, case)
    page = doors.signed_in(Role.AUDITOR).go(_path(case))
    for text in ("§ 147 AO", "Art. 17(3)(b) GDPR", "legal obligation", "taken out"):
        assert text in page.text


def test_nobody_but_an_approver_is_offered_the_approval(doors: Doors) -> None:
    case = planned(doors.house)
    assert "Approve this plan" in doors.signed_in(Role.APPROVER).go(_path(case)).text
    for role in (Role.OFFICER, Role.AUDITOR):
        visitor = doors.signed_in(role).go(_path(case))
        assert "Approve this plan" not in visitor.text
        assert visitor.client.post(f"{_path(case)}/approve", data={"csrf_token": _token(doors, role)}).status_code in (400, 403)


def _token(doors: Doors, role: Role) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', doors.signed_in(role).go("/plans").text)
    return found.group(1) if found else ""


# --- correcting -------------------------------------------------------------------------------------------------------------------------


def test_an_officer_takes_an_item_out_and_takes_that_back(doors: Doors) -> None:
    case = planned(doors.house)
    before = plan_of(doors.house, case).digest()
    officer = _officer_corrects(doors, case, "tickets")
    assert "1 record(s) corrected" in officer.text
    assert "is made anew" in officer.text
    case = _worker_turn(doors, case)
    assert plan_of(doors.house, case).digest() != before
    officer.go(_path(case)).send("Take it back")
    case = _worker_turn(doors, case)
    assert "taken back" in officer.go(_path(case)).text
    assert not any(item.effect is None for item in plan_of(doors.house, case).items)


def test_what_is_another_persons_is_no_record_of_the_plan(doors: Doors) -> None:
    case = planned(doors.house)
    _officer_corrects(doors, case, "tickets", reason="not_theirs")
    case = _worker_turn(doors, case)
    assert waits_for(case) == "approval.missing"
    page = doors.signed_in(Role.APPROVER).go(_path(case))
    assert "it is another person&#39;s" in page.text
    assert "Nothing stays" in page.text
    assert not any(item.collection == "tickets" for item in plan_of(doors.house, case).items)


def test_a_single_record_is_ticked(doors: Doors) -> None:
    doors.company.sql("INSERT INTO orders VALUES (172, 17, 'second'), (173, 17, 'third')")
    case = planned(doors.house)
    item = next(item for item in plan_of(doors.house, case).items if item.collection == "orders")
    one = next(record.finding for record in item.records if record.locator.key == ("172",))
    officer = doors.signed_in(Role.OFFICER).go(f"{_path(case)}/items/{item.id}")
    officer.send("Correct the plan", record=one, treatment="exclude", reason="unclear")
    _worker_turn(doors, case)
    kept = [record.locator.key for item in plan_of(doors.house, case).items if item.effect is None for record in item.records]
    assert kept == [("172",)]


def test_a_correction_that_is_refused_leaves_the_form_with_what_stood_in_it(doors: Doors) -> None:
    case = planned(doors.house)
    page = _officer_corrects(doors, case, "orders", reason="legal_obligation", law="")
    assert page.status == 400
    assert "without the statute" in page.text
    assert '<option value="legal_obligation" selected>' in page.text
    assert waits_for(case) == "approval.missing"


def test_only_treatments_that_the_policy_permits_are_offered(doors: Doors) -> None:
    case = planned(doors.house)
    page = doors.signed_in(Role.OFFICER).go(f"{_path(case)}/items/{_item(doors, case, 'orders')}")
    assert '<option value="anonymize"' not in page.text
    assert '<option value="delete"' not in page.text
    page.send("Correct the plan", scope="item", treatment="delete", reason="")
    assert page.status == 400
    assert "a correction only takes less away" in page.text


def test_an_item_of_a_plan_that_was_made_anew_is_gone(doors: Doors) -> None:
    case = planned(doors.house)
    item = _item(doors, case, "orders")
    _taken_out(doors, case, "tickets")
    assert doors.signed_in(Role.OFFICER).go(f"{_path(case)}/items/{item}").status == 409


def test_who_only_reads_corrects_nothing(doors: Doors) -> None:
    case = planned(doors.house)
    for role in (Role.APPROVER, Role.AUDITOR):
        page = doors.signed_in(role).go(f"{_path(case)}/items/{_item(doors, case, 'orders')}")
        assert page.status == 200
        assert "Correct the plan" not in page.text


# --- approving --------------------------------------------------------------------------------------------------------------------------


def test_an_approver_approves_and_the_engine_goes_on(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go(_path(case))
    approver.send("Approve this plan")
    assert "carries it out by itself" in approver.text
    assert _worker_turn(doors, case).stage is Stage.CLOSED


def test_an_approval_asks_for_a_second_factor(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER, is_confirmed=False).go(_path(case))
    approver.send("Approve this plan")
    assert waits_for(_worker_turn(doors, case)) == "approval.missing"


def test_a_plan_that_changed_meanwhile_is_not_approved_and_the_page_says_what_is_different(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go(_path(case))
    case = _taken_out(doors, case, "tickets")
    approver.send("Approve this plan")
    assert approver.status == 409
    assert "The plan changed since you looked at it" in approver.text
    assert "shop.tickets: parts cut out" in approver.text
    assert "shop.tickets: stay as they are" in approver.text
    with doors.house.store.snapshot() as tx:
        assert tx.approvals.of(case.id) == ()


def test_counts_that_somebody_made_up_are_shown_as_text_and_nothing_else(doors: Doors) -> None:
    case = planned(doors.house)
    for seen in ("", "{", "[]", "null", '{"<script>alert(1)</script>": 1}', '{"x": "y"}'):
        approver = doors.signed_in(Role.APPROVER).go(_path(case))
        approver.send("Approve this plan", digest="0" * 64, seen=seen)
        assert approver.status == 409
        assert "<script>alert" not in approver.text


def test_who_corrected_and_who_opened_the_case_cannot_approve(doors: Doors) -> None:
    case = planned(doors.house)
    doors.user(Role.APPROVER, "corrector")
    doors.user(Role.APPROVER, OFFICER)
    case = _taken_out(doors, case, "tickets")
    for name, why in (("corrector", "you corrected the plan"), (OFFICER, "you opened the case")):
        page = doors.signed_in(Role.APPROVER, name).go(_path(case))
        assert why in page.text
        assert "Approve this plan" not in page.text
    assert "Approve this plan" in doors.signed_in(Role.APPROVER, "somebody else").go(_path(case)).text


def test_who_decided_whose_a_record_is_cannot_approve(doors: Doors) -> None:
    case = planned(doors.house)
    with doors.house.store.snapshot() as tx:
        finding = next(id_ for id_, found in tx.findings.of(case.id, case.round, "found") if found.locator.collection == "tickets")
    decide_findings(doors.house, case.id, [(finding, "mentioned")], "decider")
    case = _worker_turn(doors, case)
    page = doors.signed_in(Role.APPROVER, "decider").go(_path(case))
    assert "you decided whose a record is" in page.text
    assert "Approve this plan" not in page.text
    with pytest.raises(InputWrong) as refused:
        approved(doors.house, case, "decider")
    assert refused.value.code == "approve.decided"
    assert "Approve this plan" in doors.signed_in(Role.APPROVER).go(_path(case)).text


def test_gaps_are_accepted_by_name_and_not_by_oversight(doors: Doors) -> None:
    folder = doors.company.folder / "files"
    folder.mkdir()
    with zipfile.ZipFile(folder / "old.zip", "w") as archive:
        archive.writestr("people.csv", "email\n")
    (folder / "old.zip").write_bytes((folder / "old.zip").read_bytes()[:40])
    doors.company.declare("files", f'connector: folder, owner: office@example.com, url: "folder:{folder}"')
    case = run_case(doors.keeper.house(), opened_for(doors.keeper.house()).id, WORKER)
    assert waits_for(case) == "coverage.gap"
    approver = doors.signed_in(Role.APPROVER).go(_path(case))
    assert "What could not be looked at" in approver.text
    approver.send("Approve this plan")
    assert approver.status == 400
    assert "nobody has accepted that" in approver.text
    approver.send("Approve this plan", accept_gaps="yes")
    assert "carries it out by itself" in approver.text
    assert _worker_turn(doors, case).stage is Stage.CLOSED


def test_two_people_approve_where_the_policy_wants_two(doors: Doors) -> None:
    doors.company.request("approval: two_people")
    case = planned(doors.keeper.house())
    first = doors.signed_in(Role.APPROVER).go(_path(case)).send("Approve this plan")
    assert "second approval" in first.text
    assert "Approve this plan" not in first.go(_path(case)).text
    assert "you approved it already" in first.text
    second = doors.signed_in(Role.APPROVER, "another").go(_path(case)).send("Approve this plan")
    assert "carries it out by itself" in second.text
    assert _worker_turn(doors, case).stage is Stage.CLOSED


def test_the_page_of_a_plan_reads_no_record_and_an_approval_reads_all(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go(_path(case))
    with closing(sqlite3.connect(doors.company.home / "dsr.db")) as store, store:
        store.execute("UPDATE plan_items SET sealed = x'00'")
    assert approver.go(_path(case)).status == 200
    assert plan_digest(approver.text)
    approver.send("Approve this plan")
    assert approver.status >= 400
    with doors.house.store.snapshot() as tx:
        assert tx.approvals.of(case.id) == ()


def plan_digest(text: str) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', text)
    return found.group(1) if found else ""


# --- giving back ------------------------------------------------------------------------------------------------------------------------


def test_a_plan_is_given_back_and_handed_in_again(doors: Doors) -> None:
    case = planned(doors.house)
    approver = doors.signed_in(Role.APPROVER).go(_path(case))
    approver.send("Give it back to the officers", reason="too_much")
    assert "given back" in approver.text
    assert "Approve this plan" not in approver.text
    assert waits_for(_worker_turn(doors, case)) == "plan.given_back"
    officer = doors.signed_in(Role.OFFICER).go(_path(case))
    assert "it would erase more than it should" in officer.text
    officer.send("Hand it in again as it is")
    assert waits_for(_worker_turn(doors, case)) == "approval.missing"
    assert "Approve this plan" in approver.go(_path(case)).text


# --- the queue --------------------------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_waits_for_whom(doors: Doors) -> None:
    approver = doors.signed_in(Role.APPROVER)
    assert "No plan waits for you" in approver.go("/plans").text
    case = planned(doors.house)
    assert case.id in approver.go("/plans").text
    doors.user(Role.APPROVER, OFFICER)
    opener = doors.signed_in(Role.APPROVER, OFFICER).go("/plans")
    assert "No plan waits for you" in opener.text
    assert "you opened the case" in opener.text


def test_a_long_queue_is_shown_page_by_page(doors: Doors) -> None:
    case = planned(doors.house)
    assert case.wait is not None
    with doors.house.store.transaction() as tx:
        for number in range(51):
            wait = replace(case.wait, since=case.wait.since - timedelta(days=number % 7))
            tx.cases.add(replace(case, id=f"{number:016x}", subject_ref=f"{number:032x}", wait=wait))
    approver = doors.signed_in(Role.APPROVER).go("/plans")
    seen = set(re.findall(r"/cases/(\w+)/plan", approver.text))
    assert len(seen) == 50
    later = re.search(r'rel="next" href="([^"]+)"', approver.text)
    assert later is not None
    rest = approver.go(html.unescape(later.group(1)))
    assert "52 plans wait in all" in rest.text
    assert len(seen | set(re.findall(r"/cases/(\w+)/plan", rest.text))) == 52
    for wrong in ("since=yesterday&after=x", "since=2026-01-01", "since=2026-01-01T00:00:00%2B00:00&after=%27--"):
        assert approver.go(f"/plans?{wrong}").status == 200


# --- how it looks -----------------------------------------------------------------------------------------------------------------------


def test_the_pages_have_no_serious_barrier_and_fit_narrow_windows(chromium: Browser, doors: Doors, address: str) -> None:
    doors.company.policy(POLICY)
    case = planned(doors.house)
    case = _taken_out(doors, case, "tickets")
    item = f"{_path(case)}/items/{_item(doors, case, 'customers')}"
    for scheme, width, role in (("light", 1280, Role.APPROVER), ("dark", 380, Role.OFFICER)):
        with browsing(chromium, doors, address, role, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
            for path in ("/plans", _path(case), item, f"{_path(case)}/samples"):
                if path.endswith("samples"):
                    page.goto(_path(case))
                    page.get_by_role("button", name="Show masked samples").click()
                else:
                    page.goto(path)
                assert problems_of(page) == [], path
                assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
