"""What travels of large mails: all that can be read as text, and of films the ends. What is left is told, and no declaration is believed."""

import base64

import pytest

from dsr_engine.domain.record import Gap, Record
from dsr_engine.drivers.driver import Done, Looked, Present, Watched
from dsr_engine.drivers.mailstore import imap_fetch
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_fetch import LEFT, Told
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, mail, records, redaction
from tests.servers.dovecot import DovecotServer

QUARTER = 256 * 1024
#: Nothing that could be searched for long: how fast noise is read is no matter here.
NOISE = b"\x7f" * (2 * QUARTER)
FILM = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + NOISE
FILE = 'Content-Disposition: attachment; filename="{}"\nContent-Transfer-Encoding: base64'


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mails are large, and films long, from a quarter of a mebibyte on."""
    monkeypatch.setattr(imap_fetch, "LARGE", QUARTER)
    monkeypatch.setattr(imap_fetch, "_MIDDLE", QUARTER)
    monkeypatch.setattr(imap_fetch, "_STEP", 16 * 1024)


@pytest.fixture
def box(dovecot: DovecotServer) -> DovecotBox:
    return DovecotBox(dovecot)


def attached(data: bytes, kind: str = "video/mp4", name: str = "holiday.mp4") -> tuple[str, bytes]:
    return (f"Content-Type: {kind}\n{FILE.format(name)}", base64.encodebytes(data).rstrip())


def put(box: DovecotBox, *parts: tuple[str, bytes], folder: str = "INBOX") -> int:
    """Gives the size of the mail in bytes."""
    raw = mail(("Content-Type: text/plain", b"see attachment"), *parts, eol=b"\r\n")
    box.deliver(folder, raw)
    return len(raw)


def moved(driver: MailstoreDriver) -> int:
    """Bytes that came over the line since the last question."""
    session = driver._store._session  # type: ignore[attr-defined]  # the only way to ask
    return int(session._client._imap.tally.drain()) if session._client else 0


def looked(driver: MailstoreDriver) -> tuple[list[Record], list[str], str]:
    """What was found in INBOX, the codes of gaps, and how far it was searched."""
    given = answers(driver, about())
    ends = [each.extent.value for each in given if isinstance(each, Looked) and each.collection == "INBOX"]
    gaps = [each.code for each in given if isinstance(each, Gap)]
    return [each for each in given if isinstance(each, Record)], gaps, min(ends, key=len)


def test_the_middle_of_a_film_is_not_fetched_and_that_is_told(box: DovecotBox, driver: MailstoreDriver) -> None:
    size = put(box, attached(FILM))
    found, gaps, _ = looked(driver)
    assert (found, LEFT in gaps) == ([], True)
    assert size > 2 * QUARTER
    assert moved(driver) < QUARTER


def test_all_of_it_is_fetched_where_the_system_says_so(box: DovecotBox) -> None:
    driver = MailstoreDriver(box.system(attachments="all"))
    size = put(box, attached(FILM[:250_000] + JANE.encode() + FILM[250_000:]))
    found, gaps, _ = looked(driver)
    assert (len(found), LEFT in gaps) == (1, False)
    assert moved(driver) > size
    driver.close()


@pytest.mark.parametrize("at", [40, 30_000, len(FILM) - 20_000, len(FILM) - 1])
def test_what_stands_at_either_end_of_a_film_is_found(box: DovecotBox, driver: MailstoreDriver, at: int) -> None:
    put(box, attached(FILM[:at] + JANE.encode() + FILM[at:]))
    found, gaps, _ = looked(driver)
    assert (len(found), LEFT in gaps + [gap.code for gap in found[0].gaps]) == (1, True)


def test_what_stands_before_between_and_behind_films_is_found(box: DovecotBox, driver: MailstoreDriver) -> None:
    note = ('Content-Type: text/plain; name="note.txt"\n' + FILE.format("note.txt"), base64.encodebytes(f"for {JANE}".encode()).rstrip())
    film = attached(FILM[:QUARTER])
    for parts in ((note, film, film), (film, note, film), (film, film, note)):
        put(box, *parts)
    found, _, _ = looked(driver)
    assert len(found) == 3
    assert {unit.place for record in found for unit in record.units if JANE in unit.text} == {"part:2/line:1", "part:3/line:1", "part:4/line:1"}


@pytest.mark.parametrize(("kind", "name"), [("video/mp4", "holiday.mp4"), ("audio/mpeg", "a.mp3"), ("application/octet-stream", "a.mov")])
def test_a_text_that_is_declared_a_film_is_fetched_and_read(box: DovecotBox, driver: MailstoreDriver, kind: str, name: str) -> None:
    lines = b"\n".join(b"line %d of a long list" % number for number in range(20_000))
    put(box, attached(lines[:QUARTER] + f"\n{JANE}\n".encode() + lines[QUARTER:], kind, name))
    found, gaps, extent = looked(driver)
    assert (len(found), gaps, extent) == (1, [], "full")


def test_a_film_that_is_declared_a_text_is_fetched(box: DovecotBox, driver: MailstoreDriver) -> None:
    put(box, attached(FILM[:400_000] + JANE.encode(), "application/pdf", "offer.pdf"))
    assert len(looked(driver)[0]) == 1


def test_a_line_of_a_boundary_inside_a_film_that_is_none_hides_nothing(box: DovecotBox, driver: MailstoreDriver) -> None:
    """The part ends early: what the server tells as its size is where another part begins, and that is read."""
    headers, body = attached(FILM[:QUARTER])
    put(
        box,
        (headers, body[:200_000] + b"\n--cut\nContent-Type: text/plain\n\nfor " + JANE.encode() + b"\n--cut\n" + headers.encode() + b"\n\n" + body),
    )
    assert len(looked(driver)[0]) == 1


def test_a_mail_with_a_film_is_deleted_and_redacted_as_a_whole_and_no_other(box: DovecotBox, driver: MailstoreDriver) -> None:
    for name in ("one", "two"):
        put(
            box,
            attached(FILM[:QUARTER]),
            (f"Content-Type: text/plain; name={name}.txt\n{FILE.format(name)}", base64.encodebytes(JANE.encode())),
        )
    put(box, attached(FILM))
    other = [stored for stored in box.stored()["INBOX"] if base64.b64encode(JANE.encode()) not in stored.raw]
    one, two = records(driver)
    (seen,) = driver.observe([Watched(one.locator)])
    assert isinstance(seen, Present)
    assert driver.change([deletion(driver, one)], REWRITER) == (Done(None),)
    (outcome,) = driver.change([redaction(driver, two)], REWRITER)
    assert isinstance(outcome, Done)
    left = box.stored()["INBOX"]
    assert [stored for stored in left if stored in other] == other
    (redacted,) = [stored for stored in left if stored not in other]
    assert base64.encodebytes(FILM[:QUARTER]).replace(b"\n", b"\r\n").rstrip() in redacted.raw
    assert records(driver) == []


def test_a_large_mail_is_fetched_once_however_many_parts_it_has(box: DovecotBox, driver: MailstoreDriver) -> None:
    text = b"\n".join(b"line %d of a long letter" % number for number in range(5_000))
    size = put(box, *[("Content-Type: text/plain", text)] * 4)
    assert size > QUARTER
    assert looked(driver) == ([], [], "full")
    assert moved(driver) < size + 100_000


def test_small_mails_are_not_marked_as_read_and_come_many_at_a_time(box: DovecotBox, driver: MailstoreDriver) -> None:
    for number in range(70):
        box.deliver("INBOX", letter(JANE if number == 50 else "ann@example.com", "shop@example.com", f"s{number}", "hello", eol=b"\r\n"))
    asked: list[int] = []
    session = driver._store._session  # type: ignore[attr-defined]  # what is asked cannot be seen from outside
    fetch = session._fetch_bodies

    def noting(uids: list[int]) -> dict[int, bytes | None]:
        asked.append(len(uids))
        return dict(fetch(uids))

    session._fetch_bodies = noting
    assert len(records(driver)) == 1
    assert len(asked) <= 3
    assert not any(stored.is_seen for stored in box.stored()["INBOX"])


@pytest.mark.parametrize(
    ("told", "may_be_left"),
    [
        (Told("2", "video", "mp4", "", "base64", 2 * QUARTER), True),
        (Told("2", "application", "octet-stream", "a.mkv", "base64", 2 * QUARTER), True),
        (Told("2", "video", "mp4", "", "base64", QUARTER - 1), False),
        (Told("2", "video", "mp4", "", "8bit", 2 * QUARTER), False),
        (Told("2", "application", "octet-stream", "a.iso", "base64", 2 * QUARTER), False),
        (Told("2", "application", "zip", "a.mp4", "base64", 2 * QUARTER), False),
        (Told("2", "image", "jpeg", "a.jpg", "base64", 80 * QUARTER), False),
    ],
)
def test_only_films_and_recordings_are_left(told: Told, may_be_left: bool) -> None:
    assert told.may_be_left is may_be_left
