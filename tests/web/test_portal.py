"""Somebody without an account asks, confirms by a code, follows the case by a private link; nobody learns who is known."""

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from dsr_engine.bootstrap import BUNDLE
from dsr_engine.certificate.check import check
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.portal import NoteKind
from dsr_engine.domain.request import Right
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.law.entitling import name_grounds
from tests.servers.smtp_server import SmtpServer
from tests.web.conftest import Doors
from tests.web.portals import Portal, portal_of
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, Company
from tests.workflow.journeys import approved, waits_for

NOBODY = "nobody.known@example.org"
_AGENT = "agent.smith@agents.example"
_PDF = b"%PDF-1.7 a paper"


@pytest.fixture
def portal(shop: Company, smtp_server: SmtpServer) -> Iterator[Portal]:
    with portal_of(shop, smtp_server) as found:
        yield found


def _without_tokens(text: str) -> str:
    """A page without what is random in it: tokens of forms, secrets in addresses, the case's reference."""
    text = re.sub(r'name="(csrf_token|begun)" value="[^"]*"', "", text)
    return re.sub(r"<code>[0-9a-f]{12}</code>|\b[0-9a-f]{12}\b", "", re.sub(r"/(code|follow)/[A-Za-z0-9_-]{43}", "", text))


def _enter(portal: Portal, path: str, to: str = EMAIL) -> Visitor:
    """Somebody comes back by the private link in another browser, and answers the code that is sent."""
    visitor = portal.doors.visitor().go(path).send("Send me a code")
    return visitor.send("Open", code=portal.code(to))


def _upload(visitor: Visitor, path: str, body: bytes) -> int:
    form = next(form for form in forms_of(visitor.text) if "Upload" in form.buttons)
    boundary, data = encode_multipart({"csrf_token": form.fields["csrf_token"], "paper": FileStorage(BytesIO(body), "paper.pdf")})
    kind = f"multipart/form-data; boundary={boundary}"
    return visitor.client.post(f"{path}/paper", data=data, content_type=kind, headers={"Referer": f"http://localhost{path}"}).status_code


def _carried(doors: Doors, case: Case) -> Case:
    """The engine and an officer carry the case to its end."""
    list(do_chores(doors.house))
    name_grounds(doors.house, case.id, {"user": "purpose_over"}, "officer")
    case = doors.work(case.id)
    while waits_for(case) == "approval.missing":
        approved(doors.house, case)
        case = doors.work(case.id)
    return case


def _notes(portal: Portal, case: Case) -> list[tuple[NoteKind, str]]:
    with portal.doors.house.store.snapshot() as tx:
        return [(note.kind, note.text.reveal()) for note in tx.portal.notes_of(case.id)]


def test_nothing_becomes_a_case_before_the_code_is_entered(portal: Portal) -> None:
    visitor = portal.asks()
    assert (visitor.status, portal.cases()) == (200, [])
    asked_at = portal.doors.clock.now()
    portal.pass_time(minutes=5)
    visitor.send("Confirm the request", code=portal.code())
    (case,) = portal.cases()
    assert (case.right, case.stage, case.identity, case.received_at) == (Right.ERASURE, Stage.INTAKE, "", asked_at)
    assert "We have your request" in visitor.text
    assert portal.link(EMAIL) == visitor.path.partition("?")[0]


def test_the_pages_are_the_same_for_somebody_who_is_known_and_somebody_who_is_not(portal: Portal) -> None:
    """Byte for byte, but for what is random; also for somebody who has a case already."""
    stories = []
    for address in (EMAIL, NOBODY, EMAIL):
        visitor = portal.asks(email=address)
        pages = [(visitor.status, _without_tokens(visitor.text))]
        visitor.send("Confirm the request", code="00000000")
        pages.append((visitor.status, _without_tokens(visitor.text)))
        visitor.send("Confirm the request", code=portal.code(address))
        pages.append((visitor.status, _without_tokens(visitor.text)))
        stories.append(pages)
    assert stories[0] == stories[1] == stories[2]


def test_an_address_on_file_verifies_and_another_does_not(portal: Portal) -> None:
    portal.confirmed()
    portal.confirmed(NOBODY, email=NOBODY, phone=PHONE, name=NAME)
    list(do_chores(portal.doors.house))
    assert sorted(case.identity for case in portal.cases()) == ["", "code_to_known_address"]
    known = next(case for case in portal.cases() if case.identity)
    assert waits_for(portal.doors.work(known.id)) == "ground.missing"
    unknown = next(case for case in portal.cases() if not case.identity)
    assert waits_for(portal.doors.work(unknown.id)) == "identity_incomplete"


