"""A mailbox that is not as it was between two steps of a case, on a real server: each time one sentence, the right code, and nothing lost."""

import json
from pathlib import Path

import pytest

from tests.cli.company import EMAIL
from tests.cli.conftest import Dsr, Said
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.servers.dovecot import DovecotServer

_POLICY = """\
policy: shop
owner: us
regimes: [gdpr]
rules:
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
request: {approval: one_person}
"""
_OTHER = letter("bob@example.net", "shop@example.com", "tea", "nothing of hers", message_id="tea@example.net", eol=b"\r\n")


class Desk:
    """An officer at the command line whose only system is one mailbox."""

    def __init__(self, dsr: Dsr, home: Path, box: DovecotBox) -> None:
        self._dsr, self._home, self.box = dsr, home, box
        box.deliver("INBOX", letter(EMAIL, "shop@example.com", "hers", "hello", eol=b"\r\n"))
        box.deliver("INBOX", _OTHER)
        box.deliver("Archive", letter(EMAIL, "shop@example.com", "hers of old", "hello", message_id="old@example.net", eol=b"\r\n"))
        secret = home / "password"
        secret.write_text(box.password)
        given = {"url": f"imap://127.0.0.1:{box.server.port}", "user": box.user, "password": f"file:{secret}", "ca_file": box.server.certificate}
        settings = ", ".join(f'{name}: "{value}"' for name, value in given.items())
        (home / "systems.yaml").write_text(f"systems:\n  mail: {{connector: imap, owner: us, {settings}}}\n")
        (home / "policies" / "shop.yaml").write_text(_POLICY)
        opened = self.says("case", "open", "--email", EMAIL, "--policy", "shop", "--ground", "purpose_over", "--by", "officer", "--json")
        self.case = str(json.loads(opened.out)["case"])
        self.says("case", "verify", self.case, "--method", "code_to_known_address", "--by", "officer")

    def says(self, *arguments: str) -> Said:
        return self._dsr("--home", self._home, *arguments)

    def runs(self) -> tuple[int, str, str]:
        """The exit code, why the case waits, and what is needed then."""
        said = self.says("case", "run", self.case, "--json")
        assert "Traceback" not in said.all
        wait = json.loads(said.out)["wait"] or {"code": "", "needs": ""}
        return said.code, str(wait["code"]), str(wait["needs"])

    def approves(self) -> None:
        digest = json.loads(self.says("case", "show", self.case, "--json").out)["plan"]["digest"]
        assert self.says("case", "approve", self.case, "--digest", digest[:16], "--by", "approver").code == 0

    def stored(self) -> dict[str, list[bytes]]:
        return {name: [mail.raw for mail in mails] for name, mails in self.box.stored().items()}


@pytest.fixture
def desk(dsr: Dsr, home: Path, dovecot: DovecotServer) -> Desk:
    return Desk(dsr, home, DovecotBox(dovecot))


def test_a_right_that_is_granted_is_asked_for_again(desk: Desk) -> None:
    desk.box.server.grant(desk.box.user, "Archive", "lr")
    code, wait, needs = desk.runs()
    assert (code, wait) == (3, "mail.read_only")
    assert "run the case again" in needs
    assert desk.runs()[:2] == (3, "mail.read_only")
    desk.box.server.grant(desk.box.user, "Archive", "lrwstei")
    assert desk.runs()[:2] == (3, "approval.missing")
    desk.approves()
    assert desk.runs()[0] == 0
    after = desk.stored()
    assert (after["INBOX"], after["Archive"]) == ([_OTHER], [])


def test_a_folder_that_was_renamed_and_is_named_so_again_is_gone_on_with(desk: Desk) -> None:
    desk.runs()
    desk.approves()
    before = desk.stored()
    with desk.box.client() as client:
        client.rename("Archive", "Elsewhere")
    code, wait, needs = desk.runs()
    assert (code, wait) == (3, "mail.no_folder")
    assert "give it back its name" in needs
    with desk.box.client() as client:
        client.rename("Elsewhere", "Archive")
    assert desk.stored() == before
    assert desk.runs()[0] == 0
    assert desk.stored()["INBOX"] == [_OTHER]


@pytest.mark.slow
def test_a_mailbox_that_was_rebuilt_is_not_acted_on(desk: Desk) -> None:
    desk.runs()
    desk.approves()
    before = desk.stored()
    desk.box.server.renumber(desk.box.user, "INBOX")
    code, wait, needs = desk.runs()
    assert (code, wait) == (3, "server.changed")
    assert "rebuilt" in needs
    assert {name: sorted(mails) for name, mails in desk.stored().items()} == {name: sorted(mails) for name, mails in before.items()}
