"""Which folders are searched: those that `folders` lists, in one account or in each of many; else those that the connector means.

A folder that is listed and not there is searched all the same, so that its absence is a gap and not silence. In many mailboxes, where hardly all have
all folders, that counts for a folder that nobody has, and for a mailbox that has none of them.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from dsr_engine.domain.system import CollectionMap, Discover, System
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.mailstore.estate import WHOLE, collection_of, split
from dsr_engine.drivers.mailstore.store import Folder


class Scope:
    """What a system says about its folders."""

    def __init__(self, system: System) -> None:
        self._manifest = system.manifest
        self._is_of_many = bool(system.setting("mailboxes"))
        said = system.setting("folders", "all").strip()
        self._named = None if said in ("", "all") else tuple(name.strip() for name in said.split(",") if name.strip())

    def map(self, folder: str) -> CollectionMap | None:
        """What the connector says about a folder, by its name or the first pattern that fits."""
        return self._manifest.collection_named(folder) or next(
            (entry for entry in self._manifest.collections if fnmatchcase(folder, entry.name)), None
        )

    def is_in(self, folder: str, collection: str) -> bool:
        """True if a collection of the connector, or a pattern, is about this folder. A mailbox that cannot be opened may have any folder."""
        known = self.map(folder)
        if self._is_of_many and split(folder)[1] == WHOLE:
            return "*" in collection or split(collection)[0] == split(folder)[0]
        return collection == (known.name if known else folder) or collection == folder

    def lists(self, folder: str) -> bool:
        """True if systems.yaml or the connector names this folder, or one below it: under another name it would not be found."""
        within = split(folder)[1] if self._is_of_many else folder
        named = (*(self._named or ()), *(entry.name for entry in self._manifest.collections))
        return any(name in (folder, within) or name.startswith((f"{within}/", f"{within}.", f"{folder}/", f"{folder}.")) for name in named)

    def means(self, folder: str) -> bool:
        within = split(folder)[1] if self._is_of_many else folder
        if self._is_of_many and within == WHOLE:
            return True
        if self._named is not None:
            return within in self._named
        return self._manifest.discover is not Discover.NONE or self.map(folder) is not None

    def searched(self, folders: Sequence[Folder]) -> list[str]:
        """The folders that are searched, and those that are missing."""
        return [*(folder.name for folder in folders if self.means(folder.name)), *self._missing(folders)]

    def problems(self, folders: Sequence[Folder]) -> Iterator[Problem]:
        for name in self._missing(folders):
            yield Problem(
                "mail.no_folder", f"Folder {name}, which `folders` lists, is not there", "correct the list, or write: all", not self._is_of_many
            )
        left_out = sum(not self.means(folder.name) for folder in folders)
        if left_out:
            yield Problem("mail.folders_left_out", f"{left_out} folders are not searched", "folders: all searches every folder", is_fatal=False)

    def _missing(self, folders: Sequence[Folder]) -> Iterator[str]:
        if self._named is None:
            return
        if not self._is_of_many:
            there = {folder.name for folder in folders}
            yield from (name for name in self._named if name not in there)
            return
        having: dict[str, set[str]] = {}
        for folder in folders:
            mailbox, within = split(folder.name)
            having.setdefault(mailbox, set()).add(within)
        everywhere = set().union(*having.values())
        lost = [name for name in self._named if name not in everywhere]
        for mailbox, names in having.items():
            if WHOLE not in names:
                missing = lost if names & set(self._named) else list(self._named)[:1]
                yield from (collection_of(mailbox, name) for name in missing)
