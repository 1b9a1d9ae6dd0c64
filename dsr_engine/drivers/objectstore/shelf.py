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

#: Bytes that are read at once while a file is hashed or copied.
BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """One version of one file.

    `key` and `version` are the locator's (`version` None: the store has no such thing); `path` is relative to the searched root.
    `tag` is the store's own mark of the content (an ETag). `bare` is set for what has a name and no content (a delete marker,
    a symbolic link, an empty folder) and says what it is.
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

    def __repr__(self) -> str:
        return "Stored(•••)"


#: What `Stored.bare` says of a delete marker.
MARKER = b"marker"


@dataclass(frozen=True, slots=True, repr=False)
class Labels:
    """What is kept beside the bytes. `metadata` and `tags` may be personal; `headers` are further parameters that a rewrite must keep.

    `replaces` is the version id that this one was written for, by this engine; it is no part of the state.
    """

    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    replaces: str = ""

    def digest(self) -> bytes:
        text = json.dumps([self.content_type, sorted(self.metadata.items()), sorted(self.tags.items())])
        return hashlib.sha256(text.encode()).digest()


class Shelf(Protocol):
    """A bucket or a folder. Its errors are `DsrError`s; `Conflict` means that the file is no longer the one that was asked for."""

    @property
    def traits(self) -> Traits: ...

    @property
    def server(self) -> str:
        """Names the place itself, equal for every credential that reaches it."""

    def check(self) -> Sequence[Problem]: ...

    def segments(self) -> Iterator[str]:
        """The first path parts of everything that lies deeper than the root; each at least once."""

    def listing(self, prefix: str, *, is_deep: bool = True) -> Iterator[Stored | Gap]:
        """Every version of every file whose path begins with `prefix`; only those without a further `/` unless `is_deep`.

        Gaps carry a path as their collection.
        """

    def versions(self, key: str) -> Sequence[Stored]:
        """Everything that bears this very key now."""

    def open(self, stored: Stored) -> BinaryIO:
        """The bytes of this version; raises `Conflict` when it is no longer what `stored` says."""

    def labels(self, stored: Stored, /) -> Labels: ...

    def refusal(self, stored: Stored, effect: Effect, going: frozenset[str | None], /) -> Problem | None:
        """Why the effect cannot be made on this version. `going` are the versions of the same key that the same plan deletes."""

    def delete(self, stored: Stored) -> None:
        """Removes this version only, and makes sure that it is gone. No older version becomes the current one by it."""

    def successor(self, stored: Stored, /) -> Stored | None:
        """The version that this engine wrote in place of `stored`, if there is one beside it."""

    def replace(self, stored: Stored, labels: Labels, content: BinaryIO, /) -> Stored:
        """Writes the successor, with the same labels. In a store with versions the old one stays until `delete`."""

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
