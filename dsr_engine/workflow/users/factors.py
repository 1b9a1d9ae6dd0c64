"""Second factors that are codes: one-time codes of an app (RFC 6238), and recovery codes for whoever lost it.

The secret of the codes is sealed under the key of the web's doors, for one account only. Each code counts once: the time step of the last one is
kept.
"""

import base64
import re
import secrets
from datetime import timedelta
from types import MappingProxyType

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from dsr_engine.domain.errors import InputWrong, NotAllowed
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import User
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import account, note
from dsr_engine.workflow.users.signing_in import throttle

#: So many wrong codes or passkeys in fifteen minutes for one account, and in a day: whoever has the password guesses a code of six digits, of which
#: three count at any time, once in thirty years.
PER_FACTOR, PER_FACTOR_DAY, _DAY = 5, 30, timedelta(days=1)
DIGITS, STEP_SECONDS = 6, 30
RECOVERY_CODES = 10
ADDED, REMOVED, RECOVERY_MADE, RECOVERY_USED, RESET = (
    "factor.added",
    "factor.removed",
    "factor.recovery_made",
    "factor.recovery_used",
    "factor.reset",
)
#: Why somebody's second factors are taken away, as codes.
REASONS = MappingProxyType(
    {
        "lost": "the device is lost or broken",
        "stolen": "the device was stolen, or somebody else may use it",
        "replaced": "the person has a new device",
    }
)
_FACTOR, _FACTOR_DAY = "second factor", "second factor of the day"


def new_totp() -> Secret:
    """A secret for one-time codes: 160 random bits in base32, as apps take it (RFC 4226 § 4)."""
    return Secret(base64.b32encode(secrets.token_bytes(20)).decode())


def totp_uri(house: House, user: User, secret: Secret) -> Secret:
    """What the QR code holds."""
    return Secret(_codes(secret).get_provisioning_uri(user.name, house.settings.controller.get("name") or "DSR Engine"))


def seal_totp(house: House, user: User, secret: Secret) -> bytes:
    """The secret as it may be kept: it can be opened for this user only."""
    return house.store.web_key.seal(f"totp {user.id}", secret.reveal().encode())


def unseal_totp(house: House, user: User, sealed: bytes) -> Secret:
    """Raises `NotVerified` for what is not of this user."""
    return Secret(house.store.web_key.unseal(f"totp {user.id}", sealed).decode())


def add_totp(house: House, user: User, secret: Secret, code: str, keep: bytes) -> tuple[Secret, ...]:
    """Takes on an app that gives the right code now, in place of an earlier one. Every session but `keep` ends.

    Gives recovery codes if this is the account's first second factor. Raises `NotAllowed` (`factor.wrong`, `sign_in.often`).
    """
    throttle_factor(house, user)
    step = _step_of(house, secret, code)
    if step is None:
        raise _wrong()
    with house.store.transaction() as tx:
        known = account(tx, user.id)
        tx.users.set_totp(user.id, seal_totp(house, user, secret), step)
        codes = first_recovery(tx, house, known)
        factor_changed(tx, house, user, ADDED, "totp", keep)
        forgive_factor(tx, house, user)
    return codes


def remove_totp(house: House, user: User, keep: bytes) -> None:
    """Forgets the app. Every session but `keep` ends."""
    with house.store.transaction() as tx:
        if not account(tx, user.id).has_totp:
            raise InputWrong("there is no app to remove", code="factor.unknown", hint="look at the list of your second factors")
        tx.users.set_totp(user.id, None)
        factor_changed(tx, house, user, REMOVED, "totp", keep)


def check_code(house: House, user: User, code: str) -> None:
    """The code is the app's, or one of the recovery codes; either counts once. Raises `NotAllowed` (`factor.wrong`, `sign_in.often`)."""
    throttle_factor(house, user)
    with house.store.transaction() as tx:
        if not (_is_totp(tx, house, user, code) or _is_recovery(tx, house, user, code)):
            raise _wrong()
        forgive_factor(tx, house, user)


def _is_totp(tx: Transaction, house: House, user: User, code: str) -> bool:
    sealed, last = tx.users.totp_of(user.id)
    step = _step_of(house, unseal_totp(house, user, sealed), code) if sealed is not None else None
    if sealed is None or step is None or (last is not None and step <= last):
        return False
    tx.users.set_totp(user.id, sealed, step)
    return True


