"""The words in which formats name places, so that reading and rewriting spell them alike and nested files know what they are part of."""

import re
from collections.abc import Mapping, Sequence

from dsr_engine.content.format import Reading
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.plan import Edit

#: A name of a column, key or field that says nothing about a person: letters and few digits. Anything else is numbered.
_PLAIN_NAME = re.compile(r"[A-Za-z_À-ɏ][A-Za-zÀ-ɏ_ .\-]{0,58}\d{0,2}")

#: Steps into a compressed file: what is inside is the same sub-record, only smaller.
_WRAPPINGS = ("gz", "xz", "bz2", "zst", "lzma", "unpacked", "emlx", "plist", "")


def is_plain(name: str, reading: Reading) -> bool:
    """True if the name may stand in a place: it looks like the name of a field and the gate does not see a subject in it."""
    return bool(_PLAIN_NAME.fullmatch(name)) and not (reading.gate is not None and reading.gate.passes_text(name))


def part_named(prefix: str) -> str:
    """The sub-record that a nested file is: `part:3` of `part:3/gz/`. Empty where the file is the record itself."""
    steps = prefix.strip("/").split("/")
    while steps and steps[-1] in _WRAPPINGS:
        steps.pop()
    return "/".join(steps)


def inside(reading: Reading, local: str = "") -> str:
    """The sub-record of the whole file that `local` is in the file being read."""
    return reading.prefix + local if local else part_named(reading.prefix)


def by_number(edits: Sequence[Edit], word: str, reading: Reading) -> Mapping[int, tuple[Edit, ...]]:
    """The edits of places `word:N` and `word:N/rest` under their N, with places that begin behind the slash.

    Raises `NotSupported` for a place of another kind.
    """
    found: dict[int, tuple[Edit, ...]] = {}
    for edit in edits:
        first, _, rest = local_place(edit, reading).partition("/")
        kind, _, number = first.partition(":")
        if kind != word or not number.isdecimal():
            raise cannot_rewrite(f"There is no place of that kind in this file: it has {word}s.", "plan again: the file is not what it was")
        found[int(number)] = (*found.get(int(number), ()), Edit(rest, edit.how))
    return found


def local_place(edit: Edit, reading: Reading) -> str:
    """The edit's place inside the file being read."""
    if not edit.place.startswith(reading.prefix):
        raise cannot_rewrite("A place does not lie in this file.", "plan again: the file is not what it was")
    return edit.place[len(reading.prefix) :]
