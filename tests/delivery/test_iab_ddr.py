"""The IAB's deletion framework: discovery, two signed tokens for each identifier, and an acknowledgement that is verified and forgotten."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from dsr_engine.delivery.iab_ddr import RESULTS, IabDdr, own_key
from dsr_engine.delivery.tokens import jwk_of
from dsr_engine.domain.errors import DsrError, NotAllowed, NotSupported, NotVerified
from dsr_engine.domain.recipient import Channel, NoticeState, Recipient, What
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.telling import Answer, Identifier
from tests.delivery.recipient_kinds import CANARY, NOON, Vendor, message, new_key, pem_of, recipient_of
from tests.servers.recipient_server import RecipientServer, Reply

_OURS = new_key("ours")
_THEIRS = new_key("theirs")


def _recipient(server: RecipientServer) -> Recipient:
    return recipient_of(server, Channel.IAB_DDR, domain=server.domain, issuer="teahouse.example", key=pem_of(_OURS), key_id="ours")


@pytest.fixture
def vendor(recipient_server: RecipientServer) -> Vendor:
    found = Vendor(recipient_server, dict(jwk_of(_OURS)), _THEIRS)
    recipient_server.answering = found
    return found


@pytest.mark.parametrize("is_bare", [True, False])
def test_a_request_holds_two_tokens_that_our_published_key_verifies(recipient_server: RecipientServer, vendor: Vendor, is_bare: bool) -> None:
    vendor.is_bare = is_bare
    answer = IabDdr(_recipient(recipient_server)).tell(message(), NOON)
    (request,) = vendor.requests
    hashed = hashlib.sha256(CANARY.encode()).hexdigest()
    assert request["sub"] == {"identifierValue": hashed, "identifierType": "email", "identifierFormat": "sha256"}
    assert (request["iss"], request["version"], request["iat"]) == ("teahouse.example", "1.0", int(NOON.timestamp()))
    assert answer == Answer(NoticeState.ACKNOWLEDGED, "iab_0")


def test_an_acknowledgement_is_never_a_confirmation(recipient_server: RecipientServer, vendor: Vendor) -> None:
    client = IabDdr(_recipient(recipient_server))
    assert client.tell(message(), NOON).state is not NoticeState.CONFIRMED
    assert client.ask("x") is None
    with pytest.raises(NotSupported):
        client.cancel("x")


def test_each_identifier_is_a_request_of_its_own_and_the_same_on_every_try(recipient_server: RecipientServer, vendor: Vendor) -> None:
    vendor.formats = (("email", "sha256"), ("user id", "raw"))
    both = (Identifier("email", Secret(CANARY)), Identifier("customer_id", Secret("17")), Identifier("name", Secret("Jane")))
    for _ in range(2):
        IabDdr(_recipient(recipient_server)).tell(message(identifiers=both), NOON)
    ids = [request["jti"] for request in vendor.requests]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert [request["sub"]["identifierType"] for request in vendor.requests[:2]] == ["email", "user id"]


@pytest.mark.parametrize("code", sorted(RESULTS))
def test_a_result_code_is_told_in_words_and_without_the_identifier(recipient_server: RecipientServer, vendor: Vendor, code: int) -> None:
    vendor.code = code
    with pytest.raises(NotAllowed) as caught:
        IabDdr(_recipient(recipient_server)).tell(message(), NOON)
    assert (caught.value.code, RESULTS[code] in caught.value.message) == (f"iab_{code}", True)
    assert hashlib.sha256(CANARY.encode()).hexdigest() not in str(caught.value)


@pytest.mark.parametrize("code", [7, -1, "0", None, True, False, 10000, {"a": 1}])
def test_a_result_that_the_framework_does_not_know_is_no_acknowledgement(recipient_server: RecipientServer, vendor: Vendor, code: object) -> None:
    vendor.code = code
    with pytest.raises(NotVerified):
        IabDdr(_recipient(recipient_server)).tell(message(), NOON)


def _of_another_request(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "rqJWT": "a.b.c"}


def _of_another_sender(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "iss": "evil.example"}


@pytest.mark.parametrize("change", [_of_another_request, _of_another_sender])
def test_an_acknowledgement_of_something_else_is_none(
    recipient_server: RecipientServer, vendor: Vendor, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    vendor.change = change
    with pytest.raises(NotVerified):
        IabDdr(_recipient(recipient_server)).tell(message(), NOON)


def test_an_acknowledgement_signed_by_another_key_is_none(recipient_server: RecipientServer, vendor: Vendor) -> None:
    vendor.signs_with = new_key("theirs")
    with pytest.raises(NotVerified) as caught:
        IabDdr(_recipient(recipient_server)).tell(message(), NOON)
    assert caught.value.code == "token.wrong"


@pytest.mark.parametrize("body", [b"", b"a.b", b"{}", b"a.b.c", b'{"acJWT": 5}', b'{"acJWT": null}', b"\xff.\xff.\xff", b"..", b"x" * 1000])
def test_garbage_is_no_acknowledgement(recipient_server: RecipientServer, vendor: Vendor, body: bytes) -> None:
    recipient_server.answering = lambda asked: vendor(asked) if asked.method == "GET" else Reply(202, body)
    with pytest.raises(NotVerified):
        IabDdr(_recipient(recipient_server)).tell(message(), NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": 5},
        {"endpoint": "http://elsewhere.example/"},
        {"publicKey": []},
        {"publicKey": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"publicKey": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"identifiers": [{"type": "email", "format": "rot13"}]},
        {"identifiers": "all"},
        {"identifiers": [5, None]},
        {"vendorScriptRequirement": True},
    ],
)
def test_what_a_recipient_publishes_is_not_believed_blindly(recipient_server: RecipientServer, vendor: Vendor, change: dict[str, Any]) -> None:
    document = {**vendor.published(), **change}
    recipient_server.answering = lambda _: Reply(200, json.dumps(document).encode())
    with pytest.raises(DsrError):
        IabDdr(_recipient(recipient_server)).tell(message(), NOON)
    assert [asked.method for asked in recipient_server.asked] == ["GET"]


def test_a_restriction_is_refused_because_the_framework_has_no_word_for_it(recipient_server: RecipientServer) -> None:
    with pytest.raises(NotSupported):
        IabDdr(_recipient(recipient_server)).tell(message((What.RESTRICT,)), NOON)
    assert recipient_server.asked == []


def test_a_check_reads_what_is_published_and_says_nothing(recipient_server: RecipientServer, vendor: Vendor) -> None:
    IabDdr(_recipient(recipient_server)).check()
    vendor.formats = (("idfa", "raw"),)
    with pytest.raises(NotSupported):
        IabDdr(_recipient(recipient_server)).check()
    assert {asked.path for asked in recipient_server.asked} == {"/dsrdelete.json"}


def test_the_key_to_publish_is_the_public_half_of_ours(recipient_server: RecipientServer) -> None:
    published = own_key(_recipient(recipient_server))
    assert published == jwk_of(_OURS)
    assert "d" not in published
