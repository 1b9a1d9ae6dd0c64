"""Later looks search for many people at once and name what they could not look at: nobody of whom they know is told by that."""

import re
import shutil
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.record import Locator
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.mail_places import mail_place
from dsr_engine.workflow.masking import MASK, Mask
from dsr_engine.workflow.previewing import place_shown
from dsr_engine.workflow.report import locator_text
from dsr_engine.workflow.staying_erased.replaying import note_restore, open_replays, readiness
from tests.workflow.company import BOB, EMAIL
from tests.workflow.journeys import NOON, WORKER, carried_through, opened_for, working
from tests.workflow.test_many_mailboxes import POLICY, STAFF, Office, office

__all__ = ["office"]


@pytest.fixture
def erased(office: Office) -> Office:
    """An office in which two people who had mailboxes of their own were erased; hers cannot be searched any more."""
    office.policy(POLICY.replace("  - {name: theirs", "  - {name: letters, when: {message: one_to_one}, then: redact}\n  - {name: theirs"))
    for person in (EMAIL, BOB):
        office.hire(person)
    with working(office) as house:
        for person in (EMAIL, BOB):
            case = carried_through(house, run_case(house, opened_for(house, ("email", person)).id, WORKER))
            assert case.stage is Stage.CLOSED, case.wait
    shutil.rmtree(office.path(EMAIL))
    office.path(EMAIL).mkdir()
    return office


_IMAP = ("1700000000", "17", "1762077600", "1200", "", "0123456789abcdef")
_TEXT = st.one_of(st.text(max_size=20), st.sampled_from(_IMAP))


def test_a_page_tells_a_mail_by_its_number_and_when_it_came() -> None:
    assert place_shown(Mask(()), Locator("mail", "INBOX", _IMAP)) == "mail 17 of 2025-11-02 10:00 UTC"
    assert place_shown(Mask(()), Locator("mail", "INBOX", (*_IMAP[:2], "", *_IMAP[3:]))) == "mail 17"


@given(st.lists(_TEXT, min_size=1, max_size=7))
def test_a_key_of_another_shape_is_shown_as_it_always_was(key: list[str]) -> None:
    locator = Locator("shop", "orders", tuple(key))
    shown = mail_place(locator)
    is_mail = len(key) == 6 and all(re.fullmatch("[0-9]{1,11}", part or "0") for part in key[:4]) and "" not in (key[0], key[1], key[3])
    assert bool(shown) == (is_mail and re.fullmatch("[0-9a-f]{16}", key[5]) is not None)
    assert locator_text(locator, Mask(())) == (shown or "/".join(part for part in key if part)) or any(part.startswith("row:") for part in key)


def _told(office: Office, days: float) -> list[str]:
    """What keeps the mail system from being opened, and its replay from being complete."""
    with working(office, FixedClock(NOON + timedelta(days=days))) as house:
        missing = readiness(house, "mail").missing
        return [*missing, *open_replays(house, note_restore(house, "mail", NOON - timedelta(hours=1), "officer")).missing]


def _is_hidden(told: list[str]) -> bool:
    places = [text for text in told if "not looked at: " in text]
    return bool(places) and all(f"mail.{MASK}" in text for text in places) and EMAIL not in str(told)


def test_the_mailbox_of_an_erased_person_is_masked_in_whoever_s_look_it_was_met(erased: Office) -> None:
    told = _told(erased, 0)
    assert _is_hidden(told), told


@pytest.mark.slow
def test_the_mailbox_of_a_person_who_was_forgotten_is_masked_by_the_digest_of_the_address(erased: Office) -> None:
    for day in (1.1, 7.1, 31):
        with working(erased, FixedClock(NOON + timedelta(days=day))) as house:
            said = list(do_chores(house))
            assert EMAIL not in str(said)
    with working(erased, FixedClock(NOON + timedelta(days=31))) as house, house.store.snapshot() as tx:
        assert len(tx.ledger.find("case.forgotten")) == 2
    told = _told(erased, 32)
    assert _is_hidden(told), told


def test_a_mailbox_of_somebody_who_is_not_looked_for_keeps_its_name(erased: Office) -> None:
    shutil.rmtree(erased.path(STAFF[0]))
    erased.path(STAFF[0]).mkdir()
    assert any(STAFF[0] in text for text in _told(erased, 0))
