"""A private link that was lost is made anew; officers and requesters write to each other; an agent whom the person denies gets nothing."""

import re
from collections.abc import Iterator

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.portal import NoteKind
from dsr_engine.domain.user import Role
from dsr_engine.domain.verification import PERMISSION
from dsr_engine.workflow.access.copying import is_copy_ready
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.law.entitling import name_grounds
from dsr_engine.workflow.portal.opening import reference_of
from dsr_engine.workflow.portal.tending import UNSENT
from dsr_engine.workflow.verify_identity import confirm_identity
from tests.servers.postgres import PostgresServer
from tests.servers.smtp_server import SmtpServer
from tests.web.portals import Portal, portal_of
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import BOB, EMAIL, Company
from tests.workflow.journeys import approved, waits_for

_AGENT = "agent.smith@agents.example"
_NOBODY = "nobody.known@example.org"


@pytest.fixture
def portal(shop: Company, smtp_server: SmtpServer) -> Iterator[Portal]:
    with portal_of(shop, smtp_server) as found:
        yield found


def _asks_anew(portal: Portal, reference: str, email: str) -> Visitor:
    return portal.doors.visitor().go("/portal/en/renew").send("Send me a code", reference=reference, email=email)


def _only(portal: Portal) -> Case:
    (case,) = portal.cases()
    return case


def _answers_for_agent(portal: Portal, answer: str) -> None:
    person = portal.doors.visitor().go(portal.link(EMAIL, "agent"))
    form = forms_of(person.text)[0].fields
    person.client.post(person.path, data=form | {"answer": answer}, headers={"Referer": f"http://localhost{person.path}"})


# --- links ----------------------------------------------------------------------------------------------------------------


def test_a_lost_link_is_made_anew_by_a_code_and_the_old_one_ends(portal: Portal) -> None:
    portal.confirmed()
    old = portal.link(EMAIL)
    visitor = _asks_anew(portal, f" [{reference_of(_only(portal)).upper()}] ", EMAIL.upper())
    visitor.send("Get the link", code=portal.code(EMAIL.partition("@")[0].upper()))
    assert "Where it stands" in visitor.text
    assert portal.link(EMAIL) == visitor.path.partition("?")[0] != old
    assert portal.doors.visitor().go(old).status == 404
    assert len(portal.cases()) == 1


def test_whoever_reads_another_mailbox_gets_no_link(portal: Portal) -> None:
    portal.confirmed()
    old = portal.link(EMAIL)
    visitor = _asks_anew(portal, reference_of(_only(portal)), BOB)
    visitor.send("Get the link", code=portal.code(BOB))
    assert (visitor.status, "There is no such request" in visitor.text) == (404, True)
    assert portal.doors.visitor().go(old).status == 200


def test_asking_for_a_link_tells_nobody_whether_there_is_a_request(portal: Portal) -> None:
    portal.confirmed()
    pages, mails = [], []
    for reference, email in ((reference_of(_only(portal)), EMAIL), ("0" * 12, EMAIL), ("0" * 12, _NOBODY)):
        before = len(portal.mails(email))
        visitor = _asks_anew(portal, reference, email)
        pages.append((visitor.status, re.sub(r'name="csrf_token" value="[^"]*"|/renew/[\w-]{43}', "", visitor.text)))
        mails.append(len(portal.mails(email)) - before)
    assert pages[0] == pages[1] == pages[2]
    assert mails == [1, 1, 1]


def test_a_code_for_a_link_confirms_no_request_and_the_other_way_round(portal: Portal) -> None:
    ticket = portal.asks().path.rpartition("/")[2]
    assert portal.doors.visitor().go(f"/portal/en/renew/{ticket}").status == 404
    renewal = _asks_anew(portal, "0" * 12, _NOBODY).path.rpartition("/")[2]
    assert portal.doors.visitor().go(f"/portal/en/code/{renewal}").status == 404


def test_a_wrong_code_for_a_link_counts_and_is_told_in_place(portal: Portal) -> None:
    portal.confirmed()
    visitor = _asks_anew(portal, reference_of(_only(portal)), EMAIL)
    right = portal.code()
    for _ in range(5):
        assert "not the code" in visitor.send("Get the link", code="1111 1111" if right != "1111 1111" else "2222 2222").text
    assert "Start again" in visitor.send("Get the link", code=right).text
    assert visitor.status == 400


