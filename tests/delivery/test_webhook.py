"""A webhook brings exactly what its recipient needs, signed; and a 2xx is a receipt, not a deletion."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from dsr_engine.delivery.webhook import Webhook
from dsr_engine.domain.errors import NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.recipient import Channel, NoticeState, What
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.telling import Identifier
from tests.delivery.recipient_kinds import CANARY, ID, NOON, message, recipient_of
from tests.servers.recipient_server import RecipientServer, Reply

_SECRET = "0123456789abcdef0123456789abcdef"


def _hook(server: RecipientServer) -> Webhook:
    return Webhook(recipient_of(server, Channel.WEBHOOK, url=f"{server.url}/erasures", secret=_SECRET))


def test_the_body_says_whom_what_and_until_when_and_is_signed_with_its_time(recipient_server: RecipientServer) -> None:
    answer = _hook(recipient_server).tell(message((What.ERASE, What.RESTRICT)), NOON)
    (asked,) = recipient_server.asked
    stamp = asked.headers["x-dsr-timestamp"]
    mark = hmac.new(_SECRET.encode(), f"{stamp}.".encode() + asked.body, hashlib.sha256).hexdigest()
    assert (stamp, asked.headers["x-dsr-signature"]) == (str(int(NOON.timestamp())), f"sha256={mark}")
    assert json.loads(asked.body) == {
        "version": "1",
        "id": ID,
        "reference": "c0ffee000000",
        "what": ["erase", "restrict"],
        "law": "Art. 19 GDPR",
        "regulation": "gdpr",
        "requested_at": "2026-03-02T12:00:00Z",
        "answer_by": "2026-04-02",
        "reminder": 0,
        "controller": {"name": "Teahouse", "contact": "privacy@example.com"},
        "identifiers": [{"kind": "email", "value": CANARY}],
    }
    assert (answer.state, answer.code) == (NoticeState.ACKNOWLEDGED, "http_202")


def test_identifiers_outside_ascii_arrive_as_they_are(recipient_server: RecipientServer) -> None:
    _hook(recipient_server).tell(message(identifiers=(Identifier("name", Secret("Zoë Ångström 株")),)), NOON)
    assert json.loads(recipient_server.asked[0].body)["identifiers"] == [{"kind": "name", "value": "Zoë Ångström 株"}]


def test_a_host_that_is_busy_may_be_told_later_and_one_that_refuses_may_not(recipient_server: RecipientServer) -> None:
    for status, family in ((503, Unreachable), (403, NotAllowed)):
        recipient_server.answering = lambda _, status=status: Reply(status, CANARY.encode())  # type: ignore[misc]  # the default binds the loop's value
        with pytest.raises(family) as caught:
            _hook(recipient_server).tell(message(), NOON)
        assert CANARY not in str(caught.value)


def test_nothing_can_be_asked_or_taken_back(recipient_server: RecipientServer) -> None:
    assert _hook(recipient_server).ask(ID) is None
    with pytest.raises(NotSupported):
        _hook(recipient_server).cancel(ID)
    _hook(recipient_server).check()
    assert recipient_server.asked == []


def test_no_value_is_in_the_repr_of_what_is_sent() -> None:
    assert CANARY not in repr(message()) + repr(replace(message(), reminder=1)) + repr(message().identifiers)
