"""Letters by other means, letters that came back, and alarms to officers."""

import hashlib
import os
from datetime import timedelta

import pytest

from dsr_engine.certificate.letter import words_of
from dsr_engine.domain.case import Outcome
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.law.extending import extend
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.letters.alarming import mail_alarms
from dsr_engine.workflow.letters.corresponding import BY_HAND, Order, notice_day, record_sent, send_letter
from dsr_engine.workflow.letters.posting import BOUNCED, read_bounces, send_post
from tests.delivery.test_bounces import ID, POSTFIX
from tests.servers.smtp_server import SmtpServer
from tests.workflow.company import BOB, EMAIL, NAME, Company
from tests.workflow.correspondence import asked, at, codes, letters, posted_of, sent_leaves, text_of
from tests.workflow.journeys import NOON

# --- by other means ----------------------------------------------------------------------------------------------------------


def test_a_letter_by_post_is_recorded_and_its_draft_given_up(writing: Company) -> None:
    with at(writing) as house:
        case = asked(house)
        close_unfulfilled(house, case.id, Outcome.REFUSED, "excessive", "officer")
        today = house.calendar.day_of(NOON)
        record_sent(house, case.id, LetterKind.REFUSAL, today, "officer")
        assert (codes(house), sent_leaves(house, case)) == ([], [("refusal", today.isoformat(), BY_HAND)])
        for wrong in (today + timedelta(days=1), today - timedelta(days=1)):
            with pytest.raises(InputWrong):
                record_sent(house, case.id, LetterKind.REFUSAL, wrong, "officer")


def test_an_extension_is_recorded_on_the_day_on_which_its_notice_went_out(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = asked(house)
        with pytest.raises(Conflict, match="not told yet"):
            notice_day(house, case.id, LetterKind.EXTENSION)
        send_letter(house, case.id, Order(LetterKind.EXTENSION, {"reason": "complexity"}))
        with pytest.raises(Conflict, match="has not gone out yet"):
            notice_day(house, case.id, LetterKind.EXTENSION)
        list(send_post(house))
        day = notice_day(house, case.id, LetterKind.EXTENSION)
        extend(house, case.id, "complexity", day, "officer")
    text = next(text for text in map(text_of, smtp_server.mails) if "because your request is complex" in text)
    with at(writing, 1) as house, house.store.snapshot() as tx:
        found = standing(tx, house, tx.cases.get(case.id))
    assert found is not None
    assert day == NOON.date()
    assert words_of("en").day(found.limits.answer) in text


# --- coming back -------------------------------------------------------------------------------------------------------------


def _returned(company: Company, parcel: str, number: int = 1) -> None:
    path = company.folder / "bounces" / "new" / f"{number}.mail.host"
    path.write_text(POSTFIX.replace(ID, parcel), encoding="utf-8")
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))


def test_a_letter_that_came_back_is_shown_until_it_goes_out_again(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = asked(house)
        list(send_post(house))
        assert list(read_bounces(house)) == []
        _returned(writing, posted_of(house, case, LetterKind.ACKNOWLEDGEMENT).id)
        assert list(read_bounces(house)) == []  # it was looked a moment ago
    with at(writing, 0.01) as house:
        assert list(read_bounces(house)) == [f"case {case.id}: letter acknowledgement came back (5.1.1)"]
        assert (letters(house, case), codes(house)) == ([("acknowledgement", "bounced")], ["letter.bounced"])
        with house.store.snapshot() as tx:
            assert len(tx.ledger.find(BOUNCED, case=case.id)) == 1
    with at(writing, 0.02) as house:
        assert list(read_bounces(house)) == []
        send_letter(house, case.id, Order(LetterKind.ACKNOWLEDGEMENT, to=Secret("other@example.org")))
        list(send_post(house))
        assert codes(house) == []
    assert [mail.recipient for mail in smtp_server.mails] == [EMAIL, "other@example.org"]


def test_a_report_about_a_letter_that_was_never_sent_changes_nothing(writing: Company) -> None:
    with at(writing) as house:
        case = asked(house)
        list(send_post(house))
        close_unfulfilled(house, case.id, Outcome.REFUSED, "excessive", "officer")
        _returned(writing, posted_of(house, case, LetterKind.REFUSAL).id)
        _returned(writing, "f" * 32, 2)
        assert list(read_bounces(house)) == []
        assert sorted(letters(house, case)) == [("acknowledgement", "sent"), ("refusal", "waiting")]


# --- alarms ------------------------------------------------------------------------------------------------------------------


def test_officers_are_told_of_each_step_of_a_limit_once_and_of_nobody(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = asked(house)
        list(send_post(house))
        assert list(mail_alarms(house)) == []
    told: dict[int, str] = {}
    for day in (6, 8, 9, 14, 15, 16, 23, 24, 40, 41):
        with at(writing, day) as house:
            list(mail_alarms(house))
            list(send_post(house))
        new = smtp_server.to("officer")[len(told) :]
        if new:
            told[day] = text_of(new[0])
    assert len(smtp_server.to("officer")) == len(told)
    assert 9 not in told
    assert 41 not in told
    assert "OVERDUE" in told[40]
    assert all(case.id in text for text in told.values())
    everything = "".join(told.values())
    assert not any(secret in everything for secret in (EMAIL, NAME, BOB))


def test_nothing_of_the_correspondence_stands_in_the_clear(writing: Company, smtp_server: SmtpServer) -> None:
    address = "canary.address@example.org"
    with at(writing) as house:
        case = asked(house, address)
        list(send_post(house))
        close_unfulfilled(house, case.id, Outcome.REFUSED, "excessive", "officer")
        house.store.scrub()
    everything = b"".join(path.read_bytes() for path in sorted(writing.home.rglob("*")) if path.is_file())
    digests = [hashlib.new(name, address.encode()).digest() for name in ("md5", "sha1", "sha256")]
    assert [form for form in (address.encode(), *digests, *(digest.hex().encode() for digest in digests)) if form in everything] == []
    assert case.id.encode() in everything  # the search does see what is stored in the clear
