"""What the engine itself holds of people is counted, found, and let go of; four eyes stay four eyes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.own_data import KINDS
from dsr_engine.store import tables
from dsr_engine.store.own_data import naming
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.records.own_data import erase_officer, erase_requester, holdings, traces
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import carried_through, opened_for, planned, request_of, working

_DAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
_OVER = datetime(2030, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def shop(older_home: Path, tmp_path: Path) -> Company:
    return founded(older_home, tmp_path / "company")


def _claims(house: House, *claims: tuple[str, str]) -> tuple[Claim, ...]:
    return request_of(house, *claims).claims


def _names(house: House) -> set[str]:
    with house.store.snapshot() as tx:
        return set(tx.connection.scalars(tables.people.select().with_only_columns(tables.people.c.name)))


def test_every_table_that_holds_a_person_has_a_line_in_the_policy() -> None:
    """A table with sealed values or keyed digests that no kind names would be personal data without a policy."""
    named = {table for kind in KINDS for table in kind.tables}
    holding = {table.name for table in tables.metadata.sorted_tables if {"sealed", "digest"} & {column.name for column in table.columns}}
    of_files = {"plans", "drop_answers"}  # the digests of a plan and of a file of answers
    assert holding - of_files <= named


def test_the_holdings_are_counted_with_the_days_on_which_they_go(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED, case.wait
        with house.store.snapshot() as tx:
            found = {each.kind.name: each for each in holdings(tx, house)}
    assert found["requests"].counts["selectors"] > 0
    assert (found["requests"].first, found["request_log"].count) == ((_DAY + timedelta(days=30)).date(), 1)
    assert found["officers"].count >= 2


def test_a_requester_is_found_while_they_are_held_and_by_nobody_afterwards(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        open_case, refused = opened_for(house), opened_for(house, ("email", EMAIL), ("phone", "+49 30 901820"))
        close_unfulfilled(house, refused.id, Outcome.REFUSED, "excessive", "officer")
        assert [trace.case.id for trace in traces(house, _claims(house, ("email", EMAIL.upper())))] == [open_case.id]
        assert traces(house, _claims(house, ("email", BOB))) == ()


def test_a_closed_case_forgets_a_requester_at_once_and_an_open_one_says_no(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        done = carried_through(house, opened_for(house))
        other = carried_through(house, opened_for(house, ("email", BOB)))
        assert erase_requester(house, _claims(house), "officer") == (done.id,)
        assert traces(house, _claims(house)) == ()
        assert [trace.case.id for trace in traces(house, _claims(house, ("email", BOB)))] == [other.id]
        with house.store.snapshot() as tx:
            assert tx.request_log.of(done.id) is not None
            assert [follow.what for follow in tx.followups.of(done.id) if follow.what == "forget"] == []
        waiting = opened_for(house)
        with pytest.raises(Conflict) as refused:
            erase_requester(house, _claims(house), "officer")
        assert (refused.value.code, [trace.case.id for trace in traces(house, _claims(house))]) == ("own.open_case", [waiting.id])


def test_an_officer_stays_as_long_as_an_open_case_needs_two_people(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        case = planned(house)
        with pytest.raises(Conflict) as needed:
            erase_officer(house, "officer", "dpo")
        assert (needed.value.code, "officer" in _names(house)) == ("own.officer_needed", True)
        close_unfulfilled(house, case.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        person = erase_officer(house, "officer", "dpo")
        assert "officer" not in _names(house)
        with house.store.snapshot() as tx:
            assert tx.cases.get(case.id).opened_by == person
            assert tx.people.name_of(person) is None
            ((_, leaf),) = tx.ledger.find("person.forgotten", person=person)
            assert "officer" not in {str(value) for value in leaf.values()}
        with pytest.raises(InputWrong):
            erase_officer(house, "officer", "dpo")


def test_an_officer_may_erase_themselves(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        case = opened_for(house)
        close_unfulfilled(house, case.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        erase_officer(house, "officer", "officer")
        assert "officer" not in _names(house)


def test_names_go_by_themselves_with_the_last_case_that_names_them(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        carried_through(house, opened_for(house))
    with working(shop, FixedClock(_OVER - timedelta(days=2))) as house:
        assert not [line for line in do_chores(house) if "names of officers" in line]
        with house.store.transaction() as tx:
            tx.people.id_of("newcomer")
            tx.people.id_of("idle since long")
        fresh = opened_for(house, ("email", BOB))
        close_unfulfilled(house, fresh.id, Outcome.WITHDRAWN, "withdrawn", "newcomer")
    with working(shop, FixedClock(_OVER)) as house:
        lines = list(do_chores(house))
        assert [line for line in lines if "names of officers" in line] != []
        assert "idle since long" not in _names(house)
        assert {"newcomer", "officer"} <= _names(house)  # both stand in a case that is still kept


def test_every_column_that_says_who_is_looked_at(shop: Company) -> None:
    found = {f"{table.name}.{column.name}" for table, column in naming()}
    assert {"cases.opened_by", "approvals.approved_by", "holds.placed_by", "stops.stopped_by", "findings.decided_by"} <= found
