"""PDF beside the places of a text: fonts, older revisions, what nothing leads to, parts that are dropped, and what is refused."""

import io
from collections.abc import Callable

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Locator, Record, Unit
from tests.content.pdfs import (
    BOB,
    annotated,
    appended,
    attached,
    changed,
    form,
    letter,
    needs_poppler,
    one_page,
    picture,
    poppler_files,
    poppler_text,
    stream,
    unpacked,
    written,
)
from tests.content.people import EMAIL, JANE, STRANGERS
from tests.content.plain_words import WordGate, gaps, opener, read, rewritten, texts

_JANE = "jane.doe@example.com"
_GATE = Reading("files", WordGate(_JANE))


def _places(data: bytes, *words: str) -> list[str]:
    found = read(data, Reading("files", WordGate(*words or (_JANE,))))
    return [got.place for got in found if isinstance(got, Unit)]


def _redacted(data: bytes, *words: str) -> bytes:
    words = words or (_JANE,)
    return rewritten(data, [Edit(place, RedactSpans()) for place in _places(data, *words)], *words)


@needs_poppler
@pytest.mark.parametrize("font", ["Helvetica", "Embedded", "HeiseiMin-W3"])
def test_letters_beside_the_person_stay_where_they_are(font: str) -> None:
    before = letter(f"Dear {_JANE}, thank you!\n{BOB}", BOB, font=font)
    after = _redacted(before)
    assert poppler_text(after) == poppler_text(before).replace(_JANE, "")
    assert poppler_text(after, layout=True).index("thank") > 25
    assert picture(after, 2) == picture(before, 2)


@needs_poppler
def test_ligatures_and_letters_of_other_scripts_are_read_through_the_map_of_the_font() -> None:
    before = letter("Łukasz Żółć, Ελλάδα, Москва", font="Embedded")
    assert texts(before)["page:1/text"] == "Łukasz Żółć, Ελλάδα, Москва"
    assert poppler_text(_redacted(before, "Żółć")).strip() == "Łukasz , Ελλάδα, Москва"


def test_a_font_with_a_name_in_an_old_charset_is_a_font() -> None:
    font = b"<< /Type /Font /Subtype /TrueType /BaseFont /#CB#CE#CC#E5 /Encoding /WinAnsiEncoding /Note (" + _JANE.encode() + b") >>"
    before = written(one_page(form(_JANE), {5: font}))
    assert read(before, _GATE) == [got for got in read(before, _GATE) if isinstance(got, Unit)]
    assert _places(before) == ["page:1/text", "object:5/key:2"]
    assert not _places(_redacted(before))


def test_a_font_whose_key_is_in_an_old_charset_is_found_by_it() -> None:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [1 /j /a /n /e] >> >>"
    objects = one_page(b"BT /#CB#CE 12 Tf 9 9 Td (\x01\x02\x03\x04) Tj ET", {6: font})
    objects[3] = objects[3].replace(b"/F9 5 0 R", b"/F9 5 0 R /#CB#CE 6 0 R")
    assert texts(written(objects))["page:1/text"] == "jane"


