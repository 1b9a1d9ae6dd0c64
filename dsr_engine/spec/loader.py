"""Reads YAML that strangers may have written: bounded in size, depth and time, and without YAML's traps.

Refused, each with line and column: duplicate keys (PyYAML silently keeps the last one, so a `when:` left over further down would mean
*everything*), aliases and anchors (a "billion laughs" file grows to gigabytes), tags (they name types to be built), several documents,
control characters, files over 256 KiB.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import yaml
from yaml.composer import Composer
from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from dsr_engine.domain.source import Source
from dsr_engine.spec.document import Block, Document, Items, Key, Place, Text
from dsr_engine.spec.problems import SpecProblem, SpecWrong

#: A policy of 300 rules is about 60 KiB.
MOST_BYTES = 256 * 1024
#: Manifests nest six deep; more is a mistake or an attack on the stack.
DEEPEST = 24
#: Bounds the time: PyYAML needs about 0.1 ms for each node.
MOST_NODES = 40_000

#: Tabs, other line ends, marks of byte order, complex keys, directives and marks of documents: PyYAML and libyaml differ in what they make of them.
_ODD = re.compile(r"[\t\r\x85\u2028\u2029\ufeff?]|^(?:---|\.\.\.|%)", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class _Refused(Exception):
    """Ends the parsing of one file."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class _Strict(Composer):
    """Up to the node graph only: nothing is constructed, no scalar is resolved. Counts what it composes, and refuses tricks."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.nodes = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]  # a parser of PyYAML beside this class has it
        _refuse_tricks(event)
        self.nodes += 1
        self.depth += 1
        if self.depth > DEEPEST:
            raise _Refused(f"nested more than {DEEPEST} deep", _place(event))
        if self.nodes > MOST_NODES:
            raise _Refused(f"more than {MOST_NODES:,} values in one file", _place(event))
        try:
            return super().compose_node(parent, index)  # type: ignore[arg-type]  # the stub wants an int; PyYAML passes nodes
        finally:
            self.depth -= 1

    def descend_resolver(self, current_node: object, current_index: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass

    def resolve(self, kind: object, value: object, implicit: object) -> str:  # noqa: ARG002 -- PyYAML's signature
        return ""  # every scalar stays text


class _StrictLoader(_Strict, Reader, Scanner, Parser):
    """PyYAML's own parser, which knows all of YAML and says best what is wrong."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        _Strict.__init__(self)


if yaml.__with_libyaml__:  # a PyYAML that was built from its sources may lack it
    from yaml._yaml import CParser

    class _SwiftLoader(_Strict, CParser):
        """The parser of libyaml, ten times as fast. What the two read differently is not given to it (`_ODD`)."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            _Strict.__init__(self)


def read_document(path: Path, shown: str) -> Document:
    """The file's document, shown in messages as `shown`. Raises `SpecWrong`, also for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SpecWrong([SpecProblem(Source(shown, 1), "", f"cannot be read: {error.strerror}")]) from None
    return parse_document(content, shown)


