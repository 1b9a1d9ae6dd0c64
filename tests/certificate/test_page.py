"""The page shows the whole statement and nothing else, in fonts that are embedded, and its file tells nothing about the person."""

import io
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.certificate import archive, wording
from dsr_engine.certificate.blocks import Table
from dsr_engine.certificate.check import check
from dsr_engine.certificate.fonts import drawable
from dsr_engine.certificate.issue import Look
from dsr_engine.certificate.reading import page_texts, require_equal
from dsr_engine.certificate.statement import Json, parsed, to_bytes
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.shipped import shipped
from tests.certificate.conftest import Installation
from tests.certificate.sample import sample
from tests.servers.lifecycle import program


def pages_of(pdf: bytes) -> tuple[str, ...]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return page_texts(document)


def bare(text: str) -> str:
    return "".join(drawable(text).split())


def values(part: Json) -> Iterator[str]:
    """Every text and number in a statement."""
    if isinstance(part, dict):
        part = [*part.values()]
    if isinstance(part, list):
        for entry in part:
            yield from values(entry)
    else:
        yield str(part)


def words(value: str) -> set[str]:
    """The ways in which a value of a statement may be told on the page."""
    tables = (wording.VERDICTS, wording.KINDS, wording.EDITIONS, wording.IDENTITIES, wording.VERIFICATIONS, wording.CODES)
    told = {table[value] for table in tables if value in table} | {value, wording.value(value), wording.level(value)}
    return {bare(text) for text in told}


def test_everything_that_the_statement_says_is_on_the_page(home: Installation) -> None:
    statement = replace(sample(), extra={"round": "second look", "a note": "more"})
    text = "".join(pages_of(home.issue(statement)))
    missing = [value for value in values(parsed(to_bytes(statement))) if not any(told in text for told in words(value))]
    assert missing == []


def test_the_levels_are_told_in_words(home: Installation) -> None:
    text = "".join(pages_of(home.issue(sample())))
    assert bare("no longer returned by the application") in text
    for code, told in wording.LEVELS.items():
        assert bare(told) in "".join(pages_of(home.issue(replace(sample(), level=code)))), code


def test_no_claim_is_made_for_a_system_that_was_not_searched(home: Installation) -> None:
    unreached = replace(sample(), systems=sample().systems[2:])
    assert bare("Claim No claim is made: nothing in it was searched.") in "".join(pages_of(home.issue(unreached)))
    reached = replace(sample(), systems=sample().systems[:2])
    assert bare("No claim is made") not in "".join(pages_of(home.issue(reached)))


def test_exceptions_are_in_the_title_and_the_page_never_claims_everything(home: Installation) -> None:
    with_exceptions = pages_of(home.issue(sample()))[0]
    without = pages_of(home.issue(sample(has_exceptions=False)))[0]
    assert bare("Certificate of erasure with exceptions") in with_exceptions
    assert bare("Certificate of erasure") in without
    assert "exceptions" not in without.split("No.17")[0]
    assert "alldata" not in (with_exceptions + without).lower()


def test_each_page_has_its_number_and_the_serial(home: Installation) -> None:
    pages = pages_of(home.issue(sample(more_rows=90)))
    assert len(pages) > 3
    for number, text in enumerate(pages, 1):
        assert text.endswith(bare(f"Certificate {sample().id} · No. 17 · page {number} of {len(pages)}"))


def test_the_head_of_a_table_is_repeated_on_every_page(home: Installation) -> None:
    pages = pages_of(home.issue(sample(more_rows=120)))
    assert sum(bare("CollectionExtentSearchedFound") in text for text in pages) >= 4


def test_all_fonts_are_embedded(home: Installation, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pdf"
    path.write_bytes(home.issue(sample()))
    listed = subprocess.run([program("pdffonts", install="apt install poppler-utils"), path], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()[2:]]
    assert len(rows) >= 3
    assert all(row[-5:-2] == ["yes", "yes", "yes"] for row in rows), listed


def test_another_reader_finds_the_same_words(home: Installation, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pdf"
    path.write_bytes(home.issue(sample(controller="Ελληνική ООО Łódź")))
    text = subprocess.run([program("pdftotext", install="apt install poppler-utils"), path, "-"], capture_output=True, text=True, check=True).stdout
    for sentence in ("Ελληνική ООО Łódź", "Certificate of erasure with exceptions", "§ 147(3) AO with § 147(1) no. 4 AO", "policies/eu-shop.yaml:14"):
        assert sentence in text


def test_the_structure_is_that_of_an_archival_document(home: Installation) -> None:
    with pikepdf.open(io.BytesIO(home.issue(sample()))) as pdf:
        xmp = pdf.Root.Metadata.read_bytes().decode()
        assert "<pdfaid:part>3</pdfaid:part>" in xmp
        intent = pdf.Root.OutputIntents[0]
        assert intent.S == "/GTS_PDFA1"
        assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp"
        relations = {str(spec.UF): str(spec.AFRelationship) for spec in pdf.Root.AF}
        assert relations == {"statement.dsse.json": "/Data", "ledger-proof.txt": "/Supplement", "verify.md": "/Supplement"}
        assert "/Encrypt" not in pdf.trailer
        assert "/JavaScript" not in pdf.Root.Names


def test_metadata_and_attachment_names_are_neutral(home: Installation) -> None:
    """They travel to places where the page does not: search indexes, previews, logs of mail servers."""
    with pikepdf.open(io.BytesIO(home.issue(sample()))) as pdf:
        assert dict(pdf.trailer.Info.items()).keys() == {"/Title", "/Creator", "/Producer", "/CreationDate", "/ModDate"}
        assert (str(pdf.trailer.Info.Title), str(pdf.trailer.Info.Producer)) == ("Certificate of erasure", "DSR Engine")
        outside = pdf.Root.Metadata.read_bytes().decode() + str({str(k): str(v) for k, v in pdf.trailer.Info.items()})
        outside += " ".join(f"{spec.UF} {spec.get('/Desc')}" for spec in pdf.Root.AF)
    told = sample()
    names = [system.name for system in told.systems]
    for text in (*told.controller.values(), told.id, told.subject_ref, told.case["id"], told.plan_digest, *names, *told.dates.values()):
        assert text not in outside
    assert "pyHanko" not in outside
    assert "ReportLab" not in outside


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("王小明", "page.no_glyph", "U+738B"),
        ("שלום", "page.script", "HEBREW"),
        ("मोहन", "page.script", "DEVANAGARI"),
        ("safe\u202egnp", "page.invisible", "U+202E"),
        ("zero\u200bwidth", "page.invisible", "U+200B"),
        ("q\u0307\u0323", "page.script", "COMBINING"),
    ],
)
def test_a_character_that_cannot_be_drawn_is_an_error_that_names_it(home: Installation, text: str, code: str, named: str) -> None:
    with pytest.raises(InputWrong, match=re.escape(named)) as error:
        home.issue(sample(controller=text))
    assert error.value.code == code


