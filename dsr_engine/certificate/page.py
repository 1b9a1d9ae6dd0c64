"""Draws the blocks of a certificate as an A4 document with ReportLab. The same blocks and look give the same bytes."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, HRFlowable, Image, PageTemplate, Spacer
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from dsr_engine.certificate.blocks import Block, Facts, Heading, Paragraph, Points, Summary, Table, Title
from dsr_engine.certificate.fonts import Typeface, drawable, is_asian, typeface
from dsr_engine.certificate.look import Look
from dsr_engine.domain.errors import InputWrong

_MARGIN = 20 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_LABEL_WIDTH = 40 * mm
_INK, _QUIET, _HAIR = HexColor("#1a1f25"), HexColor("#5a6470"), HexColor("#d5dae0")
_CLEAN, _MIXED = HexColor("#2e7d4f"), HexColor("#b26a00")
#: Longer texts are drawn as plain paragraphs, because a row of a grid cannot be divided between pages.
_LONGEST_ROW = 900
#: So many pages has a certificate of few systems; a letter has one.
_USUAL = 3
_CODE = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){7,}|[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|dsr verify [^—]*\.json")

Footer = Callable[[int, int], str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What kind of document it is: its title and language as readers and screen readers announce them, and the size of its text and of its heading.

    `keeps_lines`: a line break in a text stays one. `is_asian_drawn`: characters that no font has are left to the reader's own font; that font
    is not embedded.
    """

    title: str = "Certificate of erasure"
    language: str = "en"
    scale: float = 1.0
    heading: float = 20.0
    keeps_lines: bool = False
    is_asian_drawn: bool = False


CERTIFICATE = Sheet()


def draw(blocks: Sequence[Block], letterhead: Sequence[str], look: Look, footer: Footer, sheet: Sheet = CERTIFICATE) -> bytes:
    """The document. `footer(page, pages)` gives the line at the foot. Raises `InputWrong` for a character that no font can draw."""
    hand = _Hand(typeface(look.fonts, is_asian_drawn=sheet.is_asian_drawn), HexColor(look.accent), sheet)
    guess = _USUAL if sheet == CERTIFICATE else 1
    drawn, pages = _built(hand, _story(hand, blocks, letterhead, look), footer, guess)
    return drawn if pages == guess else _built(hand, _story(hand, blocks, letterhead, look), footer, pages)[0]


@dataclass(frozen=True, slots=True)
class _Hand:
    """Sets text in one typeface and colour."""

    face: Typeface
    accent: Color
    sheet: Sheet

    def style(
        self, size: float, *, lead: float = 1.42, colour: Color = _INK, bold: bool = False, after: float = 0, right: bool = False
    ) -> ParagraphStyle:
        font = self.face.bold if bold else self.face.regular
        size *= self.sheet.scale
        return ParagraphStyle(
            "", fontName=font, fontSize=size, leading=size * lead, textColor=colour, spaceAfter=after, splitLongWords=1, alignment=2 if right else 0
        )

    def text(self, text: str, style: ParagraphStyle) -> Text:
        if any(map(is_asian, text)):
            style.wordWrap = "CJK"  # lines break between any two characters, but not before a comma
        lines = text.split("\n") if self.sheet.keeps_lines else (text,)
        return Text("<br/>".join(self._markup(drawable(line), style) for line in lines), style)

    def grid(self, rows: Sequence[Sequence[object]], widths: Sequence[float], style: Sequence[tuple[object, ...]], repeated: int = 0) -> Grid:
        """A grid whose cells do not fall back to Helvetica, which would not be embedded."""
        return Grid(rows, widths, repeatRows=repeated, style=[("FONTNAME", (0, 0), (-1, -1), self.face.regular), *style])

    def width(self, text: str, style: ParagraphStyle) -> float:
        return float(sum(pdfmetrics.stringWidth(run, font, style.fontSize) for font, run in self.face.runs(drawable(text), style.fontName)))

    def _markup(self, text: str, style: ParagraphStyle) -> str:
        """Codes and commands in the mono face a little smaller; all else in the style's face, or in a further font where that lacks a glyph."""
        parts: list[str] = []
        at = 0
        for found in _CODE.finditer(text):
            parts += [self._run(font, run) for font, run in self.face.runs(text[at : found.start()], style.fontName)]
            parts += [self._run(font, run, style.fontSize * 0.9) for font, run in self.face.runs(found[0], self.face.mono)]
            at = found.end()
        parts += [self._run(font, run) for font, run in self.face.runs(text[at:], style.fontName)]
        return "".join(parts)

    @staticmethod
    def _run(font: str, run: str, size: float | None = None) -> str:
        measure = f' size="{size:.2f}"' if size else ""
        return f'<font name="{font}"{measure}>{escape(run)}</font>'


