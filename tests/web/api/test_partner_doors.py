"""Doors for controllers and partners: our own client speaks with our own server, what is signed verifies, and a request becomes one case."""

import base64
import json
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from dsr_engine.delivery.opendsr import OpenDsr
from dsr_engine.delivery.tokens import SigningKey, jwk_of, read_key, signed, verified
from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.recipient import Awaits, Channel, NoticeState, Recipient, Role, What
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.telling import Identifier, Message
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.partners.opendsr import tell_partners
from tests.servers.recipient_server import Asked, RecipientServer, Reply, make_authority, make_certificate
from tests.web.conftest import Doors, doors_of
from tests.workflow.company import Company

_SHOP = "Bearer a-long-value-that-was-agreed"
_CANARY = "canary.bird@example.org"


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def open_doors(shop: Company, recipient_server: RecipientServer, tmp_path: Path) -> Iterator[Doors]:
    """A company whose doors for partners are open; the partner of the IAB's framework is the recipient server."""
    ca, ca_key = make_authority(tmp_path)
    make_certificate(tmp_path, "dsr.example.com", ca, ca_key)
    whole = (tmp_path / "server.pem").read_text()
    for name, text in (("own.pem", whole), ("key.pem", whole[whole.index("-----BEGIN PRIVATE") :] if "PRIVATE KEY" in whole else whole)):
        (tmp_path / name).write_text(text)
    certificate = whole[whole.index("-----BEGIN CERTIFICATE") : whole.index("-----END CERTIFICATE-----") + 26]
    (tmp_path / "own.pem").write_text(certificate)
    (tmp_path / "shop").write_text(_SHOP)
    (tmp_path / "iab.pem").write_text(_pem(ec.generate_private_key(ec.SECP256R1())))
    (shop.home / "partners.yaml").write_text(
        f"""
webhooks: {{}}
opendsr:
  domain: dsr.example.com
  certificate: "{tmp_path}/own.pem"
  key: "file:{tmp_path}/key.pem"
  identifiers: [email, customer_id]
  policy: ours
  ca_file: "{recipient_server.ca_file}"
  internal: true
  controllers:
    example-shop:
      authorization: "file:{tmp_path}/shop"
iab_ddr:
  domain: example.com
  key: "file:{tmp_path}/iab.pem"
  key_id: own
  identifiers: [email, cookie_id]
  partners: ["{recipient_server.domain}"]
  policy: ours
  ca_file: "{recipient_server.ca_file}"
  internal: true
"""
    )
    with doors_of(shop) as doors:
        yield doors


def _case(doors: Doors) -> Case:
    with doors.house.store.snapshot() as tx:
        (case,) = tx.cases.list()
    return case


# --- OpenDSR -----------------------------------------------------------------------------------------------------------------------


def _request(**changes: object) -> dict[str, object]:
    return {
        "regulation": "gdpr",
        "subject_request_id": str(uuid.uuid4()),
        "subject_request_type": "erasure",
        "submitted_time": "2026-11-20T10:00:00Z",
        "subject_identities": [{"identity_type": "email", "identity_value": _CANARY, "identity_format": "raw"}],
        "api_version": "2.0",
        **changes,
    }


def _asked(doors: Doors, body: object, authorization: str = _SHOP) -> TestResponse:
    return doors.visitor().client.post("/opendsr/v2/requests", json=body, headers={"Authorization": authorization})


def _forwarding(doors: Doors) -> Any:
    """The recipient server as a proxy in front of the app."""

    def answer(asked: Asked) -> Reply:
        headers = {name: value for name, value in asked.headers.items() if name in ("authorization", "content-type")}
        got = doors.app.test_client().open(asked.path, method=asked.method, headers=headers, data=asked.body)
        return Reply(got.status_code, got.get_data(), dict(got.headers))

    return answer


def test_our_own_client_is_served_from_request_to_completion(open_doors: Doors, recipient_server: RecipientServer, tmp_path: Path) -> None:
    recipient_server.answering = _forwarding(open_doors)
    words = {"url": f"{recipient_server.url}/opendsr/v2", "authorization": _SHOP, "ca_file": str(recipient_server.ca_file), "internal": "true"}
    words |= {"certificate": str(tmp_path / "own.pem"), "domain": "dsr.example.com"}
    ours = {name: Secret(value) for name, value in words.items()}
    client = OpenDsr(Recipient("us", "Us", Role.PROCESSOR, Channel.OPENDSR, (), ("email",), Awaits.DELETION, settings=ours))
    client.check()
    now = open_doors.clock.now()
    message = Message(
        id=str(uuid.uuid4()),
        reference="r",
        what=(What.ERASE,),
        identifiers=(Identifier("email", Secret(_CANARY)),),
        requested_at=now - timedelta(days=2),
        answer_by=now.date(),
        law="",
        regulation="gdpr",
        controller={},
    )
    first = client.tell(message, now)
    assert (first.state, first.code) == (NoticeState.ACKNOWLEDGED, "opendsr_pending")
    again = client.tell(message, now)
    assert again.code == "opendsr_pending"
    case = _case(open_doors)
    assert (case.identity, case.policy, case.regimes) == ("", "ours", ("gdpr",))
    assert case.received_at == (now - timedelta(days=2)).replace(microsecond=0)
    assert client.cancel(message.id).code == "opendsr_cancelled"
    assert _case(open_doors).outcome is Outcome.WITHDRAWN
    assert client.ask(message.id).state is NoticeState.FAILED


