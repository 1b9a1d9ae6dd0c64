"""Letters to a requester, written in the browser: read as PDF, sent by mail, recorded as posted, sent again or given up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.user import Role
from dsr_engine.workflow.decide import close_unfulfilled
from tests.servers.smtp_server import SmtpServer
from tests.web.conftest import Doors
from tests.web.portals import Portal, portal_of
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import EMAIL, Company
from tests.workflow.correspondence import asked, letters, posted_of
from tests.workflow.journeys import opened_for, planned


@pytest.fixture
def post(shop: Company, smtp_server: SmtpServer) -> Iterator[Portal]:
    with portal_of(shop, smtp_server) as found:
        yield found


def _page(doors: Doors, case: Case, query: str = "") -> Visitor:
    return doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/letters{query}")


def _pressed(visitor: Visitor, case: Case, button: str, **values: str) -> Visitor:
    """Presses one of the buttons of the form for a new letter: a browser sends the name of that button only."""
    form = next(form for form in forms_of(visitor.text) if form.action == f"/cases/{case.id}/letters")
    data = {**form.fields, button: "1", **values}
    visitor.page = visitor.client.post(form.action, data=data, follow_redirects=True)
    visitor.path = visitor.page.request.path
    return visitor


def test_a_letter_is_read_as_pdf_and_nothing_is_kept_of_it(doors: Doors) -> None:
    case = planned(doors.house)
    page = _pressed(_page(doors, case), case, "preview", kind="clarification", say_question="Which account do you mean?")
    assert page.page is not None
    assert page.page.data.startswith(b"%PDF-")
    assert "attachment" in page.page.headers["Content-Disposition"]
    assert EMAIL not in page.page.headers["Content-Disposition"]
    with doors.house.store.snapshot() as tx:
        assert tx.outbox.of(case.id) == ()


def test_a_letter_in_which_something_is_missing_is_refused_and_what_was_typed_stays(doors: Doors) -> None:
    case = planned(doors.house)
    page = _pressed(_page(doors, case), case, "preview", kind="clarification", say_reason="because of this")
    assert page.status in (400, 409, 422)
    assert 'role="alert"' in page.text
    assert "because of this" in page.text
    page = _pressed(page, case, "preview", kind="nothing")
    assert "nothing was chosen" in page.text.lower()
    page = _pressed(page, case, "preview", kind="clarification", say_question="x" * 5000)
    assert "too long for a letter" in page.text


def test_without_mail_a_letter_is_printed_and_recorded_as_posted(doors: Doors) -> None:
    case = planned(doors.house)
    page = _page(doors, case)
    assert "No mail is set up" in page.text
    assert "Send it" not in [button for form in forms_of(page.text) for button in form.buttons]
    assert _pressed(page, case, "send", kind="acknowledgement", to=EMAIL).status in (400, 409)
    day = doors.clock.at.date().isoformat()
    page = _pressed(_page(doors, case), case, "record", kind="acknowledgement", posted_on=day)
    assert f"the letter went out on {day}" in page.text
    assert "acknowledge" not in _due_names(doors, case)


def _due_names(doors: Doors, case: Case) -> str:
    text = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}").text
    return "acknowledge" if "Confirm receipt by" in text else ""


def test_a_letter_is_sent_once_to_the_address_that_the_requester_gave(post: Portal) -> None:
    case = asked(post.doors.house)
    post.doors.work(case.id)
    page = _pressed(_page(post.doors, case), case, "send", kind="clarification", say_question="Which account do you mean?")
    assert "The letter is queued" in page.text
    assert EMAIL not in page.text
    assert any("Which account do you mean?" in mail for mail in post.mails(EMAIL))
    page = _page(post.doors, case)
    assert "sent" in page.text
    page = _pressed(page, case, "send", kind="clarification", say_question="Which account do you mean?")
    assert page.status == 409
    page = _pressed(page, case, "send", kind="clarification", say_question="Which account do you mean?", again="1")
    assert "The letter is queued" in page.text


def test_a_letter_that_waits_for_a_reader_is_sent_or_given_up_here(post: Portal) -> None:
    first, other = asked(post.doors.house), asked(post.doors.house)
    for case in (first, other):
        close_unfulfilled(post.doors.house, case.id, Outcome.REFUSED, "manifestly_unfounded", "officer")
        post.mails("")
        assert ("refusal", "waiting") in letters(post.doors.house, case)
    page = post.doors.signed_in(Role.OFFICER).go("/desk")
    assert "Letters that want a person" in page.text
    assert "waits for somebody to send it" in page.text
    page = _page(post.doors, first).send("Send")
    assert "The letter is queued" in page.text
    assert post.mails(EMAIL)
    page = _page(post.doors, other).send("Give up")
    assert "The letter is given up" in page.text
    assert "Send" not in [button for form in forms_of(page.text) for button in form.buttons]


def test_a_second_click_does_not_release_a_letter_that_is_on_its_way(post: Portal) -> None:
    case, house = asked(post.doors.house), post.doors.house
    close_unfulfilled(house, case.id, Outcome.REFUSED, "manifestly_unfounded", "officer")
    post.mails("")
    one, two = _page(post.doors, case), _page(post.doors, case)
    one.send("Send")
    with house.store.transaction() as tx:
        (taken,) = (posted for posted in tx.outbox.of(case.id) if posted.state is PostState.QUEUED)
        assert tx.outbox.claim(taken, house.clock.now() + timedelta(minutes=10))
    assert "Somebody is sending this message" in two.send("Send").text
    with house.store.snapshot() as tx:
        assert tx.outbox.get(taken.id).tries == taken.tries + 1


def test_a_sent_letter_and_one_of_another_case_are_not_to_be_settled(post: Portal) -> None:
    case, other = asked(post.doors.house), opened_for(post.doors.house)
    page = _pressed(_page(post.doors, case), case, "send", kind="clarification", say_question="Which account?")
    post.mails(EMAIL)
    posted = posted_of(post.doors.house, case, LetterKind.CLARIFICATION)
    assert posted.state is PostState.SENT
    token = forms_of(page.text)[0].fields["csrf_token"]

    def told(case_id: str, post_id: str, what: str) -> int:
        return page.client.post(f"/cases/{case_id}/letters/{post_id}/{what}", data={"csrf_token": token}).status_code

    assert told(case.id, posted.id, "drop") == 409
    assert told(case.id, posted.id, "burn") == 404
    assert told(other.id, posted.id, "drop") == 404
    assert told(case.id, "nothing", "send") == 404


def test_a_link_to_a_kind_of_letter_chooses_it_and_a_broken_one_harms_nobody(doors: Doors) -> None:
    case = planned(doors.house)
    assert 'value="extension" required checked' in _page(doors, case, "?kind=extension").text
    assert 'value="acknowledgement" required checked' in _page(doors, case, "?kind=%22%3E%3Cscript%3E").text
