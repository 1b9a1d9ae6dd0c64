"""The child's side of reading PDFs: qpdf (pikepdf) and PDFium parse what a stranger wrote, in a process that can do nothing else.

It says what texts a file holds, where, and what could not be read; it never learns whom they are searched for. What each frame is stands in its
head under `is`:

- `text`: one view of a content stream (`at`, `view`; UTF-8), with the object numbers of the forms it draws (`forms`)
- `strings`: pairs of path and text in object `number` (JSON)
- `stream`: a piece of a stream that is a file of its own (`number`, `role`, `last`)
- `sum`: a digest of a stream that is no content (`number`), `marks`: characters of a page with their places, as PDFium sees them (both for comparing)
- `revision`: what follows belongs to revision `number`; `gap`: something was not read (`code`)
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import pikepdf

from dsr_engine.content.format import Unreadable
from dsr_engine.content.pdf.document import BROKEN, Content, Document
from dsr_engine.content.pdf.fonts import UNKNOWN
from dsr_engine.content.pdf.objects import TooBig, dictionary_of, is_stream, stream_pieces
from dsr_engine.content.pdf.revisions import Cut, revisions_of
from dsr_engine.content.pdf.seen import seen_texts
from dsr_engine.content.pdf.strings import text_of
from dsr_engine.content.pdf.views import views
from dsr_engine.content.pdf.walk import Role, Walk

Frames = Iterator[tuple[dict[str, Any], bytes]]
#: Revisions that are read, the newest first.
_REVISIONS = 100
#: Decoded bytes of a file inside of the file.
_FILE = 1024 * 1024 * 1024
_NESTED = frozenset({Role.FILE, Role.XML, Role.SCRIPT, Role.PICTURE, Role.FONT, Role.OTHER})
#: Strings that are said in one frame.
_STRINGS = 2000


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Frames:  # noqa: ARG001  # the child's protocol
    """Everything in the file. With `exact` the digests and marks by which two files are compared, and no older revisions."""
    is_exact = bool(request.get("exact"))
    document = Document(source)
    said = _Said()
    if "streams" in request:
        yield from _asked(document, request["streams"])
        return
    yield from said.noted(_current(document))
    yield from _sums(document) if is_exact else _streams(document, said, is_first=True)
    is_signed, lost = document.is_signed, document.lost
    document.close()
    yield {"is": "about", "signed": is_signed, "encrypted": document.pdf.is_encrypted}, b""
    if lost:
        yield _gap("pdf.damaged")
    source.seek(0)
    yield from seen_texts(source, with_marks=is_exact)
    if not is_exact:
        yield from _older(source, said)


def _gap(code: str) -> tuple[dict[str, Any], bytes]:
    return {"is": "gap", "code": code}, b""


class _Said:
    """What was said of the newest revision need not be said again of an older one."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def noted(self, frames: Frames) -> Frames:
        """The frames as they are."""
        for head, body in frames:
            self.is_new(body)
            yield head, body

    def new(self, frames: Frames) -> Frames:
        """The frames without those whose text was there before."""
        for head, body in frames:
            if head["is"] in ("stream", "gap") or self.is_new(body):
                yield head, body

    def is_new(self, body: bytes) -> bool:
        """True if nobody said this before."""
        digest = hashlib.blake2b(body, digest_size=16).digest()
        is_new = digest not in self._seen
        self._seen.add(digest)
        return is_new


def _current(document: Document) -> Frames:
    empty: list[Content] = []
    contents: dict[int, Content] = {}
    unknown = 0
    for number in [*range(1, len(document.pages) + 1), *(-each for each, role in document.roles.items() if role is Role.CONTENT)]:
        content = document.safely(abs(number), is_page=number > 0)
        if content is None:
            continue
        yield from _views(content, document)
        unknown += sum(glyph.text == UNKNOWN and glyph.actual < 0 for glyph in content.shown.glyphs)
        slim = _slim(content)
        if number < 0:
            contents[-number] = slim
        elif not content.shown.glyphs:
            empty.append(slim)
    if any(_is_picture(page, contents, set()) for page in empty):
        yield _gap("pdf.image_only")
    if unknown:
        yield _gap("pdf.no_letters")
    for number, text in document.font_texts():
        yield {"is": "names", "at": f"object:{number}"}, text.encode("utf-8", "replace")
    yield from _strings(document)