@pytest.mark.parametrize(("reference", "email", "told"), [("short", EMAIL, "twelve letters"), ("0" * 12, "no address", "not an e-mail address")])
def test_what_can_be_no_reference_or_address_is_told_in_place(portal: Portal, reference: str, email: str, told: str) -> None:
    visitor = _asks_anew(portal, reference, email)
    assert (visitor.status, told in visitor.text, portal.mails("")) == (400, True, [])


def test_a_link_ends_after_120_days_and_each_code_prolongs_it(portal: Portal) -> None:
    portal.confirmed()
    path = portal.link(EMAIL)
    portal.pass_time(days=100)
    portal.doors.visitor().go(path).send("Send me a code").send("Open", code=portal.code())
    portal.pass_time(days=100)
    assert portal.doors.visitor().go(path).status == 200
    portal.pass_time(days=21)
    gone = portal.doors.visitor().go(path)
    assert (gone.status, "Get a new private link" in gone.text) == (404, True)


def test_a_link_that_an_officer_ended_leads_nowhere(portal: Portal) -> None:
    portal.confirmed()
    path = portal.link(EMAIL)
    portal.doors.signed_in(Role.OFFICER).go(f"/cases/{_only(portal).id}/messages").send("End the private link")
    assert portal.doors.visitor().go(path).status == 404


def test_a_link_that_no_code_proved_does_not_tell_how_the_request_ended(portal: Portal) -> None:
    """An opt-out is taken from whoever names an address: how it ends could tell whether the person is known."""
    visitor = portal.asks(what="opt_out", where="us-ca")
    close_unfulfilled(portal.doors.house, _only(portal).id, Outcome.CANNOT_IDENTIFY, "cannot_identify", "officer")
    assert "To see how, enter a code" in visitor.go(visitor.path).text
    assert "which data are yours" not in visitor.text
    assert "which data are yours" in visitor.send("Send me a code").send("Open", code=portal.code()).text


# --- messages -------------------------------------------------------------------------------------------------------------


def test_an_officer_answers_a_message_and_the_mail_says_only_that_there_is_one(portal: Portal) -> None:
    visitor = portal.confirmed().send("Send", text="When will you be done?")
    case = _only(portal)
    officer = portal.doors.signed_in(Role.OFFICER).go("/desk")
    assert "Requesters wrote in 1 case" in officer.text
    assert f"/cases/{case.id}/messages" in officer.go(f"/cases/{case.id}").text
    assert "When will you be done?" not in officer.go("/messages").text
    assert "When will you be done?" in officer.go(f"/cases/{case.id}/messages").text
    officer.send("Send", text="By the end of next week, Hidden Lane included")
    assert case.id not in officer.go("/messages").text
    mail = portal.mails(EMAIL)[-1]
    assert ("we have written you a message" in mail, "Hidden Lane" in mail) == (True, False)
    assert "Hidden Lane included" in visitor.go(visitor.path).text
    assert "Hidden Lane" not in portal.doors.visitor().go(portal.link(EMAIL)).text


def test_a_message_that_nobody_could_read_is_refused(portal: Portal) -> None:
    visitor = portal.asks(what="opt_out", where="us-ca", email="", name="Somebody Unknown")
    officer = portal.doors.signed_in(Role.OFFICER).go(f"/cases/{_only(portal).id}/messages")
    assert "no address of the requester is known" in officer.text
    assert "We have your request" in visitor.text
    assert not [form for form in forms_of(officer.text) if "Send" in form.buttons]


def test_messages_are_read_by_officers_and_not_by_auditors(portal: Portal) -> None:
    portal.confirmed().send("Send", text="For the officer only")
    auditor = portal.doors.signed_in(Role.AUDITOR)
    assert auditor.go(f"/cases/{_only(portal).id}/messages").status == 403
    assert "an officer reads them" in auditor.go("/messages").text


def test_marking_as_read_takes_a_case_off_the_list(portal: Portal) -> None:
    portal.confirmed().send("Send", text="Thank you")
    officer = portal.doors.signed_in(Role.OFFICER).go(f"/cases/{_only(portal).id}/messages").send("Mark as read without an answer")
    assert "Nothing is unread" in officer.text


