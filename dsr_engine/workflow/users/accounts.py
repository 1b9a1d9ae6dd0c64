"""Accounts: made, given roles, disabled, taken away. Every change is in the ledger, under the random ids of whoever made it and whom it is about."""

import secrets
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.user import Role, User
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: NIST SP 800-63B-4 § 3.1.1.2: at least fifteen characters where a password stands alone, no rules of composition.
SHORTEST_PASSWORD = 15
_LONGEST_PASSWORD = 256
_LONGEST_NAME = 80
#: Argon2id with the parameters of RFC 9106 § 4, second choice (64 MiB).
hasher = PasswordHasher()
ADDED, ROLES, DISABLED, ENABLED, PASSWORD, FORGOTTEN = (
    "user.added",
    "user.roles",
    "user.disabled",
    "user.enabled",
    "user.password",
    "user.forgotten",
)


def add_user(house: House, name: str, roles: Iterable[Role], by: str, *, password: str = "", subject: str | None = None) -> User:
    """A new account. Raises `InputWrong` for a name or password that cannot be used, `Conflict` for a name that is taken."""
    name = checked_name(name)
    chosen = tuple(dict.fromkeys(roles))
    if not chosen:
        raise InputWrong("an account needs a role", code="user.role", hint=f"one of {', '.join(role.value for role in Role)}")
    hashed = hashed_password(password) if password else ""
    user = User(f"user-{secrets.token_hex(8)}", name, chosen, house.clock.now(), has_password=bool(password))
    with house.store.transaction() as tx:
        if tx.users.find(name) is not None:
            raise Conflict("there is an account of this name", code="user.exists", hint="choose another name")
        tx.users.add(user, hashed, subject)
        note(tx, house, ADDED, user, by, roles=", ".join(role.value for role in chosen))
    return user


def set_roles(house: House, user_id: str, roles: Iterable[Role], by: str) -> User:
    """Gives an account other roles. The last administrator keeps the role. Raises `Conflict`, `InputWrong`."""
    chosen = tuple(dict.fromkeys(roles))
    if not chosen:
        raise InputWrong("an account needs a role", code="user.role", hint="disable it instead")
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        if Role.ADMINISTRATOR in user.roles and Role.ADMINISTRATOR not in chosen:
            _refuse_last(tx, user)
        tx.users.set_roles(user.id, chosen)
        tx.web_sessions.end_all(user.id)
        note(tx, house, ROLES, user, by, roles=", ".join(role.value for role in chosen))
        return account(tx, user_id)


def disable(house: House, user_id: str, by: str) -> None:
    """Ends every session and token of the account; nobody signs in with it until it is enabled again."""
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        _refuse_last(tx, user)
        tx.users.set_disabled(user.id, house.clock.now())
        tx.web_sessions.end_all(user.id)
        tx.api_tokens.revoke_all(user.id)
        note(tx, house, DISABLED, user, by)


def enable(house: House, user_id: str, by: str) -> None:
    """Lets somebody sign in again."""
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        tx.users.set_disabled(user.id, None)
        note(tx, house, ENABLED, user, by)


def set_password(house: House, user_id: str, password: str, by: str, keep: bytes = b"") -> None:
    """A new password. Every session of the account ends, but for the one in which its owner asked (`keep`: its digest)."""
    hashed = hashed_password(password)
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        tx.users.set_password(user.id, hashed)
        tx.web_sessions.end_all(user.id, but=keep)
        note(tx, house, PASSWORD, user, by)


def forget_account(house: House, user_id: str, by: str) -> None:
    """Takes the account away with all that belongs to it. The name goes from the rows of cases by the rules for officers' names, not before."""
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        _refuse_last(tx, user)
        note(tx, house, FORGOTTEN, user, by)
        tx.users.forget(user.id)
    house.store.scrub()


def account(tx: Transaction, user_id: str) -> User:
    """The account. Raises `InputWrong` (`user.unknown`)."""
    user = tx.users.get(user_id)
    if user is None:
        raise InputWrong("there is no such account", code="user.unknown", hint="look at the list of accounts")
    return user


def checked_name(name: str) -> str:
    """The name in its one written form (NFKC, single spaces). Raises `InputWrong`."""
    written = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 2 <= len(written) <= _LONGEST_NAME or not written.isprintable():
        raise InputWrong(f"a name has 2 to {_LONGEST_NAME} characters", code="user.name", hint="such as `ann` or `Ann Officer`")
    return written


def hashed_password(password: str) -> str:
    """The argon2id string of it. Raises `InputWrong` for one that is too short or long."""
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        limits = f"{SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters"
        raise InputWrong(f"a password has {limits}", code="user.password", hint="four or five words that nobody guesses")
    return hasher.hash(password)


def _refuse_last(tx: Transaction, user: User) -> None:
    left = [each for each in tx.users.list() if each.id != user.id and each.disabled_at is None and Role.ADMINISTRATOR in each.roles]
    if Role.ADMINISTRATOR in user.roles and not left:
        raise Conflict("this is the last administrator", code="user.last", hint="make somebody else an administrator first")


def note(tx: Transaction, house: House, kind: str, user: User, by: str, **facts: str) -> None:
    """Writes into the ledger what was done with an account, and by whom, under their random ids."""
    about = tx.people.id_of(user.name)
    tx.ledger.append(leaf(house.clock, kind, secrets.token_hex(8), person=about, by=tx.people.id_of(by), **facts))
