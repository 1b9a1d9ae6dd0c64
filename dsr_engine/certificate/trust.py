"""What an auditor trusts, in one text file: the authority, the log's keys, the timestamp authority.

The file travels another way than the certificates (by hand, from a web page, in a contract). A certificate never brings its own trust.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dsr_engine.certificate.keys import fingerprint
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.domain.note import LogKey

_FORMAT = "dsr-trust/1"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The keys of one installation. `tsa` are certificates of timestamp authorities (their root, or the unit itself); may be empty."""

    controller: str
    ca: tuple[x509.Certificate, ...]
    log_keys: tuple[LogKey, ...]
    tsa: tuple[x509.Certificate, ...] = ()


def bundle_text(bundle: Bundle) -> str:
    """The bundle as JSON that people can read: each certificate stands beside its fingerprint."""
    document = {
        "format": _FORMAT,
        "controller": bundle.controller,
        "ca": [_shown(entry) for entry in bundle.ca],
        "log_keys": [str(key) for key in bundle.log_keys],
        "tsa": [_shown(entry) for entry in bundle.tsa],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Writes the text of the bundle to a file."""
    path.write_text(bundle_text(bundle), encoding="utf-8")


def read_bundle(path: Path) -> Bundle:
    """Reads a bundle; raises `InputWrong` if it is malformed or shows a fingerprint that is not its certificate's."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="trust.unreadable") from None
    return bundle_in(text, path)


def bundle_in(text: bytes, path: Path) -> Bundle:
    """Reads the text of a bundle; `path` is what errors call it. Raises `InputWrong` as `read_bundle` does."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise InputWrong(f"{path} is not JSON", code="trust.malformed") from None
    match document:
        case {"format": "dsr-trust/1", "controller": str(controller), "ca": list(ca), "log_keys": list(keys), "tsa": list(tsa), **rest} if not rest:
            return Bundle(
                controller,
                tuple(_certificate(path, e) for e in ca),
                tuple(_log_key(path, e) for e in keys),
                tuple(_certificate(path, e) for e in tsa),
            )
    raise InputWrong(f"{path} is not a trust bundle of this version", code="trust.malformed", hint=f"a bundle begins with format {_FORMAT}")


def certificates_in(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, such as a timestamp authority publishes."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise InputWrong(f"{path} cannot be read: {error.strerror}", code="trust.unreadable") from None
    except ValueError:
        raise InputWrong(f"{path} holds no certificate in PEM", code="trust.malformed") from None


def _shown(certificate: x509.Certificate) -> dict[str, str]:
    return {
        "subject": certificate.subject.rfc4514_string(),
        "valid_until": certificate.not_valid_after_utc.date().isoformat(),
        "sha256": fingerprint(certificate),
        "pem": certificate.public_bytes(Encoding.PEM).decode(),
    }


def _certificate(path: Path, entry: object) -> x509.Certificate:
    match entry:
        case {"pem": str(pem), "sha256": str(shown)}:
            pass
        case _:
            raise InputWrong(f"{path} has an entry that is not a certificate", code="trust.malformed")
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise InputWrong(f"{path} has an entry that is not a certificate", code="trust.malformed") from None
    if fingerprint(certificate) != shown:
        raise InputWrong(f"{path} shows a fingerprint that is not its certificate's", code="trust.fingerprint")
    return certificate


def _log_key(path: Path, entry: object) -> LogKey:
    try:
        return LogKey.parse(str(entry))
    except NotVerified as error:
        raise InputWrong(f"{path}: {error.message}", code="trust.malformed") from None
