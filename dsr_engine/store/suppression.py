"""Who must not be taken in again, as keyed digests with an end. This is personal data: it needs a basis of its own (R28).

The key is a file beside the others, apart from the case keys: a case is shredded long before its suppression ends.
"""

import contextlib
import hashlib
import hmac
import secrets
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, delete, exists, select

from dsr_engine.domain.clock import Clock
from dsr_engine.store.key_files import make_folder, write_new
from dsr_engine.store.tables import suppression
from dsr_engine.store.upsert import upsert


class SuppressionKey:
    """The HMAC key of the list, in the keys folder; made at first use."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "suppression.key"

    def digest(self, kind: str, value: str) -> bytes:
        """HMAC-SHA-256 of a selector's kind and normalised value; the same for every case."""
        return hmac.new(self._secret(), f"{kind}\0{value}".encode(), hashlib.sha256).digest()

    def _secret(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            make_folder(self._path.parent)
        with contextlib.suppress(FileExistsError):  # another process was faster: its key is the one
            write_new(self._path, secrets.token_bytes(32))
        return self._path.read_bytes()


class Suppression:
    def __init__(self, connection: Connection, clock: Clock, key: SuppressionKey) -> None:
        self._connection = connection
        self._clock = clock
        self._key = key

    def digest(self, kind: str, value: str) -> bytes:
        """The keyed digest that `add` and `is_suppressed` take, of a normalised value."""
        return self._key.digest(kind, value)

    def add(self, kind: str, digest: bytes, case: str, until: datetime) -> None:
        """Suppresses until then; a later call for the same digest sets the end anew."""
        upsert(self._connection, suppression, [{"kind": kind, "digest": digest, "case_id": case, "until": until}])

    def is_suppressed(self, kind: str, value_digest: bytes) -> bool:
        """True until the entry's end."""
        live = (suppression.c.kind == kind, suppression.c.digest == value_digest, suppression.c.until > self._clock.now())
        return bool(self._connection.scalar(select(exists().where(*live))))

    def remove_ended(self) -> int:
        """Removes the entries whose end has come; gives how many."""
        return self._connection.execute(delete(suppression).where(suppression.c.until <= self._clock.now())).rowcount
