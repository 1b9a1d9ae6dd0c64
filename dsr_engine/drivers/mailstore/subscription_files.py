"""The lists of subscribed folders that mail servers keep beside the mail: Dovecot's `subscriptions`, Courier's, and those of mbox folders.

One name in a line. What parts its levels is a dot, a slash or, in Dovecot's second version, a tab; a name may be in modified UTF-7 or in UTF-8.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from imapclient import imap_utf7

from dsr_engine.drivers.mailstore.disk import create_private, disk_errors, dress, open_plain, sync_folder

#: What such files are called.
NAMES = ("subscriptions", ".subscriptions", ".mailboxlist", "courierimapsubscribed")

_LEVEL = re.compile(r"([./\t])")
_DRAFT = ".dsr-subscriptions.tmp"


def names(folder: str) -> bool:
    """True for a file of this name."""
    return folder in NAMES


def has(root: Path, folder: str) -> bool:
    """True if one of the lists in a mailbox has this folder, or one below it."""
    return any(_rest(line, _levels(folder)) is not None for path in _files(root) for line in _lines(path))


def rename(root: Path, folder: str, to: str) -> None:
    """Writes the new name into the lists, each put in place at once. Everything else in them stays as it is."""
    levels = _levels(folder)
    for path in _files(root):
        before = _lines(path)
        after = [_renamed(line, levels, to) for line in before]
        if after != before:
            _write(path, after)


def _files(root: Path) -> Iterator[Path]:
    yield from (path for name in NAMES if (path := root / name).is_file() and not path.is_symlink())


def _lines(path: Path) -> list[bytes]:
    with disk_errors(), open_plain(path) as file:
        return file.read().splitlines(keepends=True)


def _levels(name: str) -> list[str]:
    return _LEVEL.split(name)[::2]


def _rest(line: bytes, levels: list[str]) -> tuple[str, Callable[[str], str], str] | None:
    """The line around the folder's name, with how names are written in it; None where it is of another folder."""
    text = line.decode("utf-8", "surrogateescape")
    parts = _LEVEL.split(text.rstrip("\r\n"))
    for write in (str, _utf7):
        for start in (0, 2) if parts[0] == "INBOX" else (0,):
            stop = start + 2 * len(levels) - 1
            if parts[start:stop:2] == [write(level) for level in levels]:
                kept = "".join(parts[stop:])
                return "".join(parts[:start]), write, kept + text[len(text.rstrip("\r\n")) :]
    return None


def _renamed(line: bytes, levels: list[str], to: str) -> bytes:
    found = _rest(line, levels)
    if found is None:
        return line
    before, write, after = found
    old = line.decode("utf-8", "surrogateescape")[len(before) :]
    signs = _LEVEL.split(old)[1 : 2 * len(levels) - 1 : 2]
    fresh = _levels(to)
    signs += [signs[-1] if signs else "/"] * len(fresh)
    name = "".join(write(part) + sign for part, sign in zip(fresh, (*signs[: len(fresh) - 1], ""), strict=True))
    return (before + name + after).encode("utf-8", "surrogateescape")


def _utf7(text: str) -> str:
    return str(imap_utf7.encode(text).decode("ascii"))


def _write(path: Path, lines: list[bytes]) -> None:
    """Killed before the rename: the old list stands, and a draft that the next try replaces."""
    draft = path.with_name(_DRAFT)
    with disk_errors():
        draft.unlink(missing_ok=True)
        with create_private(draft) as file, open_plain(path) as old:
            file.writelines(lines)
            file.flush()
            dress(file.fileno(), old.fileno())
            os.fsync(file.fileno())
        draft.rename(path)
        sync_folder(path.parent)
