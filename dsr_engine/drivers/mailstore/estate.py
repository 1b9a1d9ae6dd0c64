"""The mailboxes of many people as one store: a folder is the collection `MAILBOX/FOLDER`, and each has a coverage row of its own.

A mailbox that cannot be opened is a collection `MAILBOX/*` that cannot be searched, and the others go on. The store's identity does not depend on any
mailbox: one that was rebuilt has other keys, and only its own mails drift. Of the connections to single mailboxes a few stay open, those that were
used last; thousands would be more than any server allows.
"""

import contextlib
import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from dsr_engine.domain.errors import DsrError, ManifestWrong, NotAllowed, Unreachable
from dsr_engine.domain.record import Gap
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Drifted, Failed, Outcome, Problem, Traits
from dsr_engine.drivers.mailstore.disk import disk_errors, identity
from dsr_engine.drivers.mailstore.enumerating import Mailboxes, Source, enumerated, source_of
from dsr_engine.drivers.mailstore.mailbox_paths import below, fixed_part, listed, path_of
from dsr_engine.drivers.mailstore.settings import account_of, imap_of, store_of
from dsr_engine.drivers.mailstore.store import NOTHING, Folder, Key, Mail, Order, Planned, Renaming, Rewriting, Sighting, Store

T = TypeVar("T")

#: Mailboxes of which one driver keeps a connection.
OPEN = 4

#: Mailboxes that are asked for their folders at the same time. Each is one login, most of which is waiting.
_AT_ONCE = 4

#: How many mailboxes `check` opens, evenly spread: a master user's rights are one thing, and thousands of logins are for a search.
TRIED = 50

#: How many mailboxes a message names.
_NAMED = 5

#: What stands for the folders of a mailbox that cannot be opened.
WHOLE = "*"

#: After so many failures of the connection, and no success, the server is taken to be down.
_DOWN = 3

#: A name that fits into every path; nothing of it is opened.
_NOBODY = "nobody@mailboxes.invalid"

GONE = "mail.mailbox_gone"
NO_FOLDERS = "mail.no_folders"
_CONNECTION = "mail.connection"
#: Refusals that a mailbox gives which is not there any more; nobody can tell them from others by themselves.
_CLOSED = frozenset({"mail.login", "mail.no_mailbox_right", "mail.no_store", "mail.token"})


def opened(system: System) -> Store:
    """The store of a system: one account, or those that `mailboxes` names. Raises `InputWrong`; nothing is opened yet."""
    said = system.setting("mailboxes")
    return Estate(system, source_of(said)) if said else store_of(system)


def checked(store: Store) -> Sequence[Folder]:
    """The folders that a check goes by: all of one account, of many those of the mailboxes that it opened."""
    return store.tried if isinstance(store, Estate) else store.folders()


def vanished(store: Store, before: Iterable[str]) -> Sequence[str]:
    """Those of the collections whose mailbox nobody lists any more."""
    if not isinstance(store, Estate) or not before:
        return ()
    there = store.mailboxes().listed
    return [name for name in sorted(before) if split(name)[0] not in there]


def collection_of(mailbox: str, folder: str) -> str:
    """The name of a folder among those of all mailboxes."""
    return f"{mailbox.replace('%', '%25').replace('/', '%2F')}/{folder}"


def split(collection: str) -> tuple[str, str]:
    """Mailbox and folder of a collection."""
    mailbox, _, folder = collection.partition("/")
    return mailbox.replace("%2F", "/").replace("%25", "%"), folder


@dataclass(frozen=True, slots=True)
class _Surveyed:
    """One folder of one mailbox, with how its search splits."""

    folder: Folder
    parts: Sequence[tuple[str, ...]]


