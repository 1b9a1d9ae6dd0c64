"""Accounts: made, given roles, disabled, taken away. Every change is in the ledger, under the random ids of whoever made it and whom it is about."""

import secrets
import threading
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from argon2 import PasswordHasher

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.user import Role, User
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.wiping import wipe

#: NIST SP 800-63B-4 § 3.1.1.2: at least fifteen characters where a password stands alone, no rules of composition.
SHORTEST_PASSWORD = 15
_LONGEST_PASSWORD = 256
#: Fewer different characters than these are a pattern.
_FEWEST_CHARACTERS = 6
_LONGEST_NAME = 80
#: Argon2id with the parameters of RFC 9106 § 4, second choice (64 MiB).
hasher = PasswordHasher()
#: So many passwords are hashed at the same time: each takes 64 MiB, and strangers can ask for it.
at_once = threading.BoundedSemaphore(4)
#: As what tries to sign in by a name are counted.
SIGN_IN = "sign-in account"
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
    hashed = hashed_password(password, name) if password else ""
    user = User(f"user-{secrets.token_hex(8)}", name, chosen, house.clock.now(), has_password=bool(password))
    with house.store.transaction() as tx:
        if tx.users.is_taken(name):
            raise Conflict("there is an account of this name", code="user.exists", hint="choose another name; capitals make none")
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
    """Ends every session, token and invitation of the account; nobody signs in with it until it is enabled again."""
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        _refuse_last(tx, user)
        tx.users.set_disabled(user.id, house.clock.now())
        tx.web_sessions.end_all(user.id)
        tx.api_tokens.revoke_all(user.id)
        tx.users.uninvite(user.id)
        note(tx, house, DISABLED, user, by)


def enable(house: House, user_id: str, by: str) -> None:
    """Lets somebody sign in again."""
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        tx.users.set_disabled(user.id, None)
        note(tx, house, ENABLED, user, by)


def set_password(house: House, user_id: str, password: str, by: str, keep: bytes = b"") -> None:
    """A new password. Every session of the account ends, but for the one in which its owner asked (`keep`: its digest).

    Raises `InputWrong` for one that cannot be used, `Conflict` (`user.external`) for an account of the identity provider's.
    """
    with house.store.snapshot() as tx:
        name = account(tx, user_id).name
    hashed = hashed_password(password, name)
    with house.store.transaction() as tx:
        put_password(tx, house, account(tx, user_id), hashed, by, keep)


def put_password(tx: Transaction, house: House, user: User, hashed: str, by: str, keep: bytes = b"") -> None:
    """Puts this hash in the place of the password that was. Sessions but `keep`, invitations and counted tries end."""
    if user.is_external:
        raise Conflict("this person signs in at the identity provider", code="user.external", hint="their password is theirs there")
    tx.users.set_password(user.id, hashed)
    tx.users.uninvite(user.id)
    tx.web_sessions.end_all(user.id, but=keep)
    tx.throttles.forgive(tries_of(house, user.name))
    note(tx, house, PASSWORD, user, by)


def tries_of(house: House, name: str) -> bytes:
    """Under which digest the tries to sign in by this name are counted."""
    return house.store.web_key.digest(SIGN_IN, name.casefold())


def forget_account(house: House, user_id: str, by: str) -> None:
    """Takes the account away with all that belongs to it. The name goes from the rows of cases by the rules for officers' names, not before."""
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        _refuse_last(tx, user)
        note(tx, house, FORGOTTEN, user, by)
        tx.users.forget(user.id)
    wipe(house)


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


def written_password(password: str) -> bytes:
    """The password as it is hashed: in one written form (NFKC), so that it is the same on every keyboard (NIST SP 800-63B-4 § 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode(errors="replace")


def hashed_password(password: str, name: str) -> str:
    """The argon2id string of it. Raises `InputWrong` for one that is too short or long, or that a stranger would try first."""
    hint = "four or five words that nobody guesses"
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise InputWrong(f"a password has {SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters", code="user.password", hint=hint)
    if _is_pattern(password.casefold(), name.casefold()):
        raise InputWrong("this password is a pattern or a name, which is guessed soon", code="user.password", hint=hint)
    with at_once:
        return hasher.hash(written_password(password))


def _is_pattern(password: str, name: str) -> bool:
    """True for few characters, a repeated piece, a row of neighbours (`abcdef…`), or little beside the account's own name."""
    is_repeated = password in (password + password)[1:-1]
    steps = {ord(after) - ord(before) for before, after in pairwise(password)}
    return is_repeated or len(steps) <= 2 or min(len(set(password)), len(set(password.replace(name, "")))) < _FEWEST_CHARACTERS


def _refuse_last(tx: Transaction, user: User) -> None:
    tx.users.hold_all()
    left = [each for each in tx.users.list() if each.id != user.id and each.disabled_at is None and Role.ADMINISTRATOR in each.roles]
    if Role.ADMINISTRATOR in user.roles and not left:
        raise Conflict("this is the last administrator", code="user.last", hint="make somebody else an administrator first")


def note(tx: Transaction, house: House, kind: str, user: User, by: str, **facts: str) -> None:
    """Writes into the ledger what was done with an account, and by whom, under their random ids."""
    about = tx.people.id_of(user.name)
    tx.ledger.append(leaf(house.clock, kind, secrets.token_hex(8), person=about, by=tx.people.id_of(by), **facts))
