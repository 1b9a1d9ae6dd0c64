"""Tokens for programs: made by a user, never able to do more than their maker, shown once, ended by their day, by hand or with the account."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Permission, User
from dsr_engine.store.api_tokens import ApiToken
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: What every token begins with, so that scanners for secrets find one that was left in a file: `dsr_` and 64 hexadecimal digits.
PREFIX = "dsr_"
LONGEST_DAYS = 365
MOST_TOKENS = 20
_LONGEST_NAME = 80
#: How old the last noted call may be before a call is noted again.
_COARSE = timedelta(hours=1)
MADE, REVOKED = "token.made", "token.revoked"


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that calls for a user. `permissions` are what both the token and the user have; `token` is the id of the token."""

    user: User
    permissions: frozenset[Permission]
    token: str

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions


def make_token(house: House, user: User, name: str, permissions: Iterable[Permission], days: int, within: Caller | None = None) -> Secret:
    """A new token of this user for 1 to 365 days; its text is shown now and never again.

    `within` is the caller if the token is made with a token: then it has no permission that this one has not, ends with it and is revoked with it.
    Raises `InputWrong` (`token.name`, `token.days`, `token.nothing`), `NotAllowed` (`token.wider`), `Conflict` (`token.many`).
    """
    written, chosen = " ".join(name.split()), frozenset(permissions)
    if not 1 <= len(written) <= _LONGEST_NAME or not written.isprintable():
        raise InputWrong(f"a token's name has 1 to {_LONGEST_NAME} characters", code="token.name", hint="say which program it is for")
    if not 1 <= days <= LONGEST_DAYS:
        raise InputWrong(f"a token lives 1 to {LONGEST_DAYS} days", code="token.days", hint="make a new one when it has ended")
    if not chosen:
        raise InputWrong("a token without a permission can do nothing", code="token.nothing", hint="choose what the program needs")
    value = Secret(PREFIX + secrets.token_hex(32))
    with house.store.transaction() as tx:
        owner, maker = tx.users.get(user.id), tx.api_tokens.get(within.token) if within else None
        allowed = frozenset(each for each in Permission if owner is not None and owner.may(each))
        if within is not None:
            allowed &= within.permissions if maker is not None and not maker.is_revoked else frozenset()
        if not chosen <= allowed:
            raise NotAllowed("a token cannot do more than its maker", code="token.wider", hint="leave out what you may not do yourself")
        now = house.clock.now()
        if sum(each.ends_at > now for each in tx.api_tokens.of(user.id)) >= MOST_TOKENS:
            raise Conflict(f"there are {MOST_TOKENS} tokens already", code="token.many", hint="revoke those that nobody uses")
        ends_at = min((now + timedelta(days=days), *((maker.ends_at,) if maker else ())))
        token = ApiToken(f"token-{secrets.token_hex(8)}", user.id, written, chosen, now, ends_at, maker=maker.id if maker else None)
        tx.api_tokens.add(token, token_digest(value.reveal()))
        _note(tx, house, MADE, user, token, permissions=sorted(chosen), ends_at=ends_at.isoformat())
    return value


def caller_of(house: House, bearer: str) -> Caller:
    """Who calls with this token. Raises `NotAllowed` (`token.wrong`), whatever is wrong with it."""
    now = house.clock.now()
    with house.store.snapshot() as tx:
        token = tx.api_tokens.find(token_digest(bearer))
        user = tx.users.get(token.user) if token else None
    if token is None or user is None or token.is_revoked or now >= token.ends_at or user.disabled_at is not None:
        raise NotAllowed("this token is not valid", code="token.wrong", hint="make a new one on the page of your account")
    if token.used_at is None or now - token.used_at >= _COARSE:
        with house.store.transaction() as tx:
            tx.api_tokens.touch(token.id, now)
    return Caller(user, token.permissions & user.permissions, token.id)


def revoke_token(house: House, user: User, token_id: str) -> None:
    """Ends a token of this user at once, and all that were made with it. Raises `InputWrong` (`token.unknown`)."""
    with house.store.transaction() as tx:
        token = tx.api_tokens.get(token_id)
        if token is None or token.user != user.id:
            raise InputWrong("there is no such token", code="token.unknown", hint="look at the list of your tokens")
        if not token.is_revoked:
            tx.api_tokens.revoke(token.id)
            _note(tx, house, REVOKED, user, token)


def token_digest(value: str) -> bytes:
    """How the store knows a token."""
    return hashlib.sha256(value.encode(errors="replace")).digest()


def _note(tx: Transaction, house: House, kind: str, user: User, token: ApiToken, **facts: str | list[str]) -> None:
    tx.ledger.append(leaf(house.clock, kind, token.id, by=tx.people.id_of(user.name), **facts))
