"""`dsr hold`, `dsr stop`, `dsr sweep`, `dsr worker`: what protects, what halts, and what runs by itself."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, Company, others, snapshot
from tests.cli.conftest import Dsr


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    return home


def test_a_hold_keeps_what_it_covers_until_it_is_lifted(dsr: Dsr, declared: Path, company: Company) -> None:
    before = snapshot(company)
    said = dsr("--home", declared, "hold", "add", "--reason", "M-17", "--system", "shop", "--by", "counsel")
    assert said.code == 0
    erase = (
        "--home",
        declared,
        "erase",
        "--email",
        EMAIL,
        "--policy",
        "one-shot",
        "--ground",
        "purpose_over",
        "--in",
        company.shop,
        "--yes",
        "--json",
    )
    dsr(*erase)
    assert snapshot(company) == before
    held = json.loads(dsr("--home", declared, "hold", "list", "--json").out)
    assert [row["reason"] for row in held] == ["M-17"]
    lift = ("--home", declared, "hold", "lift", held[0]["hold"])
    assert dsr(*lift, "--reason", "M-17 was settled", "--by", "counsel").code == 0
    assert [row["state"] for row in json.loads(dsr("--home", declared, "hold", "list", "--json").out)] == ["lifting"]
    assert dsr(*lift, "--confirm", "--by", "head of legal").code == 0
    assert json.loads(dsr("--home", declared, "hold", "list", "--json").out) == []
    assert len(json.loads(dsr("--home", declared, "hold", "list", "--all", "--json").out)) == 1


@pytest.mark.parametrize(
    "what",
    [
        ("--system", "shpo"),
        ("--collection", "shpo.customers"),
        ("--collection", "customers"),
        ("--case", "nosuch"),
        ("--category", "user.contcat"),
        (),
    ],
)
def test_a_hold_on_nothing_is_refused_because_it_would_look_like_protection(dsr: Dsr, declared: Path, what: tuple[str, ...]) -> None:
    said = dsr("--home", declared, "hold", "add", "--reason", "M-17", *what)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert json.loads(dsr("--home", declared, "hold", "list", "--json").out) == []


def test_the_brake_stops_every_effect_until_it_is_released(dsr: Dsr, declared: Path, company: Company) -> None:
    before = snapshot(company)
    assert dsr("--home", declared, "stop").code == 0
    erase = (
        "--home",
        declared,
        "erase",
        "--email",
        EMAIL,
        "--policy",
        "one-shot",
        "--ground",
        "purpose_over",
        "--in",
        company.shop,
        "--yes",
        "--json",
    )
    said = dsr(*erase)
    assert (said.code, json.loads(said.out)["wait"]["code"]) == (3, "stopped")
    assert snapshot(company) == before
    assert dsr("--home", declared, "stop", "--resume").code == 0
    assert dsr(*erase).code == 0
    after = snapshot(company)
    assert EMAIL not in str([after[place] for place in ("customers 77", "tickets 1")]).casefold()
    assert others(after) == others(before)


def test_the_brake_of_a_system_that_is_not_there_is_refused(dsr: Dsr, declared: Path) -> None:
    assert dsr("--home", declared, "stop", "shpo").code == 2


_AGEING = """\
connector: ageing
driver: sql
collections:
  leads:
    key: id
    fields:
      email: {category: user.contact.email, selects: email}
      seen: {starts: retention}
"""
_RETENTION = """\
policy: retention
owner: us
regimes: [gdpr]
rules:
  - name: old leads
    when: {collection: crm.leads}
    keep: {for: 2 years, from: seen}
    then: delete
sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 50, max_share: 100%, first_runs_dry: 1}
"""


def _leads(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as crm:
        return [id_ for (id_,) in crm.execute("SELECT id FROM leads ORDER BY id")]


def test_a_sweep_is_dry_when_asked_and_on_its_first_runs_and_then_takes_only_what_is_old(dsr: Dsr, home: Path, tmp_path: Path) -> None:
    crm = tmp_path / "crm.db"
    with closing(sqlite3.connect(crm)) as connection, connection:
        connection.execute("CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, seen DATE)")
        connection.executemany(
            "INSERT INTO leads VALUES (?, ?, ?)", [(1, "old@x.org", "2001-01-01"), (2, "new@x.org", "2999-01-01"), (3, "no@x.org", None)]
        )
    (home / "connectors" / "ageing.yaml").write_text(_AGEING, encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  crm: {{connector: ageing, url: "sqlite:///{crm}"}}\n', encoding="utf-8")
    (home / "policies" / "retention.yaml").write_text(_RETENTION, encoding="utf-8")
    dry = dsr("--home", home, "sweep", "retention", "--dry-run", "--json")
    assert dry.code == 0, dry.all
    assert json.loads(dry.out)["is_dry"] is True
    assert json.loads(dry.out)["plan"]["affected"] == 1
    assert json.loads(dry.out)["due"] == [{"system": "crm", "collection": "leads", "rule": "old leads", "records": 1, "of": 3}]
    (unknown,) = json.loads(dry.out)["unknown_start"]
    assert (unknown["collection"], unknown["records"]) == ("leads", 1)
    assert _leads(crm) == [1, 2, 3]
    told = dsr("--home", home, "sweep", "retention", "--dry-run")
    assert (told.code, "Due when the sweep began" in told.out) == (0, True), told.all
    said = dsr("--home", home, "sweep", "retention", "--json")
    assert said.code == 0, said.all
    assert [(done["tranche"], done["affected"]) for done in json.loads(said.out)["tranches"]] == [(1, 1)]
    assert _leads(crm) == [2, 3]
    shown = dsr("--home", home, "sweep", "retention")
    assert "Start unknown, never erased by a sweep" in shown.out


def test_a_sweep_of_a_policy_without_one_is_refused(dsr: Dsr, declared: Path) -> None:
    assert dsr("--home", declared, "sweep", "one-shot").code == 2
    assert "known are" in dsr("--home", declared, "sweep", "nosuch").err


def test_a_worker_takes_a_case_as_far_as_it_goes_and_leaves(dsr: Dsr, declared: Path) -> None:
    opened = dsr(
        "--home",
        declared,
        "case",
        "open",
        "--email",
        EMAIL,
        "--policy",
        "one-shot",
        "--ground",
        "purpose_over",
        "--vouch",
        "--by",
        "officer",
        "--json",
    )
    case = json.loads(opened.out)["case"]
    assert dsr("--home", declared, "worker", "--once").code == 0
    assert json.loads(dsr("--home", declared, "case", "show", case, "--json").out)["stage"] == "closed"
