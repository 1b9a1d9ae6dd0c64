"""`dsr hold` and `dsr restricted` as a privacy officer uses them: one person places, another confirms, and nothing personal is printed."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, TRACES, Company, snapshot
from tests.cli.conftest import Dsr, Said


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    return home


def _erase(dsr: Dsr, home: Path, company: Company) -> Said:
    words = ("erase", "--email", EMAIL, "--policy", "one-shot", "--ground", "purpose_over", "--in", company.shop, "--yes", "--json")
    return dsr("--home", home, *words)


def _listed(dsr: Dsr, home: Path, *words: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(dsr("--home", home, "hold", "list", "--json", *words).out)
    return found


def test_a_person_is_held_without_being_named_anywhere(dsr: Dsr, declared: Path, company: Company) -> None:
    before = snapshot(company)
    said = dsr("--home", declared, "hold", "add", "--reason", "dispute", "--matter", "Roe v. Teahouse", "--email", EMAIL, "--by", "counsel")
    assert said.code == 0, said.all
    assert "hold confirm" in said.out
    _erase(dsr, declared, company)
    assert snapshot(company) == before
    (row,) = _listed(dsr, declared)
    assert (row["person"], row["state"], row["matter"]) == (True, "placed", "Roe v. Teahouse")
    everything = said.all + dsr("--home", declared, "hold", "list").all
    assert not [trace for trace in TRACES if trace in everything.lower()]
    assert _listed(dsr, declared, "--matter", "another") == []


def test_two_people_are_needed_for_each_step(dsr: Dsr, declared: Path) -> None:
    assert dsr("--home", declared, "hold", "add", "--reason", "audit", "--from", "2024-01-01", "--until", "2024-12-31", "--by", "ann").code == 0
    hold = str(_listed(dsr, declared)[0]["hold"])
    same = dsr("--home", declared, "hold", "confirm", hold, "--by", "ann")
    assert (same.code, "somebody else has to" in same.err) == (2, True)
    assert dsr("--home", declared, "hold", "confirm", hold, "--by", "ben").code == 0
    assert dsr("--home", declared, "hold", "lift", hold, "--confirm", "--by", "ben").code == 3
    assert dsr("--home", declared, "hold", "lift", hold, "--reason", "the audit is over", "--by", "ann").code == 0
    assert dsr("--home", declared, "hold", "lift", hold, "--confirm", "--by", "ann").code == 2
    assert dsr("--home", declared, "hold", "lift", hold, "--refuse", "--by", "ben").code == 0
    assert [row["state"] for row in _listed(dsr, declared)] == ["confirmed"]
    assert dsr("--home", declared, "hold", "lift", hold, "--reason", "the audit is over", "--by", "ann").code == 0
    assert dsr("--home", declared, "hold", "lift", hold, "--confirm", "--by", "ben").code == 0
    assert _listed(dsr, declared) == []
    assert len(_listed(dsr, declared, "--all")) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--from", "2024-02-01", "--until", "2024-01-01"),
        ("--from", "yesterday"),
        ("--email", "nobody"),
        ("--selector", "customer_id"),
        (),
    ],
)
def test_a_hold_that_cannot_be_meant_is_refused(dsr: Dsr, declared: Path, words: tuple[str, ...]) -> None:
    assert dsr("--home", declared, "hold", "add", "--reason", "M-1", *words).code == 2
    assert _listed(dsr, declared) == []


def test_a_new_home_erases_nothing_until_the_holds_were_reviewed_and_says_what_to_do(dsr: Dsr, tmp_path: Path, company: Company) -> None:
    before, home = snapshot(company), tmp_path / "new"
    assert dsr("init", home).code == 0
    said = _erase(dsr, home, company)
    waits = json.loads(said.out)["wait"]
    assert (said.code, waits["code"]) == (3, "holds.unreviewed")
    assert "dsr hold attest" in waits["needs"]
    assert snapshot(company) == before
    assert dsr("--home", home, "hold", "attest").code == 2  # nobody is there to be asked
    told = dsr("--home", home, "hold", "attest", "--looked-at", "the list of disputes", "--by", "counsel")
    assert (told.code, "0 hold(s) in force" in told.out) == (0, True)
    assert _erase(dsr, home, company).code == 0
    assert snapshot(company) != before


def test_what_stays_is_listed_with_its_ground_its_end_and_what_it_may_be_used_for(dsr: Dsr, declared: Path, company: Company) -> None:
    with closing(sqlite3.connect(company.shop)) as connection:
        connection.executescript(
            f"CREATE TABLE invoices (number TEXT PRIMARY KEY, email TEXT, at DATE); INSERT INTO invoices VALUES ('R-1', '{EMAIL}', '2026-03-05');"
        )
        connection.commit()
    connector = "connector: books\ndriver: sql\ncollections:\n  invoices:\n    key: [number]\n    fields:\n"
    connector += "      email: {category: user.contact.email, selects: email}\n      at: {starts: retention}\n"
    (declared / "connectors" / "books.yaml").write_text(connector, encoding="utf-8")
    (declared / "systems.yaml").write_text(f'systems:\n  shop: {{connector: books, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    policy = (
        "policy: ours\nregimes: [gdpr]\nrules:\n  - name: invoices\n    when: {collection: shop.invoices}\n"
        '    keep: {for: 8 years, from: at, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}\n    then: delete\n'
        "  - name: mentions\n    when: {category: user, match: mentions}\n    then: redact\n"
        "  - name: rest\n    when: {category: user}\n    then: delete\n"
        "request: {approval: automatic}\n"
    )
    (declared / "policies" / "ours.yaml").write_text(policy, encoding="utf-8")
    said = dsr("--home", declared, "erase", "--email", EMAIL, "--policy", "ours", "--ground", "purpose_over", "--yes")
    assert said.code == 0, said.all
    (row,) = json.loads(dsr("--home", declared, "restricted", "--json").out)
    assert (row["where"], row["records"], row["fenced"], row["until"]) == ("shop.invoices", 1, "no", "2034-12-31")
    assert row["use"] == "only for: legal obligation (§ 147 AO)"
    shown = dsr("--home", declared, "restricted").out
    assert "dsr grants --for hide" in shown
    assert EMAIL not in shown
    assert dsr("--home", declared, "restricted", "lift", row["case"]).code in (2, 3)
