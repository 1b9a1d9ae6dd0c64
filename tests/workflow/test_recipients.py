"""Everybody who had received the data is told and reminded; the case waits for them, but never so long that the person's answer would be late."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.recipient import NoticeState
from dsr_engine.domain.regime import Duty, Notify
from dsr_engine.workflow.notices.answering import (
    acknowledge,
    approve_disproportionate,
    close_recipients,
    declare_impossible,
    propose_disproportionate,
    resend,
)
from dsr_engine.workflow.notices.recipients import for_person, told
from dsr_engine.workflow.notify import follow_up_recipients
from dsr_engine.workflow.publish import FORGET, forget_due
from dsr_engine.workflow.settling import finish_task
from tests.servers.recipient_server import RecipientServer, Reply
from tests.workflow.company import BOB, EMAIL, NAME, Company
from tests.workflow.journeys import carried_through, opened_for, statement_of, waits_for
from tests.workflow.telling import MAIL, MANUAL, at, entry, erased, notices_of, posted, register, run, settle, webhook

_LONG = "The archive answers no mail, has no telephone, and its only office was closed for good in March; " * 2


def test_a_case_without_a_register_goes_on_as_before(shop: Company) -> None:
    with at(shop) as house:
        case = erased(house)
        statement = statement_of(house, case)
        assert (case.outcome, statement.recipients) == (Outcome.FULFILLED, ())
        assert "no recipient is registered here" in statement.disclaimers[-1]


def test_who_received_other_data_is_not_told(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, other=entry("Other Ltd", receives="shop.suppliers, user.biometric", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        assert (case.outcome, notices_of(house, case), recipient_server.asked) == (Outcome.FULFILLED, {}, [])
        with house.store.snapshot() as tx:
            assert told(tx, case, house, "en") == "By our records we had passed the data on to nobody."


def test_a_controller_is_told_what_it_needs_and_no_more(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, partner=entry("Partner Ltd", "controller", by="customer_id", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
        (asked,) = recipient_server.asked
        sent = json.loads(asked.body)
        assert sent["identifiers"] == [{"kind": "customer_id", "value": "17"}]
        assert (sent["reference"], sent["what"]) == (case.subject_ref[:12], ["erase"])
        assert not [word for word in (EMAIL, NAME, BOB) if word.encode() in asked.body]
        (row,) = statement_of(house, case).recipients
        assert row["recipient"] == "partner"
        assert row["state"] == "told, receipt acknowledged (no proof of deletion)"


def test_collections_globs_and_categories_say_who_received_the_data(shop: Company, recipient_server: RecipientServer) -> None:
    places = {
        "one": "shop.customers",
        "glob": "shop.*",
        "upper": "user.contact",
        "exact": "user.contact.email",
        "other": "shop.orders",
        "no": "shop.tea",
    }
    entries = {name: entry(f"{name} Ltd", "controller", receives=place, more=webhook(recipient_server, f"/{name}")) for name, place in places.items()}
    register(shop, **entries)
    with at(shop) as house:
        erased(house)
    assert sorted(asked.path for asked in recipient_server.asked) == ["/exact", "/glob", "/one", "/other", "/upper"]


def test_a_processor_is_waited_for_until_it_confirms_the_deletion(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, processor=entry("Processor Ltd", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        assert (case.stage, waits_for(case)) == (Stage.NOTIFY, "recipients_open")
        assert notices_of(house, case)["processor"].state is NoticeState.ACKNOWLEDGED
        assert case.wait is not None
        assert "has not confirmed the deletion" in case.wait.reason
        acknowledge(house, case.id, "processor", "deleted", "officer")
        case = run(house, case)
        statement = statement_of(house, case)
        assert (case.outcome, statement.exceptions) == (Outcome.FULFILLED, ())
        assert statement.recipients[0]["state"] == "told, confirmed as deleted by the recipient"
    assert len(recipient_server.asked) == 1


def test_a_silent_recipient_is_reminded_after_7_14_and_30_days_and_then_the_case_goes_on_without_it(
    shop: Company, recipient_server: RecipientServer
) -> None:
    register(shop, processor=entry("Processor Ltd", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
    seen = {}
    for day in (1, 6, 7, 8, 13, 14, 15, 23, 28, 29, 30, 31, 39):
        with at(shop, timedelta(days=day)) as house:
            before = len(recipient_server.asked)
            case = run(house, case)
            list(follow_up_recipients(house))
            if len(recipient_server.asked) > before:
                seen[day] = json.loads(recipient_server.asked[-1].body)["reminder"]
    assert seen == {7: 1, 14: 2, 30: 3}
    assert {json.loads(asked.body)["id"] for asked in recipient_server.asked} == {notices_of(house, case)["processor"].id}
    with at(shop, timedelta(days=40)) as house:
        statement = statement_of(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert statement.exceptions == (
            "processor had received the data: it acknowledged that the notice arrived, but has not confirmed the deletion.",
        )


def test_the_answer_to_the_person_is_never_late_because_of_a_recipient(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(503)
    register(shop, processor=entry("Processor Ltd", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        assert case.wait is not None
        assert case.wait.wake_at is not None
    closed_on = 0
    for day in (1, 10, 20, 23, *range(24, 30)):
        with at(shop, timedelta(days=day)) as house:
            case = run(house, case)
            if case.outcome is not None:
                closed_on = day
                break
    assert 24 <= closed_on <= 28
    with at(shop, timedelta(days=closed_on)) as house:
        assert statement_of(house, case).exceptions == ("processor had received the data: not told yet (web.busy).",)


def test_a_host_that_is_busy_is_tried_again_later_and_not_at_once(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(503)
    register(shop, partner=entry("Partner Ltd", "controller", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        run(house, case)
        assert len(recipient_server.asked) == 1
        assert case.wait is not None
    recipient_server.answering = lambda _: Reply(200)
    with at(shop, timedelta(minutes=6)) as house:
        assert run(house, case).outcome is Outcome.FULFILLED


def test_a_reminder_that_does_not_get_through_is_tried_again_later_and_takes_nothing_back(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, processor=entry("Processor Ltd", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
    recipient_server.answering = lambda _: Reply(503)
    with at(shop, timedelta(days=7)) as house:
        for _ in range(3):
            case = run(house, case)
        assert len(recipient_server.asked) == 2
        assert case.wait is not None
        assert case.wait.wake_at == house.clock.now() + timedelta(hours=6)
    recipient_server.answering = lambda _: Reply(200)
    with at(shop, timedelta(days=7, hours=7)) as house:
        case = run(house, case)
        notice = notices_of(house, case)["processor"]
        assert (notice.state, notice.reminded, len(recipient_server.asked)) == (NoticeState.ACKNOWLEDGED, 1, 3)


def test_a_template_that_is_broken_stops_nobody_else(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, mailer=entry("Mailer Ltd", "controller", more=MAIL), partner=entry("Partner Ltd", "controller", more=webhook(recipient_server)))
    (shop.home / "templates" / "notices").mkdir(parents=True)
    (shop.home / "templates" / "notices" / "en.toml").write_text('subject = "{person}"\ntext = "{id}"\n[what]\nerase = "x"\n', encoding="utf-8")
    with at(shop) as house:
        case = erased(house)
        found = {name: (notice.state.value, notice.code) for name, notice in notices_of(house, case).items()}
        assert found == {"mailer": ("failed", "notice.template"), "partner": ("acknowledged", "http_202")}


def test_a_host_that_refuses_needs_a_person_who_sends_it_again(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(403)
    register(shop, partner=entry("Partner Ltd", "controller", more=webhook(recipient_server)))
    with at(shop) as house:
        case = run(house, erased(house))
        assert (notices_of(house, case)["partner"].state, len(recipient_server.asked)) == (NoticeState.FAILED, 1)
        recipient_server.answering = lambda _: Reply(200)
        resend(house, case.id, "partner")
        assert run(house, case).outcome is Outcome.FULFILLED
        ids = [json.loads(asked.body)["id"] for asked in recipient_server.asked]
        assert len(set(ids)) == 1


def test_an_identifier_that_the_case_does_not_know_is_not_made_up(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, partner=entry("Partner Ltd", "controller", by="passport_number", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        notice = notices_of(house, case)["partner"]
        assert (notice.state, notice.code, recipient_server.asked) == (NoticeState.FAILED, "recipient.no_identifier", [])


# --- mail and people ---------------------------------------------------------------------------------------------------


def test_a_mail_lies_sealed_in_the_outbox_and_counts_as_told_once_it_went_out(shop: Company) -> None:
    register(shop, mailer=entry("Mailer Ltd", "third_party", more=f"{MAIL}, language: de, awaits: nothing"))
    with at(shop) as house:
        case = erased(house)
        (mail,) = posted(house, case)
        assert waits_for(case) == "recipients_open"
        with house.store.snapshot() as tx:
            parcel = tx.outbox.parcel(mail.id)
        assert parcel.to.reveal() == "privacy@mailer.example.net"
        assert EMAIL in parcel.text
        assert NAME not in parcel.text
        assert EMAIL not in parcel.subject
        assert "löschen" in parcel.text
        settle(house, mail.id)
    with at(shop, timedelta(minutes=6)) as house:
        case = run(house, case)
        assert (case.outcome, len(posted(house, case))) == (Outcome.FULFILLED, 1)


def test_a_mail_that_comes_back_is_a_failure_although_it_had_been_sent(shop: Company) -> None:
    register(shop, mailer=entry("Mailer Ltd", "third_party", more=MAIL))
    with at(shop) as house:
        case = erased(house)
        (mail,) = posted(house, case)
        settle(house, mail.id)
    with at(shop, timedelta(minutes=6)) as house:
        case = run(house, case)
        assert notices_of(house, case)["mailer"].state is NoticeState.SENT
        settle(house, mail.id, PostState.BOUNCED)
    with at(shop, timedelta(hours=7)) as house:
        case = run(house, case)
        notice = notices_of(house, case)["mailer"]
        assert (notice.state, notice.code) == (NoticeState.FAILED, "mail_bounced")
        resend(house, case.id, "mailer")
        case = run(house, case)
        assert [entry.state for entry in posted(house, case)] == [PostState.BOUNCED, PostState.QUEUED]


@pytest.mark.parametrize("settle_by", ["impossible", "deleted", "resend"])
def test_a_mail_that_has_not_gone_out_is_taken_back_once_a_person_settled_the_notice(shop: Company, settle_by: str) -> None:
    register(shop, mailer=entry("Mailer Ltd", "third_party", more=MAIL))
    with at(shop) as house:
        case = erased(house)
        (mail,) = posted(house, case)
        if settle_by == "impossible":
            declare_impossible(house, case.id, "mailer", "The firm was dissolved in 2025 and has no successor.", "officer")
        elif settle_by == "deleted":
            acknowledge(house, case.id, "mailer", "deleted", "officer")
        else:
            resend(house, case.id, "mailer")
        with house.store.snapshot() as tx:
            assert (tx.outbox.get(mail.id).state, tx.outbox.due(house.clock.now())) == (PostState.FAILED, ())
            with pytest.raises(Conflict):
                tx.outbox.parcel(mail.id)
        run(house, case)
        assert len(posted(house, case)) == (2 if settle_by == "resend" else 1)


def test_a_recipient_of_mail_is_reminded_by_mail(shop: Company) -> None:
    register(shop, mailer=entry("Mailer Ltd", "third_party", more=MAIL))
    with at(shop) as house:
        case = erased(house)
        settle(house, posted(house, case)[0].id)
    with at(shop, timedelta(minutes=6)) as house:
        case = run(house, case)
    with at(shop, timedelta(days=7, hours=1)) as house:
        case = run(house, case)
        assert notices_of(house, case)["mailer"].reminded == 1
        second = posted(house, case)[1]
        with house.store.snapshot() as tx:
            assert tx.outbox.parcel(second.id).text.startswith("Reminder 1:")


def test_a_person_tells_by_hand_and_says_so(shop: Company) -> None:
    register(shop, search=entry("Search Ltd", "third_party", more=f"{MANUAL}, awaits: nothing"))
    with at(shop) as house:
        case = erased(house)
        assert case.wait is not None
        assert "a person has to tell it" in case.wait.reason
        acknowledge(house, case.id, "search", "sent", "officer")
        assert run(house, case).outcome is Outcome.FULFILLED


def test_what_a_person_erased_by_hand_is_told_to_those_who_receive_from_that_system(shop: Company, recipient_server: RecipientServer) -> None:
    shop.connector("connector: payroll\ndriver: manual\ntask: {instructions: Delete the person there, owner: payroll@example.com, due: 7 days}\n")
    shop.declare("payroll", "connector: payroll, owner: payroll@example.com")
    register(shop, tax=entry("Tax Adviser", "controller", receives="payroll.salaries", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
        assert (waits_for(case), recipient_server.asked) == ("task_open", [])
        with house.store.snapshot() as tx:
            (task,) = tx.tasks.of(case.id)
        (evidence := shop.folder / "done.txt").write_text("done")
        finish_task(house, case.id, task.id, evidence, "officer")
        case = run(house, case)
        assert (case.stage, len(recipient_server.asked)) == (Stage.CLOSED, 1)


# --- what the law asks for ---------------------------------------------------------------------------------------------


def test_no_notice_goes_out_that_no_law_of_the_case_asks_for(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, index=entry("Index Ltd", "public", more=webhook(recipient_server)))
    with at(shop, notify=Notify(public=Duty.NONE)) as house:
        case = erased(house)
        assert (case.outcome, recipient_server.asked) == (Outcome.FULFILLED, [])
        assert statement_of(house, case).recipients[0]["state"] == "no law of the case asks for a notice"


def test_an_impossible_notice_needs_reasons_and_closes_without_an_exception(shop: Company) -> None:
    register(shop, gone=entry("Gone Ltd", more=MANUAL))
    with at(shop) as house:
        case = erased(house)
        for bad in ("gone", "x" * 39, f"Nobody answers any more since the firm of {EMAIL} was dissolved."):
            with pytest.raises(InputWrong) as caught:
                declare_impossible(house, case.id, "gone", bad, "officer")
            assert EMAIL not in str(caught.value)
        declare_impossible(house, case.id, "gone", "The firm was dissolved in 2025 and has no successor.", "officer")
        case = run(house, case)
        (row,) = statement_of(house, case).recipients
        assert (case.outcome, row["state"]) == (Outcome.FULFILLED, "impossible to tell")
        assert row["reason"] == "The firm was dissolved in 2025 and has no successor."


def test_disproportionate_effort_takes_an_explanation_and_a_second_person(shop: Company) -> None:
    register(shop, archive=entry("Archive", "third_party", more=MANUAL))
    with at(shop, notify=Notify(recipients=Duty.UNLESS_DISPROPORTIONATE)) as house:
        case = erased(house)
        with pytest.raises(InputWrong):
            propose_disproportionate(house, case.id, "archive", "It is too much work for the whole of our staff.", "officer")
        with pytest.raises(Conflict):
            approve_disproportionate(house, case.id, "archive", "approver")
        propose_disproportionate(house, case.id, "archive", _LONG, "officer")
        assert waits_for(run(house, case)) == "recipients_open"
        with pytest.raises(Conflict) as caught:
            approve_disproportionate(house, case.id, "archive", "officer")
        assert caught.value.code == "recipient.four_eyes"
        approve_disproportionate(house, case.id, "archive", "approver")
        case = run(house, case)
        assert (case.outcome, statement_of(house, case).recipients[0]["state"]) == (Outcome.FULFILLED, "not told, disproportionate effort")


def test_no_effort_is_too_much_for_a_processor(shop: Company) -> None:
    register(shop, processor=entry("Processor Ltd", more=MANUAL))
    with at(shop, notify=Notify(processors=Duty.REQUIRED)) as house:
        case = erased(house)
        with pytest.raises(Conflict) as caught:
            propose_disproportionate(house, case.id, "processor", _LONG, "officer")
        assert caught.value.code == "recipient.duty"


def test_a_person_lets_a_case_go_on_and_the_certificate_names_who_is_open(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, processor=entry("Processor Ltd", more=webhook(recipient_server)), manual=entry("Manual Ltd", "controller", more=MANUAL))
    with at(shop) as house:
        case = erased(house)
        with pytest.raises(InputWrong):
            close_recipients(house, case.id, "no", "officer")
        close_recipients(house, case.id, "The person wants to have the certificate today.", "officer")
        case = run(house, case)
        statement = statement_of(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert len(statement.exceptions) == 2
        assert {row["reason"] for row in statement.recipients} == {"The person wants to have the certificate today."}
        with pytest.raises(Conflict):
            close_recipients(house, case.id, "The person wants to have the certificate today.", "officer")


# --- afterwards --------------------------------------------------------------------------------------------------------


def test_the_case_is_not_forgotten_while_a_recipient_is_open_and_not_kept_for_ever(shop: Company) -> None:
    register(shop, mailer=entry("Mailer Ltd", "third_party", more=MAIL))
    with at(shop) as house:
        case = erased(house)
        close_recipients(house, case.id, "The person wants to have the certificate today.", "officer")
        case = run(house, case)
        with house.store.transaction() as tx:
            for what in [entry.what for entry in tx.followups.of(case.id)]:
                if what != FORGET and not what.startswith("recipient:"):
                    tx.followups.drop(case.id, what)
    with at(shop, timedelta(days=59)) as house:
        assert forget_due(house) == ()
    with at(shop, timedelta(days=61)) as house:
        assert forget_due(house) == (case.id,)
        assert list(follow_up_recipients(house)) in ([], [f"case {case.id}: recipient mailer is failed"])


def test_a_late_answer_ends_the_waiting_for_a_closed_case(shop: Company) -> None:
    register(shop, mailer=entry("Mailer Ltd", "third_party", more=MAIL))
    with at(shop) as house:
        case = erased(house)
        close_recipients(house, case.id, "The person wants to have the certificate today.", "officer")
        case = run(house, case)
        acknowledge(house, case.id, "mailer", "received", "officer")
        with house.store.snapshot() as tx:
            assert not [entry for entry in tx.followups.of(case.id) if entry.what.startswith("recipient:")]
        with pytest.raises(Conflict):
            acknowledge(house, case.id, "mailer", "sent", "officer")


def test_the_person_is_told_names_and_states_in_plain_words(shop: Company, recipient_server: RecipientServer) -> None:
    partner = entry("Partner & Söhne", "controller", more=webhook(recipient_server))
    register(shop, partner=partner, gone=entry("Gone Ltd", "third_party", more=MANUAL))
    with at(shop) as house:
        case = erased(house)
        declare_impossible(house, case.id, "gone", "The firm was dissolved in 2025 and has no successor.", "officer")
        case = run(house, case)
        with house.store.snapshot() as tx:
            assert for_person(tx, case, house, "en") == (
                "Gone Ltd (third party): cannot be told",
                "Partner & Söhne (it decides for itself): was told and acknowledged that our notice arrived",
            )
            assert told(tx, case, house, "de") == (
                "Wir hatten Daten an 2 Empfänger weitergegeben und davon 1 unterrichtet. "
                "Nicht oder nur mit unverhältnismäßigem Aufwand zu unterrichten: 1."
            )
            assert told(tx, case, house, "xx") == ""


def test_a_register_that_changed_meanwhile_is_a_failure_that_says_so(shop: Company, recipient_server: RecipientServer) -> None:
    recipient_server.answering = lambda _: Reply(503)
    register(shop, partner=entry("Partner Ltd", "controller", more=webhook(recipient_server)))
    with at(shop) as house:
        case = erased(house)
    register(shop)
    with at(shop, timedelta(hours=1)) as house:
        case = run(house, case)
        notice = notices_of(house, case)["partner"]
        assert (notice.state, notice.code) == (NoticeState.FAILED, "recipient.gone")
        with pytest.raises(InputWrong):
            resend(house, case.id, "partner")


def test_an_unverified_claim_goes_to_nobody(shop: Company, recipient_server: RecipientServer) -> None:
    register(shop, partner=entry("Partner Ltd", "controller", by="email, phone", more=webhook(recipient_server)))
    with at(shop) as house:
        case = opened_for(house, ("email", EMAIL), ("phone", "+49 30 555000"))
        with house.store.transaction() as tx:
            doubtful = next(entry for entry in tx.selectors.of(case.id) if entry.kind == "phone")
            tx.selectors.add(case.id, replace(doubtful, verified=False))
        carried_through(house, case)
        (asked,) = recipient_server.asked
        assert json.loads(asked.body)["identifiers"] == [{"kind": "email", "value": EMAIL}]
