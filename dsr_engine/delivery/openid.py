"""OpenID Connect with the company's identity provider: authorization code with PKCE (RFC 7636), and an ID token that is checked wholly.

Authlib and joserfc know the protocol; the lines to the provider are `Web`'s, which judges where it connects to and follows nobody.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dsr_engine.delivery.web import Web, checked_url
from dsr_engine.domain.errors import DsrError, NotAllowed, NotVerified, Unreachable
from dsr_engine.domain.sign_on import SignOn

#: Public keys only: a token "signed" with a shared secret, or with nothing, is no word of the provider (RFC 8725 § 2.1).
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_KINDS = ("RSA", "EC", "OKP")
#: Clocks may differ by so many seconds.
_LEEWAY = 60
_SCOPE = "openid profile"
_HINTS = {
    "web.private": "say `internal = true` in [oidc] of dsr.toml if that is meant to be",
    "web.certificate": "name `ca` in [oidc] of dsr.toml if its authority is its own",
    "web.redirect": "write the issuer into dsr.toml exactly as the provider writes it",
    "web.unknown_host": "look at the issuer in [oidc] of dsr.toml",
}
_OTHER_HINT = "whoever runs this server finds in [oidc] of dsr.toml which provider is meant; sign in with an account of this server meanwhile"


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself (OpenID Connect Discovery 1.0 § 3)."""

    issuer: str
    authorization: str
    token: str
    keys: str
    takes_basic: bool
    names_itself: bool


@dataclass(frozen=True, slots=True, repr=False)
class Journey:
    """What a browser sets out with: `state` comes back with the code, `nonce` in the ID token, `verifier` proves that the code is ours."""

    state: str
    nonce: str
    verifier: str


def discover(sign_on: SignOn) -> Provider:
    """What the issuer says where its doors are. Raises `Unreachable`, `NotAllowed`, `NotVerified` (`sign_on.issuer`)."""
    document = _asked(sign_on, sign_on.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if document.get("issuer") != sign_on.issuer:
        raise NotVerified(
            "the identity provider calls itself otherwise than [oidc] of dsr.toml does", code="sign_on.issuer", hint="write its `issuer` as it does"
        )
    doors = [str(document.get(name, "")) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    for door in doors:
        checked_url(door)
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    return Provider(sign_on.issuer, doors[0], doors[1], doors[2], "client_secret_basic" in methods, names_itself)


def authorization_url(sign_on: SignOn, provider: Provider, journey: Journey, return_address: str) -> str:
    """Where the browser is sent to."""
    address, _ = _client(sign_on, provider, return_address).create_authorization_url(
        provider.authorization, state=journey.state, nonce=journey.nonce, code_verifier=journey.verifier
    )
    return str(address)


def redeem(sign_on: SignOn, provider: Provider, journey: Journey, code: str, return_address: str, now: datetime) -> Mapping[str, Any]:
    """The claims of the ID token that the code stands for, every one of them checked.

    Raises `NotAllowed` (`sign_on.refused`) if the provider does not take the code, `NotVerified` (`sign_on.token`) for a token that does not hold.
    """
    client = _client(sign_on, provider, return_address)
    try:
        answer = client.fetch_token(provider.token, grant_type="authorization_code", code=code, code_verifier=journey.verifier)
    except (OAuth2Error, ValueError):
        raise NotAllowed("the identity provider does not take the code that it gave", code="sign_on.refused", hint="try again") from None
    keys = _asked(sign_on, provider.keys).get("keys")
    try:
        public = KeySet.import_key_set({"keys": [key for key in keys or () if key.get("kty") in _KINDS and key.get("use", "sig") == "sig"]})
        token = jwt.decode(str(answer["id_token"]), public, algorithms=list(_ALGORITHMS))
        claims = CodeIDToken(
            token.claims,
            token.header,
            {"iss": {"essential": True, "value": provider.issuer}, "aud": {"essential": True, "value": sign_on.client_id}},
            {"nonce": journey.nonce, "client_id": sign_on.client_id, "access_token": answer.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotVerified("the identity provider's word does not hold", code="sign_on.token", hint="try again; then ask whoever runs it") from None
    return dict(claims)


def _client(sign_on: SignOn, provider: Provider, return_address: str) -> OAuth2Client:
    secret = sign_on.client_secret.reveal() if sign_on.client_secret else None
    method = ("client_secret_basic" if provider.takes_basic else "client_secret_post") if secret else "none"
    return OAuth2Client(
        _Line(sign_on),
        client_id=sign_on.client_id,
        client_secret=secret,
        token_endpoint_auth_method=method,
        scope=_SCOPE,
        redirect_uri=return_address,
        code_challenge_method="S256",
    )


class _Line:
    """What Authlib's client speaks through instead of a session of `requests`."""

    def __init__(self, sign_on: SignOn) -> None:
        self._sign_on = sign_on

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth) -> "_Reply":
        address, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        with _told():
            answer = _web(self._sign_on, accepted=frozenset({400, 401, 403})).ask("POST", address, body=body.encode(), headers=sent)
        return _Reply(answer.status, answer.body)


@dataclass(frozen=True, slots=True, repr=False)
class _Reply:
    """An answer as Authlib reads it."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        """Only called for an answer that is no JSON object."""
        raise ValueError


def _asked(sign_on: SignOn, url: str) -> Mapping[str, Any]:
    with _told():
        return _web(sign_on).ask("GET", url).document()


def _web(sign_on: SignOn, accepted: frozenset[int] = frozenset()) -> Web:
    return Web(ca_file=sign_on.ca, internal=sign_on.internal, seconds=10.0, accepted=accepted)


@contextmanager
def _told() -> Iterator[None]:
    """Says what `Web` found in words for whoever signs in."""
    try:
        yield
    except DsrError as error:
        family = type(error) if isinstance(error, Unreachable | NotVerified | NotAllowed) else NotAllowed
        raise family(f"identity provider: {error.message}", code=error.code, hint=_HINTS.get(error.code, _OTHER_HINT)) from None
