"""Walking a folder without leaving it: what is there, and what cannot be looked at."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dsr_engine.domain.record import Gap
from dsr_engine.drivers.objectstore.shelf import WHOLE, Stored, Stretch


def tag_of(found: os.stat_result) -> str:
    """Changes whenever content, size or identity of a file do (also when its mode does)."""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def is_odd(name: str) -> bool:
    """True for a name that is not UTF-8: it could be searched but not stored as text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False


def leaf(path: str, found: os.stat_result, target: bytes | None = None) -> Stored:
    """A file, a link to `target`, or (with a `/` at its end) an empty folder."""
    bare = b"folder" if path.endswith("/") else None if target is None else b"link " + target
    return Stored(path, None, path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC), tag_of(found), bare=bare)


def walked(root: Path, folder: str, *, is_deep: bool, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
    """Everything below `root/folder`: files, links, empty folders; sockets, devices, odd names and closed folders as gaps.

    Only names are read of what `within` does not hold. Gaps carry the path as their collection. A folder that is not there, or is reached by a
    link only, holds nothing.
    """
    for found in _walked(root, folder, is_deep, within):
        if within.is_first or not isinstance(found, Gap):
            yield found


def _walked(root: Path, folder: str, is_deep: bool, within: Stretch) -> Iterator[Stored | Gap]:
    waiting = [] if _is_reached_by_link(root, folder) else [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(root / here) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
            if here and not entries and within.holds(f"{here}/"):
                yield leaf(f"{here}/", (root / here).lstat())
        except PermissionError:
            yield Gap(f"{here}/", "folder.closed", "a folder cannot be listed by this account")
            continue
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.is_dir(follow_symlinks=False) and not is_odd(entry.name):
                waiting += [path] if is_deep else []
            elif is_odd(entry.name) or within.is_first or within.holds(path):
                yield from _found(root, path, entry, within)


def _found(root: Path, path: str, entry: "os.DirEntry[str]", within: Stretch) -> Iterator[Stored | Gap]:
    if is_odd(entry.name):
        yield Gap(path, "folder.name", "a name is not UTF-8; what bears it was not searched")
        return
    try:
        found = entry.stat(follow_symlinks=False)
        target = os.fsencode(Path(entry.path).readlink()) if stat.S_ISLNK(found.st_mode) else None
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) and target is None:
        yield Gap(path, "folder.special", "a socket, pipe or device was not read")
        return
    if within.holds(path):
        yield leaf(path, found, target)
    if target is not None and not (root / path).resolve().is_relative_to(root):
        yield Gap(path, "folder.link_outside", "a link leads out of the folder and was not followed")


def _is_reached_by_link(root: Path, folder: str) -> bool:
    parts = folder.split("/") if folder else []
    return any((root / Path(*parts[: depth + 1])).is_symlink() for depth in range(len(parts)))