def test_a_font_that_does_not_tell_its_letters_is_a_gap() -> None:
    font = (
        b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts ["
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>"
    )
    before = written(one_page(b"BT /F9 12 Tf 9 9 Td <00010002> Tj ET", {5: font}))
    assert gaps(before, _GATE) == ["pdf.no_letters"]


def test_a_page_that_is_a_picture_is_a_gap() -> None:
    image = stream(b"\x00" * 4, b"/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray ")
    before = written(one_page(b"q 100 0 0 100 0 0 cm /I Do Q", {6: image, 3: _with_picture()}))
    assert gaps(before) == ["pdf.image_only"]


def _with_picture() -> bytes:
    return b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F9 5 0 R >> /XObject << /I 6 0 R >> >> >>"


def test_letters_behind_a_scan_are_found_and_not_taken_for_the_scan() -> None:
    image = stream(b"\x00" * 4, b"/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray ")
    content = b"q 100 0 0 100 0 0 cm /I Do Q BT 3 Tr /F9 12 Tf 9 9 Td (" + _JANE.encode() + b") Tj ET"
    before = written(one_page(content, {6: image, 3: _with_picture()}))
    with pytest.raises(NotSupported, match="picture"):
        _redacted(before)


# ---- what is in the file and not in the document


@needs_poppler
def test_older_revisions_are_read_and_do_not_survive() -> None:
    first = written(one_page(form(f"mail {_JANE}"), {6: b"<< /Author (Bob) >>"}), b"/Info 6 0 R ")
    second = appended(first, {4: stream(form("mail nobody"), packed=True)}, b"/Info 6 0 R ")
    third = appended(second, {6: b"<< /Author (Rob) >>"}, b"/Info 6 0 R ")
    assert _places(third) == ["revision:1/page:1/text"]
    after = _redacted(third)
    assert poppler_text(after).strip() == "mail nobody"
    assert _places(after) == []
    assert b"jane" not in unpacked(after)
    assert after.count(b"%%EOF") == 1


def test_what_all_revisions_have_is_told_once() -> None:
    first = written(one_page(form(f"mail {_JANE}"), {6: b"<< /Author (Bob) >>"}), b"/Info 6 0 R ")
    second = appended(first, {6: b"<< /Author (Rob) >>"}, b"/Info 6 0 R ")
    assert _places(second) == ["page:1/text"]
    assert _places(second, "Bob") == ["revision:1/object:6/Author"]


def test_what_nothing_leads_to_is_found_and_left_out() -> None:
    lone = {6: f"<< /Note ({_JANE}) >>".encode(), 7: stream(f"a {_JANE}".encode(), packed=True)}
    before = written(one_page(form(BOB), lone))
    assert _places(before) == ["orphan:6/key:0", "orphan:7/line:1"]
    after = _redacted(before)
    assert b"jane" not in unpacked(after)
    assert texts(after)["page:1/text"] == BOB


def test_a_page_that_was_taken_out_of_the_tree_is_read_with_its_own_fonts() -> None:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Differences [1 /j /a /n /e] >> >>"
    lone = b"<< /Type /Page /MediaBox [0 0 9 9] /Contents 7 0 R /Resources << /Font << /F9 8 0 R >> >> >>"
    before = written(one_page(form(BOB), {6: lone, 7: stream(b"BT /F9 9 Tf (\x01\x02\x03\x04) Tj ET", packed=True), 8: font}))
    assert _places(before, "jane") == ["orphan:7/text"]
    assert len(_redacted(before, "jane")) < len(before)


@pytest.mark.parametrize(
    "hide",
    [
        lambda data: data + f"\nsaid {_JANE}\n".encode(),
        lambda data: data.replace(b"2 0 obj", f"% {_JANE}\n2 0 obj".encode()),
        lambda data: f"{_JANE}\n".encode() + data,
    ],
    ids=["behind the end", "in a comment", "before the start"],
)
def test_bytes_that_belong_to_no_object_are_found_and_left_out(hide: Callable[[bytes], bytes]) -> None:
    before = hide(written(one_page(form(BOB))))
    assert [place.partition(":")[0] for place in _places(before)] == ["bytes"]
    after = _redacted(before)
    assert _places(after) == []
    assert texts(after)["page:1/text"] == BOB


def test_objects_that_were_struck_out_of_the_tables_are_found_packed_as_they_are() -> None:
    lone = b"[]\nendobj\n99 0 obj\n" + stream(f"a {_JANE}".encode(), packed=True)
    before = written(one_page(form(BOB), {6: lone}))
    assert [place.partition(":")[0] for place in _places(before)] == ["bytes"]
    assert b"jane" not in unpacked(_redacted(before))


# ---- parts and values


@needs_poppler
def test_a_row_of_an_attached_table_is_dropped_and_the_other_attachment_stays() -> None:
    before = changed(letter(BOB), attached("a.csv", f"id,mail\n1,{_JANE}\n2,bob\n".encode()), attached("b.bin", bytes(range(256))))
    (place,) = [place for place in _places(before) if place.endswith("/mail")]
    after = rewritten(before, [Edit(place.rpartition("/")[0], DropPart())])
    assert poppler_files(after) == {"a.csv": b"id,mail\n2,bob\n", "b.bin": bytes(range(256))}


@needs_poppler
def test_an_attachment_is_dropped_with_its_name_and_its_annotation() -> None:
    def pinned(pdf: pikepdf.Pdf) -> None:
        file = pdf.make_stream(f"about {_JANE}".encode(), Type=Name.EmbeddedFile)
        specification = pdf.make_indirect(Dictionary(Type=Name.Filespec, F=String("jane.txt"), EF=Dictionary(F=file)))
        pdf.Root["/Names"] = Dictionary(EmbeddedFiles=Dictionary(Names=Array([String("jane.txt"), specification])))
        annotated(Subtype=Name.FileAttachment, FS=specification)(pdf)
        annotated(Contents=String("stays"))(pdf)

    before = changed(letter(BOB), pinned)
    (unit,) = [got for got in read(before, _GATE) if isinstance(got, Unit)]
    assert unit.inside.startswith("file:")
    after = rewritten(before, [Edit(unit.inside, DropPart())])
    assert poppler_files(after) == {}
    assert b"jane" not in unpacked(after)
    assert "stays" in texts(after).values()
    assert poppler_text(after) == poppler_text(before)


@pytest.mark.parametrize(("key", "is_drawn"), [("V", True), ("TU", False)])
def test_a_form_value_is_set_and_what_was_drawn_from_it_goes(key: str, is_drawn: bool) -> None:
    def field(pdf: pikepdf.Pdf) -> None:
        look = pdf.make_stream(b"BT (J) Tj (a) Tj ET", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
        entries = {"FT": Name.Tx, "T": String("name"), key: String(_JANE), "AP": Dictionary(N=look), "Subtype": Name.Widget}
        annotated(**entries)(pdf)
        pdf.Root["/AcroForm"] = Dictionary(Fields=pdf.pages[0].Annots)

    before = changed(letter(BOB), field)
    (place,) = _places(before)
    after = rewritten(before, [Edit(place, SetValue(Method(MethodName.TEXT, "someone"), "user.contact.email"))])
    assert "someone" in texts(after).values()
    assert bool([found for found in texts(after) if found.startswith("content")]) is not is_drawn


def test_a_name_cannot_be_rewritten_and_is_told() -> None:
    before = changed(letter(BOB), lambda pdf: pdf.Root.__setitem__("/Dests", Dictionary({"/" + _JANE: Array([])})))
    (unit,) = [got for got in read(before, _GATE) if isinstance(got, Unit)]
    assert unit.place.endswith("/names")
    assert unit.is_opaque


@pytest.mark.parametrize("word", ["Title", "Author"])
def test_a_key_of_the_format_that_is_called_like_the_person_is_told_and_cannot_be_rewritten(word: str) -> None:
    struck = written(one_page(form("tea"))) + f"\n9 0 obj << /{word} (of nobody) >> endobj\n".encode()
    found = [got for got in read(struck, Reading("files", WordGate(word))) if isinstance(got, Unit)]
    assert found
    assert all(unit.is_opaque and unit.place.endswith("/names") for unit in found)
    beside = read(struck + f"% {word} was here\n".encode(), Reading("files", WordGate(word)))
    assert any(not unit.is_opaque and f"{word} was here" in unit.text for unit in beside if isinstance(unit, Unit))


# ---- what is refused


@pytest.mark.parametrize(("other", "is_refused"), [(f"2 {_JANE}", False), (_JANE, True)])
def test_fields_that_would_become_one_by_their_name_are_refused(other: str, is_refused: bool) -> None:
    def fields(pdf: pikepdf.Pdf) -> None:
        for name in (_JANE, other.upper() if is_refused else other):
            annotated(FT=Name.Tx, T=String(name), V=String("tea"), Subtype=Name.Widget)(pdf)
        pdf.Root["/AcroForm"] = Dictionary(Fields=pdf.pages[0].Annots)

    before = changed(letter(BOB), fields)
    words = (_JANE, _JANE.upper())
    if is_refused:
        with pytest.raises(NotSupported, match="called alike"):
            _redacted(before, *words)
    else:
        assert not _places(_redacted(before, *words), *words)


def test_a_signed_file_is_refused() -> None:
    signature = {6: b"<< /Type /Sig /Filter /Adobe.PPKLite /Reason (mail) /Name (Bob) /ByteRange [0 1 2 3] /Contents <00> >>"}
    before = written(one_page(form(_JANE), signature, catalog=b"/AcroForm << /SigFlags 3 /Fields [<< /FT /Sig /T (s) /V 6 0 R >>] >> "))
    with pytest.raises(NotSupported, match="signed"):
        _redacted(before)


@pytest.mark.parametrize("password", ["", "secret"])
def test_encrypted_files_are_read_where_no_password_is_needed_and_never_written(password: str) -> None:
    sink = io.BytesIO()
    with pikepdf.open(io.BytesIO(letter(_JANE))) as pdf:
        pdf.save(sink, encryption=pikepdf.Encryption(owner="owner", user=password))
    before = sink.getvalue()
    assert gaps(before, _GATE) == (["pdf.encrypted"] if password else [])
    if not password:
        assert _places(before) == ["page:1/text"]
        with pytest.raises(NotSupported, match="encrypted"):
            _redacted(before)


@pytest.mark.parametrize(
    "edit", [Edit("page:1", DropPart()), Edit("page:7/text", RedactSpans()), Edit("page:1/text", SetValue(Method(MethodName.TEXT, "x"), ""))]
)
def test_what_cannot_be_done_is_refused(edit: Edit) -> None:
    with pytest.raises(NotSupported):
        rewritten(letter(_JANE), [edit], _JANE)


def test_without_edits_the_file_is_copied() -> None:
    before = letter(_JANE) + b"tail"
    assert rewritten(before, []) == before


# ---- with the matcher that decides in earnest

_MATCHER = Matcher({"case": JANE})
_REWRITER = CaseRewriter(_MATCHER, "case", b"k" * 32)
_WORDS = st.lists(st.sampled_from((EMAIL, EMAIL.upper(), "+49 170 1234567", "CUST-8842107", "and", "Bob", "(1)", *STRANGERS)), min_size=1, max_size=3)


@needs_poppler
@given(st.lists(_WORDS, min_size=1, max_size=4), st.sampled_from(("Helvetica", "Embedded")), st.data())
@settings(deadline=None, max_examples=15)
def test_the_person_goes_and_strangers_stay(lines: list[list[str]], font: str, data: st.DataObject) -> None:
    page = "\n".join(" ; ".join(line) for line in lines)
    before = letter(page, BOB, font=font)
    after = _redacted_by_all(before)
    expected = poppler_text(before)
    for start, end in reversed(_REWRITER.spans(expected)):
        expected = expected[:start] + expected[end:]
    assert _squashed(poppler_text(after)) == _squashed(expected)


@needs_poppler
def test_words_at_the_ends_of_lines_that_were_cut_are_no_name() -> None:
    strangers = "Jane Doe-Smith ; Mary-Jane Doe"
    assert _squashed(strangers) in _squashed(poppler_text(_redacted_by_all(letter(f"{EMAIL} ; {EMAIL}\n{strangers}\n{EMAIL} ; {EMAIL}", BOB))))


def _redacted_by_all(before: bytes) -> bytes:
    """The file without the person, as the matcher finds them."""
    units = tuple(got for got in read_file(opener(before), Reading("files", _MATCHER.gate)) if isinstance(got, Unit))
    findings = _MATCHER.findings(Record(Locator("s", "files", ("a",)), units, "x"))
    hits = {hit.place for finding in findings for hit in finding.hits if hit.is_rewritable}
    sink = io.BytesIO()
    rewrite_file(opener(before), sink, [Edit(place, RedactSpans()) for place in sorted(hits)], _REWRITER, Reading("files", None))
    return sink.getvalue()


def _squashed(text: str) -> str:
    return "".join(text.split())
