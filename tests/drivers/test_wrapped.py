"""What the wrappers promise: reading is tried again, changing never; nothing foreign gets out; nothing personal is logged."""

import logging
from collections.abc import Callable, Iterator, Sequence

import pytest

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotAllowed, NotSupported, Unreachable
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, ManualTask, System
from dsr_engine.drivers.driver import Change, Done, Driver, Everything, Looked, Outcome, Problem, Query, Slice, Watched
from dsr_engine.drivers.manual import ManualDriver
from dsr_engine.drivers.registry import factory_of, names, open_driver, register
from dsr_engine.drivers.wrapped import Guarded, Logged, Paced, ReadOnly, Retried, wrapped
from tests.drivers.conformance import REWRITER, Bench, Conformance, answers, deletion, only, records
from tests.drivers.memory import Memory, MemoryDriver
from tests.drivers.memory_bench import MemoryBench
from tests.drivers.people import PERSON, about

SYSTEM = System("fake", Manifest("memory", "memory"))


class Flaky(MemoryDriver):
    """Does not answer the first `failures` times that anything is asked."""

    def __init__(self, memory: Memory, failures: int, error: Callable[[], Exception] = lambda: Unreachable("down", code="memory.down")) -> None:
        super().__init__(SYSTEM, memory)
        self.failures = failures
        self.asked = 0
        self._error = error

    def _reach(self) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise self._error()


class Breaking(MemoryDriver):
    """Breaks in the middle of a search."""

    def find(self, query: Query, part: Slice) -> Iterator[Record | Gap | Looked]:
        yield from list(super().find(query, part))[:1]
        raise ValueError(PERSON)


def stock() -> Memory:
    return Memory({"orders": {"a1": {"email": PERSON}, "n1": {"email": "nobody@example.org"}}})


def quick(driver: Driver, attempts: int = 4) -> Retried:
    return Retried(driver, attempts=attempts, first_pause=0, longest_pause=0)


class WrappedBench(MemoryBench):
    def driver(self) -> Driver:  # type: ignore[override]  # any driver will do for the suite
        return wrapped(lambda _: MemoryBench.driver(self), SYSTEM)


class TestWrapped(Conformance):
    @pytest.fixture
    def bench(self) -> Bench:
        return WrappedBench()


# ── retry ──


@pytest.mark.parametrize(
    "look",
    [
        lambda driver: driver.check(),
        lambda driver: driver.describe(),
        lambda driver: list(driver.slices(Everything())),
        lambda driver: list(driver.find(Everything(), Slice("fake", "orders"))),
        lambda driver: driver.observe([Watched(Locator("fake", "orders", ("a1",)))]),
        lambda driver: driver.foresee([], REWRITER),
    ],
)
def test_a_look_is_tried_again_when_the_system_did_not_answer(look: Callable[[Driver], object]) -> None:
    inner = Flaky(stock(), failures=2)
    look(quick(inner))
    assert inner.asked == 3


def test_a_look_is_given_up_after_some_attempts() -> None:
    inner = Flaky(stock(), failures=99)
    with pytest.raises(Unreachable):
        quick(inner, attempts=3).check()
    assert inner.asked == 3


def test_a_change_is_never_tried_twice() -> None:
    inner = Flaky(stock(), failures=1)
    with pytest.raises(Unreachable):
        quick(inner).change([], REWRITER)
    assert inner.asked == 1


def test_other_errors_are_not_tried_again() -> None:
    inner = Flaky(stock(), failures=1, error=lambda: NotAllowed("no", code="x"))
    with pytest.raises(NotAllowed):
        quick(inner).check()
    assert inner.asked == 1


def test_a_search_that_broke_off_in_the_middle_is_not_begun_again() -> None:
    with pytest.raises(DsrError):
        list(quick(Guarded(Breaking(SYSTEM, stock()))).find(Everything(), Slice("fake", "orders")))


# ── the last catch ──


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (ValueError(PERSON), NotSupported),
        (TimeoutError(PERSON), Unreachable),
        (ConnectionResetError(PERSON), Unreachable),
        (PermissionError(PERSON), NotAllowed),
    ],
)
def test_a_foreign_error_becomes_a_family_without_its_text(error: Exception, family: type[DsrError]) -> None:
    with pytest.raises(family) as caught:
        Guarded(Flaky(stock(), failures=1, error=lambda: error)).check()
    assert PERSON not in str(caught.value)
    assert type(error).__name__ in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_foreign_error_during_a_change_says_that_the_outcome_is_unknown() -> None:
    with pytest.raises(Unreachable):
        Guarded(Flaky(stock(), failures=1, error=lambda: ValueError(PERSON))).change([], REWRITER)


