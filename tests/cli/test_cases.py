"""`dsr case`: the life of a case as officer and approver see it, and every wrong turn that they may take."""

import json
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, NAME, Company, others, snapshot, traces_in
from tests.cli.conftest import Dsr, Said

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
request: {approval: one_person, first_batch: 2}
"""


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    """A home that declares the company's systems and a policy with four eyes."""
    (home / "systems.yaml").write_text(
        f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n  mail: {{connector: maildir, url: "maildir:{company.mail}"}}\n',
        encoding="utf-8",
    )
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    return home


def _open(dsr: Dsr, home: Path, *more: str) -> str:
    said = dsr("--home", home, "case", "open", "--email", EMAIL, *more, "--policy", "shop", "--ground", "purpose_over", "--by", "officer", "--json")
    assert said.code == 0, said.all
    return str(json.loads(said.out)["case"])


def _planned(dsr: Dsr, home: Path, *more: str) -> tuple[str, dict[str, object]]:
    case = _open(dsr, home, *more)
    assert dsr("--home", home, "case", "verify", case, "--method", "code_to_known_address", "--by", "officer").code == 0
    said = dsr("--home", home, "case", "run", case, "--json")
    assert said.code == 3
    return case, json.loads(said.out)


def _wait(said: Said) -> str:
    return str(json.loads(said.out)["wait"]["code"])


def test_a_case_goes_from_the_request_to_the_certificate_by_the_commands_that_it_names(dsr: Dsr, declared: Path, company: Company) -> None:
    before = others(snapshot(company))
    case = _open(dsr, declared)
    assert _wait(dsr("--home", declared, "case", "run", case, "--json")) == "identity_unverified"
    assert dsr("--home", declared, "case", "verify", case, "--method", "code_to_known_address", "--by", "officer").code == 0
    waiting = dsr("--home", declared, "case", "run", case, "--json")
    assert (waiting.code, _wait(waiting)) == (3, "approval.missing")
    digest = json.loads(waiting.out)["plan"]["digest"][:8]
    assert dsr("--home", declared, "case", "approve", case, "--digest", digest, "--by", "approver").code == 0
    done = dsr("--home", declared, "case", "run", case, "--json")
    assert done.code == 0, done.all
    assert json.loads(done.out)["certificate"]
    assert others(snapshot(company)) == before
    assert dsr("--home", declared, "case", "list", "--open", "--json").out.strip() == "[]"


def test_nobody_named_in_a_case_is_printed(dsr: Dsr, declared: Path) -> None:
    case, _ = _planned(dsr, declared, "--name", NAME)
    said = [
        dsr("--home", declared, "case", "list"),
        dsr("--home", declared, "case", "show", case, "--possible", "--all"),
        dsr("--home", declared, "case", "show", case, "--possible", "--all", "--json"),
        dsr("--home", declared, "--log-level", "info", "case", "run", case),
    ]
    assert [traces_in(entry.all) for entry in said] == [[], [], [], []]


def test_who_opened_the_case_cannot_approve_it(dsr: Dsr, declared: Path, company: Company) -> None:
    before = snapshot(company)
    case, report = _planned(dsr, declared)
    plan = report["plan"]
    assert isinstance(plan, dict)
    said = dsr("--home", declared, "case", "approve", case, "--digest", plan["digest"], "--by", "officer")
    assert said.code == 2
    assert "somebody else" in said.err
    assert _wait(dsr("--home", declared, "case", "run", case, "--json")) == "approval.missing"
    assert snapshot(company) == before


@pytest.mark.parametrize("digest", ["", "1234", "deadbeefdeadbeef", "nonsense"])
def test_another_digest_approves_nothing(dsr: Dsr, declared: Path, digest: str) -> None:
    case, _ = _planned(dsr, declared)
    said = dsr("--home", declared, "case", "approve", case, "--digest", digest, "--by", "approver")
    assert said.code == 3
    assert "digest" in said.err
    assert _wait(dsr("--home", declared, "case", "run", case, "--json")) == "approval.missing"


def test_approving_twice_is_no_second_approval(dsr: Dsr, declared: Path) -> None:
    (declared / "policies" / "shop.yaml").write_text(_POLICY.replace("one_person", "two_people"), encoding="utf-8")
    case, report = _planned(dsr, declared)
    plan = report["plan"]
    assert isinstance(plan, dict)
    for _ in range(2):
        said = dsr("--home", declared, "case", "approve", case, "--digest", plan["digest"][:16], "--by", "approver")
        assert (said.code, "wants 1 more" in said.out) == (3, True)
    assert _wait(dsr("--home", declared, "case", "run", case, "--json")) == "approval.missing"
    assert dsr("--home", declared, "case", "approve", case, "--digest", plan["digest"][:16], "--by", "second").code == 0
    assert dsr("--home", declared, "case", "run", case).code == 0


