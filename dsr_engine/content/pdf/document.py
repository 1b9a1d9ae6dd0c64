"""A PDF as a whole, as a child sees it: its pages, what each stream is for, what leads to what, and what its contents show.

Runs in the child only.
"""

import codecs
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import pikepdf

from dsr_engine.content.format import Unreadable
from dsr_engine.content.pdf.fonts import Font
from dsr_engine.content.pdf.glyphs import Interpreter, Shown
from dsr_engine.content.pdf.objects import TooBig, array_of, dictionary_of, entry_of, is_stream, stream_data
from dsr_engine.content.pdf.walk import Role, Walk, objects_of, reached, role_of, walked

#: What parsing broken objects raises.
BROKEN = (pikepdf.PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError, RecursionError)
_DEEPEST = 64
_WORD = 4
#: In the child nothing can be opened any more, so the codecs that fonts and strings may need have to be there before.
_CODECS = ("utf-8", "ascii", "latin-1", "utf-16-le", "utf-16-be", "utf-32-be", "pdfdoc", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp949")
READY = tuple(map(codecs.lookup, _CODECS))


def _open_random() -> None:
    """qpdf opens its source of random numbers when it first meets an encrypted file, which is too late in the child."""
    sink = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.save(sink, encryption=pikepdf.Encryption(owner="-", user=""))
    pikepdf.open(sink).close()


_open_random()


@dataclass(frozen=True, slots=True)
class Content:
    """A content stream: a page's own by its number (`page:3`), any other by that of its object (`content:12`)."""

    place: str
    data: bytes
    shown: Shown
    #: Numbers of the forms that it draws.
    forms: tuple[int, ...]


class Document:
    """One revision of a PDF. Raises `Unreadable` (`pdf.encrypted`, `pdf.broken`) where it cannot be opened."""

    def __init__(self, source: BinaryIO) -> None:
        try:
            self.pdf = pikepdf.open(source, access_mode=pikepdf.AccessMode.stream)
        except pikepdf.PasswordError:
            raise Unreadable("pdf.encrypted", "") from None
        except BROKEN:
            raise Unreadable("pdf.broken", "") from None
        self.objects: dict[int, Any] = {}
        self.walks: dict[int, Walk] = {}
        self._fonts: dict[tuple[int, int], Font] = {}
        self.lost = 0
        for number, found in objects_of(self.pdf):
            try:
                self.walks[number] = walked(found, number)
                self.objects[number] = found
            except BROKEN:
                self.lost += 1
        self.trailer = walked(self.pdf.trailer, 0)
        self.reached = reached(self.pdf.trailer, {number: walk.links for number, walk in self.walks.items()})
        self.pages = tuple(self._pages())
        self.roles = self._roles()

    def _pages(self) -> Iterator[Any]:
        try:
            for page in self.pdf.pages:
                yield page.obj
        except BROKEN:
            self.lost += 1

    def _roles(self) -> Mapping[int, Role]:
        keys: dict[int, set[str]] = {}
        for walk in self.walks.values():
            for target, by in walk.links.items():
                keys.setdefault(target, set()).update(by)
        of_pages = {stream.objgen[0] for page in self.pages for stream in self._streams_of(page)}
        found = ((number, source) for number, source in self.objects.items() if is_stream(source))
        return {number: role_of(source, keys.get(number, set()), number in of_pages) for number, source in found}

    def _streams_of(self, page: Any) -> Iterator[Any]:
        contents = page.get("/Contents")
        yield from (stream for stream in ([contents] if is_stream(contents) else array_of(contents)) if is_stream(stream))

    def page_content(self, number: int) -> Content:
        """What page `number` (from 1) shows itself. Raises what broken files raise, and `TooBig`."""
        page = self.pages[number - 1]
        data = b"\n".join(stream_data(stream) for stream in self._streams_of(page))
        return self._content(f"page:{number}", data, inherited(page, "/Resources"))

    def stream_content(self, number: int) -> Content:
        """What a form, an appearance, a pattern or a glyph of a Type 3 font shows."""
        stream = self.objects[number]
        resources = stream.stream_dict.get("/Resources")
        return self._content(f"content:{number}", stream_data(stream), resources if resources is not None else self._resources_around(number))

    def _content(self, place: str, data: bytes, resources: Any) -> Content:
        shown = Interpreter(resources, self._fonts).run(data)
        drawn = dictionary_of(dictionary_of(resources).get("/XObject"))
        forms = (entry_of(drawn, name) for name in dict.fromkeys(shown.invoked))
        return Content(place, data, shown, tuple(form.objgen[0] for form in forms if is_stream(form)))

    def _resources_around(self, number: int) -> Any:
        """The resources of whatever draws the stream: old programs leave them out of the stream itself."""
        users = [self.objects[user] for user, walk in self.walks.items() if number in walk.links]
        for user in users:
            found = dictionary_of(user).get("/Resources")
            if found is not None:
                return found
        return inherited(self.pages[0], "/Resources") if self.pages else None

    def safely(self, number: int, *, is_page: bool) -> Content | None:
        """The content, or None (and one loss more) where it cannot be read."""
        try:
            return self.page_content(number) if is_page else self.stream_content(number)
        except (*BROKEN, TooBig):
            self.lost += 1
            return None

    def font_texts(self) -> Iterator[tuple[int, str]]:
        """What single glyphs stand for, where that is more than a few letters: a font can hold a whole name. By the number of the font's object."""
        for (number, _), font in self._fonts.items():
            if long := [text for text in font.to_text.texts.values() if len(text) >= _WORD]:
                yield number, "\n".join(dict.fromkeys(long))

    @property
    def is_signed(self) -> bool:
        """True if somebody signed it: a dictionary with a signature's bytes and the range that it covers."""
        return any("/ByteRange" in found and "/Contents" in found for found in map(dictionary_of, self.objects.values()))

    def close(self) -> None:
        self.pdf.close()


def inherited(page: Any, key: str) -> Any:
    """An attribute of a page, which it may have from the nodes above it."""
    node = page
    for _ in range(_DEEPEST):
        node = dictionary_of(node)
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    return None
