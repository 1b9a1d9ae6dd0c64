"""Gives a folder of mail on a disk another name: directories of a Maildir, mbox files with what lies beside them, folders of `.eml`.

Each entry is renamed at once and nothing is copied, so mails keep their files and their times. A Maildir++ has a directory for each folder, also for
those below it: these go first. Killed between two of them, or before the list of subscriptions is written: the old name is still there, and the next
try does the rest.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from imapclient import imap_utf7

from dsr_engine.domain.errors import NotSupported
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.mailstore import subscription_files
from dsr_engine.drivers.mailstore.disk import disk_errors, open_folder
from dsr_engine.drivers.mailstore.maildir_folders import places
from dsr_engine.drivers.mailstore.mbox_lock import clear_abandoned_lock, has_abandoned_lock, locked
from dsr_engine.drivers.mailstore.store import Folder

#: What mail programs keep beside an mbox file under its name: Thunderbird's index.
_BESIDE = (".msf",)
#: Where Dovecot keeps indexes of mbox files, in folders of their names.
_INDEXES = ".imap"


class DiskRenaming:
    """The names below a folder on disk, parted by slashes; nothing beside them bears their names."""

    def __init__(self, root: Path, folders: Callable[[], Sequence[Folder]]) -> None:
        self._root, self._folders = root, folders

    def folders(self) -> Sequence[Folder]:
        return self._folders()

    def lingers(self, folder: str) -> bool:  # noqa: ARG002  # one entry has the name, or has it no more
        return False

    def refusal(self, folder: str, to: str) -> Problem | None:
        if folder.rpartition("/")[0] != to.rpartition("/")[0]:
            return Problem("mail.folder_name", "The person's name stretches over several folders of a path", "rename them by hand")
        above = self._root / Path(folder).parent
        if os.access(above, os.W_OK | os.X_OK, effective_ids=True):
            return None
        return Problem("mail.folder_name", "A folder named after the person cannot be renamed: the one around it may not be written", "grant it")

    def rename(self, folder: str, to: str) -> None:
        above, _, name = folder.rpartition("/")
        self._move(above, [(name, to.rpartition("/")[2])])

    def _move(self, above: str, moves: Sequence[tuple[str, str]]) -> None:
        with contextlib.suppress(FileNotFoundError), disk_errors(FileNotFoundError), open_folder(self._root, above) as handle:
            for old, new in moves:
                move(handle, old, new)
            os.fsync(handle)


class MboxRenaming(DiskRenaming):
    """The names of mbox files and the folders around them, with what mail programs keep beside a file under its name: this goes first."""

    def lingers(self, folder: str) -> bool:
        return subscription_files.has(self._root, folder) or has_abandoned_lock(self._root / folder)

    def rename(self, folder: str, to: str) -> None:
        above, _, name = folder.rpartition("/")
        fresh = to.rpartition("/")[2]
        path = self._root / folder
        clear_abandoned_lock(path)
        self._move(f"{above}/{_INDEXES}" if above else _INDEXES, [(name, fresh)])
        with locked(path) if path.is_file() else contextlib.nullcontext():
            self._move(above, [(name + end, fresh + end) for end in (*_BESIDE, "")])
        subscription_files.rename(self._root, folder, to)


class MaildirRenaming(DiskRenaming):
    """The names of a Maildir: `.A.B` beside each other (Maildir++), or folders within folders."""

    def lingers(self, folder: str) -> bool:
        return subscription_files.has(self._root, folder)

    def refusal(self, folder: str, to: str) -> Problem | None:
        if folder.startswith("./"):
            return Problem("mail.folder_name", "Two folders have the name that is the person's", "rename one of them by hand")
        written, write = self._written(folder)
        return super().refusal(written, written[: 1 if written.startswith(".") else 0] + write(to))

    def rename(self, folder: str, to: str) -> None:
        written, write = self._written(folder)
        fresh = write(to)
        dotted = "." if written.startswith(".") else ""
        if "/" in folder or not dotted:
            above, _, name = written.rpartition("/")
            self._move(above, [(name, (dotted + fresh).rpartition("/")[2])])
        else:
            self._move("", sorted(self._flat(written, dotted + fresh), reverse=True))
        subscription_files.rename(self._root, folder, to)

    def _flat(self, written: str, fresh: str) -> Iterator[tuple[str, str]]:
        for name in os.listdir(self._root):  # noqa: PTH208  # names as they are, not paths
            if name == written or name.startswith(f"{written}."):
                yield name, fresh + name[len(written) :]

    def _written(self, folder: str) -> tuple[str, Callable[[str], str]]:
        """The folder's path on disk, which may be one that only has others below it, with how names are written there."""
        for place in places(self._root).values():
            path = place.path.relative_to(self._root).as_posix()
            for write in (str, _utf7):
                for dot in (".", ""):
                    stem = dot + write(folder)
                    if path == stem or re.match(re.escape(stem) + r"[./]", path):
                        return stem, write
        return f".{folder}", str


def move(handle: int, old: str, new: str) -> None:
    """Renames one entry of an open folder, and never over another. What is not there was renamed by an earlier try, or never was."""
    with contextlib.suppress(FileNotFoundError):
        os.stat(old, dir_fd=handle, follow_symlinks=False)
        if _exists(handle, new):
            raise NotSupported("Something has the name already that a mail folder was to get", code="mail.folder_taken", hint="move it away")
        os.rename(old, new, src_dir_fd=handle, dst_dir_fd=handle)


def _exists(handle: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _utf7(text: str) -> str:
    """Each level of a name by itself: a slash is none in UTF-7."""
    return "/".join(imap_utf7.encode(part).decode("ascii") for part in text.split("/"))
