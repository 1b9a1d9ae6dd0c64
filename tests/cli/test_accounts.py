"""`dsr user`: accounts from the machine where the server runs."""

import re
from pathlib import Path

from tests.cli.conftest import Dsr


def test_somebody_is_invited_by_a_link_which_makes_the_account_too(dsr: Dsr, home: Path) -> None:
    said = dsr("--home", home, "user", "invite", "ann", "--role", "officer", "--by", "root")
    assert said.code == 0, said.all
    assert re.search(r"^http://127.0.0.1:8080/invitation/[\w-]{43}$", said.out, re.M)
    again = dsr("--home", home, "user", "invite", "ann", "--by", "root")
    assert again.code == 0
    assert again.out != said.out
    listed = dsr("--home", home, "user", "list")
    assert "ann" in listed.out
    assert "invited" in listed.out


def test_nobody_is_invited_without_an_account_or_a_role(dsr: Dsr, home: Path) -> None:
    assert "name a --role" in dsr("--home", home, "user", "invite", "ann").err
    dsr("--home", home, "user", "invite", "ann", "--role", "officer")
    assert dsr("--home", home, "user", "invite", "ann", "--role", "auditor").code != 0


def test_resetting_factors_needs_a_reason_and_somebody_who_has_one(dsr: Dsr, home: Path) -> None:
    dsr("--home", home, "user", "invite", "ann", "--role", "officer")
    assert dsr("--home", home, "user", "reset-factors", "ann").code != 0
    assert "no second factor" in dsr("--home", home, "user", "reset-factors", "ann", "--reason", "lost").err
    assert "no such account" in dsr("--home", home, "user", "reset-factors", "ben", "--reason", "lost").err


def test_a_forgotten_account_is_gone(dsr: Dsr, home: Path) -> None:
    dsr("--home", home, "user", "invite", "ann", "--role", "officer")
    assert dsr("--home", home, "user", "forget", "ann").code == 0
    assert "ann" not in dsr("--home", home, "user", "list").out
