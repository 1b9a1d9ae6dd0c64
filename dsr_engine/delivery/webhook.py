"""A notice as a signed HTTPS POST: JSON, and an HMAC over the time and the body, so that the recipient knows whose it is and that it is fresh
(`signing.py` has the two headers).

The body's `id` is the same on every try. A 2xx says that it arrived and nothing more.
"""

import json
from datetime import datetime

from dsr_engine.delivery.signing import signed_headers
from dsr_engine.delivery.web import Web
from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.recipient import NoticeState, Recipient
from dsr_engine.domain.telling import Answer, Message


class Webhook:
    def __init__(self, recipient: Recipient) -> None:
        self._url = recipient.setting("url")
        self._secret = recipient.setting("secret").encode()
        self._web = Web(recipient.setting("ca_file"), recipient.setting("internal") == "true")

    def tell(self, message: Message, now: datetime) -> Answer:
        body = json.dumps(document_of(message), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", **signed_headers(self._secret, body, int(now.timestamp()))}
        answered = self._web.ask("POST", self._url, body=body, headers=headers)
        return Answer(NoticeState.ACKNOWLEDGED, f"http_{answered.status}")

    def ask(self, message_id: str) -> Answer | None:  # noqa: ARG002  # the contract's signature
        return None

    def cancel(self, message_id: str) -> Answer:  # noqa: ARG002  # the contract's signature
        raise NotSupported("a webhook cannot take back what it said", code="recipient.no_cancel", hint="write to the recipient")

    def check(self) -> None:
        self._web.reach(self._url)


def document_of(message: Message) -> dict[str, object]:
    """The body of the POST (connectors/README.md describes it to recipients)."""
    return {
        "version": "1",
        "id": message.id,
        "reference": message.reference,
        "what": [what.value for what in message.what],
        "law": message.law,
        "regulation": message.regulation,
        "requested_at": message.requested_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "answer_by": message.answer_by.isoformat(),
        "reminder": message.reminder,
        "controller": {key: message.controller[key] for key in ("name", "contact") if message.controller.get(key)},
        "identifiers": [{"kind": entry.kind, "value": entry.value.reveal()} for entry in message.identifiers],
    }