def test_a_foreign_error_in_the_middle_of_a_search_is_caught_too() -> None:
    with pytest.raises(NotSupported) as caught:
        list(Guarded(Breaking(SYSTEM, stock())).find(Everything(), Slice("fake", "orders")))
    assert PERSON not in str(caught.value)


def test_an_error_of_the_engine_passes_as_it_is() -> None:
    error = Conflict("moved", code="x.y")
    with pytest.raises(Conflict) as caught:
        Guarded(Flaky(stock(), failures=1, error=lambda: error)).check()
    assert caught.value is error


def test_a_driver_that_cannot_be_opened_is_an_error_of_the_engine() -> None:
    def broken(_: System) -> Driver:
        raise RuntimeError(PERSON)

    with pytest.raises(NotSupported) as caught:
        wrapped(broken, SYSTEM)
    assert PERSON not in str(caught.value)


# ── read-only, pace, log ──


def test_read_only_looks_and_refuses_to_change() -> None:
    memory = stock()
    driver = wrapped(lambda system: MemoryDriver(system, memory), SYSTEM, read_only=True)
    change = deletion(driver, only(records(driver)))
    with pytest.raises(NotAllowed):
        driver.change([change], REWRITER)
    assert "a1" in memory.collections["orders"]


def test_read_only_lets_no_change_reach_the_driver() -> None:
    class Watching(MemoryDriver):
        def change(self, changes: Sequence[Change], rewriter: Rewriter) -> Sequence[Outcome]:
            raise AssertionError

    assert ReadOnly(Watching(SYSTEM, stock())).change([], REWRITER) == ()


def test_a_paced_driver_waits_for_every_record() -> None:
    moment, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        moment[0] += seconds

    driver = Paced(MemoryDriver(SYSTEM, stock()), 2, now=lambda: moment[0], sleep=sleep)
    assert len(list(driver.find(Everything(), Slice("fake", "orders")))) == 3
    assert moment[0] == pytest.approx(1.0)
    driver.observe([Watched(Locator("fake", "orders", ("a1",)))] * 4)
    driver.check()
    assert moment[0] == pytest.approx(3.5)


@pytest.mark.parametrize("pace", ["fast", "-1", "inf", "nan"])
def test_a_pace_that_is_no_number_is_an_input_error(pace: str) -> None:
    system = System("fake", Manifest("memory", "memory"), {"records_per_second": Secret(pace)})
    with pytest.raises(InputWrong):
        wrapped(lambda one: MemoryDriver(one, stock()), system)


def test_the_log_names_verbs_counts_and_codes_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="dsr_engine.drivers")
    memory = stock()
    driver = Logged(MemoryDriver(SYSTEM, memory), "fake", now=lambda: 0.0)
    change = deletion(driver, only(records(driver)))
    assert driver.change([change], REWRITER) == (Done(None),)
    memory.is_down = True
    with pytest.raises(Unreachable):
        driver.check()
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "find fake.orders: 2 in 0.000 s, ok" in text
    assert "change fake.orders: 1 in 0.000 s, ok" in text
    assert "check fake.*: 0 in 0.000 s, memory.down" in text
    assert PERSON not in text
    assert "a1" not in text


# ── registry and manual ──


def test_every_registered_driver_can_be_imported() -> None:
    assert names() == ("mailstore", "manual", "objectstore", "sql")
    assert all(callable(factory_of(name)) for name in names())


def test_registering_a_name_twice_is_an_error() -> None:
    with pytest.raises(InputWrong):
        register("sql", "somewhere.else:Driver")


def test_an_unknown_driver_is_an_input_error_that_names_the_known_ones() -> None:
    with pytest.raises(InputWrong) as caught:
        open_driver(System("x", Manifest("x", "telepathy")))
    assert "mailstore" in caught.value.hint


def test_a_manual_system_is_never_said_to_be_searched() -> None:
    task = ManualTask("ask payroll", "payroll@example.com", Period(7, PeriodUnit.DAYS))
    driver = open_driver(System("payroll", Manifest("payroll", "manual", task=task)))
    assert [one.extent for one in answers(driver, about()) if isinstance(one, Looked)] == [Extent.NONE]
    assert records(driver) == ()
    assert [facts.is_searchable for facts in driver.describe()] == [False]
    assert driver.check() == ()


def test_a_manual_system_changes_nothing_and_says_who_does() -> None:
    driver = ManualDriver(System("payroll", Manifest("payroll", "manual")))
    assert [problem.code for problem in driver.check() if isinstance(problem, Problem)] == ["manual.task"]
    watched = Watched(Locator("payroll", "task", ("x",)))
    with pytest.raises(NotSupported):
        driver.observe([watched])
