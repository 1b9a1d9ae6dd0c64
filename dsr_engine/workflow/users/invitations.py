"""Invitations: a link that works once lets somebody choose their own password, so that no administrator ever knows one."""

import hashlib
import secrets
from datetime import timedelta

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import User
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import account, hashed_password, note, put_password

#: An invitation may be used for so long.
VALID = timedelta(hours=48)
INVITED = "user.invited"


def invite(house: House, user_id: str, by: str) -> Secret:
    """A link for this account, shown now and never again; an earlier one is void. Raises `InputWrong` (`user.unknown`), `Conflict`."""
    value = Secret(secrets.token_urlsafe(32))
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        if user.disabled_at is not None:
            raise Conflict("this account is disabled", code="user.disabled", hint="enable it first")
        if user.is_external:
            raise Conflict("this person signs in at the identity provider", code="user.external", hint="their password is theirs there")
        tx.users.invite(user.id, _digest(value.reveal()), house.clock.now() + VALID)
        note(tx, house, INVITED, user, by)
    return Secret(f"{house.settings.web.url}/invitation/{value.reveal()}")


def invited(house: House, value: str) -> User:
    """Whom an invitation is for. Raises `InputWrong` (`invitation.unknown`), whether it was used, is too old or never was."""
    with house.store.snapshot() as tx:
        user = tx.users.invited(_digest(value), house.clock.now())
    if user is None or user.disabled_at is not None:
        raise _void()
    return user


def accept(house: House, value: str, password: str) -> User:
    """Sets the password that the invited person chose; the invitation and every session of the account end. Raises `InputWrong`."""
    user = invited(house, value)
    hashed = hashed_password(password, user.name)
    with house.store.transaction() as tx:
        # Asked again inside, so that a link that is opened twice works once.
        if tx.users.invited(_digest(value), house.clock.now()) is None or not tx.users.uninvite(user.id):
            raise _void()
        put_password(tx, house, user, hashed, user.name)
    return user


def _void() -> InputWrong:
    hint = "links work once and for two days; ask an administrator for a new one"
    return InputWrong("this invitation does not count any more", code="invitation.unknown", hint=hint)


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode(errors="replace")).digest()
