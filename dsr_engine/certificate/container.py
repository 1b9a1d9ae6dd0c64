"""Reads the signature containers of a certificate, and refuses every byte in them that the program would not have written.

A signature protects what it signs, not the container that it comes in: there, bits can be flipped and things be added that readers skip.
So a container must be upper-case hex (as pyHanko writes it) in DER, padded with zeros; our own is rebuilt from its signed parts and must
be equal byte for byte; a timestamp's may hold nothing but its signature and the certificates of its path.
Sources: RFC 5652 (CMS), RFC 5035, RFC 3161, ISO 32000-2 § 12.8.1.
"""

import hashlib
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from dsr_engine.certificate import der, keys
from dsr_engine.certificate.der import Element, wrap
from dsr_engine.domain.errors import NotVerified

_RANGE = re.compile(rb"/ByteRange \[(0|[1-9]\d*) ([1-9]\d*) ([1-9]\d*) ([1-9]\d*)\]")
_HEX = re.compile(rb"<((?:[0-9A-F]{2})+)>")

_SEQUENCE, _SET, _FIRST, _SECOND = 0x30, 0x31, 0xA0, 0xA1
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")  # 1.2.840.113549.1.7.2
_DATA = bytes.fromhex("06092a864886f70d010701")  # 1.2.840.113549.1.7.1
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # 1.2.840.113549.1.9.16.1.4
_TOKEN = bytes.fromhex("060b2a864886f70d010910020e")  # 1.2.840.113549.1.9.16.2.14
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")  # 1.2.840.113549.1.9.4
_V1, _V3 = bytes.fromhex("020101"), bytes.fromhex("020103")
_SHA2 = {"sha256": 1, "sha384": 2, "sha512": 3}  # the last arc under 2.16.840.1.101.3.4.2
#: Digests by their algorithm identifier; the parameters may be NULL or left out (RFC 5754 § 2).
_DIGESTS = {
    wrap(_SEQUENCE, bytes.fromhex("06096086480165030402") + bytes([arc]), null): name for name, arc in _SHA2.items() for null in (b"\5\0", b"")
}
_ECDSA = {name: wrap(_SEQUENCE, bytes.fromhex("06082a8648ce3d0403") + bytes([arc + 1])) for name, arc in _SHA2.items()}
_RSA = {name: wrap(_SEQUENCE, bytes.fromhex("06092a864886f70d0101") + bytes([10 + arc]), b"\5\0") for name, arc in _SHA2.items()}
_PLAIN_RSA = wrap(_SEQUENCE, bytes.fromhex("06092a864886f70d010101"), b"\5\0")
#: What reading a certificate raises that somebody has made up.
_UNREADABLE = (
    *(ValueError, TypeError, UnsupportedAlgorithm, CryptographyDeprecationWarning),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
_SIGNATURES = {*_ECDSA.values(), *_RSA.values(), _PLAIN_RSA}


@dataclass(frozen=True, slots=True)
class Container:
    """One signature container. `start` and `end` bound the bytes that the signature does not cover; `whole` is where the signed revision ends."""

    start: int
    end: int
    whole: int
    signed: "Signed"

    def covered(self, pdf: bytes) -> bytes:
        return pdf[: self.start] + pdf[self.end : self.whole]


@dataclass(frozen=True, slots=True)
class Signed:
    """A CMS SignedData with one signature, in pieces. `token` is the timestamp on the signature, empty where there is none."""

    encoded: bytes
    version: bytes
    digests: bytes
    content: Element
    certificates: tuple[bytes, ...]
    signer: tuple[Element, ...]
    token: bytes

    @property
    def is_timestamp(self) -> bool:
        return self.content.content.startswith(_TST_INFO)

    @property
    def attributes(self) -> bytes:
        """What is signed: the attributes as the SET that they are (RFC 5652 § 5.4)."""
        return bytes([_SET]) + self.signer[3].raw[1:]

    @property
    def stated_digest(self) -> bytes:
        found = [entry.parts[1] for entry in self.signer[3].parts if entry.parts[0].raw == _MESSAGE_DIGEST]
        return found[0].parts[0].content


def containers(pdf: bytes) -> tuple[Container, ...]:
    """All signature containers in the order of the file. Raises `NotVerified` unless the last one signs up to the last byte."""
    found = tuple(_container(pdf, *(int(part) for part in match.groups())) for match in _RANGE.finditer(pdf))
    if not found:
        raise NotVerified("the document is not signed", code="container.missing")
    if pdf.count(b"/ByteRange") != len(found):
        raise NotVerified("the document has a signature that is not written as ours are", code="container.form")
    if [entry.whole for entry in found] != sorted({entry.whole for entry in found}):
        raise NotVerified("the document's signatures overlap", code="container.form")
    if found[-1].whole != len(pdf):
        raise NotVerified("there are bytes after the last signed one", code="container.after_end")
    return found


def certification(container: Container, pdf: bytes) -> tuple[x509.Certificate, ...]:
    """The signer's certificate and its chain. Raises `NotVerified` unless the container is exactly what the program writes, and signs the file."""
    signed = container.signed
    chain = _chain(signed)
    digest = keys.digest_of(chain[0])
    if _rebuilt(signed, digest.name, isinstance(chain[0].public_key(), RSAPublicKey)) != signed.encoded:
        raise _unlisted("the signature's container holds something that the program does not write")
    keys.verify(chain[0], signed.signer[5].content, signed.attributes)
    _require_digest(signed, digest.name, container.covered(pdf))
    if signed.token:
        require_token(read_signed(signed.token), signed.signer[5].content)
    return chain


def require_token(signed: Signed, covered: bytes) -> None:
    """Raises `NotVerified` unless the timestamp is over `covered`, and its container holds nothing that a timestamp does not need.

    Whether the signature holds and whose it is are left to the validation of its path.
    """
    version, _, digest, _, algorithm = (entry.raw for entry in signed.signer[:5])
    plain = signed.version == _V3 and version == _V1 and signed.digests == wrap(_SET, digest) and algorithm in _SIGNATURES
    if not plain or not signed.is_timestamp or digest not in _DIGESTS or len(signed.signer) != 6:
        raise _unlisted("a timestamp's container holds something that a timestamp does not need")
    _chain(signed)
    try:
        info = signed.content.parts[1].parts[0].content
        imprint = der.read(info).parts[2].parts
        name = _DIGESTS[imprint[0].raw]
    except (IndexError, KeyError):
        raise _unlisted("a timestamp is not of the form that it should have") from None
    _require_digest(signed, _DIGESTS[digest], info)
    if imprint[1].content != hashlib.new(name, covered).digest():
        raise NotVerified("the document was changed after it was timestamped", code="signature.digest")


def token_chains(found: Sequence[Container]) -> tuple[tuple[x509.Certificate, ...], ...]:
    """The certificates of every timestamp: the one on the signature, and those of the document."""
    signature = (read_signed(found[0].signed.token),) if found[0].signed.token else ()
    return tuple(_chain(signed) for signed in (*signature, *(entry.signed for entry in found[1:])))


def is_anchored(chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]) -> bool:
    """True if no byte at the top of the chain is vouched for by nobody: it signs itself, or is trusted, or a trusted one signed it."""
    top = chain[-1]
    return top.issuer == top.subject or top in trusted or any(_is_issued_by(top, entry) for entry in trusted)


