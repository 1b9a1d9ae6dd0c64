"""Accounts of people who sign in at the company's identity provider: made when they first come, with the roles that their groups give them.

Who somebody is, is the provider's `issuer` and `sub`, never a name or an address: those are given to other people later.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dsr_engine.delivery.openid import Journey, authorization_url, discover, redeem
from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed, NotSupported, NotVerified
from dsr_engine.domain.sign_on import SignOn
from dsr_engine.domain.user import Role, User
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import ADDED, ROLES, checked_name, note

#: So long may somebody take at the identity provider.
PATIENCE = timedelta(minutes=10)
_PURPOSE = "journey"
_LONGEST_SUB = 255
_NAMES = ("preferred_username", "name", "email")


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who came back. `onward` is where they wanted to go; `is_confirmed`: the provider's word counts as a second factor."""

    user: User
    onward: str
    is_confirmed: bool


def begin(house: House, return_address: str, onward: str) -> tuple[str, str]:
    """Where the browser goes, and what it keeps until it is back (sealed). Raises `NotSupported` (`sign_on.none`), and as `discover` does."""
    sign_on = _sign_on(house)
    journey = Journey(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
    address = authorization_url(sign_on, discover(sign_on), journey, return_address)
    kept = {"state": journey.state, "nonce": journey.nonce, "verifier": journey.verifier, "onward": onward, "at": house.clock.now().timestamp()}
    return address, base64.urlsafe_b64encode(house.store.web_key.seal(_PURPOSE, json.dumps(kept).encode())).decode()


def finish(house: House, return_address: str, kept: str, answer: Mapping[str, str]) -> Arrived:
    """Who came back with this answer. Raises `NotAllowed` (`sign_on.state`, `sign_on.refused`, `sign_on.outside`, `sign_on.disabled`),
    `NotVerified` (`sign_on.token`), `Conflict` (`sign_on.taken`).
    """
    sign_on = _sign_on(house)
    journey, onward = _set_out(house, kept, answer.get("state", ""))
    if "error" in answer or not answer.get("code"):
        raise NotAllowed("the identity provider let you not in", code="sign_on.refused", hint="ask whoever runs it whether you may use this server")
    provider = discover(sign_on)
    # Somebody else's answer in the place of the provider's (RFC 9207).
    if answer.get("iss", "" if provider.names_itself else provider.issuer) != provider.issuer:
        raise _strange()
    claims = redeem(sign_on, provider, journey, answer["code"], return_address, house.clock.now())
    said = {str(claims.get("acr", "")), *map(str, claims.get("amr") or ())}
    return Arrived(_account(house, sign_on, claims), onward, is_confirmed=not said.isdisjoint(sign_on.second_factor))


def _sign_on(house: House) -> SignOn:
    sign_on = house.settings.sign_on
    if sign_on is None:
        raise NotSupported("this server has accounts of its own only", code="sign_on.none", hint="[oidc] of dsr.toml would name a provider")
    return sign_on


def _set_out(house: House, kept: str, state: str) -> tuple[Journey, str]:
    """What this browser set out with, if the answer belongs to it and came in time, and no other came before."""
    try:
        found = json.loads(house.store.web_key.unseal(_PURPOSE, base64.urlsafe_b64decode(kept)))
    except (NotVerified, binascii.Error, ValueError):
        raise _strange() from None
    now = house.clock.now()
    if not hmac.compare_digest(str(found["state"]).encode(), state.encode(errors="replace")):
        raise _strange()
    if now.timestamp() - float(found["at"]) > PATIENCE.total_seconds():
        raise NotAllowed("that took too long", code="sign_on.state", hint="sign in again")
    with house.store.transaction() as tx:
        if tx.throttles.count(house.store.web_key.digest(_PURPOSE, state), now, 2 * PATIENCE) > 1:
            raise _strange()
    return Journey(found["state"], found["nonce"], found["verifier"]), str(found["onward"])


def _account(house: House, sign_on: SignOn, claims: Mapping[str, Any]) -> User:
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 1 <= len(sub) <= _LONGEST_SUB:
        raise NotVerified("the identity provider does not say who you are", code="sign_on.token", hint="ask whoever runs it")
    roles = sign_on.roles_of(_groups(claims.get(sign_on.roles_claim)))
    subject = hashlib.sha256(f"{sign_on.issuer}\0{sub}".encode(errors="replace")).hexdigest()
    with house.store.transaction() as tx:
        user = tx.users.of_subject(subject)
        if user is None and roles:
            return _made(tx, house, claims, roles, subject)
        if user is not None and user.disabled_at is None and roles:
            return _with_roles(tx, house, user, roles)
        if user is not None and not roles:
            # Whoever lost their last group is out at once, also where they are signed in already.
            tx.web_sessions.end_all(user.id)
            tx.api_tokens.revoke_all(user.id)
    if user is not None and roles:
        raise NotAllowed("your account here is disabled", code="sign_on.disabled", hint="ask an administrator of this server")
    raise NotAllowed("none of your groups has a role here", code="sign_on.outside", hint="[oidc] of dsr.toml says which groups have one")


def _made(tx: Transaction, house: House, claims: Mapping[str, Any], roles: tuple[Role, ...], subject: str) -> User:
    given = next((str(claims[name]) for name in _NAMES if claims.get(name)), "")
    try:
        name = checked_name(given)
    except InputWrong:
        raise NotVerified(
            "the identity provider does not say what you are called", code="sign_on.name", hint="it has to send the claims of `profile`"
        ) from None
    if tx.users.is_taken(name):
        # Never joined by name: somebody else could take a name at the provider to become whoever has it here.
        hint = "an administrator takes the other account away, or one of the two names is changed"
        raise Conflict("there is another account of your name here", code="sign_on.taken", hint=hint)
    user = User(f"user-{secrets.token_hex(8)}", name, roles, house.clock.now(), is_external=True)
    tx.users.add(user, subject=subject)
    note(tx, house, ADDED, user, user.name, roles=", ".join(roles), source="sign_on")
    return user


def _with_roles(tx: Transaction, house: House, user: User, roles: tuple[Role, ...]) -> User:
    if set(roles) == set(user.roles):
        return user
    tx.users.set_roles(user.id, roles)
    tx.web_sessions.end_all(user.id)
    note(tx, house, ROLES, user, user.name, roles=", ".join(roles), source="sign_on")
    return tx.users.get(user.id) or user


def _groups(claim: object) -> Iterable[str]:
    if isinstance(claim, str):
        return (claim,)
    return tuple(each for each in claim if isinstance(each, str)) if isinstance(claim, list) else ()


def _strange() -> NotAllowed:
    return NotAllowed("this is not the answer to your sign-in", code="sign_on.state", hint="sign in again, in one window")
