"""Whole cases with their letters: what is sent, tried again, held for a person, comes back, and is forgotten in the end."""

import email
import email.policy
import hashlib
import mailbox
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest

from dsr_engine.certificate.letter import words_of
from dsr_engine.delivery.mail import Mail
from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong, Unreachable
from dsr_engine.domain.incident import IncidentKind, Told
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import Parcel, Posted
from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.law.extending import extend
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.letters.alarming import mail_alarms
from dsr_engine.workflow.letters.corresponding import BY_HAND, SENT, Order, notice_day, record_sent, send_letter
from dsr_engine.workflow.letters.letterbox import worries
from dsr_engine.workflow.letters.posting import BOUNCED, LONGEST, PAUSES, USUAL, end_correspondence, read_bounces, send_post
from dsr_engine.workflow.publish import forget_due
from dsr_engine.workflow.staying_erased.rescanning import rescan
from tests.delivery.test_bounces import ID, POSTFIX
from tests.servers.smtp_server import PASSWORD, USER, SmtpServer, Taken
from tests.workflow.company import BOB, EMAIL, NAME, Company
from tests.workflow.journeys import NOON, carried_through, request_of, working

SAID = {"recipients": "We had passed your data on to nobody."}
_SETTINGS = """
[letters]
authority = "the Data Inspector"
court = "the court of Teatown"
send = "{send}"

[mail]
server = "{url}"
user = "{user}"
password = "${{MAIL_PASSWORD}}"
from = "Example Ltd <privacy@example.com>"
alarms_to = ["officer@example.com"]
bounces = "maildir:{bounces}"
ca = "{ca}"
"""


class Writing(Company):
    """A company with a mail server and a mailbox to which undeliverable mail comes back."""

    @property
    def environment(self) -> Mapping[str, str]:
        return {"MAIL_PASSWORD": PASSWORD}


@pytest.fixture
def writing(shop: Company, smtp_server: SmtpServer) -> Company:
    """Such a company, whose letters wait for a person."""
    set_up(shop, smtp_server)
    mailbox.Maildir(shop.folder / "bounces", create=True).close()
    return Writing(shop.folder, shop.bucket, shop.s3, shop.systems)


def set_up(company: Company, server: SmtpServer, *, send: str = "by_a_person") -> None:
    settings = company.home / "dsr.toml"
    text = settings.read_text(encoding="utf-8").partition("\n[letters]\nauthority")[0]
    text += _SETTINGS.format(send=send, url=server.url, user=USER, bounces=company.folder / "bounces", ca=server.ca)
    settings.write_text(text, encoding="utf-8")


@contextmanager
def at(company: Company, days: float = 0) -> Iterator[House]:
    """The company's house, so many days after noon."""
    with working(company, FixedClock(NOON + timedelta(days=days))) as house:
        yield house


def asked(house: House, address: str = EMAIL, language: str = "") -> Case:
    """A request whose author wants an answer by mail."""
    return open_case(house, replace(request_of(house), contact=Contact(Secret(address), language)))


def letters(house: House, case: Case) -> list[tuple[str, str]]:
    with house.store.snapshot() as tx:
        return [(posted.purpose.removeprefix("letter:"), posted.state.value) for posted in tx.outbox.of(case.id)]


def posted_of(house: House, case: Case, kind: LetterKind) -> Posted:
    with house.store.snapshot() as tx:
        return [posted for posted in tx.outbox.of(case.id) if posted.purpose == f"letter:{kind.value}"][-1]


def sent_leaves(house: House, case: Case) -> list[tuple[object, ...]]:
    with house.store.snapshot() as tx:
        return [(body["letter"], body["on"], body["how"]) for _, body in tx.ledger.find(SENT, case=case.id)]


def codes(house: House) -> list[str]:
    with house.store.snapshot() as tx:
        return [worry.code for worry in worries(tx, house)]


def text_of(taken: Taken) -> str:
    message = email.message_from_bytes(taken.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body()
    assert body is not None
    return str(body.get_content())


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
