"""Files that belong to a table of a data lake: their table keeps a log of which files it consists of, how long they are and what is in them.

To rewrite or delete one behind the table's back breaks it, and its log and older snapshots would still hold what was erased. So such files are found
and read, and changed through the table's own library only: DELETE, then expire snapshots and vacuum.
(Delta Lake: PROTOCOL.md, "Delta table"; Iceberg: spec, "Table metadata"; Hudi: tech specs, "Storage layout".)
"""

import re
from dataclasses import dataclass

from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.objectstore.shelf import Shelf, Stored


@dataclass(frozen=True, slots=True)
class _Kind:
    """A table format: what lies in a table's folder, and what its owner has to do."""

    name: str
    folder: str
    inside: re.Pattern[str]
    hint: str


_KINDS = (
    _Kind(
        "Delta Lake",
        "_delta_log/",
        re.compile(r"\d{20}\.(json|checkpoint.*\.parquet)|_last_checkpoint"),
        "delete the rows with its own library, then VACUUM with a retention of 0 hours and remove old log files; then search again",
    ),
    _Kind(
        "Apache Iceberg",
        "metadata/",
        re.compile(r".*\.metadata\.json(\.gz)?|.*\.gz\.metadata\.json|version-hint\.text"),
        "delete the rows with its own library, then expire snapshots and remove orphan files; then search again",
    ),
    _Kind(
        "Apache Hudi",
        ".hoodie/",
        re.compile(r"hoodie\.properties"),
        "delete the rows with its own library and let the cleaner remove older file slices; then search again",
    ),
)


class LakeTables:
    """Knows which folders of one shelf are tables. What was looked up once is kept as long as one batch of changes lasts (`forget`)."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._known: dict[str, _Kind | None] = {}

    def forget(self) -> None:
        """A folder may have become a table since."""
        self._known.clear()

    def refusal(self, stored: Stored) -> Problem | None:
        """Why a file must not be changed: it lies in the folder of a table. Older versions and delete markers of it belong to nobody's log."""
        if stored.bare is not None or not stored.is_current:
            return None
        steps = stored.path.split("/")[:-1]
        for depth in range(len(steps), -1, -1):
            folder = "/".join((*steps[:depth], ""))
            kind = self._kind_of("" if depth == 0 else folder)
            if kind is not None:
                return Problem("lake.table", f"the file belongs to a table of {kind.name}, which a change behind its back would break", kind.hint)
        return None

    def _kind_of(self, folder: str) -> _Kind | None:
        if folder not in self._known:
            self._known[folder] = next((kind for kind in _KINDS if self._is_table(folder, kind)), None)
        return self._known[folder]

    def _is_table(self, folder: str, kind: _Kind) -> bool:
        names = (one.path.rsplit("/", 1)[-1] for one in self._shelf.listing(folder + kind.folder, is_deep=True) if isinstance(one, Stored))
        return any(kind.inside.fullmatch(name) for name in names)