def test_a_wrong_code_counts_and_after_five_no_code_is_right(portal: Portal) -> None:
    visitor = portal.asks()
    right = portal.code()
    for _ in range(5):
        visitor.send("Confirm the request", code="12345678" if right != "1234 5678" else "87654321")
        assert visitor.status == 400
    visitor.send("Confirm the request", code=right)
    assert (visitor.status, portal.cases()) == (400, [])
    visitor.send("Send a new code").send("Confirm the request", code=portal.code())
    assert len(portal.cases()) == 1


def test_a_code_ends_after_an_hour(portal: Portal) -> None:
    visitor = portal.asks()
    code = portal.code()
    portal.pass_time(minutes=61)
    visitor.send("Confirm the request", code=code)
    assert "does not count any more" in visitor.text
    assert portal.cases() == []


def test_a_confirmed_request_is_one_case_however_often_its_code_is_sent(portal: Portal) -> None:
    visitor = portal.asks()
    path, code, form = visitor.path, portal.code(), forms_of(visitor.text)[0].fields
    for _ in range(2):
        visitor.client.post(path.partition("?")[0], data=form | {"code": code}, headers={"Referer": "http://localhost/"})
    assert len(portal.cases()) == 1


def test_what_nobody_confirmed_is_deleted_after_a_day_with_its_mails_and_keys(portal: Portal) -> None:
    visitor = portal.asks(phone=PHONE)
    portal.mails(EMAIL)
    portal.pass_time(hours=25)
    done = list(do_chores(portal.doors.house))
    assert "portal: 1 request(s) that nobody confirmed are deleted" in done
    assert visitor.go(visitor.path).status == 404
    with portal.doors.house.store.snapshot() as tx:
        counts = tx.own_rows.counts(("portal_requests", "outbox", "case_keys", "shredded"))
    assert set(counts.values()) == {0}


def test_nothing_of_the_person_is_in_the_store_in_addresses_or_in_cookies(portal: Portal) -> None:
    visitor = portal.asks(phone=PHONE, name=NAME, more="I once lived in Secret Street")
    paths = [visitor.path]
    visitor.send("Confirm the request", code=portal.code())
    paths.append(visitor.path)
    visitor.send("Send", text="My note about Hidden Lane")
    home = portal.doors.company.home
    bodies = [path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name.startswith("dsr.db")]
    bodies += ["\n".join(paths).encode(), str(visitor.client.get_cookie("dsr")).encode()]
    for value in (EMAIL, PHONE, NAME, "Secret Street", "Hidden Lane"):
        assert all(value.encode() not in body for body in bodies), value


@pytest.mark.parametrize(("accepted", "language"), [("de-AT,de;q=0.9", "de"), ("zh-CN", "zh"), ("pt-BR", "en"), ("fr, en;q=0.5", "fr"), ("", "en")])
def test_the_door_leads_to_the_language_of_the_browser(doors: Doors, accepted: str, language: str) -> None:
    answer = doors.visitor().client.get("/portal", headers={"Accept-Language": accepted})
    assert answer.headers["Location"] == f"/portal/{language}"


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "zh"])
def test_a_whole_request_in_each_language(portal: Portal, language: str) -> None:
    visitor = portal.asks(language=language)
    button = {"en": "Confirm the request", "de": "Antrag bestätigen", "fr": "Confirmer la demande", "es": "Confirmar la solicitud", "zh": "确认请求"}
    visitor.send(button[language], code=portal.code())
    assert f'<html lang="{language}">' in visitor.text
    assert portal.link(EMAIL).startswith(f"/portal/{language}/follow/")
    for other in ("en", "de", "fr", "es", "zh"):
        path = visitor.path.partition("?")[0].replace(f"/{language}/", f"/{other}/")
        assert path in visitor.text
        assert f'<html lang="{other}">' in portal.doors.visitor().go(path).text


def test_a_californian_opts_out_without_proving_anything(portal: Portal) -> None:
    visitor = portal.asks(what="opt_out", where="us-ca")
    (case,) = portal.cases()
    assert (case.right, case.regimes) == (Right.OPT_OUT, ("gdpr", "ccpa"))
    assert "We have your request" in visitor.text
    assert re.search(r"\d{4} \d{4}", "".join(portal.mails(EMAIL))) is None


def test_an_opt_out_under_a_law_that_says_nothing_of_it_wants_a_code(portal: Portal) -> None:
    portal.asks(what="opt_out", where="eu")
    assert portal.cases() == []