@pytest.mark.parametrize("text", ["x" * 4001, "a\x00b", "   "])
def test_a_text_that_is_too_long_or_no_text_is_not_taken(portal: Portal, text: str) -> None:
    visitor = portal.confirmed().send("Send", text=text)
    assert visitor.status == 400
    with portal.doors.house.store.snapshot() as tx:
        assert tx.portal.kinds_of(_only(portal).id) == ()


def test_what_keyboards_add_unseen_is_no_mistake(portal: Portal) -> None:
    """A number that was copied from a telephone's address book comes with marks of direction, French quotes with hard spaces."""
    portal.confirmed(phone="\u202a+49\u00a030 901820\u202c", more="«\u00a0Zoë\u00a0» שלום 👨\u200d👩\u200d👧")
    with portal.doors.house.store.snapshot() as tx:
        values = {selector.kind: selector.value.reveal() for selector in tx.selectors.of(_only(portal).id)}
        (note,) = tx.portal.notes_of(_only(portal).id)
    assert values["phone"] == "+49 30 901820"
    assert note.text.reveal() == "« Zoë » שלום 👨\u200d👩\u200d👧"


# --- agents ----------------------------------------------------------------------------------------------------------------


def test_nothing_is_erased_for_an_agent_whom_the_person_denied_also_once_it_was_approved(portal: Portal) -> None:
    portal.confirmed(_AGENT, who="agent", own_name="Agent Smith", own_email=_AGENT)
    house, case = portal.doors.house, _only(portal)
    portal.pass_time(minutes=1)
    today = house.calendar.day_of(house.clock.now())
    confirm_identity(house, case.id, PERMISSION, "officer", paper=b"%PDF-1.7 forged", signed_on=today)
    name_grounds(house, case.id, {"user": "purpose_over"}, "officer")
    case = portal.doors.work(case.id)
    assert waits_for(case) == "approval.missing"
    _answers_for_agent(portal, "no")
    with pytest.raises(Conflict, match="nobody acts for them"):
        approved(house, case)
    assert waits_for(portal.doors.work(case.id)) == "agent.denied"
    officer = portal.doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}")
    assert "Read what the person says" in officer.text
    portal.pass_time(minutes=1)
    officer.go(f"/cases/{case.id}/messages").send("It is cleared up: they act for the person")
    assert waits_for(portal.doors.work(case.id)) == "approval.missing"
    assert [kind for kind in _kinds(portal, case) if kind is NoteKind.AGENT_CLEARED]


def _kinds(portal: Portal, case: Case) -> tuple[NoteKind, ...]:
    with portal.doors.house.store.snapshot() as tx:
        return tx.portal.kinds_of(case.id)


def test_the_person_may_deny_an_agent_but_once_and_it_is_said_only_once(portal: Portal) -> None:
    portal.confirmed(_AGENT, who="agent", own_name="Agent Smith", own_email=_AGENT)
    _answers_for_agent(portal, "no")
    _answers_for_agent(portal, "yes")
    assert NoteKind.AGENT_CONFIRMED not in _kinds(portal, _only(portal))


@pytest.mark.parametrize("name", ["Win at evil.example", "www.evil", "x https://evil.example", "a <b@c.example>"])
def test_a_name_that_leads_somewhere_is_not_mailed_to_strangers(portal: Portal, name: str) -> None:
    visitor = portal.asks(who="agent", own_name=name, own_email=_AGENT)
    assert (visitor.status, "without web or e-mail addresses" in visitor.text) == (400, True)


@pytest.mark.parametrize("name", ["J. R. R. Tolkien", "Dr. med. Zoë O’Neill-Şahin", "张伟", "محمد"])
def test_names_of_people_are_names(portal: Portal, name: str) -> None:
    assert portal.asks(who="agent", own_name=name, own_email=_AGENT).status == 200


# --- another store -----------------------------------------------------------------------------------------------------------


