"""How systems are, what stops them and what they are allowed, as pages show it and as people act on it."""

import mailbox

from dsr_engine.domain.user import Role
from dsr_engine.web.bench import bench
from tests.web.conftest import Doors
from tests.workflow.journeys import planned


def _rested(doors: Doors) -> None:
    with doors.app.app_context():
        bench().rest()


def test_a_system_that_nobody_checked_says_so_and_a_check_says_how_it_is(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems")
    assert "never checked" in visitor.text
    visitor.go("/systems/shop").send("Check now")
    _rested(doors)
    assert "ready" in visitor.go("/systems").text
    assert "our account may do what it has to" in visitor.go("/systems/shop").text


def test_a_system_that_does_not_answer_stops_no_page(doors: Doors) -> None:
    doors.company.shop.rename(doors.company.shop.with_suffix(".gone"))
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems").send("Check all now")
    _rested(doors)
    assert visitor.go("/systems").status == 200
    assert "cannot be used" in visitor.text
    assert "cannot be used" in visitor.go("/systems/shop").text


def test_the_map_of_a_system_is_a_table_in_words(doors: Doors) -> None:
    text = doors.signed_in(Role.AUDITOR).go("/systems/shop").text
    assert "user.contact.email" in text
    assert "the person with this customer id" in text
    assert "customers.id" in text


def test_the_brake_is_pulled_and_released_and_the_ledger_says_who_and_why(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems/shop").send("Stop shop", reason="maintenance")
    assert "shop is stopped" in visitor.text
    with doors.house.store.snapshot() as tx:
        assert tx.stops.active() == {"shop"}
        [(_, pulled)] = tx.ledger.find("stop.pulled")
        assert (pulled["system"], pulled["reason"]) == ("shop", "maintenance")
        assert tx.people.name_of(str(pulled["by"])) == "administrator"
    visitor.send("Let shop go on")
    visitor.go("/systems").send("Stop every system")
    assert "every system is stopped" in visitor.text
    assert "stopped" in doors.signed_in(Role.OFFICER).go("/systems/shop").text
    visitor.send("Let every system go on")
    with doors.house.store.snapshot() as tx:
        assert tx.stops.active() == frozenset()


def test_who_only_reads_is_offered_no_act(doors: Doors) -> None:
    visitor = doors.signed_in(Role.AUDITOR)
    for path in ("/systems", "/systems/shop"):
        assert "<button>" not in visitor.go(path).text.replace("Sign out", "")
    assert visitor.client.post("/systems/shop/stop").status_code in (400, 403)
    assert visitor.go("/connecting").status == 403


def test_what_was_searched_last_is_told(doors: Doors) -> None:
    case = planned(doors.house)
    assert "all of 3" in doors.signed_in(Role.ADMINISTRATOR).go("/systems").text
    assert case.id in doors.signed_in(Role.OFFICER).go("/systems/shop").text


def test_the_permissions_to_grant_are_a_script_to_copy(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems/shop").send("Ask which it takes")
    _rested(doors)
    assert "-- find: search and plan" in visitor.go("/systems/shop").text


def test_an_unknown_system_is_a_page_that_is_not_there(doors: Doors) -> None:
    assert doors.signed_in(Role.ADMINISTRATOR).go("/systems/nothing").status == 404


def test_what_runs_after_an_erasure_is_told(doors: Doors) -> None:
    mail = doors.company.folder / "letters"
    mailbox.Maildir(mail, create=True).close()
    command = 'maintenance: run, maintenance_command: [sudo, doveadm, "-u", a@example.com, "{arguments}"]'
    doors.company.declare("letters", f'connector: maildir, owner: it@example.com, url: "maildir:{mail}", {command}')
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems/letters")
    assert "<code>sudo doveadm -u a@example.com {arguments}</code>" in visitor.text
    assert "an administrator runs what" in visitor.go("/systems/shop").text


def test_a_note_of_a_check_is_no_warning(doors: Doors) -> None:
    mail = doors.company.folder / "letters"
    mailbox.Maildir(mail, create=True).close()
    doors.company.declare("letters", f'connector: maildir, owner: it@example.com, url: "maildir:{mail}"')
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems/letters").send("Check now")
    _rested(doors)
    visitor.go("/systems/letters")
    assert "1 folder is searched" in visitor.text
    assert (">note<" in visitor.text, ">warning<" in visitor.text, ">ready<" in visitor.text) == (True, False, True)
