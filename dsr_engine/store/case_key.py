"""What one case's key can do: seal, unseal, make keyed digests, derive further keys. Pure cryptography, no database.

Each purpose has a key of its own (HKDF-SHA-256, RFC 5869), so a blob that was sealed as a selector never opens as anything else. Sealing
is AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D § 8.2.2); the case, the purpose and the row are bound as additional data.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsr_engine.domain.errors import NotVerified

_VERSION = b"\x01"
_NONCE = 12


class CaseKey:
    """The 32 secret bytes of one case. Lives in memory only as long as somebody works with the case."""

    def __init__(self, case: str, secret: bytes) -> None:
        self._case = case
        self._secret = secret
        self._ciphers: dict[str, AESGCM] = {}
        self._keys: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"CaseKey({self._case!r} •••)"

    def seal(self, plain: bytes, *, purpose: str, row: str = "") -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._cipher(purpose).encrypt(nonce, plain, self._bound(purpose, row))

    def unseal(self, sealed: bytes, *, purpose: str, row: str = "") -> bytes:
        """The plain bytes. Raises `NotVerified` if anything was changed, or sealed for another case, purpose or row."""
        if sealed[:1] == _VERSION:
            try:
                return self._cipher(purpose).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], self._bound(purpose, row))
            except (InvalidTag, ValueError):
                pass
        raise NotVerified(
            f"a sealed {purpose} of case {self._case} is not what the engine wrote: altered, moved from another row, or sealed under another key",
            code="vault.tampered",
            hint="restore the store from a backup and find out who writes to it",
        )

    def mac(self, data: bytes, *, purpose: str) -> bytes:
        """HMAC-SHA-256 under a key for this purpose: equal data of one case give equal digests, those of two cases never."""
        return hmac.digest(self._derived(f"mac/{purpose}"), data, "sha256")

    def key(self, purpose: str) -> bytes:
        """32 bytes for use outside of the vault (pseudonyms)."""
        return self._derived(f"key/{purpose}")

    def _cipher(self, purpose: str) -> AESGCM:
        if purpose not in self._ciphers:
            self._ciphers[purpose] = AESGCM(self._derived(f"seal/{purpose}"))
        return self._ciphers[purpose]

    def _derived(self, use: str) -> bytes:
        if use not in self._keys:
            self._keys[use] = HKDF(SHA256(), length=32, salt=None, info=f"dsr-engine/1/{use}".encode()).derive(self._secret)
        return self._keys[use]

    def _bound(self, purpose: str, row: str) -> bytes:
        return "\0".join(("dsr-sealed/1", self._case, purpose, row)).encode()
