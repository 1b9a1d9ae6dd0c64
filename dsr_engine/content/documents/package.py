"""What a zip archive that is a document says about its members: which part is what, and which belongs to which.

Office Open XML (ECMA-376 part 2): `[Content_Types].xml` gives each part its type, `.rels` parts connect them. OpenDocument (ODF 1.3 part 2)
and EPUB (OCF 3.3): a member `mimetype` names the kind. Formats that have to read several parts together, as spreadsheets do, begin here.
"""

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import unquote

from dsr_engine.content.containers.zip_directory import Member, directory_of, members_of
from dsr_engine.content.containers.zip_file import content_of, with_members
from dsr_engine.content.documents.xml_stream import Start, as_plain, events_of
from dsr_engine.content.format import Budget, Limits, Opener, Reading, Unreadable, Writer
from dsr_engine.content.stream import head_of, opened

CONTENT_TYPES = "[Content_Types].xml"
MIMETYPE = "mimetype"
#: Words in the content type of a main part, and the kind of document that it makes.
_MAIN = (
    ("sheet.binary", "xlsb"),
    ("spreadsheetml.sheet.main", "xlsx"),
    ("spreadsheetml.template.main", "xlsx"),
    ("ms-excel.sheet.macroenabled.main", "xlsx"),
    ("ms-excel.template.macroenabled.main", "xlsx"),
    ("ms-excel.addin.macroenabled.main", "xlsx"),
    ("wordprocessingml", "docx"),
    ("ms-word", "docx"),
    ("presentationml", "pptx"),
    ("ms-powerpoint", "pptx"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One member as a part: its name without the leading slash, its content type in lower case (empty where none is given)."""

    name: str
    content_type: str
    member: Member

    @property
    def number(self) -> int:
        """The member's number, which its places begin with (`member:3/`)."""
        return self.member.number


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part points at: a part by its name, or, where it is external, an address."""

    id: str
    kind: str
    target: str
    is_external: bool


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of a document in the archive's order. What is read of them counts against the budget."""

    open_file: Opener
    parts: tuple[Part, ...]
    budget: Budget

    def named(self, name: str) -> Part | None:
        """The part with this name; names are compared without regard to case (ECMA-376-2 §6.2.2.3)."""
        wanted = name.lstrip("/").casefold()
        return next((part for part in self.parts if part.name.casefold() == wanted), None)

    def of_type(self, word: str) -> tuple[Part, ...]:
        """The parts whose content type contains the word."""
        return tuple(part for part in self.parts if word in part.content_type)

    def content(self, part: Part) -> Opener:
        """The bytes of a part. Reading raises `Unreadable` where it is encrypted, damaged or too large."""
        if part.member.is_encrypted:
            raise Unreadable("zip.encrypted", "a member of an archive is encrypted; it was not read")
        return content_of(self.open_file, part.member, self.budget)

    def relations(self, part: Part | None) -> tuple[Relation, ...]:
        """What the part (None: the package itself) points at."""
        folder, _, name = (part.name if part else "").rpartition("/")
        found = self.named(posixpath.join(folder, "_rels", f"{name}.rels"))
        return tuple(self._relations(found, folder)) if found else ()

    def _relations(self, part: Part, folder: str) -> Iterator[Relation]:
        for values in _rows(self.content(part), "Relationship", self.budget.limits):
            target = values.get("Target", "")
            is_external = values.get("TargetMode", "") == "External"
            if not is_external:
                target = posixpath.normpath(posixpath.join("/" + folder, unquote(target))).lstrip("/")
            yield Relation(values.get("Id", ""), values.get("Type", ""), target, is_external)

    def rewritten(self, writers: Mapping[int, Writer], reading: Reading) -> Writer:
        """What writes the package with these parts, by number, written anew. Raises `NotSupported`."""
        return with_members(self.open_file, writers, reading)


def package_of(open_file: Opener, reading: Reading) -> Package:
    """The package in this file. Raises `Unreadable` where the archive is damaged or has more members than the limit."""
    budget = reading.budget or Budget(reading.limits)
    members = tuple(_members(open_file, reading.limits))
    types = _types(open_file, members, budget)
    return Package(open_file, tuple(Part(member.title, types(member.title), member) for member in members), budget)


def package_kind(open_file: Opener, limits: Limits) -> str:
    """What kind of document a zip archive is: `docx`, `pptx`, `xlsx`, `xlsb`, `odt`, `ods`, `odp`, `epub`, `package` for another one.

    Empty for an archive that is no document. Never raises `Unreadable`.
    """
    try:
        members = tuple(_members(open_file, limits))
        named = {member.title: member for member in members}
        if CONTENT_TYPES in named:
            return _office_kind(open_file, named[CONTENT_TYPES], limits)
        if MIMETYPE in named:
            return _open_kind(head_of(content_of(open_file, named[MIMETYPE], Budget(limits)), 256).decode("latin-1"))
    except Unreadable:
        pass
    return ""


def _office_kind(open_file: Opener, member: Member, limits: Limits) -> str:
    try:
        # Libraries of .NET give the main part its type by its ending.
        rows = (row for word in ("Override", "Default") for row in _rows(content_of(open_file, member, Budget(limits)), word, limits))
        types = [values.get("ContentType", "").lower() for values in rows]
    except Unreadable:
        return "package"
    return next((kind for word, kind in _MAIN for content_type in types if word in content_type), "package")


def _open_kind(mimetype: str) -> str:
    mimetype = mimetype.strip().lower()
    if mimetype == "application/epub+zip":
        return "epub"
    if mimetype.startswith("application/vnd.oasis.opendocument."):
        return {"spreadsheet": "ods", "presentation": "odp", "text": "odt"}.get(mimetype.rpartition(".")[2].partition("-")[0], "package")
    return ""


def _members(open_file: Opener, limits: Limits) -> Iterator[Member]:
    with closing(opened(open_file)) as source:
        directory = directory_of(source)
        for count, member in enumerate(members_of(source, directory)):
            if count >= limits.members:
                raise Unreadable("archive.too_many_members", "an archive has more members than the limit; the rest was not read")
            yield member


class _Types:
    """Content types by part name, else by the ending of its name (ECMA-376-2 §6.2.3)."""

    def __init__(self, overrides: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        self._overrides = overrides
        self._defaults = defaults

    def __call__(self, name: str) -> str:
        lower = name.casefold()
        return self._overrides.get(lower, self._defaults.get(lower.rpartition(".")[2], ""))


def _types(open_file: Opener, members: tuple[Member, ...], budget: Budget) -> _Types:
    found = next((member for member in members if member.title == CONTENT_TYPES), None)
    if found is None:
        return _Types({}, {})
    content = content_of(open_file, found, budget)
    overrides = {row.get("PartName", "").lstrip("/").casefold(): row for row in _rows(content, "Override", budget.limits)}
    defaults = {row.get("Extension", "").casefold(): row for row in _rows(content, "Default", budget.limits)}
    return _Types(*({key: row.get("ContentType", "").lower() for key, row in rows.items()} for rows in (overrides, defaults)))


def _rows(content: Opener, element: str, limits: Limits) -> Iterator[dict[str, str]]:
    """The attributes of each element with this name."""
    plain, charset = as_plain(content)
    for event in events_of(plain, limits.line_bytes, charset.wide):
        if isinstance(event, Start) and event.name.local == element:
            yield {attribute.name.local: attribute.value.text for attribute in event.attributes}
