"""Whole cases whose recipients speak a webhook, OpenDSR and the IAB's framework: what stands on the wire stands nowhere else."""

import base64
import email
import email.policy
import hashlib
import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.delivery.tokens import jwk_of
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import Conflict, NotAllowed
from dsr_engine.domain.recipient import NoticeState
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.posting import send_post
from dsr_engine.workflow.notices.answering import cancel, close_recipients
from dsr_engine.workflow.notices.recipients import recipient_rows
from dsr_engine.workflow.notify import follow_up_recipients
from tests.delivery.recipient_kinds import Processor, Vendor, new_key, pem_of
from tests.servers.recipient_server import Asked, RecipientServer, Reply
from tests.servers.smtp_server import SmtpServer
from tests.workflow.company import BOB, EMAIL, NAME, Company
from tests.workflow.correspondence import Writing, set_up
from tests.workflow.journeys import statement_of, waits_for
from tests.workflow.telling import MAIL, at, entry, erased, notices_of, register, run, webhook

_KEY = new_key("ours")


def _opendsr(server: RecipientServer, more: str = "") -> str:
    return f'channel: opendsr, url: "{server.url}/v2", ca_file: "{server.ca_file}", internal: true{more}'


def _iab(server: RecipientServer, folder: Path) -> str:
    (folder / "iab.pem").write_text(pem_of(_KEY), encoding="utf-8")
    more = f'key: "file:{folder}/iab.pem", key_id: ours, ca_file: "{server.ca_file}", internal: true'
    return f'channel: iab_ddr, domain: "{server.domain}", issuer: teahouse.example, {more}'


def _all_kinds(server: RecipientServer) -> tuple[Processor, Vendor]:
    """Lets the server be a processor, a vendor and a host of webhooks at once."""
    processor, vendor = Processor(), Vendor(server, dict(jwk_of(_KEY)), new_key("theirs"))

    def answer(asked: Asked) -> Reply:
        if asked.path.startswith("/v2"):
            return processor(asked)
        if asked.path in ("/dsrdelete.json", "/delete"):
            return vendor(asked)
        return Reply(200, asked.body)  # a host that sends back what it was told

    server.answering = answer
    return processor, vendor


@pytest.fixture
def told_by_all(shop: Company, recipient_server: RecipientServer) -> tuple[Company, Processor, Vendor]:
    processor, vendor = _all_kinds(recipient_server)
    register(
        shop,
        hook=entry("Hook Ltd", "controller", more=webhook(recipient_server)),
        processor=entry("Processor Ltd", by="email, customer_id", more=_opendsr(recipient_server)),
        vendor=entry("Vendor Inc", "third_party", more=_iab(recipient_server, shop.folder)),
        mailer=entry("Mailer Ltd", "third_party", more=f"{MAIL}, awaits: nothing"),
    )
    return shop, processor, vendor


def _canaries() -> dict[str, bytes]:
    """The identifiers, in the forms in which they went over the wire or came back."""
    hashed = hashlib.sha256(EMAIL.encode())
    found = {"plain": EMAIL.encode(), "name": NAME.encode(), "family": b"lindqvist", "hex": hashed.hexdigest().encode(), "digest": hashed.digest()}
    for shift in range(3):  # whatever stood before it in a request that was encoded as a whole
        encoded = base64.b64encode(b"\0" * shift + EMAIL.encode())
        found[f"base64 {shift}"] = encoded[4:-4]
    return found


def _leaks(data: bytes) -> list[str]:
    return [name for name, canary in _canaries().items() if canary in data or canary.lower() in data.lower()]


def _home_leaks(company: Company) -> list[str]:
    return [f"{path.name}: {leak}" for path in sorted(company.home.rglob("*")) if path.is_file() for leak in _leaks(path.read_bytes())]


def test_the_canary_sings(tmp_path: Path) -> None:
    request = json.dumps({"subject_identities": [{"identity_value": EMAIL}]}).encode()
    for data in (request, base64.b64encode(request), hashlib.sha256(EMAIL.encode()).hexdigest().encode()):
        assert _leaks(data)


def test_what_is_told_and_answered_is_in_no_row_log_or_certificate(
    told_by_all: tuple[Company, Processor, Vendor], recipient_server: RecipientServer, caplog: pytest.LogCaptureFixture
) -> None:
    company, processor, vendor = told_by_all
    before = company.everything()
    with caplog.at_level(logging.DEBUG, logger="dsr_engine"), at(company) as house:
        case = erased(house)
        assert waits_for(case) == "recipients_open"
        processor.requests[notices_of(house, case)["processor"].id]["status"] = "completed"
        close_recipients(house, case.id, "The officer wants to close it today, for the tests.", "officer")
        case = run(house, case)
        assert case.stage is Stage.CLOSED
        rows = {row["recipient"]: row["state"] for row in statement_of(house, case).recipients}
        with house.store.snapshot() as tx:
            assert not _leaks(repr(tx.notices.of(case.id)).encode() + repr(recipient_rows(tx, case)).encode())
    assert rows == {
        "hook": "told, receipt acknowledged (no proof of deletion)",
        "processor": "told, receipt acknowledged (no proof of deletion)",
        "vendor": "told, receipt acknowledged (no proof of deletion)",
        "mailer": "not told yet",
    }
    assert EMAIL.encode() in b"".join(asked.body for asked in recipient_server.asked)  # so there was something to leak
    assert vendor.requests[0]["sub"]["identifierValue"] == hashlib.sha256(EMAIL.encode()).hexdigest()
    assert _home_leaks(company) == []
    assert not _leaks(caplog.text.encode())
    after = company.everything()
    others = [place for place in before if place in ("customers 18", "orders 181", "tickets 2")]
    assert len(others) == 3
    assert {place: before[place] for place in others} == {place: after[place] for place in others}
    assert all(BOB.encode() not in asked.body for asked in recipient_server.asked)