def test_a_request_walks_its_way_with_the_store_in_postgresql(
    shop: Company, smtp_server: SmtpServer, postgres_server: PostgresServer, postgres_database: str
) -> None:
    """There reading refuses to lock rows, and two who press at the same moment do not wait for one another by themselves."""
    shop.keep_store_in(postgres_server.url(postgres_database))
    with portal_of(shop, smtp_server) as portal:
        portal.confirmed().send("Send", text="Please hurry")
        case = _only(portal)
        _asks_anew(portal, reference_of(case), EMAIL).send("Get the link", code=portal.code())
        portal.doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/messages").send("Send", text="We do")
        visitor = portal.doors.visitor().go(portal.link(EMAIL)).send("Send me a code").send("Open", code=portal.code())
        assert "We do" in visitor.text
        assert "(PDF)" in visitor.text
        visitor.send("Take it back", sure="1")
        portal.pass_time(days=200)
        list(do_chores(portal.doors.house))
        with portal.doors.house.store.snapshot() as tx:
            assert set(tx.own_rows.counts(("portal_requests", "portal_links", "portal_notes", "portal_letters")).values()) == {0}


# --- what must not be learnt or done -------------------------------------------------------------------------------------------


def test_the_code_of_one_request_confirms_no_other(portal: Portal) -> None:
    portal.asks(email=BOB)
    theirs = portal.code(BOB)
    visitor = portal.asks().send("Confirm the request", code=theirs)
    assert (visitor.status, portal.cases()) == (400, [])


def test_a_mailbox_gets_a_dozen_codes_a_day_whoever_asks_and_whatever_for(portal: Portal) -> None:
    victim = "victim@example.org"
    statuses = []
    for number in range(14):
        portal.pass_time(minutes=61)  # the hour of the network's address is over, the day of the mailbox is not
        statuses.append(portal.asks(who="agent", own_name="Smith", own_email=victim, email=f"p{number}@example.org").status)
    assert statuses == [200] * 12 + [429] * 2
    assert len(portal.mails(victim)) == 12


def test_many_people_of_one_name_may_ask(portal: Portal) -> None:
    statuses = [portal.asks(email=f"maria{number}@example.org", name="Maria Garcia").status for number in range(6)]
    assert statuses == [200] * 6


@pytest.mark.parametrize("query", ["_scheme=javascript&_external=1", "endpoint=x", "_anchor=x", "language=de", "ticket=1"])
def test_what_stands_behind_an_address_changes_no_link_of_the_page(portal: Portal, query: str) -> None:
    visitor = portal.doors.visitor()
    assert visitor.go("/portal/en").text == portal.doors.visitor().go(f"/portal/en?{query}").text


def test_a_link_to_the_form_fills_in_nothing_of_a_person(portal: Portal) -> None:
    visitor = portal.doors.visitor().go(f"/portal/en/ask?what=access&email={EMAIL}")
    assert EMAIL not in visitor.text
    assert "Send me a copy" in visitor.text


def test_a_refused_address_is_told_to_whoever_waits_for_the_code(portal: Portal) -> None:
    visitor = portal.asks(email="bounce.me@example.org")
    assert "was refused" not in visitor.text
    list(do_chores(portal.doors.house))
    assert "was refused" in visitor.go(visitor.path).text
    later = portal.asks(email="later.me@example.org")
    list(do_chores(portal.doors.house))
    assert "has not been taken over yet" in later.go(later.path).text


def test_a_copy_is_not_handed_to_an_agent_whom_the_person_denied(portal: Portal) -> None:
    portal.confirmed(_AGENT, what="access", who="agent", own_name="Agent Smith", own_email=_AGENT)
    path = portal.link(_AGENT)
    visitor = portal.doors.visitor().go(path).send("Send me a code").send("Open", code=portal.code(_AGENT))
    _answers_for_agent(portal, "no")
    case = _only(portal)
    assert case.stage is Stage.INTAKE
    with portal.doors.house.store.snapshot() as tx:
        assert not is_copy_ready(tx, portal.doors.house, case)
    assert visitor.client.get(f"{path}/copy").status_code == 404


def test_requests_whose_code_never_left_are_counted_when_they_end(portal: Portal) -> None:
    portal.asks(email="later.me@example.org")
    portal.asks()
    portal.mails("")
    portal.pass_time(hours=25)
    assert "portal: no code could be sent for 1 of them; `dsr check` tells how the mail server is" in list(do_chores(portal.doors.house))
    with portal.doors.house.store.snapshot() as tx:
        assert [body["count"] for _, body in tx.ledger.find(UNSENT)] == [1]
