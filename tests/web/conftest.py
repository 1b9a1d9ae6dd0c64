"""A company with its doors open: the app over its house, visitors in every role, and the same in Chromium."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from playwright.sync_api import Browser, Page, sync_playwright
from waitress import wasyncore
from waitress.server import create_server

from dsr_engine.bootstrap import Keeper, create_home, opened, pin_policy, read_home
from dsr_engine.domain.case import Case
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.user import Role, User
from dsr_engine.web.app import create_app
from dsr_engine.web.guard import SECRET
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import add_user
from dsr_engine.workflow.users.signing_in import open_session
from tests.servers.lifecycle import program
from tests.web.visiting import Visitor
from tests.workflow.company import Company, founded
from tests.workflow.journeys import NOON, WORKER, Serial, review_holds

PASSWORD = "correct horse battery staple"
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@dataclass(frozen=True)
class Doors:
    """An open house and the app in front of it."""

    app: Flask
    house: House
    keeper: Keeper
    company: Company
    clock: FixedClock

    def user(self, role: Role, name: str = "") -> User:
        """The account of somebody in this role, made at first use; called as the role is, if nothing else is said."""
        with self.house.store.snapshot() as tx:
            found = tx.users.find(name or role.value)
        return found or add_user(self.house, name or role.value, [role], "tests")

    def work(self, case_id: str) -> Case:
        """Runs a case as the worker beside the server does, in a thread of its own."""
        with ThreadPoolExecutor(1) as worker:
            return worker.submit(run_case, self.keeper.house(), case_id, WORKER).result()

    def visitor(self) -> Visitor:
        """Somebody without an account."""
        return Visitor(self.app.test_client())

    def signed_in(self, role: Role, name: str = "", *, is_confirmed: bool = True) -> Visitor:
        """Somebody in this role, who proved a second factor a moment ago unless told otherwise."""
        client = self.app.test_client()
        secret = self.secret(role, name, is_confirmed=is_confirmed)
        with client.session_transaction() as cookie:
            cookie[SECRET] = secret
        return Visitor(client)

    def secret(self, role: Role, name: str = "", *, is_confirmed: bool = True) -> str:
        user = self.user(role, name)
        with self.house.store.transaction() as tx:
            return open_session(tx, self.house, user, is_confirmed=is_confirmed).reveal()


class _Compiled(BytecodeCache):
    """Keeps compiled templates for all tests of this process: each app would compile its own anew."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


@contextmanager
def doors_of(company: Company, clock: FixedClock | None = None) -> Iterator[Doors]:
    """The doors of this company, as its files say."""
    home = read_home(company.home, {**os.environ, **company.environment}, allow_gaps=True)
    pin_policy(home, home.declared.policies["ours"])
    clock = clock or FixedClock(NOON)
    with opened(home, clock, executor=Serial()) as house:
        review_holds(house)
        keeper = Keeper(house, home, {**os.environ, **company.environment})
        app = create_app(keeper)
        app.jinja_env.bytecode_cache = _COMPILED
        yield Doors(app, house, keeper, company, clock)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("empty") / "home"
    create_home(home, "Example Ltd")
    return home


@pytest.fixture
def shop(empty_home: Path, tmp_path: Path) -> Company:
    """A company that has a database only."""
    return founded(empty_home, tmp_path / "company")


@pytest.fixture
def doors(shop: Company) -> Iterator[Doors]:
    """The doors of a company that has a database only."""
    with doors_of(shop) as found:
        yield found


# --- Chromium ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def chromium() -> Iterator[Browser]:
    """A browser for one test. While it is open this thread has an event loop, in which papers cannot be signed: cases run by `Doors.work`."""
    path = program("chromium", install="apt-get install chromium", extra=("/usr/bin/chromium-browser", "/usr/bin/google-chrome"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(doors: Doors) -> Iterator[str]:
    """The app on a free port of this machine, as `dsr serve` serves it; gives its address."""
    with answering(create_server(doors.app, listen="127.0.0.1:0", threads=8, ident="")) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def answering(server: Any) -> Iterator[int]:
    """Lets this server of Waitress answer in a thread; gives its port. Its sockets are closed when nobody looks at them any more."""
    is_over = threading.Event()

    def loop() -> None:
        while not is_over.is_set():
            wasyncore.loop(timeout=0.1, map=server._map, count=1)

    thread = threading.Thread(target=loop, name="tests-web", daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        is_over.set()
        thread.join(timeout=10)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(server._map)


@pytest.fixture
def address(doors: Doors) -> Iterator[str]:
    """Where the doors are for a real browser."""
    with served(doors) as found:
        yield found


@contextmanager
def browsing(chromium: Browser, doors: Doors, address: str, role: Role | None = None, **options: Any) -> Iterator[Page]:
    """A page of a fresh browser, of somebody in this role (None: a visitor)."""
    context = chromium.new_context(base_url=address, **options)
    if role is not None:
        signer = doors.app.session_interface.get_signing_serializer(doors.app)  # type: ignore[attr-defined]  # Flask's own cookies
        value = signer.dumps({SECRET: doors.secret(role), "_permanent": True})
        context.add_cookies([{"name": doors.app.config["SESSION_COOKIE_NAME"], "value": value, "url": address}])
    try:
        yield context.new_page()
    finally:
        context.close()