def _slim(content: Content) -> Content:
    """What is remembered of a content: whether it shows letters or pictures."""
    content.shown.glyphs[1:] = []
    content.shown.operations.clear()
    return Content(content.place, b"", content.shown, content.forms)


def _is_picture(content: Content, contents: dict[int, Content], seen: set[int]) -> bool:
    """True if the content shows a picture and no letter, the forms that it draws included."""
    below = [contents[form] for form in content.forms if form in contents and form not in seen]
    seen.update(content.forms)
    found = [_is_picture(form, contents, seen) for form in below]
    return not content.shown.glyphs and not any(form.shown.glyphs for form in below) and (content.shown.has_images or any(found))


def _views(content: Content, document: Document) -> Frames:
    place = content.place
    word, _, number = place.partition(":")
    if word == "content" and int(number) not in document.reached:
        place = f"orphan:{number}"
    for view in views(content.shown):
        yield {"is": "text", "at": place, "view": view.name, "forms": content.forms}, view.text.encode("utf-8", "replace")


def _strings(document: Document) -> Frames:
    for walk in (document.trailer, *document.walks.values()):
        word = "orphan" if walk.number and walk.number not in document.reached else "object"
        for at in range(0, len(walk.strings), _STRINGS):
            pairs = [(found.path, text_of(bytes(found.value))[0]) for found in walk.strings[at : at + _STRINGS] if not found.path.startswith("ID/")]
            yield {"is": "strings", "at": f"{word}:{walk.number}"}, json.dumps(pairs).encode()
        if names := _names(walk):
            yield {"is": "names", "at": f"{word}:{walk.number}"}, names


def _names(walk: Walk) -> bytes:
    return "\n".join(dict.fromkeys(walk.names)).encode("utf-8", "replace")


def _streams(document: Document, said: _Said, *, is_first: bool) -> Frames:
    """Streams that are files of their own; of older revisions those that were not there before."""
    names = _file_names(document)
    for number, role in document.roles.items():
        if role not in _NESTED or (not said.is_new(_sum(document, number)) and not is_first):
            continue
        word = role.value if number in document.reached else f"orphan-{role.value}"
        yield from _pieces(document, {"is": "stream", "number": number, "role": word, "name": names.get(number, "")})


def _asked(document: Document, numbers: Sequence[int]) -> Frames:
    for number in numbers:
        if number in document.roles:
            yield from _pieces(document, {"is": "stream", "number": number, "role": document.roles[number].value})


def _pieces(document: Document, head: dict[str, Any]) -> Frames:
    try:
        for piece in stream_pieces(document.objects[head["number"]], _FILE):
            yield {**head, "last": False}, piece
    except (*BROKEN, TooBig) as lost:
        yield _gap("pdf.too_big" if isinstance(lost, TooBig) else "pdf.damaged")
    yield {**head, "last": True}, b""


def _sums(document: Document) -> Frames:
    for number, role in document.roles.items():
        if number in document.reached and role not in (Role.PAGE, Role.CONTENT):
            yield {"is": "sum", "number": number}, _sum(document, number)


def _sum(document: Document, number: int) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    with suppress(*BROKEN, TooBig):
        for piece in stream_pieces(document.objects[number], _FILE):
            digest.update(piece)
    return digest.digest()


def _file_names(document: Document) -> dict[int, str]:
    """What embedded files are called: a hint at what they are."""
    names: dict[int, str] = {}
    for found in document.objects.values():
        specification = dictionary_of(found)
        embedded = dictionary_of(specification.get("/EF"))
        name = next((text_of(bytes(specification[key]))[0] for key in ("/UF", "/F") if isinstance(specification.get(key), pikepdf.String)), "")
        for key in embedded.keys() if name else ():
            if is_stream(embedded[key]):
                names[embedded[key].objgen[0]] = name[:255]
    return names


def _older(source: BinaryIO, said: _Said) -> Frames:
    """What only older revisions hold. A revision is what the file was when its end was written."""
    ends = revisions_of(source)
    if len(ends) > _REVISIONS:
        yield _gap("pdf.revisions")
    for number, end in list(enumerate(ends, 1))[-_REVISIONS:]:
        try:
            document = Document(io.BufferedReader(Cut(source, end)))
        except Unreadable:
            continue
        yield {"is": "revision", "number": number}, b""
        yield from said.new(_current(document))
        yield from _streams(document, said, is_first=False)
        document.close()
