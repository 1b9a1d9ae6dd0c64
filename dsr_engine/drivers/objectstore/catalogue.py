"""Which collection a file belongs to: exactly one, by rules that need no look at the store."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import CollectionMap, Discover, Manifest
from dsr_engine.drivers.objectstore.shelf import WHOLE, Shelf, Stored, Stretch

#: The collection of files that lie in the root itself.
ROOT = "."
#: The collection of first parts that may name a person (`jane@example.org/…`, `4711042/…`): a collection's name is stored and shown, theirs is not.
UNNAMED = "*"

#: First parts of paths that are listed one by one.
_MOST_SEGMENTS = 50
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
        rest = sorted({ROOT, *map(segment_collection, shelf.segments())}.difference(declared)) if self._finds_rest else []
        return (*dict.fromkeys(declared), *rest)

    def files(self, shelf: Shelf, collection: str, within: Stretch = WHOLE) -> Iterator[Stored | Gap]:
        """Every version of every file in this part of one collection, and what could not be listed in it."""
        for found in self._listings(shelf, collection, within):
            path = found.collection if isinstance(found, Gap) else found.path
            if self.collection_of(path) == collection:
                yield Gap(collection, found.code, found.reason, (path,)) if isinstance(found, Gap) else found

    def _listings(self, shelf: Shelf, collection: str, within: Stretch) -> Iterator[Stored | Gap]:
        entry = self.map_of(collection)
        if entry is not None and collection != ROOT:
            yield from shelf.listing(_WILD.split(entry.name, maxsplit=1)[0], within=within)
            return
        if collection not in (ROOT, UNNAMED):
            yield from shelf.listing(f"{collection}/", within=within)
            return
        segments = _few(segment for segment in shelf.segments() if segment_collection(segment) == collection)
        if segments is None:
            yield from shelf.listing("", within=within)
            return
        if collection == ROOT:
            yield from shelf.listing("", is_deep=False, within=within)
        for segment in segments:
            yield from shelf.listing(f"{segment}/", within=within)


def _few(segments: Iterator[str]) -> tuple[str, ...] | None:
    """The segments, each once and in order; None where there are so many that one listing of everything takes fewer requests."""
    found: set[str] = set()
    for segment in segments:
        found.add(segment)
        if len(found) > _MOST_SEGMENTS:
            return None
    return tuple(sorted(found))


def _covers(name: str, path: str) -> bool:
    if name == ROOT:
        segment, slash, _ = path.partition("/")
        return not slash or segment_collection(segment) == ROOT
    if _WILD.search(name):
        return fnmatchcase(path, name)
    return path == name or path.startswith(name.rstrip("/") + "/")
