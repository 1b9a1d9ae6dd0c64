"""The key under which the hashes of the Delete Request and Opt-out Platform are kept.

It is a file beside the others and apart from the key of the suppression list: what one list knows must not be compared with the other.
"""

import hmac
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_engine.domain.drop import DropList
from dsr_engine.domain.errors import NotVerified
from dsr_engine.store.key_files import secret_in

_NONCE = 12
_PURPOSE = b"dsr-drop-archive/1"


class DropKey:
    """The HMAC key of work items, in the keys folder; made at first use. Without it no kept item can be compared any more."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "drop.key"
        self._secret = b""

    def __repr__(self) -> str:
        return "DropKey(•••)"

    def digest(self, entry: DropList, hashed: str) -> bytes:
        """HMAC-SHA-256 (32 bytes) of a list and a hash on it."""
        return hmac.digest(self._secret or self._read(), f"{entry.value}\0{hashed}".encode(), "sha256")

    def seal(self, plain: bytes) -> bytes:
        """AES-256-GCM under a key of its own."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._sealing()).encrypt(nonce, plain, _PURPOSE)

    def unseal(self, sealed: bytes) -> bytes:
        """The plain bytes; raises `NotVerified` if they were altered."""
        try:
            return AESGCM(self._sealing()).decrypt(sealed[:_NONCE], sealed[_NONCE:], _PURPOSE)
        except (InvalidTag, ValueError):
            raise NotVerified("what the platform sent cannot be opened with drop.key", code="drop.key", hint="restore the keys folder") from None

    def _sealing(self) -> bytes:
        return hmac.digest(self._secret or self._read(), _PURPOSE, "sha256")

    def _read(self) -> bytes:
        self._secret = secret_in(self._path)
        return self._secret
