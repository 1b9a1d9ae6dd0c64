"""Signing in: the password is checked, tries are counted, a session is opened.

Neither what is said nor the time it takes tells whether an account exists (OWASP ASVS 6.3.8).
"""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from argon2.exceptions import InvalidHashError, VerificationError

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import User
from dsr_engine.store.transaction import Transaction
from dsr_engine.store.web_sessions import WebSession
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import hasher

#: A session ends after so long, and after so long without a click.
LIFE, IDLE = timedelta(hours=12), timedelta(minutes=60)
#: So many tries in so long a time for one account, and for one address.
PER_ACCOUNT, PER_ADDRESS, WINDOW = 10, 60, timedelta(minutes=15)
#: A second factor that was proved in a session counts so long for what needs one.
CONFIRMED_FOR = timedelta(minutes=10)
#: How old the last click may be before it is written down again.
_COARSE = timedelta(minutes=1)
#: The hash of a password that nobody has, so that unknown names take as long as known ones.
_NOBODY = hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is there, and in which session."""

    user: User
    session: WebSession


def check_password(house: House, name: str, password: str, address: str) -> User:
    """The account whose name and password these are. Raises `NotAllowed` (`sign_in.wrong`, `sign_in.often`)."""
    written = " ".join(name.split())[:200]
    throttle(house, "sign-in address", address, PER_ADDRESS)
    throttle(house, "sign-in account", written.casefold(), PER_ACCOUNT)
    with house.store.snapshot() as tx:
        user = tx.users.find(written)
        hashed = tx.users.password_of(user.id) if user else ""
    is_right = _is_of(hashed or _NOBODY, password)
    if user is None or not is_right or not hashed or user.disabled_at is not None:
        raise NotAllowed("name or password is wrong", code="sign_in.wrong", hint="try again, or ask an administrator")
    with house.store.transaction() as tx:
        tx.throttles.forgive(house.store.web_key.digest("sign-in account", written.casefold()))
        if hasher.check_needs_rehash(hashed):
            tx.users.set_password(user.id, hasher.hash(password))
    return user


def _is_of(hashed: str, password: str) -> bool:
    try:
        hasher.verify(hashed, password[:1024])
    except (VerificationError, InvalidHashError):
        return False
    return True


def open_session(tx: Transaction, house: House, user: User, *, is_confirmed: bool = False) -> Secret:
    """A new session; gives the secret that the browser keeps. `is_confirmed`: a second factor was proved just now."""
    value = Secret(secrets.token_urlsafe(32))
    now = house.clock.now()
    tx.web_sessions.end_old(now)
    tx.web_sessions.add(WebSession(session_digest(value.reveal()), user.id, now, now, now + LIFE, now if is_confirmed else None))
    return value


def session_of(house: House, value: str) -> SignedIn | None:
    """Who has this secret; None if the session is over or the account disabled."""
    now = house.clock.now()
    with house.store.snapshot() as tx:
        session = tx.web_sessions.get(session_digest(value))
        user = tx.users.get(session.user) if session else None
    if session is None or user is None or user.disabled_at is not None or now >= min(session.ends_at, session.seen_at + IDLE):
        return None
    if now - session.seen_at > _COARSE:
        with house.store.transaction() as tx:
            tx.web_sessions.touch(session.digest, now)
        session = replace(session, seen_at=now)
    return SignedIn(user, session)


def sign_out(house: House, session: WebSession) -> None:
    """Ends this session for good."""
    with house.store.transaction() as tx:
        tx.web_sessions.end(session.digest)


def throttle(house: House, what: str, value: str, most: int, window: timedelta = WINDOW) -> None:
    """Counts a try of this kind by this value. Raises `NotAllowed` (`sign_in.often`) beyond `most` in the window."""
    with house.store.transaction() as tx:
        tries = tx.throttles.count(house.store.web_key.digest(what, value), house.clock.now(), window)
    if tries > most:
        minutes = int(window.total_seconds() // 60)
        raise NotAllowed("that was tried too often", code="sign_in.often", hint=f"wait {minutes} minutes and try again")


def is_confirmed(house: House, session: WebSession) -> bool:
    """True while a second factor that was proved in this session counts."""
    return session.confirmed_at is not None and house.clock.now() < session.confirmed_at + CONFIRMED_FOR


def session_digest(value: str) -> bytes:
    """How the store knows a session."""
    return hashlib.sha256(value.encode()).digest()
