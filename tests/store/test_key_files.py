"""Key files appear whole and private, are never replaced, and are overwritten before they go."""

from pathlib import Path

import pytest

from dsr_engine.store.key_files import destroy, write_new


def test_a_key_file_is_private_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_new(tmp_path / "a.key", b"secret")
    assert (tmp_path / "a.key").read_bytes() == b"secret"
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def test_a_key_file_is_never_replaced(tmp_path: Path) -> None:
    write_new(tmp_path / "a.key", b"secret")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a.key", b"other")
    assert (tmp_path / "a.key").read_bytes() == b"secret"
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def test_a_destroyed_key_is_overwritten_in_place_and_unlinked(tmp_path: Path) -> None:
    write_new(tmp_path / "a.key", b"secret" * 10)
    (tmp_path / "same-file").hardlink_to(tmp_path / "a.key")
    destroy(tmp_path / "a.key")
    assert not (tmp_path / "a.key").exists()
    assert len((tmp_path / "same-file").read_bytes()) == 60
    assert b"secret" not in (tmp_path / "same-file").read_bytes()
    destroy(tmp_path / "a.key")
