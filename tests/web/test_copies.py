"""The copy of the data in the browser, from its beginning to the download; and everything an officer is told on the way."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dsr_engine.domain.case import Case
from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import Decision
from dsr_engine.domain.user import Role
from dsr_engine.workflow.access.beginning import begin_copy
from dsr_engine.workflow.access.reviewing import release
from dsr_engine.workflow.decide import NOT_THEIRS
from dsr_engine.workflow.records.replying import Reply, replied
from tests.web.conftest import Doors, browsing, doors_of, served
from tests.web.test_looks import problems_of
from tests.web.visiting import Visitor
from tests.workflow.company import BOB, EMAIL, NAME, SHOP, founded
from tests.workflow.test_access_copies import asked

_MORE = f"""\
UPDATE orders SET note = 'Leave it with Bob Marsh next door' WHERE id = 171;
INSERT INTO tickets VALUES (3, '{NAME} called about {BOB}.');
"""


@pytest.fixture
def gossip(empty_home: Path, tmp_path: Path) -> Iterator[Doors]:
    company = founded(empty_home, tmp_path / "company", ())
    company.add_shop(SHOP + _MORE)
    with doors_of(company) as doors:
        yield doors


def _searched(doors: Doors) -> Case:
    case = asked(doors.house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
    begin_copy(doors.house, case.id, "officer")
    return doors.work(case.id)


def _fetched(page: Visitor) -> dict[str, bytes]:
    assert page.page is not None
    with zipfile.ZipFile(io.BytesIO(page.page.get_data())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_officer_takes_a_request_from_the_door_to_the_download(gossip: Doors) -> None:
    case = asked(gossip.house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
    page = gossip.signed_in(Role.OFFICER).go(f"/cases/{case.id}/copy")
    assert "Nothing was searched" in page.text
    page.send("Begin", systems="shop")
    assert "can be looked over once the systems were searched" in page.text
    gossip.work(case.id)
    page.go(f"/cases/{case.id}/copy")
    assert "1 waits for somebody to say whose they are" in page.text
    assert "Release the copy" not in page.text
    with gossip.house.store.snapshot() as tx:
        (doubtful,) = (entry.id for entry in tx.reviews.page(case.id, 1, "found"))
        (order,) = tx.copies.naming_others(case.id)
    page.go(f"/cases/{case.id}/possible")
    assert "stays out of the copy" in page.text
    page.send("Keep these decisions", **{f"verdict.{doubtful}": NOT_THEIRS})
    page.go(f"/cases/{case.id}/copy/records").send("Show the records, masked")
    assert "<mark>B•• M••••</mark>" in page.text
    assert "Marsh" not in page.text
    page.send("Keep these decisions", **{f"treat.{order}": "blacken", f"reason.{order}": "others_rights"})
    assert "1 decided." in page.text
    page.go(f"/cases/{case.id}/copy").send("Release the copy")
    assert "Nobody has fetched it yet" in page.text
    page.send("Download the copy", language="de")
    assert page.page is not None
    assert page.page.headers["Cache-Control"] == "no-store"
    assert page.page.headers["Content-Disposition"] == f'attachment; filename="copy-{case.id}.zip"'
    files = _fetched(page)
    assert "Kopie Ihrer personenbezogenen Daten" in files["index.html"].decode()
    everything = b"".join(files.values()).decode()
    assert "[jemand anderes]" in everything
    assert "Marsh" not in everything
    page.go(f"/cases/{case.id}/copy")
    assert "fetched once" in page.text
    page.send("Hold it back again")
    assert "Release the copy" in page.text


def test_release_and_download_want_a_second_factor_and_the_permission(gossip: Doors) -> None:
    case = _searched(gossip)
    token = {"Referer": "http://localhost/"}
    for path in ("release", "fetch"):
        address = f"/cases/{case.id}/copy/{path}"
        tired = gossip.signed_in(Role.OFFICER, "tired", is_confirmed=False).go(f"/cases/{case.id}/copy")
        answer = tired.client.post(address, data={"csrf_token": _token(tired)}, headers=token)
        assert (answer.status_code, "/account" in answer.headers["Location"]) == (303, True)
        auditor = gossip.signed_in(Role.AUDITOR).go(f"/cases/{case.id}/copy")
        assert auditor.client.post(address, data={"csrf_token": _token(auditor)}, headers=token).status_code == 403


def test_an_unreleased_copy_is_not_to_be_had(gossip: Doors) -> None:
    case = _searched(gossip)
    page = gossip.signed_in(Role.OFFICER).go(f"/cases/{case.id}/copy")
    answer = page.client.post(
        f"/cases/{case.id}/copy/fetch", data={"csrf_token": _token(page)}, headers={"Referer": f"http://localhost/cases/{case.id}/copy"}
    )
    assert answer.status_code == 409
    assert NAME not in answer.get_data(as_text=True)


def test_every_state_of_the_page_says_what_is_next(gossip: Doors) -> None:
    page = gossip.signed_in(Role.OFFICER)
    other = asked(gossip.house, Right.OBJECTION)
    assert "answers requests for access and for portability only" in page.go(f"/cases/{other.id}/copy").text
    done = asked(gossip.house)
    replied(gossip.house, done.id, Reply(Decision.FULFILLED, gossip.house.calendar.day_of(gossip.clock.now())), "officer")
    assert "the person is forgotten" in page.go(f"/cases/{done.id}/copy").text
    fresh = asked(gossip.house)
    page.go(f"/cases/{fresh.id}/copy")
    assert page.client.post(f"/cases/{fresh.id}/copy/begin", data={"csrf_token": _token(page)}).status_code == 400


def test_the_pages_have_no_serious_barrier(chromium: Browser, gossip: Doors) -> None:
    case = _searched(gossip)
    with served(gossip) as address, browsing(chromium, gossip, address, Role.OFFICER, viewport={"width": 380, "height": 800}) as page:
        for path in ("copy", "copy/records"):
            page.goto(f"/cases/{case.id}/{path}")
            assert problems_of(page) == []
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_the_readable_pages_of_a_copy_run_nothing_and_have_no_serious_barrier(chromium: Browser, doors: Doors, tmp_path: Path) -> None:
    case = asked(doors.house)
    begin_copy(doors.house, case.id, "officer")
    doors.work(case.id)
    release(doors.house, case.id, "officer")
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/copy").send("Download the copy", language="en")
    files = _fetched(page)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    about = json.loads(files["about.json"])
    tab = chromium.new_page()
    for name in ("index.html", *(f"{entry['name']}.html" for entry in about["files"])):
        tab.goto(f"file://{tmp_path / name}")
        assert problems_of(tab) == []
    tab.goto(f"file://{tmp_path / 'index.html'}")
    tab.click("text=customers >> xpath=.. >> a")
    assert EMAIL in tab.content()
    tab.close()


def _token(visitor: Visitor) -> str:
    marker = 'name="csrf_token" value="'
    return visitor.text.split(marker, 1)[1].split('"', 1)[0]
