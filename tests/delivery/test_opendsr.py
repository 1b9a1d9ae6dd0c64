"""OpenDSR 2.0: requests, status, cancellation, signatures; and nothing of `encoded_request` comes out."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dsr_engine.delivery.opendsr import OpenDsr, names_of
from dsr_engine.domain.errors import DsrError, InputWrong, NotAllowed, NotSupported, NotVerified, Unreachable
from dsr_engine.domain.recipient import Channel, NoticeState, What
from dsr_engine.domain.telling import Answer
from tests.delivery.recipient_kinds import CANARY, ID, NOON, Processor, message, recipient_of
from tests.servers.recipient_server import RecipientServer, Reply, make_authority, make_certificate


def _client(server: RecipientServer, **settings: str) -> OpenDsr:
    return OpenDsr(recipient_of(server, Channel.OPENDSR, url=f"{server.url}/v2/", **settings))


@pytest.fixture
def processor(recipient_server: RecipientServer) -> Processor:
    found = Processor()
    recipient_server.answering = found
    return found


def test_a_request_is_what_the_specification_wants(recipient_server: RecipientServer, processor: Processor) -> None:
    answer = _client(recipient_server, authorization="Basic abc").tell(message(), NOON)
    assert processor.requests[ID]["body"] == {
        "regulation": "gdpr",
        "subject_request_id": ID,
        "subject_request_type": "erasure",
        "submitted_time": "2026-03-02T12:00:00Z",
        "subject_identities": [{"identity_type": "email", "identity_value": CANARY, "identity_format": "raw"}],
        "api_version": "2.0",
    }
    assert recipient_server.asked[0].headers["authorization"] == "Basic abc"
    assert answer == Answer(NoticeState.ACKNOWLEDGED, "opendsr_pending", datetime(2026, 3, 20, tzinfo=UTC))


def test_identities_go_out_hashed_where_the_register_says_so(recipient_server: RecipientServer, processor: Processor) -> None:
    _client(recipient_server, format="sha256").tell(message(), NOON)
    (identity,) = processor.requests[ID]["body"]["subject_identities"]
    assert (identity["identity_format"], len(identity["identity_value"])) == ("sha256", 64)
    assert CANARY.encode() not in recipient_server.asked[0].body


@pytest.mark.parametrize(
    ("law", "setting", "expected"),
    [("gdpr", {}, "gdpr"), ("uk-gdpr", {}, "gdpr"), ("ccpa", {"regulation": "gdpr"}, "ccpa"), ("us-va", {"regulation": "ccpa"}, "ccpa")],
)
def test_the_law_is_one_of_the_two_that_the_specification_knows(
    recipient_server: RecipientServer, processor: Processor, law: str, setting: dict[str, str], expected: str
) -> None:
    _client(recipient_server, **setting).tell(replace(message(), regulation=law), NOON)
    assert processor.requests[ID]["body"]["regulation"] == expected


def test_a_law_that_the_specification_does_not_know_is_not_passed_off_as_another(recipient_server: RecipientServer) -> None:
    with pytest.raises(NotSupported) as caught:
        _client(recipient_server).tell(replace(message(), regulation="lgpd"), NOON)
    assert (caught.value.code, recipient_server.asked) == ("opendsr.regulation", [])


@pytest.mark.parametrize(
    ("status", "state"),
    [("pending", "acknowledged"), ("in_progress", "acknowledged"), ("completed", "confirmed"), ("cancelled", "failed")],
)
def test_only_completed_counts_as_deleted(recipient_server: RecipientServer, processor: Processor, status: str, state: str) -> None:
    client = _client(recipient_server)
    client.tell(message(), NOON)
    processor.requests[ID]["status"] = status
    answer = client.ask(ID)
    assert (answer.state.value, answer.code) == (state, f"opendsr_{status}")


def test_a_request_that_was_made_already_is_asked_about_and_not_refused(recipient_server: RecipientServer, processor: Processor) -> None:
    client = _client(recipient_server)
    client.tell(message(), NOON)
    processor.requests[ID]["status"] = "completed"
    assert client.tell(message(), NOON).state is NoticeState.CONFIRMED
    assert [asked.method for asked in recipient_server.asked] == ["POST", "POST", "GET"]


def test_a_reminder_asks_instead_of_telling_again(recipient_server: RecipientServer, processor: Processor) -> None:
    client = _client(recipient_server)
    client.tell(message(), NOON)
    client.tell(message(reminder=1), NOON)
    assert [asked.method for asked in recipient_server.asked] == ["POST", "GET"]


def test_a_refusal_says_nothing_of_what_was_sent(recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda asked: Reply(400 if asked.method == "POST" else 404, asked.body)
    with pytest.raises(NotAllowed) as caught:
        _client(recipient_server).tell(message(), NOON)
    assert CANARY not in str(caught.value)


def test_a_request_can_be_cancelled_while_it_is_pending_and_not_later(recipient_server: RecipientServer, processor: Processor) -> None:
    client = _client(recipient_server)
    client.tell(message(), NOON)
    processor.requests[ID]["status"] = "in_progress"
    with pytest.raises(NotAllowed) as caught:
        client.cancel(ID)
    assert caught.value.code == "opendsr.late"
    processor.requests[ID]["status"] = "pending"
    assert client.cancel(ID) == Answer(NoticeState.FAILED, "opendsr_cancelled")
    assert client.ask(ID).code == "opendsr_cancelled"


def test_a_restriction_is_refused_because_the_protocol_has_no_word_for_it(recipient_server: RecipientServer) -> None:
    with pytest.raises(NotSupported):
        _client(recipient_server).tell(message((What.RESTRICT,)), NOON)
    assert recipient_server.asked == []


@pytest.mark.parametrize(
    "change",
    [
        lambda document: {**document, "subject_request_id": "another"},
        lambda document: {key: value for key, value in document.items() if key != "subject_request_id"},
    ],
)
def test_an_answer_about_another_request_is_no_answer(
    recipient_server: RecipientServer, processor: Processor, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    processor.change = change
    with pytest.raises(NotVerified):
        _client(recipient_server).tell(message(), NOON)


@pytest.mark.parametrize("status", ["done", "", None, 3, {"a": CANARY}])
def test_a_status_that_the_specification_does_not_know_is_no_answer(recipient_server: RecipientServer, processor: Processor, status: object) -> None:
    client = _client(recipient_server)
    client.tell(message(), NOON)
    processor.requests[ID]["status"] = status
    with pytest.raises(NotVerified) as caught:
        client.ask(ID)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("expected", [None, "soon", 5, "2026-03-20T00:00:00", ["x"]])
def test_a_strange_expected_time_harms_nothing(recipient_server: RecipientServer, processor: Processor, expected: object) -> None:
    processor.change = lambda document: {**document, "expected_completion_time": expected}
    found = _client(recipient_server).tell(message(), NOON).expected_at
    assert found in (None, datetime(2026, 3, 20, tzinfo=UTC))


# --- signatures --------------------------------------------------------------------------------------------------------


@pytest.fixture
def signing(recipient_server: RecipientServer, tmp_path: Path) -> tuple[Processor, OpenDsr]:
    """A processor that signs, and a client that has its certificate."""
    ca, ca_key = make_authority(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = make_certificate(tmp_path, "localhost", ca, ca_key, key)
    certificate = tmp_path / "processor.pem"
    certificate.write_bytes(pem.read_bytes()[pem.read_bytes().index(b"-----BEGIN CERTIFICATE") :])
    processor = Processor(key)
    recipient_server.answering = processor
    assert names_of(str(certificate)) == ("localhost",)
    return processor, _client(recipient_server, certificate=str(certificate), domain="localhost")


@pytest.mark.parametrize("headers", ["X-OpenDSR", "x-opendsr", "X-OpenGDPR"])
def test_a_signature_that_holds_is_believed_also_under_the_old_names(signing: tuple[Processor, OpenDsr], headers: str) -> None:
    processor, client = signing
    processor.headers = headers
    assert client.tell(message(), NOON).state is NoticeState.ACKNOWLEDGED
    processor.requests[ID]["status"] = "completed"
    assert client.ask(ID).state is NoticeState.CONFIRMED


def _other_key(processor: Processor) -> None:
    processor.key = ec.generate_private_key(ec.SECP256R1())


def _no_key(processor: Processor) -> None:
    processor.key = None


def _other_domain(processor: Processor) -> None:
    processor.domain = "evil.example"


def _altered(processor: Processor) -> None:
    processor.spoil = b" "


@pytest.mark.parametrize("spoil", [_other_key, _no_key, _other_domain, _altered])
def test_an_answer_whose_signature_does_not_hold_confirms_nothing(signing: tuple[Processor, OpenDsr], spoil: Callable[[Processor], None]) -> None:
    processor, client = signing
    client.tell(message(), NOON)
    processor.requests[ID]["status"] = "completed"
    spoil(processor)
    with pytest.raises(NotVerified) as caught:
        client.ask(ID)
    assert caught.value.code == "opendsr.signature"


def test_a_certificate_file_that_is_none_is_named(recipient_server: RecipientServer, tmp_path: Path) -> None:
    (tmp_path / "odd.pem").write_text("no certificate")
    with pytest.raises(InputWrong) as caught:
        _client(recipient_server, certificate=str(tmp_path / "odd.pem"), domain="localhost")
    assert "odd.pem" in caught.value.message


# --- discovery ---------------------------------------------------------------------------------------------------------


def test_a_check_asks_what_the_processor_takes(recipient_server: RecipientServer, processor: Processor) -> None:
    _client(recipient_server).check()
    assert [asked.path for asked in recipient_server.asked] == ["/v2/discovery"]
    with pytest.raises(NotSupported) as caught:
        _client(recipient_server, format="md5").check()
    assert caught.value.code == "opendsr.identities"
    processor.change = lambda document: {**document, "supported_subject_request_types": ["access"]}
    with pytest.raises(NotSupported):
        _client(recipient_server).check()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"[]"),
        Reply(404),
        Reply(301),
        Reply(503),
        Reply(200, json.dumps({"supported_subject_request_types": 5}).encode()),
        Reply(200, json.dumps({"supported_subject_request_types": ["erasure"], "supported_identities": [5, {"identity_type": {}}]}).encode()),
    ],
)
def test_a_strange_discovery_is_an_error_of_the_families(recipient_server: RecipientServer, reply: Reply) -> None:
    recipient_server.answering = lambda _: reply
    with pytest.raises(DsrError) as caught:
        _client(recipient_server).check()
    assert isinstance(caught.value, NotVerified | NotAllowed | NotSupported | Unreachable)
