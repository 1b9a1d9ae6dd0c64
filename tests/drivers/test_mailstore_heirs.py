"""Mails that nothing names: what became of them is known by what the plan made of them, and no other mail is taken for it."""

import hmac
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.record import Record
from dsr_engine.drivers.driver import Absent, Done, Moved, Observation, Present, Watched
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.marks import MARK
from tests.drivers.mailstore_boxes import KINDS, Box, box_of, letter
from tests.drivers.test_mailstore_driver import JANE, MATCHER, deletion, records, redaction

REWRITER = CaseRewriter(MATCHER, "case-1", b"k" * 32, reference="2f0c1a")

#: Kinds of mail stores in which a rewritten mail lies elsewhere.
ELSEWHERE = ("mbox", "dovecot")


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


@pytest.fixture
def driver(box: Box) -> Iterator[MailstoreDriver]:
    driver = MailstoreDriver(box.system())
    yield driver
    driver.close()


def nameless(box: Box, number: int | str, body: str = f"ask {JANE}") -> bytes:
    raw = letter("bob@example.net", "ann@example.com", f"mail {number}", body, eol=box.eol)
    box.deliver("INBOX", raw)
    return raw


def told(becomes: bytes | None) -> Callable[[bytes], bool] | None:
    return None if becomes is None else lambda state: hmac.compare_digest(state, becomes)


def changed(driver: MailstoreDriver, found: list[Record], *, one_by_one: bool = False) -> list[Watched]:
    """Redacts the mails; gives what a plan would have observed afterwards."""
    changes = [redaction(driver, record) for record in found]
    watched = [Watched(change.locator, (), told(each.becomes)) for change, each in zip(changes, driver.foresee(changes, REWRITER), strict=True)]
    for batch in [[change] for change in reversed(changes)] if one_by_one else [changes]:
        assert all(isinstance(outcome, Done) and outcome.state for outcome in driver.change(batch, REWRITER))
    return watched


def seen_by_another(box: Box, watched: list[Watched], *, one_by_one: bool = False) -> list[Observation]:
    other = MailstoreDriver(box.system())
    try:
        return [now for entry in watched for now in other.observe([entry])] if one_by_one else list(other.observe(watched))
    finally:
        other.close()


def is_as_planned(watched: Watched, now: Observation) -> bool:
    return watched.becomes is not None and not isinstance(now, Absent) and watched.becomes(now.state)


def test_mails_without_a_message_id_are_known_again_when_they_were_redacted(box: Box, driver: MailstoreDriver) -> None:
    for number in range(3):
        nameless(box, number)
    other = nameless(box, "other", "hello")

    watched = changed(driver, records(driver))

    seen = seen_by_another(box, watched)
    assert len(seen) == 3
    assert all(is_as_planned(entry, now) for entry, now in zip(watched, seen, strict=True))
    assert sum(mail.raw == other for mail in box.stored()["INBOX"]) == 1
    assert records(driver) == []


@pytest.mark.parametrize("one_by_one", [False, True])
def test_of_equal_mails_without_a_message_id_each_has_a_successor_of_its_own(box: Box, driver: MailstoreDriver, one_by_one: bool) -> None:
    for _ in range(3):
        nameless(box, 0)

    watched = changed(driver, records(driver), one_by_one=one_by_one)

    seen = seen_by_another(box, watched, one_by_one=one_by_one)
    assert all(is_as_planned(entry, now) for entry, now in zip(watched, seen, strict=True))
    places = [now.to if isinstance(now, Moved) else entry.locator for entry, now in zip(watched, seen, strict=True)]
    assert len(set(places)) == len(box.stored()["INBOX"]) == 3


def test_of_equal_mails_those_that_wait_are_not_taken_for_redacted(box: Box, driver: MailstoreDriver) -> None:
    for _ in range(3):
        nameless(box, 0)
    found = records(driver)
    changes = [redaction(driver, record) for record in found]
    watched = [Watched(change.locator, (), told(each.becomes)) for change, each in zip(changes, driver.foresee(changes, REWRITER), strict=True)]

    driver.change(changes[2:], REWRITER)

    seen = seen_by_another(box, watched)
    assert [is_as_planned(entry, now) for entry, now in zip(watched, seen, strict=True)] == [False, False, True]
    assert [isinstance(now, Present) and now.state == change.expect for now, change in zip(seen[:2], changes[:2], strict=True)] == [True, True]
    assert all(isinstance(outcome, Done) for outcome in driver.change(changes[:2], REWRITER))
    assert records(driver) == []
    assert len(box.stored()["INBOX"]) == 3


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_mail_that_was_removed_has_no_successor_however_much_others_resemble_it(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    box = box_of(kind, request, tmp_path)
    driver = MailstoreDriver(box.system())
    for number in range(2):
        nameless(box, number)
    nameless(box, "other", "hello")
    going, staying = records(driver)
    rest = changed(driver, [staying])
    taken = [deletion(driver, going)]

    assert driver.change(taken, REWRITER) == (Done(None),)

    seen = seen_by_another(box, [Watched(going.locator), *rest])
    assert isinstance(seen[0], Absent)
    assert is_as_planned(rest[0], seen[1])
    driver.close()


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_redacted_mail_that_somebody_altered_or_that_lost_our_mark_is_not_the_planned_one(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    box = box_of(kind, request, tmp_path)
    driver = MailstoreDriver(box.system())
    for number in range(2):
        nameless(box, number)
    watched = changed(driver, records(driver))
    driver.close()

    box.alter("INBOX", b"Subject: mail 0", b"ask", b"say")
    box.alter("INBOX", b"Subject: mail 1", MARK.encode(), b"X-Somebody")

    assert all(isinstance(now, Absent) for now in seen_by_another(box, watched))


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_mail_whose_message_id_named_the_person_is_known_again(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    box = box_of(kind, request, tmp_path)
    driver = MailstoreDriver(box.system())
    box.deliver("INBOX", letter("bob@example.net", "ann@example.com", "hi", f"ask {JANE}", message_id=JANE, eol=box.eol))

    watched = changed(driver, records(driver))

    (now,) = seen_by_another(box, watched)
    assert is_as_planned(watched[0], now)
    assert all(JANE.encode() not in mail.raw for mail in box.stored()["INBOX"])
    driver.close()
