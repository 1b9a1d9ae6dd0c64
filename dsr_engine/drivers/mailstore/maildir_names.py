"""What the name of a file in a Maildir says: which mail it is, how large, and its flags (https://cr.yp.to/proto/maildir.html).

Flags stand behind `:2,`; where a file system forbids the colon, programs write `;2,` or `!2,` (mbsync, OfflineIMAP, Python's mailbox). A rewritten
mail is called `NAME_r1`, so the name tells where it came from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LETTERS = re.compile(r"[A-Za-z]*")
_SIZE = re.compile(r",S=(\d{1,18})(?=,|\Z)")


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One file of a folder. `unique` is the name without fields and flags, `fields` and `flags` the rest with their separators."""

    path: Path
    unique: str
    fields: str
    flags: str

    @property
    def told_size(self) -> int | None:
        """The size that the name tells, in bytes of the mail as it is delivered; None: it tells none."""
        found = _SIZE.search(self.fields)
        return int(found[1]) if found else None


def entry_of(path: Path) -> Entry:
    name = path.name
    base = _base(name)
    unique, comma, fields = base.partition(",")
    return Entry(path, unique, comma + fields, name[len(base) :])


def unique_of(name: str) -> str:
    """The part of a file's name that stays when flags change."""
    return _base(name).partition(",")[0]


def _base(name: str) -> str:
    """The name without its flags. By hand, for a folder may hold millions."""
    colon = name.find(":")
    if colon >= 0:
        return name[:colon]
    mark = max(name.rfind(";2,"), name.rfind("!2,"))
    return name[:mark] if mark >= 0 and _LETTERS.fullmatch(name, mark + 3) else name


def lineage(unique: str) -> tuple[str, int]:
    """The name that a mail was delivered under, and how often it was rewritten."""
    stem, mark, count = unique.rpartition("_r")
    if not mark or not 1 <= len(count) <= 6 or not (count.isascii() and count.isdigit()):
        return unique, 0
    return stem, int(count)


def successors(names: Sequence[str], unique: str) -> list[str]:
    """Those of the names that rewrites of this mail made, oldest first."""
    stem, count = lineage(unique)
    later = [(lineage(name)[1], name) for name in names if name.startswith(stem) and lineage(name)[0] == stem]
    return [name for number, name in sorted(later) if number > count]


def next_name(names: Sequence[str], unique: str) -> str:
    stem, count = lineage(unique)
    taken = [lineage(name)[1] for name in successors(names, unique)]
    return f"{stem}_r{max([count, *taken]) + 1}"


def fields_for(fields: str, size: int) -> str:
    """The size fields of a file name after a rewrite: `S=` anew, `W=` (the size with CRLF) left out, which readers allow."""
    kept = [f"S={size}" if field.startswith("S=") else field for field in fields.split(",") if not field.startswith("W=")]
    return ",".join(kept)
