"""Every page that a role can reach by links, at a company whose data, names and texts try to become a part of the page that shows them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser
from werkzeug.test import TestResponse

from dsr_engine.domain.case import Stage
from dsr_engine.domain.user import Role
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.drawing_up import Wanted, drawn_up
from dsr_engine.workflow.holds.placing import place_hold
from tests.servers.postgres import PostgresServer
from tests.web.conftest import Doors, browsing, doors_of, served
from tests.web.payloads import PAYLOADS, breaches_of, links_of
from tests.web.test_looks import problems_of
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, POLICY, Company, founded
from tests.workflow.journeys import WORKER, approved, carried_through, opened_for, waits_for

#: Pages of one view that are looked at; further ones show other data in the same words.
_EACH = 6
_ODD = PAYLOADS[2]
_CAROL = "carol.quist@example.net"


def _shop(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def fill(company: Company) -> None:
    """Two hundred payloads as keys and values of rows, names of files, subjects of mails; some as names of tables, columns and folders."""
    rows = ", ".join(f"({_text(payload)}, {_text(f'{payload} {EMAIL} {NAME} {payload}')})" for payload in PAYLOADS)
    others = ", ".join(f"({_text(BOB + payload)}, {_text(payload)})" for payload in PAYLOADS)
    company.sql(
        f"CREATE TABLE remarks (id TEXT PRIMARY KEY, remark TEXT); INSERT INTO remarks VALUES {rows}; INSERT INTO remarks VALUES {others};"
        f"CREATE TABLE {_shop(_ODD)} ({_shop(_ODD)} TEXT PRIMARY KEY, email TEXT); INSERT INTO {_shop(_ODD)} VALUES ({_text(_ODD)}, {_text(EMAIL)});"
        f"INSERT INTO customers VALUES (20, '{_CAROL}', 'Carol Quist');"
    )
    company.add_mail()
    company.add_files()
    for number, payload in enumerate(PAYLOADS):
        head = f"From: {BOB}\nTo: shop@example.com\nSubject: =?utf-8?q?{_quoted(payload)}?=\n"
        company.deliver(f"{head}Content-Disposition: attachment; filename*=utf-8''{number}\n\n{payload} {EMAIL}\n", f"x{number}.mail.host")
        (company.files / f"{number:03} {payload.replace('/', chr(0x2215))}.txt").write_text(f"{payload} {EMAIL}", encoding="utf-8")
    company.policy(POLICY.replace("The tests' policy.", json.dumps(PAYLOADS[10])))


def _quoted(text: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode())


def _busy(doors: Doors) -> Doors:
    """Brings cases there that are open, searched, planned and carried through, a hold, and a person who is called like a script."""
    house = doors.house
    opened_for(house, ("email", "someone@example.net"), ("name", PAYLOADS[0]))
    run_case(house, opened_for(house, ("name", NAME)).id, WORKER)
    gone = carried_through(house, opened_for(house, ("email", _CAROL)))
    assert waits_for(gone) == "coverage.gap"  # files that begin like XML or JSON and are none
    approved(house, gone, accept_gaps=True)
    assert carried_through(house, gone).stage is Stage.CLOSED
    assert waits_for(run_case(house, opened_for(house).id, WORKER)) == "coverage.gap"
    hold, keys = drawn_up(house, Wanted(PAYLOADS[4], PAYLOADS[6], system="shop"), "counsel")
    place_hold(house, hold, keys)
    return doors


@pytest.fixture(scope="module")
def troubled(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """The doors of such a company."""
    company = founded(empty_home, tmp_path_factory.mktemp("troubled") / "company")
    fill(company)
    with doors_of(company) as doors:
        yield _busy(doors)


class Walk:
    """Follows links from page to page, and looks at each."""

    def __init__(self, doors: Doors, visitor: Visitor) -> None:
        self._visitor = visitor
        self._match = doors.app.url_map.bind("localhost").match
        self._seen: set[str] = set()
        self.pages: dict[str, list[str]] = defaultdict(list)
        self.amiss: list[str] = []

    def from_here(self, *starts: str) -> None:
        ahead = list(starts)
        while ahead:
            path = ahead.pop(0)
            if path not in self._seen:
                self._seen.add(path)
                ahead += self._looked(path)

    def _looked(self, path: str) -> Iterable[str]:
        view, _ = self._match(path.partition("?")[0], method="GET")
        # A stream of progress lasts as long as somebody looks.
        if len(self.pages[view]) == _EACH or path.endswith("/events"):
            return ()
        page = self._visitor.client.get(path)
        text = page.get_data(as_text=True) if (page.mimetype or "").startswith("text/") else ""
        self._judge(path, page, text)
        if page.status_code in (302, 303):
            return [page.headers["Location"]]
        if page.mimetype != "text/html":
            return ()
        if page.status_code == 200:
            self.pages[view].append(path)
        self._ask(path, text)
        return links_of(text)

    def _ask(self, path: str, text: str) -> None:
        """Sends the forms that only ask, with payloads in every field, and those that show masked records."""
        for form in forms_of(text):
            address = form.action.partition("#")[0] or path.partition("?")[0]
            for payload in PAYLOADS[len(self._seen) % 40 :: 40] if form.method == "get" and form.fields else ():
                answer = self._visitor.client.get(address, query_string=dict.fromkeys(form.fields, payload))
                self._judge(f"{address} with {payload}", answer, answer.get_data(as_text=True))
            if address.endswith(("/look", "/samples", "/count")):
                answer = self._visitor.client.post(address, data=form.fields, follow_redirects=True)
                assert answer.status_code == 200, address
                self._judge(address, answer, answer.get_data(as_text=True))
                self.pages[address.rpartition("/")[2]].append(address)

    def _judge(self, path: str, page: TestResponse, text: str) -> None:
        # The portal says so where a company cannot send mail.
        if page.status_code >= (500 if " with " in path else 400) and not (page.status_code == 503 and path.startswith("/portal")):
            self.amiss.append(f"{path}: {page.status_code}")
        if "store.refused" in text:
            self.amiss.append(f"{path}: the database refused a statement")
        if page.mimetype == "text/html":
            self.amiss += [f"{path}: {breach}" for breach in breaches_of(text)]
        self.amiss += [f"{path}: shows {value}" for value in (EMAIL, BOB, PHONE, _CAROL) if value in text]


def _walked(doors: Doors, role: Role) -> Walk:
    walk = Walk(doors, doors.signed_in(role))
    walk.from_here("/", "/portal", "/check")
    return walk


@pytest.mark.parametrize("role", list(Role))
def test_no_value_becomes_a_part_of_a_page_and_no_page_shows_whom_a_case_is_about(troubled: Doors, role: Role) -> None:
    walk = _walked(troubled, role)
    assert walk.amiss == []
    assert len(walk.pages) > 20, sorted(walk.pages)
    if role is Role.OFFICER:
        assert {"look", "samples", "cases.show", "plans.show", "findings.show"} <= set(walk.pages)


@pytest.mark.slow
def test_every_page_is_there_when_the_store_is_in_postgresql(shop: Company, postgres_server: PostgresServer, postgres_database: str) -> None:
    shop.keep_store_in(postgres_server.url(postgres_database))
    fill(shop)
    with doors_of(shop) as doors:
        _busy(doors)
        for role in Role:
            assert _walked(doors, role).amiss == [], role


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_has_no_serious_barrier_and_fits_its_window(chromium: Browser, troubled: Doors, scheme: str) -> None:
    """Axe-core, in each role once for each view that no role before it has; wide in light, as narrow as a phone in dark."""
    said: list[str] = []
    amiss: list[str] = []
    looked_at: set[str] = set()
    size = {"light": {"width": 1280, "height": 900}, "dark": {"width": 380, "height": 800}}[scheme]
    with served(troubled) as address:
        for role in Role:
            with ThreadPoolExecutor(1) as walker:
                pages = walker.submit(_walked, troubled, role).result().pages
            views = {view: paths[-1] for view, paths in pages.items() if paths and view not in looked_at and "." in view}
            looked_at |= set(views)
            with browsing(chromium, troubled, address, role, color_scheme=scheme, viewport=size) as page:
                page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
                for path in views.values():
                    page.goto(path)
                    amiss += [f"{path}: {problem}" for problem in problems_of(page)]
                    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    amiss += [f"{path} is {width} points wider than the window"] if width > 0 else []
    assert (amiss, said) == ([], [])
    assert len(looked_at) > 50


def test_what_is_asked_for_and_does_not_exist_does_not_come_back_as_a_part_of_the_page(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR)
    for rule in doors.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.arguments:
            continue
        for payload in PAYLOADS[::40]:
            path = rule.rule
            for argument in rule.arguments:
                start = path.rindex("<", 0, path.index(f"{argument}>"))
                path = path[:start] + quote(payload, safe="") + path[path.index(">", start) + 1 :]
            page = visitor.client.get(path)
            assert page.status_code in (302, 303, 308, 400, 401, 403, 404), path
            assert page.mimetype != "text/html" or breaches_of(page.get_data(as_text=True)) == [], path
