"""`maildirsize`: the file in which Courier, Exim, Dovecot and others add up how much lies in a Maildir++.

Whoever removes a mail appends a line that takes it off (http://www.inter7.com/courierimap/README.maildirquota.html). A sum that is wrong for a while
does no harm: its readers count anew when the file has grown, or is old and says that the quota is used up. So nothing here may fail a change.
"""

import contextlib
import os
from pathlib import Path

_FILE = "maildirsize"

#: Mails in this folder, and mails that are marked as deleted, do not count (Maildir++).
_UNCOUNTED = ".Trash"


def settle(root: Path, folder: Path, flags: str, *, size: int, count: int) -> None:
    """Adds a mail of `size` bytes (`count` 1), or takes it off (-1). Nothing where there is no such file."""
    if folder.name == _UNCOUNTED or "T" in flags.rpartition(",")[2]:
        return
    line = b"%d %d\n" % (size * count, count)
    for place in (folder, *folder.parents):
        with contextlib.suppress(FileNotFoundError):
            _append(place / _FILE, line)
            return
        if place == root:
            return


def _append(path: Path, line: bytes) -> None:
    """One write, as others append at the same time."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.write(handle, line)
    finally:
        os.close(handle)