class Estate:
    """The store behind `mailboxes:`."""

    def __init__(self, system: System, source: Source) -> None:
        self._source = source
        self._kind = _kind_of(system)
        most = int(system.setting("connections", "0"))
        #: With a limit, as many drivers as the limit allows have one connection each.
        self._most_open, self._at_once = (1, min(most, _AT_ONCE)) if most else (OPEN, _AT_ONCE)
        self.traits: Traits = self._kind.make(_NOBODY).traits
        self._open: OrderedDict[str, Store] = OrderedDict()
        self._located: Store | None = None
        self._parts: dict[str, Sequence[tuple[str, ...]]] = {}
        #: What the last check met: the folders of the mailboxes that it opened, and how many mailboxes there are.
        self.tried: tuple[Folder, ...] = ()
        self.count = 0

    def server(self) -> str:
        return self._kind.server()

    def mailboxes(self) -> Mailboxes:
        """Whose mailboxes there are now; asked anew each time. Raises as `enumerated` does."""
        return enumerated(self._source, self._kind.everybody)

    def owner(self, folder: str) -> str:
        """Whose mailbox it is; of a folder that several people share, what its server says."""
        mailbox, name = split(folder)
        return self._store(mailbox).owner(name) if self._kind.tells_owners and name != WHOLE else mailbox

    # --- what there is -----------------------------------------------------------------------------------------------

    def folders(self) -> Sequence[Folder]:
        """The folders of all mailboxes, by mailbox. A folder that several people of a domain share is named once, where it can be read."""
        boxes = self.mailboxes()
        weather = _Weather()
        surveys = _each(boxes.names, lambda name: self._surveyed(name, weather), self._at_once)
        found: dict[str, _Surveyed] = {}
        shared: set[tuple[str, str]] = set()
        searched = frozenset(boxes.names)
        for mailbox, survey in zip(boxes.names, surveys, strict=True):
            for entry in survey:
                name = entry.folder.name
                if not entry.folder.is_own:
                    # Servers of several domains keep their folders apart: the same name in another domain is another folder.
                    place = (_domain(mailbox), name)
                    if place in shared or _is_enumerated(entry.folder.holder, mailbox, searched):
                        continue
                    if not entry.folder.reason:
                        shared.add(place)
                found[collection_of(mailbox, name)] = entry
        self._parts = {name: entry.parts for name, entry in found.items()}
        return tuple(replace(entry.folder, name=name) for name, entry in found.items())

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        """As `folders` found them last; a login for each folder would be one too many."""
        mailbox, name = split(folder)
        if folder in self._parts:
            return self._parts.pop(folder)
        return ((),) if name == WHOLE else self._store(mailbox).parts(name)

    def _surveyed(self, mailbox: str, weather: "_Weather") -> list[_Surveyed]:
        try:
            with contextlib.closing(self._kind.make(mailbox)) as store:
                found = [_Surveyed(folder, store.parts(folder.name)) for folder in _own_among(store.folders())]
        except DsrError as error:
            weather.failed(error)
            return [_Surveyed(Folder(WHOLE, None, error.message), ((),))]
        weather.worked()
        return found

    # --- searching ---------------------------------------------------------------------------------------------------

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        mailbox, name = split(folder)
        if not part and name != WHOLE:
            raise NotAllowed(
                "A mailbox that was searched before is not listed any more",
                code=GONE,
                hint="if it was removed on purpose, run the case again; if not, let `mailboxes` list it",
            )
        if name == WHOLE:
            _own_among(self._store(mailbox).folders())
            raise Unreachable("A mailbox could not be opened when the search began, and can be now", code="mail.mailbox_back", hint="search again")
        for item in self._store(mailbox).mails(name, part):
            yield replace(item, collection=folder) if isinstance(item, Gap) else item

    def locate(self, folder: str, keys: Sequence[Key], planned: Planned = NOTHING) -> Sequence[Sighting | None]:
        """What is not listed any more and cannot be opened either is not there: two signs, as one alone may be a mistake."""
        mailbox, name = split(folder)
        try:
            self._located = self._store(mailbox)
            return self._located.locate(name, keys, planned)
        except (NotAllowed, ManifestWrong) as error:
            if self._is_gone(mailbox, error):
                return (None,) * len(keys)
            raise

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        """The store does not matter to the result, only that it is one of the kind: what was located last is open."""
        store = self._located or self._kind.make(_NOBODY)
        return store.becomes(sighting, rewriting)

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        """A mailbox that cannot be opened fails by itself and keeps no other from being changed."""
        mailbox, name = split(folder)
        try:
            return self._store(mailbox).change(name, orders)
        except (NotAllowed, ManifestWrong) as error:
            if self._is_gone(mailbox, error):
                return (Drifted("absent"),) * len(orders)
            if error.code in _CLOSED:
                return (Failed(error.code, error.message),) * len(orders)
            raise

    def renaming(self, folder: str) -> Renaming:
        mailbox, name = split(folder)
        return self._store(mailbox).renaming(name)

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _store(self, mailbox: str) -> Store:
        store = self._open.pop(mailbox, None) or self._kind.make(mailbox)
        self._open[mailbox] = store
        if len(self._open) > self._most_open:
            self._open.popitem(last=False)[1].close()
        return store

    def _is_gone(self, mailbox: str, error: DsrError) -> bool:
        return error.code in _CLOSED and mailbox not in self.mailboxes().listed

    # --- checking ----------------------------------------------------------------------------------------------------

    def check(self) -> Iterator[Problem]:
        """Who there is, and whether some of them can be opened. What only some mailboxes say is no obstacle to the rest."""
        boxes = self.mailboxes()
        self.count = len(boxes.names)
        for pattern in boxes.idle:
            yield Problem(
                "mail.except_idle", f"`except` has an entry that is nobody's mailbox: {pattern}", "correct it, or take it out", is_fatal=False
            )
        if boxes.left_out:
            yield Problem(
                "mail.mailboxes_left_out", f"{boxes.left_out} mailboxes are not searched", "`except` in `mailboxes` leaves them out", is_fatal=False
            )
        if skipped := self._kind.skipped() if self._source.is_everybody else 0:
            yield Problem(
                "mail.other_layout",
                f"Not searched: {skipped} of the files and folders beside the mailboxes, which the path does not mean",
                "see that no mail lies there, or name its layout in a system of its own",
                is_fatal=False,
            )
        tried = boxes.names[:: -(-len(boxes.names) // TRIED)]
        weather = _Weather()
        answers = _each(tried, lambda name: self._problems(name, weather), self._at_once)
        self.tried = tuple(folder for _, folders in answers for folder in folders)
        told = {name: problems for name, (problems, _) in zip(tried, answers, strict=True)}
        counts = Counter(code for problems in told.values() for code in {problem.code for problem in problems})
        for code, count in counts.items():
            names = [name for name, problems in told.items() if any(problem.code == code for problem in problems)]
            first = next(problem for problem in told[names[0]] if problem.code == code)
            yield (
                _summary(first, names, len(tried))
                if count < len(tried)
                else replace(first, message=f"In each mailbox that was tried: {first.message}")
            )

    def _problems(self, mailbox: str, weather: "_Weather") -> tuple[list[Problem], list[Folder]]:
        try:
            with contextlib.closing(self._kind.make(mailbox)) as store:
                found = list(store.check())
                folders = [replace(folder, name=collection_of(mailbox, folder.name)) for folder in _own_among(store.folders())]
        except DsrError as error:
            weather.failed(error)
            return [Problem(error.code, error.message, error.hint)], [Folder(collection_of(mailbox, WHOLE), None, error.message)]
        weather.worked()
        return found, folders


def _summary(first: Problem, names: Sequence[str], tried: int) -> Problem:
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return replace(first, message=f"{len(names)} of {tried} mailboxes that were tried ({shown}): {first.message}", is_fatal=False)


def _own_among(folders: Sequence[Folder]) -> Sequence[Folder]:
    """The folders, some of which are the mailbox's own. Raises `NotAllowed` where none is: every mailbox has one, and who sees none lacks a right."""
    if not any(folder.is_own for folder in folders):
        raise NotAllowed(
            "The mail server shows no folder of the mailbox itself", code=NO_FOLDERS, hint="grant the account the right l on its folders (RFC 4314)"
        )
    return folders


def _domain(mailbox: str) -> str:
    return mailbox.rpartition("@")[2] if "@" in mailbox else ""


def _is_enumerated(holder: str, mailbox: str, searched: frozenset[str]) -> bool:
    """True if a folder that is shared with `mailbox` is in another one that is searched by itself.

    Servers name its holder by address, or by the first part of one in the same domain.
    """
    return bool(holder) and (holder in searched or f"{holder}@{_domain(mailbox)}" in searched)


class _Weather:
    """Whether it is the server or a mailbox that fails. Shared by threads; a race costs one more try."""

    def __init__(self) -> None:
        self._failures, self._has_worked, self._lock = 0, False, threading.Lock()

    def worked(self) -> None:
        self._has_worked = True

    def failed(self, error: DsrError) -> None:
        """Raises the error where it is the server's."""
        if not isinstance(error, Unreachable) or error.code != _CONNECTION:
            return
        with self._lock:
            self._failures += 1
            is_down = self._failures >= _DOWN and not self._has_worked
        if is_down:
            raise error


def _each(names: Sequence[str], work: Callable[[str], T], at_once: int) -> list[T]:
    """The work done for each name, some at once; the first error ends it all."""
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="mailboxes")
    try:
        return list(pool.map(work, names))
    finally:
        pool.shutdown(cancel_futures=True)


# --- kinds -----------------------------------------------------------------------------------------------------------


class _Imap:
    """Many users of one server, whose mailboxes one login opens."""

    tells_owners = True

    def __init__(self, system: System) -> None:
        self._system, self._account = system, account_of(system)

    def make(self, mailbox: str) -> Store:
        if "*" in mailbox:
            raise NotAllowed("A mailbox's name holds the sign between mailbox and master user", code="mail.login", hint="leave it out by `except`")
        return imap_of(self._account.of(mailbox))

    def server(self) -> str:
        line = f"{self._account.host.lower()}\0{self._account.port}\0estate"
        return f"imap:{hashlib.sha256(line.encode()).hexdigest()[:32]}"

    def skipped(self) -> int:
        return 0

    def everybody(self) -> Sequence[str]:
        raise ManifestWrong(
            "An IMAP server does not say whose mailboxes it has",
            code="mail.no_list",
            hint='list them: mailboxes: {command: [doveadm, user, "*"]}, {file: users.txt} or {ldap: …}',
        )


class _OnDisk:
    """A path for each mailbox."""

    tells_owners = False

    def __init__(self, system: System, kind: str, pattern: str) -> None:
        self._system, self._scheme, self._pattern = system, kind, pattern

    def make(self, mailbox: str) -> Store:
        url = Secret(f"{self._scheme}:{path_of(self._pattern, mailbox)}")
        return store_of(replace(self._system, settings={**self._system.settings, "url": url}))

    def server(self) -> str:
        above = fixed_part(self._pattern)
        with disk_errors():
            return identity(f"{self._scheme}s", Path(self._pattern), above)

    def skipped(self) -> int:
        """How much lies beside the mailboxes."""
        return below(self._pattern).skipped

    def everybody(self) -> Sequence[str]:
        return listed(self._pattern)


def _kind_of(system: System) -> _Imap | _OnDisk:
    url = system.setting("url")
    if urlsplit(url).scheme in ("imap", "imaps"):
        return _Imap(system)
    kind, _, rest = url.partition(":")
    path = unquote(rest.removeprefix("//")) if rest.startswith("//") else rest
    return _OnDisk(system, kind, str(Path(path).expanduser()))
