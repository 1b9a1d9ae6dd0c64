"""How far a case is, as it happens: told from the store, to so many at a time, and over when the case rests."""

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPConnection, HTTPResponse

import pytest
from playwright.sync_api import Browser, expect

from dsr_engine.cli import serving
from dsr_engine.domain.case import Stage
from dsr_engine.domain.user import Role
from dsr_engine.web.guard import SECRET
from dsr_engine.web.pages import progress
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.users.accounts import disable
from tests.web.conftest import Doors, browsing, served
from tests.workflow.journeys import WORKER, carried_through, opened_for, planned


def test_a_search_leaves_how_much_it_is_and_how_much_is_done(doors: Doors) -> None:
    case = planned(doors.house)
    with doors.house.store.snapshot() as tx:
        (share,) = tx.case_lists.searched(case.id, case.round, FOUND)
    assert share.what == "shop"
    assert share.total is not None
    assert 0 < share.done == share.total


def test_a_plan_leaves_how_many_of_its_batches_are_settled(doors: Doors) -> None:
    waiting, done = planned(doors.house), carried_through(doors.house, opened_for(doors.house, ("email", "bob.marsh@example.net")))
    with doors.house.store.snapshot() as tx:
        (before,), (after,) = tx.case_lists.changed(waiting.id, 1), tx.case_lists.changed(done.id, 1)
    assert (before.done, before.total) == (0, before.total)
    assert before.total
    assert after.done == after.total


def test_the_stream_of_a_case_that_rests_ends_at_once(doors: Doors) -> None:
    case = planned(doors.house)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/events")
    assert officer.page is not None
    assert officer.page.mimetype == "text/event-stream"
    told = [line for line in officer.text.splitlines() if line.startswith("data: ")]
    assert "event: rest" in officer.text
    assert json.loads(told[-1].removeprefix("data: "))["stage"] == "approve"
    assert "ida" not in officer.text


def test_who_comes_when_all_streams_are_taken_is_told_to_ask(doors: Doors) -> None:
    case = opened_for(doors.house)  # nobody works on it, so its stream stays open
    client = doors.signed_in(Role.OFFICER).client
    streams = [client.get(f"/cases/{case.id}/events", buffered=False) for _ in range(progress.MOST_STREAMS)]
    try:
        assert [stream.status_code for stream in streams] == [200] * progress.MOST_STREAMS
        assert client.get(f"/cases/{case.id}/events").status_code == 503
        assert client.get(f"/cases/{case.id}/progress").status_code == 200
    finally:
        for stream in streams:
            stream.close()
            stream.close()  # whoever closes twice gives one place back, not two
    again = client.get(f"/cases/{case.id}/events", buffered=False)
    assert again.status_code == 200
    again.close()


def test_who_leaves_gives_the_place_back_and_pages_are_answered_all_the_while(doors: Doors) -> None:
    case = opened_for(doors.house)
    seats = doors.app.extensions[progress.STREAMS] = threading.BoundedSemaphore(2)
    cookie = _cookie(doors)
    with served(doors) as address:
        looking = [_opened(address, f"/cases/{case.id}/events", cookie) for _ in range(6)]
        assert sorted(answer.status for _, answer in looking) == [200, 200, 503, 503, 503, 503]
        for path in ("/desk", "/cases", f"/cases/{case.id}/progress"):
            connection, answer = _opened(address, path, cookie)
            assert answer.status == 200
            looking.append((connection, answer))
        for connection, answer in looking:
            answer.close()
            connection.close()  # a browser that is gone says nothing; the next words to it find nobody
        freed = [_until(lambda: seats.acquire(blocking=False)) for _ in range(2)]
    assert freed == [True, True]


def test_half_of_the_servers_threads_are_left_for_pages() -> None:
    assert serving.THREADS >= 2 * progress.MOST_STREAMS


def test_a_stream_ends_with_the_session_of_who_looks_on(doors: Doors) -> None:
    case = opened_for(doors.house)
    officer = doors.signed_in(Role.OFFICER)
    stream = officer.client.get(f"/cases/{case.id}/events", buffered=False)
    told = stream.iter_encoded()
    assert b"event: progress" in next(told)
    disable(doors.house, doors.user(Role.OFFICER).id, "administrator")
    assert list(told) == []
    stream.close()


def test_looking_on_keeps_no_session_from_ending(doors: Doors) -> None:
    case = opened_for(doors.house)
    officer = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    for _ in range(7):
        doors.clock.at += timedelta(minutes=10)
        officer.client.get(f"/cases/{case.id}/progress")
    assert officer.go(f"/cases/{case.id}").path.startswith("/sign-in")
    attentive = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    for _ in range(7):
        doors.clock.at += timedelta(minutes=10)
        attentive.go(f"/cases/{case.id}")
    assert attentive.path == f"/cases/{case.id}"


def test_a_stream_of_a_case_that_does_not_move_ends_by_itself(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.01)
    monkeypatch.setattr(progress, "LONGEST", 0.05)
    case = opened_for(doors.house)
    text = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/events").text
    assert text.startswith("retry: ")
    assert "event: rest" not in text
    assert ": still at it" in text


def _cookie(doors: Doors) -> str:
    signer = doors.app.session_interface.get_signing_serializer(doors.app)  # type: ignore[attr-defined]  # Flask's own cookies
    name = doors.app.config["SESSION_COOKIE_NAME"]
    return f"{name}={signer.dumps({SECRET: doors.secret(Role.OFFICER), '_permanent': True})}"


def _opened(address: str, path: str, cookie: str) -> tuple[HTTPConnection, HTTPResponse]:
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers={"Cookie": cookie})
    return connection, connection.getresponse()


def _until(is_so: Callable[[], bool]) -> bool:
    """Waits for what comes soon; False if it does not come at all."""
    for _ in range(60):
        if is_so():
            return True
        time.sleep(0.25)
    return False


def test_the_page_follows_the_worker_by_itself_and_can_do_without_scripts(chromium: Browser, doors: Doors, address: str) -> None:
    case = opened_for(doors.house)
    with browsing(chromium, doors, address, Role.OFFICER) as page:
        page.goto(f"/cases/{case.id}")
        expect(page.locator("#live")).to_be_visible()
        assert doors.work(case.id).stage is Stage.APPROVE
        expect(page.locator("#next")).to_contain_text("approval", timeout=15_000)
        expect(page.locator("#live")).to_have_count(0)
    other = opened_for(doors.house, ("email", "bob.marsh@example.net"))
    with browsing(chromium, doors, address, Role.OFFICER, java_script_enabled=False) as page:
        page.goto(f"/cases/{other.id}")
        doors.work(other.id)
        page.get_by_role("link", name="Load this page again").click()
        expect(page.locator("#next")).to_be_visible()


def test_a_case_that_was_run_in_a_test_of_ours_rests(doors: Doors) -> None:
    case = run_case(doors.house, opened_for(doors.house).id, WORKER)
    with doors.house.store.snapshot() as tx:
        assert progress.progress_of(tx, case).is_resting
