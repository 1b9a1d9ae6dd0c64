"""The schema of an Avro file (Avro 1.11 specification, "Schema Declaration"), as nodes that a decoder can follow.

A schema may name itself, so nodes refer to each other; it is attacker's input too, so its size and depth are bounded.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from dsr_engine.content.format import Unreadable

#: Levels of a schema, and of the data under it; nobody's data is deeper, and a list that is linked through a recursive schema may be.
DEEPEST = 100
_MOST_NODES = 20_000
PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


@dataclass(slots=True)
class Node:
    """One type. `parts` are the fields of a record, the branches of a union, or the one type of items; `names` are fields or symbols."""

    kind: str
    logical: str = ""
    parts: list["Node"] = field(default_factory=list)
    names: tuple[str, ...] = ()
    size: int = 0
    scale: int = 0

    @property
    def null_branch(self) -> int:
        """Which branch of a union is null; -1: none."""
        return next((index for index, part in enumerate(self.parts) if part.kind == "null"), -1) if self.kind == "union" else -1


def schema_of(text: bytes) -> Node:
    """The root of the schema. Raises `Unreadable` (`avro.schema`) where it is none."""
    try:
        return _Builder().node(json.loads(text), "", 0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise wrong() from None


def wrong() -> Unreadable:
    return Unreadable("avro.schema", "the schema of an Avro file is not understood; its bytes were searched as they are")


class _Builder:
    """Names are known from where they are defined on, within their namespace."""

    def __init__(self) -> None:
        self._named: dict[str, Node] = {}
        self._count = 0

    def node(self, schema: Any, namespace: str, depth: int) -> Node:
        self._count += 1
        if depth > DEEPEST or self._count > _MOST_NODES:
            raise wrong()
        if isinstance(schema, str):
            return Node(schema) if schema in PRIMITIVES else self._reference(schema, namespace)
        if isinstance(schema, list):
            return Node("union", parts=[self.node(branch, namespace, depth + 1) for branch in schema])
        kind = schema["type"]
        if not isinstance(kind, str):
            return self.node(kind, namespace, depth + 1)
        if kind in ("record", "error", "enum", "fixed"):
            return self._definition(kind, schema, namespace, depth)
        if kind in ("array", "map"):
            return Node(kind, parts=[self.node(schema["items" if kind == "array" else "values"], namespace, depth + 1)])
        if kind in PRIMITIVES:
            return Node(kind, logical=_logical(schema), scale=_natural(schema.get("scale", 0)))
        return self._reference(kind, namespace)

    def _reference(self, name: str, namespace: str) -> Node:
        found = self._named.get(name if "." in name or not namespace else f"{namespace}.{name}") or self._named.get(name)
        if found is None:
            raise wrong()
        return found

    def _definition(self, kind: str, schema: Any, namespace: str, depth: int) -> Node:
        name = str(schema["name"])
        space = name.rpartition(".")[0] if "." in name else str(schema.get("namespace", namespace) or "")
        node = Node("record" if kind == "error" else kind, logical=_logical(schema))
        self._named[name if "." in name or not space else f"{space}.{name}"] = node
        if kind == "fixed":
            node.size, node.scale = _natural(schema["size"]), _natural(schema.get("scale", 0))
        elif kind == "enum":
            node.names = tuple(str(symbol) for symbol in schema["symbols"])
        else:
            node.names = tuple(str(entry["name"]) for entry in schema["fields"])
            node.parts.extend(self.node(entry["type"], space, depth + 1) for entry in schema["fields"])
        return node


def _logical(schema: Any) -> str:
    return str(schema.get("logicalType", ""))


def _natural(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 2**31:
        raise wrong()
    return value


def is_same_shape(one: bytes, other: bytes) -> bool:
    """True if two schemas differ at most in what readers do not go by: documentation, properties of their own."""
    try:
        return bool(_shape(json.loads(one)) == _shape(json.loads(other)))
    except (ValueError, RecursionError):
        return False


_MEANING = ("type", "name", "namespace", "fields", "items", "values", "symbols", "size", "logicalType", "precision", "scale", "aliases")


def _shape(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _shape(schema[key]) for key in _MEANING if key in schema}
    if isinstance(schema, list):
        return [_shape(entry) for entry in schema]
    return schema
