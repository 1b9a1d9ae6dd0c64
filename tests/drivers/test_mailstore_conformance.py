"""The conformance suite on every kind of mail store."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dsr_engine.domain.system import System
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.conformance import Bench, Conformance
from tests.drivers.mailstore_boxes import Box, DovecotBox, EmlBox, MaildirBox, MboxBox, letter
from tests.drivers.mailstore_estates import at_dovecot, box_on_disk, on_disk, said
from tests.servers.dovecot import DovecotServer


class MailBench:
    """A mailbox as a bench: each record is a mail whose subject is its name."""

    can_rewrite = True

    def __init__(self, box: Box) -> None:
        self.box = box
        self.system: Callable[[], System] = box.system
        self._drivers: list[MailstoreDriver] = []

    def driver(self) -> MailstoreDriver:
        self._drivers.append(MailstoreDriver(self.system()))
        return self._drivers[-1]

    def put(self, name: str, email: str) -> None:
        self.box.deliver(
            "INBOX" if name.startswith("a") else "Sent", letter(email, "shop@example.com", name, "Hello,\nsee you", message_id=name, eol=self.box.eol)
        )

    def spoil(self, name: str) -> None:
        self.box.alter("INBOX", f"Subject: {name}".encode(), b"see you", b"see you later")

    def dump(self) -> Mapping[str, bytes]:
        found = {}
        for mails in self.box.stored().values():
            for mail in mails:
                match = re.search(rb"Subject: (\w+)", mail.raw)
                assert match
                found[match[1].decode()] = mail.raw + bytes([mail.is_seen]) + str(mail.delivered).encode()
        return found

    def close(self) -> None:
        for driver in self._drivers:
            driver.close()


class TestMaildir(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = MailBench(MaildirBox(tmp_path / "Maildir"))
        yield bench
        bench.close()


class TestMbox(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = MailBench(MboxBox(tmp_path / "mail"))
        yield bench
        bench.close()


class TestEml(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = MailBench(EmlBox(tmp_path / "exported"))
        yield bench
        bench.close()


class TestDovecot(Conformance):
    @pytest.fixture
    def bench(self, dovecot: DovecotServer) -> Iterator[Bench]:
        bench = MailBench(DovecotBox(dovecot))
        yield bench
        bench.close()


class TestManyMailboxesOnDisk(Conformance):
    """One of several people's mailboxes has the records; the others' are there."""

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        box_on_disk(tmp_path, "other@shop.example")
        bench = MailBench(box_on_disk(tmp_path, "ann@shop.example"))
        bench.system = lambda: on_disk(tmp_path, said(all=True))
        yield bench
        bench.close()


class TestManyMailboxesAtDovecot(Conformance):
    @pytest.fixture
    def bench(self, dovecot: DovecotServer) -> Iterator[Bench]:
        boxes = [DovecotBox(dovecot), DovecotBox(dovecot)]
        bench = MailBench(boxes[0])
        bench.system = lambda: at_dovecot(dovecot, said(*(box.user for box in boxes)))
        yield bench
        bench.close()