def _of_processor(house: House, case: Case) -> NoticeState:
    return notices_of(house, case)["processor"].state


def test_a_processor_is_asked_until_it_has_completed(shop: Company, recipient_server: RecipientServer) -> None:
    processor, _ = _all_kinds(recipient_server)
    register(shop, processor=entry("Processor Ltd", more=_opendsr(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        assert _of_processor(house, case) is NoticeState.ACKNOWLEDGED
        run_case(house, case.id, "worker")
        assert [asked.method for asked in recipient_server.asked] == ["POST"]
    with at(shop, timedelta(hours=7)) as house:
        case = run(house, case)
        assert (case.stage, [asked.method for asked in recipient_server.asked]) == (Stage.NOTIFY, ["POST", "GET"])
    next(iter(processor.requests.values()))["status"] = "completed"
    with at(shop, timedelta(hours=14)) as house:
        case = run(house, case)
        assert (case.outcome, _of_processor(house, case)) == (Outcome.FULFILLED, NoticeState.CONFIRMED)


def test_a_processor_that_completes_after_the_certificate_is_still_noted(shop: Company, recipient_server: RecipientServer) -> None:
    processor, _ = _all_kinds(recipient_server)
    register(shop, processor=entry("Processor Ltd", more=_opendsr(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        close_recipients(house, case.id, "The officer wants to close it today, for the tests.", "officer")
        case = run(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
    next(iter(processor.requests.values()))["status"] = "completed"
    with at(shop, timedelta(hours=7)) as house:
        assert list(follow_up_recipients(house)) == [f"case {case.id}: recipient processor is confirmed"]
        assert list(follow_up_recipients(house)) == []


def test_a_processor_that_breaks_off_neither_confirms_nor_loses_its_receipt(shop: Company, recipient_server: RecipientServer) -> None:
    _all_kinds(recipient_server)
    register(shop, processor=entry("Processor Ltd", more=_opendsr(recipient_server)))
    with at(shop) as house:
        case = erased(house)
    recipient_server.answering = lambda _: Reply(200, b'{"request_status": "completed"}')
    with at(shop, timedelta(hours=7)) as house:
        case = run(house, case)
        notice = notices_of(house, case)["processor"]
        assert (notice.state, notice.code) == (NoticeState.ACKNOWLEDGED, "opendsr.answer")


def test_a_request_is_cancelled_while_it_is_pending(shop: Company, recipient_server: RecipientServer) -> None:
    processor, _ = _all_kinds(recipient_server)
    register(shop, processor=entry("Processor Ltd", more=_opendsr(recipient_server)), mailer=entry("Mailer Ltd", "controller", more=MAIL))
    with at(shop) as house:
        case = erased(house)
        next(iter(processor.requests.values()))["status"] = "in_progress"
        with pytest.raises(NotAllowed):
            cancel(house, case.id, "processor", "officer")
        next(iter(processor.requests.values()))["status"] = "pending"
        assert cancel(house, case.id, "processor", "officer").code == "opendsr_cancelled"
        assert _of_processor(house, case) is NoticeState.FAILED
        with pytest.raises(Conflict):
            cancel(house, case.id, "mailer", "officer")


def test_mails_go_out_by_the_post_once_and_one_that_is_refused_is_a_failure(shop: Company, smtp_server: SmtpServer) -> None:
    set_up(shop, smtp_server)
    company = Writing(shop.folder, shop.bucket, shop.s3, shop.systems)
    register(
        company,
        mailer=entry("Mailer Ltd", "third_party", more="channel: mail, to: privacy@mailer.example.net, language: de"),
        gone=entry("Gone Ltd", "third_party", more="channel: mail, to: bounce@gone.example.net"),
    )
    with at(company) as house:
        case = erased(house)
        assert waits_for(case) == "recipients_open"
        lines = list(send_post(house)) + list(send_post(house))
        assert not _leaks("\n".join(lines).encode())
    with at(company, timedelta(minutes=6)) as house:
        case = run(house, case)
        found = {name: (notice.state.value, notice.code) for name, notice in notices_of(house, case).items()}
        assert found == {"mailer": ("sent", ""), "gone": ("failed", "mail_failed")}
    (mail,) = smtp_server.to("privacy@mailer")
    parsed = email.message_from_bytes(mail.data, policy=email.policy.default)
    body = parsed.get_body()
    assert body is not None
    text = body.get_content()
    assert case.subject_ref[:12] in str(parsed["Subject"])
    assert EMAIL in text
    assert NAME not in text
    assert "Bitte löschen Sie" in text
    assert _home_leaks(company) == []


def test_a_certificate_of_a_recipient_that_does_not_hold_keeps_everything_at_home(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, hook=entry("Hook Ltd", "controller", more=webhook(recipient_server).replace(f'ca_file: "{recipient_server.ca_file}", ', "")))
    with at(shop) as house:
        case = erased(house)
        notice = notices_of(house, case)["hook"]
        assert (notice.state, notice.code, recipient_server.asked) == (NoticeState.FAILED, "web.certificate", [])
