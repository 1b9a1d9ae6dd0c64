"""Tokens with which programs call the API. Of a token only its SHA-256 is kept: whoever reads the store cannot call with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from dsr_engine.domain.user import Permission
from dsr_engine.store.user_tables import api_tokens


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What a token is allowed. `maker` is the id of the token that it was made with (None: by its user in the console)."""

    id: str
    user: str
    name: str
    permissions: frozenset[Permission]
    created_at: datetime
    ends_at: datetime
    used_at: datetime | None = None
    maker: str | None = None
    is_revoked: bool = False


class ApiTokens:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, token: ApiToken, digest: bytes) -> None:
        """Keeps a new token under the SHA-256 of its text."""
        row = {"id": token.id, "digest": digest, "user_id": token.user, "name": token.name, "permissions": sorted(token.permissions)}
        self._connection.execute(
            insert(api_tokens), row | {"created_at": token.created_at, "ends_at": token.ends_at, "maker_id": token.maker, "is_revoked": False}
        )

    def find(self, digest: bytes) -> ApiToken | None:
        row = self._connection.execute(select(api_tokens).where(api_tokens.c.digest == digest)).one_or_none()
        return None if row is None else _token(row)

    def get(self, id_: str) -> ApiToken | None:
        row = self._connection.execute(select(api_tokens).where(api_tokens.c.id == id_)).one_or_none()
        return None if row is None else _token(row)

    def of(self, user: str) -> Sequence[ApiToken]:
        """The tokens of this user that were not revoked, the newest first."""
        kept = select(api_tokens).where(api_tokens.c.user_id == user, api_tokens.c.is_revoked.is_(False))
        return [_token(row) for row in self._connection.execute(kept.order_by(api_tokens.c.created_at.desc(), api_tokens.c.id))]

    def touch(self, id_: str, at: datetime) -> None:
        self._connection.execute(update(api_tokens).where(api_tokens.c.id == id_).values(used_at=at))

    def revoke(self, id_: str) -> None:
        """Revokes the token and every token that was made with it, or with one of those."""
        ids, seen = {id_}, {id_}
        while ids:
            self._connection.execute(update(api_tokens).where(api_tokens.c.id.in_(ids)).values(is_revoked=True))
            ids = set(self._connection.scalars(select(api_tokens.c.id).where(api_tokens.c.maker_id.in_(ids)))) - seen
            seen |= ids

    def revoke_all(self, user: str) -> None:
        self._connection.execute(update(api_tokens).where(api_tokens.c.user_id == user).values(is_revoked=True))

    def end_old(self, before: datetime) -> int:
        """Takes away what has ended or was revoked; gives how many. What was made with a token never outlives it."""
        over = or_(api_tokens.c.ends_at <= before, api_tokens.c.is_revoked.is_(True))
        return self._connection.execute(delete(api_tokens).where(over)).rowcount


def _token(row: Any) -> ApiToken:
    known = frozenset(permission for permission in Permission if permission.value in row.permissions)
    return ApiToken(row.id, row.user_id, row.name, known, row.created_at, row.ends_at, row.used_at, row.maker_id, row.is_revoked)
