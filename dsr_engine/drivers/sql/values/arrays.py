"""PostgreSQL's written form of an array, made from the JSON by which arrays are read here."""

import json
from typing import Any


def array_literal(text: str) -> str:
    """`["a", null]` → `{"a",NULL}` (PostgreSQL manual, 8.15.6); every element is quoted, so none can be mistaken for syntax."""
    return _written(json.loads(text, parse_float=str, parse_int=str))


def _written(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "{" + ",".join(_written(inner) for inner in value) + "}"
    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
