"""A person's identifiers are split over the elements, references and corrections of a document at random; they are found, and gone after the rewrite.

What checks the result knows nothing of this engine: `zipfile` with `ElementTree`, `html.parser`, and for RTF a few lines of their own.
"""

import io
import re
import zipfile
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.finding import Hit
from dsr_engine.domain.plan import Edit, RedactSpans
from dsr_engine.domain.record import Gap, Locator, Record, Unit
from tests.content.document_samples import docx, epub, odt, pptx
from tests.content.people import EMAIL, JANE, STRANGERS
from tests.content.plain_words import opener

_MATCHER = Matcher({"case": JANE})
_REWRITER = CaseRewriter(_MATCHER, "case", b"k" * 32)
_PLAIN = (EMAIL, "+49 170 1234567", "DE89 3704 0044 0532 0130 00", "CUST-8842107")
#: What is copied as it is, whatever is in the other members.
_OTHER = ("other.csv", b"id,mail\n7,bob@x.org\n")

Pieces = list[str]


@st.composite
def split(draw: st.DrawFn) -> Pieces:
    """A text that holds the person, cut into pieces."""
    text = (
        f"{draw(st.sampled_from(('', 'grüße & so ', 'a < b ')))}{draw(st.sampled_from(_PLAIN))}{draw(st.sampled_from(('', ' ok', ', see <above>')))}"
    )
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=5)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _xml(text: str, number: int) -> str:
    """Characters as markup writes them: some as references."""
    plain = escape(text, quote=False)
    return plain if number % 3 else "".join(f"&#x{ord(character):x};" for character in text)


def _word_run(text: str, number: int) -> str:
    return f'<w:r><w:rPr><w:b w:val="{number}"/></w:rPr><w:t xml:space="preserve">{_xml(text, number)}</w:t></w:r>'


