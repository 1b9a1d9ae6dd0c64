"""Reads the text of a drawn page back and compares it with the blocks that the statement gives.

The content streams are read as the program writes them, in the order of drawing, through the fonts' own ToUnicode maps. An operator that the
program never writes (an inline image, another text mode, a form) is refused, because it could show what cannot be read. White space does not count.
"""

import re
from collections.abc import Callable, Iterable, Iterator

import pikepdf
from pikepdf import Dictionary, Name, Pdf

from dsr_engine.certificate.blocks import Piece
from dsr_engine.certificate.fonts import drawable
from dsr_engine.domain.errors import NotVerified

_SILENT = frozenset(["cm", "rg", "RG", "n", "re", "f*", "f", "S", "q", "Q", "BT", "ET", "Tm", "Td", "TL", "T*", "Tw", "w", "J", "j", "m", "l", "gs"])
_ENTRY = re.compile(rb"<([0-9A-F]{2})> <((?:[0-9A-F]{4}){1,2})>")

#: Gives the foot of a page: its number, and how many there are.
Footer = Callable[[int, int], str]


def page_texts(pdf: Pdf) -> tuple[str, ...]:
    """What each page draws, without white space. Raises `NotVerified` for what the program does not write."""
    return tuple("".join("".join(_drawn(page)).split()) for page in pdf.pages)


def require_equal(texts: Iterable[str], pieces: Iterable[Piece], footer: Footer) -> None:
    """Raises `NotVerified` unless the pages show the pieces in their order, each page its foot, and nothing else.

    A page may begin with the head of the table that goes on there; the head is repeated by the typesetter, so it is no piece of its own.
    """
    pages = [*texts]
    feet = [_bare(footer(number, len(pages))) for number in range(1, len(pages) + 1)]
    if not pages or any(not text.endswith(foot) for text, foot in zip(pages, feet, strict=True)):
        raise _differs("a foot of a page")
    rest = _Rest([text.removesuffix(foot) for text, foot in zip(pages, feet, strict=True)])
    for piece in pieces:
        rest.take(_bare(piece.text), _bare("".join(piece.heads)))
    rest.finish()


class _Rest:
    """What is left to be read, page by page."""

    def __init__(self, pages: list[str]) -> None:
        self._pages = pages
        self._at = 0
        self._is_fresh = False

    def take(self, text: str, head: str) -> None:
        """Reads `text`, over the end of a page if need be."""
        self._turn()
        if self._is_fresh and head and self._page().startswith(head) and not self._page().startswith(text + head):
            self._drop(len(head))
        while text:
            self._turn()
            length = min(len(text), len(self._page()))
            if not length or self._page()[:length] != text[:length]:
                raise _differs(f"page {self._at + 1}")
            self._drop(length)
            text = text[length:]

    def finish(self) -> None:
        if any(self._pages[self._at :]):
            raise _differs(f"page {self._at + 1}")

    def _turn(self) -> None:
        while self._at < len(self._pages) - 1 and not self._page():
            self._at += 1
            self._is_fresh = True

    def _page(self) -> str:
        return self._pages[self._at]

    def _drop(self, length: int) -> None:
        self._pages[self._at] = self._page()[length:]
        self._is_fresh = False


def _differs(where: str) -> NotVerified:
    return NotVerified(f"the text of the page is not that of the statement ({where})", code="page.differs")


def _bare(text: str) -> str:
    return "".join(drawable(text).split())


def _drawn(page: pikepdf.Page) -> Iterator[str]:
    if any(entry.get("/Subtype") != Name.Widget or [*entry.get("/Rect", [])] != [0, 0, 0, 0] for entry in page.obj.get("/Annots", [])):
        raise NotVerified("something is laid over a page", code="page.annotation")
    resources = page.resources
    fonts = {name: _unicode_map(font) for name, font in resources.get("/Font", {}).items()}
    current: dict[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "Tf":
                current = fonts[str(operands[0])]
            case "Tj":
                yield "".join(current.get(code, "\ufffd") for code in bytes(operands[0]))
            case "Do":
                if resources["/XObject"][str(operands[0])].get("/Subtype") != Name.Image:
                    raise NotVerified("a page draws something that cannot be read", code="page.unlisted")
            case other if other not in _SILENT:
                raise NotVerified("a page holds an operator that the program does not write", code="page.unlisted")


def _unicode_map(font: Dictionary) -> dict[int, str]:
    cmap = font["/ToUnicode"].read_bytes()
    return {
        int(code, 16): bytes.fromhex(point.decode()).decode("utf-16-be") for code, point in _ENTRY.findall(cmap.partition(b"endcodespacerange")[2])
    }
