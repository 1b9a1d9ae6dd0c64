"""Why a person's data have to go, as an officer decided it: "the person asked" is no ground of its own (GDPR Art. 17(1))."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsr_engine.domain.policy import category_covers
from dsr_engine.domain.regime import Entitlement, Regime

#: The category that stands for all that is personal.
EVERYTHING = "user"

#: How an officer came to see that a ground holds. Codes: free text may name people and is not kept.
REASONINGS = {
    "assessed": "an officer assessed why the data are held, and found that the ground holds",
    "stated_by_person": "the person says so, and nothing speaks against it",
    "seen_in_records": "the controller's own records show it",
    "court_or_authority": "a court or an authority said so",
}


@dataclass(frozen=True, slots=True)
class Entitled:
    """Data of `category` have to go on the ground `entitlement` of the case's regimes. `by` is a person's random id, `reason` one of `REASONINGS`."""

    category: str
    entitlement: str
    reason: str
    by: str
    at: datetime

    def covers(self, category: str) -> bool:
        return self.category == EVERYTHING or category_covers(self.category, category)


def without_ground(regimes: Iterable[Regime], named: Iterable[Entitled], categories: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(regime, category) for which no ground of that regime was named; a regime without entitlements asks for none."""
    named, categories = tuple(named), tuple(categories)
    return tuple(
        (regime.name, category)
        for regime in regimes
        if regime.entitlements
        for category in categories
        if not any(entry.covers(category) and regime.entitlement_named(entry.entitlement) for entry in named)
    )


def absolute(regimes: Iterable[Regime], named: Iterable[Entitled]) -> Entitlement | None:
    """The entitlement that nothing is weighed against (an objection to direct marketing, Art. 21(3) GDPR); None if none was named."""
    words = {entry.entitlement for entry in named}
    return next((entry for regime in regimes for entry in regime.entitlements if entry.name in words and entry.absolute), None)
