"""The pages about one system, policy, law, hold, recipient and incident, as a browser shows them: no serious barrier, no sideways scrolling."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from dsr_engine.domain.incident import IncidentKind
from dsr_engine.domain.user import Role
from dsr_engine.web.bench import bench
from dsr_engine.workflow.incidents import open_incident
from tests.web.conftest import Doors, browsing
from tests.web.test_looks import problems_of
from tests.workflow.journeys import NOON, carried_through, opened_for
from tests.workflow.telling import MANUAL, entry, register

_TABLES = """\
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE TABLE visits (id INTEGER PRIMARY KEY, person_id INTEGER, host INTEGER REFERENCES people (id), note TEXT);
INSERT INTO people VALUES (1, 'zoe.quist@example.org', 'Zoe Quist');
"""


def _connected(doors: Doors) -> list[str]:
    """A system that is being connected as far as its draft; its pages."""
    path = doors.company.folder / "crm.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_TABLES)
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/sqlite")
    visitor.send("Go on to the test", name="crm", owner="sales", url=f"sqlite:///{path}", inside="1")
    for button in ("Test it", "Draft it"):
        visitor.send(button)
        with doors.app.app_context():
            bench().rest()
        visitor.go("/connecting/to/crm")
    visitor.go("/systems/shop").send("Check now").send("Ask which it takes").go("/policies/ours").send("Count")
    with doors.app.app_context():
        bench().rest()
    steps = [f"/connecting/to/crm{rest}" for rest in ("", "/map", "/fields?of=visits", "/text")]
    return ["/connecting/new/postgresql", *steps, "/systems/shop", "/policies/ours", "/policies/laws/gdpr"]


def _told(doors: Doors) -> list[str]:
    """A hold, a case with recipients and an incident; their pages."""
    register(doors.company, payroll=entry("Payroll Ltd", more=MANUAL))
    house = doors.keeper.house()
    case = carried_through(house, opened_for(house))
    incident = open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON - timedelta(hours=1), "officer")
    officer = doors.signed_in(Role.OFFICER).go("/holds/new").send("Place the hold", reason="M-17", system="shop")
    return [officer.path, f"/recipients/cases/{case.id}", f"/incidents/{incident.id}", f"/policies/texts/{house.policies['ours'].source.digest}"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), pytest.param("dark", 380, marks=pytest.mark.slow)])
def test_the_pages_about_one_thing_have_no_serious_barrier(chromium: Browser, doors: Doors, address: str, scheme: str, width: int) -> None:
    pages = {Role.OFFICER: _told(doors), Role.ADMINISTRATOR: _connected(doors)}
    for role, paths in pages.items():
        with browsing(chromium, doors, address, role, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
            for path in paths:
                answer = page.goto(path)
                assert answer is not None
                assert answer.status == 200, path
                assert problems_of(page) == [], path
                assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
