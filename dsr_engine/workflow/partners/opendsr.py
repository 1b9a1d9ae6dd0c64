"""OpenDSR 2.0 on the processor's side: what a controller may ask, and what it is told. Identifiers are taken into a case and told back nowhere else
than in `encoded_request`, which the specification demands and nobody keeps."""

import json
import re
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dsr_engine.delivery.opendsr import REGULATIONS, VERSION, own_kind
from dsr_engine.delivery.opendsr_answer import signed_post
from dsr_engine.delivery.web import checked_url
from dsr_engine.domain.case import Outcome
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.partner import OpenDsrDoor
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.partners.taking_in import Handed, Standing, claims_taken, policy_for, refuse_future, standing_of, stands, state_of, take_in
from dsr_engine.workflow.wiping import wipe

PROTOCOL = "opendsr"
MOST_IDENTITIES, MOST_CALLBACKS = 50, 5
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
#: Where no law sets a day, a controller is told this many days.
_USUAL = timedelta(days=30)
#: A callback is tried at each round until so long after the case was closed; so many requests in one round.
GIVEN_UP_AFTER, _CALLBACKS_AT_ONCE = timedelta(days=3), 500
#: The version that was called OpenGDPR; its routes and headers have to be honoured (§ 10.1).
OLDER = "1.0"


def discovery(door: OpenDsrDoor, root: str, version: str = VERSION) -> dict[str, Any]:
    """What is taken here (§ 6)."""
    identities = [{"identity_type": kind, "identity_format": "raw"} for kind in sorted({*door.identifiers, *map(_their_word, door.identifiers)})]
    return {
        "api_version": version,
        "supported_identities": identities,
        "supported_subject_request_types": ["erasure"],
        "processor_certificate": f"{root}/certificate",
    }


def request(house: House, door: OpenDsrDoor, controller: str, body: bytes, version: str = VERSION) -> dict[str, Any]:
    """Takes a request in (§ 7). Raises `InputWrong` for one that the specification does not know or that is not taken here.

    Version 1 (OpenGDPR) knew one regulation and did not name it.
    """
    given = _object(body)
    request_id = checked_id(given.get("subject_request_id"))
    if given.get("subject_request_type") != "erasure":
        raise _wrong("type", "only erasure is taken here")
    regulation = given.get("regulation", REGULATIONS[0] if version == OLDER else None)
    if regulation not in REGULATIONS:
        raise _wrong("regulation", "the regulation is gdpr or ccpa")
    if str(given.get("api_version", version)).partition(".")[0] != version.partition(".")[0]:
        raise _wrong("version", f"version {version} of the specification is spoken at this address")
    asked_at = _moment(given.get("submitted_time"))
    refuse_future(asked_at, house.clock.now(), "opendsr.submitted_time")
    pairs = claims_taken(tuple(_identities(given)), door.identifiers, "opendsr.identities")
    handed = Handed(PROTOCOL, controller, request_id, claims_of(pairs), asked_at, (str(regulation),), _callbacks(given))
    found = take_in(house, policy_for(house, door.policy), handed)
    return {**_told(controller, request_id, found), "encoded_request": b64encode(body).decode()}


def status(house: House, controller: str, request_id: str, version: str = VERSION) -> dict[str, Any]:
    """How a request stands (§ 8)."""
    found = stands(house, PROTOCOL, controller, checked_id(request_id))
    return {**_told(controller, request_id, found), "request_status": found.state, "api_version": version, "results_url": None}


def cancel(house: House, controller: str, request_id: str, version: str = VERSION) -> dict[str, Any]:
    """Takes a request back (§ 9). Raises `Conflict` once it is not pending any more."""
    found = stands(house, PROTOCOL, controller, checked_id(request_id))
    if found.state != "pending":
        raise Conflict("the request is not pending any more", code="opendsr.late", hint="ask how it stands")
    close_unfulfilled(house, found.case, Outcome.WITHDRAWN, "withdrawn", controller)
    wipe(house)
    told = {"controller_id": controller, "subject_request_id": request_id}
    return {**told, "received_time": _written(house.clock.now()), "api_version": version}


def tell_partners(house: House) -> Iterator[str]:
    """Tells controllers that asked for it when a request stands differently than they were told last. The address is tried until it answers."""
    door = house.partners.opendsr
    if door is None:
        return
    with house.store.snapshot() as tx:
        cases = [(each, tx.cases.get(each.case)) for each in tx.partner_requests.with_callbacks()]
    behind = [(each, case) for each, case in cases if state_of(case) != each.told]
    down: set[str] = set()
    for each, case in behind[:_CALLBACKS_AT_ONCE]:
        state, now = state_of(case), house.clock.now()
        with house.store.snapshot() as tx:
            told = {**_told(each.partner, each.id, standing_of(tx, house, each)), "request_status": state, "api_version": VERSION}
        left = tuple(url for url in each.callbacks if not _is_told(door, url, told, down))
        is_over = case.closed_at is not None and (not left or now >= case.closed_at + GIVEN_UP_AFTER)
        if not left:
            yield f"partner {each.partner}: told that a request is {state}"
        with house.store.transaction() as tx:
            tx.partner_requests.note(each.digest, each.told if left else state, () if is_over else each.callbacks)


def _is_told(door: OpenDsrDoor, url: str, document: Mapping[str, Any], down: set[str]) -> bool:
    """True if the controller has it. A host that did not answer is left in peace for this round, so that no other waits for it."""
    host = checked_url(url).netloc
    if host in down:
        return False
    try:
        signed_post(door, url, {**document, "status_callback_url": url})
    except DsrError:
        down.add(host)
        return False
    return True


def _told(controller: str, request_id: str, found: Standing) -> dict[str, Any]:
    due = found.due or found.received_at + _USUAL
    return {
        "controller_id": controller,
        "subject_request_id": request_id,
        "received_time": _written(found.received_at),
        "expected_completion_time": _written(due),
    }


def checked_id(text: object) -> str:
    """The id of a request: a UUID of version 4 in small letters. Raises `InputWrong`."""
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise _wrong("subject_request_id", "the id of a request is a UUID of version 4 in small letters")
    return str(uuid.UUID(text))


def _identities(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    listed = given.get("subject_identities")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_IDENTITIES:
        raise _wrong("identities", f"1 to {MOST_IDENTITIES} identities are taken")
    for entry in listed:
        if not isinstance(entry, dict) or entry.get("identity_format") != "raw" or not isinstance(entry.get("identity_value"), str):
            raise _wrong("identities", "identities are taken as they are written (identity_format raw)")
        yield own_kind(str(entry.get("identity_type"))), entry["identity_value"]


def _callbacks(given: Mapping[str, Any]) -> tuple[str, ...]:
    listed = given.get("status_callback_urls") or []
    if not isinstance(listed, list) or len(listed) > MOST_CALLBACKS or not all(isinstance(url, str) and len(url) <= 500 for url in listed):
        raise _wrong("callbacks", f"up to {MOST_CALLBACKS} addresses are called back")
    return tuple(dict.fromkeys(checked_url(url).geturl() for url in listed))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _wrong("body", "the body is not a JSON object")
    return found


def _moment(text: object) -> datetime:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    if found is None:
        raise _wrong("submitted_time", "submitted_time is the time of the person's request (RFC 3339)")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _their_word(kind: str) -> str:
    return "controller_customer_id" if kind == "customer_id" else kind


def _wrong(what: str, message: str) -> InputWrong:
    return InputWrong(message, code=f"opendsr.{what}", hint="OpenDSR 2.0; look at our /discovery")