def test_the_person_is_still_to_be_verified_and_the_ledger_names_the_partner(open_doors: Doors) -> None:
    assert _asked(open_doors, _request()).status_code == 201
    with open_doors.house.store.snapshot() as tx:
        ((_, leaf),) = tx.ledger.find("partner.asked")
    assert (leaf["partner"], leaf["protocol"], leaf["person"]) == ("example-shop", "opendsr", "unverified")
    case = open_doors.work(_case(open_doors).id)
    assert (case.stage.value, case.identity) == ("verify_identity", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"subject_request_id": "1"},
        {"subject_request_id": str(uuid.uuid4()).upper()},
        {"subject_request_type": "access"},
        {"regulation": "lgpd"},
        {"api_version": "1.0"},
        {"submitted_time": "yesterday"},
        {"submitted_time": "2999-01-01T00:00:00Z"},
        {"subject_identities": []},
        {"subject_identities": [{"identity_type": "email", "identity_value": _CANARY, "identity_format": "sha256"}]},
        {"subject_identities": [{"identity_type": "fax", "identity_value": _CANARY, "identity_format": "raw"}]},
        {"status_callback_urls": ["http://example.com/"]},
        {"status_callback_urls": "https://example.com/"},
    ],
)
def test_what_the_specification_does_not_know_is_refused_whole(open_doors: Doors, changes: dict[str, object]) -> None:
    answer = _asked(open_doors, _request(**changes))
    assert answer.status_code == 400
    assert "canary" not in answer.get_data(as_text=True)
    with open_doors.house.store.snapshot() as tx:
        assert tx.cases.list() == ()


def test_who_is_not_named_asks_for_nothing(open_doors: Doors) -> None:
    assert _asked(open_doors, _request(), "Bearer something else").status_code == 401
    body = _request()
    assert _asked(open_doors, body).status_code == 201
    path = f"/opendsr/v2/requests/{body['subject_request_id']}"
    assert open_doors.visitor().client.get(path).status_code == 401
    assert (
        open_doors.visitor()
        .client.get(path.replace(str(body["subject_request_id"]), str(uuid.uuid4())), headers={"Authorization": _SHOP})
        .status_code
        == 404
    )


def test_a_controller_that_wants_so_is_called_back_when_its_request_moves(open_doors: Doors, recipient_server: RecipientServer) -> None:
    body = _request(status_callback_urls=[f"{recipient_server.url}/back"])
    assert _asked(open_doors, body).status_code == 201
    house = open_doors.keeper.house()
    assert list(tell_partners(house)) == []
    close_unfulfilled(house, _case(open_doors).id, Outcome.REFUSED, "unverified", "officer")
    recipient_server.answering = lambda _: Reply(503)
    list(tell_partners(house))
    recipient_server.answering = lambda _: Reply(200)
    list(tell_partners(house))
    list(tell_partners(house))
    told = [json.loads(asked.body) for asked in recipient_server.asked]
    assert [(one["request_status"], one["subject_request_id"]) for one in told] == [("cancelled", body["subject_request_id"])] * 2
    with house.store.snapshot() as tx:
        assert tx.partner_requests.with_callbacks() == ()  # and what the request was called there is forgotten
    assert told[0]["status_callback_url"] == f"{recipient_server.url}/back"
    assert told[0]["expected_completion_time"]
    assert "x-opendsr-signature" in recipient_server.asked[0].headers


def test_a_controller_that_does_not_answer_keeps_no_other_waiting(open_doors: Doors, recipient_server: RecipientServer) -> None:
    dead = [_request(status_callback_urls=["https://localhost:1/back"]) for _ in range(3)]
    living = _request(status_callback_urls=[f"{recipient_server.url}/back"])
    for body in (*dead, living):
        assert _asked(open_doors, body).status_code == 201
    house = open_doors.keeper.house()
    with house.store.snapshot() as tx:
        cases = tx.cases.list()
    for case in cases:
        close_unfulfilled(house, case.id, Outcome.REFUSED, "unverified", "officer")
    assert list(tell_partners(house)) == ["partner example-shop: told that a request is cancelled"]
    assert len(recipient_server.asked) == 1


def test_a_controller_of_the_first_version_is_served_by_its_own_names(open_doors: Doors) -> None:
    body = {name: value for name, value in _request().items() if name != "regulation"} | {"api_version": "1.0"}
    client, headers = open_doors.visitor().client, {"Authorization": _SHOP}
    assert client.get("/opendsr/v1/discovery").get_json()["api_version"] == "1.0"
    taken = client.post("/opendsr/v1/opengdpr_requests", json=body, headers=headers)
    assert taken.status_code == 201
    assert taken.headers["X-OpenGDPR-Signature"] == taken.headers["X-OpenDSR-Signature"]
    assert _case(open_doors).regimes == ("gdpr",)
    path = f"/opendsr/v1/opengdpr_requests/{body['subject_request_id']}"
    assert client.get(path, headers=headers).get_json()["request_status"] == "pending"
    assert client.get(path.replace("v1/opengdpr_requests", "v2/status"), headers=headers).get_json()["api_version"] == "2.0"
    assert client.delete(path, headers=headers).status_code == 202
    refused = client.post("/opendsr/v2/requests", json=body, headers=headers)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (400, 400)


