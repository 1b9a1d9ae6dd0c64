"""Spans of time as people write them in policies: `8 years`, `35 days`."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class PeriodUnit(StrEnum):
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time in calendar units. Months and years keep the day of the month, or take the month's last day."""

    count: int
    unit: PeriodUnit

    def after(self, start: date) -> date:
        """The day on which the period that begins at `start` is over (Regulation 1182/71 Art. 3(2)(c) for months)."""
        if self.unit is PeriodUnit.DAYS:
            return start + timedelta(days=self.count)
        if self.unit is PeriodUnit.WEEKS:
            return start + timedelta(weeks=self.count)
        return self._shift_months(start, self.count * (12 if self.unit is PeriodUnit.YEARS else 1))

    def before(self, end: date) -> date:
        """The latest start whose period is over on `end`: `after(before(end)) <= end`, as late as possible."""
        if self.unit is PeriodUnit.DAYS:
            return end - timedelta(days=self.count)
        if self.unit is PeriodUnit.WEEKS:
            return end - timedelta(weeks=self.count)
        months = self.count * (12 if self.unit is PeriodUnit.YEARS else 1)
        start = self._shift_months(end, -months)
        # A shortened month maps several starts to one end: 29, 30 and 31 January all end on 28 February.
        while self.after(start + timedelta(days=1)) <= end:
            start += timedelta(days=1)
        return start

    @staticmethod
    def _shift_months(start: date, months: int) -> date:
        index = start.year * 12 + start.month - 1 + months
        year, month = divmod(index, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(start.day, last))

    def __str__(self) -> str:
        unit = self.unit.value[:-1] if self.count == 1 else self.unit.value
        return f"{self.count} {unit}"
