"""How long the server takes when the store is full: 10,000 cases, 1,000,000 leaves of the ledger, on SQLite and on PostgreSQL.

Every page is asked for in every role, and the API is called by a process of its own. The cases are copies of a few that were carried through, the
ledger's tree is computed. `-s` prints the times.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from urllib.request import urlopen

import pytest
from flask import Flask
from sqlalchemy import select

from dsr_engine.bootstrap import create_home
from dsr_engine.domain.user import Role
from dsr_engine.store.tables import certificates, checkpoint, leaf, plan_items
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.tokens import make_token
from tests.benchmarks.full_store import COPY, fill
from tests.servers.postgres import PostgresServer
from tests.web.conftest import Doors, doors_of
from tests.web.visiting import Visitor
from tests.workflow.company import founded
from tests.workflow.journeys import NOON, carried_through, opened_for, planned

CASES, LEAVES = 10_000, 1_000_000
#: Seconds of server time that no page may need.
MOST = 0.3
#: Calls of the API in a second, for so many seconds; seconds within which 99 of 100 have to be answered.
RATE, LASTING, MOST_OF_API = 50, 20, 0.1
#: A stream of events has no end, and papers that were made as files are no pages: those have a test of their own, without a limit.
_NO_PAGES = ("progress.events", "static")
_FILES = (".zip", ".csv", ".json", ".md", ".pdf", ".txt", "/pdf")

#: What lists are asked for beside their beginning.
ASKED = (
    "/cases?state=waiting",
    "/cases?state=open&before=2025-01-01",
    "/cases?q=0a",
    "/certificates?before=1000",
    "/certificates?system=shop&kind=request&state=issued",
    "/certificates?from=2025-03-01&to=2025-03-02",
    "/certificates?state=missing",
    "/certificates/report?year=2025",
    "/ledger?before=500000",
    "/ledger?after=500000",
    "/ledger?kind=effect.done&before=500000",
    "/ledger?kind=certificate.issued",
    "/ledger?kind=case.opened&from=2025-06-01&to=2025-06-03",
    "/ledger?from=2025-03-01&to=2025-03-31",
    "/ledger?from=2025-03-01&to=2025-03-31&kind=plan.made",
    "/ledger/leaf/500000",
    "/records/log?from=2025-03-01&to=2025-03-31",
    "/records/figures?year=2025",
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Doors]:
    folder = tmp_path_factory.mktemp("full")
    create_home(folder / "empty", "Example Ltd")
    company = founded(folder / "empty", folder / "company")
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.run("DROP DATABASE IF EXISTS full_store WITH (FORCE)")
        server.run("CREATE DATABASE full_store")
        company.keep_store_in(server.url("full_store"))
    with doors_of(company) as doors:
        planned(doors.house)
        carried_through(doors.house, opened_for(doors.house))
        fill(doors.house.store, CASES, LEAVES, NOON)
        yield doors


def addresses(app: Flask, house: House) -> list[str]:
    """Every page that can be asked for: with the ids of the first cases, which are no copies, where it is about one thing."""
    with house.store.snapshot() as tx:
        opened = select(leaf.c.about_case).where(leaf.c.kind == "case.opened", leaf.c.dedup_key.not_like(f"%{COPY}%"))
        first = tx.connection.scalars(select(certificates.c.id).order_by(certificates.c.serial).limit(1)).all()
        known: dict[str, list[str]] = {
            "case_id": list(tx.connection.scalars(opened.order_by(leaf.c.position).limit(12))),
            "certificate": list(first),
            "index": ["3"],
            "serial": ["1"],
            "size": [str(size) for size in tx.connection.scalars(select(checkpoint.c.size).order_by(checkpoint.c.size).limit(1))],
            "item_id": list(tx.connection.scalars(select(plan_items.c.id).limit(1))),
            "user_id": [each.id for each in tx.users.list()][:1],
            "form": ["csv", "json"],
            "language": ["en"],
        }
    names = {"systems": house.systems, "connecting": house.systems, "policies.show": house.policies, "policies.law": house.regimes}
    names |= {"api-systems": house.systems, "api-policies": house.policies, "sweeps": house.policies}
    found = []
    adapter = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        if "GET" not in (rule.methods or ()) or rule.endpoint in _NO_PAGES:
            continue
        named = sorted(names.get(rule.endpoint) or names.get(rule.endpoint.partition(".")[0]) or ())
        values = [named[:2] if name == "name" else known.get(name, []) for name in sorted(rule.arguments)]
        for chosen in product(*values):
            found.append(adapter.build(rule.endpoint, dict(zip(sorted(rule.arguments), chosen, strict=True))))
    return found


def seconds(visitor: Visitor, path: str) -> float:
    """The best of three: what the server needs, without what others do on this machine meanwhile."""
    best = 60.0
    for _ in range(3):
        begun = time.perf_counter()
        visitor.page = visitor.client.get(path)
        best = min(best, time.perf_counter() - begun)
    return best


@pytest.mark.benchmark
def test_no_page_keeps_its_reader_waiting(full: Doors) -> None:
    pages = [path for path in addresses(full.app, full.house) if not path.startswith("/api/") and not path.endswith(_FILES)]
    slow = {}
    for role in Role:
        visitor = full.signed_in(role)
        for path in (*pages, *ASKED):
            took = seconds(visitor, path)
            print(f"{took * 1000:8.1f} ms  {visitor.status}  {len(visitor.text) // 1024:5} KiB  {role:14} {path}")
            assert visitor.status != 500, path
            if took > MOST:
                slow[f"{role} {path}"] = round(took, 3)
    assert not slow


@pytest.mark.benchmark
def test_no_file_takes_long(full: Doors) -> None:
    visitor = full.signed_in(Role.AUDITOR)
    for path in (path for path in addresses(full.app, full.house) if not path.startswith("/api/") and path.endswith(_FILES)):
        begun = time.perf_counter()
        answer = visitor.client.get(path)
        print(f"{(time.perf_counter() - begun) * 1000:8.1f} ms  {answer.status_code}  {len(answer.data) // 1024:5} KiB  {path}")
        assert answer.status_code < 500


@contextmanager
def served(home: Path, environment: Mapping[str, str], *arguments: str) -> Iterator[str]:
    """A real `dsr serve` over this home, in a process of its own; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    command = [str(Path(sys.executable).with_name("dsr")), "--home", str(home), "serve", "--listen", listen, *arguments]
    server = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                with urlopen(f"http://{listen}/healthz"):
                    break
            except OSError:
                time.sleep(0.1)
        yield f"http://{listen}"
    finally:
        server.terminate()
        server.wait(timeout=60)


def calls(app: Flask, house: House) -> list[str]:
    """The looks of the API, each with the ids of the first cases."""
    return [path for path in addresses(app, house) if path.startswith("/api/v1/")]


@pytest.mark.benchmark
def test_the_api_answers_at_fifty_calls_in_a_second(full: Doors) -> None:
    user = full.user(Role.AUDITOR)
    tokens = [make_token(full.house, user, f"load {number}", user.permissions, 1).reveal() for number in range(10)]
    asked = json.dumps({"tokens": tokens, "paths": calls(full.app, full.house), "rate": RATE, "seconds": LASTING})
    with served(Path(full.company.home), full.company.environment, "--no-worker") as address:
        done = subprocess.run([sys.executable, "-m", "tests.benchmarks.load", address], input=asked, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    print(json.dumps(told, indent=1))
    # A case without a plan, or a look that wants to be asked for something, is answered too.
    assert set(told["statuses"]) <= {"200", "404", "422"}
    assert told["p99"] < MOST_OF_API
