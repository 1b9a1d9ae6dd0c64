"""Systems from a URL: no file, no surprise, nothing created."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import InputWrong
from dsr_engine.spec.scalars import is_name
from dsr_engine.spec.url import system_from_url


def _database(path: Path) -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
    connection.close()
    return path


@pytest.mark.parametrize(
    ("url", "name", "connector", "setting"),
    [
        ("postgresql://u:p@h:5433/Web%20Shop", "web-shop", "postgresql", "postgresql://u:p@h:5433/Web%20Shop"),
        ("postgres://h/shop", "shop", "postgresql", "postgresql://h/shop"),
        ("mysql://h/shop", "shop", "mariadb", "mysql://h/shop"),
        ("mariadb://h/shop", "shop", "mariadb", "mariadb://h/shop"),
        ("s3://acme-lake/exports/", "acme-lake", "s3", "s3://acme-lake/exports/"),
    ],
)
def test_a_url_gives_a_system_with_a_name(url: str, name: str, connector: str, setting: str) -> None:
    system = system_from_url(url)
    assert (system.name, system.manifest.name, system.setting("url")) == (name, connector, setting)


def test_an_imap_url_is_split_into_server_user_and_password() -> None:
    system = system_from_url("imaps://ann%40example.com@mail.example.com:9993/INBOX", environment={"DSR_IMAP_PASSWORD": "hunter2"})
    settings = {key: secret.reveal() for key, secret in system.settings.items()}
    assert settings == {"url": "imaps://mail.example.com:9993", "user": "ann@example.com", "password": "hunter2", "folders": "INBOX"}
    assert system.name == "mail-example-com"
    assert "hunter2" not in repr(system)


def test_a_variable_keeps_a_password_off_the_command_line() -> None:
    assert system_from_url("postgresql://u:${PW}@h/d", environment={"PW": "a@b"}).setting("url") == "postgresql://u:a%40b@h/d"


def test_a_sqlite_file_that_does_not_exist_is_refused_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(InputWrong, match="there is no such SQLite file"):
        system_from_url(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_a_path_says_by_what_lies_there_which_system_it_is(tmp_path: Path) -> None:
    database = _database(tmp_path / "shop.db")
    for part in ("cur", "new", "tmp"):
        (tmp_path / "Mail" / part).mkdir(parents=True)
    (tmp_path / "old.mbox").write_bytes(b"From a@b Thu Jan  1 00:00:00 1970\n\n")
    (tmp_path / "list.csv").write_text("a,b\n")
    found = {path.name: system_from_url(str(path)) for path in (database, tmp_path / "Mail", tmp_path / "old.mbox", tmp_path / "list.csv", tmp_path)}
    assert {name: system.manifest.name for name, system in found.items()} == {
        "shop.db": "sqlite",
        "Mail": "maildir",
        "old.mbox": "mbox",
        "list.csv": "folder",
        tmp_path.name: "folder",
    }
    assert found["shop.db"].setting("url") == f"sqlite:///{database}"
    assert found["Mail"].name == "mail"


def test_a_relative_sqlite_url_is_taken_from_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _database(tmp_path / "shop.db")
    monkeypatch.chdir(tmp_path)
    assert system_from_url("sqlite:///shop.db").setting("url") == f"sqlite:///{tmp_path}/shop.db"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ldap://h", "url.scheme"),
        ("postgresql://h", "url.database"),
        ("postgresql://u:hunter2@[::1/d", "url.form"),
        ("imaps://mail.example.com", "url.credentials"),
        ("imaps://u:hunter2@h:99999999", "url.form"),
        ("sqlite://", "url.form"),
        ("sqlite:///:memory:", "url.form"),
        ("s3://", "url.form"),
        ("s3://key:hunter2@bucket", "url.form"),
        ("mbox:/no/such/file", "url.missing"),
        ("/no/such/path", "url.missing"),
        ("a\0b", "url.missing"),
        ("postgresql://u:${NOT_SET}@h/d", "settings.no_variable"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_quoting_it(url: str, code: str) -> None:
    with pytest.raises(InputWrong) as caught:
        system_from_url(url)
    assert caught.value.code == code
    assert "hunter2" not in str(caught.value)


def test_an_endpoint_belongs_to_a_bucket_only() -> None:
    assert system_from_url("s3://b", endpoint_url="http://127.0.0.1:9000").setting("endpoint_url") == "http://127.0.0.1:9000"
    with pytest.raises(InputWrong, match="for buckets only"):
        system_from_url("mysql://h/d", endpoint_url="http://127.0.0.1:9000")


@given(st.text(max_size=40))
@settings(deadline=None)
def test_no_text_crashes_and_every_system_has_a_right_name(text: str) -> None:
    for url in (text, f"postgresql://{text}", f"imap://{text}", f"s3://{text}", f"sqlite:///{text}"):
        with contextlib.suppress(InputWrong):
            assert is_name(system_from_url(url).name)


def test_what_is_neither_a_file_nor_a_folder_is_refused_and_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputWrong, match="neither a file nor a folder"):
        system_from_url(str(tmp_path / "pipe"))
