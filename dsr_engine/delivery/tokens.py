"""JSON Web Tokens as far as the IAB's deletion framework needs them: signed with ES256 or RS256, in compact form (RFC 7515, 7518, 7519).

The algorithm is the key's, never the token's: a token that says `none`, or HS256 with a public key as its secret, is refused.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dsr_engine.domain.errors import InputWrong, NotVerified

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
#: RFC 7518 § 3.3: at least so many bits.
_LEAST_RSA = 2048
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
#: Bytes of each half of a P-256 signature (RFC 7518 § 3.4).
_HALF = 32


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key, and the name under which its public half is published."""

    key: PrivateKey
    name: str

    @property
    def algorithm(self) -> str:
        return "RS256" if isinstance(self.key, rsa.RSAPrivateKey) else "ES256"


def read_key(pem: str, name: str) -> SigningKey:
    """The private key in PEM form: P-256, or RSA of at least 2048 bits. Raises `InputWrong`."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InputWrong("the signing key cannot be read", code="token.key", hint="it is a private key in PEM form without a password") from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_RSA:
        return SigningKey(key, name)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return SigningKey(key, name)
    raise InputWrong("the signing key is of a kind that is not used here", code="token.key", hint="P-256, or RSA of at least 2048 bits")


def signed(claims: Mapping[str, Any], key: SigningKey) -> str:
    """The token, in compact form."""
    header = {"alg": key.algorithm, "kid": key.name, "typ": "JWT"}
    body = f"{_written(json.dumps(header).encode())}.{_written(json.dumps(claims).encode())}"
    if isinstance(key.key, rsa.RSAPrivateKey):
        signature = key.key.sign(body.encode(), padding.PKCS1v15(), SHA256())
    else:
        r, s = decode_dss_signature(key.key.sign(body.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")
    return f"{body}.{_written(signature)}"


def verified(token: str, keys: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The claims of a token that one of the keys (JWK, RFC 7517) signed. Raises `NotVerified` without anything of what is in it."""
    parts = token.split(".")
    if len(parts) != 3:
        raise _wrong("is not a signed token")
    header, claims = _object(parts[0]), _object(parts[1])
    signature = _read(parts[2])
    body = f"{parts[0]}.{parts[1]}".encode()
    wanted = header.get("kid")
    named = [key for key in keys if wanted is None or key.get("kid") in (None, wanted)]
    if not any(_holds(public_key(key), str(header.get("alg")), body, signature) for key in named):
        raise _wrong("bears no signature of its sender")
    return claims


def claims_unverified(token: str) -> Mapping[str, Any]:
    """What a token says, believed by nobody: only to learn whose key it has to be verified with. Raises `NotVerified` where it cannot be read."""
    parts = token.split(".")
    if len(parts) != 3:
        raise _wrong("is not a signed token")
    return _object(parts[1])


def public_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """The key that a JWK describes (RFC 7518 § 6.2, 6.3); None for one that is not used here."""
    try:
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
            return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()
        if jwk.get("kty") == "RSA":
            found = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
            return found if found.key_size >= _LEAST_RSA else None
    except (KeyError, ValueError, TypeError, AttributeError, NotVerified):
        return None
    return None


def jwk_of(key: SigningKey) -> Mapping[str, str]:
    """The public half, as it is published in `dsrdelete.json`."""
    public = key.key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {"kty": "RSA", "kid": key.name, "alg": "RS256", "n": _short(numbers.n), "e": _short(numbers.e)}
    point = public.public_numbers()
    x, y = (_written(half.to_bytes(_HALF, "big")) for half in (point.x, point.y))
    return {"kty": "EC", "kid": key.name, "alg": "ES256", "crv": "P-256", "x": x, "y": y}


def _holds(key: PublicKey | None, algorithm: str, body: bytes, signature: bytes) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm == "RS256":
            key.verify(signature, body, padding.PKCS1v15(), SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm == "ES256" and len(signature) == 2 * _HALF:
            halves = (int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big"))
            key.verify(encode_dss_signature(*halves), body, ec.ECDSA(SHA256()))
            return True
    except InvalidSignature:
        return False
    return False


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_read(part))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _wrong("cannot be read")
    return found


def _read(text: str) -> bytes:
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        raise _wrong("cannot be read")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _written(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(text: str) -> int:
    return int.from_bytes(_read(text), "big")


def _short(number: int) -> str:
    return _written(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _wrong(how: str) -> NotVerified:
    return NotVerified(f"the answer {how}", code="token.wrong", hint="ask the recipient which key it signs with")
