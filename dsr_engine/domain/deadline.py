"""When the law wants an answer: the arithmetic of limits, on dates only.

Months follow Regulation (EEC, Euratom) 1182/71 Art. 3: the day of the event does not count, a period in months ends with the last hour of the day
with the same date (or of the month's last day), days off inside it count, and one that ends on a Saturday, Sunday or public holiday ends with the
next working day. Adding thirty days is wrong in both directions: too late for requests of late January and February, a day early in long months.

Which day it is depends on the controller's clock on the wall, so a moment becomes a date in their time zone and not in UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from dsr_engine.domain.period import Period, PeriodUnit

_WEEKEND = frozenset({5, 6})


class ClockUnit(StrEnum):
    """What a limit counts. DAYS are calendar days."""

    DAYS = "days"
    MONTHS = "months"
    WORKING_DAYS = "working_days"


class ClockStart(StrEnum):
    """What sets a clock going. RELEVANT_TIME is the latest of receipt, requested proof of identity and fee paid (Data Protection Act 2018 s. 54)."""

    RECEIPT = "receipt"
    RELEVANT_TIME = "relevant_time"


def no_holidays(_: date) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked on where the act is to be done (Regulation 1182/71 Art. 2(1)): not Saturdays, Sundays and public holidays."""

    zone: tzinfo
    is_holiday: Callable[[date], bool] = no_holidays

    def is_working(self, day: date) -> bool:
        return day.weekday() not in _WEEKEND and not self.is_holiday(day)

    def next_working(self, day: date) -> date:
        """The day itself, or the next one on which work is done."""
        while not self.is_working(day):
            day += timedelta(days=1)
        return day

    def day_of(self, moment: datetime) -> date:
        """The date of a moment on the controller's wall. Raises `ValueError` for a moment without a time zone."""
        if moment.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return moment.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Limit:
    """So many days, months or working days from a day. `rolls`: a last day that is no working day gives way to the next one.

    `counts_first_day`: the first day is day one of a limit in days, the careful reading where a law lets its period "begin on the day" of receipt.
    """

    length: int
    unit: ClockUnit
    rolls: bool = False
    counts_first_day: bool = False

    def last_day(self, start: date, calendar: Calendar, stopped: int = 0) -> date:
        """The last day of the period that `start` sets going. It ends with the last hour of that day. `stopped` days in it do not count."""
        nominal = self.nominal(start, calendar, stopped)
        return calendar.next_working(nominal) if self.rolls else nominal

    def nominal(self, start: date, calendar: Calendar, stopped: int = 0) -> date:
        """The corresponding date: where the period ends before anybody asks whether that day is worked on."""
        match self.unit:
            case ClockUnit.MONTHS:
                day = Period(self.length, PeriodUnit.MONTHS).after(start)
            case ClockUnit.DAYS:
                day = start + timedelta(days=self.length - self.counts_first_day)
            case ClockUnit.WORKING_DAYS:
                day = start
                for _ in range(self.length):
                    day = calendar.next_working(day + timedelta(days=1))
        return day + timedelta(days=stopped)

    def __str__(self) -> str:
        words = self.unit.value.replace("_", " ")
        return f"{self.length} {words[:-1] if self.length == 1 else words}"


