"""pyHanko's opinion of a certificate: the signatures, what later revisions changed, and the timestamps.

`intact`, `valid` and `trusted` stay true when a later revision replaces a page; only the difference analysis behind `bottom_line` tells.
Certificates are looked at as of the time that they vouch for, so that a signer that has expired since stays verifiable.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import cms
from cryptography import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, read_certification_data
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError

from dsr_engine.certificate.container import Container
from dsr_engine.certificate.signing import to_asn1
from dsr_engine.domain.errors import NotVerified

#: What readers of foreign bytes raise besides their own errors.
FOREIGN = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    RecursionError,
    OverflowError,
    NotImplementedError,
    AssertionError,
    struct.error,
)
_THEIRS = (PdfError, SignatureValidationError, PathError, *FOREIGN)


@dataclass(frozen=True, slots=True)
class Opinion:
    """`stated_at` is the time in the signature, `witnessed_at` that of the timestamp on the signature, if there is one.

    `is_time_trusted`: every timestamp is by an authority that the caller trusts, and then pyHanko's bottom line holds as a whole.
    """

    stated_at: datetime
    witnessed_at: datetime | None
    is_time_trusted: bool


def opinion(pdf: bytes, found: Sequence[Container], chain: Sequence[x509.Certificate], tsa: Sequence[x509.Certificate]) -> Opinion:
    """Raises `NotVerified` unless the certification signature holds and nothing that it covers was changed later.

    The path is checked up to the chain's own end: whether that is to be trusted is not decided here.
    """
    try:
        return _formed(pdf, found, chain, tsa)
    except _THEIRS:
        raise NotVerified("the signature cannot be validated", code="signature.unreadable") from None


def token_time(token: bytes) -> datetime:
    """The moment that a timestamp names (RFC 3161 genTime)."""
    moment: datetime = cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    return moment.astimezone(UTC)


def _formed(pdf: bytes, found: Sequence[Container], chain: Sequence[x509.Certificate], tsa: Sequence[x509.Certificate]) -> Opinion:
    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    signatures: list[EmbeddedPdfSignature] = reader.embedded_signatures
    if [_gap(signature) for signature in signatures] != [(entry.start, entry.end) for entry in found]:
        raise NotVerified("the document lists other signatures than it holds", code="signature.unlisted")
    certifying, *times = signatures
    stated_at = _certified(reader, certifying, chain)
    token = found[0].signed.token
    witnessed_at = token_time(token) if token else None
    status = validate_pdf_signature(certifying, _context(chain[-1:], chain[1:], stated_at), _context(tsa, (), witnessed_at or stated_at))
    _require(status)
    is_trusted = bool(token and status.bottom_line)
    for signature, held in zip(times, found[1:], strict=True):
        moment = token_time(held.signed.encoded)
        stamp = validate_pdf_timestamp(signature, _context(tsa, (), moment))
        if not (stamp.intact and stamp.valid):
            raise NotVerified("a document timestamp does not hold", code="signature.invalid")
        is_trusted = is_trusted and bool(stamp.trusted)
    return Opinion(stated_at, witnessed_at, is_trusted)


def _certified(reader: PdfFileReader, certifying: EmbeddedPdfSignature, chain: Sequence[x509.Certificate]) -> datetime:
    """The stated time of the signature that certifies the document, at which its certificates must have been valid."""
    certification = read_certification_data(reader)
    if certification is None or certification.permission is not MDPPerm.NO_CHANGES or certification.author_sig != certifying.sig_object:
        raise NotVerified("the first signature does not certify the document against every change", code="signature.not_certified")
    stated_at: datetime | None = certifying.self_reported_timestamp
    if stated_at is None:
        raise NotVerified("the signature states no time", code="signature.no_time")
    if not all(entry.not_valid_before_utc <= stated_at <= entry.not_valid_after_utc for entry in chain):
        raise NotVerified("the signer's certificate was not valid at the stated time", code="signature.expired")
    return stated_at.astimezone(UTC)


def _require(status: PdfSignatureStatus) -> None:
    if not (status.intact and status.valid):
        raise NotVerified("the certification signature does not hold", code="signature.invalid")
    if not (status.docmdp_ok and status.seed_value_ok):
        raise NotVerified("the document was changed in a later revision", code="signature.changed")
    if not status.trusted:
        raise NotVerified("the signer's certificate is not one that its authority lets sign documents", code="signature.path")
    stamp = status.timestamp_validity
    if stamp is not None and not (stamp.intact and stamp.valid):
        raise NotVerified("the timestamp on the signature does not hold", code="signature.timestamp")


def _gap(signature: EmbeddedPdfSignature) -> tuple[int, int]:
    first, length, after, _ = (int(part) for part in signature.byte_range)
    return first + length, after


def _context(roots: Sequence[x509.Certificate], others: Sequence[x509.Certificate], moment: datetime) -> ValidationContext:
    return ValidationContext(
        trust_roots=[to_asn1(entry) for entry in roots], other_certs=[to_asn1(entry) for entry in others], moment=moment, allow_fetching=False
    )
