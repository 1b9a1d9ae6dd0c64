"""`dsr letter --send` and `dsr post`: what an officer sees of messages on their way, which is never what is in them."""

import email
import email.policy
import json
import mailbox
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.cli.company import EMAIL, NAME, Company
from tests.cli.conftest import Dsr
from tests.delivery.test_bounces import ID, POSTFIX
from tests.servers.smtp_server import PASSWORD, USER, SmtpServer

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
_SETTINGS = """
[letters]
authority = "the Data Inspector"
court = "the court of Teatown"
"""
_MAIL = """
[mail]
server = "{url}"
user = "{user}"
password = "${{MAIL_PASSWORD}}"
from = "privacy@teahouse.example"
ca = "{ca}"
"""


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    (home / "dsr.toml").write_text((home / "dsr.toml").read_text() + _SETTINGS, encoding="utf-8")
    return home


@pytest.fixture
def posting(declared: Path, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a mail server."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    settings = declared / "dsr.toml"
    settings.write_text(settings.read_text() + _MAIL.format(url=smtp_server.url, user=USER, ca=smtp_server.ca), encoding="utf-8")
    return declared


def _open(dsr: Dsr, home: Path, address: str, *more: str) -> tuple[str, str]:
    said = dsr(
        *("--home", home, "case", "open", "--email", EMAIL, "--policy", "shop", "--ground", "purpose_over", "--vouch", "--by", "officer"),
        *("--reply-to", address, *more),
    )
    assert said.code == 0, said.all
    return said.out.split()[1], said.out


def _messages(dsr: Dsr, home: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dsr("--home", home, "post", "list", "--json").out)
    return found


def test_a_request_with_an_address_is_acknowledged_when_it_is_opened(dsr: Dsr, posting: Path, smtp_server: SmtpServer) -> None:
    case, out = _open(dsr, posting, EMAIL, "--language", "es")
    assert "the acknowledgement was sent" in out
    assert b"Hemos recibido su solicitud" in smtp_server.mails[0].data
    said = dsr("--home", posting, "post", "list")
    assert ("letter acknowledgement" in said.out, "250 2.0.0" in said.out) == (True, True)
    shown = dsr("--home", posting, "case", "show", case)
    assert not any(secret in said.all + shown.out for secret in (EMAIL, NAME))


def test_without_mail_an_address_is_kept_and_the_officer_is_told_what_to_do(dsr: Dsr, declared: Path) -> None:
    case, out = _open(dsr, declared, EMAIL)
    assert "dsr.toml has no [mail]" in out
    said = dsr("--home", declared, "letter", case, "acknowledgement", "--send")
    assert (said.code, "has no [mail]" in said.err) == (2, True)
    assert dsr("--home", declared, "letter", case, "acknowledgement", "--record-sent", "2026-13-40").code == 2
    recorded = dsr("--home", declared, "case", "show", case, "--json")
    assert json.loads(recorded.out)["letters"] == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--reply-to", "nobody"), "not one e-mail address"),
        (("--reply-to", "a@b.example, c@d.example"), "not one e-mail address"),
        (("--reply-to", EMAIL, "--language", "tlh"), "no letters in tlh"),
        (("--language", "de"), "no address is given"),
    ],
)
def test_an_address_that_cannot_be_written_to_opens_no_case(dsr: Dsr, posting: Path, options: tuple[str, ...], word: str) -> None:
    said = dsr("--home", posting, "case", "open", "--email", EMAIL, "--policy", "shop", "--ground", "purpose_over", *options)
    assert (said.code, word in said.err) == (2, True)
    assert json.loads(dsr("--home", posting, "case", "list", "--json").out) == []


def test_a_letter_that_is_refused_is_shown_as_due_and_reaches_another_address(dsr: Dsr, posting: Path, smtp_server: SmtpServer) -> None:
    case, out = _open(dsr, posting, "bounce@example.org")
    assert "refused by the mail server" in out
    due = dsr("--home", posting, "case", "due")
    assert "letter.failed" in due.out
    again = dsr("--home", posting, "letter", case, "acknowledgement", "--send")
    assert (again.code, "refused (550 5.1.1)" in again.out) == (3, True)
    sent = dsr("--home", posting, "letter", case, "acknowledgement", "--send", "--to", "ida@example.org")
    assert (sent.code, [mail.recipient for mail in smtp_server.mails]) == (0, ["ida@example.org"])
    assert "letter.failed" not in dsr("--home", posting, "case", "due").out
    assert "went out already" in dsr("--home", posting, "letter", case, "acknowledgement", "--send").err
    assert dsr("--home", posting, "letter", case, "acknowledgement", "--send", "--again").code == 0


