"""What happens between a look and the next: records that change, move, go, and come again."""

import os
import shutil
from dataclasses import replace
from datetime import timedelta

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.plan import ResultState
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.settling import GO_ON, settle
from tests.workflow.company import BOB, EMAIL, SHOP_CONNECTOR, Company
from tests.workflow.journeys import (
    NOON,
    WORKER,
    approved,
    carried_through,
    opened_for,
    planned,
    results_of,
    statement_of,
    waits_for,
    working,
)
from tests.workflow.meddling import Once, meddled


def _states(house: House, case: Case) -> set[ResultState]:
    return {result.state for result in results_of(house, case)}


def _ends_well(house: House, case: Case) -> Case:
    case = carried_through(house, case)
    assert case.stage is Stage.CLOSED, case.wait
    statement_of(house, case)
    return case


def _executed(house: House, case: Case) -> Case:
    approved(house, case)
    return run_case(house, case.id, WORKER)


# --- records that changed, moved, went ------------------------------------------------------------------------------


def test_a_row_that_changed_since_the_plan_is_left_untouched_and_planned_anew(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        shop.sql("UPDATE customers SET full_name = 'Ida Marsh' WHERE id = 17")
        case = _executed(house, case)
        assert (case.round, waits_for(case)) == (2, "approval.missing")
        assert shop.rows("SELECT full_name FROM customers WHERE id = 17") == [("Ida Marsh",)]
        assert shop.rows("SELECT id FROM orders") == [(181,)]
        case = _ends_well(house, case)
        assert case.outcome is Outcome.FULFILLED
        assert shop.rows("SELECT id FROM customers") == [(18,)]


def test_a_row_that_somebody_else_deleted_is_already_absent_and_the_certificate_says_so(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        shop.sql("DELETE FROM orders WHERE id = 171")
        case = _executed(house, case)
        assert (case.stage, case.round) == (Stage.CLOSED, 1)
        assert _states(house, case) == {ResultState.DONE, ResultState.ALREADY_ABSENT}
        done = {(row["collection"], row["result"]) for row in statement_of(house, case).systems[0].done}
        assert ("orders", "already_absent") in done


def test_a_row_that_got_a_new_child_since_the_plan_is_not_taken_from_under_it(shop: Company) -> None:
    with working(shop) as house:
        case = planned(house)
        shop.sql("INSERT INTO orders VALUES (172, 17, 'one more')")
        case = _executed(house, case)
        assert shop.rows("SELECT id FROM customers WHERE id = 17") == [(17,)]
        assert shop.rows("SELECT id FROM orders WHERE customer_id = 17") == [(172,)]
        assert case.round == 2
        _ends_well(house, case)
        assert (shop.rows("SELECT id FROM customers"), shop.rows("SELECT id FROM orders")) == ([(18,)], [(181,)])


def test_a_mail_whose_flags_changed_is_followed(company: Company) -> None:
    with working(company) as house:
        case = planned(house)
        for path in company.mail.glob("cur/*"):
            path.rename(path.with_name(path.name.replace(":2,S", ":2,RS")))
        case = _executed(house, case)
        assert (case.stage, case.round, case.outcome) == (Stage.CLOSED, 1, Outcome.FULFILLED)
        assert not [path for path in company.mail.rglob("*") if path.is_file() and EMAIL in path.read_text()]


def test_a_mail_that_was_moved_to_another_folder_is_found_there_in_a_new_round(company: Company) -> None:
    with working(company) as house:
        case = planned(house)
        for part in ("cur", "new", "tmp"):
            (company.mail / ".Archive" / part).mkdir(parents=True)
        (company.mail / "cur" / "1.mail.host:2,S").rename(company.mail / ".Archive" / "cur" / "1.mail.host:2,S")
        case = _executed(house, case)
        assert (case.round, waits_for(case)) == (2, "approval.missing")
        case = _ends_well(house, case)
        assert case.outcome is Outcome.FULFILLED
        assert sorted(path.name for path in company.mail.rglob("*") if path.is_file()) == ["2.mail.host_r1:2,S", "3.mail.host:2,S"]


def test_a_mail_a_file_and_an_object_that_went_are_already_absent(company: Company) -> None:
    with working(company) as house:
        case = planned(house)
        (company.mail / "cur" / "1.mail.host:2,S").unlink()
        shutil.copy(company.files / "readme.txt", company.files / "people.csv")
        company.client.delete_object(Bucket=company.bucket, Key="people.csv", VersionId=_versions(company)[-1])
        case = _executed(house, case)
        assert {ResultState.ALREADY_ABSENT, ResultState.DRIFTED} <= _states(house, case)
        case = _ends_well(house, case)
        assert (company.files / "people.csv").read_text() == "Nothing personal.\n"
        assert EMAIL.encode() not in b"".join(company.everything().values())


def _versions(company: Company, key: str = "people.csv") -> list[str]:
    """Version ids, newest first."""
    return [row["VersionId"] for row in company.client.list_object_versions(Bucket=company.bucket, Prefix=key)["Versions"]]


def test_an_object_that_was_written_anew_is_left_untouched_and_planned_anew(company: Company) -> None:
    body = f"number,email\n17,{EMAIL}\n18,{BOB}\n19,carl@example.net\n"
    with working(company) as house:
        case = planned(house)
        company.put("people.csv", body)
        case = _executed(house, case)
        assert company.everything()["object people.csv -0"].decode() == body
        case = _ends_well(house, case)
        assert company.everything()["object people.csv -0"].decode() == body.replace(f"17,{EMAIL}\n", "")
        assert EMAIL.encode() not in b"".join(company.everything().values())


def test_a_file_that_changed_is_left_untouched_and_planned_anew(company: Company) -> None:
    path = company.files / "people.csv"
    with working(company) as house:
        case = planned(house)
        path.write_text(path.read_text() + "19,carl@example.net\n")
        case = _executed(house, case)
        assert EMAIL in path.read_text()
        assert case.round == 2
        _ends_well(house, case)
        assert path.read_text() == f"number,email\n18,{BOB}\n19,carl@example.net\n"


def test_when_too_much_drifted_the_run_halts_until_a_person_says_go_on(shop: Company) -> None:
    rows = ", ".join(f"({number}, 17, 'x')" for number in range(1000, 1030))
    shop.sql(f"INSERT INTO orders VALUES {rows}")
    shop.connector(SHOP_CONNECTOR.replace("references: customers.id}", "references: customers.id}\n      note: {category: user.content}"))
    with working(shop) as house:
        case = planned(house)
        shop.sql("UPDATE orders SET note = 'y' WHERE customer_id = 17")
        case = _executed(house, case)
        assert (case.stage, waits_for(case)) == (Stage.EXECUTE, "too_much_drift")
        assert shop.rows("SELECT count(*) FROM orders WHERE customer_id = 17") == [(31,)]
        assert shop.rows("SELECT count(*) FROM customers") == [(2,)]
        settle(house, case.id, GO_ON, "approver")
        assert _ends_well(house, case).outcome is Outcome.FULFILLED
    assert shop.rows("SELECT id FROM orders") == [(181,)]


# --- what systems do by themselves -----------------------------------------------------------------------------------


def test_what_a_trigger_copied_aside_is_found_by_the_fresh_look(shop: Company) -> None:
    shop.sql(
        "CREATE TABLE attic (id INTEGER PRIMARY KEY, was TEXT);"
        "CREATE TRIGGER keep AFTER DELETE ON customers BEGIN INSERT INTO attic (was) VALUES (old.email || ' ' || old.full_name); END;"
    )
    with working(shop) as house:
        case = _executed(house, planned(house))
        assert (case.round, waits_for(case)) == (2, "approval.missing")
        _ends_well(house, case)
        assert EMAIL not in shop.rows("SELECT was FROM attic")[0][0]


_ECHO = f"CREATE TRIGGER echo AFTER UPDATE ON tickets WHEN old.body LIKE '%{EMAIL}%' BEGIN INSERT INTO tickets (body) VALUES (old.body); END;"


def test_a_system_that_writes_the_person_again_and_again_makes_the_case_wait_and_mended_it_ends(shop: Company, clock: FixedClock) -> None:
    shop.sql(_ECHO)
    with working(shop, clock) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, case.round, waits_for(case)) == (Stage.VERIFY_ABSENCE, 3, "rounds_exhausted")
        shop.sql("DROP TRIGGER echo")
        clock.at += timedelta(hours=1)
        case = _ends_well(house, case)
        assert EMAIL not in str(shop.rows("SELECT body FROM tickets"))


def test_a_case_that_exhausted_its_rounds_and_is_run_again_unmended_waits_again(shop: Company, clock: FixedClock) -> None:
    shop.sql(_ECHO)
    with working(shop, clock) as house:
        case = carried_through(house, opened_for(house))
        for _ in range(2):
            clock.at += timedelta(hours=1)
            case = carried_through(house, case)
            assert (case.stage, waits_for(case)) == (Stage.VERIFY_ABSENCE, "rounds_exhausted")


def test_a_mail_that_arrived_after_the_case_was_opened_is_not_residue_and_the_certificate_tells_of_it(company: Company) -> None:
    with working(company) as house:
        case = planned(house)
        path = company.deliver(f"From: {EMAIL}\nTo: shop@example.com\nSubject: Done?\n\nIs it done?\n", "9.mail.host")
        late = (NOON + timedelta(minutes=5)).timestamp()
        os.utime(path, (late, late))
        case = _executed(house, case)
        assert (case.stage, case.round) == (Stage.CLOSED, 1)
        assert path.exists()
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert any("arrived" in text for text in statement_of(house, case).exceptions)


def test_what_the_engine_itself_wrote_and_left_the_person_in_never_counts_as_arrived(company: Company) -> None:
    """An export that is written anew right after the engine rewrote it is newer than the case, and still holds the person."""
    with working(company) as house:
        case = planned(house)
        meddle = Once("bucket", "before slices", lambda: company.put("people.csv", f"number,email\n17,{EMAIL}\n"))
    with working(company, FixedClock(NOON - timedelta(days=1)), drivers=meddled(meddle)) as house:
        with house.store.transaction() as tx:
            tx.cases.save(replace(tx.cases.get(case.id), opened_at=NOON - timedelta(days=1)))
        case = _executed(house, case)
        assert meddle.has_happened
        assert (case.round, waits_for(case)) == (2, "approval.missing")
