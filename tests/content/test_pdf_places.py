"""A person is hidden in every place of a PDF that can hold a text: found there, and gone after the rewrite by what four programs say of it."""

from collections.abc import Callable

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from dsr_engine.content.format import Reading
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.pdfs import (
    BOB,
    annotated,
    attached,
    changed,
    drawn,
    form,
    form_dictionary,
    letter,
    needs_poppler,
    picture,
    poppler_about,
    poppler_files,
    poppler_text,
    unpacked,
)
from tests.content.plain_words import WordGate, read, rewritten

Change = Callable[[pikepdf.Pdf], object]
JANE = "jane.doe@example.com"
_BASE = letter(BOB, BOB, "untouched")


def _catalog(**entries: pikepdf.Object) -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        for key, value in entries.items():
            pdf.Root[f"/{key}"] = value

    return change


def _info(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Author"] = JANE


def _unknown_info(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Kunde"] = JANE


def _wide_info(pdf: pikepdf.Pdf) -> None:
    pdf.docinfo["/Title"] = String(b"\xfe\xff" + f"über {JANE}".encode("utf-16-be"))


def _xmp(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        metadata["dc:creator"] = [JANE]


def _page_xmp(pdf: pikepdf.Pdf) -> None:
    xml = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a b='{JANE}'/></x:xmpmeta>".encode()
    pdf.pages[0]["/Metadata"] = pdf.make_stream(xml, Type=Name.Metadata, Subtype=Name.XML)


def _outline(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem(f"about {JANE}", 0))


def _field(pdf: pikepdf.Pdf) -> None:
    look = pdf.make_stream(b"/Tx BMC BT /F9 12 Tf 2 2 Td (" + JANE.encode() + b") Tj ET EMC", **form_dictionary(Resources=_fonts(pdf)))
    field = pdf.make_indirect(
        Dictionary(
            FT=Name.Tx,
            T=String("mail"),
            V=String(JANE),
            DV=String(JANE),
            Type=Name.Annot,
            Subtype=Name.Widget,
            Rect=Array([90, 90, 400, 120]),
            AP=Dictionary(N=look),
            DA=String("/F9 12 Tf"),
        )
    )
    pdf.pages[0]["/Annots"] = Array([field])
    pdf.Root["/AcroForm"] = Dictionary(Fields=Array([field]), DR=_fonts(pdf))


def _choice(pdf: pikepdf.Pdf) -> None:
    field = pdf.make_indirect(Dictionary(FT=Name.Ch, T=String("who"), Opt=Array([Array([String("1"), String(JANE)]), String(BOB)])))
    pdf.Root["/AcroForm"] = Dictionary(Fields=Array([field]))


def _xfa(pdf: pikepdf.Pdf) -> None:
    data = pdf.make_stream(f"<xfa:datasets xmlns:xfa='x'><mail>{JANE}</mail><other>{BOB}</other></xfa:datasets>".encode())
    pdf.Root["/AcroForm"] = Dictionary(Fields=Array([]), XFA=Array([String("datasets"), data]))


def _fonts(pdf: pikepdf.Pdf) -> Dictionary:
    return Dictionary(Font=Dictionary(F9=pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))))


def _shared_form(pdf: pikepdf.Pdf) -> None:
    shared = pdf.make_stream(form(JANE), **form_dictionary(Resources=_fonts(pdf)))
    for number in (1, 2):
        drawn(b"q 1 0 0 1 50 300 cm /X9 Do Q", page=number, XObject=Dictionary(X9=shared))(pdf)


def _pattern(pdf: pikepdf.Pdf) -> None:
    cell = pdf.make_stream(
        form(JANE),
        Type=Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=Array([0, 0, 200, 20]), XStep=200, YStep=20, Resources=_fonts(pdf),
    )  # fmt: skip
    drawn(b"/Pattern cs /P9 scn 50 50 300 40 re f", Pattern=Dictionary(P9=cell))(pdf)


def _layer(pdf: pikepdf.Pdf) -> None:
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(f"layer of {JANE}")))
    pdf.Root["/OCProperties"] = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
    drawn(b"/OC /O9 BDC " + form(JANE) + b" EMC", Properties=Dictionary(O9=layer))(pdf)


def _structure(pdf: pikepdf.Pdf) -> None:
    element = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Figure, Alt=String(JANE), ActualText=String(f"it is {JANE}")))
    pdf.Root["/StructTreeRoot"] = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot, K=Array([element])))


def _attached_annotation(pdf: pikepdf.Pdf) -> None:
    file = pdf.make_stream(f"id,mail\n1,{JANE}\n2,bob\n".encode(), Type=Name.EmbeddedFile)
    specification = pdf.make_indirect(Dictionary(Type=Name.Filespec, F=String("list.csv"), UF=String("list.csv"), EF=Dictionary(F=file)))
    annotated(Subtype=Name.FileAttachment, FS=specification, Contents=String("a list"))(pdf)


def _thread(pdf: pikepdf.Pdf) -> None:
    pdf.Root["/Threads"] = Array([pdf.make_indirect(Dictionary(Type=Name.Thread, I=Dictionary(Author=String(JANE))))])


def _private_data(pdf: pikepdf.Pdf) -> None:
    data = pdf.make_stream(f"saved by {JANE}\n".encode())
    pdf.pages[0]["/PieceInfo"] = Dictionary(Maker=Dictionary(LastModified=String("D:2020"), Private=data))