def test_possible_findings_are_listed_with_ids_and_decided_one_by_one(dsr: Dsr, declared: Path, company: Company) -> None:
    before = others(snapshot(company))
    case, _ = _planned(dsr, declared, "--name", "Zoe Nobody", "--name", "Person Number3")
    shown = json.loads(dsr("--home", declared, "case", "show", case, "--possible", "--json").out)["possible"]
    assert [row["confidence"] for row in shown] == ["possible"]
    said = dsr("--home", declared, "case", "decide", case, "--finding", shown[0]["finding"], "--verdict", "not_theirs", "--by", "officer")
    assert said.code == 0, said.all
    waiting = dsr("--home", declared, "case", "run", case, "--json")
    assert _wait(waiting) == "approval.missing"
    digest = json.loads(waiting.out)["plan"]["digest"]
    assert dsr("--home", declared, "case", "approve", case, "--digest", digest, "--by", "approver").code == 0
    assert dsr("--home", declared, "case", "run", case).code == 0
    assert others(snapshot(company)) == before


def test_a_verdict_can_be_changed_and_changed_back(dsr: Dsr, declared: Path) -> None:
    case, _ = _planned(dsr, declared, "--name", "Person Number3")
    id_ = json.loads(dsr("--home", declared, "case", "show", case, "--possible", "--json").out)["possible"][0]["finding"]
    for verdict in ("theirs", "not_theirs", "theirs", "not_theirs"):
        said = dsr("--home", declared, "case", "decide", case, "--finding", id_, "--verdict", verdict, "--by", "officer")
        assert said.code == 0, said.all
    listed = json.loads(dsr("--home", declared, "case", "show", case, "--all", "--json").out)["all"]
    assert [row["decided"] for row in listed if row["finding"] == id_] == ["not_theirs"]


def test_a_finding_of_another_case_cannot_be_decided(dsr: Dsr, declared: Path) -> None:
    one, _ = _planned(dsr, declared, "--name", "Person Number3")
    other, _ = _planned(dsr, declared, "--name", "Person Number4")
    id_ = json.loads(dsr("--home", declared, "case", "show", other, "--possible", "--json").out)["possible"][0]["finding"]
    said = dsr("--home", declared, "case", "decide", one, "--finding", id_, "--verdict", "theirs", "--by", "officer")
    assert said.code == 2
    assert "finding" in said.err
    listed = json.loads(dsr("--home", declared, "case", "show", other, "--all", "--json").out)["all"]
    assert [row["decided"] for row in listed if row["finding"] == id_] == [""]


@pytest.mark.parametrize(("command", "outcome"), [(("refuse", "--reason", "excessive"), "refused"), (("withdraw",), "withdrawn")])
def test_a_case_can_be_closed_without_effect(dsr: Dsr, declared: Path, company: Company, command: tuple[str, ...], outcome: str) -> None:
    before = snapshot(company)
    case, _ = _planned(dsr, declared)
    assert dsr("--home", declared, "case", command[0], case, *command[1:], "--by", "officer").code == 0
    shown = dsr("--home", declared, "case", "show", case, "--json")
    assert json.loads(shown.out)["outcome"] == outcome
    assert dsr("--home", declared, "case", "show", case, "--possible", "--all").code == 0
    assert dsr("--home", declared, "case", "run", case).code == 0
    again = dsr("--home", declared, "case", command[0], case, *command[1:], "--by", "officer")
    assert again.code == 3
    assert "too late" in again.err
    assert snapshot(company) == before


@pytest.mark.parametrize(
    "words",
    [
        ("show", "nosuch"),
        ("run", "nosuch"),
        ("verify", "nosuch", "--method", "vouched_by_operator"),
        ("approve", "nosuch", "--digest", "12345678"),
        ("decide", "nosuch", "--all-possible", "--verdict", "theirs"),
        ("decide", "nosuch", "--same-person"),
        ("refuse", "nosuch", "--reason", "excessive"),
        ("withdraw", "nosuch"),
        ("task-done", "nosuch", "1", "--evidence", "{file}"),
    ],
)
def test_a_case_that_is_not_there_is_named_with_what_to_do(dsr: Dsr, declared: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    said = dsr("--home", declared, "case", *(word.format(file=tmp_path / "file") for word in words))
    assert said.code == 2
    assert "there is no case nosuch" in said.err
    assert "dsr case list" in said.err


def test_a_policy_that_changed_meanwhile_does_not_change_the_case(dsr: Dsr, declared: Path) -> None:
    case, report = _planned(dsr, declared)
    (declared / "policies" / "shop.yaml").write_text(_POLICY.replace("then: delete", "then: retain"), encoding="utf-8")
    assert json.loads(dsr("--home", declared, "case", "run", case, "--json").out)["plan"] == report["plan"]