def test_the_law_of_a_place_is_added_and_one_that_cannot_be_is_told_to_the_officer(portal: Portal) -> None:
    portal.confirmed(where="us-va")
    portal.confirmed(where="in")  # in force from 2027 on
    virginia, india = sorted(portal.cases(), key=lambda case: case.opened_at)
    assert virginia.regimes == ("gdpr", "us-va")
    assert (india.regimes, _notes(portal, india)) == (("gdpr",), [(NoteKind.LAW_LEFT_OUT, "india-dpdp")])


def test_without_mail_the_portal_says_to_write_and_still_takes_opt_outs(doors: Doors) -> None:
    visitor = doors.visitor().go("/portal/en")
    assert "Please write to us" in visitor.text
    assert "privacy@example.com" in visitor.text
    assert doors.visitor().go("/portal/en/ask?what=erasure").status == 503


def test_a_closed_portal_is_not_there(doors: Doors) -> None:
    settings = doors.company.home / "dsr.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + "\n[web]\nportal = false\n", encoding="utf-8")
    assert doors.visitor().client.get("/portal/en").status_code == 404


def test_a_form_that_is_filled_at_once_or_in_the_trap_is_shown_again_with_what_was_written(portal: Portal) -> None:
    visitor = portal.doors.visitor().go("/portal/en/ask?what=erasure").send("Send the request", email=EMAIL)
    assert (visitor.status, EMAIL in visitor.text) == (400, True)
    portal.pass_time(seconds=30)
    assert visitor.send("Send the request", website="https://spam.example").status == 400
    portal.pass_time(seconds=30)
    assert visitor.send("Send the request").status == 200


def test_wrong_fields_are_told_in_place_and_nothing_is_sent(portal: Portal) -> None:
    visitor = portal.asks(email="no address", phone="12")
    assert visitor.status == 400
    assert "This is not an e-mail address" in visitor.text
    assert "at least five digits" in visitor.text
    assert portal.mails("") == []


