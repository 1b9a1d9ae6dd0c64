"""The record of a request: what is kept when the data are gone (11 CCR § 7101(b), 4 CCR 904-3 Rule 6.11, GDPR Art. 5(2), 24).

Nothing of the person stands in it. Its period is that of the regimes of the case; then the engine erases it itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from dsr_engine.domain.case import CaseKind, Outcome
from dsr_engine.domain.deadline import Deadlines
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.request import Manner, Right


class Decision(StrEnum):
    """How a request ended. PARTLY: something was kept, on the grounds that the row names."""

    FULFILLED = "fulfilled"
    PARTLY = "partly"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


#: The decision that each outcome of a case is.
DECISIONS: Mapping[Outcome, Decision] = {
    Outcome.FULFILLED: Decision.FULFILLED,
    Outcome.FULFILLED_WITH_EXCEPTIONS: Decision.PARTLY,
    Outcome.REFUSED: Decision.REFUSED,
    Outcome.WITHDRAWN: Decision.WITHDRAWN,
    Outcome.CANNOT_IDENTIFY: Decision.REFUSED,
}
#: Why a request may be denied, beside the grounds of its regimes.
DENIALS = ("manifestly_unfounded", "excessive", "cannot_identify", "unverified", "exempt", "not_held", "other")
#: For which of these reasons a person refuses a request that had no effect yet; the others are how a case ends by itself, or an answer.
REFUSALS = ("manifestly_unfounded", "excessive", "unverified", "exempt", "other")


class Punctuality(StrEnum):
    """Whether a limit was met. OPEN: its day has not come and nothing was done yet. NOT_RECORDED: nobody recorded when it was done."""

    IN_TIME = "in_time"
    LATE = "late"
    OPEN = "open"
    NOT_RECORDED = "not_recorded"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One request. `subject_ref` is random; `regimes` are (name, version). Days are those of the controller's calendar.

    `basis` says on which grounds something was denied, in whole (`refused`) or in part. `answer` is the nature of the response: the letter's kind, or
    `by_hand`. `limits` are the last days that ran when the row was last written (`answer`, `erase`, …), each with its ISO date. `appeal` is how the
    last appeal ended, or `open`; `appeal_of` is the case whose granted appeal opened this one. `acknowledged` is the day on which receipt was
    confirmed. `keep_months` and `to_year_end` come from the regimes; `keep_until` is the last day of the row, None while the request is open.
    """

    case: str
    subject_ref: str
    kind: CaseKind
    right: Right
    manner: Manner
    regimes: tuple[tuple[str, str], ...]
    received: date
    keep_months: int
    to_year_end: bool = False
    decision: Decision | None = None
    decided: date | None = None
    answered: date | None = None
    answer: str = ""
    basis: tuple[str, ...] = ()
    appeal: str = ""
    appeal_of: str = ""
    certificate: str = ""
    acknowledged: date | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
    keep_until: date | None = None

    @property
    def days(self) -> int | None:
        """Calendar days from receipt to the response, or to the decision where no response is recorded; the day of receipt does not count."""
        end = self.answered or self.decided
        return None if end is None or self.decision is Decision.WITHDRAWN else (end - self.received).days

    def last_day(self, limit: str) -> date | None:
        """The last day of this limit; None where the request has none."""
        text = self.limits.get(limit)
        return date.fromisoformat(text) if text else None


def punctuality(entry: LogEntry, today: date) -> Mapping[str, Punctuality]:
    """For each limit of the request, whether it was met. A withdrawn request has met nothing and missed nothing."""
    if entry.decision is Decision.WITHDRAWN:
        return {}
    is_refused = entry.decision is Decision.REFUSED
    done = {
        "acknowledge": entry.acknowledged,
        "refusal" if is_refused else "answer": entry.answered or _surely_after(entry, "refusal" if is_refused else "answer"),
        **({} if is_refused else {"erase": entry.decided}),
    }
    found = {}
    for limit, on in done.items():
        last = entry.last_day(limit)
        if last is not None:
            found[limit] = _met(on, last, today, is_closed=entry.decision is not None)
    return found


def _surely_after(entry: LogEntry, limit: str) -> date | None:
    """Nobody recorded the answer; where even the decision came after the limit, the answer did too."""
    last = entry.last_day(limit)
    return entry.decided if entry.decided is not None and last is not None and entry.decided > last else None


def _met(on: date | None, last: date, today: date, *, is_closed: bool) -> Punctuality:
    if on is not None:
        return Punctuality.IN_TIME if on <= last else Punctuality.LATE
    if today > last and not is_closed:
        return Punctuality.LATE
    return Punctuality.NOT_RECORDED if is_closed else Punctuality.OPEN


def last_days(limits: Deadlines) -> dict[str, str]:
    """The limits as the row keeps them."""
    days = {"acknowledge": limits.acknowledge, "answer": limits.answer, "refusal": limits.refusal, "erase": limits.erase}
    return {name: day.isoformat() for name, day in days.items() if day is not None}


def kept_until(closed: date, months: int, *, to_year_end: bool) -> date:
    """The last day of the record of a request that was closed on this day.

    `to_year_end`: the period begins with the end of that year, as limitation does in Germany (§ 199(1) BGB).
    """
    return Period(months, PeriodUnit.MONTHS).after(date(closed.year, 12, 31) if to_year_end else closed)
