"""An event as a signed HTTPS POST to a subscriber; nothing of a person is in it. A 2xx says that it arrived."""

from datetime import datetime

from dsr_engine.delivery.signing import signed_headers
from dsr_engine.delivery.web import Web
from dsr_engine.domain.partner import Subscriber

EVENT_ID = "X-DSR-Event-Id"


def post_event(subscriber: Subscriber, event_id: str, body: str, now: datetime) -> str:
    """Sends it and gives a code for the answer (`http_204`). Raises as `Web.ask` does."""
    data = body.encode()
    signature = signed_headers(subscriber.secret.reveal().encode(), data, int(now.timestamp()))
    headers = {"Content-Type": "application/json", EVENT_ID: event_id, **signature}
    web = Web(subscriber.ca_file, subscriber.is_internal)
    return f"http_{web.ask('POST', subscriber.url.reveal(), body=data, headers=headers).status}"
