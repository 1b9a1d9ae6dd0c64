"""Whether a file system's times tell that a file changed. Few promise it: mounted ones keep times of their own, or none of changes."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from dsr_engine.drivers.objectstore.shelf import Sameness

#: Local file systems in which every write, also one that puts the modification time back, sets the change time, which no program can choose.
#: Memory (`tmpfs`) is none of them: what is written through a mapping never reaches a disk there, and changes no time.
_TRUSTED = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs"})
_MOUNTS = Path("/proc/self/mountinfo")


def unchanged_since(tag: str) -> Sameness | None:
    """What `tag_of` (`folder_walk.py`) said of a file, if its file system keeps times that can be trusted."""
    device, _, _, modified, changed = tag.split(":")
    if _kinds().get(f"{os.major(int(device))}:{os.minor(int(device))}") not in _TRUSTED:
        return None
    return Sameness(tag, datetime.fromtimestamp(max(int(modified), int(changed)) / 1e9, UTC))


@cache
def _kinds() -> dict[str, str]:
    """The kind of each mounted file system by its device (proc_pid_mountinfo(5)); of what is mounted later nothing is known."""
    kinds: dict[str, str] = {}
    with suppress(OSError, ValueError):
        for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
            place, _, device = line.partition(" - ")
            kinds[place.split()[2]] = device.split()[0]
    return kinds
