"""Whole cases with their letters: what is sent, tried again, held for a person, and forgotten in the end."""

import email
import email.policy
import hashlib
import os
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.delivery.mail import Mail
from dsr_engine.domain.case import Outcome
from dsr_engine.domain.errors import Conflict, InputWrong, Unreachable
from dsr_engine.domain.incident import IncidentKind, Told
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import Parcel
from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.letters.corresponding import Order, send_letter
from dsr_engine.workflow.letters.posting import LONGEST, PAUSES, USUAL, end_correspondence, send_post
from dsr_engine.workflow.publish import forget_due
from dsr_engine.workflow.staying_erased.rescanning import rescan
from tests.servers.smtp_server import SmtpServer
from tests.workflow.company import EMAIL, NAME, Company
from tests.workflow.correspondence import SAID, asked, at, codes, letters, posted_of, sent_leaves, set_up, text_of
from tests.workflow.journeys import NOON, carried_through, request_of, working

# --- going out ---------------------------------------------------------------------------------------------------------------


def test_a_request_is_acknowledged_at_once_in_the_language_of_its_author(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = asked(house, language="de")
        assert list(send_post(house)) == [f"case {case.id}: letter acknowledgement sent"]
        assert list(send_post(house)) == []
        assert sent_leaves(house, case) == [("acknowledgement", NOON.date().isoformat(), "mail")]
    (mail,) = smtp_server.mails
    assert mail.recipient == EMAIL
    assert "Ihr Antrag ist am" in text_of(mail)
    assert not any(secret in text_of(mail) for secret in (EMAIL, NAME))


def test_a_case_without_an_address_or_without_mail_gets_no_letter(writing: Company, shop: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = open_case(house, request_of(house))
        assert letters(house, case) == []
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text().partition("\n[mail]")[0])
    with working(shop) as house:
        case = asked(house)
        assert (letters(house, case), list(send_post(house))) == ([], [])
        with pytest.raises(InputWrong, match=r"no \[mail\]"):
            send_letter(house, case.id, Order(LetterKind.ACKNOWLEDGEMENT))
    assert smtp_server.mails == []


def test_a_letter_that_is_not_taken_now_is_tried_again_with_growing_pauses_and_then_given_up(writing: Company, smtp_server: SmtpServer) -> None:
    moment = 0.0
    with at(writing) as house:
        case = asked(house, "later.ida@example.org")
        list(send_post(house))
    for pause in PAUSES:
        with at(writing, moment + pause.total_seconds() / 86_400 - 0.0001) as house:
            assert list(send_post(house)) == []
        moment += pause.total_seconds() / 86_400
        with at(writing, moment) as house:
            (line,) = send_post(house)
    assert line.endswith("failed (451 4.3.0)")
    with at(writing, moment) as house:
        assert (letters(house, case), codes(house)) == ([("acknowledgement", "failed")], ["letter.failed"])
        assert list(send_post(house)) == []
    assert (len(smtp_server.mails), sum(PAUSES, timedelta()) > timedelta(days=3)) == (0, True)


def test_a_greylisted_letter_arrives_once(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        asked(house, "greylisted@example.org")
        assert "not sent yet (451 4.3.0)" in "".join(send_post(house))
    with at(writing, 0.001) as house:
        assert "".join(send_post(house)).endswith("sent")
    assert len(smtp_server.mails) == 1


def test_a_refused_letter_is_shown_and_goes_to_another_address(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = asked(house, "bounce.ida@example.org")
        list(send_post(house))
        assert codes(house) == ["letter.failed"]
        send_letter(house, case.id, Order(LetterKind.ACKNOWLEDGEMENT, to=Secret("other@example.org")))
        list(send_post(house))
        assert codes(house) == []
    assert [mail.recipient for mail in smtp_server.mails] == ["other@example.org"]


class _Killed(Mail):
    """Dies as it is told, at one of two places."""

    def __init__(self, house: House, *, is_handed_over: bool) -> None:
        assert house.settings.mail is not None
        super().__init__(house.settings.mail, house.clock)
        self._is_handed_over = is_handed_over

    def send(self, parcel: Parcel) -> str:
        if self._is_handed_over:
            super().send(parcel)
        os.kill(os.getpid(), signal.SIGKILL)
        return ""


@pytest.mark.parametrize(("is_handed_over", "copies"), [(False, 1), (True, 2)])
def test_a_killed_worker_costs_at_most_one_more_copy_with_the_same_id(
    writing: Company, smtp_server: SmtpServer, is_handed_over: bool, copies: int
) -> None:
    with at(writing) as house:
        asked(house)
    child = os.fork()
    if child == 0:
        with at(writing) as house:
            list(send_post(replace(house, open_post=lambda: _Killed(house, is_handed_over=is_handed_over))))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    with at(writing, 0.001) as house:
        assert list(send_post(house)) == []  # it may still be at work
    with at(writing, 0.1) as house:
        assert len(list(send_post(house))) == 1
        assert list(send_post(house)) == []
    ids = [email.message_from_bytes(mail.data)["Message-ID"] for mail in smtp_server.mails]
    assert (len(ids), len(set(ids))) == (copies, 1)


def test_a_server_that_is_away_is_asked_for_one_letter_only(writing: Company) -> None:
    class Away:
        tries = 0

        def send(self, _: Parcel) -> str:
            Away.tries += 1
            raise Unreachable("nobody there", code="unreachable")

        def close(self) -> None: ...

    with at(writing) as house:
        for _ in range(3):
            asked(house)
        assert len(list(send_post(replace(house, open_post=Away)))) == 1
    assert Away.tries == 1


# --- the end of a case -------------------------------------------------------------------------------------------------------


def test_the_letter_that_ends_a_case_is_written_when_it_ends_and_waits_for_a_person(writing: Company, smtp_server: SmtpServer) -> None:
    others = ("customers 18", "orders 181", "tickets 2")
    before = [writing.everything()[key] for key in others]
    with at(writing) as house:
        case = carried_through(house, asked(house))
        assert case.outcome is Outcome.FULFILLED
        with house.store.transaction() as tx:
            tx.outbox.drop(posted_of(house, case, LetterKind.ACKNOWLEDGEMENT).id)
        assert codes(house) == ["letter.owed"]  # nobody keeps a register of recipients, so only a person can say who was told
        send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
        list(send_post(house))
        assert (codes(house), sent_leaves(house, case)) == ([], [("completion", NOON.date().isoformat(), "mail")])
        posted = posted_of(house, case, LetterKind.COMPLETION)
        with pytest.raises(Conflict, match="went out already"):
            send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
    (mail,) = smtp_server.mails
    assert all(words in text_of(mail) for words in ("your e-mail address", "your name", SAID["recipients"]))
    assert not any(secret in text_of(mail) for secret in (EMAIL, NAME))
    pdf = next(iter(email.message_from_bytes(mail.data, policy=email.policy.default).iter_attachments())).get_content()
    assert hashlib.sha256(pdf).hexdigest() == posted.digest
    assert [writing.everything()[key] for key in others] == before


def test_a_refusal_is_written_before_the_person_is_forgotten_and_can_be_sent_afterwards(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = asked(house)
        close_unfulfilled(house, case.id, Outcome.REFUSED, "excessive", "officer")
        with house.store.snapshot() as tx, pytest.raises(Conflict):
            tx.selectors.of(case.id)
        assert codes(house) == ["letter.waiting"]
        with house.store.transaction() as tx:
            tx.outbox.release(posted_of(house, case, LetterKind.REFUSAL).id)
    with at(writing, 1) as house:
        list(send_post(house))
        assert codes(house) == []
    text = next(text for text in map(text_of, smtp_server.mails) if "excessive" in text)
    assert all(words in text for words in ("the Data Inspector", "the court of Teatown"))


def test_letters_go_out_by_themselves_where_the_settings_say_so(writing: Company, smtp_server: SmtpServer) -> None:
    set_up(writing, smtp_server, send="by_itself")
    with at(writing) as house:
        case = asked(house)
        close_unfulfilled(house, case.id, Outcome.REFUSED, "cannot_identify", "officer")
        list(send_post(house))
        assert sorted(letters(house, case)) == [("acknowledgement", "sent"), ("cannot_identify", "sent")]
    assert any("With what you gave us we cannot tell which data are yours" in text_of(mail) for mail in smtp_server.mails)


def test_a_withdrawn_case_owes_no_letter_and_keeps_no_address(writing: Company) -> None:
    with at(writing) as house:
        case = asked(house)
        list(send_post(house))
        close_unfulfilled(house, case.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        assert (codes(house), list(end_correspondence(house))) == ([], [f"case {case.id}: the requester's address and all letters are forgotten"])
        assert list(end_correspondence(house)) == []
        with house.store.snapshot() as tx:
            assert tx.contacts.of(case.id) is None


def test_the_address_is_forgotten_when_the_last_letter_cannot_come_back_any_more(writing: Company) -> None:
    with at(writing) as house:
        case = carried_through(house, asked(house))
        send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
        list(send_post(house))
    with at(writing, 29) as house:
        assert list(end_correspondence(house)) == []
    with at(writing, 40) as house:
        assert forget_due(house) == (case.id,)
        assert len(list(end_correspondence(house))) == 1
        with pytest.raises((Conflict, InputWrong)):
            send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID, is_again=True, to=Secret(EMAIL)))


def test_whoever_was_told_something_wrong_is_told_so_before_the_address_is_forgotten(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        case = carried_through(house, asked(house))
        with pytest.raises(Conflict, match="nothing of this case was found again"):
            send_letter(house, case.id, Order(LetterKind.CORRECTION))
        send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
        list(send_post(house))
    writing.sql(f"INSERT INTO tickets VALUES (9, 'again from {EMAIL}')")
    with at(writing, 7.1) as house:
        list(rescan(house))
        with house.store.snapshot() as tx:
            (incident,) = tx.incidents.of(case.id)
        assert (incident.kind, incident.owed) == (IncidentKind.RESIDUE, (Told.PEOPLE,))
        assert codes(house) == ["letter.waiting"]
    with at(writing, 95) as house:
        assert list(end_correspondence(house)) == []
        with house.store.transaction() as tx:
            tx.outbox.release(posted_of(house, case, LetterKind.CORRECTION).id)
        list(send_post(house))
        with house.store.snapshot() as tx:
            assert tx.incidents.get(incident.id).owed == ()
        assert len(list(end_correspondence(house))) == 1
    text = text_of(smtp_server.mails[-1])
    assert "found data about you that should have been gone" in text
    assert EMAIL not in text


def test_the_address_ends_after_sixty_days_although_something_of_the_case_is_kept_for_years(writing: Company) -> None:
    with at(writing) as house:
        case = carried_through(house, asked(house))
        send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
        list(send_post(house))
    with at(writing, USUAL.days - 1) as house:  # nobody forgets the case meanwhile, as if an invoice had to stay
        assert list(end_correspondence(house)) == []
    with at(writing, USUAL.days) as house:
        assert len(list(end_correspondence(house))) == 1
        with house.store.snapshot() as tx:
            assert (tx.contacts.of(case.id), len(tx.selectors.of(case.id)) > 0) == (None, True)


def test_what_was_erased_is_not_told_any_more_once_it_is_forgotten(writing: Company) -> None:
    with at(writing) as house:
        case = carried_through(house, asked(house))
    with at(writing, 40) as house:
        assert forget_due(house) == (case.id,)
        with pytest.raises(Conflict) as refused:
            send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
    assert refused.value.code == "letter.forgotten"


def test_a_letter_that_nobody_ever_sends_does_not_keep_the_address_for_ever(writing: Company) -> None:
    with at(writing) as house:
        case = asked(house)
        close_unfulfilled(house, case.id, Outcome.REFUSED, "excessive", "officer")
    with at(writing, LONGEST.days - 1) as house:
        assert list(end_correspondence(house)) == []
    with at(writing, LONGEST.days) as house:
        assert len(list(end_correspondence(house))) == 1
        assert ("refusal", "failed") in letters(house, case)


def test_a_case_of_a_person_of_whom_nothing_was_found_says_so(writing: Company, smtp_server: SmtpServer) -> None:
    with at(writing) as house:
        request = replace(request_of(house, ("email", "nobody@example.org")), contact=Contact(Secret("nobody@example.org")))
        case = carried_through(house, open_case(house, request))
        send_letter(house, case.id, Order(LetterKind.COMPLETION, SAID))
        list(send_post(house))
    assert any("found no data about you" in text_of(mail) for mail in smtp_server.mails)