def test_one_identifier_is_asked_about_a_few_times_a_day_only(portal: Portal) -> None:
    statuses = [portal.asks().status for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    assert portal.asks(email=BOB).status == 200


def test_one_address_of_the_network_asks_a_few_times_an_hour_only(portal: Portal) -> None:
    statuses = [portal.asks(email=f"a{number}@example.org").status for number in range(14)]
    assert statuses == [200] * 12 + [429] * 2


def test_a_link_alone_shows_where_the_request_stands_and_gives_nothing_away(portal: Portal) -> None:
    portal.confirmed()
    path = portal.link(EMAIL)
    stranger = portal.doors.visitor().go(path)
    assert "Where it stands" in stranger.text
    assert EMAIL not in stranger.text
    assert not [form for form in forms_of(stranger.text) if {"Send", "Upload", "Take it back"} & set(form.buttons)]
    form = forms_of(stranger.text)[-1].fields
    for act in ("more", "withdraw", "object"):
        answer = stranger.client.post(f"{path}/{act}", data=form | {"sure": "1", "text": "x"}, headers={"Referer": f"http://localhost{path}"})
        assert answer.headers["Location"].endswith("#enter")
    assert portal.cases()[0].outcome is None


def test_no_link_is_found_by_guessing(portal: Portal) -> None:
    portal.confirmed()
    for guess in ("x" * 43, "nonsense", "..%2f"):
        assert portal.doors.visitor().go(f"/portal/en/follow/{guess}").status == 404


def test_guessing_links_is_slowed_down(portal: Portal) -> None:
    statuses = [portal.doors.visitor().go(f"/portal/en/follow/{number:0>43}").status for number in range(32)]
    assert statuses == [404] * 30 + [429] * 2


def test_the_page_behind_a_link_is_kept_by_nobody(portal: Portal) -> None:
    visitor = portal.confirmed()
    assert visitor.page is not None
    assert visitor.page.headers["Cache-Control"] == "no-store"
    assert visitor.page.headers["Referrer-Policy"] == "same-origin"
    assert "noindex" in visitor.page.headers["X-Robots-Tag"]


def test_who_comes_back_answers_a_fresh_code_and_downloads_letter_and_certificate(portal: Portal) -> None:
    portal.confirmed()
    path = portal.link(EMAIL)
    case = _carried(portal.doors, portal.cases()[0])
    assert case.outcome is Outcome.FULFILLED
    with portal.doors.house.store.snapshot() as tx:
        held = [posted.id for posted in tx.outbox.of(case.id) if posted.purpose == "letter:completion"]
    with portal.doors.house.store.transaction() as tx:
        for posted in held:
            tx.outbox.release(posted)
    list(do_chores(portal.doors.house))
    visitor = _enter(portal, path)
    links = re.findall(r'href="([^"]+/(?:letter/[0-9a-f-]+|certificate))"', visitor.text)
    files = {link.rsplit("/", 2)[-2 if "/letter/" in link else -1]: visitor.client.get(link).get_data() for link in links}
    assert all(body.startswith(b"%PDF") for body in files.values())
    assert len(links) >= 2
    report = check(files["certificate"], read_bundle(portal.doors.company.home / BUNDLE))
    assert report.is_genuine, report.status
    assert report.statement is not None
    assert report.statement.edition == "requester"


def test_a_request_is_taken_back_by_its_requester(portal: Portal) -> None:
    visitor = portal.confirmed().send("Take it back", sure="1")
    (case,) = portal.cases()
    assert (case.outcome, visitor.status) == (Outcome.WITHDRAWN, 200)
    assert "You took the request back" in visitor.text


def test_more_is_added_to_the_case_and_a_message_is_for_the_officer(portal: Portal) -> None:
    portal.confirmed().send("Send", text="Please hurry", kind="customer_id", value="17")
    (case,) = portal.cases()
    with portal.doors.house.store.snapshot() as tx:
        kinds = sorted(selector.kind for selector in tx.selectors.of(case.id))
    assert (kinds, _notes(portal, case)) == (["customer_id", "email"], [(NoteKind.MORE, "Please hurry")])


def test_a_paper_is_sealed_for_the_officer_and_other_files_are_refused(portal: Portal) -> None:
    visitor = portal.confirmed()
    path = visitor.path.partition("?")[0]
    assert _upload(visitor, path, _PDF + b" " * 2_000_000) == 303
    assert _upload(visitor, path, b"MZ a program") == 400
    assert _upload(visitor, path, _PDF + b" " * 11_000_000) == 413
    with portal.doors.house.store.snapshot() as tx:
        (shown,) = tx.verifications.shown(portal.cases()[0].id)
    assert shown.doubt == "sent_unasked"


def test_a_refused_requester_objects_and_the_appeal_is_recorded_where_a_law_knows_one(portal: Portal) -> None:
    portal.confirmed(where="us-va")
    (case,) = portal.cases()
    close_unfulfilled(portal.doors.house, case.id, Outcome.REFUSED, "exempt", "officer")
    visitor = _enter(portal, portal.link(EMAIL)).send("Send the objection", text="You are wrong about me")
    assert "We answer it by" in visitor.text
    with portal.doors.house.store.snapshot() as tx:
        assert len(tx.appeals.of(case.id)) == 1
    assert _notes(portal, case)[-1] == (NoteKind.OBJECTION, "You are wrong about me")


def test_the_person_behind_an_agent_is_asked_and_their_no_is_seen_by_all(portal: Portal) -> None:
    visitor = portal.confirmed(_AGENT, who="agent", own_name="Agent Smith", own_email=_AGENT)
    (case,) = portal.cases()
    assert (NoteKind.ACTS_FOR, f"agent: Agent Smith <{_AGENT}>") in _notes(portal, case)
    assert "upload the paper" in visitor.text
    person = portal.doors.visitor().go(portal.link(EMAIL, "agent"))
    assert "Agent Smith" not in person.text
    form = forms_of(person.text)[0].fields
    person.client.post(person.path, data=form | {"answer": "no"}, headers={"Referer": f"http://localhost{person.path}"})
    assert (NoteKind.AGENT_DENIED, "") in _notes(portal, case)
    assert "you do not act for them" in visitor.go(visitor.path).text


def test_a_person_who_confirms_their_agent_counts_with_the_permission_only(portal: Portal) -> None:
    portal.confirmed(_AGENT, who="agent", own_name="Agent Smith", own_email=_AGENT)
    person = portal.doors.visitor().go(portal.link(EMAIL, "agent"))
    form = forms_of(person.text)[0].fields
    person.client.post(person.path, data=form | {"answer": "yes"}, headers={"Referer": f"http://localhost{person.path}"})
    list(do_chores(portal.doors.house))
    (case,) = portal.cases()
    with portal.doors.house.store.snapshot() as tx:
        methods = sorted(done.method for done in tx.verifications.of(case.id))
    assert (case.identity, methods) == ("", ["code_to_named_address", "person_confirmed_agent"])


def test_the_link_ends_with_the_correspondence(portal: Portal) -> None:
    portal.confirmed().send("Take it back", sure="1")
    path = portal.link(EMAIL)
    portal.pass_time(days=100)
    list(do_chores(portal.doors.house))
    assert portal.doors.visitor().go(path).status == 404
    with portal.doors.house.store.snapshot() as tx:
        assert set(tx.own_rows.counts(("portal_links", "portal_notes", "portal_letters")).values()) == {0}
