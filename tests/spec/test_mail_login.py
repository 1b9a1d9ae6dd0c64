"""How `systems.yaml` says by what right a mailbox is opened, and how much of it may be moved in a day."""

from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.domain.system import COUNTED_IN, System
from dsr_engine.drivers.mailstore.settings import account_of
from dsr_engine.spec.home import load_home
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import write

SECRETS = {"PW": "pw-own", "OTHER": "pw-other", "TOKEN": "ab.cd-ef", "APP": "hush"}


def system(home: Path, entry: str) -> System:
    write(home, systems=f"systems:\n  it: {{connector: imap, url: imaps://mail.example.com, {entry}}}\n")
    return load_home(home, SECRETS).systems["it"]


def problem(home: Path, entry: str) -> str:
    with pytest.raises(SpecWrong) as caught:
        system(home, entry)
    return str(caught.value.problems[0])


def verifier(made: System) -> System:
    return replace(made, settings={**made.settings, **made.verify_as})


def test_each_way_to_log_in_becomes_an_account(tmp_path: Path) -> None:
    master = account_of(system(tmp_path, 'user: jane, master_user: svc, password: "${PW}"'))
    assert (master.user, master.master_user, master.password) == ("jane", "svc", "pw-own")
    token = account_of(system(tmp_path, 'user: jane, token: "${TOKEN}"'))
    assert (token.token, token.password) == ("ab.cd-ef", "")
    fetched = account_of(
        system(tmp_path, 'user: jane, token_url: "https://login.example.com/t", client_id: app, client_secret: "${APP}", scope: "imap"')
    )
    assert fetched.grant is not None
    assert (fetched.grant.token_url, fetched.grant.client_id, fetched.grant.client_secret, fetched.grant.scope) == (
        "https://login.example.com/t",
        "app",
        "hush",
        "imap",
    )


@pytest.mark.parametrize("key", ["token", "client_secret"])
def test_a_token_or_a_secret_that_is_written_out_is_an_error_without_it(tmp_path: Path, key: str) -> None:
    told = problem(tmp_path, f"user: jane, {key}: hunter2")
    assert key in told
    assert "hunter2" not in told


def test_bytes_per_day_wants_a_unit_and_is_counted_beside_the_settings(tmp_path: Path) -> None:
    made = system(tmp_path, 'user: jane, password: "${PW}", bytes_per_day: 2 GB')
    account = account_of(made)
    assert (account.bytes_per_day, account.counted_in) == (2_000_000_000, str(tmp_path / "traffic"))
    assert COUNTED_IN not in system(tmp_path, 'user: jane, password: "${PW}"').settings
    for wrong in ("2000", "2 MB/s", "lots"):
        assert "bytes_per_day" in problem(tmp_path, f'user: jane, password: "${{PW}}", bytes_per_day: {wrong}')


def test_another_way_to_log_in_for_the_fresh_look_is_the_whole_way(tmp_path: Path) -> None:
    made = system(tmp_path, 'user: jane, master_user: svc, password: "${PW}", verify_as: {token: "${TOKEN}"}')
    account = account_of(verifier(made))
    assert (account.user, account.password, account.master_user, account.token) == ("jane", "", "", "ab.cd-ef")
    own = system(tmp_path, 'user: jane, master_user: svc, password: "${PW}", verify_as: {password: "${OTHER}"}')
    assert (account_of(verifier(own)).password, account_of(verifier(own)).master_user) == ("pw-other", "")
    same = system(tmp_path, 'user: jane, password: "${PW}", verify_as: {ca_file: other.pem}')
    assert account_of(verifier(same)).password == "pw-own"


def test_the_keys_of_mail_are_no_settings_of_a_database(tmp_path: Path) -> None:
    write(tmp_path, systems='systems:\n  it: {connector: postgresql, url: "postgresql://h/d", master_user: svc}\n')
    with pytest.raises(SpecWrong):
        load_home(tmp_path, SECRETS)
