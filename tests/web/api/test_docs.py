"""What is written about the API is true: the page, the document, the sample for receivers, and the lines of the README, which are run here."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from dsr_engine.delivery.signing import SIGNATURE, TIMESTAMP, signed_headers
from dsr_engine.domain.case import Stage
from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.api.docs import RECEIVER
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.users.accounts import add_user
from dsr_engine.workflow.users.tokens import make_token
from tests.servers.lifecycle import program as installed
from tests.web.api.calling import Program
from tests.web.conftest import Doors, browsing
from tests.web.test_looks import problems_of
from tests.workflow.company import EMAIL

README = Path(__file__).resolve().parents[3] / "README.md"


def _section() -> str:
    return README.read_text(encoding="utf-8").partition("### From a program\n")[2].partition("\n## ")[0]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.places.add(found.get("id") or "")
        self.targets += [value for name in ("href", "src", "action") if (value := found.get(name))]


def test_every_link_of_the_page_leads_somewhere_here(doors: Doors) -> None:
    client = doors.visitor().client
    page = client.get("/api/v1")
    links = _Links()
    links.feed(page.get_data(as_text=True))
    assert len(links.targets) > 40
    for target in links.targets:
        if target.startswith("#"):
            assert target[1:] in links.places, target
        else:
            assert target.startswith("/"), target
            with client.get(target) as answer:
                assert answer.status_code in (200, 303), target
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_document_is_of_version_3_1_and_names_only_what_it_has(doors: Doors) -> None:
    found = doors.visitor().client.get("/api/v1/openapi.json").get_json()
    assert found["openapi"].startswith("3.1.")
    operations = [each for path in found["paths"].values() for name, each in path.items() if name in ("get", "post")]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert all(each["security"] == [{"token": []}] and each["x-permission"] in set(Permission) for each in operations)
    for name in set(_references(found)):
        part: Any = found
        for word in name.removeprefix("#/").split("/"):
            part = part[word]


def _references(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        yield from (value for key, value in found.items() if key == "$ref" and isinstance(value, str))
        for value in found.values():
            yield from _references(value)
    elif isinstance(found, list):
        for value in found:
            yield from _references(value)


def test_the_page_is_for_everybody(chromium: Browser, doors: Doors, address: str) -> None:
    with browsing(chromium, doors, address, viewport={"width": 380, "height": 800}, color_scheme="dark") as page:
        page.goto("/api/v1")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        assert problems_of(page) == []


def test_the_sample_for_receivers_lets_in_what_we_send_for_five_minutes_and_nothing_else() -> None:
    names: dict[str, Any] = {}
    exec(RECEIVER, names)  # it is what the page tells people to run
    secret, body, now = b"0123456789abcdef", b'{"kind": "case.stage"}', int(time.time())

    def lets_in(at: int, sent: bytes = body, signature: str = "", timestamp: str = "") -> bool:
        headers = signed_headers(secret, body, at)
        found: bool = names["verify_signature"](secret, timestamp or headers[TIMESTAMP], sent, signature or headers[SIGNATURE])
        return found

    assert lets_in(now)
    assert lets_in(now - 290)
    assert not lets_in(now - 301)
    assert not lets_in(now + 302)
    assert not lets_in(now, sent=body + b" ")
    assert not lets_in(now, signature="sha256=\u00e9")
    assert not lets_in(now, timestamp="\u00b2")


def test_the_readme_has_the_sample_of_the_page() -> None:
    assert RECEIVER in re.sub(r"^ {4}", "", _section(), flags=re.MULTILINE)


@contextmanager
def _colleagues(doors: Doors, was_shown: Path) -> Iterator[None]:
    """A worker, and somebody who approves what waits for it when the plan was shown."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.05):
            house = doors.keeper.house()
            with house.store.snapshot() as tx:
                cases = [(case, tx.plans.latest(case.id) if case.stage is Stage.APPROVE else None) for case in tx.cases.list()]
            for case, plan in cases:
                if was_shown.exists() and plan is not None and case.wait is not None and case.wait.code == "approval.missing":
                    give_approval(house, case.id, plan.digest(), "ben", accept_gaps=False)
                if case.stage is not Stage.CLOSED:
                    doors.work(case.id)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def test_the_lines_of_the_readme_carry_a_case_from_request_to_certificate(doors: Doors, address: str, tmp_path: Path) -> None:
    script = "\n".join(line[4:] for line in _section().partition("\nEvery POST carries")[0].splitlines())
    officer = add_user(doors.house, "ann", [Role.OFFICER], "tests")
    add_user(doors.house, "ben", [Role.APPROVER], "tests")
    wanted = (Permission.CASE_READ, Permission.CASE_WRITE, Permission.CERTIFICATE_READ, Permission.METRICS_READ)
    token = make_token(doors.house, officer, "a program", wanted, 30).reveal()
    script = script.replace("http://127.0.0.1:8080", address).replace("TOKEN=dsr_\u2026", f"TOKEN={token}").replace("sleep 2", "sleep 0.1")
    script = script.replace("ada@example.org", EMAIL).replace('"customer-data"', '"ours"')  # the people and policies of this company
    assert token in script
    installed("curl", install="apt-get install curl")
    script = re.sub(r"/plan\b.*", "/plan; touch shown", script)
    with _colleagues(doors, tmp_path / "shown"):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "certificate.pdf").read_bytes().startswith(b"%PDF-")
    assert "dsr_cases_closed" in done.stdout
    assert EMAIL not in done.stdout
    assert Program(doors.app.test_client(), token).get("/cases").status_code == 200
