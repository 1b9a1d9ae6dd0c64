"""Limits end on the day that the law means, at awkward dates too."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.deadline import Calendar, Clocks, ClockStart, ClockUnit, Deadlines, Limit, deadlines, earliest

MONTH = Limit(1, ClockUnit.MONTHS, rolls=True)
THREE_MONTHS = Limit(3, ClockUnit.MONTHS, rolls=True)
GDPR = Clocks(MONTH, MONTH, Limit(15, ClockUnit.DAYS), THREE_MONTHS)
CCPA = Clocks(
    Limit(45, ClockUnit.DAYS, counts_first_day=True),
    Limit(45, ClockUnit.DAYS, counts_first_day=True),
    Limit(15, ClockUnit.DAYS),
    Limit(90, ClockUnit.DAYS, counts_first_day=True),
    Limit(10, ClockUnit.DAYS),
    refusal_extends=True,
)
BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")


def region(country: str, zone: ZoneInfo, subdivision: str | None = None) -> Calendar:
    days = holidays.country_holidays(country, subdiv=subdivision)
    return Calendar(zone, lambda day: day in days)


GERMANY = region("DE", BERLIN)
BAVARIA = region("DE", BERLIN, "BY")
ENGLAND = region("GB", LONDON, "ENG")
EVERY_DAY_WORKED = Calendar(ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("received", "nominal", "due", "nominal_extended", "extended"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 2), date(2026, 4, 30), date(2026, 4, 30)),
        (date(2028, 1, 31), date(2028, 2, 29), date(2028, 2, 29), date(2028, 4, 30), date(2028, 5, 2)),
        (date(2026, 8, 31), date(2026, 9, 30), date(2026, 9, 30), date(2026, 11, 30), date(2026, 11, 30)),
        (date(2026, 3, 5), date(2026, 4, 5), date(2026, 4, 7), date(2026, 6, 5), date(2026, 6, 5)),
        (date(2026, 4, 1), date(2026, 5, 1), date(2026, 5, 4), date(2026, 7, 1), date(2026, 7, 1)),
        (date(2026, 11, 21), date(2026, 12, 21), date(2026, 12, 21), date(2027, 2, 21), date(2027, 2, 22)),
        (date(2026, 11, 25), date(2026, 12, 25), date(2026, 12, 28), date(2027, 2, 25), date(2027, 2, 25)),
    ],
)
def test_a_month_ends_on_the_same_date_or_the_next_working_day(
    received: date, nominal: date, due: date, nominal_extended: date, extended: date
) -> None:
    assert Limit(1, ClockUnit.MONTHS).last_day(received, GERMANY) == nominal
    assert MONTH.last_day(received, GERMANY) == due
    assert Limit(3, ClockUnit.MONTHS).last_day(received, GERMANY) == nominal_extended
    assert THREE_MONTHS.last_day(received, GERMANY) == extended


def test_the_holidays_are_those_of_the_region_where_the_answer_is_given() -> None:
    assert MONTH.last_day(date(2026, 11, 25), ENGLAND) == date(2026, 12, 29)  # the 28th stands in for Boxing Day, which is a Saturday
    assert MONTH.last_day(date(2026, 5, 4), GERMANY) == date(2026, 6, 4)
    assert MONTH.last_day(date(2026, 5, 4), BAVARIA) == date(2026, 6, 5)  # Corpus Christi is none in most of Germany


def test_an_extension_is_one_period_from_receipt_and_not_two_months_on_top_of_a_rolled_date() -> None:
    received = datetime(2026, 1, 31, 12, tzinfo=BERLIN)
    assert deadlines(GDPR, received, GERMANY, is_extended=True).answer == date(2026, 4, 30)  # and not 2 May, two months after 2 March


def test_a_refusal_under_the_gdpr_is_never_extended_and_under_the_ccpa_is() -> None:
    received = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert deadlines(GDPR, received, GERMANY, is_extended=True).refusal == date(2026, 12, 21)
    assert deadlines(CCPA, received, EVERY_DAY_WORKED, is_extended=True).refusal == date(2027, 2, 18)


def test_california_counts_the_day_of_receipt_and_rolls_nothing() -> None:
    found = deadlines(CCPA, datetime(2026, 11, 21, 12, tzinfo=UTC), EVERY_DAY_WORKED)
    assert (found.answer, found.extended, found.acknowledge) == (date(2027, 1, 4), date(2027, 2, 18), date(2026, 12, 1))


def test_the_date_is_the_one_on_the_wall_of_the_controller() -> None:
    shortly_before_midnight_utc = datetime(2026, 8, 30, 22, 30, tzinfo=UTC)  # already the 31st in Berlin
    assert deadlines(GDPR, shortly_before_midnight_utc, GERMANY).answer == date(2026, 9, 30)
    assert deadlines(GDPR, shortly_before_midnight_utc, Calendar(ZoneInfo("UTC"))).answer == date(2026, 9, 30)
    a_day_later = datetime(2026, 9, 1, 22, 30, tzinfo=UTC)
    assert deadlines(GDPR, a_day_later, GERMANY).answer == date(2026, 10, 2)
    assert deadlines(GDPR, a_day_later, Calendar(ZoneInfo("UTC"))).answer == date(2026, 10, 1)
    with pytest.raises(ValueError, match="time zone"):
        GERMANY.day_of(datetime(2026, 1, 1))  # noqa: DTZ001  # the point of the test


def test_the_relevant_time_is_the_latest_of_receipt_identity_and_fee_but_acknowledging_waits_for_none_of_them() -> None:
    uk = Clocks(MONTH, MONTH, Limit(15, ClockUnit.DAYS), THREE_MONTHS, Limit(10, ClockUnit.DAYS), start=ClockStart.RELEVANT_TIME)
    received, proved = datetime(2026, 3, 2, 9, tzinfo=LONDON), datetime(2026, 3, 20, 9, tzinfo=LONDON)
    assert deadlines(uk, received, ENGLAND, [proved]).answer == date(2026, 4, 20)
    assert deadlines(uk, received, ENGLAND, [proved]).acknowledge == date(2026, 3, 12)
    assert deadlines(GDPR, received, ENGLAND, [proved]).answer == date(2026, 4, 2)


def test_working_days_pass_over_weekends_and_holidays() -> None:
    assert Limit(3, ClockUnit.WORKING_DAYS).last_day(date(2026, 4, 2), GERMANY) == date(
        2026, 4, 9
    )  # Good Friday, a weekend and Easter Monday between


def test_of_several_laws_the_earliest_day_of_each_limit_counts_and_is_named() -> None:
    received = datetime(2026, 11, 21, 12, tzinfo=UTC)
    both = earliest({"gdpr": deadlines(GDPR, received, GERMANY), "ccpa": deadlines(CCPA, received, EVERY_DAY_WORKED)})
    assert (both.answer, both.set_by["answer"]) == (date(2026, 12, 21), "gdpr")
    assert (both.acknowledge, both.set_by["acknowledge"]) == (date(2026, 12, 1), "ccpa")
    assert both.extended == date(2027, 2, 18)


def test_an_extension_that_one_of_the_laws_does_not_know_is_none() -> None:
    day = date(2026, 12, 21)
    with_one, without = Deadlines(day, day, day, extended=date(2027, 2, 22)), Deadlines(day, day, day)
    assert earliest({"gdpr": with_one, "other": without}).extended is None
    with pytest.raises(ValueError, match="without a regime"):
        earliest({})


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)), st.integers(1, 24))
def test_a_limit_in_months_never_ends_before_its_nominal_day_and_always_on_a_working_day(start: date, months: int) -> None:
    nominal, rolled = Limit(months, ClockUnit.MONTHS).last_day(start, GERMANY), Limit(months, ClockUnit.MONTHS, rolls=True).last_day(start, GERMANY)
    assert nominal <= rolled <= nominal + timedelta(days=5)
    assert GERMANY.is_working(rolled)
    assert nominal.day == start.day or (nominal + timedelta(days=1)).day == 1


@given(st.dates(date(1990, 1, 1), date(2090, 12, 30)), st.integers(1, 12), st.sampled_from(ClockUnit))
def test_who_asks_later_never_has_to_be_answered_earlier(start: date, length: int, unit: ClockUnit) -> None:
    limit = Limit(length, unit, rolls=True)
    assert limit.last_day(start, GERMANY) <= limit.last_day(start + timedelta(days=1), GERMANY)
