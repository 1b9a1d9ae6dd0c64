"""Words in pictures and on scanned pages: found where they can be read, never sure, never cut out; and a gap where they cannot."""

import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from dsr_engine.content.format import Limits, Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.pictures.confusions import readings
from dsr_engine.domain.finding import Confidence, Finding
from dsr_engine.domain.record import Doubt, Gap, Locator, Record, Unit
from dsr_engine.domain.selector import Secret, Selector
from tests.content.plain_words import gaps, read, reading, units
from tests.content.seen_words import EMAIL, OTHER, PERSON, drawn, needs_ocr, paged, saved

pytestmark = needs_ocr

_SUBJECT = (Selector("s1", "email", Secret(EMAIL), verified=True), Selector("s2", "customer", Secret("4711-0815"), verified=True))
_MATCHER = Matcher({"case": _SUBJECT})


def _read(data: bytes) -> list[Unit | Gap]:
    return read(data, Reading("files", _MATCHER.gate))


def _found(data: bytes) -> Finding | None:
    """What the matcher says of the file."""
    told = tuple(got for got in _read(data) if isinstance(got, Unit))
    findings = _MATCHER.findings(Record(Locator("files", "files", ("a",)), told, "server"))
    assert len({finding.locator.inside for finding in findings}) == len(findings)
    return findings[0] if findings else None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_person_in_a_picture_is_found_and_others_are_not(kind: str) -> None:
    found = _found(saved(drawn(PERSON), kind))
    assert found is not None
    assert found.confidence is Confidence.LIKELY
    assert {hit.place.split("/")[0] for hit in found.hits} == {"ocr:1"}
    assert not any(hit.is_rewritable for hit in found.hits)
    assert _read(saved(drawn(OTHER), kind)) == []


def test_every_page_of_a_tiff_is_read_and_named() -> None:
    data = saved(drawn(OTHER), "TIFF", save_all=True, append_images=[drawn(PERSON), drawn(OTHER).convert("1")], compression="tiff_lzw")
    found = _found(data)
    assert found is not None
    assert {hit.place.split("/")[0] for hit in found.hits} == {"ocr:2"}


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_any_depth_are_read(mode: str) -> None:
    assert _found(saved(drawn(PERSON).convert("L").convert(mode) if mode != "I;16" else drawn(PERSON).convert("I;16"), "TIFF")) is not None


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_pictures_on_their_side_are_read(turned: int) -> None:
    assert _found(saved(drawn(PERSON).rotate(turned, expand=True))) is not None
    assert _found(saved(drawn(OTHER).rotate(turned, expand=True))) is None


def test_a_camera_that_was_held_upright_is_believed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert _found(saved(drawn(PERSON).rotate(90, expand=True), "JPEG", exif=exif)) is not None


@pytest.mark.parametrize(("letters", "ink", "paper"), [(10, 0, 255), (14, 90, 200), (24, 230, 20), (60, 0, 255)])
def test_small_large_faint_and_bright_letters_are_read(letters: int, ink: int, paper: int) -> None:
    assert _found(saved(drawn(PERSON, letters=letters, ink=ink, paper=paper, width=letters * 38))) is not None


def test_a_poor_copy_is_found_or_reported_and_its_mistaken_letters_are_possible_at_best() -> None:
    data = saved(drawn(PERSON, letters=15).filter(ImageFilter.GaussianBlur(1)), "JPEG", quality=10)
    found = _found(data)
    assert found is not None or [got.code for got in _read(data) if isinstance(got, Gap)] == ["ocr.doubtful"]
    other = _found(saved(drawn(OTHER, letters=15).filter(ImageFilter.GaussianBlur(1)), "JPEG", quality=10))
    assert other is None


@pytest.mark.parametrize(
    "mistaken",
    ["jane.r0e@example.com", "jane. roe@example com", "jane.roe©example.com", "jane.roe@examp1e.corn", "j ane.roe@example.com", "customer 47l1-O815"],
)
def test_letters_that_are_often_mistaken_are_put_right_and_the_finding_is_possible(mistaken: str) -> None:
    found = _found(saved(drawn(("Invoice", mistaken, "Thank you very much"))))
    guessed = readings(mistaken)
    assert EMAIL in guessed.lower() or "4711-0815" in guessed
    assert found is None or found.confidence is not Confidence.CERTAIN
    unit = Unit("ocr:1/alike", guessed, is_opaque=True, doubt=Doubt.GUESSED)
    (told,) = _MATCHER.findings(Record(Locator("files", "files", ("a",)), (unit,), "server"))
    assert told.confidence is Confidence.POSSIBLE


