"""Accounts, and what each proves itself with. Whatever is checked is checked in `workflow/users`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from dsr_engine.domain.user import Role, User
from dsr_engine.store.user_tables import api_tokens, invitations, passkeys, recovery_codes, users, web_sessions


class Users:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, user: User, password: str = "", subject: str | None = None) -> None:
        """A new account. `password` is an argon2id string; `subject` is a digest of whom the identity provider means."""
        row = {"id": user.id, "name": user.name, "roles": [role.value for role in user.roles], "password": password, "subject": subject}
        self._connection.execute(insert(users), row | {"created_at": user.created_at, "disabled_at": user.disabled_at})

    def find(self, name: str) -> User | None:
        return self._one(_SELECT.where(users.c.name == name))

    def is_taken(self, name: str) -> bool:
        """True if there is an account of this name, however its capitals are written: two such names would be taken for one person."""
        return any(each.casefold() == name.casefold() for each in self._connection.scalars(select(users.c.name)))

    def get(self, id_: str) -> User | None:
        return self._one(_SELECT.where(users.c.id == id_))

    def of_subject(self, subject: str) -> User | None:
        """Who the identity provider means."""
        return self._one(_SELECT.where(users.c.subject == subject))

    def list(self) -> Sequence[User]:
        """All accounts by name."""
        return [_user(row) for row in self._connection.execute(_SELECT.order_by(users.c.name))]

    def hold_all(self) -> None:
        """Keeps every account as it is until the transaction ends. On SQLite nobody else writes anyway."""
        self._connection.execute(select(users.c.id).order_by(users.c.id).with_for_update()).all()

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

    def set_recovery(self, id_: str, digests: Sequence[bytes]) -> None:
        """Replaces the recovery codes of the account by these."""
        self._connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == id_))
        if digests:
            self._connection.execute(insert(recovery_codes), [{"digest": digest, "user_id": id_} for digest in digests])

    def use_recovery(self, id_: str, digest: bytes) -> bool:
        """Takes a recovery code away; False if there is no such code."""
        mine = delete(recovery_codes).where(recovery_codes.c.user_id == id_, recovery_codes.c.digest == digest)
        return self._connection.execute(mine).rowcount == 1

    def recovery_left(self, id_: str) -> int:
        """How many recovery codes the account has."""
        return self._connection.scalars(select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == id_)).one()

    def invite(self, id_: str, digest: bytes, ends_at: datetime) -> None:
        """Keeps an invitation for the account; the one before is void."""
        self.uninvite(id_)
        self._connection.execute(insert(invitations), {"digest": digest, "user_id": id_, "ends_at": ends_at})

    def invited(self, digest: bytes, now: datetime) -> User | None:
        """Whom this invitation is for; None if there is none, or its time is over."""
        mine = select(invitations.c.user_id).where(invitations.c.digest == digest, invitations.c.ends_at > now)
        return self._one(_SELECT.where(users.c.id == mine.scalar_subquery()))

    def invitation_of(self, id_: str, now: datetime) -> datetime | None:
        """Until when the account's invitation may be used; None if there is none."""
        return self._connection.scalar(select(invitations.c.ends_at).where(invitations.c.user_id == id_, invitations.c.ends_at > now))

    def invitations(self, now: datetime) -> Mapping[str, datetime]:
        """Until when each invitation that may still be used counts, by account."""
        found = self._connection.execute(select(invitations.c.user_id, invitations.c.ends_at).where(invitations.c.ends_at > now))
        return {row.user_id: row.ends_at for row in found}

    def uninvite(self, id_: str) -> int:
        """Takes the account's invitation away; gives how many there were."""
        return self._connection.execute(delete(invitations).where(invitations.c.user_id == id_)).rowcount

    def end_old_invitations(self, before: datetime) -> int:
        """Takes away invitations whose time is over; gives how many."""
        return self._connection.execute(delete(invitations).where(invitations.c.ends_at <= before)).rowcount

    def forget(self, id_: str) -> None:
        """Takes the account away with all that belongs to it."""
        for table in (passkeys, recovery_codes, invitations, web_sessions, api_tokens):
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
        is_external=row.subject is not None,
    )
