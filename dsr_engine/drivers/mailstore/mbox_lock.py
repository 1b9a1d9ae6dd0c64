"""Holds other mail programs off an mbox while it is rewritten: a dot-lock, an fcntl lock and a flock, as each is some program's only one.

mbox(5), Dovecot and Postfix take the dot-lock first, so a program that waits has not opened the file yet. On NFS a flock is an fcntl lock in
disguise, and would wait for our own, so there it is left out.
"""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dsr_engine.domain.errors import Unreachable
from dsr_engine.drivers.mailstore.disk import disk_errors

#: How often and how long (seconds) another program's lock is waited for.
_TRIES, _PAUSE = 50, 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """An mbox that is open for reading and writing, and locked."""

    file: BinaryIO

    def release(self) -> None:
        """Lets go of the file, of which the dot-lock keeps others off still."""
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        fcntl.flock(self.file, fcntl.LOCK_UN)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Held]:
    """The file, with every kind of lock. Raises `Unreachable` while somebody else holds one. A lock that a killed run left is taken over."""
    lock = _dot_lock(path)
    with disk_errors():
        _take(lock)
    try:
        with locked_file(path) as held:
            yield held
    finally:
        lock.unlink(missing_ok=True)


def has_abandoned_lock(path: Path) -> bool:
    """True if a run of ours that was killed left its dot-lock for this file, which may be gone under this name."""
    with disk_errors():
        return _is_abandoned(_dot_lock(path))


def clear_abandoned_lock(path: Path) -> None:
    with disk_errors():
        if _is_abandoned(_dot_lock(path)):
            _dot_lock(path).unlink(missing_ok=True)


def _dot_lock(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


@contextlib.contextmanager
def locked_file(path: Path) -> Iterator[Held]:
    """The same without a dot-lock, which is held already."""
    with disk_errors(), path.open("r+b") as file:
        _take_system(lambda: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
        if not _is_remote(file):
            _take_system(lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB))
        yield Held(file)


def _take(lock: Path) -> None:
    mark = " ".join(("dsr", socket.gethostname(), str(os.getpid()), _processes())) + "\n"
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
    if len(words) != 4 or words[:2] != ["dsr", socket.gethostname()] or words[3] != _processes() or not words[2].isdigit():
        return False
    try:
        os.kill(int(words[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _processes() -> str:
    """Which processes a number means: containers of one name see different ones, and a number begins anew when the machine does."""
    with contextlib.suppress(OSError):
        namespace = Path("/proc/self/ns/pid").readlink().name
        return f"{namespace}/{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"
    return "here"


def _take_system(take: Callable[[], object]) -> None:
    for _ in range(_TRIES):
        try:
            take()
        except BlockingIOError:
            time.sleep(_PAUSE)
            continue
        return
    raise _held()


def _is_remote(file: BinaryIO) -> bool:
    """True for a file on NFS or another file system of which the kernel says that it lies elsewhere."""
    device = os.fstat(file.fileno()).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
            left, _, right = line.partition(" - ")
            if left.split()[2] == number:
                return right.startswith(("nfs", "cifs", "smb", "fuse", "9p", "ceph"))
    return False


def _held() -> Unreachable:
    return Unreachable("An mbox is locked by another program", code="mail.locked", hint="wait for it, or remove a .lock file that was left behind")