def test_identifiers_of_partners_stay_sealed(open_doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = _asked(open_doors, _request())
    assert base64.b64decode(answer.get_json()["encoded_request"])  # the specification demands it; nobody keeps it
    assert "canary" not in caplog.text
    files = list(open_doors.company.home.rglob("dsr.db*"))
    assert files
    assert not any(b"canary" in path.read_bytes() for path in files)


def test_doors_that_nobody_opened_are_not_there(doors: Doors) -> None:
    client = doors.visitor().client
    for path in ("/opendsr/v2/discovery", "/opendsr/v2/certificate", "/dsrdelete.json", "/.well-known/dsrdelete.json"):
        assert client.get(path).status_code == 404
    assert client.post("/iab/v1/requests", data="x").status_code == 404
    assert client.post("/opendsr/v2/requests", json={}).status_code == 404


# --- IAB ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def partner_key(recipient_server: RecipientServer) -> SigningKey:
    """The partner's key, published in its dsrdelete.json."""
    key = read_key(_pem(ec.generate_private_key(ec.SECP256R1())), "p1")
    published = json.dumps({"endpoint": "https://x", "publicKey": [jwk_of(key)]}).encode()
    recipient_server.answering = lambda _: Reply(200, published)
    return key


def _token(doors: Doors, server: RecipientServer, key: SigningKey, **changes: Any) -> str:
    subject = {"identifierValue": _CANARY, "identifierType": "email", "identifierFormat": "raw", **changes.pop("sub", {})}
    of_all = {"version": "1.0", "iss": server.domain, "sub": subject, "iat": int(doors.clock.now().timestamp()), **changes}
    inner = signed({**of_all, "jti": str(uuid.uuid4())}, key)
    return signed({**of_all, "jti": str(uuid.uuid4()), "idJWT": inner}, key)


def _answered(doors: Doors, token: str) -> tuple[int, Any]:
    client = doors.visitor().client
    answer = client.post("/iab/v1/requests", json={"rqJWT": token})
    keys = client.get("/dsrdelete.json").get_json()["publicKey"]
    claims = verified(answer.get_json()["acJWT"], keys)
    assert (claims["rqJWT"], claims["iss"]) == (token, "example.com")
    return answer.status_code, claims["raResultCode"]


def test_a_signed_request_becomes_one_case_however_often_it_is_sent(
    open_doors: Doors, recipient_server: RecipientServer, partner_key: SigningKey
) -> None:
    token = _token(open_doors, recipient_server, partner_key)
    assert _answered(open_doors, token) == (202, 0)
    assert _answered(open_doors, token) == (202, 0)
    assert _case(open_doors).identity == ""
    assert len(recipient_server.asked) == 1  # its keys are remembered


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "stranger.example.net"}, 2),
        ({"iat": 0}, 6),
        ({"iat": "now"}, 6),
        ({"iat": 10**18}, 6),
        ({"sub": {"identifierType": "fax"}}, 4),
        ({"sub": {"identifierFormat": "sha256"}}, 5),
        ({"sub": {"identifierValue": "not an address"}}, 5),
        ({"sub": {"identifierValue": 7}}, 1),
    ],
)
def test_what_the_framework_refuses_has_its_code(
    open_doors: Doors, recipient_server: RecipientServer, partner_key: SigningKey, changes: dict[str, Any], code: int
) -> None:
    assert _answered(open_doors, _token(open_doors, recipient_server, partner_key, **changes)) == (400, code)
    with open_doors.house.store.snapshot() as tx:
        assert tx.cases.list() == ()


def test_nobody_signs_for_a_partner_and_no_stranger_is_asked_for_keys(
    open_doors: Doors, recipient_server: RecipientServer, partner_key: SigningKey
) -> None:
    other = read_key(_pem(ec.generate_private_key(ec.SECP256R1())), "p1")
    assert _answered(open_doors, _token(open_doors, recipient_server, other)) == (400, 2)
    recipient_server.asked.clear()
    assert _answered(open_doors, _token(open_doors, recipient_server, other, iss="169.254.169.254")) == (400, 2)
    assert recipient_server.asked == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode), st.just(b'{"rqJWT": "a.b.c"}'), st.just(b"e30.e30.e30")))
def test_nothing_that_is_sent_breaks_the_doors(open_doors: Doors, body: bytes) -> None:
    open_doors.clock.at += timedelta(minutes=30)
    client = open_doors.visitor().client
    assert client.post("/iab/v1/requests", data=body).status_code == 400
    assert client.post("/opendsr/v2/requests", data=body, headers={"Authorization": _SHOP}).status_code == 400
