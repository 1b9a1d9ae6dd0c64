"""Signing in: the password is checked, tries are counted, a session is opened. A second factor, where there is one, is asked for in between.

Neither what is said nor the time it takes tells whether an account exists (OWASP ASVS 6.3.8).
"""

import hashlib
import logging
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from argon2.exceptions import InvalidHashError, VerificationError

from dsr_engine.domain.errors import InputWrong, NotAllowed
from dsr_engine.domain.network import network_of
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import User
from dsr_engine.store.transaction import Transaction
from dsr_engine.store.web_sessions import WebSession
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import SIGN_IN, at_once, hasher, set_password, tries_of, written_password

#: A session ends after so long, and after so long without a click.
LIFE, IDLE = timedelta(hours=12), timedelta(minutes=60)
#: So many tries in so long a time for one account, and for one address.
PER_ACCOUNT, PER_ADDRESS, WINDOW = 10, 60, timedelta(minutes=15)
#: A second factor that was proved in a session counts so long for what needs one.
CONFIRMED_FOR = timedelta(minutes=10)
#: So long may somebody take between the first factor and the second.
HALF_LIFE = timedelta(minutes=10)
#: How old the last click may be before it is written down again.
_COARSE = timedelta(minutes=1)
#: The hash of a password that nobody has, so that unknown names take as long as known ones.
_NOBODY = hasher.hash(secrets.token_hex(16))
_LONGEST = 1024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is there, and in which session."""

    user: User
    session: WebSession


def check_password(house: House, name: str, password: str, address: str) -> User:
    """The account whose name and password these are. Raises `NotAllowed` (`sign_in.wrong`, `sign_in.often`)."""
    written = " ".join(unicodedata.normalize("NFKC", name[:200]).split())
    written = written if written.isprintable() else ""
    throttle_address(house, address)
    throttle(house, SIGN_IN, written.casefold(), PER_ACCOUNT)
    with house.store.snapshot() as tx:
        user = tx.users.find(written)
        hashed = tx.users.password_of(user.id) if user else ""
    is_right = _is_of(hashed or _NOBODY, password)
    if user is None or not is_right or not hashed or user.disabled_at is not None:
        _log.warning("a sign-in was refused%s", f": {user.id}" if user else "")
        raise NotAllowed("name or password is wrong", code="sign_in.wrong", hint="try again, or ask an administrator")
    with house.store.transaction() as tx:
        tx.throttles.forgive(tries_of(house, written))
        if hasher.check_needs_rehash(hashed):
            tx.users.set_password(user.id, hasher.hash(written_password(password)))
    return user


def check_own_password(house: House, user: User, password: str) -> None:
    """Whoever is signed in proves that they know their password still. Raises `NotAllowed` (`sign_in.password`, `sign_in.often`)."""
    throttle(house, SIGN_IN, user.name.casefold(), PER_ACCOUNT)
    with house.store.snapshot() as tx:
        hashed = tx.users.password_of(user.id)
    if not _is_of(hashed or _NOBODY, password) or not hashed:
        raise NotAllowed("this is not your password", code="sign_in.password", hint="type the one that you signed in with")
    with house.store.transaction() as tx:
        tx.throttles.forgive(tries_of(house, user.name))


def change_password(house: House, user: User, old: str, new: str, keep: bytes) -> None:
    """A new password for whoever knows the old one; every other session ends. Raises as `check_own_password` does, and `InputWrong`."""
    check_own_password(house, user, old)
    if new == old:
        raise InputWrong("this is the password that you have", code="user.password", hint="choose another one")
    set_password(house, user.id, new, user.name, keep)


def _is_of(hashed: str, password: str) -> bool:
    try:
        with at_once:
            hasher.verify(hashed, written_password(password[:_LONGEST]))
    except (VerificationError, InvalidHashError):
        return False
    return True


def open_session(tx: Transaction, house: House, user: User, *, is_confirmed: bool = False) -> Secret:
    """A new session; gives the secret that the browser keeps. `is_confirmed`: a second factor was proved just now."""
    now = house.clock.now()
    _log.info("signed in: %s", user.id)
    return _opened(tx, user, now, now + LIFE, confirmed_at=now if is_confirmed else None)


def open_half(tx: Transaction, house: House, user: User) -> Secret:
    """Notes that the first factor was right; gives the secret with which the browser may come with the second."""
    now = house.clock.now()
    return _opened(tx, user, now, now + HALF_LIFE, is_half=True)


def _opened(tx: Transaction, user: User, now: datetime, ends_at: datetime, *, confirmed_at: datetime | None = None, is_half: bool = False) -> Secret:
    value = Secret(secrets.token_urlsafe(32))
    tx.web_sessions.end_old(now)
    tx.web_sessions.add(WebSession(session_digest(value.reveal()), user.id, now, now, ends_at, confirmed_at, is_half))
    return value


def session_of(house: House, value: str, *, is_click: bool = True) -> SignedIn | None:
    """Who has this secret; None if the session is over or the account disabled. What is no click keeps no session from ending."""
    found = _found(house, value)
    if found is None or found.session.is_half:
        return None
    now = house.clock.now()
    if is_click and now - found.session.seen_at > _COARSE:
        with house.store.transaction() as tx:
            tx.web_sessions.touch(found.session.digest, now)
        found = replace(found, session=replace(found.session, seen_at=now))
    return found


def half_of(house: House, value: str) -> SignedIn | None:
    """Whose first factor was right a moment ago; None if that is too long ago, or the account was disabled or changed."""
    found = _found(house, value)
    return found if found is not None and found.session.is_half else None


def _found(house: House, value: str) -> SignedIn | None:
    now = house.clock.now()
    with house.store.snapshot() as tx:
        session = tx.web_sessions.get(session_digest(value))
        user = tx.users.get(session.user) if session else None
    if session is None or user is None or user.disabled_at is not None or now >= min(session.ends_at, session.seen_at + IDLE):
        return None
    return SignedIn(user, session)


def sessions_of(tx: Transaction, house: House, user: User) -> Sequence[WebSession]:
    """Where this user is signed in, the place of the last click first."""
    now = house.clock.now()
    return tx.web_sessions.of(user.id, now, now - IDLE)


def renew_session(house: House, session: WebSession, *, is_confirmed: bool = False) -> Secret:
    """The session goes on under a new secret, for whoever had the old one might be somebody else.

    `is_confirmed`: a second factor was proved in it just now.
    """
    value, now = Secret(secrets.token_urlsafe(32)), house.clock.now()
    with house.store.transaction() as tx:
        tx.web_sessions.renew(session.digest, session_digest(value.reveal()), now)
        if is_confirmed:
            tx.web_sessions.confirm(session_digest(value.reveal()), now)
    return value


def sign_out(house: House, session: WebSession) -> None:
    """Ends this session for good."""
    with house.store.transaction() as tx:
        tx.web_sessions.end(session.digest)


def sign_out_others(house: House, session: WebSession) -> None:
    """Ends every other session of the same user."""
    with house.store.transaction() as tx:
        tx.web_sessions.end_all(session.user, but=session.digest)


def throttle(house: House, what: str, value: str, most: int, window: timedelta = WINDOW) -> None:
    """Counts a try of this kind by this value. Raises `NotAllowed` (`sign_in.often`) beyond `most` in the window."""
    with house.store.transaction() as tx:
        tries = tx.throttles.count(house.store.web_key.digest(what, value), house.clock.now(), window)
    if tries > most:
        minutes = int(window.total_seconds() // 60)
        wait = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
        raise NotAllowed("that was tried too often", code="sign_in.often", hint=f"wait {wait} and try again")


def throttle_address(house: House, address: str) -> None:
    """Counts a try to sign in from this address, whoever tries. Raises as `throttle` does."""
    throttle(house, "sign-in address", network_of(address), PER_ADDRESS)


def is_confirmed(house: House, session: WebSession) -> bool:
    """True while a second factor that was proved in this session counts."""
    return session.confirmed_at is not None and house.clock.now() < session.confirmed_at + CONFIRMED_FOR


def is_fresh(house: House, session: WebSession) -> bool:
    """True while whoever has this session proved a moment ago who they are: by a second factor, or by signing in."""
    return is_confirmed(house, session) or house.clock.now() < session.created_at + CONFIRMED_FOR


def session_digest(value: str) -> bytes:
    """How the store knows a session."""
    return hashlib.sha256(value.encode(errors="replace")).digest()
