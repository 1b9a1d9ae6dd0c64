"""Folders of Dovecot's that only show what lies in others: a mail is found in both, rewritten where it lies, and nothing is counted as failed."""

from collections.abc import Iterator

import pytest

from dsr_engine.drivers.driver import Done, Drifted, Moved, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.test_mailstore_driver import JANE, REWRITER, deletion, hits, records, redaction
from tests.servers.dovecot import DovecotServer, plugin, running

_NAMESPACE = "namespace seen {\n  prefix = All/\n  separator = /\n  location = virtual:~/virtual\n}\nnamespace inbox {"
_BOTH = ("All/mail", "Büro")


@pytest.fixture(scope="module")
def with_views() -> Iterator[DovecotServer]:
    plugin("virtual", install="apt-get install dovecot-core")
    with running(("mail_plugins = acl", "mail_plugins = acl virtual"), ("namespace inbox {", _NAMESPACE)) as server:
        yield server


@pytest.fixture(params=["takes no mail", "puts mail into INBOX"])
def box(with_views: DovecotServer, request: pytest.FixtureRequest) -> DovecotBox:
    box = DovecotBox(with_views)
    for number, (folder, sender) in enumerate((("B&APw-ro", "ann@example.com"), ("B&APw-ro", JANE), ("INBOX", "bea@example.com"))):
        box.deliver(folder, letter(sender, "shop@example.com", f"subject {number}", "hello", message_id=f"{number}@mail", eol=b"\r\n"), is_seen=True)
    rules = box.root.parent / "virtual" / "mail" / "dovecot-virtual"
    rules.parent.mkdir(parents=True, mode=0o777)
    for made in (rules.parent, rules.parent.parent):
        made.chmod(0o777)
    rules.write_text(("!INBOX\n" if request.param == "puts mail into INBOX" else "") + "*\n-All/*\n  all\n")
    # So its UIDs are higher than the view's.
    for _ in range(3):
        box.deliver("B&APw-ro", letter("gone@example.com", "shop@example.com", "gone", "hello", eol=b"\r\n"))
    with box.client() as client:
        client.select("B&APw-ro")
        client.uid("STORE", "3:*", "+FLAGS", "(\\Deleted)")
        client.expunge()
    return box


@pytest.fixture
def driver(box: DovecotBox) -> Iterator[MailstoreDriver]:
    driver = MailstoreDriver(box.system())
    yield driver
    driver.close()


@pytest.mark.parametrize("first", _BOTH)
def test_a_mail_is_redacted_where_it_lies_wherever_it_was_found_first(box: DovecotBox, driver: MailstoreDriver, first: str) -> None:
    with box.client() as client:
        answer = client.status("All/mail", "(UIDVALIDITY)")[1][0]
    # UIDs of one mean nothing in the other, also where both have the same UIDVALIDITY.
    box.server.renumber(box.user, "Büro", int(bytes(answer).split()[-1].strip(b")")))
    before = box.stored()
    found = {record.locator.collection: record for record in records(driver) if hits(record)}
    assert set(found) == set(_BOTH)
    changes = {name: redaction(driver, record) for name, record in found.items()}
    other = next(name for name in _BOTH if name != first)
    (foreseen,) = driver.foresee([changes[first]], REWRITER)

    assert driver.change([changes[first]], REWRITER) == (Done(foreseen.becomes),)
    (seen,) = driver.observe([Watched(changes[other].locator, becomes=lambda state: state == foreseen.becomes)])
    assert isinstance(seen, Moved)
    assert seen.state == foreseen.becomes
    assert driver.change([changes[other]], REWRITER)[0] in (Done(foreseen.becomes), Drifted("moved"))

    after = box.stored()
    (hers,) = (mail for mail in after["B&APw-ro"] if b"subject 1" in mail.raw)
    (old,) = (mail for mail in before["B&APw-ro"] if b"subject 1" in mail.raw)
    assert (hers.is_seen, hers.delivered, JANE.encode() in hers.raw) == (old.is_seen, old.delivered, False)
    assert {name: [mail for mail in mails if b"subject 1" not in mail.raw] for name, mails in after.items()} == {
        name: [mail for mail in mails if b"subject 1" not in mail.raw] for name, mails in before.items()
    }
    assert not [record for record in records(driver) if hits(record)]


def test_what_is_deleted_in_one_place_is_gone_in_the_other(box: DovecotBox, driver: MailstoreDriver) -> None:
    orders = [deletion(driver, record) for record in records(driver) if hits(record)]
    assert driver.change(orders[:1], REWRITER) == (Done(None),)
    (seen,) = driver.observe([Watched(orders[1].locator)])
    assert not isinstance(seen, Present)
    assert {name: len(mails) for name, mails in box.stored().items() if mails} == {"INBOX": 1, "B&APw-ro": 1, "All/mail": 2}
