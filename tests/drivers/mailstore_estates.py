"""Estates of several mailboxes to test on, at a real server and on a disk."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.record import Gap, Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects, Looked, Slice
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.mailstore_boxes import Box, DovecotBox, MaildirBox, Stored, system_of
from tests.servers.dovecot import DovecotServer

JANE = "jane.roe@example.org"
SELECTORS = (Selector("s1", "email", Secret(JANE), verified=True), Selector("s2", "name", Secret("Jånë Roe"), verified=True))
MATCHER = Matcher({"case-1": SELECTORS})
REWRITER = CaseRewriter(MATCHER, "case-1", b"k" * 32)


def said(*names: str, **more: object) -> str:
    """The setting `mailboxes` as `spec/mailboxes.py` writes it."""
    return json.dumps({**({"names": names} if names else {}), **more})


def at_dovecot(server: DovecotServer, mailboxes: str, **settings: str) -> System:
    """All mailboxes of the server by its master user."""
    plain = {
        "url": f"imaps://127.0.0.1:{server.tls_port}",
        "user": "*svc-erase",
        "password": "master-secret",
        "ca_file": str(server.certificate),
        "mailboxes": mailboxes,
    }
    return system_of({**plain, **settings})


def on_disk(root: Path, mailboxes: str, **settings: str) -> System:
    return system_of({"url": f"maildir:{root}/%d/%n/Maildir", "mailboxes": mailboxes, **settings})


def box_on_disk(root: Path, mailbox: str) -> MaildirBox:
    name, _, domain = mailbox.partition("@")
    return MaildirBox(root / domain / name / "Maildir")


def stored(boxes: Sequence[Box]) -> list[dict[str, list[Stored]]]:
    return [box.stored() for box in boxes]


def about(before: Sequence[str] = ()) -> AboutSubjects:
    return AboutSubjects({"case-1": SELECTORS}, MATCHER.gate, before=frozenset(before))


def slices(driver: MailstoreDriver, before: Sequence[str] = ()) -> list[Slice]:
    return list(driver.slices(about(before)))


def answers(driver: MailstoreDriver, parts: Sequence[Slice]) -> Iterator[Record | Gap | Looked]:
    for part in parts:
        yield from driver.find(about(), part)


def records(driver: MailstoreDriver, parts: Sequence[Slice] | None = None) -> list[Record]:
    given = answers(driver, slices(driver) if parts is None else parts)
    return [answer for answer in given if isinstance(answer, Record)]


def dovecot_boxes(server: DovecotServer, count: int) -> list[DovecotBox]:
    return sorted((DovecotBox(server) for _ in range(count)), key=lambda box: box.user)
