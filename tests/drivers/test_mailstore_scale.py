"""Large mailboxes: a later look opens only what is new, slices stay where they are, and thousands of changes are no thousands of listings."""

import imaplib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.exceptions import LoginError

from dsr_engine.domain.errors import Unreachable
from dsr_engine.domain.record import Record
from dsr_engine.drivers.driver import AboutSubjects, Done, Looked, Marking
from dsr_engine.drivers.mailstore import driver as driver_module
from dsr_engine.drivers.mailstore import imap_slices, message, rested
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.imap_answers import answers as reading_answers
from dsr_engine.drivers.mailstore.imap_session import Meta, Session
from dsr_engine.drivers.mailstore.imap_slices import parts_of, range_of
from dsr_engine.drivers.mailstore.store import slice_of
from tests.drivers.mailstore_boxes import KINDS, Box, DovecotBox, MboxBox, box_of, letter
from tests.drivers.test_mailstore_driver import JANE, REWRITER, about, answers, deletion, records, redaction
from tests.servers.dovecot import DovecotServer

ANN, KEY = "ann@example.com", b"k" * 32


@pytest.fixture(params=KINDS)
def any_box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


@pytest.fixture
def box(dovecot: DovecotServer) -> DovecotBox:
    return DovecotBox(dovecot)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subjects of the mails that were read. Nothing has to rest before it is trusted."""
    subjects: list[str] = []
    skim = message.skim_message

    def noting(open_file: Callable[[], BinaryIO], *rest: Any) -> Any:
        with open_file() as file:
            subjects.append(file.read().partition(b"Subject: ")[2].split()[0].decode())
        return skim(open_file, *rest)

    monkeypatch.setattr(driver_module, "skim_message", noting)
    monkeypatch.setattr(rested, "RESTED", timedelta(0))
    return subjects


def put(box: Box, subject: str, sender: str = ANN, folder: str = "INBOX") -> None:
    box.deliver(folder, letter(sender, "shop@example.com", subject, "hello", message_id=f"{subject}@mail", eol=box.eol), is_seen=True)


def looked(box: Box, query: AboutSubjects) -> tuple[int, int, frozenset[bytes]]:
    """How many records were found, how many mails were looked at, and the marks of the clean ones."""
    made = MailstoreDriver(box.system())
    try:
        given_ = answers(made, query)
    finally:
        made.close()
    ends = [each for each in given_ if isinstance(each, Looked)]
    clean = frozenset[bytes]().union(*(each.clean for each in ends))
    return sum(isinstance(each, Record) for each in given_), sum(each.count for each in ends), clean


def verified(box: Box) -> Marking:
    return Marking(KEY, looked(box, replace(about(), noting=Marking(KEY)))[2])


def test_a_second_look_opens_what_held_the_person_and_what_is_new_and_counts_the_rest(any_box: Box, opened: list[str]) -> None:
    for subject in ("one", "two", "three"):
        put(any_box, subject)
    put(any_box, "hers", JANE)
    known = verified(any_box)
    assert (set(opened), len(known.known)) == ({"one", "two", "three", "hers"}, 3)
    opened.clear()
    assert looked(any_box, replace(about(), known=(known,)))[:2] == (1, 4)
    assert set(opened) == {"hers"}
    put(any_box, "fresh")
    put(any_box, "news", JANE)
    opened.clear()
    assert looked(any_box, replace(about(), known=(known,)))[:2] == (2, 6)
    if not isinstance(any_box, MboxBox):  # there one more mail makes it another file
        assert set(opened) == {"hers", "fresh", "news"}
    assert {"hers", "fresh", "news"} <= set(opened)


def test_a_look_that_takes_notes_opens_everything_whatever_is_known(any_box: Box, opened: list[str]) -> None:
    put(any_box, "one")
    known = verified(any_box)
    opened.clear()
    assert looked(any_box, replace(about(), known=(known,), noting=Marking(KEY)))[2] == known.known
    assert set(opened) == {"one"}


def test_what_another_case_knows_is_opened(any_box: Box, opened: list[str]) -> None:
    put(any_box, "one")
    known = verified(any_box)
    opened.clear()
    looked(any_box, replace(about(), known=(Marking(b"o" * 32, known.known),)))
    assert set(opened) == {"one"}


def test_a_mail_that_was_altered_where_it_lies_is_opened_again(any_box: Box, opened: list[str]) -> None:
    put(any_box, "one")
    known = verified(any_box)
    any_box.alter("INBOX", b"Subject: one", ANN.encode(), JANE.encode())
    assert looked(any_box, replace(about(), known=(known,)))[0] == 1


def test_the_same_mail_in_another_folder_is_opened(any_box: Box, opened: list[str]) -> None:
    put(any_box, "one")
    known = verified(any_box)
    opened.clear()
    put(any_box, "one", folder="Sent")
    looked(any_box, replace(about(), known=(known,)))
    assert set(opened) == {"one"}


def test_a_renumbered_folder_is_read_anew(box: DovecotBox, opened: list[str]) -> None:
    put(box, "one", folder="Archive")
    known = verified(box)
    box.server.renumber(box.user, "Archive")
    opened.clear()
    looked(box, replace(about(), known=(known,)))
    assert set(opened) == {"one"}


def test_what_is_known_is_not_fetched(box: DovecotBox, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        put(box, f"s{number}", JANE if number in (7, 21) else ANN)
    known = verified(box)
    asked: list[int] = []
    fetch = Session._fetch_bodies

    def noting(self: Session, uids: list[int]) -> dict[int, bytes | None]:
        asked.extend(uids)
        return fetch(self, uids)

    monkeypatch.setattr(Session, "_fetch_bodies", noting)
    assert looked(box, replace(about(), known=(known,)))[:2] == (2, 30)
    assert set(asked) == {8, 22}


# --- slices -----------------------------------------------------------------------------------------------------------

_uids = st.lists(st.integers(1, 5_000), unique=True, max_size=300).map(sorted)


@given(_uids, st.integers(1, 40), st.integers(1, 100))
def test_slices_hold_every_mail_once_and_the_late_one_what_comes(uids: list[int], most: int, gap: int) -> None:
    next_uid = (uids[-1] if uids else 0) + gap
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imap_slices, "SLICE", most)
        parts = parts_of(7, uids, next_uid)
    ranges = [range_of(part) for part in parts]
    assert [each.is_late for each in ranges] == [False] * (len(ranges) - 1) + [True]
    assert (ranges[-1].low, ranges[-1].high) == (next_uid, "*")
    held = [[uid for uid in uids if each.low <= uid <= int(each.high)] for each in ranges[:-1]]
    assert [uid for group in held for uid in group] == uids
    assert all(0 < len(group) <= most for group in held)
    assert all(int(each.high) < next_uid for each in ranges[:-1])


@given(_uids, st.data())
def test_a_mail_that_goes_or_comes_moves_no_slice_that_has_neither_too_many_nor_none(uids: list[int], data: st.DataObject) -> None:
    """Slices are known again by where they begin: what was read of one is known of the same one later."""
    gone = set(data.draw(st.lists(st.sampled_from(uids), max_size=3)) if uids else [])
    left = [uid for uid in uids if uid not in gone]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imap_slices, "SLICE", 20)
        before = {slice_of("s", "c", part).kin for part in parts_of(7, uids, 6_000)[:-1]}
        after = {slice_of("s", "c", part).kin for part in parts_of(7, left, 6_000)[:-1]}
    assert len(after - before) <= 2 * len(gone)


# --- changing ---------------------------------------------------------------------------------------------------------


def test_many_rewrites_in_one_folder_ask_about_each_mail_a_few_times_only(
    box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates are all the same here, as after a migration: nothing tells a successor by its date."""
    for number in range(60):
        put(box, f"s{number}", JANE if number % 2 else ANN)
    before = [mail for mail in box.stored()["INBOX"] if ANN.encode() in mail.raw]
    changes = [redaction(driver, record) for record in records(driver)]
    asked: list[int] = []
    bodies: list[int] = []
    metas, fetch = Session.metas, Session._fetch_bodies

    def noting_metas(self: Session, uids: Sequence[int]) -> list[Meta]:
        asked.append(len(uids))
        return metas(self, uids)

    def noting_bodies(self: Session, uids: list[int]) -> dict[int, bytes | None]:
        bodies.append(len(uids))
        return fetch(self, uids)

    monkeypatch.setattr(Session, "metas", noting_metas)
    monkeypatch.setattr(Session, "_fetch_bodies", noting_bodies)

    assert all(isinstance(outcome, Done) for outcome in driver.change(changes, REWRITER))

    assert sum(asked) < 8 * 60
    assert sum(bodies) < 8 * 60
    assert [mail for mail in box.stored()["INBOX"] if ANN.encode() in mail.raw] == before
    assert len(box.stored()["INBOX"]) == 60
    assert records(driver) == []


