"""Whatever somebody does to a certificate, it is refused, and the code says at which door."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import pikepdf
import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner, PdfTimeStamper

from dsr_engine.certificate import archive, layout
from dsr_engine.certificate.archive import Attachment
from dsr_engine.certificate.check import check
from dsr_engine.certificate.container import containers
from dsr_engine.certificate.issue import Look, marks_of
from dsr_engine.certificate.page import draw
from dsr_engine.certificate.signing import TimeClerk, _Cms, sign
from dsr_engine.certificate.statement import canonical, parsed, sealed, to_bytes
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.evidence import InclusionProof
from dsr_engine.domain.note import proof_text
from tests.certificate.conftest import Installation, Log
from tests.certificate.sample import sample

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass
class Forger:
    """Somebody with an installation of their own who puts a document together from parts of their choice, and signs it."""

    home: Installation
    shown: Statement
    inside: Statement | None = None
    proof: InclusionProof | None = None
    at: datetime | None = None
    envelope: bytes | None = None
    before_signing: Callable[[Pdf], None] | None = None

    @property
    def time(self) -> datetime:
        return self.at or datetime.strptime(self.shown.issued_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    def document(self) -> bytes:
        return sign(self.unsigned(), self.time, self.home.signer, self.home.tsa_url)

    def unsigned(self) -> bytes:
        inside = self.inside or self.shown
        text = to_bytes(inside)
        proof = self.proof or self.home.enter(inside)
        letterhead = (self.shown.controller["name"],)
        blocks = layout.blocks(self.shown, marks_of(self.home.signer, proof))
        drawn = draw(blocks, letterhead, Look(), partial(layout.footer, self.shown))
        files = (
            Attachment(archive.STATEMENT_FILE, self.envelope or sealed(text, self.home.signer), "application/json", "", "/Data"),
            Attachment(archive.PROOF_FILE, proof_text(proof).encode(), "text/plain", "", "/Supplement"),
            Attachment(archive.MANUAL_FILE, b"how", "text/markdown", "", "/Supplement"),
        )
        document = archive.archived(drawn, self.time, files, layout.LAYOUT, letterhead)
        if self.before_signing:
            with Pdf.open(io.BytesIO(document)) as pdf:
                self.before_signing(pdf)
                out = io.BytesIO()
                pdf.save(out)
                document = out.getvalue()
        return document


def code_of(pdf: bytes, home: Installation) -> str:
    report = check(pdf, home.bundle)
    assert not report.is_genuine
    assert not report.status.startswith("genuine")
    return report.code


@pytest.fixture(scope="module")
def genuine(home: Installation) -> bytes:
    return home.issue(sample())


@pytest.fixture(scope="module")
def stamped(timed: Installation) -> bytes:
    return timed.issue(sample(is_timestamped=True, issued_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))


def test_a_forger_who_changes_nothing_is_no_forger(home: Installation) -> None:
    assert check(Forger(home, sample()).document(), home.bundle).is_genuine


# bytes


def test_junk_after_the_end_is_refused(genuine: bytes, home: Installation) -> None:
    for junk in (b"\n", b"junk", b"\n%%EOF\n"):
        assert code_of(genuine + junk, home) == "container.after_end"


def test_a_file_that_was_cut_off_is_refused(genuine: bytes, home: Installation) -> None:
    assert code_of(genuine[:-1], home) in ("container.after_end", "container.form")
    assert code_of(genuine[: len(genuine) // 2], home) == "container.missing"
    assert code_of(b"", home) == "container.missing"


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_byte_that_is_flipped_anywhere_is_noticed(genuine: bytes, home: Installation, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(genuine) - 1))
    mask = data.draw(st.integers(1, 255))
    assert not check(genuine[:at] + bytes([genuine[at] ^ mask]) + genuine[at + 1 :], home.bundle).is_genuine


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_bytes_that_are_no_certificate_are_refused_without_an_error(home: Installation, data: bytes) -> None:
    for start in (b"", b"%PDF-1.7\n/ByteRange [0 20 30 40]"):
        assert not check(start + data, home.bundle).is_genuine


def flips(pdf: bytes, which: int, home: Installation, share: float) -> int:
    """Flips one bit in a share of the bytes of a container, one after the other; gives how many were tried."""
    entry = containers(pdf)[which]
    chosen = random.Random(7)
    tried = 0
    for at in range(entry.start, entry.end):
        is_padding = at > entry.start + 2 * len(entry.signed.encoded) + 8
        if chosen.random() > (share / 20 if is_padding else share):
            continue
        bit = 1 << chosen.randrange(8)
        report = check(pdf[:at] + bytes([pdf[at] ^ bit]) + pdf[at + 1 :], home.bundle)
        assert not report.is_genuine, f"bit {bit} of byte {at - entry.start} of container {which}"
        tried += 1
    return tried


def test_bits_flipped_in_the_signature_container_are_noticed(genuine: bytes, home: Installation) -> None:
    assert flips(genuine, 0, home, 0.25) > 500


def test_bits_flipped_in_the_containers_of_a_timestamped_certificate_are_noticed(stamped: bytes, timed: Installation) -> None:
    assert flips(stamped, 0, timed, 0.02) > 50
    assert flips(stamped, 1, timed, 0.02) > 50


@pytest.mark.slow
def test_every_byte_of_the_signature_container_is_looked_at(genuine: bytes, home: Installation) -> None:
    entry = containers(genuine)[0]
    assert flips(genuine, 0, home, 20) == entry.end - entry.start


@pytest.mark.slow
def test_every_byte_of_all_containers_of_a_timestamped_certificate_is_looked_at(stamped: bytes, timed: Installation) -> None:
    for which, entry in enumerate(containers(stamped)):
        assert flips(stamped, which, timed, 20) == entry.end - entry.start


# the container


def refilled(pdf: bytes, change: Callable[[cms.ContentInfo], bytes | None]) -> bytes:
    """The PDF with its first container changed. No signature covers the container, so nothing else has to be forged."""
    entry = containers(pdf)[0]
    content = cms.ContentInfo.load(entry.signed.encoded)
    raw = change(content) or content.dump(force=True)
    return pdf[: entry.start] + b"<" + raw.hex().upper().encode().ljust(entry.end - entry.start - 2, b"0") + b">" + pdf[entry.end :]


def test_a_container_that_is_filled_with_what_it_held_is_unchanged(genuine: bytes) -> None:
    assert refilled(genuine, lambda content: None) == genuine


def test_another_spelling_of_the_container_is_refused(genuine: bytes, home: Installation) -> None:
    entry = containers(genuine)[0]
    lower = genuine[: entry.start] + genuine[entry.start : entry.end].lower() + genuine[entry.end :]
    assert code_of(lower, home) == "container.form"
    padded = genuine[: entry.end - 2] + b"1>" + genuine[entry.end :]
    assert code_of(padded, home) == "container.padding"


def test_the_other_valid_form_of_an_ecdsa_signature_is_refused(genuine: bytes, home: Installation) -> None:
    def turn(content: cms.ContentInfo) -> None:
        info = content["content"]["signer_infos"][0]
        r, s = decode_dss_signature(info["signature"].native)
        info["signature"] = encode_dss_signature(r, P256_ORDER - s)

    assert code_of(refilled(genuine, turn), home) == "signature.form"


def test_things_added_to_the_container_are_refused(genuine: bytes, home: Installation, stranger: Installation) -> None:
    def with_certificate(content: cms.ContentInfo) -> None:
        other = cms.Certificate.load(containers(stranger.issue(sample()))[0].signed.certificates[0])
        content["content"]["certificates"].append(cms.CertificateChoices("certificate", other))

    def with_attribute(content: cms.ContentInfo) -> None:
        note = cms.CMSAttribute({"type": "signing_time", "values": [cms.Time({"utc_time": datetime(2026, 1, 1, tzinfo=UTC)})]})
        content["content"]["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes([note])

    def with_digest(content: cms.ContentInfo) -> None:
        content["content"]["digest_algorithms"].append({"algorithm": "sha512"})

    for change in (with_certificate, with_attribute, with_digest):
        assert code_of(refilled(genuine, change), home) == "container.unlisted"


def test_another_encoding_of_the_container_is_refused(genuine: bytes, home: Installation) -> None:
    def in_long_form(content: cms.ContentInfo) -> bytes:
        raw: bytes = content.dump()
        return raw[:1] + b"\x84" + (len(raw) - 4).to_bytes(4, "big") + raw[4:]

    assert code_of(refilled(genuine, in_long_form), home) == "container.der"


# later revisions


def text_replaced(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)


def annotation_added(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    entry = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(number) for number in (50, 500, 400, 700)]),
            pdf_name("/Contents"): generic.TextStringObject("All data erased"),
        }
    )
    page["/Annots"] = generic.ArrayObject([*page["/Annots"], writer.add_object(entry)])
    writer.update_container(page)


def attachment_replaced(writer: IncrementalPdfFileWriter) -> None:
    files = writer.root["/Names"]["/EmbeddedFiles"]
    names = files["/Names"] if "/Names" in files else files["/Kids"][0]["/Names"]
    spec = names[3]
    spec["/EF"][pdf_name("/F")] = writer.add_object(generic.StreamObject(stream_data=b"{}"))
    writer.update_container(spec["/EF"])


CHANGES = (text_replaced, annotation_added, attachment_replaced)


def revised(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("change", CHANGES)
def test_a_later_revision_is_refused(genuine: bytes, home: Installation, change: Callable[[IncrementalPdfFileWriter], None]) -> None:
    assert code_of(revised(genuine, change), home) == "container.after_end"


@pytest.mark.parametrize("change", CHANGES)
def test_a_later_revision_under_a_genuine_timestamp_is_refused(
    stamped: bytes, timed: Installation, change: Callable[[IncrementalPdfFileWriter], None]
) -> None:
    """Anybody gets a timestamp over anything, so a signature up to the last byte is no proof; the difference analysis is."""
    assert timed.tsa_url
    writer = IncrementalPdfFileWriter(io.BytesIO(revised(stamped, change)), strict=False)
    again = PdfTimeStamper(TimeClerk(timed.tsa_url)).timestamp_pdf(writer, "sha256")
    assert code_of(again.getvalue(), timed) == "signature.changed"


def test_other_signatures_than_one_certification_are_refused(home: Installation, stranger: Installation) -> None:
    document = Forger(home, sample()).unsigned()
    for number, signer in enumerate((home.signer, stranger.signer)):
        approval = PdfSignatureMetadata(field_name=f"Approval{number}", subfilter=SigSeedSubFilter.PADES)
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        document = PdfSigner(approval, _Cms(signer)).sign_pdf(writer, output=io.BytesIO()).getvalue()
        assert code_of(document, home) == ("signature.not_certified", "container.extra")[number]


def test_an_older_revision_is_refused(genuine: bytes, stamped: bytes, home: Installation, timed: Installation) -> None:
    first = stamped[: containers(stamped)[0].whole]
    assert code_of(first, timed) == "time.missing"
    unsigned = genuine[: genuine.index(b"%%EOF") + 6]
    assert code_of(unsigned, home) == "container.missing"


def test_a_document_without_its_signature_is_refused(genuine: bytes, home: Installation) -> None:
    with Pdf.open(io.BytesIO(genuine)) as pdf:
        del pdf.Root.AcroForm, pdf.Root.Perms
        for page in pdf.pages:
            if "/Annots" in page:
                del page["/Annots"]
        pdf.remove_unreferenced_resources()
        out = io.BytesIO()
        pdf.save(out)
    assert code_of(out.getvalue(), home) == "container.missing"


# parts of other certificates


def test_the_statement_of_another_certificate_is_refused(home: Installation) -> None:
    other = replace(sample(), id="f" * 32, exceptions=(), verdict="fulfilled")
    assert code_of(Forger(home, shown=sample(), inside=other).document(), home) == "page.differs"


def test_a_page_that_hides_an_exception_is_refused(home: Installation) -> None:
    glossed = replace(sample(), exceptions=sample().exceptions[:1])
    assert code_of(Forger(home, shown=glossed, inside=sample()).document(), home) == "page.differs"


def test_the_proof_of_another_leaf_is_refused(home: Installation) -> None:
    other = home.enter(replace(sample(), id="f" * 32))
    assert code_of(Forger(home, sample(), proof=other).document(), home) == "inclusion.other_leaf"
    effect = home.log.proof(0)
    assert code_of(Forger(home, sample(), proof=effect).document(), home) == "inclusion.other_leaf"


def test_a_proof_that_does_not_lead_to_the_root_is_refused(home: Installation) -> None:
    proof = home.enter(sample())
    for wrong in (replace(proof, index=proof.index + 1), replace(proof, path=proof.path[::-1]), replace(proof, path=proof.path[:-1])):
        assert code_of(Forger(home, sample(), proof=wrong).document(), home) == "inclusion.proof"


def test_the_checkpoint_of_a_shorter_log_is_refused(home: Installation) -> None:
    proof = home.enter(sample())
    shorter = replace(proof, checkpoint=home.log.checkpoint(3), size=3)
    assert code_of(Forger(home, sample(), proof=shorter).document(), home) == "inclusion.proof"


def test_a_checkpoint_that_another_key_signed_is_refused(home: Installation) -> None:
    proof = home.enter(sample())
    twin = Log(entries=[*home.log.entries])
    forged = replace(proof, checkpoint=twin.checkpoint())
    assert code_of(Forger(home, sample(), proof=forged).document(), home) == "checkpoint.other_key"
    body, _, signature = proof.checkpoint.rpartition(" ")
    broken = replace(proof, checkpoint=f"{body} {signature[:8]}{'A' if signature[8] != 'A' else 'B'}{signature[9:]}")
    assert code_of(Forger(home, sample(), proof=broken).document(), home) == "checkpoint.signature"


def test_a_bundle_with_another_log_key_does_not_accept(genuine: bytes, home: Installation) -> None:
    swapped = replace(home.bundle, log_keys=(Log().key,))
    assert check(genuine, swapped).code == "checkpoint.other_key"


def test_a_certificate_of_another_installation_is_refused(home: Installation, stranger: Installation) -> None:
    assert code_of(stranger.issue(sample()), home) == "checkpoint.other_key"


def test_a_copy_that_a_stranger_signed_again_is_refused(home: Installation, stranger: Installation) -> None:
    """Statement and proof are public; with both a stranger can make a document whose every other part holds."""
    report = check(Forger(stranger, sample(), proof=home.enter(sample())).document(), home.bundle)
    assert all(step.is_ok for step in report.integrity)
    assert report.code == "issuer.not_trusted"
    assert not report.is_genuine


def test_without_a_bundle_nothing_is_genuine_and_fingerprints_are_shown(genuine: bytes) -> None:
    report = check(genuine, None)
    assert not report.is_genuine
    assert report.code == "checkpoint.no_key"
    assert report.issuer.code == "issuer.no_bundle"
    assert set(report.issuer.fingerprints) == {"signer", "authority"}
    assert [step.is_ok for step in report.integrity] == [True] * 6 + [False]


def test_a_changed_envelope_is_refused(home: Installation, stranger: Installation) -> None:
    text = to_bytes(sample())
    envelope = parsed(sealed(text, home.signer))
    other = parsed(sealed(to_bytes(replace(sample(), serial=18)), home.signer))
    assert isinstance(envelope, dict)
    assert isinstance(other, dict)
    mixed = canonical({**envelope, "signatures": other["signatures"]})
    assert code_of(Forger(home, sample(), envelope=mixed).document(), home) == "seal.signature"
    assert code_of(Forger(home, sample(), envelope=sealed(text, stranger.signer)).document(), home) == "seal.other_key"
    spaced = sealed(text, home.signer).replace(b'","', b'", "')
    assert code_of(Forger(home, sample(), envelope=spaced).document(), home) == "statement.malformed"


def test_two_different_times_are_refused(home: Installation) -> None:
    late = datetime(2026, 11, 22, tzinfo=UTC)
    assert code_of(Forger(home, sample(), at=late).document(), home) == "statement.time"


def test_a_time_at_which_the_signer_was_not_valid_is_refused(home: Installation) -> None:
    assert code_of(Forger(home, sample(issued_at="2020-01-01T00:00:00Z")).document(), home) == "signature.expired"


def test_a_statement_that_asks_for_fewer_or_unknown_checks_is_refused(home: Installation) -> None:
    for steps in ((), sample().steps[1:], (*sample().steps, "astrology")):
        assert code_of(Forger(home, replace(sample(), steps=steps)).document(), home) == "statement.steps"


def test_a_timestamp_that_the_statement_knows_nothing_of_is_refused(timed: Installation) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert code_of(Forger(timed, sample(issued_at=now)).document(), timed) == "time.unlisted"


# what the first revision may hold


def test_things_that_the_program_does_not_write_are_refused(home: Installation) -> None:
    def with_annotation(pdf: Pdf) -> None:
        note = Dictionary(Type=Name.Annot, Subtype=Name.FreeText, Rect=[50, 500, 400, 700], Contents=String("All data erased"))
        pdf.pages[0].Annots = Array([pdf.make_indirect(note)])

    def with_text(pdf: Pdf) -> None:
        pdf.pages[0].contents_add(b"BT /F2+0 9 Tf 60 300 Td (and more) Tj ET")

    def with_form(pdf: Pdf) -> None:
        form = Stream(pdf, b"BT ET", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 9, 9])
        pdf.pages[0].Resources.XObject = Dictionary(Fm=form)
        pdf.pages[0].contents_add(b"/Fm Do")

    def with_other_mode(pdf: Pdf) -> None:
        pdf.pages[0].contents_add(b"3 Tr", prepend=True)

    def with_attachment(pdf: Pdf) -> None:
        pdf.attachments["more.txt"] = pikepdf.AttachedFileSpec(pdf, b"more", filename="more.txt")

    def with_layout(pdf: Pdf) -> None:
        pdf.Root.PieceInfo.DSREngine.Private.Layout = 99

    def without_note(pdf: Pdf) -> None:
        del pdf.Root.PieceInfo

    expected = {
        with_annotation: "page.annotation",
        with_text: "page.differs",
        with_form: "page.unlisted",
        with_other_mode: "page.unlisted",
        with_attachment: "statement.attachments",
        with_layout: "page.layout",
        without_note: "statement.unreadable",
    }
    for change, code in expected.items():
        assert code_of(Forger(home, sample(), before_signing=change).document(), home) == code, change.__name__


def test_a_document_with_fewer_pages_is_refused(home: Installation) -> None:
    def shorten(pdf: Pdf) -> None:
        del pdf.pages[-1]

    assert code_of(Forger(home, sample(), before_signing=shorten).document(), home) == "page.differs"


def test_a_certificate_in_a_timestamp_cannot_claim_unused_bits_of_its_signature(stamped: bytes, timed: Installation) -> None:
    entry = containers(stamped)[-1]
    header, at, tried = b"0382010100", entry.start, 0  # a BIT STRING of 2048 bits, none of them unused
    while (at := stamped.find(header, at + 1, entry.end)) > 0:
        claimed = stamped[: at + 9] + b"1" + stamped[at + 10 :]
        assert not check(claimed, timed.bundle).is_genuine
        tried += 1
    assert tried
