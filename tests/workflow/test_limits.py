"""The shipped laws set the days that the laws mean: vectors through whole regimes, at awkward dates and in the places where answers are given."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseEffect, PauseWhy
from dsr_engine.domain.request import Right
from dsr_engine.workflow.law.deadlines import Due, calendar_of, due
from tests.spec.files import REGIMES

GERMANY, BAVARIA = calendar_of("Europe/Berlin", "DE"), calendar_of("Europe/Berlin", "DE-BY")
ENGLAND, SCOTLAND = calendar_of("Europe/London", "GB-ENG"), calendar_of("Europe/London", "GB-SCT")
NOWHERE = calendar_of("UTC", "")
PLACES = {"DE": GERMANY, "DE-BY": BAVARIA, "GB-ENG": ENGLAND, "GB-SCT": SCOTLAND, "": NOWHERE, "CN": calendar_of("Asia/Shanghai", "CN")}


def _case(*regimes: str, received: datetime, right: Right = Right.ERASURE) -> Case:
    return Case("c", "s", CaseKind.REQUEST, "ours", regimes, Stage.INTAKE, received, ("shop",), received_at=received, right=right)


def _due(
    *regimes: str,
    received: date | datetime,
    place: str = "",
    today: date | None = None,
    right: Right = Right.ERASURE,
    extended: bool = False,
    stops: tuple[Stop, ...] = (),
) -> Due:
    calendar = PLACES[place]
    moment = received if isinstance(received, datetime) else datetime(received.year, received.month, received.day, 12, tzinfo=calendar.zone)
    found = due(
        _case(*regimes, received=moment, right=right),
        [REGIMES[name] for name in regimes],
        calendar,
        today or calendar.day_of(moment),
        extended=extended,
        stops=stops,
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("received", "answer", "extended"),
    [
        (date(2026, 1, 31), date(2026, 3, 2), date(2026, 4, 30)),
        (date(2028, 1, 31), date(2028, 2, 29), date(2028, 5, 2)),
        (date(2026, 8, 31), date(2026, 9, 30), date(2026, 11, 30)),
        (date(2026, 3, 5), date(2026, 4, 7), date(2026, 6, 5)),
        (date(2026, 4, 1), date(2026, 5, 4), date(2026, 7, 1)),
        (date(2026, 11, 21), date(2026, 12, 21), date(2027, 2, 22)),
        (date(2026, 11, 25), date(2026, 12, 28), date(2027, 2, 25)),
        (date(2028, 2, 29), date(2028, 3, 29), date(2028, 5, 29)),
        (date(2027, 11, 30), date(2027, 12, 30), date(2028, 2, 29)),
        (date(2027, 1, 29), date(2027, 3, 1), date(2027, 4, 29)),
        (date(2026, 12, 31), date(2027, 2, 1), date(2027, 3, 31)),
        (date(2027, 9, 30), date(2027, 11, 1), date(2027, 12, 30)),
    ],
)
def test_the_gdpr_counts_months_as_regulation_1182_71_says(received: date, answer: date, extended: date) -> None:
    found = _due("gdpr", received=received, place="DE").limits
    assert (found.answer, found.refusal, found.extended) == (answer, answer, extended)
    later = _due("gdpr", received=received, place="DE", extended=True).limits
    assert (later.answer, later.refusal) == (extended, answer)  # Art. 12(4): no extension of a refusal


def test_a_holiday_in_one_region_only_moves_the_day_there_and_nowhere_else() -> None:
    assert _due("gdpr", received=date(2026, 5, 4), place="DE").limits.answer == date(2026, 6, 4)
    assert _due("gdpr", received=date(2026, 5, 4), place="DE-BY").limits.answer == date(2026, 6, 5)  # Corpus Christi
    assert _due("uk-gdpr", received=date(2026, 10, 30), place="GB-ENG").limits.answer == date(2026, 11, 30)
    assert _due("uk-gdpr", received=date(2026, 10, 30), place="GB-SCT").limits.answer == date(2026, 12, 1)  # St Andrew's Day
    assert _due("uk-gdpr", received=date(2026, 11, 25), place="GB-ENG").limits.answer == date(2026, 12, 29)  # the 28th stands in for Boxing Day


@pytest.mark.parametrize(
    ("moment", "answer"),
    [
        (datetime(2026, 3, 28, 22, 30, tzinfo=UTC), date(2026, 4, 28)),  # half past eleven in the evening
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), date(2026, 4, 29)),  # after midnight, an hour before summer time
        (datetime(2026, 3, 29, 21, 30, tzinfo=UTC), date(2026, 4, 29)),  # half past eleven, in summer time now
        (datetime(2026, 3, 29, 22, 30, tzinfo=UTC), date(2026, 4, 30)),
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 10, 25, 22, 30, tzinfo=UTC), date(2026, 11, 25)),  # the day that had 25 hours
        (datetime(2026, 10, 25, 23, 30, tzinfo=UTC), date(2026, 11, 26)),
    ],
)
def test_the_day_of_receipt_is_that_of_the_wall_clock_also_when_the_clocks_are_changed(moment: datetime, answer: date) -> None:
    assert _due("gdpr", received=moment, place="DE").limits.answer == answer


def test_at_the_turn_of_the_year_the_zone_decides_on_the_month() -> None:
    moment = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert _due("gdpr", received=moment, place="DE").limits.extended == date(2027, 4, 1)
    assert _due("gdpr", received=moment).limits.extended == date(2027, 3, 31)


DAYS: Mapping[str, tuple[date, date, date | None, date]] = {
    # regime: received, answer, extended, refusal once it was extended
    "ccpa": (date(2026, 11, 21), date(2027, 1, 4), date(2027, 2, 18), date(2027, 2, 18)),
    "us-va": (date(2026, 11, 21), date(2027, 1, 4), date(2027, 2, 18), date(2027, 1, 4)),
    "us-ut": (date(2028, 1, 16), date(2028, 2, 29), date(2028, 4, 14), date(2028, 2, 29)),
    "us-ia": (date(2026, 11, 21), date(2027, 2, 18), date(2027, 4, 4), date(2027, 2, 18)),
    "us-fl": (date(2026, 11, 21), date(2027, 1, 4), date(2027, 1, 19), date(2027, 1, 4)),
    "us-wa": (date(2027, 1, 15), date(2027, 2, 28), date(2027, 4, 14), date(2027, 2, 28)),
    "lgpd": (date(2026, 11, 21), date(2026, 12, 5), None, date(2026, 12, 5)),
    "quebec-25": (date(2026, 11, 21), date(2026, 12, 20), None, date(2026, 12, 20)),
    "india-dpdp": (date(2027, 5, 13), date(2027, 8, 10), None, date(2027, 8, 10)),
    "ca-delete-act": (date(2026, 8, 1), date(2026, 9, 14), None, date(2026, 9, 14)),
}


@pytest.mark.parametrize("name", DAYS)
def test_limits_in_days_count_the_day_of_receipt_and_roll_nothing(name: str) -> None:
    received, answer, extended, refusal = DAYS[name]
    for place in ("", "DE-BY"):
        found = _due(name, received=received, place=place)
        assert (found.limits.answer, found.limits.extended) == (answer, extended)
        assert _due(name, received=received, place=place, extended=True).limits.refusal == refusal


@pytest.mark.parametrize("name", sorted(name for name in REGIMES if name.startswith("us-")))
def test_every_state_has_45_days_and_45_more_but_iowa_and_florida(name: str) -> None:
    first, longer = {"us-ia": (90, 135), "us-fl": (45, 60)}.get(name, (45, 90))
    found = _due(name, received=date(2028, 2, 29)).limits
    assert found.answer == date(2028, 2, 29) + timedelta(days=first - 1)
    assert found.extended == date(2028, 2, 29) + timedelta(days=longer - 1)


def test_china_counts_working_days_over_its_own_holidays() -> None:
    found = _due("pipl", received=date(2026, 9, 21), place="CN").limits
    # The Mid-Autumn Festival on 25 September and the first week of October are not worked on.
    assert (found.answer, found.extended) == (date(2026, 10, 20), None)


def test_a_request_for_proof_of_identity_starts_the_clock_of_the_uk_when_it_comes() -> None:
    asked = Stop(PauseWhy.IDENTITY, date(2026, 3, 5), doubt=Doubt.SENDER_UNKNOWN)
    came = replace(asked, ended=date(2026, 3, 20))
    assert _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG").limits.answer == date(2026, 4, 2)
    found = _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", stops=(came,))
    assert (found.limits.answer, found.is_moving) == (date(2026, 4, 20), False)
    assert found.limits.acknowledge == date(2026, 3, 12)  # confirming receipt needs no proof
    waiting = [_due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", stops=(asked,), today=date(2026, 3, day)) for day in (10, 16)]
    assert [(entry.limits.answer, entry.is_moving) for entry in waiting] == [(date(2026, 4, 10), True), (date(2026, 4, 16), True)]


def test_the_latest_of_proof_and_fee_starts_the_clock_of_the_uk() -> None:
    stops = (
        Stop(PauseWhy.IDENTITY, date(2026, 3, 3), date(2026, 3, 9), Doubt.SENDER_UNKNOWN),
        Stop(PauseWhy.FEE, date(2026, 3, 3), date(2026, 3, 16)),
    )
    assert _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", stops=stops).limits.answer == date(2026, 4, 16)
    assert _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", stops=stops[:1]).limits.answer == date(2026, 4, 9)


def test_a_question_stops_the_clock_of_the_uk_for_access_only_and_its_first_and_last_day_count() -> None:
    stops = (Stop(PauseWhy.CLARIFICATION, date(2026, 3, 10), date(2026, 3, 16)),)
    access = _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", right=Right.ACCESS, stops=stops)
    erasure = _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", stops=stops)
    assert (access.limits.answer, erasure.limits.answer) == (date(2026, 4, 9), date(2026, 4, 2))
    same_day = (Stop(PauseWhy.CLARIFICATION, date(2026, 3, 10), date(2026, 3, 10)),)
    assert _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", right=Right.ACCESS, stops=same_day).limits.answer == date(2026, 4, 7)
    # 3 April 2026 is Good Friday, and the 6th Easter Monday.


def test_days_that_two_questions_share_are_counted_once() -> None:
    stops = (
        Stop(PauseWhy.CLARIFICATION, date(2026, 3, 10), date(2026, 3, 16)),
        Stop(PauseWhy.CLARIFICATION, date(2026, 3, 14), date(2026, 3, 17)),
    )
    assert _due("uk-gdpr", received=date(2026, 3, 2), place="GB-ENG", right=Right.ACCESS, stops=stops).limits.answer == date(2026, 4, 10)


def test_in_the_union_alarms_run_on_and_a_later_day_is_only_shown() -> None:
    stops = (Stop(PauseWhy.IDENTITY, date(2026, 3, 10), date(2026, 3, 20), Doubt.DATA_DO_NOT_MATCH),)
    found = _due("gdpr", received=date(2026, 3, 5), place="DE", stops=stops)
    assert (found.limits.answer, found.shown, found.is_moving) == (date(2026, 4, 7), date(2026, 4, 15), False)
    assert found.limits.alarms == {}
    assert _due("gdpr", received=date(2026, 3, 5), place="DE").shown is None
    fee = (Stop(PauseWhy.FEE, date(2026, 3, 10), date(2026, 3, 20)),)
    assert _due("gdpr", received=date(2026, 3, 5), place="DE", stops=fee).shown is None


def test_nothing_stops_the_clock_of_california() -> None:
    stops = tuple(Stop(why, date(2026, 11, 22), None, Doubt.SENDER_UNKNOWN) for why in PauseWhy)
    for right in (Right.ERASURE, Right.ACCESS):
        found = _due("ccpa", received=date(2026, 11, 21), right=right, stops=stops, today=date(2026, 12, 24))
        assert (found.limits.answer, found.shown, found.is_moving) == (date(2027, 1, 4), None, False)


def test_an_opt_out_in_california_has_fifteen_days_and_no_extension() -> None:
    for right in (Right.OPT_OUT, Right.LIMIT):
        found = _due("ccpa", received=date(2026, 11, 21), right=right).limits
        assert (found.answer, found.refusal, found.extended) == (date(2026, 12, 5), date(2026, 12, 5), None)
        assert _due("ccpa", received=date(2026, 11, 21), right=right, extended=True).limits.answer == date(2026, 12, 5)
        assert _due("us-va", received=date(2026, 11, 21), right=right).limits.answer == date(2027, 1, 4)


def test_alarms_of_the_uk_go_off_a_day_before_the_corresponding_date() -> None:
    found = _due("uk-gdpr", received=date(2026, 11, 25), place="GB-ENG").limits
    assert (found.answer, found.alarm_of("answer"), found.alarm_of("refusal")) == (date(2026, 12, 29), date(2026, 12, 24), date(2026, 12, 24))
    assert found.alarm_of("acknowledge") == found.acknowledge
    assert _due("uk-gdpr", received=date(2026, 11, 25), place="GB-ENG", extended=True).limits.alarm_of("answer") == date(2027, 2, 24)


def test_of_several_laws_the_earliest_day_of_each_limit_counts_and_the_law_is_named() -> None:
    found = _due("gdpr", "ccpa", "us-ia", received=date(2026, 11, 21), place="DE").limits
    assert (found.answer, found.set_by["answer"]) == (date(2026, 12, 21), "gdpr")
    assert (found.acknowledge, found.set_by["acknowledge"]) == (date(2026, 11, 30), "ccpa")
    assert (found.extended, found.set_by["extended"]) == (date(2027, 2, 18), "ccpa")
    assert _due("gdpr", "lgpd", received=date(2026, 11, 21), place="DE").limits.extended is None  # Brazil knows none


def test_a_pause_of_one_law_does_not_move_the_day_of_another() -> None:
    stops = (Stop(PauseWhy.IDENTITY, date(2026, 3, 3), date(2026, 3, 30), Doubt.SENDER_UNKNOWN),)
    uk, both = (_due(*names, received=date(2026, 3, 2), place="GB-ENG", stops=stops) for names in (("uk-gdpr",), ("uk-gdpr", "gdpr")))
    assert (uk.limits.answer, both.limits.answer, both.limits.set_by["answer"]) == (date(2026, 4, 30), date(2026, 4, 2), "gdpr")
    assert both.shown == date(2026, 4, 29)  # the 27 days for the Union; the British clock would run until the 30th


_DAYS = st.dates(date(2026, 3, 1), date(2035, 12, 31))


@settings(deadline=None)
@given(
    received=_DAYS,
    wait=st.integers(0, 20),
    length=st.integers(0, 40),
    why=st.sampled_from(PauseWhy),
    right=st.sampled_from([Right.ERASURE, Right.ACCESS]),
    name=st.sampled_from(sorted(REGIMES)),
    place=st.sampled_from(["DE-BY", "GB-SCT", ""]),
)
def test_a_pause_never_shortens_a_limit_and_moves_none_that_knows_no_such_pause(
    received: date, wait: int, length: int, why: PauseWhy, right: Right, name: str, place: str
) -> None:
    asked = received + timedelta(days=wait)
    stop = Stop(why, asked, asked + timedelta(days=length), Doubt.SENDER_UNKNOWN)
    plain, stood = _due(name, received=received, place=place, right=right), _due(name, received=received, place=place, right=right, stops=(stop,))
    knows = any(
        pause.why is why and pause.effect is not PauseEffect.SHOWN and (not pause.rights or right in pause.rights) for pause in REGIMES[name].pauses
    )
    assert stood.limits.answer >= plain.limits.answer
    assert knows or stood.limits.answer == plain.limits.answer
    assert stood.limits.acknowledge == plain.limits.acknowledge
    assert stood.shown is None or stood.shown > stood.limits.answer


@settings(deadline=None)
@given(
    received=_DAYS,
    names=st.lists(st.sampled_from(sorted(REGIMES)), min_size=1, max_size=4, unique=True),
    place=st.sampled_from(["DE-BY", "GB-SCT", ""]),
)
def test_no_law_of_several_is_answered_too_late(received: date, names: list[str], place: str) -> None:
    together = _due(*names, received=received, place=place).limits
    alone = {name: _due(name, received=received, place=place).limits for name in names}
    for limit in ("answer", "refusal", "erase"):
        days = {name: getattr(found, limit) for name, found in alone.items()}
        assert getattr(together, limit) == min(days.values()) == days[together.set_by[limit]]
    assert together.alarm_of("answer") == min(found.alarm_of("answer") or date.max for found in alone.values())
    assert (together.extended is None) == any(found.extended is None for found in alone.values())