def test_two_equal_mails_are_two_after_they_were_rewritten(box: DovecotBox, driver: MailstoreDriver) -> None:
    for _ in range(2):
        put(box, "twice", JANE)
    put(box, "other")
    changes = [redaction(driver, record) for record in records(driver)]

    assert all(isinstance(outcome, Done) for outcome in driver.change(changes, REWRITER))

    assert sorted(b"Subject: twice" in mail.raw for mail in box.stored()["INBOX"]) == [False, True, True]
    assert records(driver) == []


def test_records_that_are_gone_are_told_without_reading_the_folder(box: DovecotBox, driver: MailstoreDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        put(box, f"s{number}", JANE if number < 10 else ANN)
    found = records(driver)
    changes = [deletion(driver, record) for record in found]
    assert all(outcome == Done(None) for outcome in driver.change(changes, REWRITER))
    bodies: list[int] = []
    fetch = Session._fetch_bodies

    def noting(self: Session, uids: list[int]) -> dict[int, bytes | None]:
        bodies.extend(uids)
        return fetch(self, uids)

    monkeypatch.setattr(Session, "_fetch_bodies", noting)

    assert [outcome.code for outcome in driver.change(changes, REWRITER)] == ["absent"] * 10  # type: ignore[union-attr]  # all are Drifted
    assert bodies == []


@pytest.mark.parametrize(
    "text",
    [
        "[UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)",
        "Maximum number of connections from user+IP exceeded",
        "[ALERT] Too many simultaneous connections. (Failure)",
        "[LIMIT] Maximum concurrent connections exceeded",
        "[INUSE] Mailbox in use",
    ],
)
def test_a_server_that_has_too_many_connections_is_waited_for_and_not_given_up(text: str) -> None:
    for error in (LoginError(text), imaplib.IMAP4.error(text)):
        with pytest.raises(Unreachable), reading_answers():
            raise error
