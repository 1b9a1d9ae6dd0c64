"""A timestamp is worth what the certificate under it is worth; before that ends, another timestamp covers the file with all that is in it.

Source: ETSI EN 319 142-1 § 5.5 and ISO 32000-2 § 12.8.5 (document timestamps). Nothing that was signed is touched: the file only grows.
"""

import io
from datetime import datetime

from asn1crypto import cms
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError

from dsr_engine.certificate.check import check
from dsr_engine.certificate.container import containers
from dsr_engine.certificate.signing import ROOM_WITH_TIME, TIME_FIELD, RepeatableWriter, TimeClerk
from dsr_engine.certificate.trust import Bundle
from dsr_engine.domain.errors import NotVerified, Unreachable


def vouched_until(document: bytes) -> datetime | None:
    """When the first certificate under the last timestamp of the document ends; None where no authority timestamped it.

    Raises `NotVerified` for what is no certificate of ours.
    """
    last = containers(document)[-1]
    if not last.signed.is_timestamp:
        return None
    held = cms.ContentInfo.load(last.signed.encoded)["content"]["certificates"]
    return min(x509.load_der_x509_certificate(entry.chosen.dump()).not_valid_after_utc for entry in held)


def renewed(document: bytes, tsa_url: str, bundle: Bundle) -> bytes:
    """The document with one more timestamp at its end.

    Raises `Unreachable` if the authority does not help, and `NotVerified` if the document is not genuine, before or after: what was altered gets no
    new timestamp, and a renewal that would break a certificate is not written.
    """
    _require(document, bundle)
    number = len(PdfFileReader(io.BytesIO(document)).embedded_signatures)
    stamper = PdfTimeStamper(TimeClerk(tsa_url), field_name=f"{TIME_FIELD}{number}")
    writer = RepeatableWriter(io.BytesIO(document))
    writer.name_after(document)
    try:
        output: io.BytesIO = stamper.timestamp_pdf(writer, "sha256", bytes_reserved=2 * ROOM_WITH_TIME, output=io.BytesIO())
    except (TimestampRequestError, SigningError) as error:
        hint = "look at the authority's certificate and at [timestamp] in dsr.toml"
        raise Unreachable(f"the timestamp authority gave no usable timestamp ({type(error).__name__})", code="tsa.refused", hint=hint) from None
    after = output.getvalue()
    _require(after, bundle)
    return after


def _require(document: bytes, bundle: Bundle) -> None:
    report = check(document, bundle)
    if not report.is_genuine:
        raise NotVerified(
            "the certificate is not genuine, so no timestamp is put on it", code="certificate.not_genuine", hint="`dsr verify` tells more"
        )
