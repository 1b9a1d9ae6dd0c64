"""`dsr case approve`: what it says is what is really next, and a plan of the past does not ask for approval any more."""

import json
import mailbox
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr, Said

_POLICY = """\
policy: shop
owner: us
regimes: [gdpr]
rules:
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
request: {approval: one_person}
"""
_HERS = f"From: {EMAIL}\nTo: ann@shop.example\nSubject: My order\n\nWhere is it?\n"
_OTHER = "From: bob@example.net\nTo: ann@shop.example\nSubject: tea\n\nNothing of hers.\n"


@pytest.fixture
def planned(dsr: Dsr, home: Path, company: Company, tmp_path: Path) -> tuple[str, str]:
    """A case that waits because a file could not be read, and the beginning of its plan's digest."""
    inbox = tmp_path / "mail" / "ann" / "Maildir"
    inbox.parent.mkdir(parents=True)
    mailbox.Maildir(inbox, create=True).close()
    for name, text in (("1.host:2,S", _HERS), ("2.host:2,S", _OTHER)):
        (inbox / "cur" / name).write_text(text, encoding="utf-8")
    (company.files / "locked.gz").write_bytes(b"\x1f\x8b\x08\x00 and no more of it")
    mail = f'{{connector: maildir, url: "maildir:{tmp_path}/mail/%u/Maildir", mailboxes: all, because: agreed with the works council}}'
    files = f'{{connector: folder, url: "folder:{company.files}"}}'
    (home / "systems.yaml").write_text(f"systems:\n  mail: {mail}\n  files: {files}\n", encoding="utf-8")
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    opened = dsr("--home", home, "case", "open", "--email", EMAIL, "--policy", "shop", "--ground", "purpose_over", "--by", "officer", "--json")
    case = str(json.loads(opened.out)["case"])
    assert dsr("--home", home, "case", "verify", case, "--method", "code_to_known_address", "--by", "officer").code == 0
    said = json.loads(dsr("--home", home, "case", "run", case, "--json").out)
    assert said["wait"]["code"] == "coverage.gap", said
    return case, said["plan"]["digest"][:16]


def _approved(dsr: Dsr, home: Path, planned: tuple[str, str], *more: str) -> Said:
    return dsr("--home", home, "case", "approve", planned[0], "--digest", planned[1], *more, "--by", "approver")


def test_an_approval_that_leaves_gaps_open_says_so_and_what_is_next(dsr: Dsr, home: Path, planned: tuple[str, str]) -> None:
    said = _approved(dsr, home, planned)
    assert said.code == 3, said.all
    assert "nobody has accepted that 1 collection(s) were not looked at in full" in said.out
    assert f"next: dsr case approve {planned[0]} --digest {planned[1]} --accept-gaps --by NAME" in said.out
    assert "dsr case run" not in said.out
    accepted = _approved(dsr, home, planned, "--accept-gaps")
    assert (accepted.code, f"next: dsr case run {planned[0]}" in accepted.out, "accept-gaps" in accepted.out) == (0, True, False)


def test_what_was_to_know_before_the_approval_is_of_the_past_afterwards(dsr: Dsr, home: Path, planned: tuple[str, str], tmp_path: Path) -> None:
    before = dsr("--home", home, "case", "show", planned[0])
    assert ("To know before it is approved" in before.out, "What was known" in before.out) == (True, False)
    _approved(dsr, home, planned, "--accept-gaps")
    dsr("--home", home, "case", "run", planned[0])
    after = dsr("--home", home, "case", "show", planned[0])
    assert ("To know before it is approved" in after.out, "What was known before it was approved" in after.out) == (False, True)
    assert (tmp_path / "mail" / "ann" / "Maildir" / "cur" / "2.host:2,S").read_text(encoding="utf-8") == _OTHER