@given(text=st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_readings_of_any_text_are_bounded(text: str) -> None:
    assert len(readings(text)) <= 1_000_000


def test_many_addresses_do_not_make_endless_readings() -> None:
    assert len(readings("\n".join(f"l1i0o{number}s5b8z2@rnmvvwcld1l0.com" for number in range(2_000)))) <= 1_000_000


# ---- PDF


def test_a_scanned_page_is_read_and_no_gap() -> None:
    data = paged(([], ["A letter"]), ([drawn(PERSON)], []))
    found = _found(data)
    assert found is not None
    assert {hit.place.split("/")[0] for hit in found.hits} == {"page:2"}
    assert not any(hit.is_rewritable for hit in found.hits)
    assert not [got for got in _read(data) if isinstance(got, Gap)]
    assert _read(paged(([], ["A letter"]), ([drawn(OTHER)], []))) == []


def test_a_picture_beside_text_is_read_and_the_text_is_not_read_twice() -> None:
    found = _found(paged(([drawn(PERSON)], ["A letter about tea"])))
    assert found is not None
    told = units(paged(([drawn(OTHER)], [f"A letter to {EMAIL}"])), Reading("files", _MATCHER.gate))
    assert told
    assert not any("ocr" in unit.place for unit in told)


def test_strips_of_one_scan_are_read_together() -> None:
    whole = drawn(PERSON)
    out = io.BytesIO()
    from reportlab.lib.utils import ImageReader  # noqa: PLC0415  # only here
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415  # only here

    canvas = Canvas(out)
    for top in range(0, whole.height, 8):
        canvas.drawImage(ImageReader(whole.crop((0, top, whole.width, top + 8))), 50, 700 - top * 0.6, whole.width * 0.6, 8 * 0.6)
    canvas.save()
    assert _found(out.getvalue()) is not None


def test_pictures_in_archives_are_read_as_members_of_theirs() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.png", saved(drawn(OTHER)))
        archive.writestr("b.pdf", paged(([drawn(PERSON)], [])))
    found = _found(out.getvalue())
    assert found is not None
    assert found.locator.inside == "member:2"


# ---- bounds


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _bomb(side: int) -> bytes:
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(side + 1)) for _ in range(min(side, 2_000))) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def test_a_picture_of_billions_of_dots_is_a_gap_and_never_decoded() -> None:
    assert [got.code for got in _read(_bomb(50_000)) if isinstance(got, Gap)] == ["ocr.too_large"]


def test_what_cannot_be_decoded_is_a_gap() -> None:
    whole = saved(drawn(PERSON))
    assert "ocr.unreadable" in [got.code for got in _read(whole[: len(whole) // 2]) if isinstance(got, Gap)]


def test_noise_is_doubtful_and_white_paper_is_read() -> None:
    noise = saved(Image.effect_noise((500, 400), 90), "PNG")
    assert [got.code for got in _read(noise) if isinstance(got, Gap)] in (["ocr.doubtful"], [])
    assert _read(saved(Image.new("L", (800, 600), 255))) == []


def test_a_file_without_time_left_for_recognition_is_a_gap() -> None:
    data = saved(drawn(PERSON), "TIFF", save_all=True, append_images=[drawn(OTHER)])
    assert gaps(data, Reading("files", _MATCHER.gate, limits=Limits(recognising=0.0))) == ["ocr.too_long"]


def test_nobody_is_recognised_where_nobody_is_looked_for() -> None:
    assert gaps(saved(drawn(PERSON)), reading()) == ["image.pixels"]


_ELSEWHERE = """
import io, sys
from dsr_engine.content.files import read_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.record import Gap
from dsr_engine.domain.selector import Secret, Selector
gate = Matcher({"c": (Selector("s", "email", Secret("jane.roe@example.com"), verified=True),)}).gate
data = sys.stdin.buffer.read()
try:
    told = read_file(lambda: io.BytesIO(data), Reading("f", gate))
    print(sorted({f"{got.code} {got.reason}" if isinstance(got, Gap) else got.place for got in told}))
except DsrError as error:
    print(error.code)
"""


@pytest.mark.parametrize(("said", "told"), [("off", "dsr-engine[ocr]"), ("eng", "ocr:1"), ("eng+xyz", "ocr.language")])
def test_the_home_says_in_which_languages_and_whether_at_all(said: str, told: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE], input=saved(drawn(PERSON)), env={**os.environ, "DSR_OCR": said}, capture_output=True, check=True
    )
    assert told in ran.stdout.decode()