def test_a_refusal_waits_until_somebody_lets_it_go_or_gives_it_up(dsr: Dsr, posting: Path, smtp_server: SmtpServer) -> None:
    case, _ = _open(dsr, posting, EMAIL)
    assert dsr("--home", posting, "case", "refuse", case, "--reason", "excessive", "--by", "officer").code == 0
    (waiting,) = [message for message in _messages(dsr, posting) if message["state"] == "waiting"]
    assert "letter.waiting" in dsr("--home", posting, "case", "show", case).out
    released = dsr("--home", posting, "post", "retry", waiting["id"])
    assert (released.code, "letter refusal sent" in released.out) == (0, True)
    assert len(smtp_server.mails) == 2
    for command in ("retry", "drop"):
        assert "was sent" in dsr("--home", posting, "post", command, waiting["id"]).err
    other, _ = _open(dsr, posting, EMAIL)
    dsr("--home", posting, "case", "refuse", other, "--reason", "exempt", "--by", "officer")
    (waiting,) = [message for message in _messages(dsr, posting) if message["state"] == "waiting"]
    assert dsr("--home", posting, "post", "drop", waiting["id"]).code == 0
    assert dsr("--home", posting, "post", "retry", waiting["id"]).code == 3
    assert "no such message" in dsr("--home", posting, "post", "drop", "x").err
    assert len(smtp_server.mails) == 3


def test_an_extension_takes_its_day_from_the_notice_that_was_sent(dsr: Dsr, posting: Path) -> None:
    case, _ = _open(dsr, posting, EMAIL)
    refused = dsr("--home", posting, "case", "extend", case, "--reason", "complexity", "--by", "officer")
    assert (refused.code, "not told yet" in refused.err) == (3, True)
    assert dsr("--home", posting, "letter", case, "extension", "--say", "reason=complexity", "--send").code == 0
    extended = dsr("--home", posting, "case", "extend", case, "--reason", "complexity", "--by", "officer")
    assert (extended.code, "is extended" in extended.out) == (0, True)


def test_bounces_in_a_mailbox_come_back_to_their_case(dsr: Dsr, posting: Path, tmp_path: Path) -> None:
    case, _ = _open(dsr, posting, EMAIL)
    (message,) = _messages(dsr, posting)
    box = mailbox.mbox(tmp_path / "bounces")
    box.add(POSTFIX.replace(ID, message["id"]).encode())
    box.close()
    said = dsr("--home", posting, "post", "bounces", "--in", f"mbox:{tmp_path / 'bounces'}")
    assert f"case {case}: letter acknowledgement came back (5.1.1)" in said.out
    assert "nothing new" in dsr("--home", posting, "post", "bounces", "--in", f"mbox:{tmp_path / 'bounces'}").out
    assert "letter.bounced" in dsr("--home", posting, "case", "due").out
    assert dsr("--home", posting, "post", "bounces").code == 2


def test_a_letter_is_read_saved_sent_or_recorded_but_only_one_of_these(dsr: Dsr, posting: Path, tmp_path: Path) -> None:
    case, _ = _open(dsr, posting, EMAIL, "--language", "zh")
    assert "我们已收到您的请求" in dsr("--home", posting, "letter", case, "acknowledgement").out
    assert "choose one" in dsr("--home", posting, "letter", case, "acknowledgement", "--send", "--out", tmp_path / "x.pdf").err
    saved = dsr("--home", posting, "letter", case, "acknowledgement", "--out", tmp_path / "x.pdf")
    assert (saved.code, "no font for Chinese is set" in saved.out) == (0, True)
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert "is there already" in dsr("--home", posting, "letter", case, "acknowledgement", "--out", tmp_path / "x.pdf").err


def test_the_check_tells_whether_mail_could_be_sent(dsr: Dsr, posting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = dsr("--home", posting, "check", "--json", "--allow-gaps")
    assert [row["state"] for row in json.loads(said.out)["systems"] if row["system"] == "[mail]"] == ["ready"]
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2")
    said = dsr("--home", posting, "check", "--json", "--allow-gaps")
    (row,) = [row for row in json.loads(said.out)["systems"] if row["system"] == "[mail]"]
    assert (row["state"], row["code"], "hunter2" in said.all) == ("not ready", "535", False)


def test_a_letter_about_another_right_says_what_was_asked_for(dsr: Dsr, posting: Path, smtp_server: SmtpServer) -> None:
    _, out = _open(dsr, posting, EMAIL, "--right", "access")
    assert "was sent" in out
    message = email.message_from_bytes(smtp_server.mails[0].data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert ("You ask us for a copy of your personal data." in text, "erase" in text) == (True, False)


def test_a_refusal_takes_the_place_of_a_letter_that_asks_for_more_and_is_the_answer_once_it_was_sent(dsr: Dsr, posting: Path) -> None:
    opened = dsr("--home", posting, "case", "open", "--email", EMAIL, "--policy", "shop", "--reply-to", EMAIL, "--by", "officer", "--json")
    case = json.loads(opened.out)["case"]
    assert dsr("--home", posting, "case", "cannot-identify", case, "--by", "officer").code == 0
    refused = dsr("--home", posting, "case", "refuse", case, "--reason", "excessive", "--by", "officer")
    assert (refused.code, f"dsr letter {case} refusal" in refused.out) == (0, True)
    waiting = [row for row in json.loads(dsr("--home", posting, "post", "list", "--json").out) if row["state"] == "waiting"]
    assert [row["what"] for row in waiting] == ["letter refusal"]
    (before,) = json.loads(dsr("--home", posting, "log", "list", "--json").out)
    assert dsr("--home", posting, "post", "retry", waiting[0]["id"]).code == 0
    (after,) = json.loads(dsr("--home", posting, "log", "list", "--json").out)
    assert (before["answered"], after["answered"] is None, after["answer"]) == (None, False, "refusal")
