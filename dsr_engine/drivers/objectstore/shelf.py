"""What the driver needs of a place that keeps files, so that a bucket and a folder are searched and changed by the same code.

A shelf knows how to list, open, replace and remove. What a file's content means, what a state is and when a change may be made is the driver's.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

from dsr_engine.domain.plan import Effect
from dsr_engine.domain.record import Gap
from dsr_engine.drivers.driver import Problem, Traits
from dsr_engine.drivers.objectstore.composed import Composed

#: Bytes that are read at once while a file is hashed or copied.
BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """One version of one file.

    `key` and `version` are the locator's (`version` None: the store has no such thing); `path` is relative to the searched root.
    `tag` is the store's own mark of the content (an ETag). `bare` is set for what has a name and no content that could be read (a delete
    marker, a symbolic link, an empty folder, an upload that never ended) and says what it is.
    """

    key: str
    version: str | None
    path: str
    size: int
    modified: datetime
    tag: str = ""
    is_current: bool = True
    bare: bytes | None = None

    @property
    def locator_key(self) -> tuple[str, ...]:
        return (self.key,) if self.version is None else (self.key, self.version)

    @property
    def is_marker(self) -> bool:
        return self.bare == MARKER

    @property
    def is_upload(self) -> bool:
        return self.bare is not None and self.bare.startswith(UPLOAD)

    def __repr__(self) -> str:
        return "Stored(•••)"


#: What `Stored.bare` says of a delete marker.
MARKER = b"marker"
#: What `Stored.bare` begins with for parts that were uploaded and never put together, and `Stored.version` for the same (its id follows).
UPLOAD = b"upload"
UPLOAD_VERSION = "upload:"


@dataclass(frozen=True, slots=True, repr=False)
class Stretch:
    """A part of a listing: the keys behind `after`, up to and with `upto` in the order of their UTF-8 bytes (empty: open), of them one of `shares`.

    A share is told by the key's digest, so all versions of a key are in one. What has no key of its own (a gap) belongs to the first part.
    """

    after: str = ""
    upto: str = ""
    share: int = 0
    shares: int = 1

    @property
    def is_first(self) -> bool:
        return not self.after and self.share == 0

    def holds(self, key: str) -> bool:
        if (self.after and _bytes(key) <= _bytes(self.after)) or self.is_behind(key):
            return False
        return self.shares == 1 or int.from_bytes(hashlib.sha256(_bytes(key)).digest()[:4], "big") % self.shares == self.share

    def is_behind(self, key: str) -> bool:
        """True for a key behind the last one of this part."""
        return bool(self.upto) and _bytes(key) > _bytes(self.upto)


#: Everything that there is.
WHOLE = Stretch()


def _bytes(key: str) -> bytes:
    return key.encode(errors="surrogateescape")


@dataclass(frozen=True, slots=True, repr=False)
class Labels:
    """What is kept beside the bytes. `metadata`, `tags` and `notes` may be personal; `headers` are further parameters that a rewrite must keep.

    `notes` are headers in which people write what they like (a file name for downloads, a redirection), by the parameter that sets them.
    `replaces` is the version id that this one was written for, by this engine; it is no part of the state.
    """

    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    replaces: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> bytes:
        told = [sorted(self.notes.items())] if self.notes else []
        text = json.dumps([self.content_type, sorted(self.metadata.items()), sorted(self.tags.items()), *told])
        return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True, repr=False)
class Sameness:
    """Bytes of which the same is said are the same, if it was said some time after `since`: the latest moment at which they may have changed."""

    told: str
    since: datetime


class Shelf(Protocol):
    """A bucket or a folder. Its errors are `DsrError`s; `Conflict` means that the file is no longer the one that was asked for."""

    @property
    def traits(self) -> Traits: ...

    @property
    def is_ordered(self) -> bool:
        """True while every listing came in the order of its keys' UTF-8 bytes and can begin behind any key, so that it can be cut into ranges."""

    @property
    def server(self) -> str:
        """Names the place itself, equal for every credential that reaches it."""

    def check(self) -> Sequence[Problem]: ...

    def segments(self) -> Iterator[str]:
        """The first path parts of everything that lies deeper than the root; each at least once."""

    def listing(self, prefix: str, *, is_deep: bool = True, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        """Every version of every file whose path begins with `prefix`; only those without a further `/` unless `is_deep`.

        Nothing that `within` does not hold, and no more of the store is asked than that takes. What was never put together comes in the first
        part. Gaps carry a path as their collection and come in the first part too.
        """

    def versions(self, key: str) -> Sequence[Stored]:
        """Everything that bears this very key now and was put together."""

    def uploads(self, key: str) -> Sequence[Stored]:
        """What was begun under this very key and never put together. `bare` changes whenever a part comes."""

    def open(self, stored: Stored) -> BinaryIO:
        """The bytes of this version; raises `Conflict` when it is no longer what `stored` says."""

    def labels(self, stored: Stored, /) -> Labels: ...

    def sameness(self, stored: Stored, /) -> Sameness | None:
        """What tells these bytes from any that this version may hold later; None where the store does not promise it. Labels may change meanwhile."""

    def refusal(self, stored: Stored, effect: Effect, going: frozenset[str | None], /) -> Problem | None:
        """Why the effect cannot be made on this version. `going` are the versions of the same key that the same plan deletes."""

    def delete(self, stored: Stored) -> None:
        """Removes this version only, and makes sure that it is gone. No older version becomes the current one by it."""

    def successor(self, stored: Stored, /) -> Stored | None:
        """The version that this engine wrote in place of `stored`, if there is one beside it."""

    def replace(self, stored: Stored, labels: Labels, content: Composed, /) -> Stored:
        """Writes the successor, with these labels. In a store with versions the old one stays until `delete`."""

    def withdraw(self, successor: Stored, stored: Stored, /) -> None:
        """Takes back a successor that was not written as it should be, where `stored` still stands behind it."""

    def close(self) -> None: ...


def content_digest(source: BinaryIO) -> bytes:
    """SHA-256 of everything from the source's position on, in bounded memory."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
    return digest.digest()


def state_of(content: bytes, labels: Labels) -> bytes:
    """The state of a file: its content's digest and that of its labels, so that a moved but equal file has an equal state."""
    return hashlib.sha256(content + labels.digest()).digest()
