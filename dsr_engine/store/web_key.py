"""The secret of the web's doors: cookies are signed with it, second factors sealed under it, counted addresses digested with it."""

import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_engine.domain.errors import NotVerified
from dsr_engine.store.key_files import secret_in

_NONCE = 12


class WebKey:
    """32 random bytes in the keys folder, made at first use, and a key of its own for each purpose (HMAC-SHA-256 of its name)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "web.key"

    def __repr__(self) -> str:
        return "WebKey(•••)"

    def secret(self, purpose: str) -> bytes:
        """The key for this purpose, 32 bytes."""
        return hmac.digest(secret_in(self._path), purpose.encode(), "sha256")

    def digest(self, purpose: str, value: str) -> bytes:
        """HMAC-SHA-256 (32 bytes) of a value that must not be kept, such as the address of a visitor."""
        return hmac.digest(self.secret(purpose), value.encode(), "sha256")

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """AES-256-GCM under the key of this purpose."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.secret(purpose)).encrypt(nonce, plain, None)

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """The plain bytes; raises `NotVerified` if they were altered, or sealed under another key."""
        try:
            return AESGCM(self.secret(purpose)).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except (InvalidTag, ValueError):
            raise NotVerified("a secret of the web's doors cannot be opened with web.key", code="web.key", hint="restore the keys folder") from None
