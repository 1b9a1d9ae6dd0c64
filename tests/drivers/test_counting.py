"""A page out of an unordered stream: the first keys behind a mark, however they come, and never more of them in memory."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.policy import Start
from dsr_engine.domain.record import Gap, Locator, Record
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.counting import counted, page_of
from dsr_engine.drivers.driver import Looked, OlderThan
from tests.drivers.memory import Memory, MemoryDriver

_KEYS = st.lists(st.tuples(st.text(max_size=3), st.text(max_size=2)), unique=True, max_size=20)


def _query(after: tuple[str, ...], upto: tuple[str, ...] | None, most: int | None) -> OlderThan:
    return OlderThan("mails", Start(("date",)), date(2020, 1, 1), after=after, upto=upto, most=most)


def _record(key: tuple[str, ...]) -> Record:
    return Record(Locator("box", "mails", key), (), "server")


@given(_KEYS, st.integers(1, 5), st.none() | st.tuples(st.text(max_size=3), st.text(max_size=2)))
@settings(deadline=None)
def test_pages_of_a_stream_bring_each_key_up_to_the_last_one_once(keys: list[tuple[str, ...]], size: int, upto: tuple[str, ...] | None) -> None:
    walked: list[tuple[str, ...]] = []
    is_cut = True
    while is_cut:
        query = _query(walked[-1] if walked else (), upto, size)
        *records, last = page_of([*map(_record, keys), Looked("mails", len(keys))], query)
        assert isinstance(last, Looked)
        page = [record.locator.key for record in records if isinstance(record, Record)]
        assert len(page) <= size
        walked += page
        is_cut = last.is_cut
        assert last.count == len(keys)
    assert walked == sorted(key for key in keys if upto is None or key <= upto)


def test_what_could_not_be_looked_at_in_one_slice_is_said_of_the_page() -> None:
    events: list[Record | Gap | Looked] = [
        _record(("b",)),
        Looked("mails", 1),
        Gap("mails", "mail.unreadable", "torn"),
        Looked("mails", 2, Extent.PARTIAL, "torn"),
        Looked("mails", 4),
    ]
    assert list(page_of(events, _query((), None, 9))) == [
        Gap("mails", "mail.unreadable", "torn"),
        _record(("b",)),
        Looked("mails", 7, Extent.PARTIAL, "torn"),
    ]


def test_a_driver_that_counts_by_looking_counts_what_it_would_find() -> None:
    memory = Memory({"mails": {"1": {"date": "2019-01-01"}, "2": {"date": "2026-01-01"}, "3": {"date": ""}}, "other": {"4": {"date": "2019-01-01"}}})
    driver = MemoryDriver(System("box", Manifest("box", "memory")), memory)
    query = _query((), None, None)
    answer = counted(driver, "mails", (query, query))
    assert (answer.total, answer.found) == (3, (1, 1))
