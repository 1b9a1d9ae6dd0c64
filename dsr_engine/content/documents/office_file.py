"""Documents that are zip archives (DOCX, PPTX, ODT, ODP, EPUB and their like): every part by its own format, the whole as one record.

A part cannot be dropped from a document and not be renamed either: others point at it, and word processors refuse what points nowhere. What
is embedded keeps its own sub-records (a row of a table in a letter). The first member stays the first, and stored where it was stored.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from dsr_engine.content.containers.zip_file import ZipFile
from dsr_engine.content.documents.package import Part, package_of
from dsr_engine.content.format import Budget, Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.places import inside, local_place
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite, chunks
from dsr_engine.domain.plan import DropPart, Edit
from dsr_engine.domain.record import Gap, Unit

_OWN = re.compile(r"member:\d+(?:/record:\d+)?")
_NAME = re.compile(r"member:\d+/name")
_MANIFEST = "META-INF/manifest.xml"


class OfficePackage:
    """A document in parts. Nobody owns it by being named in it: a field of a document is no field of a record."""

    name = "package"

    def __init__(self, nested: Nested) -> None:
        self._zip = ZipFile(nested)

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        if _is_encrypted(open_file, reading):
            yield Gap(reading.collection, "odf.encrypted", "a document is encrypted; only what it leaves open was read")
        for got in self._zip.read(open_file, reading):
            if isinstance(got, Unit) and _OWN.fullmatch(got.inside.removeprefix(reading.prefix)):
                yield replace(got, inside=inside(reading), is_value=False)
            else:
                yield got

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        places = [local_place(edit, reading) for edit in edits]
        if any(isinstance(edit.how, DropPart) and _OWN.fullmatch(place) for edit, place in zip(edits, places, strict=True)):
            raise cannot_rewrite("A part of a document cannot be dropped: places in it can be redacted.")
        named = {place for place in places if _NAME.fullmatch(place)}
        if any(rewriter.redacted(part.name) != part.name for part in _parts(open_file, reading) if f"member:{part.number}/name" in named):
            raise cannot_rewrite("A part of a document cannot be renamed: other parts point at it.")
        rest = [edit for edit, place in zip(edits, places, strict=True) if place not in named]
        return self._zip.prepare(open_file, rest, rewriter, reading)


def _parts(open_file: Opener, reading: Reading) -> Sequence[Part]:
    try:
        return package_of(open_file, reading).parts
    except Unreadable as unreadable:
        raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None


def _is_encrypted(open_file: Opener, reading: Reading) -> bool:
    """True for an OpenDocument file with a password (ODF 1.3 part 2 §3.4.1): its manifest says so."""
    try:
        package = package_of(open_file, replace(reading, budget=Budget(reading.limits)))
        manifest = package.named(_MANIFEST)
        if manifest is None:
            return False
        tail = b""
        with closing(chunks(package.content(manifest))) as pieces:
            for piece in pieces:
                if b"encryption-data" in tail + piece:
                    return True
                tail = piece[-32:]
    except Unreadable:
        pass
    return False