def read_signed(encoded: bytes) -> Signed:
    """The pieces of a SignedData. Raises `NotVerified` unless it is in DER and has one signature and no other parts than ours."""
    try:
        kind, outer = der.read(encoded).parts
        (inner,) = outer.parts
        version, digests, content, certificates, infos = inner.parts
        (info,) = infos.parts
        signer = info.parts
        token = signer[6].parts[0].parts[1].parts[0].raw if len(signer) > 6 and signer[6].parts[0].parts[0].raw == _TOKEN else b""
    except (ValueError, IndexError):
        raise _unlisted("a signature's container is not built as the program builds it") from None
    tags = (outer.tag, inner.tag, certificates.tag, infos.tag, info.tag)
    if kind.raw != _SIGNED_DATA or tags != (_FIRST, _SEQUENCE, _FIRST, _SET, _SEQUENCE) or not 6 <= len(signer) <= 7:
        raise _unlisted("a signature's container holds other parts than the program writes")
    return Signed(encoded, version.raw, digests.raw, content, tuple(entry.raw for entry in certificates.parts), signer, token)


def _container(pdf: bytes, first: int, start: int, after: int, rest: int) -> Container:
    shape = _HEX.fullmatch(pdf, start, after) if first == 0 and start < after <= len(pdf) else None
    if shape is None or after + rest > len(pdf):
        raise NotVerified("a signature's container is not upper-case hex where the signature says that it is", code="container.form")
    raw = bytes.fromhex(shape[1].decode("ascii"))
    size = der.length_of(raw)
    if any(raw[size:]):
        raise NotVerified("a signature's container is padded with something else than zeros", code="container.padding")
    return Container(start, after, after + rest, read_signed(raw[:size]))