def _is_recovery(tx: Transaction, house: House, user: User, code: str) -> bool:
    if not tx.users.use_recovery(user.id, _recovery_digest(house, user, code)):
        return False
    note(tx, house, RECOVERY_USED, user, user.name)
    return True


def _step_of(house: House, secret: Secret, code: str) -> int | None:
    """The time step whose code this is: the present one, the one before or the one after (RFC 6238 § 5.2)."""
    written = re.sub(r"\s", "", code)
    if not re.fullmatch(rf"[0-9]{{{DIGITS}}}", written):
        return None
    present = int(house.clock.now().timestamp()) // STEP_SECONDS
    for step in (present, present - 1, present + 1):
        try:
            _codes(secret).verify(written.encode(), step * STEP_SECONDS)
        except InvalidToken:
            continue
        return step
    return None


def _codes(secret: Secret) -> TOTP:
    return TOTP(base64.b32decode(secret.reveal()), DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  # what apps know; RFC 6238 needs no collision resistance


def make_recovery(house: House, user: User) -> tuple[Secret, ...]:
    """Ten new recovery codes; those from before are void."""
    with house.store.transaction() as tx:
        if not account(tx, user.id).has_second_factor:
            raise InputWrong("recovery codes stand in for a second factor", code="factor.none", hint="set one up first")
        return _made_recovery(tx, house, user)


def first_recovery(tx: Transaction, house: House, before: User) -> tuple[Secret, ...]:
    """Recovery codes for an account that had no second factor until now."""
    return () if before.has_second_factor else _made_recovery(tx, house, before)


def _made_recovery(tx: Transaction, house: House, user: User) -> tuple[Secret, ...]:
    texts = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    tx.users.set_recovery(user.id, [_recovery_digest(house, user, text) for text in texts])
    note(tx, house, RECOVERY_MADE, user, user.name)
    return tuple(Secret("-".join(text[at : at + 4] for at in range(0, len(text), 4))) for text in texts)


def _recovery_digest(house: House, user: User, code: str) -> bytes:
    return house.store.web_key.digest(f"recovery {user.id}", re.sub(r"[\s-]", "", code).upper().encode(errors="replace").decode())


def factor_changed(tx: Transaction, house: House, user: User, kind: str, factor: str, keep: bytes) -> None:
    """What follows when a second factor came or went: other sessions end, recovery codes go with the last factor, the ledger knows."""
    if not account(tx, user.id).has_second_factor:
        tx.users.set_recovery(user.id, ())
    tx.web_sessions.end_all(user.id, but=keep)
    note(tx, house, kind, user, user.name, factor=factor)


def forgive_factor(tx: Transaction, house: House, user: User) -> None:
    """Begins to count wrong second factors anew."""
    for what in (_FACTOR, _FACTOR_DAY):
        tx.throttles.forgive(house.store.web_key.digest(what, user.id))


def throttle_factor(house: House, user: User) -> None:
    """Counts a try of a second factor. Raises `NotAllowed` (`sign_in.often`)."""
    throttle(house, _FACTOR, user.id, PER_FACTOR)
    throttle(house, _FACTOR_DAY, user.id, PER_FACTOR_DAY, _DAY)


def reset_factors(house: House, user_id: str, reason: str, by: str) -> User:
    """Takes every second factor, session and token of an account away, because its owner cannot use them or somebody else might.

    `reason` is one of `REASONS`. Raises `InputWrong` (`factor.reason`, `factor.none`, `user.unknown`).
    """
    if reason not in REASONS:
        raise InputWrong("say why", code="factor.reason", hint=f"one of {', '.join(REASONS)}")
    with house.store.transaction() as tx:
        user = account(tx, user_id)
        if not user.has_second_factor:
            raise InputWrong("this account has no second factor", code="factor.none", hint="its owner sets one up on the page of their account")
        tx.users.set_totp(user.id, None)
        tx.passkeys.remove_all(user.id)
        tx.users.set_recovery(user.id, ())
        tx.web_sessions.end_all(user.id)
        tx.api_tokens.revoke_all(user.id)
        forgive_factor(tx, house, user)
        note(tx, house, RESET, user, by, reason=reason)
        return account(tx, user_id)


def _wrong() -> NotAllowed:
    hint = "each code counts once: wait for the next one, and look whether the clock of your device is right"
    return NotAllowed("this code does not count", code="factor.wrong", hint=hint)
