"""Every wrong word gets one sentence on what is wrong and how to mend it, the right exit code, and no traceback."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr, without_privileges

E = ("--email", EMAIL)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("find", "--in", "shop.db"), "--email"),
        (("find", *E), "dsr init"),
        (("find", *E, "--in", "nosuch.db"), "sqlite:///FILE"),
        (("find", *E, "--in", "gopher://x/y"), "postgresql://"),
        (("find", *E, "--in", "postgresql://127.0.0.1"), "DATABASE"),
        (("find", *E, "--in", "postgresql://user:geheim@127.0.0.1:x/shop"), "postgresql://"),
        (("find", *E, "--in", "imaps://127.0.0.1"), "DSR_IMAP_PASSWORD"),
        (("find", *E, "--in", "s3://"), "s3://BUCKET"),
        (("find", *E, "--in", "s3://b", "--endpoint-url", "nonsense"), "http://"),
        (("find", *E, "--in", "s3://b", "--endpoint-url", ""), "http://"),
        (("find", *E, "--in", "folder", "--endpoint-url", "http://127.0.0.1:1"), "s3://"),
        (("find", *E, "--in", "sqlite:///folder"), "SQLite"),
        (("find", *E, "--in", "sqlite:///nosuch.db"), "sqlite:///FILE"),
        (("find", *E, "--in", "maildir:nosuch"), "maildir:PATH"),
        (("find", *E, "--in", ""), "folder that you are in"),
        (("find", *E, "--in", "  "), "folder that you are in"),
        (("find", "--email", "", "--in", "folder"), "name@domain"),
        (("find", "--email", "jane", "--in", "folder"), "name@domain"),
        (("find", "--email", "jane@", "--in", "folder"), "name@domain"),
        (("find", "--email", "two words@example.com", "--in", "folder"), "name@domain"),
        (("find", "--phone", "12", "--in", "folder"), "whole number"),
        (("find", "--name", " ", "--in", "folder"), "found everywhere"),
        (("find", "--selector", "customer_id", "--in", "folder"), "customer_id=17"),
        (("find", "--selector", "=17", "--in", "folder"), "_id"),
        (("find", "--selector", "emial=a@b.de", "--in", "folder"), "email"),
        (("find", "--selector", "customer_id=", "--in", "folder"), "found everywhere"),
        (("find", *E, "--in", "folder", "--workers", "0"), "1<=x<=64"),
        (("find", *E, "--bogus"), "--help"),
        (("nosuch",), "--help"),
        (("case", "list"), "dsr init"),
        (("--home", "nosuch", "case", "list"), "dsr init nosuch"),
        (("--home", "folder", "case", "list"), "dsr init folder"),
        (("verify", "nosuch.pdf"), "does not exist"),
        (("verify", "folder"), "is a directory"),
        (("init", "file"), "is a file"),
        (("demo", "folder"), "another folder"),
        (("demo", "file"), "is a file"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_it_says_what_is_wrong_and_what_to_do(dsr: Dsr, tmp_path: Path, words: tuple[str, ...], hint: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x").write_text("x", encoding="utf-8")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    said = dsr(*words)
    assert said.code == 2
    assert said.out == ""
    assert hint in said.err
    assert "rror: " in said.err
    assert EMAIL not in said.err
    assert "geheim" not in said.err


def test_a_command_that_was_refused_left_everything_as_it_was(dsr: Dsr, tmp_path: Path) -> None:
    real = tmp_path / "privacy"
    (real / "home").mkdir(parents=True)
    (real / "home" / "dsr.toml").write_text("[controller]\nname = 'A real company'\n", encoding="utf-8")
    assert dsr("demo", real).code == 2
    assert (real / "home" / "dsr.toml").is_file()


def test_a_home_is_not_made_twice(dsr: Dsr, home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    said = dsr("init", home)
    assert said.code == 2
    assert "nothing was changed" in said.err
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_a_home_can_be_made_where_an_attempt_was_refused(dsr: Dsr, tmp_path: Path) -> None:
    assert dsr("init", tmp_path / "new", "--controller", "").code == 2
    assert dsr("init", tmp_path / "new", "--controller", "Teahouse").code == 0


def test_a_home_under_a_file_is_one_sentence(dsr: Dsr, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    said = dsr("init", tmp_path / "file" / "home")
    assert said.code in (1, 2)
    assert said.err.startswith("error: ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("policy: mine\nregimes: [gdpr]\nowner: us\nrules:\n  - name: a\n    when: {category: user.contcat}\n    then: delete\n", "mine.yaml:6:"),
        ("policy: mine\nregimes: [gdpr]\nowner: us\nrules:\n  - name: a\n    when: {category: user}\n    then: destroy\n", "mine.yaml:7:"),
        ("policy: mine\npolicy: mine\n", "mine.yaml:2:"),
        ("policy: [", "mine.yaml:"),
        ("", "mine.yaml:1:"),
        ("a,b\n1,2\n", "mine.yaml:1:"),
    ],
)
def test_a_mistake_in_a_policy_is_shown_with_its_place(dsr: Dsr, home: Path, company: Company, tmp_path: Path, text: str, place: str) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text(text, encoding="utf-8")
    said = dsr("--home", home, "erase", *E, "--policy", policy, "--ground", "purpose_over", *company.urls(), "--yes")
    assert said.code == 2
    assert place in said.err
    (home / "policies" / "mine.yaml").write_text(text, encoding="utf-8")
    checked = dsr("--home", home, "check")
    assert checked.code == 2
    assert place in checked.err


def test_a_policy_that_is_not_there_lists_those_that_are(dsr: Dsr, home: Path, company: Company) -> None:
    for command in (("erase", *E, *company.urls()), ("case", "open", *E)):
        said = dsr("--home", home, *command, "--policy", "nosuch")
        assert said.code == 2
        assert "one-shot" in said.err


def test_the_settings_name_line_and_key_of_a_mistake(dsr: Dsr, home: Path) -> None:
    settings = home / "dsr.toml"
    settings.write_text("[controller]\nname = 'Teahouse'\n\n[engine]\nworkres = 3\n", encoding="utf-8")
    said = dsr("--home", home, "case", "list")
    assert said.code == 2
    assert "dsr.toml:5: engine.workres" in said.err
    assert "did you mean workers?" in said.err


def test_a_store_that_is_no_database_is_one_sentence(dsr: Dsr, home: Path) -> None:
    for name in ("dsr.db", "dsr.db-wal", "dsr.db-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "dsr.db").write_bytes(os.urandom(9000))
    said = dsr("--home", home, "case", "list")
    assert said.code != 0
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.all


@pytest.mark.parametrize("name", ["log.key", "log.vkey", "signer-001.key.pem", "signer-001.crt.pem", "ca.crt.pem"])
@pytest.mark.parametrize("damage", [None, b"", b"garbage\n"])
def test_a_damaged_key_is_one_sentence_and_no_effect(dsr: Dsr, home: Path, company: Company, name: str, damage: bytes | None) -> None:
    key = home / "keys" / name
    assert key.is_file()
    key.unlink()
    if damage is not None:
        key.write_bytes(damage)
    said = dsr("--home", home, "erase", *E, "--policy", "one-shot", "--ground", "purpose_over", *company.urls(), "--yes")
    assert "Traceback" not in said.all
    assert said.code == 0 or said.err.startswith("error: ") or "It waits" in said.out


def test_a_home_that_may_only_be_read_is_one_sentence(home: Path) -> None:
    for path in (home, home / "keys"):
        path.chmod(0o500)
    (home / "dsr.db").chmod(0o400)
    try:
        said = without_privileges("--home", home, "hold", "add", "--everything", "--reason", "M-1")
    finally:
        for path in (home, home / "keys"):
            path.chmod(0o700)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert "Traceback" not in said.err


def test_a_file_that_may_not_be_read_is_said_and_not_passed_over(company: Company) -> None:
    (company.files / "tea.txt").chmod(0)
    said = without_privileges("find", *E, "--in", company.files, "--json")
    assert said.code == 3
    assert json.loads(said.out)["coverage"][0]["extent"] == "partial"
    alone = without_privileges("find", *E, "--in", company.files / "tea.txt")
    assert alone.code == 2
    assert "Permission denied" in alone.err


def test_a_home_cannot_be_made_where_nothing_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    said = without_privileges("init", tmp_path / "closed" / "home")
    assert said.code == 1
    assert "Permission denied" in said.err
    assert "Traceback" not in said.err
