"""Accounts, and what each proves itself with. Whatever is checked is checked in `workflow/users`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from dsr_engine.domain.user import Role, User
from dsr_engine.store.user_tables import api_tokens, passkeys, users, web_sessions


class Users:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, user: User, password: str = "", subject: str | None = None) -> None:
        """A new account. `password` is an argon2id string; `subject` names the person at the identity provider."""
        row = {"id": user.id, "name": user.name, "roles": [role.value for role in user.roles], "password": password, "subject": subject}
        self._connection.execute(insert(users), row | {"created_at": user.created_at, "disabled_at": user.disabled_at})

    def find(self, name: str) -> User | None:
        return self._one(_SELECT.where(users.c.name == name))

    def get(self, id_: str) -> User | None:
        return self._one(_SELECT.where(users.c.id == id_))

    def of_subject(self, subject: str) -> User | None:
        """Who the identity provider means."""
        return self._one(_SELECT.where(users.c.subject == subject))

    def list(self) -> Sequence[User]:
        """All accounts by name."""
        return [_user(row) for row in self._connection.execute(_SELECT.order_by(users.c.name))]

    def password_of(self, id_: str) -> str:
        """The argon2id string; empty where there is none."""
        return self._connection.scalar(select(users.c.password).where(users.c.id == id_)) or ""

    def set_password(self, id_: str, password: str) -> None:
        self._change(id_, password=password)

    def set_roles(self, id_: str, roles: Sequence[Role]) -> None:
        self._change(id_, roles=[role.value for role in roles])

    def set_disabled(self, id_: str, at: datetime | None) -> None:
        self._change(id_, disabled_at=at)

    def totp_of(self, id_: str) -> tuple[bytes | None, int | None]:
        """The sealed secret of one-time codes, and the last time step whose code was used."""
        row = self._connection.execute(select(users.c.totp, users.c.totp_step).where(users.c.id == id_).with_for_update()).one()
        return row.totp, row.totp_step

    def set_totp(self, id_: str, sealed: bytes | None, step: int | None = None) -> None:
        self._change(id_, totp=sealed, totp_step=step)

    def forget(self, id_: str) -> None:
        """Takes the account away with all that belongs to it."""
        for table in (passkeys, web_sessions, api_tokens):
            self._connection.execute(delete(table).where(table.c.user_id == id_))
        self._connection.execute(delete(users).where(users.c.id == id_))

    def _change(self, id_: str, **values: Any) -> None:
        self._connection.execute(update(users).where(users.c.id == id_).values(**values))

    def _one(self, statement: Select[Any]) -> User | None:
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _user(row)


_PASSKEYS = select(func.count()).select_from(passkeys).where(passkeys.c.user_id == users.c.id).scalar_subquery()
_SELECT = select(users, _PASSKEYS.label("passkeys"))


def _user(row: Any) -> User:
    return User(
        row.id,
        row.name,
        tuple(Role(role) for role in row.roles),
        row.created_at,
        row.disabled_at,
        has_password=bool(row.password),
        has_totp=row.totp is not None,
        passkeys=row.passkeys,
    )
