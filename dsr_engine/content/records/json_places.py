"""Places in JSON: how `$.customers[3].email` is written while reading and found again while rewriting.

A key that may be personal (an e-mail address, an id, anything that is not the plain name of a field), or that occurs twice in its
object, is written as its position: `$.customers{3}`. An element of the outermost array of objects, and an object under such a key, is
a record of its own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dsr_engine.content.format import Reading
from dsr_engine.content.places import is_plain
from dsr_engine.content.records.json_tokens import Event, Frame, Walker
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.plan import Edit, How
from dsr_engine.domain.system import FieldMap

_STEP = re.compile(r"\.([^.\[{/]+)|\[(\d+)\]|\{(\d+)\}")
#: The step that leads to the text of a key itself.
KEY = ("key", "")


def step_of(frame: Frame, reading: Reading) -> str:
    """How the current child of a container is written."""
    if not frame.is_object:
        return f"[{frame.index}]"
    if frame.is_repeated or not has_plain_name(frame, reading):
        return f"{{{frame.index}}}"
    return f".{frame.name}"


def has_plain_name(frame: Frame, reading: Reading) -> bool:
    """True if the current member is called like a field."""
    return "." not in frame.name and is_plain(frame.name, reading)


def path_of(walker: Walker, reading: Reading) -> str:
    """The path from the walker's root to the current child."""
    return "".join(step_of(frame, reading) for frame in walker.frames)


def is_record(walker: Walker, event: Event, reading: Reading) -> bool:
    """True if the object that was just entered is a record of its own, given that nothing around it is."""
    if event.kind != "enter" or event.token.kind != "{" or len(walker.frames) < 2:
        return False
    parent = walker.frames[-2]
    return not parent.is_object or not has_plain_name(parent, reading)


def mapped_field(walker: Walker, names: Sequence[str], reading: Reading) -> FieldMap | None:
    """What the manifest says of the current child: by its dotted path, else by its key."""
    if reading.map is None:
        return None
    path = [*names, *(frame.name for frame in walker.frames if frame.is_object)]
    return reading.map.field_named(".".join(path)) or (reading.map.field_named(path[-1]) if path else None)


@dataclass(slots=True)
class Wanted:
    """The edits below one place, as a tree of steps."""

    how: How | None = None
    below: dict[tuple[str, str], "Wanted"] = field(default_factory=dict)

    def next_index(self) -> int | None:
        """The first element that is still to be edited."""
        return min((int(name) for kind, name in self.below if kind == "index"), default=None)

    def child(self, frame: Frame) -> "Wanted | None":
        """The edits of the current child, taken out of the tree: by name, which means the first of that name, or by position."""
        if not self.below:
            return None
        if not frame.is_object:
            return self.below.pop(("index", str(frame.index)), None)
        found = None if frame.is_repeated else self.below.pop(("name", frame.name), None)
        other = self.below.pop(("position", str(frame.index)), None)
        if found is not None and other is not None:
            found.below |= other.below
            found.how = found.how or other.how
        return found or other


def wanted(edits: Sequence[Edit]) -> Wanted:
    """The edits of one document; places begin with `$`."""
    root = Wanted()
    for edit in edits:
        node = root
        place = edit.place.removesuffix("/name")
        if not place.startswith("$"):
            raise cannot_rewrite("There is no place of that kind in JSON.", "plan again: the file is not what it was")
        at = 1
        while at < len(place):
            found = _STEP.match(place, at)
            if found is None:
                raise cannot_rewrite("There is no place of that kind in JSON.", "plan again: the file is not what it was")
            kind = ("name", "index", "position")[(found.lastindex or 1) - 1]
            node = node.below.setdefault((kind, found[found.lastindex or 1]), Wanted())
            at = found.end()
        if place != edit.place:
            node = node.below.setdefault(KEY, Wanted())
        node.how = edit.how
    return root
