"""Key material on disk: readable by its owner only, on the disk before it is used, overwritten before it is unlinked."""

import contextlib
import os
import secrets
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Makes a folder that only its owner may enter; one that exists stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """Writes a file of mode 0600 that appears whole or not at all, and is on the disk on return. Raises `FileExistsError`.

    Killed in between, a file with the ending `.new` may stay; it was never used.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike a rename, it never replaces
    finally:
        draft.unlink()
    _sync(path.parent)


def secret_in(path: Path) -> bytes:
    """The 32 random bytes in this file, made at first use; of several processes that make it at once, all get the same."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        make_folder(path.parent)
    with contextlib.suppress(FileExistsError):  # another process was faster: its key is the one
        write_new(path, secrets.token_bytes(32))
    return path.read_bytes()


def destroy(path: Path) -> None:
    """Overwrites, then unlinks; nothing is done where there is no such file.

    A disk that copies on write, or moves its blocks, may keep the old ones: then only encryption below the file system helps.
    """
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_WRONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Brings a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
