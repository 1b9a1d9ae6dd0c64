"""Puts the certification signature on a document (PAdES), and trusted time where an authority is given.

Without a timestamp authority: PAdES B-B, and the same input gives the same bytes. With one: B-LTA, that is a timestamp on the signature,
the certificates in the document's security store, and a document timestamp that reaches the end of the file.
Sources: ETSI EN 319 142-1, ISO 32000-2 § 12.8, RFC 3161.
"""

import asyncio
import hashlib
import io
import logging
from datetime import datetime

import httpx
from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_cms import Signer as CmsSigner
from pyhanko.sign.signers.pdf_signer import (
    DSSContentSettings,
    PdfSignatureMetadata,
    PdfSigner,
    PdfSigningSession,
    SigDSSPlacementPreference,
    TimestampDSSContentSettings,
)
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from dsr_engine.certificate.keys import Signer, digest_of
from dsr_engine.domain.errors import Unreachable

#: pyHanko warns of what is meant here (nothing is fetched) and of what the verifier reports itself; only a log that was asked for gets it.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())

FIELD, TIME_FIELD = "Certification", "DocumentTime"
#: Bytes kept for the signature container: our own is below 4 KiB; a timestamp token with its chain takes up to 12 KiB more.
_ROOM, ROOM_WITH_TIME = 6144, 24576
_SECONDS = 30.0


def sign(document: bytes, at: datetime, signer: Signer, tsa_url: str | None) -> bytes:
    """The signed document. `at` is what the document says of its own time. Raises `Unreachable` if the timestamp authority does not help."""
    writer = RepeatableWriter(io.BytesIO(document))
    writer.name_after(document)
    clerk = TimeClerk(tsa_url) if tsa_url else None
    try:
        pdf_signer = _Signing(_metadata(signer, clerk), _Cms(signer), timestamper=clerk)
        pdf_signer.at = at
        signed: io.BytesIO = pdf_signer.sign_pdf(writer, bytes_reserved=2 * (ROOM_WITH_TIME if clerk else _ROOM), output=io.BytesIO())
    except (TimestampRequestError, PathError, SigningError) as error:
        if clerk is None:
            raise
        raise Unreachable(
            f"the timestamp authority gave no usable timestamp ({type(error).__name__})",
            code="tsa.refused",
            hint="look at the authority's certificate and at tsa_url in dsr.toml",
        ) from None
    return signed.getvalue()


def to_asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _metadata(signer: Signer, clerk: "TimeClerk | None") -> PdfSignatureMetadata:
    settings = {
        "field_name": FIELD,
        "md_algorithm": digest_of(signer.certificate).name,
        "subfilter": SigSeedSubFilter.PADES,
        "certify": True,
        "docmdp_permissions": MDPPerm.NO_CHANGES,
    }
    if clerk is not None:
        roots = [to_asn1(signer.anchor), *clerk.anchors()]
        settings |= {
            "embed_validation_info": True,
            "use_pades_lta": True,
            "timestamp_field_name": TIME_FIELD,
            "validation_context": ValidationContext(trust_roots=roots, other_certs=[to_asn1(entry) for entry in signer.chain], allow_fetching=False),
            "dss_settings": DSSContentSettings(
                include_vri=False,
                placement=SigDSSPlacementPreference.TOGETHER_WITH_NEXT_TS,
                next_ts_settings=TimestampDSSContentSettings(update_before_ts=True, include_vri=False),
            ),
        }
    return PdfSignatureMetadata(**settings)


class _Cms(CmsSigner):  # type: ignore[misc]  # pyHanko is imported without its types
    """pyHanko's signer over our own keys, because ours sign deterministically and with a low s."""

    def __init__(self, signer: Signer) -> None:
        registry = SimpleCertificateStore()
        registry.register_multiple([to_asn1(entry) for entry in signer.chain])
        super().__init__(signing_cert=to_asn1(signer.certificate), cert_registry=registry)
        self._signer = signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002  # pyHanko names them
        return self._signer.sign(data)


class _Signing(PdfSigner):  # type: ignore[misc]  # pyHanko is imported without its types
    """pyHanko's signing with the time that the statement names, not that of the machine."""

    at: datetime

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.at
        return session


class RepeatableWriter(IncrementalPdfFileWriter):  # type: ignore[misc]  # pyHanko is imported without its types
    """pyHanko's writer, made repeatable: no clock and no random number goes into the file."""

    _document_id: generic.ArrayObject

    def name_after(self, document: bytes) -> None:
        first = self._document_id[0]
        self._document_id = generic.ArrayObject([first, generic.ByteStringObject(hashlib.sha256(document).digest()[:16])])

    def _update_meta(self) -> None:
        """Leaves the neutral metadata as they are; pyHanko would write the time of the machine into them."""


class TimeClerk(TimeStamper):  # type: ignore[misc]  # pyHanko is imported without its types
    """Asks an RFC 3161 authority over HTTP."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            answer = httpx.post(self._url, content=req.dump(), headers=headers, timeout=_SECONDS).raise_for_status()
            is_answer = tsp.TimeStampResp.load(answer.content, strict=True).native is not None
        except httpx.HTTPError as error:
            raise Unreachable(
                f"the timestamp authority did not answer ({type(error).__name__})", code="tsa.unreachable", hint="try again later, or check tsa_url"
            ) from None
        except (ValueError, TypeError, KeyError):
            raise Unreachable("the timestamp authority's answer is not a timestamp", code="tsa.refused", hint="check tsa_url") from None
        assert is_answer
        return tsp.TimeStampResp.load(answer.content)  # again, because asn1crypto copies what was read through at a very great cost

    def anchors(self) -> list[asn1_x509.Certificate]:
        """The certificates at the top of what the authority sends, for the security store. Whom to trust is the verifier's own decision."""
        token: cms.ContentInfo = asyncio.run(self.async_dummy_response("sha256"))
        sent = [entry.chosen for entry in token["content"]["certificates"]]
        tops = [entry for entry in sent if not any(other.subject == entry.issuer for other in sent if other is not entry)]
        return tops or sent
