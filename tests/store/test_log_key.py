"""The log's key is made once, kept private, and never silently replaced."""

import subprocess
from pathlib import Path

import pytest

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.note import LogKey
from dsr_engine.store import log_key
from tests.servers.lifecycle import program


def test_a_key_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    made = log_key.create(tmp_path, "dsr.example.org/ledger")
    key, sign = log_key.load(tmp_path)
    assert key == made == LogKey.parse((tmp_path / "log.vkey").read_text())
    assert log_key.holds(key.public, sign(b"message"), b"message")
    assert not log_key.holds(key.public, sign(b"message"), b"massage")
    assert not log_key.holds(b"short", sign(b"message"), b"message")
    assert not log_key.holds(key.public, b"short", b"message")


def test_openssl_reads_the_private_key_and_finds_the_same_public_one(tmp_path: Path) -> None:
    key = log_key.create(tmp_path, "log")
    openssl = program("openssl", install="apt-get install openssl")
    told = subprocess.run([openssl, "pkey", "-in", tmp_path / "log.key", "-pubout", "-outform", "DER"], check=True, capture_output=True)
    assert told.stdout.endswith(key.public)


def test_the_private_key_is_for_its_owner_only(tmp_path: Path) -> None:
    log_key.create(tmp_path / "keys", "log")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "keys" / "log.key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    first = log_key.create(tmp_path, "log")
    with pytest.raises(InputWrong) as refused:
        log_key.create(tmp_path, "log")
    assert refused.value.code == "log_key.exists"
    assert log_key.load(tmp_path)[0] == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.key", "log.vkey"]


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "line\nbreak"])
def test_a_name_that_a_checkpoint_cannot_carry_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(InputWrong) as refused:
        log_key.create(tmp_path, origin)
    assert refused.value.code == "log_key.origin"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputWrong) as refused:
        log_key.load(tmp_path)
    assert refused.value.code == "log_key.missing"


def test_halves_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    log_key.create(tmp_path / "a", "log")
    log_key.create(tmp_path / "b", "log")
    (tmp_path / "b" / "log.vkey").replace(tmp_path / "a" / "log.vkey")
    with pytest.raises(InputWrong) as refused:
        log_key.load(tmp_path / "a")
    assert refused.value.code == "log_key.mismatch"


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    log_key.create(tmp_path, "log")
    (tmp_path / "log.key").write_text("nonsense")
    with pytest.raises(InputWrong) as refused:
        log_key.load(tmp_path)
    assert refused.value.code == "log_key.malformed"