def parse_document(content: bytes, shown: str) -> Document:
    """The document in these bytes. Raises `SpecWrong` with everything that is wrong in its form."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        node = _composed(_decoded(content))
        if node is None:
            raise _Refused("the file is empty", Place(1, 1))
        if not isinstance(node, MappingNode):
            raise _Refused("a file holds keys and values (`key: value`)", _place(node))
    except _Refused as refused:
        raise SpecWrong([SpecProblem(Source(shown, *refused.place, digest), "", refused.message)]) from None
    planter = _Planter(Source(shown, 1, 1, digest))
    root = planter.block(node, ())
    if planter.problems:
        raise SpecWrong(planter.problems)
    return Document(shown, digest, root)


def _decoded(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise _Refused(f"larger than {MOST_BYTES // 1024} KiB", Place(1, 1))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        raise _Refused("not UTF-8", Place(before.count(b"\n") + 1, error.start - before.rfind(b"\n"))) from None


def _composed(text: str) -> Node | None:
    if yaml.__with_libyaml__ and not _ODD.search(text):
        # What libyaml refuses is left to PyYAML, whose words are known here.
        with suppress(yaml.YAMLError, _Refused, ValueError):
            return _SwiftLoader(text).get_single_node()
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse_form(error, Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1))
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)]
        raise _Refused("holds a character that YAML does not allow", Place(before.count("\n") + 1, len(before) - before.rfind("\n"))) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # PyYAML lets `"\UFFFFFFFF"` and a `%YAML` version of 5,000 digits escape as ValueError and OverflowError.
        raise _Refused("not valid YAML", Place(1, 1)) from None


def _refuse_form(error: yaml.MarkedYAMLError, place: Place) -> NoReturn:
    if error.context == "expected a single document in the stream":
        raise _Refused("several documents in one file (`---`); use one file for each", place)
    said = str(error.problem or error.context or "cannot be parsed")
    # Only PyYAML's own words: what stands behind a colon or in quotes may be taken from the file.
    raise _Refused("not valid YAML: " + said.split("'")[0].split(":")[0].strip(), place)


def _refuse_tricks(event: object) -> None:
    if isinstance(event, AliasEvent):
        raise _Refused("aliases (`*name`) are refused; write it out, or quote a text that begins with `*`", _place(event))
    if isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent):
        if event.anchor is not None:
            raise _Refused("anchors (`&name`) are refused; write it out, or quote a text that begins with `&`", _place(event))
        if event.tag is not None:
            raise _Refused("tags (`!name`) are refused; quote a text that begins with `!`", _place(event))


def _place(thing: object) -> Place:
    mark = getattr(thing, "start_mark", None)
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


class _Planter:
    """Turns nodes into blocks, items and texts, and collects what is wrong with keys and characters."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[SpecProblem] = []

    def block(self, node: MappingNode, path: tuple[Key, ...]) -> Block:
        block = Block(_place(node))
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in block:
                first = block.key_places[key].line
                self._refuse(key_node, (*path, key), f"given twice (first on line {first})")
                continue
            block.key_places[key] = _place(key_node)
            block.value_places[key] = _place(value_node)
            block[key] = self._value(value_node, (*path, key))
        return block

    def _key(self, node: Node, path: tuple[Key, ...]) -> str | None:
        if not isinstance(node, ScalarNode):
            self._refuse(node, path, "a key is one word, not a list or a block")
            return None
        key = str(node.value)
        if not key or not key.isprintable():
            self._refuse(node, path, "a key is empty or holds characters that cannot be printed")
            return None
        return key

    def _value(self, node: Node, path: tuple[Key, ...]) -> object:
        if isinstance(node, MappingNode):
            return self.block(node, path)
        if isinstance(node, SequenceNode):
            items = Items(_place(node))
            for index, child in enumerate(node.value):
                items.places.append(_place(child))
                items.append(self._value(child, (*path, index)))
            return items
        return self._text(node, path)

    def _text(self, node: Node, path: tuple[Key, ...]) -> Text | None:
        value = str(node.value)
        is_plain = not getattr(node, "style", None)
        if is_plain and value in _NULLS:
            return None
        if not _is_printable(value):
            self._refuse(node, path, "holds characters that cannot be printed")
        return Text(value, is_plain=is_plain)

    def _refuse(self, node: Node, path: Iterable[Key], message: str) -> None:
        place = _place(node)
        source = Source(self.source.file, place.line, place.column, self.source.digest)
        self.problems.append(SpecProblem(source, ".".join(str(step) for step in path), message))


def _is_printable(value: str) -> bool:
    """True if nothing in it can confuse a terminal, a log or a page; line ends, tabs and wide or unbreakable spaces are fine."""
    return value.isprintable() or all(
        character.isprintable() or character in "\n\t" or unicodedata.category(character) == "Zs" for character in value
    )
