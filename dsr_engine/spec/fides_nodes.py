"""Walks a fides dataset file and collects what is wrong in it: known keys, expected shapes, and what this engine has no word for.

fides ignores keys that it does not know; here a mistyped key is a mistake, because what it was to say would be lost without a word.
"""

from collections.abc import Iterator

from dsr_engine.spec.document import Block, Document, Items, Key
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem

Path = tuple[Key, ...]


class Findings:
    """The document and its problems so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[SpecProblem] = []

    def mistake(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Something wrong: the file is not taken."""
        self.problems.append(self.document.problem(path, message, at_key=at_key))

    def gap(self, path: Path, message: str) -> None:
        """Something that fides understands and a connector cannot say."""
        self.problems.append(self.document.problem(path, message, at_key=True, is_gap=True))


class Node:
    """One block of the file and where it stands."""

    def __init__(self, findings: Findings, path: Path, block: Block) -> None:
        self.findings = findings
        self.path = path
        self.block = block

    def at(self, key: Key) -> Path:
        return (*self.path, key)

    def knows(self, keys: frozenset[str]) -> None:
        """Reports every key that is not among these."""
        for key in self.block:
            if key not in keys:
                self.findings.mistake(self.at(key), f"unknown key{did_you_mean(key, keys)}", at_key=True)

    def has(self, key: str) -> bool:
        """True if the key is there and not empty."""
        return bool(self.block.get(key))

    def text(self, key: str, *, needed: bool = False) -> str:
        """The text of a key; empty where it has none."""
        value = self.block.get(key)
        if value is None:
            if needed:
                self.findings.mistake(self.at(key), "missing")
            return ""
        if not isinstance(value, str) or not value.strip():
            self.findings.mistake(self.at(key), "not a text")
            return ""
        return str(value).strip()

    def truth(self, key: str) -> bool:
        """`true`, `True`, `yes` and the like as YAML 1.1 reads them; false where the key is empty."""
        word = self.text(key).casefold()
        if word not in ("", "true", "yes", "on", "false", "no", "off"):
            self.findings.mistake(self.at(key), "must be true or false")
        return word in ("true", "yes", "on")

    def child(self, key: str) -> "Node | None":
        """The block under a key; None where there is none."""
        value = self.block.get(key)
        if value is None:
            return None
        if not isinstance(value, Block):
            self.findings.mistake(self.at(key), "must be a block of keys and values")
            return None
        return Node(self.findings, self.at(key), value)

    def children(self, key: str, *, needed: bool = False) -> Iterator["Node"]:
        """The blocks in the list under a key."""
        items = self._items(key, needed=needed)
        for index, value in enumerate(items):
            if isinstance(value, Block):
                yield Node(self.findings, (*self.at(key), index), value)
            else:
                self.findings.mistake((*self.at(key), index), "must be a block of keys and values")

    def texts(self, key: str) -> Iterator[tuple[Path, str]]:
        """The texts in the list under a key, with their places; one text may stand without brackets."""
        value = self.block.get(key)
        if isinstance(value, str):
            yield self.at(key), str(value)
            return
        for index, item in enumerate(self._items(key)):
            if isinstance(item, str) and item.strip():
                yield (*self.at(key), index), str(item).strip()
            else:
                self.findings.mistake((*self.at(key), index), "not a text")

    def _items(self, key: str, *, needed: bool = False) -> Items:
        value = self.block.get(key)
        if isinstance(value, Items) and (value or not needed):
            return value
        if value is not None or needed:
            self.findings.mistake(self.at(key), "must be a list" if value is not None and not isinstance(value, Items) else "missing")
        return Items(self.block.place)

    def meta(self) -> "Node | None":
        """What fides keeps beside a thing: `fides_meta`, in older files `fidesops_meta`; both at once contradict each other."""
        old, new = self.child("fidesops_meta"), self.child("fides_meta")
        if old is not None and new is not None:
            self.findings.mistake(self.at("fidesops_meta"), "given twice: fidesops_meta is the older name of fides_meta", at_key=True)
        return new or old