@dataclass(frozen=True, slots=True)
class Clocks:
    """The limits of one regime; all run from the same start.

    `extended` is the whole length from the start, never a second period on top of a first one that was rolled; None: it cannot be extended.
    `refusal` is the limit for saying no; it is extended with the answer only where `refusal_extends` (GDPR Art. 12(4): it is not).
    `erase` is the controller's own measure of "without undue delay", apart from the limit for the answer.
    `answers` are limits of certain rights that are shorter than that of the law (`opt_out` → 15 days).
    `alarm_earlier` is how many days before the corresponding date an alarm goes off, where a law may be read as counting its first day.
    """

    answer: Limit
    refusal: Limit
    erase: Limit
    extended: Limit | None = None
    acknowledge: Limit | None = None
    refusal_extends: bool = False
    start: ClockStart = ClockStart.RECEIPT
    alarm_earlier: int = 0
    answers: Mapping[str, Limit] = field(default_factory=dict)
    cite: str = ""

    def for_right(self, right: str) -> "Clocks":
        """The limits for requests of this right: some have an answer limit of their own, and then no extension (11 CCR § 7026(f), § 7027(g))."""
        own = self.answers.get(right)
        return replace(self, answer=own, refusal=own, extended=None, answers={}) if own is not None else self


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The last days of one case. Each is set by the regime that wants it first; `set_by` names that regime for each limit (`answer` → `gdpr`).

    `alarms` has the day by which a limit should be met where that is earlier than its last day.
    """

    answer: date
    refusal: date
    erase: date
    extended: date | None = None
    acknowledge: date | None = None
    set_by: Mapping[str, str] = field(default_factory=dict)
    alarms: Mapping[str, date] = field(default_factory=dict)

    def alarm_of(self, limit: str) -> date | None:
        """The day by which the limit should be met; None where there is no such limit."""
        day: date | None = getattr(self, limit)
        return self.alarms.get(limit, day)


#: The names of the limits, which are those of the fields of `Deadlines`.
LIMITS = ("answer", "refusal", "erase", "extended", "acknowledge")


def deadlines(
    clocks: Clocks, received: datetime, calendar: Calendar, later: Sequence[datetime] = (), *, is_extended: bool = False, stopped: int = 0
) -> Deadlines:
    """The last days under one regime. `later` are the moments that count beside receipt where the clock starts at the relevant time.

    `is_extended` says that a notice of extension with its reasons was sent in time; then the answer is due at the end of the extended limit.
    `stopped` days do not count (UK GDPR Art. 12A); the limit for the acknowledgement is never stopped.
    """
    moments = [received, *later] if clocks.start is ClockStart.RELEVANT_TIME else [received]
    start = calendar.day_of(max(moments))
    longer = clocks.extended if is_extended else None
    answering = longer or clocks.answer
    refusing = longer if longer is not None and clocks.refusal_extends else clocks.refusal
    answer = answering.last_day(start, calendar, stopped)
    early = timedelta(days=clocks.alarm_earlier)
    return Deadlines(
        answer=answer,
        refusal=refusing.last_day(start, calendar, stopped),
        erase=min(clocks.erase.last_day(start, calendar, stopped), answer),
        extended=clocks.extended.last_day(start, calendar, stopped) if clocks.extended else None,
        # Acknowledging a request needs no proof of identity, so this limit always runs from receipt.
        acknowledge=clocks.acknowledge.last_day(calendar.day_of(received), calendar) if clocks.acknowledge else None,
        alarms={
            "answer": answering.nominal(start, calendar, stopped) - early,
            "refusal": refusing.nominal(start, calendar, stopped) - early,
        }
        if early
        else {},
    )


def earliest(by_regime: Mapping[str, Deadlines]) -> Deadlines:
    """Several laws apply to one case: of each limit the earliest day counts. Raises `ValueError` where there is no regime."""
    if not by_regime:
        raise ValueError("a case without a regime has no deadline")
    days: dict[str, date] = {}
    set_by: dict[str, str] = {}
    alarms: dict[str, date] = {}
    for regime, found in by_regime.items():
        for limit in LIMITS:
            day: date | None = getattr(found, limit)
            alarm = found.alarm_of(limit)
            if day is not None and (limit not in days or day < days[limit]):
                days[limit], set_by[limit] = day, regime
            if alarm is not None and alarm < alarms.get(limit, date.max):
                alarms[limit] = alarm
    # An extension helps only as far as every law that applies allows one.
    if any(found.extended is None for found in by_regime.values()):
        days.pop("extended", None)
        set_by.pop("extended", None)
    return Deadlines(
        days["answer"],
        days["refusal"],
        days["erase"],
        days.get("extended"),
        days.get("acknowledge"),
        set_by,
        {limit: alarm for limit, alarm in alarms.items() if limit in days and alarm < days[limit]},
    )
