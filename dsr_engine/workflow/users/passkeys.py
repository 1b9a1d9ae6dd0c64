"""Passkeys (WebAuthn Level 3): taken on, and asked for as a second factor or, where the device makes sure of its owner, instead of a password.

A challenge needs no row: it carries its time and an authentication code under the key of the web's doors, for one purpose and one account. That it
counts once is kept as a counted try.
"""

import hmac
import json
import secrets
import struct
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed, NotSupported
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import User
from dsr_engine.store.passkeys import Passkey
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import account
from dsr_engine.workflow.users.factors import ADDED, REMOVED, factor_changed, first_recovery, forgive_factor, throttle_factor

#: So long may somebody take with their device.
PATIENCE = timedelta(minutes=5)
MOST_PASSKEYS = 20
_LONGEST_NAME, _LONGEST_ANSWER = 80, 20_000
_NONCE, _TIME, _CODE = 16, 8, 32
#: What the library, and what it is made of, say of an answer that is no answer.
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, struct.error)


@dataclass(frozen=True, slots=True)
class Place:
    """Where passkeys are good for: `rp_id` is the host, `origin` what browsers call the server."""

    rp_id: str
    origin: str


def place_of(house: House) -> Place | None:
    """Where this house's passkeys are good for; None where browsers allow none: at a bare address such as 127.0.0.1 (WebAuthn § 5.1.3)."""
    url = house.settings.web.url
    host = urlsplit(url).hostname or ""
    has_name = any(character.isalpha() for character in host) and ":" not in host
    return Place(host, url) if has_name else None


def registration_options(house: House, user: User) -> str:
    """What the browser is asked to make a passkey with, as JSON. Raises `NotSupported` (`passkey.place`), `Conflict` (`passkey.many`)."""
    place = _place(house)
    with house.store.snapshot() as tx:
        known = tx.passkeys.of(user.id)
    if len(known) >= MOST_PASSKEYS:
        raise Conflict(f"there are {MOST_PASSKEYS} passkeys already", code="passkey.many", hint="remove those that nobody uses")
    options = generate_registration_options(
        rp_id=place.rp_id,
        rp_name=house.settings.controller.get("name") or "DSR Engine",
        user_name=user.name,
        user_id=user.id.encode(),
        challenge=_challenge(house, "enrol", user.id),
        timeout=int(PATIENCE.total_seconds() * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in known],
    )
    return str(options_to_json(options))


def add_passkey(house: House, user: User, name: str, answer: str, keep: bytes) -> tuple[Secret, ...]:
    """Takes on the passkey that the browser answered with. Every session but `keep` ends.

    Gives recovery codes if this is the account's first second factor. Raises `NotAllowed` (`passkey.wrong`), `InputWrong` (`passkey.name`),
    `Conflict` (`passkey.exists`).
    """
    place, written = _place(house), " ".join(name.split())
    if not 1 <= len(written) <= _LONGEST_NAME or not written.isprintable():
        raise InputWrong(f"a passkey's name has 1 to {_LONGEST_NAME} characters", code="passkey.name", hint="such as “my laptop”")
    try:
        challenge = _answered(house, answer, "enrol", user.id)
        made = verify_registration_response(credential=answer, expected_challenge=challenge, expected_rp_id=place.rp_id, expected_origin=place.origin)
    except _MALFORMED:
        raise _wrong() from None
    passkey = Passkey(bytes_to_base64url(made.credential_id), user.id, written, made.credential_public_key, made.sign_count, house.clock.now())
    with house.store.transaction() as tx:
        known = account(tx, user.id)
        if tx.passkeys.get(passkey.id) is not None:
            raise Conflict("this passkey is known already", code="passkey.exists", hint="use another device")
        tx.passkeys.add(passkey)
        codes = first_recovery(tx, house, known)
        factor_changed(tx, house, user, ADDED, "passkey", keep)
    return codes


def remove_passkey(house: House, user: User, id_: str, keep: bytes) -> None:
    """Forgets a passkey of this user. Every session but `keep` ends. Raises `InputWrong` (`passkey.unknown`)."""
    with house.store.transaction() as tx:
        if not tx.passkeys.remove(user.id, id_):
            raise InputWrong("there is no such passkey", code="passkey.unknown", hint="look at the list of your passkeys")
        factor_changed(tx, house, user, REMOVED, "passkey", keep)


