"""`dsr case decide` where a rule leaves letters to a person."""

import json
from pathlib import Path

import pytest

from dsr_engine.bootstrap import opened, read_home
from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr

_POLICY = """\
policy: shop
owner: us
regimes: [gdpr]
rules:
  - {name: letters, when: {message: one_to_one}, then: ask}
  - {name: letters of others, when: {message: one_to_one, match: mentions}, then: ask}
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
request: {approval: one_person}
"""


@pytest.fixture
def asked(dsr: Dsr, home: Path, company: Company) -> tuple[Path, str]:
    """A home, and a case in it that stands at a letter."""
    (company.mail / "cur" / "letter.host:2,S").write_text(f"From: {EMAIL}\nTo: help@shop.example\n\nHello\n", encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  mail: {{connector: maildir, url: "maildir:{company.mail}"}}\n', encoding="utf-8")
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    opened = dsr("--home", home, "case", "open", "--email", EMAIL, "--policy", "shop", "--ground", "purpose_over", "--by", "officer", "--json")
    case = str(json.loads(opened.out)["case"])
    assert dsr("--home", home, "case", "verify", case, "--method", "code_to_known_address", "--by", "officer").code == 0
    said = dsr("--home", home, "case", "run", case, "--json")
    assert (said.code, json.loads(said.out)["wait"]["code"]) == (3, "finding.asked"), said.all
    return home, case


def test_the_letters_are_listed_with_what_they_are_and_kept_with_a_reason(dsr: Dsr, asked: tuple[Path, str]) -> None:
    home, case = asked
    shown = dsr("--home", home, "case", "show", case, "--possible")
    assert "one_to_one: sender" in shown.out
    refused = dsr("--home", home, "case", "decide", case, "--all-possible", "--verdict", "keep", "--by", "officer")
    assert (refused.code, "what is kept needs a reason" in refused.err) == (2, True), refused.all
    reason = ("--because", "legal_obligation", "--law", "§ 257 HGB")
    said = dsr("--home", home, "case", "decide", case, "--all-possible", "--verdict", "keep", *reason, "--by", "officer")
    assert said.code == 0, said.all
    planned = json.loads(dsr("--home", home, "case", "run", case, "--json").out)
    assert planned["wait"]["code"] == "approval.missing"
    assert [row["law"] for row in planned["exemptions"]] == ["§ 257 HGB"]


def test_an_answer_is_refused_where_nothing_was_asked(dsr: Dsr, asked: tuple[Path, str]) -> None:
    home, case = asked
    found = json.loads(dsr("--home", home, "case", "show", case, "--all", "--json").out)["all"]
    plain = [row["finding"] for row in found if row["message"] != "one_to_one"]
    said = dsr("--home", home, "case", "decide", case, "--finding", plain[0], "--verdict", "erase", "--by", "officer")
    assert (said.code, "say whose it is" in said.err) == (2, True), said.all


def _decided(home: Path, case: str) -> set[tuple[object, object]]:
    """Verdicts and reasons of the decisions, as the ledger has them."""
    with opened(read_home(home, {}, allow_gaps=True)) as house, house.store.snapshot() as tx:
        return {(body["verdict"], body.get("because")) for _, body in tx.ledger.find("finding.decided", case=case)}


def test_why_a_letter_is_erased_stands_in_the_ledger(dsr: Dsr, asked: tuple[Path, str]) -> None:
    home, case = asked
    decide = ("--home", home, "case", "decide", case, "--all-possible", "--by", "officer", "--verdict")
    for wrong in (("erase", "--because", "legal_obligation"), ("not_theirs", "--because", "outweighed"), ("erase", "--law", "§ 257 HGB")):
        assert dsr(*decide, *wrong).code == 2
    assert _decided(home, case) == set()
    said = dsr(*decide, "erase", "--because", "outweighed")
    assert said.code == 0, said.all
    assert _decided(home, case) == {("erase", "outweighed")}
    planned = json.loads(dsr("--home", home, "case", "run", case, "--json").out)
    assert planned["wait"]["code"] == "approval.missing"


def test_a_letter_is_erased_without_a_word_of_why(dsr: Dsr, asked: tuple[Path, str]) -> None:
    home, case = asked
    assert dsr("--home", home, "case", "decide", case, "--all-possible", "--by", "officer", "--verdict", "redact").code == 0
    assert _decided(home, case) == {("redact", None)}


def test_the_id_of_a_finding_is_called_finding_wherever_it_is_shown(dsr: Dsr, asked: tuple[Path, str]) -> None:
    home, case = asked
    for option, key in (("--possible", "possible"), ("--all", "all")):
        shown = json.loads(dsr("--home", home, "case", "show", case, option, "--json").out)[key]
        table = dsr("--home", home, "case", "show", case, option).out
        assert shown[0]["finding"] in table
        assert any(line.startswith("finding  ") for line in table.splitlines())
