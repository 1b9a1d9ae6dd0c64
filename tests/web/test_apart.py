"""A house that runs apart: two servers that only answer, two workers, one store in PostgreSQL, each in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.user import Role
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import add_user
from tests.servers.lifecycle import free_port
from tests.servers.postgres import PostgresServer
from tests.web.conftest import PASSWORD
from tests.web.visiting import forms_of
from tests.workflow.company import BOB, EMAIL, Company
from tests.workflow.journeys import approved, working

_DSR = Path(sys.executable).with_name("dsr")
_PATIENCE = 120
_FORM = {"policy": "ours", "vouch": "on", "category": "user", "ground": "purpose_over"}


class _Browser:
    """Somebody who goes from one server to the other with the same cookies, as behind a balancer of load."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self._cookies: dict[str, str] = {}
        self.text = ""
        self.path = ""

    def go(self, path: str, at: int = 0) -> "_Browser":
        return self._take(httpx.get(self._addresses[at] + path, cookies=self._cookies, timeout=30), at)

    def send(self, button: str, at: int = 0, **values: str) -> "_Browser":
        [form] = [form for form in forms_of(self.text) if button in form.buttons]
        target = urljoin(self._addresses[at] + self.path, form.action)
        return self._take(httpx.post(target, data={**form.fields, **values}, cookies=self._cookies, timeout=30), at)

    def _take(self, page: httpx.Response, at: int) -> "_Browser":
        self._cookies.update(page.cookies)
        if page.is_redirect:
            return self.go(page.headers["Location"], at)
        assert page.status_code == 200, (str(page.url), page.text)
        self.text, self.path = page.text, page.url.raw_path.decode()
        return self


@contextmanager
def _running(company: Company, log: Path, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [_DSR, "--home", str(company.home), *words], stdout=lines, stderr=lines, env={**os.environ, **company.environment, "COLUMNS": "160"}
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)


def _until(what: str, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end, f"never {what}"
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def apart(shop: Company, postgres_server: PostgresServer, postgres_database: str) -> Company:
    """A company whose store is in PostgreSQL."""
    shop.keep_store_in(postgres_server.url(postgres_database))
    return shop


def _case(house: House, case: str) -> Case:
    with house.store.snapshot() as tx:
        return tx.cases.get(case)


def _watcher(house: House) -> str:
    with house.store.snapshot() as tx:
        held = tx.jobs.holder()
    return held[0] if held else ""


@pytest.mark.slow
def test_two_servers_and_two_workers_are_one_house_and_one_of_them_watches_the_clock(apart: Company, tmp_path: Path) -> None:
    with working(apart) as house:
        add_user(house, "ann", [Role.OFFICER], "tests", password=PASSWORD)
    ports = [free_port(), free_port()]
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    with ExitStack() as stack:
        for number, port in enumerate(ports):
            stack.enter_context(_running(apart, tmp_path / f"serve{number}.log", "serve", "--no-worker", "--listen", f"127.0.0.1:{port}"))
        workers = [stack.enter_context(_running(apart, tmp_path / f"worker{number}.log", "worker", "--pause", "0.3")) for number in (0, 1)]
        for address in addresses:
            _until("answers", partial(_answers, address))

        browser = _Browser(*addresses)
        browser.go("/sign-in").send("Sign in", name="ann", password=PASSWORD)
        browser.go("/cases/new", at=1)
        browser.send("Open the case", at=1, kind="email", value=EMAIL, **_FORM)
        case = browser.path.partition("?")[0].split("/")[2]
        with working(apart) as house:
            _until("planned", lambda: _case(house, case).stage is Stage.APPROVE)
            first = _watcher(house)
            assert first
            approved(house, _case(house, case))
            _until("closed", lambda: _case(house, case).stage is Stage.CLOSED)
            # Whoever watches the clock is killed; the other one watches after a while, and the work goes on.
            killed = next(process for process in workers if f"{process.pid}" in first)
            killed.kill()
            killed.wait()
        assert "ertificate" in browser.go(f"/cases/{case}", at=0).text
        assert apart.rows("SELECT email FROM customers") == [(BOB,)]
        browser.go("/cases/new", at=0)
        browser.send(
            "Open the case", at=0, kind="email", value="nobody@example.org", policy="ours", vouch="on", category="user", ground="purpose_over"
        )
        other = browser.path.partition("?")[0].split("/")[2]
        with working(apart) as house:
            _until("searched by the other worker", lambda: _case(house, other).stage not in (Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.DISCOVER))
        # Signed out at one, signed out at the other.
        browser.go("/desk", at=0).send("Sign out", at=0)
        assert "/sign-in" in browser.go("/desk", at=1).path
