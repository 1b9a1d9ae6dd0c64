"""What the mail driver needs of any kind of mail store, so that finding and changing are written once.

Two ideas carry it. A mail's *state* is a digest of its content and never of its flags: reading or flagging a mail is no drift. And a mail is
looked for in *its folder only*: whether an equal mail in another folder is a copy or was moved there cannot be told, and that folder may have
another rule. The fresh search finds it there and the plan is made anew.
"""

import hashlib
import io
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import BinaryIO, Protocol

from dsr_engine.domain.errors import ManifestWrong
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Outcome, Problem, Slice, Traits

#: What names a mail in its folder for good, as its kind of store knows it.
Key = tuple[str, ...]

#: Of mails that a plan changes: tells of a state whether it is what becomes of that mail.
Planned = Mapping[Key, Callable[[bytes], bool]]

#: Nothing is said about what becomes of mails.
NOTHING: Planned = MappingProxyType({})

#: How a part begins that is searched when all others are done, because mail that moves about meanwhile comes to lie in it.
LATE = "late"

#: Bytes that are copied at once.
BLOCK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder. `reason` says why it cannot be searched (empty: it can). `count` is None where it is not known.

    `is_own` False: the mailbox lists it and it is not the mailbox's; `holder` is the other user whose it is, empty where everybody shares it.
    `role` is what it is for (`sent`, `trash`, …), where the server says so. `separator` parts the levels of its name; empty: the name is no folder's.
    `stamp` is what another folder of the same name would have otherwise (UIDVALIDITY), where the store knows such a thing.
    """

    name: str
    count: int | None = None
    reason: str = ""
    is_own: bool = True
    holder: str = ""
    role: str = ""
    separator: str = "/"
    stamp: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """One stored message. `open` gives its bytes from the start each time; `sender` is an mbox's envelope sender, else empty.

    `file` is the name of its file where mails lie in a folder among files of any kind; empty: it is a mail whatever it looks like.

    `told` is what decides its content, where the store can tell without opening it: equal words in one folder mean equal bytes. Empty: it cannot.

    `flags` are its marks where the store keeps them outside of the message (None: it does not). `head` gives its headers Date and From without the
    rest, where the store can (None: they are read like everything else).

    `left` says what of it was not read because it was not fetched; it is asked after the reading.

    `sight` reads the message and tells key and state; it is a call of its own because most mails are looked at and left alone.
    Both raise `Gone`.
    """

    created: datetime | None
    open: Callable[[], BinaryIO]
    sight: Callable[[], "Sighting"]
    sender: str = ""
    file: str = ""
    told: tuple[object, ...] = ()
    left: Callable[[], tuple[Gap, ...]] = tuple
    flags: tuple[str, ...] | None = None
    head: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Sighting:
    """A mail as it is now. `is_same` False: it is the asked record under another key (appended again, folder renumbered).

    `refusal` is why its store can neither remove nor rewrite it; None: it can.
    """

    mail: Mail
    key: Key
    state: bytes
    is_same: bool = True
    refusal: Problem | None = None


class Gone(Exception):
    """The mail was removed or moved while it was looked at."""


class Rewriting(Protocol):
    """How one mail is rewritten; pure, so that it can be tried and repeated."""

    def write(self, mail: Mail, sink: BinaryIO) -> None:
        """Writes the whole new message. Raises `NotSupported` where it cannot be written."""

    def sender(self, sender: str) -> str:
        """The envelope sender that stands in for this one."""


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """Remove one mail (`rewriting` None) or replace its content, if its state is still `expect`."""

    key: Key
    expect: bytes
    rewriting: Rewriting | None = None


class Renaming(Protocol):
    """The folders of one mailbox by their names, and how one gets another. A folder may be one that only has others below it."""

    def folders(self) -> Sequence[Folder]:
        """As they are now, asked anew each time."""

    def lingers(self, folder: str) -> bool:
        """True if something else, a list of subscriptions above all, still has this name: a rename that was killed is not at its end."""

    def refusal(self, folder: str, to: str) -> Problem | None:
        """Why the folder cannot get that name; None: it can."""

    def rename(self, folder: str, to: str) -> None:
        """Gives the folder, all that lies below it and their subscriptions the new name; goes on with what a killed try left. `to` is nobody's name.

        Raises `NotSupported` or `NotAllowed` where it was refused.
        """


class Store(Protocol):
    """One mail store. Errors are those of `domain.errors`; no text of a server or a path leaves it."""

    traits: Traits

    def server(self) -> str:
        """Names the store itself; the same on every connection, another one for another store."""

    def check(self) -> Iterator[Problem]:
        """What stands in the way of searching and changing."""

    def folders(self) -> Sequence[Folder]:
        """Every folder, subscribed or not, also those that cannot be read."""

    def owner(self, folder: str) -> str:
        """Whose mailbox the folder is in, as an address or an account's name; empty where that is not known."""

    def parts(self, folder: str) -> Sequence[tuple[str, ...]]:
        """How the search of one folder splits; together they are all of it, also mail that comes later."""

    def mails(self, folder: str, part: tuple[str, ...]) -> Iterator[Mail | Gap]:
        """The mails in one part. A mail's `open` and `sight` hold while the mails of its part are taken."""

    def locate(self, folder: str, keys: Sequence[Key], planned: Planned = NOTHING) -> Sequence[Sighting | None]:
        """The mails of these keys as they are now; None: really not in the folder.

        A rewritten mail that lies elsewhere is known by what is `planned`: it bears our mark (`marks.py`) and is, byte by byte, what was to become
        of it. No mail that somebody else wrote is both.
        """

    def becomes(self, sighting: Sighting, rewriting: Rewriting) -> bytes:
        """The state that the mail would have; nothing is written."""

    def change(self, folder: str, orders: Sequence[Order]) -> Sequence[Outcome]:
        """Carries the orders out, in their order; what is not as expected is left untouched."""

    def renaming(self, folder: str) -> Renaming:
        """The names in the mailbox that this folder is in."""

    def close(self) -> None:
        """Gives connections back; may be called twice."""


