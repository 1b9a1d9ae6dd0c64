"""How fast mail is searched for one person, beside programs that only fetch or only decode the same mails. `-s` prints the times.

Over IMAPS: the fetching alone, and the whole search, beside `doveadm fetch` and a loop of `FETCH BODY.PEEK[]` of the standard library. In a Maildir:
the whole search beside the standard library's parser, which walks and decodes every part and looks at nothing. And a mailbox of 100,000.
"""

import email
import imaplib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from dsr_engine.content.match import Matcher
from dsr_engine.domain.record import Record
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.driver import AboutSubjects, Looked
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap import Imap
from dsr_engine.drivers.mailstore.settings import account_of
from dsr_engine.drivers.mailstore.store import Mail
from tests.benchmarks.mail_corpus import PERSON, letters
from tests.drivers.mailstore_boxes import DovecotBox, letter, system_of
from tests.servers.dovecot import DovecotServer
from tests.servers.lifecycle import program

MAILS = int(os.environ.get("DSR_BENCH_MAILS", "5000"))
MANY = int(os.environ.get("DSR_BENCH_MANY", "100000"))
#: Fetching over IMAP beside a plain loop: at least so much of its speed.
LEAST_OF_FETCHING = 0.7
#: Bytes of memory for the search of a mailbox of any size, the interpreter and its libraries included.
MOST_MEMORY = 400 * 1024**2
SELECTORS = (Selector("s1", "email", Secret(PERSON[1]), verified=True), Selector("s2", "name", Secret(PERSON[0]), verified=True))
MATCHER = Matcher({"case-1": SELECTORS})

_CHILD = """
import sys
from pathlib import Path
from dsr_engine.drivers.driver import Looked
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from tests.benchmarks.bench_mail import about
from tests.drivers.mailstore_boxes import system_of
driver = MailstoreDriver(system_of(dict(word.split("=", 1) for word in sys.argv[1:])))
parts = list(driver.slices(about()))
given = [each for part in parts for each in driver.find(about(), part)]
status = Path("/proc/self/status").read_text()
looked = sum(each.count for each in given if isinstance(each, Looked))
print(len(parts), looked, sum(not isinstance(each, Looked) for each in given), int(status.split("VmHWM:")[1].split()[0]) * 1024)
"""


def about() -> AboutSubjects:
    return AboutSubjects({"case-1": SELECTORS}, MATCHER.gate, {})


def fill(folder: Path, mails: Iterator[bytes], owner: str | None = None) -> tuple[int, int]:
    """Puts mails into a Maildir as files; gives how many and how many bytes."""
    count = size = 0
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        _give(folder / name, owner)
    _give(folder, owner)
    for raw in mails:
        count, size = count + 1, size + len(raw)
        path = folder / "cur" / f"{1_600_000_000 + count}.M{count}P1.host,S={len(raw)}:2,S"
        path.write_bytes(raw)
        _give(path, owner)
    return count, size


def _give(path: Path, owner: str | None) -> None:
    if owner is not None and os.geteuid() == 0:
        shutil.chown(path, owner)


def timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def searched(driver: MailstoreDriver) -> tuple[int, int]:
    """How many mails were looked at, and in how many the person is."""
    given = [each for part in list(driver.slices(about())) for each in driver.find(about(), part)]
    hers = sum(bool(MATCHER.findings(each)) for each in given if isinstance(each, Record))
    return sum(each.count for each in given if isinstance(each, Looked)), hers