def authentication_options(house: House, user: User | None) -> str:
    """What the browser is asked to prove with a passkey, as JSON. `user` None: whoever has a passkey that names its owner may sign in with it."""
    place = _place(house)
    known: list[str] = []
    if user is not None:
        with house.store.snapshot() as tx:
            known = [each.id for each in tx.passkeys.of(user.id)]
    options = generate_authentication_options(
        rp_id=place.rp_id,
        challenge=_challenge(house, *_purpose(user)),
        timeout=int(PATIENCE.total_seconds() * 1000),
        allow_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each)) for each in known],
        user_verification=UserVerificationRequirement.PREFERRED if user else UserVerificationRequirement.REQUIRED,
    )
    return str(options_to_json(options))


def check_passkey(house: House, answer: str, user: User | None) -> User:
    """Whose passkey gave this answer. With `user` None it stands alone: the device has to have made sure of its owner, who signs in here and not at
    the identity provider.

    Raises `NotAllowed` (`passkey.wrong`, `sign_in.often`), whatever is wrong with it.
    """
    place = _place(house)
    if user is not None:
        throttle_factor(house, user)
    try:
        challenge = _answered(house, answer, *_purpose(user))
        document = json.loads(answer)
        with house.store.transaction() as tx:
            owner, passkey = _owner(tx, document, user)
            proved = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=place.rp_id,
                expected_origin=place.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=user is None,
            )
            tx.passkeys.used(passkey.id, proved.new_sign_count, house.clock.now())
            forgive_factor(tx, house, owner)
    except _MALFORMED:
        raise _wrong() from None
    return owner


def _owner(tx: Transaction, document: Any, user: User | None) -> tuple[User, Passkey]:
    passkey = tx.passkeys.get(str(document["id"]))
    owner = tx.users.get(passkey.user) if passkey else None
    handle = document["response"].get("userHandle")
    if passkey is None or owner is None or owner.disabled_at is not None or (user is not None and owner.id != user.id):
        raise _wrong()
    if user is None and owner.is_external:
        # Whether they may still come in is the identity provider's word; here their passkey is a second factor only.
        raise _wrong()
    # WebAuthn § 7.2 step 6: who signs in without a name says by the handle who they are.
    if (handle or user is None) and base64url_to_bytes(str(handle)) != owner.id.encode():
        raise _wrong()
    return owner, passkey


def _purpose(user: User | None) -> tuple[str, str]:
    return ("prove", user.id) if user else ("sign-in", "")


def _challenge(house: House, purpose: str, whose: str) -> bytes:
    begun = secrets.token_bytes(_NONCE) + int(house.clock.now().timestamp()).to_bytes(_TIME, "big")
    return begun + _code(house, begun, purpose, whose)


def _code(house: House, begun: bytes, purpose: str, whose: str) -> bytes:
    return hmac.digest(house.store.web_key.secret(f"challenge {purpose} {whose}"), begun, "sha256")


def _answered(house: House, answer: str, purpose: str, whose: str) -> bytes:
    """The challenge to which this is the first answer, if it was ours, for this, and not too long ago."""
    if len(answer) > _LONGEST_ANSWER:
        raise _wrong()
    challenge: bytes = parse_client_data_json(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"])).challenge
    begun, code = challenge[: _NONCE + _TIME], challenge[_NONCE + _TIME :]
    if len(code) != _CODE or not hmac.compare_digest(code, _code(house, begun, purpose, whose)):
        raise _wrong()
    now, since = house.clock.now(), int.from_bytes(begun[_NONCE:], "big")
    if not 0 <= now.timestamp() - since + 1 <= PATIENCE.total_seconds():
        raise NotAllowed("that took too long", code="passkey.late", hint="try again")
    with house.store.transaction() as tx:
        if tx.throttles.count(house.store.web_key.digest("challenge", begun.hex()), now, 2 * PATIENCE) > 1:
            raise _wrong()
    return challenge


def _place(house: House) -> Place:
    place = place_of(house)
    if place is None:
        hint = "give the server a name: `url` in [web] of dsr.toml, such as http://localhost:8080 on this very machine"
        raise NotSupported("browsers allow no passkeys at a bare address", code="passkey.place", hint=hint)
    return place


def _wrong() -> NotAllowed:
    return NotAllowed("this passkey does not count", code="passkey.wrong", hint="try again, or sign in with your password")
