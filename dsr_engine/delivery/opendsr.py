"""OpenDSR 2.0, formerly OpenGDPR: a processor takes an erasure request, says when it will be done, and is asked how it stands.

The answer to a request holds the request itself (`encoded_request`), which must neither be logged nor stored: of every answer only the status and the
expected time are read. Callbacks are not asked for; we poll. Where a certificate is named, an answer whose signature does not hold is no answer.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate, DNSName, ExtensionNotFound, SubjectAlternativeName, load_pem_x509_certificate

from dsr_engine.delivery.web import Answered, Web
from dsr_engine.domain.errors import InputWrong, NotAllowed, NotSupported, NotVerified
from dsr_engine.domain.recipient import NoticeState, Recipient, What
from dsr_engine.domain.telling import Answer, Identifier, Message

VERSION = "2.0"
#: Our kinds of identifiers → the specification's (§ 5.1). Others go under their own name, which a processor may know.
_TYPES = {"customer_id": "controller_customer_id"}
REGULATIONS = ("gdpr", "ccpa")
_STATES = {
    "pending": NoticeState.ACKNOWLEDGED,
    "in_progress": NoticeState.ACKNOWLEDGED,
    "completed": NoticeState.CONFIRMED,
    "cancelled": NoticeState.FAILED,
}
#: Headers that processors of earlier versions use must still be honoured (§ 10.1).
_NAMES = ("x-opendsr", "x-opengdpr")


class OpenDsr:
    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._url = recipient.setting("url").rstrip("/")
        self._format = recipient.setting("format", "raw")
        self._web = Web(recipient.setting("ca_file"), recipient.setting("internal") == "true", accepted=frozenset({400, 404, 409}))
        self._certificate = _certificate(recipient.setting("certificate"))

    def tell(self, message: Message, now: datetime) -> Answer:  # noqa: ARG002  # the contract's signature
        """A request that the processor has already (we were killed before we wrote down its answer) is asked about instead of made again."""
        if message.reminder:
            return self.ask(message.id)
        if What.ERASE not in message.what:
            raise NotSupported("OpenDSR knows no restriction", code="opendsr.type", hint="tell this recipient of restrictions by hand")
        answered = self._send("POST", "/requests", self._body(message))
        if answered.status in (400, 409):
            # Processors refuse an id twice with 400 (mParticle) or 409; whether that was the reason, only the status tells.
            known = self._send("GET", f"/requests/{message.id}")
            if known.status == 200:
                return self._status(known, message.id)
            raise NotAllowed("the processor refuses the request (status 400)", code="opendsr.refused", hint="ask it which identifiers it takes")
        self._refuse_missing(answered)
        document = self._document(answered, message.id)
        return Answer(NoticeState.ACKNOWLEDGED, "opendsr_pending", _moment(document.get("expected_completion_time")))

    def ask(self, message_id: str) -> Answer:
        answered = self._send("GET", f"/requests/{message_id}")
        self._refuse_missing(answered)
        return self._status(answered, message_id)

    def cancel(self, message_id: str) -> Answer:
        """Only a request that is still pending can be cancelled (§ 9)."""
        if self.ask(message_id).code != "opendsr_pending":
            raise NotAllowed("the processor has begun already: it is too late to cancel", code="opendsr.late", hint="write to the recipient")
        answered = self._send("DELETE", f"/requests/{message_id}")
        if answered.status != 202:
            raise NotAllowed(f"the processor does not cancel (status {answered.status})", code="opendsr.refused", hint="write to the recipient")
        self._document(answered, message_id)
        return Answer(NoticeState.FAILED, "opendsr_cancelled")

    def check(self) -> None:
        """Raises `NotSupported` where the processor takes no erasures or none of the identifiers."""
        answered = self._send("GET", "/discovery")
        self._refuse_missing(answered)
        document = answered.document()
        if "erasure" not in _listed(document, "supported_subject_request_types"):
            raise NotSupported("the processor takes no erasure requests", code="opendsr.type", hint="tell it by another channel")
        identities = [entry for entry in _listed(document, "supported_identities") if isinstance(entry, dict)]
        taken = {(str(entry.get("identity_type")), str(entry.get("identity_format"))) for entry in identities}
        if not any((_type(kind), self._format) in taken for kind in self._recipient.identify_by):
            raise NotSupported(
                "the processor takes nothing of `identify_by` in this format",
                code="opendsr.identities",
                hint="look at its /discovery",
            )

    def _body(self, message: Message) -> bytes:
        document = {
            "regulation": self._regulation(message),
            "subject_request_id": message.id,
            "subject_request_type": "erasure",
            "submitted_time": message.requested_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "subject_identities": [self._identity(entry) for entry in message.identifiers],
            "api_version": VERSION,
        }
        return json.dumps(document).encode()

    def _regulation(self, message: Message) -> str:
        """As which law the request goes. Raises `NotSupported`: a wrong one would be a false statement."""
        own = message.regulation if message.regulation in REGULATIONS else "gdpr" if message.regulation == "uk-gdpr" else ""
        found = own or self._recipient.setting("regulation")
        if not found:
            raise NotSupported(
                f"OpenDSR knows gdpr and ccpa, and the law of the case is {message.regulation}",
                code="opendsr.regulation",
                hint="say as which of the two this recipient takes others (`regulation`), or tell it by another channel",
            )
        return found

    def _identity(self, entry: Identifier) -> Mapping[str, str]:
        value = entry.value.reveal()
        if self._format != "raw":
            value = hashlib.new(self._format, value.strip().lower().encode(), usedforsecurity=False).hexdigest()
        return {"identity_type": _type(entry.kind), "identity_value": value, "identity_format": self._format}

    def _send(self, method: str, path: str, body: bytes | None = None) -> Answered:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        authorization = self._recipient.setting("authorization")
        if authorization:
            headers["Authorization"] = authorization
        return self._web.ask(method, self._url + path, body=body, headers=headers)

    def _refuse_missing(self, answered: Answered) -> None:
        if answered.status >= 400:
            raise NotAllowed(
                f"the processor knows no such thing (status {answered.status})", code="opendsr.refused", hint="`url` ends in the version, such as /v2"
            )

    def _status(self, answered: Answered, message_id: str) -> Answer:
        document = self._document(answered, message_id)
        status = str(document.get("request_status"))
        if status not in _STATES:
            raise NotVerified("the processor gives no status that the specification knows", code="opendsr.answer", hint="ask the recipient")
        return Answer(_STATES[status], f"opendsr_{status}", _moment(document.get("expected_completion_time")))

    def _document(self, answered: Answered, message_id: str) -> Mapping[str, Any]:
        """The answer, believed: its signature holds, and it speaks of this request."""
        self._refuse_unsigned(answered)
        document = answered.document()
        if document.get("subject_request_id") != message_id:
            raise NotVerified("the processor speaks of another request", code="opendsr.answer", hint="ask the recipient")
        return document

    def _refuse_unsigned(self, answered: Answered) -> None:
        """Raises `NotVerified` unless the body is signed by the certificate, for the domain that it is of."""
        if self._certificate is None:
            return
        domain = next((answered.headers[f"{name}-processor-domain"] for name in _NAMES if f"{name}-processor-domain" in answered.headers), "")
        written = next((answered.headers[f"{name}-signature"] for name in _NAMES if f"{name}-signature" in answered.headers), "")
        if domain != self._recipient.setting("domain") or not _is_signed(answered.body, written, self._certificate):
            raise NotVerified(
                "the answer bears no signature of the processor",
                code="opendsr.signature",
                hint="ask the recipient whether it has a new certificate",
            )


def _listed(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    return found if isinstance(found, list) else []


def _type(kind: str) -> str:
    return _TYPES.get(kind, kind)


def own_kind(word: str) -> str:
    """Our kind of identifier for the specification's word."""
    return next((kind for kind, theirs in _TYPES.items() if theirs == word), word)


def _certificate(path: str) -> Certificate | None:
    if not path:
        return None
    try:
        return load_pem_x509_certificate(Path(path).read_bytes())
    except (OSError, ValueError):
        raise InputWrong(f"{Path(path).name} is no certificate", code="opendsr.certificate", hint="it holds one certificate in PEM form") from None


def names_of(path: str) -> tuple[str, ...]:
    """The domains that a certificate file speaks for. Raises `InputWrong` for a file that is none."""
    certificate = _certificate(path)
    assert certificate is not None
    try:
        return tuple(certificate.extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName))
    except ExtensionNotFound:
        return ()


def _is_signed(body: bytes, written: str, certificate: Certificate) -> bool:
    key = certificate.public_key()
    try:
        signature = base64.b64decode("".join(written.split()), validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, body, padding.PKCS1v15(), SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, body, ec.ECDSA(SHA256()))
            return True
    except (ValueError, InvalidSignature):
        return False
    return False


def _moment(text: object) -> datetime | None:
    """An RFC 3339 time; None for anything else."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if found is None else found.replace(tzinfo=UTC) if found.tzinfo is None else found
