"""`systems.yaml`: secrets by reference only, and nothing promised that the engine does not keep."""

from pathlib import Path

import pytest

from dsr_engine.domain.system import System
from dsr_engine.spec.home import load_home
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import write


def _system(home: Path, entry: str, **environment: str) -> System:
    write(home, systems=f"systems:\n  it: {entry}\n")
    return load_home(home, environment).systems["it"]


def _problem(home: Path, entry: str, **environment: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        _system(home, entry, **environment)
    (problem,) = caught.value.problems
    return str(problem)


def test_a_reference_is_resolved_and_never_shown(tmp_path: Path) -> None:
    system = _system(tmp_path, '{connector: imap, url: "imaps://mail.example.com", user: u, password: "${PW}"}', PW="hunter2")
    assert system.setting("password") == "hunter2"
    assert "hunter2" not in repr(system)
    assert system.source.line == 2


def test_a_password_cannot_move_the_host_of_its_url(tmp_path: Path) -> None:
    system = _system(tmp_path, '{connector: postgresql, url: "postgresql://u:${PW}@db.example.com/shop"}', PW="a@evil.example/b#c")
    assert system.setting("url") == "postgresql://u:a%40evil.example%2Fb%23c@db.example.com/shop"


def test_a_whole_url_may_come_from_the_environment(tmp_path: Path) -> None:
    assert _system(tmp_path, '{connector: postgresql, url: "${DB}"}', DB="postgresql://u:p@h/d").setting("url") == "postgresql://u:p@h/d"


def test_a_secret_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    assert _system(tmp_path, f"{{connector: imap, url: imaps://h, user: u, password: 'file:{tmp_path}/pw'}}").setting("password") == "hunter2"


LITERALS = [
    ("{connector: imap, url: imaps://h, user: u, password: hunter2}", "systems.yaml:2:60: systems.it.password"),
    ("{connector: imap, url: imaps://h, user: u, password: 'hunter2-${X}'}", "systems.yaml:2:60: systems.it.password"),
    ('{connector: postgresql, url: "postgresql://u:hunter2@h/d"}', "systems.yaml:2:36: systems.it.url"),
    ('{connector: postgresql, url: "postgresql://h/d?password=hunter2"}', "systems.yaml:2:36: systems.it.url"),
    ('{connector: postgresql, url: "postgresql://h/d", read_from: "postgresql://u:hunter2@r/d"}', "systems.yaml:2:67: systems.it.read_from"),
    ("{connector: s3, bucket: b, access_key: a, secret_key: hunter2}", "systems.yaml:2:61: systems.it.secret_key"),
    ("{connector: imap, url: imaps://h, verify_as: {user: u, password: hunter2}}", "systems.yaml:2:72: systems.it.verify_as.password"),
    ("{connector: imap, url: imaps://h, user: u, password: hunter2, disabled: true}", "systems.yaml:2:60: systems.it.password"),
]


@pytest.mark.parametrize(("entry", "place"), LITERALS)
def test_a_password_that_is_written_out_is_an_error_that_names_its_line_and_not_the_password(tmp_path: Path, entry: str, place: str) -> None:
    shown = _problem(tmp_path, entry, X="x")
    assert shown == f"{place}: a password is written out; use ${{NAME}}, file:/run/secrets/x or keyring:service/name"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{connector: postgresql, url: "${DB}"}', "2:36: systems.it.url: the environment variable DB is not set (export DB=...)"),
        ("{connector: imap, url: imaps://h, password: 'file:/nowhere/pw'}", "the secret file /nowhere/pw cannot be read: No such file or directory"),
        ("{connector: postgres, url: x}", "no such connector (did you mean postgresql?)"),
        ("{connector: postgresql, bucket: b, url: x}", "2:31: systems.it.bucket: not a setting of the sql driver (url, user"),
        ("{connector: postgresql}", "2:7: systems.it: needs `url`"),
        ("{connector: s3}", "needs `url` or `bucket`"),
        ("{connector: s3, bucket: b, read_from: x}", "only a database can have a replica to read from"),
        ("{connector: s3, bukket: b, bucket: c}", "2:23: systems.it.bukket: unknown key (did you mean bucket?)"),
        ("{connector: payroll, url: x}", "not a setting of the manual driver (it has none)"),
        ("{connector: s3, bucket: b, level: C2}", "systems.it.level: must be C0 or C1"),
    ],
)
def test_a_wrong_setting_is_told_what_is_right(tmp_path: Path, entry: str, expected: str) -> None:
    assert expected in _problem(tmp_path, entry)


def test_a_disabled_system_needs_no_secret_and_gets_no_setting(tmp_path: Path) -> None:
    system = _system(tmp_path, '{connector: postgresql, url: "${NOT_SET}", disabled: true}')
    assert system.is_disabled
    assert not system.settings


@pytest.mark.parametrize(
    ("connector", "url", "expected"),
    [
        ("sqlite", "sqlite:///data/shop.db", "sqlite:///{home}/data/shop.db"),
        ("sqlite", "sqlite:////srv/shop.db", "sqlite:////srv/shop.db"),
        ("maildir", "maildir:mail", "maildir:{home}/mail"),
        ("folder", "exports", "folder:{home}/exports"),
        ("folder", "folder:exports", "folder:{home}/exports"),
        ("s3", "s3://bucket/a", "s3://bucket/a"),
        ("imap", "imaps://h", "imaps://h"),
    ],
)
def test_a_relative_path_begins_at_the_home(tmp_path: Path, connector: str, url: str, expected: str) -> None:
    found = _system(tmp_path, f"{{connector: {connector}, url: '{url}'}}").setting("url")
    assert found.removeprefix("folder:") == expected.format(home=tmp_path).removeprefix("folder:")


def test_folders_are_all_or_a_list(tmp_path: Path) -> None:
    entry = "{connector: imap, url: imaps://h, folders: %s}"
    assert _system(tmp_path, entry % "all").setting("folders") == "all"
    assert _system(tmp_path, entry % "[INBOX, Sent]").setting("folders") == "INBOX,Sent"
    assert "without commas" in _problem(tmp_path, entry % "'a, b'")
