"""Values as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.spec.scalars import cron, parse_period, parse_share, whole, yes_no

_DAYS = {PeriodUnit.DAYS: 1, PeriodUnit.WEEKS: 7, PeriodUnit.MONTHS: 30, PeriodUnit.YEARS: 365}


@given(st.sampled_from(PeriodUnit), st.integers(1, 36_525))
@settings(deadline=None)
def test_a_period_that_is_written_out_is_read_as_itself(unit: PeriodUnit, count: int) -> None:
    period = Period(min(count, 36_525 // _DAYS[unit]), unit)
    assert parse_period(str(period)) == period


@given(st.text(max_size=20))
@settings(deadline=None)
def test_whatever_is_read_as_a_period_can_be_reckoned_with(text: str) -> None:
    period = parse_period(text)
    assert period is None or 0 < period.count * _DAYS[period.unit] <= 36_525


@pytest.mark.parametrize("text", ["0 days", "-1 days", "8y", "P8Y", "1.5 years", "101 years", "years", "٨ years", "8  years", "8 Years"])
def test_what_is_no_period_is_not_guessed_at(text: str) -> None:
    assert parse_period(text) is None


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_a_share_is_a_hundredth_of_its_percentage(hundredths: int) -> None:
    assert parse_share(f"{hundredths / 100}%") == pytest.approx(hundredths / 10_000)


@pytest.mark.parametrize("text", ["1", "0.01", "101%", "-1%", "%", "1 percent"])
def test_what_is_no_percentage_is_not_guessed_at(text: str) -> None:
    assert parse_share(text) is None


@pytest.mark.parametrize("text", ["0 3 * * *", "*/15 0-6 1,15 * 1-5", "59 23 31 12 7", "0-59/5 * * * *"])
def test_a_schedule_of_five_right_fields_is_taken(text: str) -> None:
    assert cron().read(text) == text


@pytest.mark.parametrize(
    "text", ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "* * * *", "@daily", "1,,2 * * * *"]
)
def test_a_schedule_that_would_never_run_or_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        cron().read(text)


@pytest.mark.parametrize("text", ["yes", "no", "on", "True", "1", ""])
def test_only_true_and_false_are_truth_values(text: str) -> None:
    with pytest.raises(ValidationError):
        yes_no().read(text)


@pytest.mark.parametrize("text", ["0x10", "1_000", "010:10", "1e3", "-1", "٣", " 5"])
def test_a_number_is_written_with_digits_only(text: str) -> None:
    with pytest.raises(ValidationError):
        whole().read(text)


def test_a_number_with_leading_zeros_is_decimal_and_never_octal() -> None:
    assert whole().read("010") == 10
