"""The secrets of the portal: of a link, of a browser, of a request that waits. The store has a digest of each and cannot open what they seal."""

import hashlib
import hmac
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_engine.domain.errors import NotVerified
from dsr_engine.domain.selector import Secret

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_NONCE = 12
_DIGITS = 8


def new_secret() -> Secret:
    """256 random bits in 43 characters that may stand in an address."""
    return Secret(secrets.token_urlsafe(32))


def is_secret(text: str) -> bool:
    """True if the text could be a secret of ours at all."""
    return _FORM.fullmatch(text) is not None


def digest_of(secret: Secret) -> bytes:
    """How the store knows a secret. Nobody can guess 256 bits, so SHA-256 needs no key."""
    return hashlib.sha256(secret.reveal().encode()).digest()


def new_code() -> str:
    """Eight digits."""
    return "".join(secrets.choice("0123456789") for _ in range(_DIGITS))


def code_digest(secret: Secret, code: str) -> bytes:
    """Of a code, under the secret of whom it was sent for: with the store alone nobody can try all codes."""
    return hmac.digest(_key(secret, "code"), "".join(filter(str.isdigit, code)).encode(), "sha256")


def seal(secret: Secret, plain: bytes) -> bytes:
    """AES-256-GCM under a key that is made of the secret."""
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(_key(secret, "seal")).encrypt(nonce, plain, None)


def unseal(secret: Secret, sealed: bytes) -> bytes:
    """The plain bytes. Raises `NotVerified` (`portal.sealed`) if they were altered."""
    try:
        return AESGCM(_key(secret, "seal")).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except (InvalidTag, ValueError):
        raise NotVerified("a request that waits for its code was altered", code="portal.sealed", hint="its requester has to send it again") from None


def _key(secret: Secret, use: str) -> bytes:
    return hmac.digest(f"dsr-portal/1/{use}".encode(), secret.reveal().encode(), "sha256")
