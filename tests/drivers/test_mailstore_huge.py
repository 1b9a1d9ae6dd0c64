"""Mails that are too large to be held: rewritten over IMAP by way of a file, in blocks."""

import base64
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from dsr_engine.drivers.driver import Done
from dsr_engine.drivers.mailstore import imap, imap_wire
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_session import Session
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.test_mailstore_driver import JANE, REWRITER, mail, records, redaction
from tests.servers.dovecot import DovecotServer

MIB = 1024 * 1024


@pytest.fixture
def box(dovecot: DovecotServer) -> DovecotBox:
    return DovecotBox(dovecot)


@pytest.fixture
def driver(box: DovecotBox) -> Iterator[MailstoreDriver]:
    driver = MailstoreDriver(box.system())
    yield driver
    driver.close()


def with_attachment(size: int) -> bytes:
    """A mail that names the person, with a file of others that is as large."""
    noise = base64.encodebytes(random.Random(7).randbytes(size // 64) * 48).rstrip()
    attached = "Content-Type: application/octet-stream\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64"
    return mail(("Content-Type: text/plain", f"ask {JANE}".encode()), (attached, noise), eol=b"\r\n")


@pytest.mark.parametrize("size", [MIB // 4, pytest.param(70 * MIB, marks=pytest.mark.slow)])
def test_a_huge_mail_is_rewritten_and_held_nowhere(box: DovecotBox, driver: MailstoreDriver, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if size < MIB:
        monkeypatch.setattr(imap, "_IN_MEMORY", 20_000)
        monkeypatch.setattr(imap_wire, "_SENT", 7_000)
    raw = with_attachment(size)
    assert len(raw) > size
    other = letter("ann@example.com", "bea@example.com", "hi", "nothing here", eol=b"\r\n")
    box.deliver("INBOX", raw, is_seen=True)
    box.deliver("INBOX", other)
    (record,) = records(driver)
    change = redaction(driver, record)
    (foreseen,) = driver.foresee([change], REWRITER)

    tracemalloc.start()
    outcome = driver.change([change], REWRITER)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert outcome == (Done(foreseen.becomes),)
    after = {len(stored.raw) > size: stored for stored in box.stored()["INBOX"]}
    assert after[False].raw == other
    assert after[True].raw == raw.replace(JANE.encode(), b"[redacted]")
    assert after[True].is_seen
    assert peak < 40 * MIB


def test_a_mail_that_is_larger_than_its_server_takes_is_refused_before_anybody_approves(
    box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deliver("INBOX", letter("bob@example.net", "ann@example.com", "hi", f"ask {JANE}", eol=b"\r\n"))
    (record,) = records(driver)
    monkeypatch.setattr(Session, "append_limit", 100)
    (foreseen,) = driver.foresee([redaction(driver, record)], REWRITER)
    assert foreseen.refusal is not None
    assert (foreseen.refusal.code, foreseen.becomes) == ("mail.too_large", foreseen.state)