def _built(hand: _Hand, story: list[Flowable], footer: Footer, pages: int) -> tuple[bytes, int]:
    """One pass. Each foot tells how many pages there are, which only a pass can count: it is guessed, and drawn anew if the guess was wrong."""
    buffer = io.BytesIO()

    def begin(canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.setFillColor(hand.accent)
        canvas.rect(0, A4[1] - 3 * mm, A4[0], 3 * mm, stroke=0, fill=1)

    def end(canvas: Canvas, document: BaseDocTemplate) -> None:
        canvas.setStrokeColor(_HAIR)
        canvas.setLineWidth(0.5)
        canvas.line(_MARGIN, 15 * mm, A4[0] - _MARGIN, 15 * mm)
        canvas.setFillColor(_QUIET)
        at = _MARGIN
        for font, run in hand.face.runs(drawable(footer(document.page, pages)), hand.face.regular):
            canvas.setFont(font, 6.8)
            canvas.drawString(at, 10.5 * mm, run)
            at += pdfmetrics.stringWidth(run, font, 6.8)

    frame = Frame(_MARGIN, 18 * mm, _WIDTH, A4[1] - 18 * mm - 16 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=hand.sheet.title,
        author="",
        creator="",
        subject="",
        lang=hand.sheet.language,
        invariant=1,
        initialFontName=hand.face.regular,
    )
    document.addPageTemplates(PageTemplate("page", [frame], onPage=begin, onPageEnd=end))
    document.build(story)
    return buffer.getvalue(), document.page


def _story(hand: _Hand, blocks: Sequence[Block], letterhead: Sequence[str], look: Look) -> list[Flowable]:
    story = list(_letterhead(hand, letterhead, look))
    for block in blocks:
        story += _DRAWERS[type(block)](hand, block)
    return story


def _letterhead(hand: _Hand, lines: Sequence[str], look: Look) -> Iterator[Flowable]:
    first, *others = lines or ("",)
    cell = [hand.text(first, hand.style(11, bold=True)), *(hand.text(line, hand.style(8, colour=_QUIET)) for line in others)]
    logo = _logo(look)
    widths = (_WIDTH - 55 * mm, 55 * mm)
    yield hand.grid([[cell, logo or []]], widths, [*_BARE, ("VALIGN", (0, 0), (-1, -1), "TOP"), ("ALIGN", (1, 0), (1, 0), "RIGHT")])
    yield Spacer(0, 11 * mm)


def _logo(look: Look) -> Image | None:
    if look.logo is None:
        return None
    try:
        width, height = ImageReader(str(look.logo)).getSize()
    except OSError:
        raise InputWrong(f"{look.logo} is not an image that can be drawn", code="look.logo", hint="use PNG or JPEG") from None
    scale = min(50 * mm / width, 16 * mm / height)
    return Image(str(look.logo), width * scale, height * scale, hAlign="RIGHT", mask=None)


def _title(hand: _Hand, block: Title) -> Iterator[Flowable]:
    size = hand.sheet.heading / hand.sheet.scale
    yield hand.text(block.text, hand.style(size, lead=1.2, colour=hand.accent, bold=True, after=2.5 * mm))
    yield hand.text(block.subtitle, hand.style(9.5, colour=_QUIET, after=5 * mm))


def _summary(hand: _Hand, block: Summary) -> Iterator[Flowable]:
    colour = _CLEAN if block.is_clean else _MIXED
    texts = [
        hand.text(block.verdict, hand.style(13, colour=colour, bold=True, after=2)),
        *(hand.text(sentence, hand.style(9, after=1.5)) for sentence in block.sentences),
    ]
    if max(map(len, (block.verdict, *block.sentences))) > _LONGEST_ROW:
        yield from texts
        return
    style = [
        ("BACKGROUND", (0, 0), (-1, -1), _tint(colour)),
        ("LINEBEFORE", (0, 0), (0, -1), 3, colour),
        *(("LEFTPADDING", (0, 0), (-1, -1), 12), ("RIGHTPADDING", (0, 0), (-1, -1), 12)),
        *(("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)),
        *(("TOPPADDING", (0, 0), (-1, 0), 9), ("BOTTOMPADDING", (0, -1), (-1, -1), 10)),
    ]
    yield hand.grid([[text] for text in texts], (_WIDTH,), style)
    yield Spacer(0, 2 * mm)


def _heading(hand: _Hand, block: Heading) -> Iterator[Flowable]:
    """A heading asks for room below it, so that it never stands alone at the foot of a page."""
    if block.rank == 1:
        yield CondPageBreak((18 + block.room) * mm)
        yield Spacer(0, 6 * mm)
        yield hand.text(block.text, hand.style(12.5, colour=hand.accent, bold=True, after=1.2 * mm))
        yield HRFlowable("100%", 0.8, color=hand.accent, spaceBefore=0, spaceAfter=2 * mm)
    elif block.rank == 2:
        yield CondPageBreak((28 + block.room) * mm)
        yield Spacer(0, 3.5 * mm)
        yield hand.text(block.text, hand.style(10.5, bold=True))
        yield hand.text(block.aside, hand.style(8, colour=_QUIET, after=1.2 * mm))
    else:
        yield CondPageBreak((4 + block.room) * mm)
        yield Spacer(0, 2.5 * mm)
        yield hand.text(block.text, hand.style(8.6, bold=True, after=1 * mm))


def _paragraph(hand: _Hand, block: Paragraph) -> Iterator[Flowable]:
    yield Spacer(0, 1.6 * mm)
    yield hand.text(block.text, hand.style(8.2, colour=_QUIET, after=4) if block.is_quiet else hand.style(8.8, after=3))


def _points(hand: _Hand, block: Points) -> Iterator[Flowable]:
    """The dash is drawn as a line, not as text: a point's text is the statement's and nothing else."""
    for text in block.texts:
        style = hand.style(8.8, after=2.6)
        style.leftIndent = 4 * mm
        yield _Dash(hand.accent)
        yield hand.text(text, style)


def _facts(hand: _Hand, block: Facts) -> Iterator[Flowable]:
    label_style, value_style = hand.style(8.2, colour=_QUIET), hand.style(8.6)
    for label, value in block.rows:
        texts = hand.text(label, label_style), hand.text(value, value_style)
        if max(len(label), len(value)) > _LONGEST_ROW:
            yield from texts
        else:
            yield hand.grid([texts], (_LABEL_WIDTH, _WIDTH - _LABEL_WIDTH), [*_BARE, ("VALIGN", (0, 0), (-1, -1), "TOP"), *_TIGHT])


def _table(hand: _Hand, block: Table) -> Iterator[Flowable]:
    numeric = tuple(all(re.fullmatch(r"\d+|–", row[column]) for row in block.rows) for column in range(len(block.head)))
    heads = [hand.text(text, hand.style(7.2, colour=_QUIET, bold=True, right=is_number)) for text, is_number in zip(block.head, numeric, strict=True)]
    rows = [
        [hand.text(text, hand.style(7.9, lead=1.35, right=is_number)) for text, is_number in zip(row, numeric, strict=True)] for row in block.rows
    ]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("BACKGROUND", (0, 0), (-1, 0), _tint(hand.accent)),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, hand.accent),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, _HAIR),
        *(("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4)),
        *(("TOPPADDING", (0, 0), (-1, -1), 2.2), ("BOTTOMPADDING", (0, 0), (-1, -1), 3)),
    ]
    yield hand.grid([heads, *rows], _column_widths(hand, block), style, repeated=1)


def _column_widths(hand: _Hand, block: Table) -> list[float]:
    """Columns that need little get what they need; the rest share what is left as they would like, but cut no word that has room."""
    head, body = hand.style(7.2, bold=True), hand.style(7.9)
    wishes = [
        9 + max(hand.width(name, head), *(min(hand.width(row[column], body), 0.6 * _WIDTH) for row in block.rows))
        for column, name in enumerate(block.head)
    ]
    words = [9 + max(hand.width(word, body) for row in block.rows for word in row[column].split() or [""]) for column in range(len(wishes))]
    fair = _WIDTH / len(wishes)
    fixed = {column: wish for column, wish in enumerate(wishes) if wish <= fair}
    if len(fixed) == len(wishes):
        return [wish * _WIDTH / sum(wishes) for wish in wishes]
    while True:
        left, large = _WIDTH - sum(fixed.values()), sum(wish for column, wish in enumerate(wishes) if column not in fixed)
        widths = [fixed.get(column, wish * left / large) for column, wish in enumerate(wishes)]
        cut = [column for column in range(len(wishes)) if column not in fixed and widths[column] < words[column] <= 1.5 * fair]
        if not cut or len(fixed) + len(cut) >= len(wishes):
            return widths
        fixed |= {column: words[column] for column in cut}


class _Dash(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """The mark of a point; takes no room of its own."""

    def __init__(self, colour: Color) -> None:
        super().__init__()
        self._colour = colour

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        return width, 0

    def draw(self) -> None:
        self.canv.setFillColor(self._colour)
        self.canv.rect(0.5 * mm, -7.4, 1.8 * mm, 0.9, stroke=0, fill=1)


def _tint(colour: Color) -> Color:
    """A tenth of the colour on white."""
    return Color(*(0.08 * part + 0.92 * full for part, full in zip(colour.rgb(), white.rgb(), strict=True)))


_BARE = [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]
_TIGHT = [("TOPPADDING", (0, 0), (-1, -1), 0.9), ("BOTTOMPADDING", (0, 0), (-1, -1), 0.9)]
_DRAWERS: dict[type, Callable[..., Iterator[Flowable]]] = {
    Title: _title,
    Summary: _summary,
    Heading: _heading,
    Paragraph: _paragraph,
    Points: _points,
    Facts: _facts,
    Table: _table,
}
