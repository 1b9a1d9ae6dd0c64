"""The key under which a hold knows a person: the hold keeps keyed digests of the identifiers and never a value.

It is a file beside the others, apart from the case keys and from the key of the suppression list: a hold outlives cases, and what one list knows must
not be compared with the other.
"""

import hmac
from pathlib import Path

from dsr_engine.store.key_files import secret_in


class HoldKey:
    """The HMAC key of holds, in the keys folder; made at first use."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "holds.key"
        self._secret = b""

    def __repr__(self) -> str:
        return "HoldKey(•••)"

    def digest(self, kind: str, value: str) -> str:
        """HMAC-SHA-256 (hex) of an identifier's kind and normalised value; the same for every case and hold."""
        return hmac.digest(self._read(), f"{kind}\0{value}".encode(), "sha256").hex()

    def _read(self) -> bytes:
        if not self._secret:
            self._secret = secret_in(self._path)
        return self._secret
