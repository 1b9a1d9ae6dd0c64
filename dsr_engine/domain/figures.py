"""The figures of a calendar year: how many requests came, how they ended, and how long they took (11 CCR § 7102, Civ. Code § 1798.99.85).

Counted are the requests that were *received* in the year, with how they stand today: a request of December that was answered in January counts for
December's year. Days are calendar days from receipt to the answer, the day of receipt not counted; where no answer is recorded, to the decision, and
how many those are is said. Withdrawn and open requests have no days. A case that a granted appeal opened is no further request: it stays the one that
was denied, and the log says how the appeal ended.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import Decision, LogEntry

#: The name of the row that adds all rights up.
ALL = "all"


@dataclass(frozen=True, slots=True)
class RightFigures:
    """The requests for one right (`all`: for any). `denied_by` counts whole denials and `kept_by` partial ones by ground; one may have several.

    `timed` requests have days; `by_decision` of them are measured to the decision. `late` were answered after the last day of their limit.
    """

    right: str
    received: int = 0
    complied_whole: int = 0
    complied_part: int = 0
    denied: int = 0
    withdrawn: int = 0
    open: int = 0
    denied_by: Mapping[str, int] = field(default_factory=dict)
    kept_by: Mapping[str, int] = field(default_factory=dict)
    timed: int = 0
    by_decision: int = 0
    late: int = 0
    median_days: Decimal | None = None
    mean_days: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """`regime` empty: requests under any law. `erased` requests of the year have no record any more, so these figures lack them."""

    year: int
    regime: str
    rights: tuple[RightFigures, ...]
    erased: int = 0

    @property
    def is_complete(self) -> bool:
        return self.erased == 0


def figures(entries: Iterable[LogEntry], year: int, regime: str = "", *, erased: int = 0) -> Figures:
    """The figures of the year: one row for each right that was asked for, and one for all."""
    counted = [
        entry
        for entry in entries
        if entry.received.year == year and not entry.appeal_of and (not regime or regime in (name for name, _ in entry.regimes))
    ]
    rows = [_of_right(right.value, [entry for entry in counted if entry.right is right]) for right in Right]
    return Figures(year, regime, (*(row for row in rows if row.received), _of_right(ALL, counted)), erased)


def _of_right(right: str, entries: Sequence[LogEntry]) -> RightFigures:
    def ended(decision: Decision | None) -> int:
        return sum(entry.decision is decision for entry in entries)

    days = [entry.days for entry in entries if entry.days is not None]
    return RightFigures(
        right=right,
        received=len(entries),
        complied_whole=ended(Decision.FULFILLED),
        complied_part=ended(Decision.PARTLY),
        denied=ended(Decision.REFUSED),
        withdrawn=ended(Decision.WITHDRAWN),
        open=ended(None),
        denied_by=_grounds(entries, Decision.REFUSED),
        kept_by=_grounds(entries, Decision.PARTLY),
        timed=len(days),
        by_decision=sum(entry.answered is None and entry.days is not None for entry in entries),
        late=sum(_is_late(entry) for entry in entries),
        median_days=_rounded(_median(sorted(days))) if days else None,
        mean_days=_rounded(Fraction(sum(days), len(days))) if days else None,
    )


def _grounds(entries: Iterable[LogEntry], decision: Decision) -> Mapping[str, int]:
    found = Counter(ground for entry in entries if entry.decision is decision for ground in entry.basis)
    return dict(sorted(found.items()))


def _is_late(entry: LogEntry) -> bool:
    """True if the answer, or the decision where no answer is recorded, came after the limit."""
    end, last = entry.answered or entry.decided, entry.last_day("refusal" if entry.decision is Decision.REFUSED else "answer")
    return entry.decision is not Decision.WITHDRAWN and end is not None and last is not None and end > last


def _median(days: Sequence[int]) -> Fraction:
    """The median of days in their order."""
    return Fraction(days[(len(days) - 1) // 2] + days[len(days) // 2], 2)


def _rounded(exact: Fraction) -> Decimal:
    """Days to one decimal, halves up; exact until then."""
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.1"), ROUND_HALF_UP)
