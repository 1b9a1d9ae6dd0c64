"""Calls that may be sent twice and are done once (`Idempotency-Key`, draft-ietf-httpapi-idempotency-key-header).

What was answered is kept for a day, sealed. A call that was cut off is not tried again by itself: whether it took effect nobody knows, so the caller
looks and sends a new key.
"""

import json
import re
from datetime import timedelta

from flask import g, request
from werkzeug.wrappers import Response

from dsr_engine.store.idempotency import Kept
from dsr_engine.web.api.callers import caller
from dsr_engine.web.api.problems import problem
from dsr_engine.web.guard import house

HEADER = "Idempotency-Key"
PATTERN = r"^[A-Za-z0-9_.:-]{8,128}$"
KEPT_FOR = timedelta(days=1)
#: A call that did not end within this time was cut off.
LONGEST_CALL = timedelta(minutes=5)
_PURPOSE = "api answer"
#: Nothing was done, and sending the same again may do it.
_UNDONE = frozenset({401, 403, 409, 412, 413, 415, 429, 503})


def begin() -> Response | None:
    """Before each POST: what was answered to the same call before, or a problem; None if this is the first."""
    if request.method != "POST":
        return None
    key = request.headers.get(HEADER, "")
    if not re.fullmatch(PATTERN, key):
        return problem(
            400, "idempotency.key", f"every POST carries {HEADER}: 8 to 128 letters, digits and . _ : -", "send a new random one for each new act"
        )
    at_home, now = house(), house().clock.now()
    digest = at_home.store.web_key.digest("api key", f"{caller().token}\n{key}")
    asked = "\n".join((request.method, request.path, request.get_data(cache=True).hex()))
    fingerprint = at_home.store.web_key.digest("api call", asked)
    with at_home.store.transaction() as tx:
        kept = tx.idempotency.begin(digest, fingerprint, now, now + KEPT_FOR)
    if kept is None:
        g.idempotent = digest
        return None
    return _again(kept, fingerprint)


def _again(kept: Kept, fingerprint: bytes) -> Response:
    if kept.fingerprint != fingerprint:
        return problem(422, "idempotency.other_request", "this key was used for another call", "send a new key for each new act")
    if kept.status is None or kept.answer is None:
        if house().clock.now() - kept.begun_at < LONGEST_CALL:
            return problem(409, "idempotency.running", "the same call is being worked on", "ask again in a moment")
        return problem(
            409, "idempotency.cut_off", "the same call was cut off: nobody knows whether it took effect", "look, then send it with a new key"
        )
    stored = json.loads(house().store.web_key.unseal(_PURPOSE, kept.answer))
    answer = Response(stored["body"], kept.status, mimetype=stored["mimetype"])
    answer.headers.update(stored["headers"])
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def end(answer: Response) -> Response:
    """After each call: keeps what was answered to a first one."""
    digest = g.pop("idempotent", None)
    if digest is None:
        return answer
    with house().store.transaction() as tx:
        if answer.status_code in _UNDONE:
            tx.idempotency.release(digest)
        elif answer.status_code < 500:
            headers = {name: answer.headers[name] for name in ("Location", "ETag") if name in answer.headers}
            stored = {"body": answer.get_data(as_text=True), "mimetype": answer.mimetype, "headers": headers}
            tx.idempotency.settle(digest, answer.status_code, house().store.web_key.seal(_PURPOSE, json.dumps(stored).encode()))
    return answer
