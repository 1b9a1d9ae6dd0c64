"""Changes a YAML file where it is to be changed and nowhere else: comments, blanks and the order of everything stay as somebody wrote them.

A file is text with places, not data: what is put in is text at the place where a parser says that it belongs, and whoever calls proves the result by
reading it again (`proving.py`) before anything is written.
"""

import json
import re
from collections.abc import Mapping

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from dsr_engine.domain.errors import InputWrong
from dsr_engine.spec.loader import parse_document

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*")
#: Plain words that other readers of YAML take for something else than a text.
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_STEP = 2


def scalar(text: str) -> str:
    """A text as YAML: plain where nothing in it means anything, else in double quotes, whose escapes are JSON's.

    YAML has more line ends than JSON (U+0085, U+2028, U+2029), which it would fold into blanks: what cannot be printed is escaped.
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in json.dumps(text, ensure_ascii=False))


def put(text: str, path: tuple[str, ...], value: str) -> str:
    """The file with `value`, which is YAML of one line, at this path of keys; what was there is replaced, blocks that are not there are begun.

    Raises `SpecWrong` for a text that is no file of ours, `InputWrong` (`writing.form`) where something else than a block stands in the way.
    """
    node = _root(text)
    if node is None:
        return _ended(text) + _lines(path, value, 0, _newline(text))
    key: Node | None = None
    for depth, step in enumerate(path):
        found = _entry(node, step)
        if found is None:
            return _inserted(text, node, path[depth:], value)
        key, child = found
        if depth == len(path) - 1:
            return _replaced(text, child, value)
        if not isinstance(child, MappingNode) or not child.value:
            return _opened(text, key, child, path[depth + 1 :], value, is_flow=bool(node.flow_style))
        node = child
    raise InputWrong("no path was given", code="writing.form")


def drop(text: str, path: tuple[str, ...]) -> str:
    """The file without what stands at this path, and without blocks that would be empty then. Nothing changes where nothing stands there."""
    node = _root(text)
    if node is None:
        return text
    for step in path[:-1]:
        found = _entry(node, step)
        if found is None or not isinstance(found[1], MappingNode):
            return text
        node = found[1]
    found = _entry(node, path[-1])
    if found is None:
        return text
    if len(node.value) == 1 and len(path) > 1:
        return drop(text, path[:-1])
    if node.flow_style:
        others = [f"{_slice(text, key)}: {_slice(text, value)}" for key, value in node.value if key is not found[0]]
        return text[: node.start_mark.index] + "{" + ", ".join(others) + "}" + text[node.end_mark.index :]
    start = text.rfind("\n", 0, found[0].start_mark.index) + 1
    return text[:start] + text[_line_after(text, _end(found[1])) :]


def written_at(text: str, path: tuple[str, ...]) -> Mapping[str, str]:
    """The keys of the block at this path, each with its value as it is written; empty where there is none."""
    node: Node | None = _root(text)
    for step in path:
        found = _entry(node, step) if isinstance(node, MappingNode) else None
        if found is None:
            return {}
        node = found[1]
    if not isinstance(node, MappingNode):
        return {}
    return {str(key.value): _slice(text, value) for key, value in node.value}


def _root(text: str) -> MappingNode | None:
    """The file's block with places. Our own reader looks first, so that what is composed here is bounded and has no anchors."""
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return None
    parse_document(text.encode(), "the file")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, MappingNode)
    return node


def _entry(node: MappingNode, name: str) -> tuple[Node, Node] | None:
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _end(node: Node) -> int:
    """Where the content ends. A block's own mark lies behind the comments that follow it."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, MappingNode) else last)


def _slice(text: str, node: Node) -> str:
    return text[node.start_mark.index : _end(node)]


def _line_after(text: str, index: int) -> int:
    """Where the next line begins. A text of several lines (`|`) ends behind its last line already."""
    if index > 0 and text[index - 1] == "\n":
        return index
    at = text.find("\n", index)
    return len(text) if at < 0 else at + 1


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + _newline(text)


def _lines(path: tuple[str, ...], value: str, column: int, newline: str) -> str:
    """The keys of the path, each on a line of its own and deeper than the one before, the value behind the last."""
    lines = [" " * (column + _STEP * depth) + scalar(step) + ":" for depth, step in enumerate(path)]
    return newline.join(lines) + f" {value}{newline}"


def _flow(path: tuple[str, ...], value: str) -> str:
    """`a: {b: value}`."""
    first, *rest = path
    return f"{scalar(first)}: {{{_flow(tuple(rest), value)}}}" if rest else f"{scalar(first)}: {value}"


def _inserted(text: str, node: MappingNode, path: tuple[str, ...], value: str) -> str:
    if node.flow_style:
        at = node.end_mark.index - 1
        return text[:at].rstrip() + (", " if node.value else "") + _flow(path, value) + text[at:]
    at = _line_after(text, _end(node))
    return _ended(text[:at]) + _lines(path, value, node.value[0][0].start_mark.column, _newline(text)) + text[at:]


def _replaced(text: str, node: Node, value: str) -> str:
    start, end = node.start_mark.index, _end(node)
    if text[start:end].endswith("\n"):
        value += _newline(text)
    return text[:start] + (" " if start == end else "") + value + text[end:]


def _opened(text: str, key: Node, child: Node, path: tuple[str, ...], value: str, *, is_flow: bool) -> str:
    """Something below a key that has nothing yet: `systems: {}`, or `systems:` alone."""
    if not (isinstance(child, MappingNode) or (isinstance(child, ScalarNode) and child.value in ("", "~", "null"))):
        raise InputWrong("something else than a block stands in the way", code="writing.form", hint="change the file by hand")
    if is_flow:
        return text[: child.start_mark.index] + f" {{{_flow(path, value)}}}" + text[child.end_mark.index :]
    text = text[: child.start_mark.index].rstrip(" ") + text[child.end_mark.index :]
    at = _line_after(text, key.end_mark.index + 1)
    return _ended(text[:at]) + _lines(path, value, key.start_mark.column + _STEP, _newline(text)) + text[at:]
