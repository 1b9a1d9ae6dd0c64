"""Which records need not be read again when the same case is searched for in the same way: what they say is what was read.

A mark is a keyed digest of where a record is, what the system says of its content, and with what it was read. A record that held the person or left a
gap has no mark. Whoever verifies reads everything, whatever is known.
"""

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from dsr_engine import content
from dsr_engine.content.pictures.languages import is_installed, wanted
from dsr_engine.drivers.driver import AboutSubjects, Query

#: Marks of one part at most; records beyond are read again.
MOST = 50_000


class Marks:
    """What is known of the records of one part of a collection, and what is learnt while they are read.

    `told` is all that decides what a record's content is, in words that hold for good; empty where the system cannot tell.
    """

    def __init__(self, query: Query, server: str, collection: str) -> None:
        asked = query if isinstance(query, AboutSubjects) else None
        self._noting = asked.noting if asked else None
        self._known = asked.known if asked and self._noting is None else ()
        self._place = (server, collection)
        self._clean: set[bytes] = set()

    @property
    def clean(self) -> frozenset[bytes]:
        return frozenset(self._clean)

    @property
    def is_asking(self) -> bool:
        """True if anything is known, so that it is worth asking."""
        return bool(self._known)

    @property
    def is_noting(self) -> bool:
        """True if marks are wanted and there is room for more."""
        return self._noting is not None and len(self._clean) < MOST

    def is_known(self, told: tuple[object, ...]) -> bool:
        """True if every case of the search knows this content."""
        if not told or not self._known:
            return False
        line = self._line(told)
        return all(marking.of(line) in marking.known for marking in self._known)

    def note(self, told: tuple[object, ...]) -> None:
        """The record was read to its end, and nobody who is looked for is in it."""
        if told and self.is_noting and self._noting is not None:
            self._clean.add(self._noting.of(self._line(told)))

    def _line(self, told: tuple[object, ...]) -> bytes:
        return json.dumps((*self._place, *told, _read_with())).encode()


@cache
def _read_with() -> str:
    """Digests what records are read with here: the interpreter, every installed library with its version, the engine's own readers and drivers."""
    digest = hashlib.sha256(platform.python_version().encode())
    for line in sorted(f"{entry.name} {entry.version}" for entry in distributions()):
        digest.update(line.encode() + b"\n")
    digest.update(" ".join(wanted()).encode() + b"\n" if is_installed() else b"\n")
    for root in (Path(content.__file__).parent, Path(__file__).parent):
        for path in sorted(root.rglob("*.py")):
            found = path.stat()
            digest.update(f"{path.relative_to(root)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
