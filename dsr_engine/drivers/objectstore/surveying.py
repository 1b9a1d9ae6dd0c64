"""Answers what the drafting of a manifest asks of a bucket or a folder: which collections its files make, and what stands in them.

Of each collection a bounded number of files is read, and of each a bounded number of texts, unless everything is asked for. What was not looked at
is said. Values leave this file as a `Sample` in memory only.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dsr_engine.content.files import kind_of_file, read_file
from dsr_engine.content.format import Reading
from dsr_engine.domain.errors import Conflict, NotAllowed, NotSupported
from dsr_engine.domain.record import Locator, Unit
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import CollectionFacts, Link
from dsr_engine.drivers.objectstore.catalogue import ROOT, UNNAMED, Catalogue
from dsr_engine.drivers.objectstore.grouping import Group, Grouping, groups_of
from dsr_engine.drivers.objectstore.shelf import Stored
from dsr_engine.drivers.objectstore.shelves import shelf_of
from dsr_engine.drivers.objectstore.tracing import Gathered
from dsr_engine.drivers.survey import Containment, Copying, Neighbour, Sample, Sharing

#: Texts of a file that are read for a sample, their characters together, and seconds until a file is left.
_MOST_TEXTS = 20_000
_MOST_CHARACTERS = 4 * 1024 * 1024
_MOST_SECONDS = 10.0


class ObjectstoreSurveyor:
    """One bucket prefix or one folder. `is_full`: every file of it is read to its end."""

    def __init__(self, system: System, *, is_full: bool = False) -> None:
        self._system = system
        self._is_full = is_full
        self._shelf = shelf_of(system)
        self._catalogue = Catalogue(system.manifest)
        self._groups: dict[str, Group] | None = None
        self._grouping: Grouping | None = None
        self._unlisted: dict[str, list[str]] = {}

    def describe(self) -> Sequence[CollectionFacts]:
        """The collections that the current versions of the files make. Their fields are told by `sample`, which reads them."""
        return tuple(CollectionFacts(name) for name in self._known())

    def sample(self, collection: str, most: int) -> Sample:
        """What stands in files of the collection. Files that vanish meanwhile are not there."""
        group = self._known()[collection]
        picked = group.picked
        chosen = self._all_of(collection) if self._is_full and len(picked) < group.files else iter(picked)
        gathered, gaps = Gathered(collection, most), _Gaps()
        looked = read = cut = 0
        for stored in chosen:
            gathered.begin()
            is_whole = self._looked_into(stored, gathered, gaps)
            looked += 1
            read += stored.size
            cut += not is_whole
        extent = _extent(group, looked, read, cut)
        is_whole = looked == group.files and not cut and not gaps.told()
        return gathered.sample(extent, (*self._unlisted.get(collection, ()), *gaps.told()), is_whole=is_whole)

    def _known(self) -> dict[str, Group]:
        """The collections. The store is listed twice: first to learn how its files are called, then to count them; no list of them is kept."""
        if self._groups is None:
            self._grouping = groups_of(found.path for found in self._files("", self._unlisted))
            self._groups = {}
            for found in self._files("", None):
                name = self._collection_of(found)
                self._groups.setdefault(name, Group(name)).take(found)
        return self._groups

    def _collection_of(self, stored: Stored) -> str:
        """As the manifest says, where it says something, else by the grouping."""
        own = self._catalogue.collection_of(stored.path)
        if self._catalogue.map_of(own) is not None or self._grouping is None:
            return own
        return self._grouping.collection_of(stored.path)

    def _files(self, prefix: str, unlisted: dict[str, list[str]] | None) -> Iterator[Stored]:
        """Current versions of files, as they are listed."""
        for found in self._shelf.listing(prefix):
            if isinstance(found, Stored):
                if found.bare is None and found.is_current:
                    yield found
            elif unlisted is not None:
                unlisted.setdefault(self._catalogue.collection_of(found.collection), []).append(found.reason)

    def _all_of(self, collection: str) -> Iterator[Stored]:
        literal = collection.partition("*")[0].partition("[")[0].partition("?")[0]
        prefix = "" if collection in (ROOT, UNNAMED) else literal.rpartition("/")[0] or ("" if literal != collection else literal)
        return (found for found in self._files(f"{prefix}/" if prefix else "", None) if self._collection_of(found) == collection)

    def _looked_into(self, stored: Stored, gathered: Gathered, gaps: "_Gaps") -> bool:
        """Reads one file into `gathered`; False if it was left before its end."""
        reading = Reading(gathered.collection, None, None, name=stored.path.rsplit("/", 1)[-1])
        texts = characters = 0
        until = time.monotonic() + _MOST_SECONDS
        gathered.take("name", Unit("key", stored.path))
        try:
            kind = kind_of_file(lambda: self._shelf.open(stored), reading)
            for found in read_file(lambda: self._shelf.open(stored), reading):
                if isinstance(found, Unit):
                    gathered.take(kind, found)
                    texts, characters = texts + 1, characters + len(found.text)
                else:
                    gaps.note(found.reason)
                if not self._is_full and (texts >= _MOST_TEXTS or characters >= _MOST_CHARACTERS or time.monotonic() > until):
                    return False
        except Conflict:
            gaps.note("a file changed or vanished while it was read")
        except (NotAllowed, NotSupported) as error:
            gaps.note(error.message)
        return True

    def containment(self, collection: str, link: Link, most: int) -> Containment:  # noqa: ARG002 -- the protocol's arguments
        """Files have no keys that point at each other."""
        raise NotSupported(f"{collection}: files are not compared with each other", code="objectstore.no_links")

    def sharing(self, collection: str, link: Link, most: int) -> Sharing:  # noqa: ARG002 -- the protocol's arguments
        raise NotSupported(f"{collection}: files are not compared with each other", code="objectstore.no_links")

    def copies(self) -> Sequence[Copying]:
        return ()

    def neighbours(self, locators: Sequence[Locator]) -> Sequence[Neighbour]:  # noqa: ARG002 -- the protocol's arguments
        return ()

    def close(self) -> None:
        self._shelf.close()


def full_surveyor(system: System) -> ObjectstoreSurveyor:
    """One that reads every file to its end."""
    return ObjectstoreSurveyor(system, is_full=True)


@dataclass(slots=True)
class _Gaps:
    """What could not be read, each sentence once with the number of files."""

    counts: dict[str, int]

    def __init__(self) -> None:
        self.counts = {}

    def note(self, reason: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1

    def told(self) -> tuple[str, ...]:
        return tuple(reason if count == 1 else f"{reason} ({count} times)" for reason, count in self.counts.items())


def _extent(group: Group, looked: int, read: int, cut: int) -> str:
    files = "1 file" if group.files == 1 else f"{group.files} files"
    if looked == group.files:
        whole = f"all of {files} looked at ({_megabytes(group.size)})"
    else:
        left = group.files - looked
        whole = f"{looked} of {files} looked at ({_megabytes(read)} of {_megabytes(group.size)}), {left} {'was' if left == 1 else 'were'} not"
    return f"{whole}; {cut} of them not to the end" if cut else whole


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 50_000 else f"{size} bytes"
