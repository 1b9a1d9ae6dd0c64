"""What every reader of known records owes its caller, as one suite over the benches of the drivers (`conformance.py`).

Each test is a rule of `dsr_engine/drivers/reading.py`. The person's record always stands among those of her neighbours: none of them may ever come.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import pytest

from dsr_engine.domain.record import Locator, Record
from dsr_engine.drivers.reading import CUT, Bounds, Reader, Reread
from tests.drivers.conformance import Bench, deletion, outcomes, records
from tests.drivers.people import NEIGHBOURS, PERSON, WordGate

WIDE = Bounds(characters=100_000, seconds=30)


class OpenReader(Protocol):
    def __call__(self) -> Reader:
        """A new reader of the same system."""


def asked(reader: Reader, *places: Locator, bounds: Bounds = WIDE) -> Mapping[Locator, Reread]:
    """The answers by their places; each place has exactly one."""
    answers = tuple(reader.read(places, WordGate(), bounds))
    assert sorted(map(_name, (answer.locator for answer in answers))) == sorted(map(_name, places))
    return {answer.locator: answer for answer in answers}


def _name(place: Locator) -> tuple[str, ...]:
    return (place.system, place.collection, *place.key)


def text_of(record: Record | None) -> str:
    return "\n".join(unit.text for unit in record.units) if record is not None else ""


class ReaderConformance:
    """Subclasses give a `bench` and an `open_it` fixture. `has_originals`: whether records of this kind have any."""

    has_originals = False

    @pytest.fixture
    def place(self, bench: Bench) -> Locator:
        """Where the person's one record is, among her neighbours'."""
        bench.put("a1", PERSON)
        for number, email in enumerate(NEIGHBOURS):
            bench.put(f"n{number}", email)
            bench.put(f"a{number + 2}", email)
        (found,) = {record.locator.whole for record in records(bench.driver())}
        return found

    def test_a_record_is_read_again_and_nobody_elses_comes_along(self, place: Locator, open_it: OpenReader) -> None:
        answer = asked(open_it(), place)[place]
        assert PERSON in text_of(answer.record)
        assert not [email for email in NEIGHBOURS if email in text_of(answer.record)]

    def test_what_the_search_found_stands_in_it(self, bench: Bench, place: Locator, open_it: OpenReader) -> None:
        (found,) = (record for record in records(bench.driver()) if record.locator.whole == place)
        again = asked(open_it(), place)[place].record
        assert again is not None
        assert {(unit.place, unit.text) for unit in found.units} <= {(unit.place, unit.text) for unit in again.units}
        assert again.server == found.server

    def test_several_are_answered_each_once_and_a_missing_one_is_told(self, bench: Bench, place: Locator, open_it: OpenReader) -> None:
        bench.put("a9", PERSON)
        places = sorted({record.locator.whole for record in records(bench.driver())}, key=_name)
        gone = next(one for one in places if one != place)
        driver = bench.driver()
        outcomes(driver, [deletion(driver, record) for record in records(driver) if record.locator.whole == gone])
        answers = asked(open_it(), *places)
        assert answers[gone].record is None
        assert PERSON in text_of(answers[place].record)

    def test_a_record_that_changed_is_read_as_it_is_now_or_is_gone(self, bench: Bench, place: Locator, open_it: OpenReader) -> None:
        before = text_of(asked(open_it(), place)[place].record)
        bench.spoil("a1")
        now = asked(open_it(), place)[place].record
        assert now is None or PERSON in text_of(now)
        assert now is None or len(now.units) <= len(before.splitlines()) + 2, "of a file only what is the person's"

    def test_reading_changes_nothing(self, bench: Bench, place: Locator, open_it: OpenReader) -> None:
        before = dict(bench.dump())
        asked(open_it(), place, bounds=replace(WIDE, originals=100_000))
        assert dict(bench.dump()) == before

    def test_a_record_longer_than_the_bounds_says_so(self, place: Locator, open_it: OpenReader) -> None:
        record = asked(open_it(), place, bounds=replace(WIDE, characters=5))[place].record
        assert record is not None
        assert sum(len(unit.text) for unit in record.units) <= 5
        assert CUT in [gap.code for gap in record.gaps]

    def test_no_time_left_is_said_and_no_silence(self, place: Locator, open_it: OpenReader) -> None:
        record = asked(open_it(), place, bounds=replace(WIDE, seconds=-1))[place].record
        assert record is not None
        assert CUT in [gap.code for gap in record.gaps]

    def test_originals_come_only_if_they_are_asked_for_and_never_in_part(self, place: Locator, open_it: OpenReader) -> None:
        assert asked(open_it(), place)[place].originals == ()
        whole = asked(open_it(), place, bounds=replace(WIDE, originals=100_000))[place].originals
        assert bool(whole) is self.has_originals
        for original in whole:
            assert original.data is not None
            assert PERSON.encode() in original.data
            assert not [email for email in NEIGHBOURS if email.encode() in original.data]
        assert [original.data for original in asked(open_it(), place, bounds=replace(WIDE, originals=1))[place].originals] == [None] * len(whole)

    def test_nothing_of_a_record_is_in_a_log_or_a_representation(self, place: Locator, open_it: OpenReader, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level("DEBUG"):
            answer = asked(open_it(), place, bounds=replace(WIDE, originals=100_000))[place]
        assert PERSON not in caplog.text
        assert PERSON not in repr(answer) + repr(answer.originals)

    def test_a_reader_may_be_left_in_the_middle_and_closed_twice(self, place: Locator, open_it: OpenReader) -> None:
        reader = open_it()
        answers = iter(reader.read((place,), WordGate(), WIDE))
        assert next(answers).locator == place
        reader.close()
        reader.close()
