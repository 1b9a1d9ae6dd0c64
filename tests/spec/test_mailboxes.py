"""`mailboxes` and `because` in `systems.yaml`: whose mail is searched, and that nobody's is without a reason."""

import json
from pathlib import Path

import pytest

from dsr_engine.domain.system import System
from dsr_engine.spec.home import load_home
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import write

_IMAP = '{connector: imap, url: imaps://h, user: "*svc", password: "${PW}", mailboxes: %s}'
_DISK = '{connector: maildir, url: "maildir:%s", mailboxes: %s}'
_WHY = ', because: "agreed with the works council"'


def _system(home: Path, entry: str) -> System:
    write(home, systems=f"systems:\n  it: {entry}\n")
    return load_home(home, {"PW": "secret", "LDAP_PW": 'qu"ote'}).systems["it"]


def _problems(home: Path, entry: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        _system(home, entry)
    return "\n".join(str(problem) for problem in caught.value.problems)


def _said(home: Path, entry: str) -> dict[str, object]:
    said: dict[str, object] = json.loads(_system(home, entry).setting("mailboxes"))
    return said


def test_mailboxes_that_are_named_one_by_one_need_no_reason(tmp_path: Path) -> None:
    system = _system(tmp_path, _IMAP % "[ann@example.com, bob@example.com]")
    assert json.loads(system.setting("mailboxes")) == {"names": ["ann@example.com", "bob@example.com"]}
    assert system.because == ""


@pytest.mark.parametrize(
    "source",
    ["{file: users.txt}", '{command: [doveadm, user, "*"]}', '{ldap: {url: "ldaps://ldap.example.com", base: "dc=example,dc=com"}}'],
)
def test_mailboxes_that_are_listed_elsewhere_need_a_reason_which_the_message_shows_how_to_write(tmp_path: Path, source: str) -> None:
    problem = _problems(tmp_path, _IMAP % source)
    assert problem.startswith("systems.yaml:2:")
    assert 'because: "works council agreement' in problem
    assert _system(tmp_path, _IMAP % (source + _WHY)).because == "agreed with the works council"


def test_everybody_on_a_disk_needs_a_reason(tmp_path: Path) -> None:
    entry = _DISK % ("/var/mail/%d/%n/Maildir", "all")
    problem = _problems(tmp_path, entry)
    assert problem.startswith("systems.yaml:2:79: systems.it.mailboxes")
    assert "secrecy of correspondence" in problem
    assert _said(tmp_path, entry[:-1] + _WHY + "}") == {"all": True}


def test_all_at_an_imap_server_says_how_to_list_its_mailboxes_and_what_all_folders_are_called(tmp_path: Path) -> None:
    problem = _problems(tmp_path, _IMAP % ("all" + _WHY))
    assert "doveadm, user" in problem
    assert "write folders: all" in problem


def test_folders_in_the_place_of_mailboxes_are_told_by_the_new_name(tmp_path: Path) -> None:
    assert "write folders: [INBOX, Sent]" in _problems(tmp_path, _IMAP % "[INBOX, Kunden]")
    assert "write folders: [INBOX, Sent]" in _problems(tmp_path, _IMAP % "inbox")


def test_a_reason_without_mailboxes_is_a_mistake(tmp_path: Path) -> None:
    assert "used with `mailboxes` only" in _problems(tmp_path, '{connector: imap, url: imaps://h, because: "we may"}')


def test_a_path_must_differ_by_mailbox(tmp_path: Path) -> None:
    assert "write %u, %n or %d into it" in _problems(tmp_path, _DISK % ("/var/mail/all", "[ann]"))


def test_a_block_names_one_source_and_nothing_that_is_not_its(tmp_path: Path) -> None:
    assert "in one of these ways" in _problems(tmp_path, _IMAP % ("{file: users.txt, names: [ann]}" + _WHY))
    assert "in one of these ways" in _problems(tmp_path, _IMAP % ("{except: [ann]}" + _WHY))
    assert "a column of a `file`" in _problems(tmp_path, _IMAP % ("{names: [ann], column: mail}" + _WHY))
    assert "unknown key" in _problems(tmp_path, _IMAP % ("{names: [ann], without: bob}" + _WHY))


def test_exceptions_and_files_reach_the_driver(tmp_path: Path) -> None:
    said = _said(tmp_path, _IMAP % ("{file: lists/users.csv, column: mail, except: [boss@example.com]}" + _WHY))
    assert said == {"file": str(tmp_path / "lists/users.csv"), "column": "mail", "except": ["boss@example.com"]}


def test_a_directory_s_password_is_a_reference_and_may_hold_any_sign(tmp_path: Path) -> None:
    block = '{ldap: {url: "ldaps://ldap.example.com", base: "dc=example,dc=com", user: "cn=reader", password: "%s"}}' + _WHY
    assert "a password is written out" in _problems(tmp_path, _IMAP % (block % "hunter2"))
    assert "MISSING is not set" in _problems(tmp_path, _IMAP % (block % "${MISSING}"))
    said = _said(tmp_path, _IMAP % (block % "${LDAP_PW}"))
    assert said["ldap"] == {
        "url": "ldaps://ldap.example.com",
        "base": "dc=example,dc=com",
        "filter": "(mail=*)",
        "attribute": "mail",
        "user": "cn=reader",
        "password": 'qu"ote',
    }


def test_the_fresh_look_cannot_have_another_scope(tmp_path: Path) -> None:
    for key in ("folders", "mailboxes", "because"):
        entry = f"{{connector: imap, url: imaps://h, verify_as: {{user: v, {key}: INBOX}}}}"
        assert "the same for every account" in _problems(tmp_path, entry)


def test_only_mail_has_mailboxes(tmp_path: Path) -> None:
    assert "not a setting of the sql driver" in _problems(tmp_path, "{connector: sqlite, url: 'sqlite:///shop.db', mailboxes: [ann]}")
    assert "not a setting of the sql driver" in _problems(tmp_path, "{connector: sqlite, url: 'sqlite:///shop.db', because: x}")


def test_a_disabled_system_needs_no_secrets_of_its_directory(tmp_path: Path) -> None:
    block = '{ldap: {url: "ldaps://l", base: "dc=x", user: r, password: "${MISSING}"}}' + _WHY + ", disabled: true"
    assert dict(_system(tmp_path, _IMAP.replace("${PW}", "${ALSO_MISSING}") % block).settings) == {}
