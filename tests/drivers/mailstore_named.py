"""Mailboxes with folders that are named after a person, on a disk and on a server, and what the tests do with them."""

import imaplib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.correspondence import FOLDER_NAME
from dsr_engine.domain.plan import Edit, Effect, RedactSpans, Rewrite
from dsr_engine.domain.record import Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.driver import AboutSubjects, Change, Done, Foreseen, Looked
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.folder_names import KEY
from tests.drivers.mailstore_boxes import DELIVERED, DovecotBox

JANE, NAME = "jane.roe@example.org", "Jane Roe"
SELECTORS = (Selector("s1", "email", Secret(JANE), verified=True), Selector("s2", "name", Secret(NAME), verified=True))
MATCHER = Matcher({"case-1": SELECTORS})
REWRITER = CaseRewriter(MATCHER, "case-1", b"k" * 32)
RENAME = Rewrite((Edit(FOLDER_NAME, RedactSpans()),))
KINDS = ("maildir", "mbox", "eml", "dovecot")
#: Folders with one mail each; those of other people keep theirs.
HERS, BELOW, OTHERS = f"Clients/{NAME}", f"Clients/{NAME}/Invoices", ("Clients/Ann Roe", "Clients/Jane Rowan", "Archive")


@dataclass
class Estate:
    """A mailbox on a disk or on a server; `path` writes a folder's name as the driver does."""

    kind: str
    root: Path
    box: DovecotBox | None = None

    def path(self, folder: str) -> str:
        return folder.replace("/", ".") if self.kind == "maildir" else folder

    def driver(self, **settings: str) -> MailstoreDriver:
        return MailstoreDriver(self.system(**settings))

    def system(self, **settings: str) -> System:
        if self.box is not None:
            return self.box.system(**settings)
        return System(
            "mail", Manifest("mail", "mailstore"), {"url": Secret(f"{self.kind}:{self.root}")} | {n: Secret(v) for n, v in settings.items()}
        )

    def put(self, folder: str, raw: bytes) -> None:
        if self.box is not None:
            with self.box.client() as client:
                client.create(f'"{folder}"')
                client.append(f'"{folder}"', "(\\Seen)", imaplib.Time2Internaldate(DELIVERED), raw.replace(b"\n", b"\r\n"))
            return
        if self.kind == "maildir":
            for part in ("cur", "new", "tmp"):
                (self.root / f".{self.path(folder)}" / part).mkdir(parents=True, exist_ok=True)
            file = self.root / f".{self.path(folder)}" / "cur" / "1600000000.M1P7.host:2,S"
        elif self.kind == "mbox":
            raw = b"From shop@example.com Thu Mar 04 05:06:07 2021\n" + raw + b"\n"
            file = self.root / f"{folder}.mbox" if folder == HERS else self.root / folder
        else:
            file = self.root / folder / "1.eml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
        os.utime(file, (DELIVERED.timestamp(), DELIVERED.timestamp()))

    def names(self) -> set[str]:
        """The folders that have mail, as other eyes see them, with slashes."""
        return {name for name, _ in self.mails()}

    def mails(self) -> set[tuple[str, bytes]]:
        """Every mail with its folder, flags and date."""
        if self.box is None:
            files = [path for path in self.root.rglob("*") if path.is_file() and b"From: " in path.read_bytes()]
            return {
                (self._folder(path), repr((int(path.stat().st_mtime), path.name.partition(":")[2], path.read_bytes())).encode()) for path in files
            }
        found = set()
        with self.box.client() as client:
            for line in client.list()[1]:
                name = re.search(rb' "/" "?(.*?)"?$', line)[1].decode()  # type: ignore[index,arg-type]  # a test's own reading
                if client.select(f'"{name}"', readonly=True)[0] == "OK":
                    for uid in client.uid("SEARCH", "ALL")[1][0].split():
                        found.add((name, repr(client.uid("FETCH", uid.decode(), "(FLAGS INTERNALDATE BODY.PEEK[])")[1]).encode()))
        return found

    def _folder(self, path: Path) -> str:
        if self.kind == "mbox":
            return path.relative_to(self.root).as_posix().removesuffix(".mbox")
        folder = (path.parent.parent if self.kind == "maildir" else path.parent).relative_to(self.root).as_posix()
        return folder.removeprefix(".").replace(".", "/") if self.kind == "maildir" else folder


def estate_of(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Estate:
    if kind == "dovecot":
        return Estate(kind, tmp_path, DovecotBox(request.getfixturevalue("dovecot")))
    root = tmp_path / "mail"
    root.mkdir()
    if kind == "maildir":
        for part in ("cur", "new", "tmp"):
            (root / part).mkdir()
    return Estate(kind, root)


@contextmanager
def opened(estate: Estate, **settings: str) -> Iterator[MailstoreDriver]:
    driver = estate.driver(**settings)
    try:
        yield driver
    finally:
        driver.close()


def found(driver: MailstoreDriver) -> list[Record]:
    query = AboutSubjects({"case-1": SELECTORS}, MATCHER.gate)
    answers = [answer for part in list(driver.slices(query)) for answer in driver.find(query, part)]
    assert all(isinstance(answer, Record | Looked) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Record)]


def named(driver: MailstoreDriver) -> list[Record]:
    return [record for record in found(driver) if record.locator.key == KEY]


def foreseen(driver: MailstoreDriver, record: Record, effect: Effect = RENAME) -> Foreseen:
    return driver.foresee([Change(record.locator, effect, (), b"", "")], REWRITER)[0]


def renamed(driver: MailstoreDriver, record: Record) -> Foreseen:
    """Foresees the new name of a folder, and gives it."""
    told = foreseen(driver, record)
    assert told.refusal is None
    assert told.state is not None
    assert told.becomes is not None
    outcome = driver.change([Change(record.locator, RENAME, (), told.state, told.server)], REWRITER)[0]
    assert outcome == Done(told.becomes), outcome
    return told


def is_state(state: bytes | None) -> Callable[[bytes], bool]:
    return lambda other: other == state
