"""What outlives an erasure in a mail store: what its server is known to keep, what lies among the files, and what an administrator does about it.

Over IMAP nothing of it can be seen. There the word of the server's own command is all there is: a channel counts as erased once each command that
ends it was run by the engine and reported success, and opens again with the next erasure. On a disk the index files are looked at instead.
"""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.residue import Assessment, Channel, ResidueState, ServerFacts, Work
from dsr_engine.domain.system import System
from dsr_engine.drivers.mailstore.disk import disk_errors
from dsr_engine.drivers.mailstore.estate import opened, split
from dsr_engine.drivers.mailstore.folder_names import FolderNames
from dsr_engine.drivers.mailstore.imap_session import Session
from dsr_engine.drivers.mailstore.index_files import look
from dsr_engine.drivers.mailstore.mailbox_paths import path_of
from dsr_engine.drivers.mailstore.maildir_folders import places
from dsr_engine.drivers.mailstore.maintenance import Command, Touched, commands, run
from dsr_engine.drivers.mailstore.residuals import FUZZY, Kept, of_disk, of_server
from dsr_engine.drivers.mailstore.scope import Scope
from dsr_engine.drivers.mailstore.settings import account_of

_NOTHING = "nothing was erased or rewritten here"
_TOLD = "the server's own command was run and reported success; its files cannot be looked at over the network"
_DID = "did:"
_ERASED = ResidueState.ERASED
_HIDDEN = "folders that this account is not allowed to list"
#: Kinds of store beside which mail servers and mail programs keep indexes.
_INDEXED = frozenset({"maildir", "mbox"})


class MailstoreUpkeep:
    """The administrator's side of one mail server, one mailbox or one folder of mail."""

    def __init__(self, system: System) -> None:
        self._system = replace(system, settings={**system.settings, **system.verify_as})
        self._command = system.maintenance_command
        self._kind, _, self._rest = system.setting("url").partition(":")
        self._is_server = self._kind in ("imap", "imaps")
        self._is_estate = bool(system.setting("mailboxes"))
        self._offered: dict[str, Command] = {}
        self._done: set[str] = set()

    def assess(self, collections: Sequence[str], since: datetime, marks: Mapping[str, str]) -> Assessment:  # noqa: ARG002  # IMAP tells no times
        collections = self._called_now(collections)
        touched = self._touched(collections)
        server, kept, found = self._server(collections) if self._is_server else self._files(collections, marks)
        offered = commands(self._command, touched, kept)
        self._offered |= {command.work.statement: command for command in offered}
        done = {key for key in marks if key.startswith(_DID)} | self._done
        channels = tuple(_channel(entry, offered, done, is_touched=bool(collections)) for entry in kept)
        works = tuple(command.work for command in offered if not set(command.closes) <= {entry.code for entry in channels if entry.state is _ERASED})
        return Assessment(server, channels, works, {**found, **dict.fromkeys(sorted(done), "1")})

    def maintain(self, works: Sequence[Work]) -> None:
        """Runs the system's command. Nothing is run that an assessment of this connection did not offer."""
        for work in works:
            if not self._command:
                raise NotSupported("no command is given that the engine may run", code="mail.maintenance", hint="set maintenance_command:")
            known = self._offered.get(work.statement)
            if known is None or not known.is_known:
                raise NotSupported(
                    "the command needs {user}, and it is not known whose mailbox it is",
                    code="mail.maintenance",
                    hint="write the user into maintenance_command",
                )
            run(known.words)
            self._done.add(_did(known))

    def close(self) -> None:
        """Nothing is held open."""

    # --- who and where -----------------------------------------------------------------------------------------------

    def _touched(self, collections: Sequence[str]) -> tuple[Touched, ...]:
        """The mailboxes of the collections with their folders, as whoever looked into them sees them: also a shared folder has its name there."""
        account = "" if self._is_estate else account_of(self._system).mailbox if self._is_server else self._system.setting("user")
        boxes: dict[str, dict[str, None]] = {}
        for name in collections:
            user, folder = split(name) if self._is_estate else (account, name)
            boxes.setdefault(user, {})[folder] = None
        return tuple(Touched(user, tuple(folders)) for user, folders in boxes.items())

    def _called_now(self, collections: Sequence[str]) -> tuple[str, ...]:
        """A folder that was named after the person has another name by now, and so has what is kept about it."""
        if not collections:
            return ()
        with contextlib.closing(opened(self._system)) as store:
            return FolderNames(self._system, store, Scope(self._system)).now(collections)

    def _identity(self) -> str:
        with contextlib.closing(opened(self._system)) as store:
            return store.server()

    def _server(self, collections: Sequence[str]) -> tuple[ServerFacts, tuple[Kept, ...], Mapping[str, str]]:
        account = account_of(self._system)
        if self._is_estate:
            if not collections:
                return ServerFacts(self._identity(), "IMAP server", "", may_hide_rows=True, detail=_HIDDEN), (), {}
            account = account.of(split(collections[0])[0])
        with contextlib.closing(Session(account)) as session:
            nature = session.nature()
            kept = tuple(of_server(nature, has_words=session.has(FUZZY)))
        product = " ".join(word for word in (nature.product or "IMAP server", nature.version) if word)
        return ServerFacts(self._identity(), product, "", may_hide_rows=True, detail=_HIDDEN), kept, {}

    def _files(self, collections: Sequence[str], marks: Mapping[str, str]) -> tuple[ServerFacts, tuple[Kept, ...], Mapping[str, str]]:
        facts = ServerFacts(self._identity(), f"{self._kind} files", "", may_hide_rows=False)
        if self._kind not in _INDEXED:
            return facts, tuple(of_disk()), {}
        root = Path(unquote(self._rest.removeprefix("//")) if self._rest.startswith("//") else self._rest).expanduser()
        with disk_errors():
            found = look(root, self._paths(root, collections), marks)
        return facts, (*found.kept, *of_disk()), found.marks

    def _paths(self, root: Path, collections: Sequence[str]) -> dict[str, Path]:
        paths = {}
        for name in collections:
            mailbox, folder = split(name) if self._is_estate else ("", name)
            base = path_of(str(root), mailbox) if self._is_estate else root
            paths[name] = _path(self._kind, base, folder)
        return {name: path for name, path in paths.items() if path is not None}


def _path(kind: str, root: Path, folder: str) -> Path | None:
    """Where the mails of a folder lie: a folder of a Maildir, an mbox file. None: it is not there any more."""
    if kind == "mbox":
        return root if root.is_file() else root / folder
    place = places(root).get(folder)
    return place.path if place is not None else None


def _channel(entry: Kept, offered: Sequence[Command], done: set[str], *, is_touched: bool) -> Channel:
    state, detail = entry.state, entry.detail
    ending = [command for command in offered if entry.code in command.closes]
    if not is_touched and entry.level == "C1":
        state, detail = ResidueState.VERIFIED_ABSENT, _NOTHING
    elif ending and not entry.is_seen and all(_did(command) in done for command in ending):
        state, detail = _ERASED, _TOLD
    return Channel(entry.code, entry.what, state, detail, level=entry.level)


def _did(command: Command) -> str:
    """What is kept of a command that was run: a digest, since it names a mailbox."""
    return _DID + hashlib.sha256(command.work.statement.encode("utf-8", "surrogateescape")).hexdigest()[:16]