def _rebuilt(signed: Signed, digest: str, is_rsa: bool) -> bytes:
    """The container as the program writes it around these certificates, signed attributes, signature and timestamp."""
    hashed_with = wrap(_SEQUENCE, bytes.fromhex("06096086480165030402") + bytes([_SHA2[digest]]), b"\5\0")
    unsigned = wrap(_SECOND, wrap(_SEQUENCE, _TOKEN, wrap(_SET, signed.token))) if signed.token else b""
    info = wrap(
        _SEQUENCE,
        _V1,
        _issued_as(_signer_of(signed)),
        hashed_with,
        wrap(_FIRST, signed.signer[3].content),
        (_RSA if is_rsa else _ECDSA)[digest],
        wrap(0x04, signed.signer[5].content),
        unsigned,
    )
    certificates = wrap(_FIRST, *sorted(signed.certificates))
    inner = wrap(_SEQUENCE, _V1, wrap(_SET, hashed_with), wrap(_SEQUENCE, _DATA), certificates, wrap(_SET, info))
    return wrap(_SEQUENCE, _SIGNED_DATA, wrap(_FIRST, inner))


def _require_digest(signed: Signed, name: str, covered: bytes) -> None:
    try:
        stated = signed.stated_digest
    except IndexError:
        raise _unlisted("a signature's container does not state what it signs") from None
    if stated != hashlib.new(name, covered).digest():
        raise NotVerified("the document was changed after it was signed", code="signature.digest")


def _issued_as(certificate: bytes) -> bytes:
    """Issuer and serial number of a certificate, byte for byte (names that only read alike are not the same)."""
    body = der.read(certificate).parts[0].parts
    return wrap(_SEQUENCE, body[3].raw, body[1].raw)


def _signer_of(signed: Signed) -> bytes:
    try:
        return next(entry for entry in signed.certificates if _issued_as(entry) == signed.signer[1].raw)
    except (StopIteration, IndexError):
        raise _unlisted("the signer's certificate is not in the signature's container") from None


def _chain(signed: Signed) -> tuple[x509.Certificate, ...]:
    """The signer's certificate and those above it. Raises `NotVerified` unless these are all certificates that there are, each signed by the next."""
    first = _signer_of(signed)
    if not all(_has_whole_signature(entry) for entry in signed.certificates):
        raise _unlisted("a certificate's signature does not fill its bytes")
    try:
        left = _loaded(signed.certificates)
        chain = [next(entry for entry in left if entry.public_bytes(Encoding.DER) == first)]
        left.remove(chain[0])
        while left:
            above = next(entry for entry in left if entry.subject == chain[-1].issuer)
            chain[-1].verify_directly_issued_by(above)
            left.remove(above)
            chain.append(above)
        if chain[-1].issuer == chain[-1].subject:
            chain[-1].verify_directly_issued_by(chain[-1])
    except (StopIteration, InvalidSignature, *_UNREADABLE):
        raise _unlisted("the signature's certificates are not one chain") from None
    return tuple(chain)


def _has_whole_signature(certificate: bytes) -> bool:
    """False where the signature claims unused bits: verifiers ignore that, so the count could be changed without notice (X.690 § 8.6.2)."""
    parts = der.read(certificate).parts
    return len(parts) == 3 and parts[2].content[:1] == b"\0"


def _loaded(certificates: Sequence[bytes]) -> list[x509.Certificate]:
    """Certificates that the library would only warn of (a negative serial number, odd parameters) are refused: nobody needs them."""
    with warnings.catch_warnings(action="error", category=CryptographyDeprecationWarning):
        return [x509.load_der_x509_certificate(entry) for entry in certificates]


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def _unlisted(why: str) -> NotVerified:
    return NotVerified(why, code="container.unlisted")
