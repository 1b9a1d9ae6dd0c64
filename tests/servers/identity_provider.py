"""An identity provider (OpenID Connect) on 127.0.0.1: it signs with real keys, checks client, code and PKCE, and errs as a test says."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from dsr_engine.domain.clock import Clock
from tests.servers.recipient_server import Asked, RecipientServer, Reply

CLIENT, SECRET = "dsr", "the provider's secret of us"


@dataclass
class IdentityProvider:
    """`claims` are of whoever signs in next. `wrong` replaces those of the ID token, `says` entries of discovery; `signing` is how it is signed."""

    server: RecipientServer
    clock: Clock
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "248289761001", "preferred_username": "ann", "groups": ["privacy-team"]})
    wrong: dict[str, Any] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)
    signing: str = "RS256"
    granted: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rsa, self.ec, self.stranger = _keys()
        self.server.answering = self._answer

    @property
    def issuer(self) -> str:
        return f"{self.server.url}/tenant"

    def authorize(self, address: str, **changed: str) -> str:
        """What the browser is sent back to after its owner signed in here; `changed` are parameters that somebody changed on the way."""
        asked = dict(parse_qsl(urlsplit(address).query)) | changed
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["scope"].split()[0] == "openid"
        code = secrets.token_urlsafe(16)
        self.granted[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def _answer(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/tenant")
        if path == "/.well-known/openid-configuration":
            return _json(self._discovery() | self.says)
        if path == "/keys":
            return _json({"keys": [self.rsa.as_dict(private=False), self.ec.as_dict(private=False)]})
        if path == "/token" and asked.method == "POST":
            return self._token(asked)
        return Reply(404)

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def _token(self, asked: Asked) -> Reply:
        sent = dict(parse_qsl(asked.body.decode()))
        granted = self.granted.pop(sent.get("code", ""), None)
        client = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {client}":
            return _json({"error": "invalid_client"}, 401)
        if granted is None or sent.get("redirect_uri") != granted["redirect_uri"] or not _is_proved(granted, sent.get("code_verifier", "")):
            return _json({"error": "invalid_grant"}, 400)
        return _json({"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": self._id_token(granted)})

    def _id_token(self, granted: Mapping[str, str]) -> str:
        now = int(self.clock.now().timestamp())
        usual = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": granted.get("nonce", "")}
        claims = {key: value for key, value in {**usual, **self.claims, **self.wrong}.items() if value is not None}
        if self.signing in ("none", "HS256"):
            head, body = (_text(json.dumps(part).encode()) for part in ({"alg": self.signing, "typ": "JWT", "kid": "rsa"}, claims))
            # The public key as a shared secret: the confusion that RFC 8725 § 2.1 warns of.
            code = hmac.digest(self.rsa.as_pem(private=False), f"{head}.{body}".encode(), "sha256") if self.signing == "HS256" else b""
            return f"{head}.{body}.{_text(code)}"
        if self.signing == "ES256":
            return jwt.encode({"alg": "ES256", "kid": "ec"}, claims, self.ec)
        return jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, self.stranger if self.signing == "stranger" else self.rsa)


@cache
def _keys() -> tuple[RSAKey, ECKey, RSAKey]:
    """Two keys of the provider, and one that calls itself as one of them does. Made once: they cost a second."""
    own, stranger = (RSAKey.import_key(_pem(rsa.generate_private_key(65537, 2048)), {"kid": "rsa", "use": "sig"}) for _ in range(2))
    return own, ECKey.import_key(_pem(ec.generate_private_key(ec.SECP256R1())), {"kid": "ec", "use": "sig"}), stranger


def _is_proved(granted: Mapping[str, str], verifier: str) -> bool:
    challenge = _text(hashlib.sha256(verifier.encode()).digest())
    return granted.get("code_challenge_method") == "S256" and hmac.compare_digest(challenge, granted.get("code_challenge", ""))


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _json(document: Mapping[str, Any], status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
