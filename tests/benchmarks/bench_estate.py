"""A thousand mailboxes at a real server, of eight folders each: what one look at who is there costs, beside the plain way to ask the same."""

import os
import pwd
import re
import shutil
import time
import tracemalloc
from pathlib import Path

import pytest

from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.drivers.mailstore_boxes import letter
from tests.drivers.mailstore_estates import JANE, about, at_dovecot, said
from tests.servers.dovecot import DovecotServer

MAILBOXES = 1_000
FOLDERS = ("Sent", "Drafts", "Trash", "Junk", "Archive", "Kunden", "Projekte")
PLAIN = 50

pytestmark = pytest.mark.benchmark


def _fill(server: DovecotServer) -> list[str]:
    names = [f"user{number}@example.test" for number in range(MAILBOXES)]
    account = pwd.getpwnam(server.mail_user)
    mail = letter("shop@example.com", "somebody@example.com", "Order", "Thank you for your order.")
    for name in names:
        root = server.maildir(name)
        for folder in (root, *(root / f".{sub}" for sub in FOLDERS)):
            for part in ("cur", "new", "tmp"):
                (folder / part).mkdir(parents=True)
            (folder / "cur" / "1600000001.M1P7.host:2,S").write_bytes(mail)
    (server.maildir(names[500]) / "cur" / "1600000002.M2P7.host:2,S").write_bytes(letter("shop@example.com", JANE, "Order", "Thank you."))
    if os.geteuid() == 0:
        for path in (server.folder / "mail").rglob("*"):
            shutil.chown(path, account.pw_uid, account.pw_gid)
    return names


def _plainly(server: DovecotServer, names: list[str]) -> int:
    """What a script does that logs in to one mailbox after the other and asks for each folder."""
    count = 0
    for name in names:
        client = server.login(f"{name}*svc-erase", "master-secret")
        for line in client.list()[1]:
            assert isinstance(line, bytes)
            folder = line.rpartition(b" ")[2].decode()
            told = client.status(folder, "(MESSAGES UIDVALIDITY)")[1][0]
            match = re.search(rb"MESSAGES (\d+)", told)
            assert match is not None
            count += int(match[1])
        client.logout()
    return count


def test_a_look_at_a_thousand_mailboxes(dovecot: DovecotServer, tmp_path: Path) -> None:
    names = _fill(dovecot)
    system = at_dovecot(dovecot, said(*names))
    _plainly(dovecot, names[:PLAIN])  # the server writes its indexes at the first look
    begin = time.perf_counter()
    plain = _plainly(dovecot, names[:PLAIN])
    plain_seconds = (time.perf_counter() - begin) / PLAIN
    assert plain == PLAIN * 8
    tracemalloc.start()
    driver = MailstoreDriver(system)
    begin = time.perf_counter()
    parts = list(driver.slices(about()))
    seconds = time.perf_counter() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    begin = time.perf_counter()
    facts = driver.describe()
    described = time.perf_counter() - begin
    begin = time.perf_counter()
    assert driver.check() == ()
    checked = time.perf_counter() - begin
    begin = time.perf_counter()
    found = sum(1 for part in parts if not part.is_late for _ in driver.find(about(), part))
    searched = time.perf_counter() - begin
    driver.close()
    print(
        f"slices {seconds:.1f} s ({len(parts)}), describe {described:.1f} s ({len(facts)}), check {checked:.1f} s, search {searched:.1f} s ({found})"
    )
    print(f"plain {plain_seconds * MAILBOXES:.1f} s for all; peak memory of slices {peak / 2**20:.1f} MB")
    assert len({part.collection for part in parts}) == len(facts) == MAILBOXES * 8