def _word(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    return "a.docx", docx("\n  ".join(f"<w:p>{''.join(_word_run(text, n) for n, text in enumerate(pieces))}</w:p>" for pieces in paragraphs), _OTHER)


def _corrected(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    """Each piece behind the first is an insertion, with something deleted before it."""
    bodies = (
        _word_run(pieces[0], 1)
        + "".join(
            f'<w:del w:id="1"><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins w:id="2">{_word_run(text, n)}</w:ins>'
            for n, text in enumerate(pieces[1:])
        )
        for pieces in paragraphs
    )
    return "b.docx", docx("".join(f"<w:p>{body}</w:p>" for body in bodies), _OTHER)


def _slide(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    runs = ("".join(f"<a:r>\n<a:rPr/><a:t>{_xml(text, n)}</a:t></a:r>" for n, text in enumerate(pieces)) for pieces in paragraphs)
    return "c.pptx", pptx("".join(f"<p:sp><p:txBody><a:p>{run}</a:p></p:txBody></p:sp>" for run in runs), _OTHER)


def _open_text(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    spans = ("".join(f'<text:span text:style-name="T{n}">{_xml(text, n)}</text:span>' for n, text in enumerate(pieces)) for pieces in paragraphs)
    return "d.odt", odt("".join(f"<text:p>{span}</text:p>" for span in spans), _OTHER)


def _book(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    return "e.epub", epub("".join(f"<p>{_inline(pieces)}</p>\n" for pieces in paragraphs), _OTHER)


def _page(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    return "f.html", f"<!DOCTYPE html><meta charset=utf-8><body>{''.join(f'<p>{_inline(pieces)}' for pieces in paragraphs)}".encode()


def _inline(pieces: Pieces) -> str:
    return "".join(f"<b title='{n}'>{_xml(text, n)}</b>" for n, text in enumerate(pieces))


def _data(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    notes = "".join(f"<note n='{n}'>. {_inline(pieces)} .</note>" for n, pieces in enumerate(paragraphs))
    return "g.xml", f'<?xml version="1.0" encoding="utf-16"?><notes>{notes}</notes>'.encode("utf-16")


def _rich(paragraphs: list[Pieces]) -> tuple[str, bytes]:
    body = "\\par ".join(_rich_runs(pieces) for pieces in paragraphs)
    return "h.rtf", ("{\\rtf1\\ansi " + body + "}").encode("ascii")


def _rich_runs(pieces: Pieces) -> str:
    return "".join(f"{{\\b{n} {_rich_text(text, n)}}}" for n, text in enumerate(pieces))


def _rich_text(text: str, number: int) -> str:
    said = (f"\\u{ord(c)}?" if number % 3 == 0 else f"\\'{c.encode('cp1252').hex()}" if not c.isascii() or number % 3 == 1 else c for c in text)
    return "".join(said)


def _seen(name: str, data: bytes) -> str:
    """What another reader sees."""
    if name.endswith((".docx", ".pptx", ".odt", ".epub")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            texts = [archive.read(info) for info in archive.infolist() if info.filename.endswith((".xml", ".xhtml", ".opf"))]
        return "|".join("".join(ElementTree.fromstring(text).itertext()) for text in texts)
    if name.endswith(".xml"):
        return "".join(ElementTree.fromstring(data).itertext())
    if name.endswith(".html"):
        return _Letters.of(data.decode())
    text = re.sub(r"\\u(-?\d+)\?", lambda found: chr(int(found[1])), data.decode("ascii"))
    text = re.sub(r"\\'([0-9a-f]{2})", lambda found: bytes.fromhex(found[1]).decode("cp1252"), text)
    return re.sub(r"\\[a-z]+-?\d* ?|[{}]", "", text)


class _Letters(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @classmethod
    def of(cls, text: str) -> str:
        parser = cls()
        parser.feed(text)
        parser.close()
        return "".join(parser.texts)


def _hits(name: str, data: bytes) -> list[Hit]:
    found = list(read_file(opener(data), Reading("files", _MATCHER.gate, name=name)))
    assert not [got for got in found if isinstance(got, Gap)]
    units = tuple(got for got in found if isinstance(got, Unit))
    return [hit for finding in _MATCHER.findings(Record(Locator("s", "files", (name,)), units, "server")) for hit in finding.hits]


_WRITERS = (_word, _corrected, _slide, _open_text, _book, _page, _data, _rich)


@given(st.lists(split(), min_size=1, max_size=3), st.sampled_from(STRANGERS), st.sampled_from(_WRITERS))
@settings(deadline=None, max_examples=120)
def test_what_is_split_over_a_document_is_found_and_gone_and_strangers_stay(
    paragraphs: list[Pieces], stranger: str, write: Callable[[list[Pieces]], tuple[str, bytes]]
) -> None:
    name, before = write([*paragraphs, [f"about {stranger} only"]])
    hits = _hits(name, before)
    assert len(hits) >= len(paragraphs)
    sink = io.BytesIO()
    edits = [Edit(place, RedactSpans()) for place in dict.fromkeys(hit.place for hit in hits)]
    rewrite_file(opener(before), sink, edits, _REWRITER, Reading("files", _MATCHER.gate, name=name))
    after = sink.getvalue()
    assert not _hits(name, after)
    seen = _seen(name, after)
    assert not any(value in seen.replace(stranger, "") for value in _PLAIN)
    assert seen.count(f"about {stranger} only") == 1
    assert seen.count("[redacted]") >= len(paragraphs)
    if zipfile.is_zipfile(io.BytesIO(before)):
        _assert_only_edited_members_differ(before, after, {edit.place.split("/")[0] for edit in edits})


def _assert_only_edited_members_differ(before: bytes, after: bytes, edited: set[str]) -> None:
    with zipfile.ZipFile(io.BytesIO(before)) as one, zipfile.ZipFile(io.BytesIO(after)) as other:
        assert one.namelist() == other.namelist()
        for number, (was, now) in enumerate(zip(one.infolist(), other.infolist(), strict=True), 1):
            assert was.compress_type == now.compress_type
            assert (one.read(was) == other.read(now)) == (f"member:{number}" not in edited)
