"""What else in a workbook belongs to the rows of a sheet by their addresses: comments, links, and the order of calculation."""

import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from dsr_engine.content.charset import from_utf8
from dsr_engine.content.documents.package import CONTENT_TYPES, Package, Part
from dsr_engine.content.documents.xml_stream import End, Event, Start, as_plain, events_of
from dsr_engine.content.format import Opener, Writer
from dsr_engine.content.stream import Splice, spliced

_LIMIT = 16 * 1024 * 1024
_ROW = re.compile(r"\$?[A-Za-z]{1,3}\$?(\d{1,7})(?::\$?[A-Za-z]{1,3}\$?(\d{1,7}))?")
_COMMENTS = ("/comments", "/threadedcomment")
_NOTES = ("comment", "threadedComment")
_CALCULATION = "/calcchain"

Making = Callable[[Opener], Writer]


def without_rows(package: Package, sheet: Part, gone: Collection[int]) -> Mapping[int, Making]:
    """How the comments of a sheet lose those that belong to rows that went, by the number of the part. Raises `Unreadable`."""
    if not gone:
        return {}
    targets = [relation.target for relation in package.relations(sheet) if relation.kind.lower().endswith(_COMMENTS)]
    parts = [part for part in map(package.named, targets) if part is not None]
    return {part.number: _without(lambda event: event.name.local in _NOTES and _is_in(event, gone)) for part in parts}


def without_links(package: Package, sheet: Part, around: Opener, gone: Collection[int]) -> tuple[Making | None, Mapping[int, Making]]:
    """How what is around the rows of a sheet loses the links of rows that went, and how their targets go. Raises `Unreadable`."""
    links = [event for event in events_of(around, _LIMIT) if isinstance(event, Start) and event.name.local == "hyperlink"]
    lost = {_said(event, "id") for event in links if _is_in(event, gone)}
    if not lost:
        return None, {}
    kept = {_said(event, "id") for event in links if not _is_in(event, gone)}
    # A list of links that is empty is none (§18.3.1.48).
    word = "hyperlink" if kept else "hyperlinks"
    making = _without(lambda event: event.name.local == word and (not kept or _is_in(event, gone)))
    folder, _, name = sheet.name.rpartition("/")
    targets = package.named(posixpath.join(folder, "_rels", f"{name}.rels"))
    if targets is None:
        return making, {}
    return making, {targets.number: _without(lambda event: event.name.local == "Relationship" and _said(event, "Id") in lost - kept - {""})}


def calculation(package: Package) -> Part | None:
    """The order of calculation, which names every cell that has a formula; programs make it anew where it is missing (§18.6)."""
    return next((part for part in package.parts if part.content_type.endswith("calcchain+xml")), None)


def without_calculation(package: Package, chain: Part) -> Mapping[int, Making]:
    """How the parts that name the order of calculation lose it, by the number of the part."""
    named = "/" + chain.name.casefold()
    made: dict[int, Making] = {}
    for part in package.parts:
        if part.name == CONTENT_TYPES:
            made[part.number] = _without(lambda event: event.name.local == "Override" and _said(event, "PartName").casefold() == named)
        elif part.name.casefold().endswith("workbook.xml.rels"):
            made[part.number] = _without(lambda event: _said(event, "Type").lower().endswith(_CALCULATION))
    return made


def _said(event: Start, name: str) -> str:
    return next((attribute.value.text for attribute in event.attributes if attribute.name.local == name), "")


def _is_in(event: Start, gone: Collection[int]) -> bool:
    found = _ROW.fullmatch(_said(event, "ref"))
    return found is not None and int(found[1]) in gone and (found[2] or found[1]) == found[1]


def _without(is_gone: Callable[[Start], bool]) -> Making:
    def made(open_file: Opener) -> Writer:
        plain, charset = as_plain(open_file)
        splices = [Splice(start, end, b"") for start, end in _elements(events_of(plain, _LIMIT, charset.wide), is_gone)]
        return from_utf8(spliced(plain, splices), charset)

    return made


def _elements(events: Iterator[Event], is_wanted: Callable[[Start], bool]) -> Iterator[tuple[int, int]]:
    """The bytes of each wanted element that is not inside of another one."""
    depth = start = 0
    for event in events:
        if isinstance(event, Start):
            if depth or is_wanted(event):
                start = start if depth else event.start
                depth += 1
        elif isinstance(event, End) and depth:
            depth -= 1
            if not depth:
                yield start, event.end
