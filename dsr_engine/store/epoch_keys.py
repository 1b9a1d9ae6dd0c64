"""The keys that wrap case keys: files outside of the database and its backups, so that destroying one file forgets in all of them."""

import secrets
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsr_engine.domain.errors import NotVerified
from dsr_engine.store.key_files import destroy, make_folder, write_new

_NONCE = 12


class EpochKeys:
    """The folder `epochs/` among the keys. An epoch is one UTC day: its key dies with the last case that was opened on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open_new(self, at: datetime, family: str = "") -> str:
        """Makes a key and gives its id, which begins with `family`. Killed before the id is committed: the file wraps nothing and harms nobody."""
        make_folder(self._folder)
        epoch = f"{family}{at:%Y-%m-%d}-{secrets.token_hex(4)}"
        write_new(self._path(epoch), secrets.token_bytes(32))
        return epoch

    def has(self, epoch: str) -> bool:
        return self._path(epoch).exists()

    def wrap(self, epoch: str, case: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._path(epoch).read_bytes()).encrypt(nonce, secret, _bound(epoch, case))

    def unwrap(self, epoch: str, case: str, wrapped: bytes) -> bytes:
        """The case's key. Raises `NotVerified` if it was altered, and `FileNotFoundError` if the epoch's key is gone."""
        key = self._path(epoch).read_bytes()
        try:
            return AESGCM(key).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _bound(epoch, case))
        except (InvalidTag, ValueError):
            raise NotVerified(
                f"the wrapped key of case {case} does not open with the key of epoch {epoch}",
                code="vault.tampered",
                hint="the store and the keys folder do not belong together, or one of them was altered",
            ) from None

    def destroy(self, epoch: str) -> None:
        """Overwrites and unlinks the key; may be repeated."""
        destroy(self._path(epoch))

    def _path(self, epoch: str) -> Path:
        return self._folder / f"{epoch}.key"


def _bound(epoch: str, case: str) -> bytes:
    return "\0".join(("dsr-case-key/1", epoch, case)).encode()
