"""`dsr check`: what it tells beside what is wrong, and that the pages of the systems know what it found."""

import json
import mailbox
from pathlib import Path

import pytest

from dsr_engine.bootstrap import keep_checks, opened, read_home
from dsr_engine.workflow.systems.health import standings
from tests.cli.conftest import Dsr, Said

_BECAUSE = "agreed with the works council on 15 January"


@pytest.fixture
def office(home: Path, tmp_path: Path) -> Path:
    """A home with two systems of mail: one of three people, and one account."""
    for person in ("ann", "ben", "cleo"):
        (tmp_path / "mail" / person).mkdir(parents=True)
        mailbox.Maildir(tmp_path / "mail" / person / "Maildir", create=True).close()
    mail = f'{{connector: maildir, owner: it@example.com, url: "maildir:{tmp_path}/mail/%u/Maildir", mailboxes: all, because: "{_BECAUSE}"}}'
    one = f'{{connector: maildir, owner: it@example.com, url: "maildir:{tmp_path}/mail/ann/Maildir"}}'
    (home / "systems.yaml").write_text(f"systems:\n  mail: {mail}\n  one: {one}\n", encoding="utf-8")
    return home


def _states(home: Path) -> dict[str, str]:
    """How each system is by the console's own list."""
    with opened(read_home(home, {}, allow_gaps=True)) as house:
        return {entry.system.name: entry.health.state for entry in standings(house)}


def _rows(said: Said, system: str) -> list[tuple[str, str]]:
    return [(row["state"], row["message"]) for row in json.loads(said.out)["systems"] if row["system"] == system]


def test_how_many_mailboxes_are_searched_is_told_with_the_reason_and_is_no_warning(dsr: Dsr, office: Path) -> None:
    said = dsr("--home", office, "check", "--allow-gaps", "--json")
    assert (said.code, json.loads(said.out)["ok"]) == (0, True)
    assert _rows(said, "mail") == [
        ("ready", ""),
        ("note", f"3 mailboxes are searched, because: {_BECAUSE}"),
        ("note", "3 folders are searched in 3 mailboxes that the check opened"),
    ]
    assert _rows(said, "one") == [("ready", ""), ("note", "1 folder is searched")]


def test_the_console_knows_what_was_checked_on_a_terminal(dsr: Dsr, office: Path, tmp_path: Path) -> None:
    assert _states(office) == {"mail": "never", "one": "never"}
    assert dsr("--home", office, "check", "--allow-gaps").code == 0
    assert _states(office) == {"mail": "ready", "one": "ready"}
    (tmp_path / "mail" / "ann" / "Maildir").rename(tmp_path / "gone")
    assert dsr("--home", office, "check", "--allow-gaps").code == 2
    assert _states(office)["one"] == "cannot_be_used"


def test_a_store_that_cannot_be_reached_hinders_no_check(dsr: Dsr, office: Path) -> None:
    text = (office / "dsr.toml").read_text(encoding="utf-8")
    (office / "dsr.toml").write_text(text.replace('"sqlite:///dsr.db"', '"postgresql://nobody@127.0.0.1:1/none"'), encoding="utf-8")
    said = dsr("--home", office, "check", "--allow-gaps", "--json")
    assert _rows(said, "one")[0] == ("ready", ""), said.all
    assert "the pages of the systems do not show this check" in str(json.loads(said.out)["warnings"])


def test_systems_that_are_named_on_the_line_are_nobody_s_page(dsr: Dsr, office: Path, tmp_path: Path) -> None:
    assert dsr("--home", office, "check", "--in", f"maildir:{tmp_path}/mail/ben/Maildir").code == 0
    assert _states(office) == {"mail": "never", "one": "never"}


def test_a_store_of_another_version_is_left_as_it_is(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsr_engine.store.store.Store.is_current", lambda _: False)
    keep_checks(read_home(office, {}, allow_gaps=True), {"one": ()})
    assert _states(office)["one"] == "never"
