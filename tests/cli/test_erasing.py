"""`dsr erase`: exactly the person, nobody else; where it stops, how it goes on, and what a second call finds."""

import json
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.cli.company import EMAIL, NAME, PHONE, Company, holds_her, other_lines, others, snapshot, traces_in
from tests.cli.conftest import DSR, Dsr

WHO = ("--email", EMAIL)
POLICY = ("--policy", "one-shot", "--ground", "purpose_over")


def test_the_person_is_erased_and_everybody_else_is_byte_identical(dsr: Dsr, company: Company, home: Path) -> None:
    before, lines = others(snapshot(company)), other_lines(company)
    said = dsr("--home", home, "erase", *WHO, *POLICY, *company.urls(), "--yes", "--json")
    assert said.code == 0, said.all
    report = json.loads(said.out)
    assert report["stage"] == "closed"
    assert others(snapshot(company)) == before
    assert other_lines(company) == lines
    assert EMAIL not in str(snapshot(company)).casefold()
    assert traces_in(said.all) == []
    assert dsr("--home", home, "verify", report["certificate"]).code == 0


def test_after_it_the_same_search_finds_nothing(dsr: Dsr, company: Company, home: Path) -> None:
    assert dsr("--home", home, "erase", *WHO, *POLICY, *company.urls(), "--yes").code == 0
    said = dsr("find", *WHO, *company.urls(), "--json")
    assert said.code == 0
    assert json.loads(said.out)["findings"] == []


def test_without_yes_it_shows_the_plan_says_what_is_needed_and_changes_nothing(dsr: Dsr, company: Company, home: Path) -> None:
    before = snapshot(company)
    said = dsr("--home", home, "erase", *WHO, *POLICY, *company.urls())
    assert said.code == 3
    assert "one-shot.yaml:" in said.out
    assert "--yes" in said.out
    assert "dsr case approve" in said.out
    assert snapshot(company) == before


def test_the_same_words_again_go_on_with_the_same_case(dsr: Dsr, company: Company, home: Path) -> None:
    first = json.loads(dsr("--home", home, "erase", *WHO, *POLICY, *company.urls(), "--json").out)
    again = dsr("--home", home, "erase", *WHO, *POLICY, *company.urls(), "--yes", "--json")
    assert again.code == 0
    assert json.loads(again.out)["case"] == first["case"]
    assert len(json.loads(dsr("--home", home, "case", "list", "--json").out)) == 1


def test_a_name_alone_never_erases_and_waits_for_a_human(dsr: Dsr, company: Company, home: Path) -> None:
    before = snapshot(company)
    said = dsr("--home", home, "erase", "--name", NAME, *POLICY, *company.urls(), "--yes", "--json")
    assert said.code == 3
    assert json.loads(said.out)["wait"]["code"] == "finding.undecided"
    assert snapshot(company) == before


def test_a_telephone_alone_never_erases(dsr: Dsr, company: Company, home: Path) -> None:
    before = snapshot(company)
    assert dsr("--home", home, "erase", "--phone", PHONE, *POLICY, *company.urls(), "--yes").code == 3
    assert snapshot(company) == before


def test_a_file_that_cannot_be_read_stops_it_before_any_effect(dsr: Dsr, company: Company, home: Path) -> None:
    (company.files / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 4)
    before = snapshot(company)
    said = dsr("--home", home, "erase", *WHO, *POLICY, *company.urls(), "--yes", "--json")
    assert said.code == 3
    assert json.loads(said.out)["wait"]["code"] == "coverage.gap"
    assert snapshot(company) == before


def test_a_policy_of_ones_own_is_named_by_its_file(dsr: Dsr, company: Company, home: Path, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text(
        "policy: mine\nowner: us\nregimes: [gdpr]\nrules:\n  - name: keep all\n    when: {category: user}\n    then: retain\n"
        "  - name: mentions\n    when: {category: user, match: mentions}\n    then: retain\nrequest: {approval: automatic}\n",
        encoding="utf-8",
    )
    before = snapshot(company)
    said = dsr("--home", home, "erase", *WHO, "--policy", policy, "--ground", "purpose_over", *company.urls(), "--yes", "--json")
    assert said.code == 0, said.all
    assert json.loads(said.out)["outcome"] == "fulfilled_with_exceptions"
    assert snapshot(company) == before


def test_nobody_found_is_a_certificate_too(dsr: Dsr, company: Company, home: Path) -> None:
    before = snapshot(company)
    said = dsr("--home", home, "erase", "--email", "nobody@example.net", *POLICY, *company.urls(), "--yes", "--json")
    assert said.code == 0, said.all
    assert json.loads(said.out)["certificate"]
    assert snapshot(company) == before


def test_ctrl_c_is_exit_code_130_and_the_same_command_goes_on(dsr: Dsr, company: Company, home: Path) -> None:
    before, lines = others(snapshot(company)), other_lines(company)
    command = [str(DSR), "--home", str(home), "erase", *WHO, *POLICY, *company.urls(), "--yes"]
    # Tests that a shell runs in the background were told to ignore Ctrl-C, and would hand that on.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, usual)
    assert running.stderr is not None
    for line in running.stderr:
        if "looking" in line or "acting" in line:
            break
    with suppress(ProcessLookupError):
        running.send_signal(signal.SIGINT)
    _, rest = running.communicate(timeout=60)
    assert running.returncode == 130, rest
    assert "run the same command again" in rest
    assert "Traceback" not in rest
    end = time.monotonic() + 60
    while (said := dsr(*command[1:], "--json")).code == 3 and time.monotonic() < end:
        pass
    assert said.code == 0, said.all
    assert len(json.loads(dsr("--home", home, "case", "list", "--json").out)) == 1
    assert others(snapshot(company)) == before
    assert other_lines(company) == lines
    assert EMAIL not in str(snapshot(company)).casefold()


def test_the_home_keeps_nothing_of_the_person_in_the_clear(dsr: Dsr, company: Company, home: Path) -> None:
    who = (*WHO, "--phone", PHONE, "--name", NAME)
    dsr("--home", home, "erase", *who, *POLICY, *company.urls(), "--yes")
    for path in home.rglob("*"):
        if path.is_file():
            assert traces_in(path.read_bytes().decode("latin-1")) == [], path


def test_with_all_her_identifiers_nothing_of_hers_can_be_read_any_more(dsr: Dsr, company: Company, home: Path) -> None:
    before, lines = others(snapshot(company)), other_lines(company)
    said = dsr("--home", home, "erase", *WHO, "--phone", PHONE, "--name", NAME, *POLICY, *company.urls(), "--yes")
    assert said.code == 0, said.all
    assert holds_her(company) == []
    assert others(snapshot(company)) == before
    assert other_lines(company) == lines
