"""The key under which a hold knows a person: the hold keeps keyed digests of the identifiers and never a value.

It is a file beside the others, apart from the case keys and from the key of the suppression list: a hold outlives cases, and what one list knows must
not be compared with the other.
"""

import contextlib
import hmac
import secrets
from pathlib import Path

from dsr_engine.store.key_files import make_folder, write_new


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
            self._secret = self._made()
        return self._secret

    def _made(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            make_folder(self._path.parent)
        with contextlib.suppress(FileExistsError):  # another process was faster: its key is the one
            write_new(self._path, secrets.token_bytes(32))
        return self._path.read_bytes()
