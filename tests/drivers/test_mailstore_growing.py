"""Mailboxes that are used while they are searched: mail comes, goes and moves about, and no mail that was there all the time is missed."""

import imaplib
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.record import Record
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Driver, Looked, Slice
from dsr_engine.drivers.mailstore import imap_slices
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.workflow.find import Found, find_person
from dsr_engine.workflow.searching import Threads
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.test_mailstore_driver import JANE, SELECTORS, about
from tests.servers.dovecot import DovecotServer

ANN = "ann@example.com"


class Quiet:
    """Nobody looks on."""

    def begin(self, what: str, total: int | None) -> None: ...
    def advance(self, what: str, count: int = 1) -> None: ...
    def end(self, what: str) -> None: ...


@pytest.fixture
def box(dovecot: DovecotServer) -> DovecotBox:
    return DovecotBox(dovecot)


def fill(box: DovecotBox, folder: str, senders: list[str]) -> None:
    """One mail of each, over one connection."""
    with box.client() as client:
        client.create(folder)
        for number, sender in enumerate(senders):
            append(client, folder, sender, f"{folder}{number}")


def append(client: imaplib.IMAP4_SSL, folder: str, sender: str, subject: str) -> None:
    client.append(folder, "()", "", letter(sender, "shop@example.com", subject, "hello", message_id=f"{subject}@mail", eol=b"\r\n"))


def searched(driver: Driver, parts: list[Slice], between: Callable[[int], None]) -> list[Record]:
    """The records of all slices, in their order; after each of them something happens."""
    found: list[Record] = []
    for number, part in enumerate(parts):
        found += [answer for answer in driver.find(about(), part) if isinstance(answer, Record)]
        between(number)
    return found


def test_a_mail_that_moves_into_a_folder_that_was_searched_already_is_found_in_its_late_slice(box: DovecotBox, driver: MailstoreDriver) -> None:
    for folder in ("A", "B"):
        fill(box, folder, [ANN, ANN])
    first, second = [part.collection for part in driver.slices(about()) if part.collection in ("A", "B") and not part.is_late]
    fill(box, second, [JANE])
    parts = [part for part in driver.slices(about()) if part.collection in ("A", "B")]
    assert [(part.collection, part.is_late) for part in parts] == [(first, False), (second, False), (first, True), (second, True)]

    def move(number: int) -> None:
        if number == 0:
            box.move(second, JANE.encode(), first)

    (found,) = searched(driver, parts, move)
    assert found.locator.collection == first


def test_a_mail_that_comes_after_the_slices_were_made_is_found(box: DovecotBox, driver: MailstoreDriver) -> None:
    fill(box, "A", [ANN, ANN])
    parts = [part for part in driver.slices(about()) if part.collection == "A"]

    def deliver(number: int) -> None:
        if number == 0:
            fill(box, "A", [JANE])

    assert len(searched(driver, parts, deliver)) == 1


def test_a_mail_that_goes_while_its_slice_is_read_is_no_gap(box: DovecotBox, driver: MailstoreDriver) -> None:
    fill(box, "A", [ANN] * 5)
    parts = [part for part in driver.slices(about()) if part.collection == "A"]
    answers = driver._store.mails("A", parts[0].part)
    first = next(answers)
    with box.client() as client:
        client.select("A")
        client.uid("STORE", "2:5", "+FLAGS", "(\\Deleted)")
        client.expunge()
    left = [first, *answers]
    assert len(left) == 5
    ends = [answer for part in parts for answer in driver.find(about(), part) if isinstance(answer, Looked)]
    assert [(end.count, end.reason) for end in ends] == [(1, ""), (0, "")]


