"""Walks the objects of a PDF: the strings in them with their places, which object refers to which, and what each stream is for.

Runs in the child only. Every object counts, also those to which nothing leads: they are in the file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pikepdf

from dsr_engine.content.pdf.objects import PICTURES, dictionary_of, filters_of, name_in, name_text
from dsr_engine.content.pdf.places import is_known, step_of

#: Direct objects in one indirect one.
_MOST = 2_000_000
_LEAST_NAME = 4


class Role(StrEnum):
    """What a stream is for."""

    PAGE = "page"
    CONTENT = "content"
    FILE = "file"
    XML = "xml"
    SCRIPT = "script"
    PICTURE = "picture"
    PIXELS = "pixels"
    FONT = "font"
    TABLE = "table"
    OTHER = "other"


@dataclass(slots=True)
class Found:
    """One string: its path in its object, the array or dictionary that holds it (None: the object is the string), and where."""

    path: str
    value: Any
    holder: Any
    at: "str | int"


@dataclass(slots=True)
class Walk:
    """What one object holds."""

    number: int
    strings: list[Found] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    #: Numbers of the objects that it refers to, and by which key (that of the dictionary around an array or a dictionary counts as well).
    links: dict[int, set[str]] = field(default_factory=dict)


def walked(source: Any, number: int) -> Walk:
    """What is in the object, and in what is directly inside it."""
    walk = Walk(number)
    pending: list[tuple[str, str, Any, Any, str | int]] = [("", "", source, None, "")]
    for _ in range(_MOST):
        if not pending:
            break
        path, key, value, holder, at = pending.pop()
        if holder is not None and isinstance(value, pikepdf.Object) and value.is_indirect:
            walk.links.setdefault(value.objgen[0], set()).add(key)
        elif isinstance(value, pikepdf.String):
            walk.strings.append(Found(path or "V", value, holder, at))
        elif isinstance(value, pikepdf.Name):
            _note(walk, name_text(value))
        elif isinstance(value, pikepdf.Array):
            pending += [(f"{path}/{index}".lstrip("/"), key, item, value, index) for index, item in enumerate(value)][::-1]
        elif isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
            pending += _entries(walk, path, key, dictionary_of(value))
    return walk


def _entries(walk: Walk, path: str, outer: str, dictionary: Any) -> list[tuple[str, str, Any, Any, "str | int"]]:
    entries: list[tuple[str, str, Any, Any, str | int]] = []
    for position, name in enumerate(sorted(dictionary.keys())):
        _note(walk, name)
        key = f"{outer}{name}" if outer in ("/EF", "/CharProcs") else name
        entries.append((f"{path}/{step_of(name, position)}".lstrip("/"), key, dictionary[name], dictionary, name))
    return entries[::-1]


def _note(walk: Walk, name: str) -> None:
    if len(name) > _LEAST_NAME and not is_known(name):
        walk.names.append(name[1:])


def role_of(stream: Any, keys: set[str], is_page: bool) -> Role:
    """What the stream is for, by what it says and by the keys under which it is referred to."""
    dictionary = stream.stream_dict
    subtype, kind = name_in(dictionary, "/Subtype"), name_in(dictionary, "/Type")
    if is_page:
        return Role.PAGE
    if subtype == "/Form" or "/PatternType" in dictionary or any(key.startswith("/CharProcs") or key == "/Contents" for key in keys):
        return Role.CONTENT  # also of pages that are in no page tree: templates, and what an editor took out
    if any(key.startswith("/EF") for key in keys) or kind == "/EmbeddedFile":
        return Role.FILE
    if subtype == "/Image" or "/Thumb" in keys:
        return Role.PICTURE if PICTURES & set(filters_of(stream)) else Role.PIXELS
    return _by_key(dictionary, kind, subtype, keys)


def _by_key(dictionary: Any, kind: str, subtype: str, keys: set[str]) -> Role:
    if kind == "/Metadata" or subtype == "/XML":
        return Role.XML
    if keys & {"/JS", "/XFA", "/RV", "/RC", "/V", "/DV"}:
        return Role.SCRIPT
    if keys & {"/FontFile", "/FontFile2", "/FontFile3"}:
        return Role.FONT
    is_table = kind in ("/ObjStm", "/XRef", "/CMap") or {"/FunctionType", "/ShadingType", "/HalftoneType"} & set(dictionary.keys())
    return Role.TABLE if is_table or keys & {"/ToUnicode", "/Encoding", "/CIDToGIDMap", "/CIDSet"} else Role.OTHER


def reached(trailer: Any, links: Mapping[int, Mapping[int, set[str]]]) -> set[int]:
    """The objects to which something leads from the trailer: those that are written when the file is written anew."""
    pending = list(walked(trailer, 0).links)
    seen: set[int] = set(pending)
    while pending:
        for number in links.get(pending.pop(), {}):
            if number not in seen:
                seen.add(number)
                pending.append(number)
    return seen


def objects_of(pdf: Any) -> Iterator[tuple[int, Any]]:
    """Every object of the file with its number."""
    for found in pdf.objects:
        if isinstance(found, pikepdf.Object) and found.is_indirect:
            yield found.objgen[0], found
