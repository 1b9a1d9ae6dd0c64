"""`dsr letter`: what a requester reads, and what keeps it from being sent."""

import json
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, NAME, PHONE, Company
from tests.cli.conftest import Dsr

_POLICY = """\
policy: shop
owner: us
regimes: [gdpr]
rules:
  - name: mentions
    when: {category: user, match: mentions}
    then: redact
  - name: theirs
    when: {category: user}
    then: delete
request: {approval: automatic}
"""


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    settings = home / "dsr.toml"
    settings.write_text(settings.read_text() + '\n[letters]\nauthority = "the Data Inspector"\ncourt = "the court of Teatown"\n', encoding="utf-8")
    return home


def _case(dsr: Dsr, home: Path) -> str:
    said = dsr(
        "--home",
        home,
        "case",
        "open",
        "--email",
        EMAIL,
        "--policy",
        "shop",
        "--ground",
        "purpose_over",
        "--vouch",
        "--received",
        "2026-11-21",
        "--by",
        "officer",
        "--json",
    )
    assert said.code == 0, said.all
    return str(json.loads(said.out)["case"])


def test_an_acknowledgement_names_the_day_of_receipt_and_of_the_answer_and_nobody(dsr: Dsr, declared: Path) -> None:
    case = _case(dsr, declared)
    said = dsr("--home", declared, "letter", case, "acknowledgement", "--say", "verification=we send a code to your address")
    assert (said.code, "21 November 2026" in said.out, "21 December 2026" in said.out) == (0, True, True)
    assert not any(secret in said.out for secret in (EMAIL, NAME, PHONE))


def test_a_refusal_in_german_says_why_and_how_to_complain(dsr: Dsr, declared: Path) -> None:
    case = _case(dsr, declared)
    assert dsr("--home", declared, "case", "refuse", case, "--reason", "excessive", "--by", "officer").code == 0
    text = dsr("--home", declared, "letter", case, "refusal", "--language", "de").out
    assert all(words in text for words in ("exzessiv", "the Data Inspector", "the court of Teatown", "21. November 2026"))


def test_a_letter_without_what_the_law_demands_is_refused_and_nothing_is_written(dsr: Dsr, declared: Path, tmp_path: Path) -> None:
    settings = declared / "dsr.toml"
    settings.write_text(settings.read_text().replace('court = "the court of Teatown"\n', ""), encoding="utf-8")
    case = _case(dsr, declared)
    assert dsr("--home", declared, "case", "refuse", case, "--reason", "excessive", "--by", "officer").code == 0
    out = tmp_path / "letter.pdf"
    said = dsr("--home", declared, "letter", case, "refusal", "--out", out)
    assert (said.code, "that the person may go to court (Art. 12(4), 79)" in said.err, out.exists()) == (2, True, False)


def test_a_completion_is_not_written_before_the_case_is_closed_nor_without_a_word_on_recipients(dsr: Dsr, declared: Path, tmp_path: Path) -> None:
    case = _case(dsr, declared)
    assert "still open" in dsr("--home", declared, "letter", case, "completion").err
    report = json.loads(dsr("--home", declared, "case", "run", case, "--json").out)
    assert report["stage"] == "closed", report["wait"]
    assert "may ask who they are (Art. 19)" in dsr("--home", declared, "letter", case, "completion").err
    out = tmp_path / "letter.txt"
    said = dsr("--home", declared, "letter", case, "completion", "--say", "recipients=Nobody else had your data.", "--out", out)
    assert said.code == 0, said.all
    text = out.read_text(encoding="utf-8")
    assert "your e-mail address" in text
    assert not any(secret in text for secret in (EMAIL, NAME, PHONE))
    assert dsr("--home", declared, "letter", case, "completion", "--say", "recipients=x", "--out", out).code == 2
    assert out.read_text(encoding="utf-8") == text


def test_only_what_the_engine_cannot_know_can_be_said(dsr: Dsr, declared: Path) -> None:
    case = _case(dsr, declared)
    assert "authority cannot be said" in dsr("--home", declared, "letter", case, "refusal", "--say", "authority=me").err
    assert "WHAT=TEXT" in dsr("--home", declared, "letter", case, "refusal", "--say", "reason").err


def test_a_question_to_the_requester_has_a_question_in_it(dsr: Dsr, declared: Path) -> None:
    case = _case(dsr, declared)
    empty = dsr("--home", declared, "letter", case, "clarification")
    assert (empty.code, '--say "question=' in empty.err) == (2, True)
    asked = dsr("--home", declared, "letter", case, "clarification", "--say", "question=which shop do you mean?")
    assert (asked.code, "which shop do you mean?" in asked.out) == (0, True)
