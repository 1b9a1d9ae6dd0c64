"""Passkeys of accounts: public keys and their names. The private halves never leave the devices of their owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from dsr_engine.store.user_tables import passkeys


@dataclass(frozen=True, slots=True)
class Passkey:
    """`id` is the credential's id in base64url, `public_key` a COSE key, `name` what its owner calls it."""

    id: str
    user: str
    name: str
    public_key: bytes
    sign_count: int
    created_at: datetime
    used_at: datetime | None = None


class Passkeys:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, passkey: Passkey) -> None:
        row = {"id": passkey.id, "user_id": passkey.user, "name": passkey.name, "public_key": passkey.public_key}
        self._connection.execute(
            insert(passkeys), row | {"sign_count": passkey.sign_count, "created_at": passkey.created_at, "used_at": passkey.used_at}
        )

    def get(self, id_: str) -> Passkey | None:
        """The passkey, held until the transaction ends, so that two answers never count as one."""
        row = self._connection.execute(select(passkeys).where(passkeys.c.id == id_).with_for_update()).one_or_none()
        return None if row is None else _passkey(row)

    def of(self, user: str) -> Sequence[Passkey]:
        """The passkeys of this user, in the order in which they were added."""
        mine = select(passkeys).where(passkeys.c.user_id == user).order_by(passkeys.c.created_at, passkeys.c.id)
        return [_passkey(row) for row in self._connection.execute(mine)]

    def used(self, id_: str, sign_count: int, at: datetime) -> None:
        self._connection.execute(update(passkeys).where(passkeys.c.id == id_).values(sign_count=sign_count, used_at=at))

    def remove(self, user: str, id_: str) -> bool:
        """Takes a passkey of this user away; False if they have no such passkey."""
        return self._connection.execute(delete(passkeys).where(passkeys.c.user_id == user, passkeys.c.id == id_)).rowcount == 1

    def remove_all(self, user: str) -> int:
        return self._connection.execute(delete(passkeys).where(passkeys.c.user_id == user)).rowcount


def _passkey(row: Any) -> Passkey:
    return Passkey(row.id, row.user_id, row.name, row.public_key, row.sign_count, row.created_at, row.used_at)
