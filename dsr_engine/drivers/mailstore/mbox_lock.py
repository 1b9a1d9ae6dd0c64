"""Holds other mail programs off an mbox while it is rewritten: a dot-lock and an fcntl lock, as mbox(5) and Dovecot want both."""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import Unreachable
from dsr_engine.drivers.mailstore.disk import disk_errors

#: How often and how long (seconds) another program's lock is waited for.
_TRIES, _PAUSE = 50, 0.1


@contextlib.contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading and locked. Raises `Unreachable` while somebody else holds it. A lock that a killed run left is taken over."""
    lock = path.with_name(path.name + ".lock")
    with disk_errors():
        _take(lock)
    try:
        with disk_errors(), path.open("r+b") as file:
            _take_fcntl(file)
            yield file
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path) -> None:
    mark = f"dsr {socket.gethostname()} {os.getpid()}\n"
    for _ in range(_TRIES):
        try:
            with lock.open("x") as file:
                file.write(mark)
        except FileExistsError:
            if _is_abandoned(lock):
                lock.unlink(missing_ok=True)
            else:
                time.sleep(_PAUSE)
            continue
        return
    raise _held()


def _is_abandoned(lock: Path) -> bool:
    """True for a lock of ours, on this machine, whose process is no more. A stranger's lock is never broken."""
    try:
        words = lock.read_text(errors="replace").split()
    except FileNotFoundError:
        return False
    if len(words) != 3 or words[:2] != ["dsr", socket.gethostname()] or not words[2].isdigit():
        return False
    try:
        os.kill(int(words[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _take_fcntl(file: BinaryIO) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
            continue
        return
    raise _held()


def _held() -> Unreachable:
    return Unreachable("An mbox is locked by another program", code="mail.locked", hint="wait for it, or remove a .lock file that was left behind")
