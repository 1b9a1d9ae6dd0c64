"""What every driver owes its caller, as one suite over a bench that puts things into a system and looks at them behind the driver's back.

Each test is a rule of `dsr_engine/drivers/driver.py`. A driver joins by writing a `Bench`.
The in-memory fake joins too, so that tests of other rooms may use it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.plan import Delete, Edit, RedactSpans, Rewrite
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.drivers.driver import (
    AboutSubjects,
    Absent,
    Change,
    Done,
    Drifted,
    Driver,
    Everything,
    Foreseen,
    Looked,
    Moved,
    Observation,
    Present,
    Query,
    Watched,
)
from tests.drivers.people import NEIGHBOURS, PERSON, WordGate, WordRewriter, about

REWRITER = WordRewriter()


class Bench(Protocol):
    """A real system that starts empty, reached past the driver. Names are unique and plain (`a1`); a bench places them as it likes."""

    #: False where the system has nothing that can be rewritten (then a rewrite must be refused).
    can_rewrite: bool

    def driver(self) -> Driver:
        """A new connection to the same system."""

    def put(self, name: str, email: str) -> None:
        """Puts one record that holds this address, and text around it."""

    def spoil(self, name: str) -> None:
        """Changes the record that bears this name, without removing the address."""

    def dump(self) -> Mapping[str, bytes]:
        """Everything that the system holds, by name of the record, byte for byte."""

    def close(self) -> None: ...


BenchMaker = Callable[[], Bench]


def answers(driver: Driver, query: Query) -> tuple[Record | Gap | Looked, ...]:
    return tuple(answer for part in tuple(driver.slices(query)) for answer in driver.find(query, part))


def records(driver: Driver, query: Query | None = None) -> tuple[Record, ...]:
    return tuple(answer for answer in answers(driver, query or about()) if isinstance(answer, Record))


def only(found: Iterable[Record]) -> Record:
    (record,) = found
    return record


def state_at(driver: Driver, locator: Locator) -> bytes:
    (seen,) = driver.observe([Watched(locator)])
    assert isinstance(seen, Present)
    return seen.state


def deletion(driver: Driver, record: Record) -> Change:
    """The deletion of a record as it is now."""
    locator = record.locator.whole
    return Change(locator, Delete(), (), state_at(driver, locator), record.server)


def redaction(driver: Driver, record: Record) -> Change:
    """The redaction of every unit of the record that holds the person, as it is now."""
    locator = record.locator.whole
    places = dict.fromkeys(unit.place for unit in record.units if PERSON in unit.text and not unit.is_opaque)
    return Change(locator, Rewrite(tuple(Edit(place, RedactSpans()) for place in places)), (), state_at(driver, locator), record.server)


def foreseen(driver: Driver, change: Change) -> Foreseen:
    (one,) = driver.foresee([change], REWRITER)
    return one


def outcomes(driver: Driver, changes: Sequence[Change]) -> list[object]:
    return list(driver.change(changes, REWRITER))


def unchanged(bench: Bench, before: Mapping[str, bytes], but: str = "") -> bool:
    """True if everything except the record of this name is byte for byte what it was, and nothing came."""
    after = bench.dump()
    return {name: data for name, data in after.items() if name != but} == {name: data for name, data in before.items() if name != but}


class Conformance:
    """Subclasses give a `bench` fixture."""

    @pytest.fixture
    def stocked(self, bench: Bench) -> Bench:
        """One record of the person among her neighbours'."""
        bench.put("a1", PERSON)
        for number, email in enumerate(NEIGHBOURS):
            bench.put(f"n{number}", email)
        return bench

    # ── finding ──

    def test_an_empty_system_is_looked_at_and_holds_nothing(self, bench: Bench) -> None:
        driver = bench.driver()
        found = answers(driver, about())
        assert not [one for one in found if isinstance(one, Record)]
        assert all(one.extent is Extent.FULL for one in found if isinstance(one, Looked))

    def test_the_person_is_found_and_her_neighbours_are_not(self, stocked: Bench) -> None:
        found = records(stocked.driver())
        assert len({record.locator.whole for record in found}) == 1
        assert all(PERSON in "".join(unit.text for unit in record.units) for record in found)

    def test_every_record_is_found_once_however_the_search_splits(self, bench: Bench) -> None:
        for number in range(12):
            bench.put(f"a{number}", PERSON)
        found = [record.locator.whole for record in records(bench.driver())]
        assert len(found) == len(set(found)) == 12

    def test_every_slice_ends_with_one_word_on_how_far_it_was_searched(self, stocked: Bench) -> None:
        driver = stocked.driver()
        query = about()
        for part in tuple(driver.slices(query)):
            found = tuple(driver.find(query, part))
            assert isinstance(found[-1], Looked)
            assert sum(isinstance(one, Looked) for one in found) == 1
            assert found[-1].collection == part.collection

    def test_the_slices_count_every_record_that_they_read(self, stocked: Bench) -> None:
        looked = [one for one in answers(stocked.driver(), about()) if isinstance(one, Looked)]
        assert sum(one.count for one in looked) >= 4

    def test_a_slice_names_no_personal_data(self, stocked: Bench) -> None:
        for part in stocked.driver().slices(about()):
            assert PERSON not in repr(part)

    def test_a_record_says_which_server_it_was_read_from(self, stocked: Bench) -> None:
        driver = stocked.driver()
        record = only(records(driver))
        (seen,) = driver.observe([Watched(record.locator.whole)])
        assert record.server
        assert record.server == seen.server == only(records(stocked.driver())).server

    def test_everything_gives_every_record(self, stocked: Bench) -> None:
        assert len({record.locator for record in records(stocked.driver(), Everything())}) == 4

    def test_a_gate_that_passes_nothing_gives_nothing(self, stocked: Bench) -> None:
        query = AboutSubjects({"case-1": ()}, WordGate("nobody@nowhere.example"))
        assert not records(stocked.driver(), query)

    def test_the_catalogue_names_the_collection_of_every_record(self, stocked: Bench) -> None:
        driver = stocked.driver()
        names = {facts.name for facts in driver.describe()}
        assert {record.locator.collection for record in records(driver)} <= names

    def test_finding_and_looking_change_nothing(self, stocked: Bench) -> None:
        before = stocked.dump()
        driver = stocked.driver()
        driver.check()
        driver.describe()
        record = only(records(driver))
        driver.observe([Watched(record.locator.whole)])
        foreseen(driver, deletion(driver, record))
        assert unchanged(stocked, before)

    def test_a_system_in_order_has_no_fatal_problem(self, stocked: Bench) -> None:
        assert [problem for problem in stocked.driver().check() if problem.is_fatal] == []

    # ── observing ──

    def test_equal_data_has_an_equal_state_through_another_connection(self, stocked: Bench) -> None:
        locator = only(records(stocked.driver())).locator.whole
        assert state_at(stocked.driver(), locator) == state_at(stocked.driver(), locator)

    def test_a_changed_record_has_another_state_or_is_gone(self, stocked: Bench) -> None:
        driver = stocked.driver()
        locator = only(records(driver)).locator.whole
        before = state_at(driver, locator)
        stocked.spoil("a1")
        (seen,) = driver.observe([Watched(locator)])
        assert isinstance(seen, Absent) or seen.state != before

    def test_observations_come_in_the_order_of_the_question(self, bench: Bench) -> None:
        bench.put("a1", PERSON)
        bench.put("a2", PERSON)
        driver = bench.driver()
        first, second = (record.locator.whole for record in records(driver))
        outcomes(driver, [deletion(driver, record) for record in records(driver) if record.locator.whole == second])
        kinds: list[type[Observation]] = [type(seen) for seen in driver.observe([Watched(first), Watched(second), Watched(first)])]
        assert kinds == [Present, Absent, Present]

    def test_nothing_asked_is_nothing_answered(self, stocked: Bench) -> None:
        driver = stocked.driver()
        assert (list(driver.observe([])), list(driver.foresee([], REWRITER)), list(driver.change([], REWRITER))) == ([], [], [])

    # ── deleting ──

    def test_a_deleted_record_is_gone_and_every_other_one_is_as_it_was(self, stocked: Bench) -> None:
        before = stocked.dump()
        driver = stocked.driver()
        change = deletion(driver, only(records(driver)))
        assert outcomes(driver, [change]) == [Done(None)]
        assert "a1" not in stocked.dump()
        assert unchanged(stocked, before, but="a1")
        fresh = stocked.driver()
        assert not records(fresh)
        assert isinstance(fresh.observe([Watched(change.locator)])[0], Absent)

    def test_what_a_deletion_becomes_is_foreseen_as_absent(self, stocked: Bench) -> None:
        driver = stocked.driver()
        change = deletion(driver, only(records(driver)))
        seen = foreseen(driver, change)
        assert (seen.state, seen.becomes, seen.refusal) == (change.expect, None, None)

    def test_a_record_that_changed_since_the_plan_is_left_untouched(self, stocked: Bench) -> None:
        driver = stocked.driver()
        change = deletion(driver, only(records(driver)))
        stocked.spoil("a1")
        before = stocked.dump()
        (outcome,) = outcomes(driver, [change])
        assert isinstance(outcome, Drifted)
        assert unchanged(stocked, before)

    def test_a_plan_made_against_another_server_changes_nothing(self, stocked: Bench) -> None:
        driver = stocked.driver()
        change = deletion(driver, only(records(driver)))
        before = stocked.dump()
        other = Change(change.locator, change.effect, change.fields, change.expect, "another server")
        assert outcomes(driver, [other]) == [Drifted("server")]
        assert unchanged(stocked, before)

    def test_a_change_made_twice_is_made_once(self, stocked: Bench) -> None:
        driver = stocked.driver()
        change = deletion(driver, only(records(driver)))
        outcomes(driver, [change])
        after = stocked.dump()
        (outcome,) = outcomes(stocked.driver(), [change])
        assert outcome in (Done(None), Drifted("absent"))
        assert unchanged(stocked, after)

    def test_outcomes_come_in_the_order_of_the_changes(self, bench: Bench) -> None:
        for name in ("a1", "a2", "a3"):
            bench.put(name, PERSON)
        driver = bench.driver()
        first, second, third = (deletion(driver, record) for record in records(driver))
        drifted = Change(second.locator, second.effect, second.fields, b"something else", second.server)
        result = outcomes(driver, [first, drifted, third])
        assert [type(one) for one in result] == [Done, Drifted, Done]
        assert len(bench.dump()) == 1

    # ── rewriting ──

    def test_a_rewrite_becomes_what_was_foreseen(self, stocked: Bench) -> None:
        driver = stocked.driver()
        change = redaction(driver, only(records(driver)))
        seen = foreseen(driver, change)
        if not stocked.can_rewrite:
            assert seen.refusal is not None
            return
        before = stocked.dump()
        assert seen.refusal is None
        assert outcomes(driver, [change]) == [Done(seen.becomes)]
        assert PERSON.encode() not in stocked.dump()["a1"]
        assert unchanged(stocked, before, but="a1")
        fresh = stocked.driver()
        assert not records(fresh)
        (now,) = fresh.observe([Watched(change.locator)])
        assert isinstance(now, Present | Moved)
        assert now.state == seen.becomes

    def test_foreseeing_a_rewrite_writes_nothing_and_is_repeatable(self, stocked: Bench) -> None:
        before = stocked.dump()
        driver = stocked.driver()
        change = redaction(driver, only(records(driver)))
        assert foreseen(driver, change) == foreseen(stocked.driver(), change)
        assert unchanged(stocked, before)

    def test_a_rewrite_of_a_record_that_changed_leaves_it_untouched(self, stocked: Bench) -> None:
        if not stocked.can_rewrite:
            pytest.skip("the system has nothing to rewrite; its refusal is tested above")
        driver = stocked.driver()
        change = redaction(driver, only(records(driver)))
        stocked.spoil("a1")
        before = stocked.dump()
        (outcome,) = outcomes(driver, [change])
        assert isinstance(outcome, Drifted)
        assert unchanged(stocked, before)

    # ── the rest ──

    def test_a_driver_can_be_closed_twice(self, stocked: Bench) -> None:
        driver = stocked.driver()
        found = only(records(driver))
        driver.close()
        driver.close()
        assert only(records(stocked.driver())).locator == found.locator

    def test_no_repr_shows_the_person(self, stocked: Bench) -> None:
        driver = stocked.driver()
        record = only(records(driver))
        change = deletion(driver, record)
        shown = repr((record, record.locator, change, foreseen(driver, change), driver.observe([Watched(record.locator.whole)])))
        assert PERSON not in shown