def say(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{line}\n")


@pytest.fixture(scope="module")
def corpus() -> tuple[bytes, ...]:
    return tuple(each.raw for each in letters(MAILS))


def hers_in(corpus: tuple[bytes, ...]) -> int:
    return sum(each.is_hers for each in letters(len(corpus)))


@pytest.mark.benchmark
def test_mail_over_imaps_beside_doveadm_and_a_plain_loop(
    corpus: tuple[bytes, ...], dovecot: DovecotServer, capsys: pytest.CaptureFixture[str]
) -> None:
    box = DovecotBox(dovecot)
    count, size = fill(box.root, iter(corpus), dovecot.mail_user)
    with box.client() as client:
        client.select("INBOX", readonly=True)  # the server makes its index
    system = box.system(url=f"imaps://127.0.0.1:{dovecot.tls_port}")
    doveadm = program("doveadm", install="apt-get install dovecot-core")

    def by_doveadm() -> None:
        command = [doveadm, "-c", str(dovecot.folder / "dovecot.conf"), "fetch", "-u", box.user, "text", "mailbox", "INBOX", "all"]
        assert len(subprocess.run(command, check=True, capture_output=True).stdout) > size

    def by_loop() -> None:
        with box.client() as client:
            client.select("INBOX", readonly=True)
            uids = client.uid("SEARCH", "ALL")[1][0].split()
            for at in range(0, len(uids), 100):
                client.uid("FETCH", b",".join(uids[at : at + 100]).decode(), "(BODY.PEEK[])")

    def fetched() -> None:
        store = Imap(account_of(system))
        mails = [mail for part in store.parts("INBOX") for mail in _opened(store, part)]
        assert sum(mails) >= size
        store.close()

    def search() -> None:
        driver = MailstoreDriver(system)
        found.append(searched(driver))
        driver.close()

    found: list[tuple[int, int]] = []
    turns = [[timed(work) for work in (by_doveadm, by_loop, fetched)] for _ in range(3)]
    doveadm_time, loop_time, fetch_time = (min(column) for column in zip(*turns, strict=True))
    search_time = timed(search)
    say(
        capsys,
        f"{count} mails, {size / 1e6:.0f} MB over IMAPS, a second: doveadm fetch {count / doveadm_time:.0f}, plain loop {count / loop_time:.0f}, "
        f"our fetching {count / fetch_time:.0f} ({loop_time / fetch_time:.2f} of the loop, {doveadm_time / fetch_time:.2f} of doveadm), "
        f"search for one person {count / search_time:.0f} ({loop_time / search_time:.3f} of the loop)",
    )
    assert found == [(count, hers_in(corpus))]
    assert loop_time / fetch_time >= LEAST_OF_FETCHING


def _opened(store: Imap, part: tuple[str, ...]) -> Iterator[int]:
    for mail in store.mails("INBOX", part):
        assert isinstance(mail, Mail)
        with mail.open() as file:
            yield len(file.read())


@pytest.mark.benchmark
def test_a_maildir_beside_the_standard_library(corpus: tuple[bytes, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The standard library only decodes; the search also looks at all of it in every encoding, and into PDF, DOCX and CSV."""
    count, size = fill(tmp_path / "Maildir", iter(corpus))

    def by_library() -> None:
        for path in (tmp_path / "Maildir" / "cur").iterdir():
            with path.open("rb") as file:
                message = email.message_from_binary_file(file)
            for part in message.walk():
                for _, value in part.items():
                    str(make_header(decode_header(value)))
                part.get_payload(decode=True)

    found: list[tuple[int, int]] = []
    library = min(timed(by_library) for _ in range(2))
    driver = MailstoreDriver(system_of({"url": f"maildir:{tmp_path / 'Maildir'}"}))
    ours = timed(lambda: found.append(searched(driver)))
    say(
        capsys,
        f"{count} mails, {size / 1e6:.0f} MB in a Maildir, mails a second: standard library {count / library:.0f}, search {count / ours:.0f} "
        f"({library / ours:.3f} of the library)",
    )
    assert found == [(count, hers_in(corpus))]


@pytest.mark.benchmark
def test_a_mailbox_of_a_hundred_thousand_mails_is_searched_in_bounded_memory(dovecot: DovecotServer, capsys: pytest.CaptureFixture[str]) -> None:
    box = DovecotBox(dovecot)
    senders = (PERSON[1] if number % 10_000 == 77 else f"person{number % 900}@example.net" for number in range(MANY))
    count, _ = fill(
        box.root,
        (letter(sender, "shop@example.com", f"order {number}", "hello\n" * 40, message_id=f"{number}@x") for number, sender in enumerate(senders)),
        dovecot.mail_user,
    )
    with box.client() as client:
        client.select("INBOX", readonly=True)
        assert isinstance(client, imaplib.IMAP4_SSL)
    system = box.system(url=f"imaps://127.0.0.1:{dovecot.tls_port}")
    words = [f"{name}={value.reveal()}" for name, value in system.settings.items()]
    begin = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", _CHILD, *words], capture_output=True, text=True, check=False)
    taken = time.perf_counter() - begin
    assert ended.returncode == 0, ended.stderr[-2000:]
    parts, looked, found, peak = map(int, ended.stdout.split())
    say(capsys, f"{count} mails over IMAPS in {parts} slices: {taken:.0f} s, {count / taken:.0f} mails a second, peak {peak / 1024**2:.0f} MiB")
    assert (looked, found) == (count, len(range(77, MANY, 10_000)))
    assert peak < MOST_MEMORY
