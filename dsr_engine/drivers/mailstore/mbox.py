"""mbox: many mails in one file, which is rewritten as a whole and put in place at once.

A mail is named by its content's digest, a count among equal ones, and what ties it to a rewritten successor: its place in the file says
nothing, since every removal shifts it. A successor that nothing ties to it is known by what the plan made of it. Killed before the new file is put
in place: the old one stands, and a draft beside it is replaced by the next try (and is searched like any other file). Killed after it: the new one
stands.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from dsr_engine.content.mail.mbox import DOUBTFUL
from dsr_engine.content.mail.mbox_spans import begins_like_mbox
from dsr_engine.domain.errors import ManifestWrong, NotSupported
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Done, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.disk import disk_errors, identity, open_plain
from dsr_engine.drivers.mailstore.disk_renaming import MboxRenaming
from dsr_engine.drivers.mailstore.mbox_lock import locked
from dsr_engine.drivers.mailstore.mbox_rewrite import DRAFT, judged, put_in_place, state_written
from dsr_engine.drivers.mailstore.mbox_seen import Seen, anew, heir_of, rewritten, seen_in, sighting_of, within
from dsr_engine.drivers.mailstore.rested import told_of
from dsr_engine.drivers.mailstore.store import NOTHING, Folder, Key, Mail, Order, Planned, Rewriting, Sighting, no_folder

#: The one part of any file.
_WHOLE = ("whole",)

#: How files end, or are called, that lie beside mboxes and are none: locks, Thunderbird's indexes (a residual), lists of subscribed folders.
_BESIDE, _LISTS = (".lock", ".msf"), frozenset({"subscriptions", ".subscriptions", ".mailboxlist"})

#: What begins so is a file of another kind that has mails in it.
_OTHERS = (
    ((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\3\4"), "it is compressed; search it as a file (folder: or eml:)"),
    ((b"\1\1\1\1\n", b"BABYL OPTIONS:"), "it is a mailbox in MMDF or Babyl format; search it as a file (folder: or eml:)"),
    ((b"!BDN",), "it is an Outlook data file; search it as a file (folder: or eml:)"),
)

#: Folders of Dovecot's indexes; they are no mail, and the connector lists them as a residual.
_INDEXES = ".imap"


class Mbox:
    """The store behind `mbox:PATH`: one file, or all files under a folder."""

    traits = Traits()

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._open_file: BinaryIO | None = None
        self._held: dict[Key, Seen] = {}

    def server(self) -> str:
        with disk_errors():
            return identity("mbox", self._root, self._root if self._root.is_dir() else self._root.parent)

    def check(self) -> Iterator[Problem]:
        for folder in self.folders():
            path = self._path(folder.name)
            if folder.reason:
                yield Problem("mail.folder_unreadable", f"Folder {folder.name}: {folder.reason}", "give access to it or move it away", is_fatal=False)
            elif not (os.access(path, os.R_OK | os.W_OK, effective_ids=True) and os.access(path.parent, os.W_OK, effective_ids=True)):
                yield Problem("mail.read_only", f"Folder {folder.name} or the folder around it may not be written", "run as the owner of the mail")
            elif path.stat().st_nlink > 1:
                yield Problem(
                    "mail.hard_link", f"Folder {folder.name} has a second name on disk, which would keep the old mail", "remove the other link"
                )

    def folders(self) -> Sequence[Folder]:
        if not self._root.exists():
            raise ManifestWrong("There is no mbox at the given path", code="mail.no_store", hint="see that the path is right and mounted")
        if self._root.is_file():
            draft = self._root.with_name(self._root.name + DRAFT)
            paths = [self._root, *([draft] if draft.exists() else [])]
        else:
            with disk_errors():
                paths = sorted(self._walk(self._root))
        if not paths:
            raise ManifestWrong("There is no mbox under the given folder", code="mail.no_store", hint="see that the path is right and mounted")
        sign = "/" if self._root.is_dir() else ""  # what systems.yaml calls one file is no folder's name
        return tuple(Folder(self._name(path), None, _fault(path), separator=sign) for path in paths)

    def owner(self, folder: str) -> str:  # noqa: ARG002  # a path does not say whose mail lies there
        return ""

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:  # noqa: ARG002 -- the same for every folder
        """One part: equal mails are told apart by their count in the whole file."""
        return (_WHOLE,)

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:  # noqa: ARG002 -- there is one part
        path = self._path(folder)
        with disk_errors(), self._opened(folder) as file:
            before = os.fstat(file.fileno())
            mark, at = b"", 0
            rested = told_of(before)
            for seen in seen_in(file, before.st_size):
                if seen.span.is_doubtful:
                    yield Gap(folder, "mbox.lengths", DOUBTFUL)
                at = seen.span.start
                mark = os.pread(file.fileno(), seen.span.content - at, at)
                mail = sighting_of(seen, anew(path, before)).mail
                yield replace(mail, told=(*rested, seen.span.start, seen.span.stop)) if rested else mail
            now = path.stat()
            if now.st_ino != before.st_ino or now.st_size < before.st_size or os.pread(file.fileno(), len(mark), at) != mark:
                raise rewritten()

    def locate(self, folder: str, keys: Sequence[Key], planned: Planned = NOTHING) -> Sequence[Sighting | None]:
        file = self._hold(folder)
        with disk_errors():
            there = list(seen_in(file, os.fstat(file.fileno()).st_size))
        self._held = by_key = {seen.key: seen for seen in there}
        linked = {seen.key[2]: seen for seen in there if seen.key[2] and seen.key not in keys}
        return tuple(_found(file, key, by_key, heir_of(key, planned.get(key), there, linked)) for key in keys)

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        return state_written(sighting.mail, self._held[sighting.key].span.envelope, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        self.close()
        path = self._sound(folder)
        with disk_errors(), locked(path) as held:
            facts = os.fstat(held.file.fileno())
            there = list(seen_in(held.file, facts.st_size))
            outcomes, chosen = judged(held.file, there, orders)
            if facts.st_nlink > 1:
                return tuple(Failed("mail.hard_link", "the file has a second name, which would keep the old mail") for _ in orders)
            if chosen and (undone := put_in_place(path, held, facts, there, chosen)) is not None:
                return tuple(undone if isinstance(outcome, Done) else outcome for outcome in outcomes)
            return outcomes

    def renaming(self, folder: str) -> MboxRenaming:  # noqa: ARG002  # one place, one set of names
        return MboxRenaming(self._root, self.folders)

    def close(self) -> None:
        if self._open_file is not None:
            self._open_file.close()
            self._open_file, self._held = None, {}

    # --- files -------------------------------------------------------------------------------------------------------

    def _walk(self, folder: Path) -> Iterator[Path]:
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                if entry.name != _INDEXES:
                    yield from self._walk(Path(entry.path))
            elif not _is_beside(Path(entry.path)):
                yield Path(entry.path)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if self._root.is_dir() else path.name

    def _path(self, folder: str) -> Path:
        path = self._root / folder if self._root.is_dir() else self._root.with_name(folder)
        if ".." in path.parts or not path.exists() or not path.resolve().is_relative_to(self._root if self._root.is_dir() else self._root.parent):
            raise no_folder()
        return path

    @contextlib.contextmanager
    def _opened(self, folder: str) -> Iterator[BinaryIO]:
        with open_plain(self._sound(folder)) as file:
            yield file

    def _sound(self, folder: str) -> Path:
        """The path of a folder that is an mbox; anything else must not look like an empty one."""
        path = self._path(folder)
        fault = _fault(path)
        if fault:
            raise NotSupported(f"A mail folder cannot be read: {fault}", code="mail.folder_unreadable")
        return path

    def _hold(self, folder: str) -> BinaryIO:
        """The folder's file, kept open for the mails that are handed out until the next call."""
        self.close()
        with disk_errors():
            self._open_file = open_plain(self._sound(folder))
        return self._open_file


def _is_beside(path: Path) -> bool:
    """True for a file that is no mbox by its name, and none by what is in it."""
    if not path.name.endswith(_BESIDE) and path.name not in _LISTS:
        return False
    with contextlib.suppress(OSError, NotSupported), open_plain(path) as file:
        return not begins_like_mbox(file.fileno())
    return True


def _fault(path: Path) -> str:
    """Why a file cannot be searched as an mbox; empty: it can."""
    try:
        with open_plain(path) as file:
            is_mbox = os.fstat(file.fileno()).st_size == 0 or begins_like_mbox(file.fileno())
            head = os.pread(file.fileno(), 16, 0)
    except NotSupported:
        return "it is a symbolic link or no file, which is not followed"
    except OSError:
        return "it may not be read"
    return "" if is_mbox else next((why for starts, why in _OTHERS if head.startswith(starts)), "it is no mbox file")


def _found(file: BinaryIO, key: Key, by_key: dict[Key, Seen], heir: Seen | None) -> Sighting | None:
    if key in by_key:
        return sighting_of(by_key[key], within(file))
    return None if heir is None else sighting_of(heir, within(file), is_same=False)
