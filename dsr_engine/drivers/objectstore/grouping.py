"""Which collections the files of a store make, for a draft: by folder, and tables by what they are called, so that one entry means one shape.

Names of people stand in paths, so a name is taken only where it says what the files are: plain words, without given names, and few of them in a
folder. Everything else stays what the driver makes of it by itself, its first folder.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from typing import TypeVar

from dsr_engine.content.discovery.people_words import GIVEN_NAMES
from dsr_engine.content.fold import folded
from dsr_engine.drivers.objectstore.catalogue import ROOT, UNNAMED, segment_collection
from dsr_engine.drivers.objectstore.shelf import Stored

#: Endings of tables, also of compressed ones.
_TABLE = re.compile(
    r"(?P<stem>[^/]*?)(?P<ending>\.(?:csv|tsv|tab|psv|json|jsonl|ndjson|parquet|avro|orc|xlsx?|xlsb|ods|sqlite3?|db)(?:\.(?:gz|bz2|xz|zst))?)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[A-Za-zÀ-ɏ]+(?:[ _-][A-Za-zÀ-ɏ]+)*(?=[ _.-]*(?:[0-9]|$))")
_PLAIN_FOLDER = re.compile(r"[A-Za-zÀ-ɏ_][A-Za-zÀ-ɏ_-]{0,40}")
#: More names than this in one folder are names of single things, perhaps of people.
_MOST_NAMES = 30
#: Folders that are told apart below each other.
_DEEPEST = 3
#: Files of a collection that are looked at: spread over all names, and at both ends of size and age.
SPREAD = 12

_Key = TypeVar("_Key")


@dataclass(slots=True, repr=False)
class Group:
    """The files of one collection: how many, how large together (bytes), and some to look at."""

    name: str
    files: int = 0
    size: int = 0
    _spread: list[tuple[int, str, Stored]] = field(default_factory=list)
    _largest: Stored | None = None
    _oldest: Stored | None = None
    _newest: Stored | None = None

    def take(self, stored: Stored) -> None:
        self.files += 1
        self.size += stored.size
        # By digest: any stretch of names is as likely as another, and a second run looks at the same files.
        rank = -int.from_bytes(hashlib.sha256(stored.key.encode(errors="surrogateescape")).digest()[:8], "big")
        entry = (rank, stored.key, stored)
        if len(self._spread) < SPREAD:
            heappush(self._spread, entry)
        elif entry[:2] > self._spread[0][:2]:
            heapreplace(self._spread, entry)
        if self._largest is None or (stored.size, stored.key) > (self._largest.size, self._largest.key):
            self._largest = stored
        if self._oldest is None or (stored.modified, stored.key) < (self._oldest.modified, self._oldest.key):
            self._oldest = stored
        if self._newest is None or (stored.modified, stored.key) > (self._newest.modified, self._newest.key):
            self._newest = stored

    @property
    def picked(self) -> tuple[Stored, ...]:
        """Some files, by name; all where there are no more."""
        ends = [found for found in (self._largest, self._oldest, self._newest) if found is not None]
        return tuple(sorted({found.key: found for found in (*(entry[2] for entry in self._spread), *ends)}.values(), key=lambda found: found.key))


def groups_of(paths: Iterable[str]) -> "Grouping":
    """How files with these paths are put together."""
    names: dict[tuple[str, str], set[str]] = {}
    below: dict[str, set[str]] = {}
    single: dict[tuple[str, str, str], str | None] = {}
    for path in paths:
        folder, stem, ending = _taken_apart(path)
        if not ending:
            continue
        parent = ""
        for part in folder.split("/"):
            _add(below, parent, part)
            parent = f"{parent}/{part}" if parent else part
        if _add(names, (folder, ending), stem):
            single[folder, stem, ending] = path if single.get((folder, stem, ending), path) == path else None
    crowded = {place for place, known in names.items() if len(known) > _MOST_NAMES or "" in known}
    return Grouping(
        crowded,
        frozenset(parent for parent, parts in below.items() if parent and len(parts) > _MOST_NAMES),
        {place: path for place, path in single.items() if path is not None},
    )


def _add(known: dict[_Key, set[str]], key: _Key, name: str) -> bool:
    """Notes one more name; False where there are too many to tell apart."""
    several = known.setdefault(key, set())
    if len(several) <= _MOST_NAMES:
        several.add(name)
    return len(several) <= _MOST_NAMES


@dataclass(frozen=True, slots=True, repr=False)
class Grouping:
    """`crowded`: folders whose tables of an ending are one collection; `wide`: folders of so many others that those are not told apart; `single`: the
    path of the only file that is called so.
    """

    crowded: set[tuple[str, str]]
    wide: frozenset[str]
    single: dict[tuple[str, str, str], str]

    def collection_of(self, path: str) -> str:
        """The name by which a manifest covers the file: a path, a glob, or its first folder."""
        folder, stem, ending = _taken_apart(path)
        segment, slash, _ = path.partition("/")
        if not ending or (slash and not folder):
            return segment_collection(segment) if slash else ROOT
        parts = folder.split("/")
        wide = next((parent for depth in range(1, len(parts)) if (parent := "/".join(parts[:depth])) in self.wide), None)
        if wide is not None:
            return f"{wide}/*{ending}"
        lead = f"{folder}/" if folder else ""
        if (folder, ending) in self.crowded:
            return f"{lead}*{ending}" if folder else ROOT
        alone = self.single.get((folder, stem, ending))
        return path if alone == path and path == f"{lead}{stem}{ending}" else f"{lead}{stem}*{ending}"


def _taken_apart(path: str) -> tuple[str, str, str]:
    """The plain folders that lead to a file, the words that its name begins with, its ending if it is that of a table.

    Of a file in folders that are no plain words (`dt=2024-01-01/part-0.parquet`) the last plain one says what it is, and the words are empty.
    """
    *folders, name = path.split("/")
    found = _TABLE.fullmatch(name)
    if found is None or not name.isprintable() or any(sign in path for sign in "*?["):
        return "", "", ""
    plain: list[str] = []
    for part in folders[:_DEEPEST]:
        if not _PLAIN_FOLDER.fullmatch(part) or _names_somebody(part):
            break
        plain.append(part)
    if folders and (not plain or segment_collection(folders[0]) == UNNAMED):
        return "", "", found["ending"]
    words = _WORDS.match(found["stem"])
    if len(plain) < len(folders) or words is None or _names_somebody(words[0]):
        return "/".join(plain), "", found["ending"]
    return "/".join(plain), words[0], found["ending"]


def _names_somebody(text: str) -> bool:
    return any(word in GIVEN_NAMES for word in re.split(r"[ _-]", folded(text)))
