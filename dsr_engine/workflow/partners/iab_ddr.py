"""The IAB Tech Lab's Data Deletion Request Framework 1.0 on the receiver's side: signed requests are verified, taken in and acknowledged.

An acknowledgement says that a request arrived, never that anything was deleted. It holds the whole request, as the framework demands; it is not kept.
"""

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dsr_engine.delivery.iab_ddr import RESULTS, VERSION, keys_in
from dsr_engine.delivery.tokens import claims_unverified, jwk_of, read_key, signed, verified
from dsr_engine.delivery.web import Web
from dsr_engine.domain.errors import DsrError, InputWrong, NotVerified
from dsr_engine.domain.partner import IabDoor
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.partners.taking_in import Handed, policy_for, take_in

PROTOCOL = "iab_ddr"
OK, MALFORMED, SIGNATURE, TOKEN, TYPE, FORMAT, TIME = range(7)
#: A request counts from its signing on for so long; five minutes of another clock are let pass.
FRESH, AHEAD = timedelta(days=7), timedelta(minutes=5)
#: A partner's published keys are asked for again after so long; one that could not be asked, after a minute.
_KEYS_FOR, _FAILED_FOR = timedelta(minutes=10), timedelta(minutes=1)
_SECONDS = 5.0
_FORM = "raw"
_PLAIN = frozenset({"raw", "plain", "plaintext", "text", "none", ""})
_LONGEST_TOKEN = 20_000

Keys = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class KeyRing:
    """What partners publish, remembered for minutes, so that nobody can make this server call one again and again."""

    _known: dict[str, tuple[datetime, Keys]] = field(default_factory=dict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keys_of(self, door: IabDoor, domain: str, now: datetime) -> Keys:
        """The keys in the partner's `dsrdelete.json`; none where it cannot be asked. A slow partner keeps nobody waiting but its own."""
        with self._lock:
            own = self._locks.setdefault(domain, threading.Lock())
        with own:
            until, keys = self._known.get(domain, (now, ()))
            if now < until:
                return keys
            try:
                web = Web(door.ca_file, door.is_internal, seconds=_SECONDS)
                keys = keys_in(web.ask("GET", f"https://{domain}/dsrdelete.json").document())
            except DsrError:
                keys = ()
            self._known[domain] = (now + (_KEYS_FOR if keys else _FAILED_FOR), keys)
            return keys


class _Refused(Exception):
    """`code` is the framework's result code."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def published(door: IabDoor, root: str) -> dict[str, Any]:
    """Our `dsrdelete.json`."""
    return {
        "endpoint": f"{root}/iab/v1/requests",
        "identifiers": [{"id": number, "type": kind, "format": _FORM} for number, kind in enumerate(door.identifiers, 1)],
        "publicKey": [dict(jwk_of(read_key(door.key.reveal(), door.key_id)))],
        "vendorScriptRequirement": False,
    }


def answer(house: House, door: IabDoor, ring: KeyRing, token: str) -> tuple[str, bool]:
    """Takes a request (rqJWT) in; gives the acknowledgement (acJWT), and True if it was taken."""
    try:
        _take(house, door, ring, token)
        code = OK
    except _Refused as refused:
        code = refused.code
    now = house.clock.now()
    claims = {
        "version": VERSION,
        "rqJWT": token,
        "jti": str(uuid.uuid4()),
        "iss": door.domain,
        "iat": int(now.timestamp()),
        "raResultCode": code,
        "raResultString": RESULTS.get(code, "success"),
    }
    return signed(claims, read_key(door.key.reveal(), door.key_id)), code == OK


def _take(house: House, door: IabDoor, ring: KeyRing, token: str) -> None:
    now = house.clock.now()
    if len(token) > _LONGEST_TOKEN:
        raise _Refused(MALFORMED)
    request, sender = _verified(door, ring, token, now)
    inner = request.get("idJWT")
    if not isinstance(inner, str):
        raise _Refused(MALFORMED)
    person, _ = _verified(door, ring, inner, now)
    if person.get("sub") != request.get("sub"):
        raise _Refused(TOKEN)
    asked_at = min(_fresh(request, now), _fresh(person, now))
    request_id = request.get("jti")
    if not isinstance(request_id, str) or not 1 <= len(request_id) <= 200:
        raise _Refused(TOKEN)
    try:
        claims = claims_of([_identifier(door, request.get("sub"))])
    except InputWrong:
        raise _Refused(FORMAT) from None
    regimes = (door.regime,) if door.regime else ()
    take_in(house, policy_for(house, door.policy), Handed(PROTOCOL, sender, request_id, claims, asked_at, regimes))


def _verified(door: IabDoor, ring: KeyRing, token: str, now: datetime) -> tuple[Mapping[str, Any], str]:
    """The claims of a token that a partner signed, and the partner. Nobody else is asked for keys, whomever a token names."""
    try:
        sender = claims_unverified(token).get("iss")
    except NotVerified:
        raise _Refused(TOKEN) from None
    if not isinstance(sender, str) or sender not in door.partners:
        raise _Refused(SIGNATURE)
    try:
        return verified(token, ring.keys_of(door, sender, now)), sender
    except NotVerified:
        raise _Refused(SIGNATURE) from None


def _fresh(claims: Mapping[str, Any], now: datetime) -> datetime:
    at = claims.get("iat")
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < 2**40:
        raise _Refused(TIME)
    try:
        signed_at = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        raise _Refused(TIME) from None
    if not now - FRESH <= signed_at <= now + AHEAD:
        raise _Refused(TIME)
    return min(signed_at, now)


def _identifier(door: IabDoor, subject: object) -> tuple[str, str]:
    if not isinstance(subject, dict) or not isinstance(subject.get("identifierValue"), str):
        raise _Refused(MALFORMED)
    kind = str(subject.get("identifierType", "")).casefold().replace(" ", "_")
    if kind not in door.identifiers:
        raise _Refused(TYPE)
    if str(subject.get("identifierFormat", "")).casefold() not in _PLAIN:
        raise _Refused(FORMAT)
    return kind, subject["identifierValue"]
