"""Which collection a file belongs to: exactly one, by rules that need no look at the store."""

import hashlib
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import CollectionMap, Discover, Manifest
from dsr_engine.drivers.objectstore.shelf import Shelf, Stored

#: The collection of files that lie in the root itself.
ROOT = "."
#: The collection of first parts that may name a person (`jane@example.org/…`, `4711042/…`): a collection's name is stored and shown, theirs is not.
UNNAMED = "*"

_WILD = re.compile(r"[*?\[]")
_NAMEABLE = re.compile(r"(?!.*\d{6})[\w][\w .+=~-]{0,63}")


def segment_collection(segment: str) -> str:
    """The collection of all paths that begin with this part."""
    if segment in ("", "."):
        return ROOT
    return segment if _NAMEABLE.fullmatch(segment) else UNNAMED


class Catalogue:
    """The manifest's globs over paths (the first that covers wins), else the path's first part.

    A name with `*`, `?` or `[` is a glob (`*` also crosses `/`); one without names a file or a whole folder.
    Paths are relative to the system's prefix.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._maps = manifest.collections
        self._finds_rest = manifest.discover is not Discover.NONE

    def map_of(self, collection: str) -> CollectionMap | None:
        return next((entry for entry in self._maps if entry.name == collection), None)

    def collection_of(self, path: str) -> str:
        for entry in self._maps:
            if _covers(entry.name, path):
                return entry.name
        segment, slash, _ = path.partition("/")
        return segment_collection(segment) if slash else ROOT

    def names(self, shelf: Shelf) -> tuple[str, ...]:
        """Every collection in scope, those of the manifest first. The root is always one: that it is empty is a finding too."""
        declared = [entry.name for entry in self._maps]
        rest = sorted({ROOT, *map(segment_collection, shelf.segments())} - set(declared)) if self._finds_rest else []
        return (*dict.fromkeys(declared), *rest)

    def files(self, shelf: Shelf, collection: str) -> Iterator[Stored | Gap]:
        """Every version of every file of one collection, and what could not be listed in it."""
        for found in self._listings(shelf, collection):
            path = found.collection if isinstance(found, Gap) else found.path
            if self.collection_of(path) == collection:
                yield Gap(collection, found.code, found.reason) if isinstance(found, Gap) else found

    def _listings(self, shelf: Shelf, collection: str) -> Iterator[Stored | Gap]:
        entry = self.map_of(collection)
        if entry is not None and collection != ROOT:
            yield from shelf.listing(_WILD.split(entry.name, maxsplit=1)[0])
            return
        if collection not in (ROOT, UNNAMED):
            yield from shelf.listing(f"{collection}/")
            return
        if collection == ROOT:
            yield from shelf.listing("", is_deep=False)
        for segment in sorted(set(shelf.segments())):
            if segment_collection(segment) == collection:
                yield from shelf.listing(f"{segment}/")


def _covers(name: str, path: str) -> bool:
    if name == ROOT:
        segment, slash, _ = path.partition("/")
        return not slash or segment_collection(segment) == ROOT
    if _WILD.search(name):
        return fnmatchcase(path, name)
    return path == name or path.startswith(name.rstrip("/") + "/")


def share_of(key: str, shares: int) -> int:
    """Which share of a split listing the key is in: by its digest, so that a slice names no key. All versions of a key are in one share."""
    return int.from_bytes(hashlib.sha256(key.encode(errors="surrogateescape")).digest()[:4], "big") % shares