def slice_of(system: str, collection: str, part: tuple[str, ...]) -> Slice:
    """A part of a folder as a slice. What begins with `~` in it lies elsewhere in a later search, and does not name it there."""
    kin = tuple(word for word in part if not word.startswith("~"))
    return Slice(system, collection, part, is_late=part[:1] == (LATE,), kin=kin if kin != part else ())


class DigestSink(io.RawIOBase):
    """A file that keeps nothing of what is written but its SHA-256 and its length."""

    def __init__(self) -> None:
        super().__init__()
        self._hash = hashlib.sha256()
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # any buffer, as io allows
        self._hash.update(data)
        self.length += len(data)
        return len(data)

    def digest(self) -> bytes:
        return self._hash.digest()


def digest_of(source: BinaryIO) -> bytes:
    """SHA-256 of the rest of a file, which is closed. Memory: one block."""
    sink = DigestSink()
    with source:
        shutil.copyfileobj(source, sink, BLOCK)
    return sink.digest()


def digest_written(mail: Mail, rewriting: Rewriting) -> bytes:
    """SHA-256 of the message that a rewriting gives, without keeping it."""
    sink = DigestSink()
    rewriting.write(mail, sink)  # type: ignore[arg-type]  # a raw sink is all that writing needs
    return sink.digest()


def short(digest: bytes) -> str:
    """The first 16 hex digits: enough to tell mails of one folder apart, in a key that is never the only proof."""
    return digest.hex()[:16]


def no_folder() -> ManifestWrong:
    """What stands for a folder that a search or a plan knew: whether its mail went with it or lies under another name, only a new search tells."""
    return ManifestWrong(
        "A mail folder is not there any more",
        code="mail.no_folder",
        hint="it was removed or renamed: give it back its name and run the case again, or withdraw the case and open a new one",
    )
