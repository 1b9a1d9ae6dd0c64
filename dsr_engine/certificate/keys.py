"""The keys that sign certificates: a local authority for thirty years and signers under it that can be replaced.

Files in the key folder, all of mode 0600: `ca.key.pem`, `ca.crt.pem`, and for each signer `signer-NNN.key.pem`, `signer-NNN.crt.pem`.
The certificate file is written last, so a signer whose creation was killed half-way is never loaded. The highest number signs;
the older certificates stay, because what they signed must stay verifiable.

Signatures are deterministic (RFC 6979; PKCS #1 v1.5 is so by nature), and of the two valid forms of an ECDSA signature only the one
with the low s is written and accepted. So a rerun gives the same bytes, and nobody can make a second valid form of a certificate.
"""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID, ObjectIdentifier

from dsr_engine.domain.clock import Clock
from dsr_engine.domain.errors import Conflict, InputWrong, NotVerified

AUTHORITY_DAYS = 30 * 365 + 8
SIGNER_DAYS = 5 * 365 + 1
_DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
_SIGNER_FILE = re.compile(r"signer-(\d{3})\.crt\.pem")
_ORDERS = {  # n of SEC 2 § 2.4.2 and § 2.5.1
    "secp256r1": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "secp384r1": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
}

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A private key with its certificate and the certificates above it, the nearest first; the last one is what auditors trust."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def anchor(self) -> x509.Certificate:
        """The certificate that a trust bundle names."""
        return self.chain[-1] if self.chain else self.certificate

    def sign(self, data: bytes) -> bytes:
        """A signature over `data`; the same bytes each time. ECDSA gives DER with a low s, RSA gives PKCS #1 v1.5."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        chosen = digest_of(self.certificate)
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(chosen, deterministic_signing=True)))
        return encode_dss_signature(r, min(s, _ORDERS[self.key.curve.name] - s))

    def __repr__(self) -> str:
        return f"Signer({fingerprint(self.certificate)[:23]}…, key •••)"


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate as people compare it: upper-case pairs with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def digest_of(certificate: x509.Certificate) -> hashes.SHA256 | hashes.SHA384:
    """The hash that goes with the certificate's key: SHA-384 for P-384, else SHA-256. `NotVerified` for a key that we never use."""
    public = _usable(certificate)
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp384r1":
        return hashes.SHA384()
    return hashes.SHA256()


def verify(certificate: x509.Certificate, signature: bytes, data: bytes) -> None:
    """Raises `NotVerified` unless the signature over `data` is by this certificate's key, in the one form that `Signer.sign` gives."""
    public, refused = _usable(certificate), NotVerified("the signature does not hold", code="signature.invalid")
    try:
        if isinstance(public, rsa.RSAPublicKey):
            return public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(signature)
        if s > _ORDERS[public.curve.name] // 2 or encode_dss_signature(r, s) != signature:
            raise NotVerified("the signature is not in its canonical form", code="signature.form")
        return public.verify(signature, data, ec.ECDSA(digest_of(certificate)))
    except (InvalidSignature, ValueError):
        raise refused from None


def _usable(certificate: x509.Certificate) -> PublicKey:
    try:
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise NotVerified("the certificate's key cannot be read", code="signature.algorithm") from None
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _ORDERS:
        return public
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048:
        return public
    raise NotVerified("the key is neither EC P-256, EC P-384 nor RSA of 2048 bits or more", code="signature.algorithm")


