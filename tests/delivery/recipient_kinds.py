"""Recipients that speak OpenDSR and the IAB's framework as their specifications say, and messages to them."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dsr_engine.delivery.tokens import SigningKey, jwk_of, signed, verified
from dsr_engine.domain.recipient import AWAITED, Channel, Recipient, Role, What
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.telling import Identifier, Message
from tests.servers.recipient_server import Asked, RecipientServer, Reply

CANARY = "jane.canary+7f3a@example.org"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = "a7551968-d5d6-44b2-9831-815ac9017798"


def recipient_of(server: RecipientServer, channel: Channel, **settings: str) -> Recipient:
    """A processor on this server that knows people by their addresses."""
    given = {"ca_file": str(server.ca_file), "internal": "true", **settings}
    return Recipient(
        name="processor",
        title="Example Processing Ltd",
        role=Role.PROCESSOR,
        channel=channel,
        receives=("user.contact",),
        identify_by=("email", "customer_id"),
        awaits=AWAITED[Role.PROCESSOR],
        settings={key: Secret(value) for key, value in given.items()},
    )


def message(what: tuple[What, ...] = (What.ERASE,), *, identifiers: tuple[Identifier, ...] = (), reminder: int = 0) -> Message:
    return Message(
        id=ID,
        reference="c0ffee000000",
        what=what,
        law="Art. 19 GDPR",
        regulation="gdpr",
        requested_at=NOON,
        answer_by=date(2026, 4, 2),
        identifiers=identifiers or (Identifier("email", Secret(CANARY)),),
        controller={"name": "Teahouse", "contact": "privacy@example.com"},
        reminder=reminder,
    )


class Processor:
    """An OpenDSR processor. `key` signs its answers; `requests` are those that it has, by id."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None, domain: str = "localhost") -> None:
        self.key, self.domain = key, domain
        self.requests: dict[str, dict[str, Any]] = {}
        self.headers = "X-OpenDSR"
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
        self.spoil = b""

    def __call__(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/v2")
        if path == "/discovery":
            return self._reply(200, self._discovery())
        if asked.method == "POST":
            return self._posted(asked)
        id_ = path.removeprefix("/requests/")
        if id_ not in self.requests:
            return self._reply(404, {"error": {"code": 404}})
        if asked.method == "DELETE":
            self.requests[id_]["status"] = "cancelled"
            return self._reply(202, {"controller_id": "c", "subject_request_id": id_, "received_time": "2026-03-02T12:00:00Z"})
        return self._reply(200, self._status(id_))

    def _discovery(self) -> dict[str, Any]:
        identities = [{"identity_type": "email", "identity_format": form} for form in ("raw", "sha256")]
        return {"api_version": "2.0", "supported_identities": identities, "supported_subject_request_types": ["erasure"]}

    def _posted(self, asked: Asked) -> Reply:
        document = json.loads(asked.body)
        id_ = document["subject_request_id"]
        if id_ in self.requests:
            return self._reply(400, {"error": {"code": 400, "message": f"duplicate request of {document['subject_identities']}"}})
        self.requests[id_] = {"body": document, "status": "pending"}
        answer = {
            "controller_id": "c",
            "expected_completion_time": "2026-03-20T00:00:00Z",
            "received_time": "2026-03-02T12:00:00Z",
            "encoded_request": base64.b64encode(asked.body).decode(),
            "subject_request_id": id_,
        }
        return self._reply(201, answer)

    def _status(self, id_: str) -> dict[str, Any]:
        return {
            "controller_id": "c",
            "expected_completion_time": "2026-03-20T00:00:00Z",
            "subject_request_id": id_,
            "request_status": self.requests[id_]["status"],
        }

    def _reply(self, status: int, document: dict[str, Any]) -> Reply:
        body = json.dumps(self.change(document)).encode()
        headers = {}
        if self.key is not None:
            headers[f"{self.headers}-Processor-Domain"] = self.domain
            headers[f"{self.headers}-Signature"] = base64.b64encode(self.key.sign(body, ec.ECDSA(SHA256()))).decode()
        return Reply(status, body + self.spoil, headers)


class Vendor:
    """A recipient of the IAB's framework. `ours` is the public key that we publish; `code` is the result that it gives."""

    def __init__(
        self, server: RecipientServer, ours: Mapping[str, str], key: SigningKey, *, formats: tuple[tuple[str, str], ...] = (("email", "sha256"),)
    ) -> None:
        self.server, self.ours, self.key, self.formats = server, ours, key, formats
        self.code: object = 0
        self.script = False
        self.is_bare = True
        self.requests: list[Mapping[str, Any]] = []
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.signs_with = key

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/dsrdelete.json":
            return Reply(200, json.dumps(self.published()).encode())
        token = json.loads(asked.body)["rqJWT"]
        request = verified(token, [self.ours])
        verified(request["idJWT"], [self.ours])
        self.requests.append(request)
        claims = {"version": "1.0", "rqJWT": token, "jti": "6G7H8J", "iss": self.server.domain, "iat": 1, "raResultCode": self.code}
        answer = signed(self.change({**claims, "raResultString": f"about {request['sub']}"}), self.signs_with)
        body = answer if self.is_bare else json.dumps({"acJWT": answer})
        return Reply(202 if self.code == 0 else 400, body.encode())

    def published(self) -> dict[str, Any]:
        identifiers = [{"id": number, "type": kind, "format": form} for number, (kind, form) in enumerate(self.formats)]
        return {
            "endpoint": f"{self.server.url}/delete",
            "identifiers": identifiers,
            "publicKey": [dict(jwk_of(self.key))],
            "vendorScriptRequirement": self.script,
        }


def new_key(name: str = "key-1") -> SigningKey:
    return SigningKey(ec.generate_private_key(ec.SECP256R1()), name)


def pem_of(key: SigningKey) -> str:
    return key.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