def test_a_folder_that_is_renumbered_while_it_is_read_is_searched_again_and_never_taken_for_another(
    box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsr_engine.drivers.mailstore.imap.CHUNK", 2)
    fill(box, "Archive", [ANN, JANE, ANN, JANE, ANN])
    (part, _) = [part for part in driver.slices(about()) if part.collection == "Archive"]
    mails = driver._store.mails("Archive", part.part)
    next(mails)
    box.server.renumber(box.user, "Archive")
    driver._store._session._drop()  # type: ignore[attr-defined]  # the only way to cut the line
    with pytest.raises(Unreachable) as caught:
        list(mails)
    assert caught.value.code == "mail.renumbered"
    assert len([answer for answer in driver.find(about(), part) if isinstance(answer, Record)]) == 2


def find(box: DovecotBox, workers: int, **settings: str) -> Found:
    def opened(system: System, *, read_only: bool = False) -> Driver:
        return MailstoreDriver(system)

    with ThreadPoolExecutor(workers) as executor:
        return find_person(SELECTORS, [box.system(**settings)], opened, Threads(executor), Quiet())


class Colleagues(threading.Thread):
    """Three people at once in one mailbox: they append, move, mark and expunge, but never touch what stays."""

    def __init__(self, box: DovecotBox, seed: int) -> None:
        super().__init__()
        self.box, self.chance, self.stopped, self.count = box, random.Random(seed), threading.Event(), 0  # test data

    def run(self) -> None:
        with self.box.client() as client:
            while not self.stopped.is_set():
                self.count += 1
                here, there = self.chance.sample(("A", "B", "C"), 2)
                append(client, here, ANN, f"new{self.count}")
                client.select(here)
                loose = client.uid("SEARCH", "SUBJECT", "new")[1][0].split()
                for uid in loose[:2]:
                    client.uid("MOVE", uid.decode(), there) if self.chance.random() < 0.6 else client.uid(
                        "STORE", uid.decode(), "+FLAGS", "(\\Deleted)"
                    )
                client.expunge()
                wanderer = client.uid("SEARCH", "SUBJECT", "wanderer")[1][0].split()
                for uid in wanderer[:1]:
                    client.uid("MOVE", uid.decode(), there)


def test_nothing_that_stays_or_moves_about_is_missed_while_others_work_in_the_mailbox(box: DovecotBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_slices, "SLICE", 20)
    monkeypatch.setattr("dsr_engine.drivers.mailstore.imap.SLICE", 20)
    for folder in ("A", "B", "C"):
        fill(box, folder, [JANE if number % 10 == 0 else ANN for number in range(50)])
    with box.client() as client:
        append(client, "A", JANE, "wanderer")
    colleagues = [Colleagues(box, seed) for seed in range(2)]
    for each in colleagues:
        each.start()
    try:
        for workers in (1, 3, 3):
            found = find(box, workers)
            assert found.is_complete, [row.reason for row in found.coverage]
            places = {finding.locator for finding in found.findings}
            assert len([place for place in places if place.collection in ("A", "B", "C")]) >= 15
    finally:
        for each in colleagues:
            each.stopped.set()
            each.join()
    assert min(each.count for each in colleagues) > 3
    assert {(row.collection, row.extent.value) for row in find(box, 2).coverage} >= {(name, "full") for name in ("A", "B", "C")}


def test_each_search_asks_the_server_anew_over_a_connection_of_its_own(box: DovecotBox) -> None:
    """What a program has in memory of a folder is no proof: the look after an erasure has to see what others see."""
    fill(box, "A", [ANN])
    log = box.server.folder / "server.log"

    def logins() -> int:
        return log.read_text().count(f"Login: user=<{box.user}>")

    before = logins()
    assert find(box, 1).findings == ()
    fill(box, "A", [JANE])
    box.flag("A", JANE.encode(), "\\Deleted")
    others = logins()
    assert len(find(box, 1).findings) == 1
    assert (others - before >= 2, logins() - others) == (True, 1)


def test_no_more_slices_are_searched_at_once_than_the_system_allows(box: DovecotBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_slices, "SLICE", 2)
    monkeypatch.setattr("dsr_engine.drivers.mailstore.imap.SLICE", 2)
    fill(box, "A", [JANE] * 20)
    inside, most, lock = [0], [0], threading.Lock()
    search = MailstoreDriver.find

    def counted(self: MailstoreDriver, query: object, part: Slice) -> Iterator[object]:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        try:
            yield from search(self, query, part)  # type: ignore[arg-type]  # as it is called
        finally:
            with lock:
                inside[0] -= 1

    monkeypatch.setattr(MailstoreDriver, "find", counted)
    assert len(find(box, 6, connections="2").findings) == 20
    assert most[0] <= 2