def create_authority(folder: Path, controller: str, clock: Clock) -> None:
    """Makes the local authority and its first signer. Raises `Conflict` if there is one: a new authority would orphan old certificates."""
    if (folder / "ca.key.pem").exists() or (folder / "ca.crt.pem").exists():
        raise Conflict(
            f"{folder} holds an authority already",
            code="keys.exist",
            hint="use it, or renew its signer with `dsr keys rotate`; remove ca.* only if it never signed a certificate",
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name(controller, "Erasure certificates, authority")
    certificate = (
        _draft(name, name, key.public_key(), clock, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA384())
    )
    _write_key(folder / "ca.key.pem", key)
    _write(folder / "ca.crt.pem", certificate.public_bytes(serialization.Encoding.PEM))
    rotate(folder, controller, clock)


def rotate(folder: Path, controller: str, clock: Clock) -> None:
    """Makes a new signer under the same authority. Certificates that older signers made stay verifiable: trust is in the authority."""
    authority = _read_certificate(folder / "ca.crt.pem")
    authority_key = _read_key(folder / "ca.key.pem")
    number = max((*_numbers(folder), 0)) + 1
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _draft(authority.subject, _name(controller, f"Erasure certificates, signer {number}"), key.public_key(), clock, SIGNER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_DOCUMENT_SIGNING]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, digest_of(authority))
    )
    (folder / f"signer-{number:03}.key.pem").unlink(missing_ok=True)  # left by a try that was killed before its certificate
    _write_key(folder / f"signer-{number:03}.key.pem", key)
    _write(folder / f"signer-{number:03}.crt.pem", certificate.public_bytes(serialization.Encoding.PEM))


def load_signer(folder: Path) -> Signer:
    """The signer with the highest number. Raises `InputWrong` where there is none."""
    numbers = _numbers(folder)
    if not numbers:
        raise InputWrong(f"{folder} holds no signer", code="keys.missing", hint="run `dsr init`, or restore the folder from its backup")
    stem = f"signer-{max(numbers):03}"
    return _signer(_read_key(folder / f"{stem}.key.pem"), _read_certificate(folder / f"{stem}.crt.pem"), (_read_certificate(folder / "ca.crt.pem"),))


def load_pkcs12(path: Path, password: bytes | None) -> Signer:
    """A signer from a PKCS #12 file of the operator's own authority. The chain is put in order; the root may be left out of the file."""
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(path.read_bytes(), password)
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="keys.unreadable") from None
    except ValueError:
        raise InputWrong(f"{path} is not a PKCS #12 file, or the password is wrong", code="keys.unreadable") from None
    if certificate is None or not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise InputWrong(f"{path} holds no EC or RSA key with its certificate", code="keys.unusable")
    chain: list[x509.Certificate] = []
    below = certificate
    while below.issuer != below.subject:
        issuer = next((other for other in others if other.subject == below.issuer and other not in chain), None)
        if issuer is None:
            break
        chain.append(issuer)
        below = issuer
    return _signer(key, certificate, tuple(chain))


def _signer(key: PrivateKey, certificate: x509.Certificate, chain: tuple[x509.Certificate, ...]) -> Signer:
    try:
        _usable(certificate)
    except NotVerified as error:
        raise InputWrong(error.message, code="keys.unusable") from None
    if key.public_key() != certificate.public_key():
        raise InputWrong("the signer's key and certificate do not belong together", code="keys.mismatch")
    return Signer(key, certificate, chain)


def _numbers(folder: Path) -> tuple[int, ...]:
    found = (_SIGNER_FILE.fullmatch(path.name) for path in folder.glob("signer-*.crt.pem"))
    return tuple(int(match[1]) for match in found if match)


def _name(controller: str, role: str) -> x509.Name:
    """X.520 allows 64 characters for an organisation."""
    organisation = " ".join(controller.split())[:64].strip()
    if not organisation:
        raise InputWrong("the controller has no name", code="keys.controller", hint="set [controller] name in dsr.toml")
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, role)])


def _draft(issuer: x509.Name, subject: x509.Name, public: ec.EllipticCurvePublicKey, clock: Clock, days: int) -> x509.CertificateBuilder:
    """Valid from a day ago, so that a machine whose clock is a little behind accepts it."""
    now = clock.now().replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="keys.unreadable") from None
    except ValueError:
        raise InputWrong(f"{path} is not a certificate in PEM", code="keys.unreadable") from None


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="keys.unreadable") from None
    except (ValueError, TypeError):
        raise InputWrong(f"{path} is not an unencrypted private key in PEM", code="keys.unreadable") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InputWrong(f"{path} is not an EC key", code="keys.unusable")
    return key


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    _write(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def _write(path: Path, data: bytes) -> None:
    """A new file that only its owner may read; never over another, and on disk before the next one is begun."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
