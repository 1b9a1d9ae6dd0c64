"""A requester gets a copy of their data at the portal: from the request to the download, and not a moment longer than they may."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta

import pytest

from dsr_engine.workflow.access.beginning import begin_copy
from dsr_engine.workflow.access.bounds import LASTS
from dsr_engine.workflow.access.reviewing import release, take_back
from dsr_engine.workflow.chores import do_chores
from tests.servers.smtp_server import SmtpServer
from tests.web.portals import Portal, portal_of
from tests.web.visiting import Visitor
from tests.workflow.company import BOB, EMAIL, NAME, Company


@pytest.fixture
def portal(shop: Company, smtp_server: SmtpServer) -> Iterator[Portal]:
    with portal_of(shop, smtp_server) as found:
        yield found


def _released(portal: Portal) -> tuple[str, str]:
    """A case of somebody who asked at the portal, with its copy released, and their private link."""
    portal.confirmed(what="access")
    (case,) = portal.cases()
    begin_copy(portal.doors.house, case.id, "officer")
    list(do_chores(portal.doors.house))
    portal.doors.work(case.id)
    release(portal.doors.house, case.id, "officer")
    return case.id, portal.link(EMAIL)


def _inside(portal: Portal, path: str) -> Visitor:
    visitor = portal.doors.visitor().go(path).send("Send me a code")
    return visitor.send("Open", code=portal.code())


def test_the_person_fetches_their_copy_after_a_code(portal: Portal) -> None:
    case, path = _released(portal)
    stranger = portal.doors.visitor().go(path)
    assert stranger.client.get(f"{path}/copy").status_code == 303, "the link alone opens nothing"
    visitor = _inside(portal, path)
    assert f"{path}/copy" in visitor.text
    answer = visitor.client.get(f"{path}/copy")
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (200, "application/zip", "no-store")
    assert EMAIL not in str(answer.headers)
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
        assert json.loads(archive.read("about.json"))["case"] == case
    assert NAME in everything
    assert BOB not in everything
    with portal.doors.house.store.snapshot() as tx:
        assert [data["by"] for _, data in tx.ledger.find("copy.fetched")] == ["requester"]
        assert len(list(tx.ledger.find("copy.made"))) == 1


def test_a_copy_that_was_taken_back_or_is_over_is_not_to_be_had(portal: Portal) -> None:
    case, path = _released(portal)
    visitor = _inside(portal, path)
    take_back(portal.doors.house, case, "officer")
    assert visitor.client.get(f"{path}/copy").status_code == 409
    release(portal.doors.house, case, "officer")
    assert visitor.client.get(f"{path}/copy").status_code == 200
    portal.doors.clock.at += LASTS + timedelta(minutes=1)
    later = _inside(portal, path)
    assert f"{path}/copy" not in later.text
    assert later.client.get(f"{path}/copy").status_code == 409


def test_downloads_that_are_broken_off_make_room_for_the_next(portal: Portal) -> None:
    _, path = _released(portal)
    visitor = _inside(portal, path)
    first, second = (visitor.client.get(f"{path}/copy", buffered=False) for _ in range(2))
    assert next(iter(first.response))
    full = visitor.client.get(f"{path}/copy")
    assert (full.status_code, "in a few minutes" in full.get_data(as_text=True)) == (409, True)
    first.close()
    second.close()
    assert visitor.client.get(f"{path}/copy").status_code == 200