def _two_streams(pdf: pikepdf.Pdf) -> None:
    """A text that begins in one content stream of the page and ends in the next."""
    drawn(b"BT /F9 12 Tf 72 400 Td (jane.doe@)")(pdf)
    first = pdf.pages[0].Contents
    pdf.pages[0].Contents = Array([*first, pdf.make_stream(b"Tj (example.com) Tj ET")])


_SPLIT = b"BT /F9 12 Tf 72 300 Td [(ja) -15 (ne.d) 20 (oe@)] TJ (exa) Tj 0 Tc (mple.com) Tj ET"
_SET = b"BT /F9 12 Tf 1 0 0 1 72 300 Tm (jane.doe@) Tj 1 0 0 1 127.36 300 Tm (example.com) Tj ET"
_BACKWARDS = b"BT /F9 12 Tf 1 0 0 1 127.36 300 Tm (example.com) Tj 1 0 0 1 72 300 Tm (jane.doe@) Tj ET"
_WRAPPED = b"BT /F9 12 Tf 14 TL 72 300 Td (jane.doe@exam) Tj T* (ple.com) Tj ET"
_ESCAPED = rb"BT /F9 12 Tf 72 300 Td (jane\056doe\100example.c\157m) Tj <626f62> Tj ET"
PLACES: dict[str, Change] = {
    "a line": drawn(form(JANE)),
    "split by kerning": drawn(_SPLIT),
    "split by matrices": drawn(_SET),
    "drawn out of order": drawn(_BACKWARDS),
    "wrapped": drawn(_WRAPPED),
    "escaped": drawn(_ESCAPED),
    "next-line operators": drawn(b"BT /F9 12 Tf 14 TL 72 300 Td (a) Tj (" + JANE.encode() + b") ' 2 1 (to " + JANE.encode() + b') " (z) Tj ET'),
    "invisible": drawn(b"BT 3 Tr /F9 12 Tf 72 300 Td (" + JANE.encode() + b") Tj ET"),
    "white": drawn(b"1 g BT /F9 12 Tf 72 300 Td (" + JANE.encode() + b") Tj ET"),
    "clipped": drawn(b"q 0 0 1 1 re W n " + form(JANE) + b" Q"),
    "off the page": drawn(b"BT /F9 12 Tf -900 -900 Td (" + JANE.encode() + b") Tj ET"),
    "turned": drawn(b"BT /F9 12 Tf 0 1 -1 0 300 300 Tm (" + JANE.encode() + b") Tj ET"),
    "two content streams": _two_streams,
    "a form that pages share": _shared_form,
    "a pattern": _pattern,
    "a layer that is off": _layer,
    "actual text": drawn(b"/Span <</ActualText (" + JANE.encode() + b")>> BDC BT /F9 12 Tf 72 300 Td (J. D.) Tj ET EMC"),
    "the structure tree": _structure,
    "a note": annotated(Contents=String(f"ask {JANE}"), T=String(JANE), RC=String(f"<p>ask {JANE}</p>")),
    "a link": annotated(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String(f"mailto:{JANE}"))),
    "a form field": _field,
    "a choice": _choice,
    "XFA": _xfa,
    "the author": _info,
    "a key of its own": _unknown_info,
    "UTF-16": _wide_info,
    "XMP": _xmp,
    "XMP of a page": _page_xmp,
    "a bookmark": _outline,
    "a named destination": _catalog(Names=Dictionary(Dests=Dictionary(Names=Array([String(JANE), Array([])])))),
    "page labels": _catalog(PageLabels=Dictionary(Nums=Array([0, Dictionary(P=String(JANE))]))),
    "a script": _catalog(OpenAction=Dictionary(S=Name.JavaScript, JS=String(f"app.alert('{JANE}')"))),
    "an attachment": attached("list.csv", f"id,mail\n1,{JANE}\n2,bob\n".encode()),
    "an attachment's name": attached(f"{JANE}.txt", b"nothing"),
    "a file in an annotation": _attached_annotation,
    "a thread": _thread,
    "data of a program": _private_data,
}


def places(data: bytes) -> list[str]:
    found = [got for got in read(data, Reading("files", WordGate(JANE))) if isinstance(got, Unit)]
    assert not any(unit.is_opaque for unit in found)
    return [unit.place for unit in found]


@needs_poppler
@pytest.mark.parametrize("where", PLACES)
def test_a_person_is_found_wherever_a_text_can_be_and_gone_afterwards_and_nothing_else_is(where: str) -> None:
    before = changed(_BASE, PLACES[where])
    found = places(before)
    assert found
    assert not any(JANE in place for place in found)
    after = rewritten(before, [Edit(place, RedactSpans()) for place in found], JANE)
    assert after == rewritten(before, [Edit(place, RedactSpans()) for place in found], JANE)
    assert not places(after)
    said = poppler_text(after) + poppler_text(after, layout=True) + poppler_about(after) + str(poppler_files(after))
    assert "jane" not in said
    assert b"jane" not in unpacked(after).lower()
    assert (poppler_text(after) + poppler_about(after) + str(poppler_files(after))).count("4711") == poppler_text(before).count("4711")
    assert picture(after, 3) == picture(before, 3)
    assert poppler_text(after).split("\f")[2] == "untouched\n"
