"""A YAML file as plain text values that know where they stand; nothing is guessed from how a value looks.

YAML 1.1 turns `no` into False, `0151234567` into an octal number and `22:22` into 1342 minutes. Here every scalar stays the text that
was written; the schema that reads it says whether a number or a date is meant.
"""

from dataclasses import dataclass
from typing import NamedTuple

from dsr_engine.domain.source import Source
from dsr_engine.spec.problems import SpecProblem

Key = str | int


class Place(NamedTuple):
    """Line and column, both counted from 1."""

    line: int
    column: int


class Text(str):
    """A scalar. `is_plain` is false when it stood in quotes: `"true"` is a text even where `true` would be a truth value."""

    __slots__ = ("is_plain",)
    is_plain: bool

    def __new__(cls, value: str, *, is_plain: bool = True) -> "Text":
        text = super().__new__(cls, value)
        text.is_plain = is_plain
        return text


class Block(dict[str, object]):
    """A mapping; `key_places` and `value_places` say where each key and value stands."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.key_places: dict[str, Place] = {}
        self.value_places: dict[str, Place] = {}


class Items(list[object]):
    """A sequence; `places` says where each item stands."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.places: list[Place] = []


@dataclass(frozen=True, slots=True)
class Document:
    """One file. `file` is relative to its home (`policies/leads.yaml`), `digest` the SHA-256 (hex) of its bytes."""

    file: str
    digest: str
    root: Block

    def source(self, place: Place) -> Source:
        return Source(self.file, place.line, place.column, self.digest)

    def problem(self, path: tuple[Key, ...], message: str, *, at_key: bool = False, is_gap: bool = False) -> SpecProblem:
        """A problem at this path: at the value, or at the key; at the nearest block around it where the path does not exist."""
        return SpecProblem(self.source(self._place(path, at_key)), ".".join(str(step) for step in path), message, is_gap)

    def _place(self, path: tuple[Key, ...], at_key: bool) -> Place:
        node: object = self.root
        place = self.root.place
        for index, step in enumerate(path):
            if isinstance(node, Block) and isinstance(step, str) and step in node:
                is_last = index == len(path) - 1
                place = (node.key_places if at_key and is_last else node.value_places)[step]
                node = node[step]
            elif isinstance(node, Items) and isinstance(step, int) and step < len(node):
                place = node.places[step]
                node = node[step]
            else:
                break
        return place
