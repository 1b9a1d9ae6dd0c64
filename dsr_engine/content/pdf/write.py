"""The child's side of rewriting a PDF: takes out what it is told to, and writes the file as one revision of what can be reached.

It is told places and new texts, and nothing about whom they concern: `contents` {place: {view: [[start, end], …]}}, `strings` {object number:
{path: text}}, `streams` {object number: which of the further files replaces it}, `drop` [object numbers of embedded files]. The result is the same
whenever it is asked for the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

import pikepdf

from dsr_engine.content.format import Unreadable
from dsr_engine.content.pdf.document import BROKEN, Content, Document
from dsr_engine.content.pdf.objects import PICTURES, TooBig, array_of, dictionary_of, filters_of, is_stream
from dsr_engine.content.pdf.redact import Lost, redacted, touched
from dsr_engine.content.pdf.strings import text_bytes, text_of
from dsr_engine.content.pdf.views import views
from dsr_engine.content.pdf.walk import walked

Frames = Iterator[tuple[dict[str, Any], bytes]]
#: Texts of annotations and fields that are drawn anew from them.
_DRAWN = frozenset({"V", "Contents", "RC", "RV"})
_DEEPEST = 32


def write(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Frames:
    """Writes the changed file. Raises `Unreadable` (`pdf.signed`, `pdf.encrypted`, `pdf.lost`, `pdf.picture_text`) before anything is written."""
    document = Document(source)
    if document.pdf.is_encrypted:
        raise Unreadable("pdf.encrypted", "")
    if document.is_signed:
        raise Unreadable("pdf.signed", "")
    try:
        changing = _Changing(document)
        changing.contents(request.get("contents", {}))
        changing.strings(request.get("strings", {}))
        changing.streams(request.get("streams", {}), files)
        changing.drop(request.get("drop", []))
    except (*BROKEN, Lost, TooBig):
        raise Unreadable("pdf.lost", "") from None
    assert sink is not None  # whoever asks for a rewrite gives one
    document.pdf.save(
        sink,
        fix_metadata_version=False,
        preserve_pdfa=False,
        compress_streams=True,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        object_stream_mode=pikepdf.ObjectStreamMode.preserve,
        deterministic_id=True,
    )
    for place, text in changing.left.items():
        yield {"is": "left", "at": place}, text.encode("utf-8", "replace")
    yield {"is": "wrote", "removed": changing.removed}, b""


class _Changing:
    """The changes of one file, made in its objects."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._redrawn: set[int] = set()
        #: Objects whose texts are gone with them.
        self.removed: list[int] = []
        #: What changed content still shows.
        self.left: dict[str, str] = {}

    def contents(self, wanted: Mapping[str, Mapping[str, Sequence[Sequence[int]]]]) -> None:
        """Takes glyphs out of content streams."""
        for place, spans in wanted.items():
            word, _, number = place.partition(":")
            is_page = word == "page"
            if is_page and not 0 < int(number) <= len(self._document.pages):
                raise Lost
            content = self._document.page_content(int(number)) if is_page else self._document.stream_content(int(number))
            now = self._redacted(content, spans)
            if is_page:
                page = self._document.pages[int(number) - 1]
                page["/Contents"] = self._document.pdf.make_stream(now)
                if "/Thumb" in page:
                    self.removed.append(page["/Thumb"].objgen[0])
                    del page["/Thumb"]
            else:
                self._document.objects[int(number)].write(now)
                self._redrawn.add(int(number))

    def _redacted(self, content: Content, spans: Mapping[str, Sequence[Sequence[int]]]) -> bytes:
        known = {view.name: view for view in views(content.shown)}
        glyphs: set[int] = set()
        alternates: dict[int, set[int]] = {}
        for name, wanted in spans.items():
            if name not in known:
                raise Lost
            more, others = touched(content.shown, known[name], [(start, end) for start, end in wanted])
            glyphs |= more
            for number, characters in others.items():
                alternates.setdefault(number, set()).update(characters)
        if any(content.shown.glyphs[number].is_hidden for number in glyphs) and self._has_pictures(content):
            raise Unreadable("pdf.picture_text", "")
        self.left[content.place] = "".join(glyph.text for number, glyph in enumerate(content.shown.glyphs) if number not in glyphs)
        return redacted(content.data, content.shown, glyphs, alternates)

    def _has_pictures(self, content: Content) -> bool:
        """True if the content draws a picture, itself or in a form."""
        seen: set[int] = set()
        pending = [content]
        while pending:
            found = pending.pop()
            if found.shown.has_images:
                return True
            for number in set(found.forms) - seen:
                seen.add(number)
                form = self._document.safely(number, is_page=False)
                if form is None:
                    return True
                pending.append(form)
        return False

    def strings(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """Changes strings in objects, and removes what was drawn from them and shows them still.

        Raises `Unreadable` (`pdf.namesakes`): fields of one name are one field (ISO 32000-2 §12.7.4.2), so one value would show in both.
        """
        before = self._namesakes()
        for number, texts in wanted.items():
            walk = self._document.walks[int(number)] if int(number) else self._document.trailer
            found = {string.path: string for string in walk.strings}
            for path, text in texts.items():
                if path not in found:
                    raise Lost
                string = found[path]
                now = pikepdf.String(text_bytes(text, text_of(bytes(string.value))[1]))
                if string.holder is None:
                    self._document.pdf._replace_object((int(number), 0), now)  # the one way to replace an object that is a string
                else:
                    string.holder[string.at] = now
                if path in _DRAWN:
                    self._undrawn(self._document.objects.get(int(number)))
        if self._namesakes() > before:
            raise Unreadable("pdf.namesakes", "")

    def _namesakes(self) -> int:
        """How many fields of the form are called like another one beside them."""
        pending = [array_of(dictionary_of(self._document.pdf.Root.get("/AcroForm")).get("/Fields"))]
        found, seen = 0, set[tuple[int, int]]()
        while pending:
            fields = [field for field in pending.pop() if not (_is_indirect(field) and field.objgen in seen)]
            seen |= {field.objgen for field in fields if _is_indirect(field)}
            names = [bytes(dictionary_of(field)["/T"]) for field in fields if isinstance(dictionary_of(field).get("/T"), pikepdf.String)]
            found += len(names) - len(set(names))
            pending += [kids for field in fields if (kids := array_of(dictionary_of(field).get("/Kids")))]
        return found

    def _undrawn(self, annotation: Any, depth: int = 0) -> None:
        """Removes the appearances of an annotation or a field's widgets that are not redacted themselves: viewers draw them anew."""
        dictionary = dictionary_of(annotation)
        appearances = dictionary_of(dictionary.get("/AP"))
        numbers = set(walked(appearances, 0).links) if len(appearances.keys()) else set()
        below = {number for each in numbers if not is_stream(self._document.objects.get(each)) for number in self._links(each)}
        if (numbers or below) and not (numbers | below) & self._redrawn and self._shows_text(numbers | below):
            self.removed += sorted(numbers | below)
            del dictionary["/AP"]
        for child in array_of(dictionary.get("/Kids")) if depth < _DEEPEST else ():
            self._undrawn(child, depth + 1)

    def _links(self, number: int) -> set[int]:
        """The objects that an object refers to."""
        walk = self._document.walks.get(number)
        return set(walk.links) if walk is not None else set()

    def _shows_text(self, numbers: set[int]) -> bool:
        for number in numbers:
            if is_stream(self._document.objects.get(number)):
                content = self._document.safely(number, is_page=False)
                if content is None or content.shown.glyphs or content.forms:
                    return True
        return False

    def streams(self, wanted: Mapping[str, int], files: Sequence[BinaryIO]) -> None:
        """Replaces streams by files."""
        for number, index in wanted.items():
            stream = self._document.objects[int(number)]
            if not is_stream(stream):
                raise Lost
            data = files[index].read()
            kept = pikepdf.Name(filters_of(stream)[0]) if PICTURES & set(filters_of(stream)[:1]) else None
            parameters = stream.stream_dict.get("/DecodeParms") if kept is not None else None
            stream.write(data, filter=kept, decode_parms=parameters)
            details = dictionary_of(stream.stream_dict.get("/Params"))
            if "/Size" in details:
                details["/Size"] = len(data)
            if "/CheckSum" in details:
                del details["/CheckSum"]

    def drop(self, numbers: Sequence[int]) -> None:
        """Removes embedded files, and all that refers to them: entries of name trees, annotations, associated files."""
        for number in numbers:
            if number not in self._document.objects:
                raise Lost
            going = {number} | self._specifications(number)
            for holder in [*self._document.objects.values(), self._document.pdf.trailer]:
                self._forget(holder, going)
            self.removed += sorted(going)

    def _specifications(self, number: int) -> set[int]:
        """The objects that stand for the embedded file: its file specification, and annotations that show it."""
        walks = self._document.walks.values()
        direct = {walk.number for walk in walks if any(key.startswith("/EF") for key in walk.links.get(number, ()))}
        shown = {walk.number for walk in walks if dictionary_of(self._document.objects[walk.number]).get("/Subtype") == "/FileAttachment"}
        return direct | {walk.number for walk in walks if walk.number in shown and direct & set(walk.links)}

    def _forget(self, holder: Any, going: set[int]) -> None:
        """Takes what goes out of an object and of all that is directly inside it."""
        pending = [holder]
        while pending:
            found = pending.pop()
            if isinstance(found, pikepdf.Array):
                _forget_in_array(found, going)
                pending += [item for item in array_of(found) if not _is_indirect(item)]
            elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
                dictionary = dictionary_of(found)
                for key in list(dictionary.keys()):
                    if _refers(dictionary[key], going):
                        del dictionary[key]
                    elif not _is_indirect(dictionary[key]):
                        pending.append(dictionary[key])


def _forget_in_array(array: Any, going: set[int]) -> None:
    """In a name tree, what stands before a reference is its name."""
    for index in range(len(array) - 1, -1, -1):
        if index < len(array) and _refers(array[index], going):
            del array[index]
            if index and isinstance(array[index - 1], pikepdf.String):
                del array[index - 1]


def _is_indirect(found: Any) -> bool:
    return isinstance(found, pikepdf.Object) and found.is_indirect


def _refers(found: Any, going: set[int]) -> bool:
    return _is_indirect(found) and found.objgen[0] in going
