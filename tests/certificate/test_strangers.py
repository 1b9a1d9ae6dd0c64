"""Files of strangers that are built to harm whoever reads them: each is refused in words and within limits, and the next one is read."""

import io
import zlib
from collections.abc import Callable
from functools import cache

import pikepdf
import pytest
from pikepdf import Array, AttachedFileSpec, Dictionary, Name, Pdf, Stream, String

from dsr_engine.certificate.strangers import check_apart
from dsr_engine.content.sandbox import Limits
from dsr_engine.domain.errors import InputWrong
from tests.certificate.conftest import Installation
from tests.certificate.sample import sample
from tests.certificate.test_tampering import Forger

_MEGABYTE = 1024**2
_LIMITS = Limits(memory=512 * _MEGABYTE, cpu=10, seconds=20.0)


@cache
def _bomb() -> bytes:
    """More than fits into the child, in a kilobyte: packed twice."""
    packer = zlib.compressobj(1)
    once = b"".join(packer.compress(b" " * _MEGABYTE) for _ in range(_LIMITS.memory // _MEGABYTE + 64)) + packer.flush()
    return zlib.compress(once, 9)


def _filled(pdf: Pdf, data: bytes) -> Stream:
    stream = Stream(pdf, b"")
    stream.write(data, filter=Array([Name.FlateDecode, Name.FlateDecode]))
    return stream


def _bomb_on_the_page(pdf: Pdf) -> None:
    pdf.pages[0].Contents = _filled(pdf, _bomb())


def _bomb_attached(pdf: Pdf) -> None:
    bomb = pdf.make_indirect(_filled(pdf, _bomb()))
    for name in list(pdf.attachments):
        files = pdf.attachments[name].obj.EF
        files.F = files.UF = bomb  # a reader takes either


def _ten_thousand_files(pdf: Pdf) -> None:
    file = pdf.make_indirect(AttachedFileSpec(pdf, b"<script>alert(1)</script>", filename="<img src=x onerror=alert(1)>").obj)
    pdf.Root.Names.EmbeddedFiles = Dictionary(Names=Array([part for number in range(10_000) for part in (String(f"<b>{number:05}</b>"), file)]))


def _scripts(pdf: Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.launchURL('http://127.0.0.1/')"))
    pdf.Root.AA = Dictionary(WC=Dictionary(S=Name.Launch, F=String("/bin/sh")))
    pdf.docinfo["/Title"] = "<script>alert(1)</script>"


def _pages_in_a_circle(pdf: Pdf) -> None:
    pdf.Root.Pages.Kids.append(pdf.pages[0].obj)
    pdf.Root.Pages.Count = 2**31 - 1


def _very_deep(pdf: Pdf) -> None:
    inner = Array()
    for _ in range(450):
        inner = Array([inner])
    pdf.Root.Deep = inner


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        pytest.param(_bomb_on_the_page, "statement.unreadable", marks=pytest.mark.slow),
        pytest.param(_bomb_attached, "statement.unreadable", marks=pytest.mark.slow),
        pytest.param(_ten_thousand_files, "sandbox.unreadable", marks=pytest.mark.slow),
        (_scripts, "checkpoint.other_key"),
        (_pages_in_a_circle, "page.differs"),
        (_very_deep, "checkpoint.other_key"),
    ],
)
def test_what_a_stranger_signed_to_harm_its_reader_is_refused(
    home: Installation, stranger: Installation, harm: Callable[[Pdf], None], code: str
) -> None:
    assert _code(Forger(stranger, sample(), before_signing=harm).document(), home) == code


@pytest.fixture(scope="module")
def genuine(home: Installation) -> bytes:
    return home.issue(sample())


def _encrypted(genuine: bytes) -> bytes:
    out = io.BytesIO()
    with Pdf.open(io.BytesIO(genuine)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(user="", owner="secret"))
    return out.getvalue()


def _table_of_itself(genuine: bytes) -> bytes:
    at = len(genuine) + 1
    return genuine + f"\nxref\n0 0\ntrailer\n<</Size 9 /Prev {at} /Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n".encode()


def _long_lists(genuine: bytes) -> bytes:
    return genuine + b"\n99 0 obj\n" + b"[" * 500_000 + b"\nendobj\n%%EOF\n"


def _many_signatures(genuine: bytes) -> bytes:
    return genuine + b"/ByteRange [0 1 2 3] /Contents <00>\n" * 100_000


def _brackets(_: bytes) -> bytes:
    return b"%PDF-1.7\n" + b"<<" * 2_000_000


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (_encrypted, "container.missing"),
        (_table_of_itself, "container.after_end"),
        (_long_lists, "container.after_end"),
        (_many_signatures, "container.form"),
        (_brackets, "container.missing"),
    ],
)
def test_what_was_made_of_a_genuine_certificate_to_harm_its_reader_is_refused(
    genuine: bytes, home: Installation, build: Callable[[bytes], bytes], code: str
) -> None:
    assert _code(build(genuine), home) == code


def test_the_genuine_one_is_read_apart_as_it_is_at_home(genuine: bytes, home: Installation) -> None:
    report = check_apart(genuine, home.bundle, _LIMITS)
    assert report.is_genuine, report.status
    assert report.statement is not None


def _code(document: bytes, home: Installation) -> str:
    """By which step the file was refused, or that it could not be read at all; empty if it was not refused."""
    try:
        report = check_apart(document, home.bundle, _LIMITS)
    except InputWrong as refused:
        return refused.code
    assert "<" not in "".join(step.detail for step in report.integrity)
    return "" if report.is_genuine else report.code