def test_a_further_font_draws_what_the_shipped_ones_lack(home: Installation, tmp_path: Path) -> None:
    """A font with Chinese characters, made of the outlines of Latin ones, stands for the operator's own."""
    font = TTFont(shipped("templates") / "certificate" / "fonts" / "DejaVuSans.ttf")
    outlines = font.getBestCmap()
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format == 4:
            table.cmap.clear()
            table.cmap.update({ord(new): outlines[ord(old)] for new, old in zip("王小明", "XYZ", strict=True)})
    font["cmap"].tables = [table for table in font["cmap"].tables if table.format == 4]
    font.save(tmp_path / "twin.ttf")
    with pytest.raises(InputWrong, match="another font"):
        home.issue(sample(), Look(fonts=(tmp_path / "twin.ttf",)))
    for record in font["name"].names:
        if record.nameID == 6:
            record.string = "More"
    font.save(tmp_path / "more.ttf")
    font.close()
    look = Look(fonts=(tmp_path / "more.ttf",))
    pdf = home.issue(sample(controller="王小明 GmbH"), look)
    assert "王小明GmbH" in pages_of(pdf)[0]
    report = check(pdf, home.bundle)
    assert report.is_genuine, report.code


def test_a_file_that_is_no_font_or_no_image_is_named(home: Installation, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"broken")
    with pytest.raises(InputWrong) as error:
        home.issue(sample(), Look(fonts=(broken,)))
    assert error.value.code == "look.font"
    with pytest.raises(InputWrong) as error:
        home.issue(sample(), Look(logo=broken))
    assert error.value.code == "look.logo"


letters = st.text(st.characters(codec="utf-8", categories=("Lu", "Ll", "Nd", "Po", "Sm", "Zs"), max_codepoint=0x4FF), max_size=40)


@given(
    letters,
    st.lists(
        st.dictionaries(st.sampled_from(["collection", "extent", "reason", "code", "until", "a", "b", "c", "d"]), letters | st.integers()), max_size=4
    ),
)
@settings(deadline=None, max_examples=40)
def test_whatever_can_be_drawn_is_read_back_the_same(home: Installation, text: str, rows: list[dict[str, str | int]]) -> None:
    system = replace(sample().systems[0], name=text, coverage=tuple(rows))
    statement = replace(sample(), systems=(system,), exceptions=(text,), controller={"name": text})
    try:
        pdf = home.issue(statement)
    except InputWrong as error:
        assert error.code in ("page.no_glyph", "page.script", "page.invisible")  # noqa: PT017  # most texts can be drawn
        return
    report = check(pdf, home.bundle)
    assert report.is_genuine, report.code


def test_a_map_of_characters_beyond_the_basic_plane_is_written_as_pairs() -> None:
    cmap = b"begincodespacerange\n<00> <02>\nendcodespacerange\n3 beginbfchar\n<00> <0000>\n<01> <0041>\n<02> <20BB7>\nendbfchar\nendcmap"
    tidy = archive.tidied_cmap(cmap)
    assert b"2 beginbfchar\n<01> <0041>\n<02> <D842DFB7>\nendbfchar" in tidy


def test_a_comparison_takes_a_repeated_head_only_where_a_page_begins() -> None:
    table = Table(("Name", "Count"), (("a", "1"), ("b", "2")))

    def foot(page: int, pages: int) -> str:
        return f"{page}of{pages}"

    require_equal(("NameCounta1b21of1",), table.pieces(), foot)
    require_equal(("NameCounta11of2", "NameCountb22of2"), table.pieces(), foot)
    require_equal(("NameCounta11of2", "b22of2"), table.pieces(), foot)
    for wrong in (
        ("NameCounta1NameCountb21of1",),
        ("NameCounta1b2x1of1",),
        ("NameCounta11of1",),
        ("NameCounta1b2",),
        ("NameCounta11of2", "NameCountNameCountb22of2"),
        (),
    ):
        with pytest.raises(NotVerified):
            require_equal(wrong, table.pieces(), foot)
