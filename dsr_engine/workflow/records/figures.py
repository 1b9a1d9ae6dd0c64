"""Figures of a year from the request log, with the day by which a law wants them published."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.figures import Figures, figures
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.records.replying import answered_by_now


@dataclass(frozen=True, slots=True)
class Publication:
    """That a law wants the figures of a year published: by which day, from how many people on (0: from anybody)."""

    regime: str
    by: date
    from_people: int
    cite: str


def figures_of(tx: Transaction, house: House, year: int, regime: str = "") -> Figures:
    """The figures of requests that were received in the year, under one regime or all. Raises `InputWrong` for a regime that nobody knows."""
    if regime and regime not in house.regimes:
        raise InputWrong(f"no such regime: {regime}", code="regime.unknown", hint=f"known are {', '.join(sorted(house.regimes))}")
    gone = sum(_is_counted(data, year, regime) for _, data in tx.ledger.find("log.ended"))
    kept = tx.request_log.list(date(year, 1, 1), date(year, 12, 31))
    return figures(answered_by_now(tx, house, kept), year, regime, erased=gone)


def publications(tx: Transaction, house: House, year: int, regime: str = "") -> tuple[Publication, ...]:
    """Which of the laws under which somebody asked in this year want its figures published, the earliest day first; of a named one anyway."""
    asked = tx.request_log.laws(date(year, 1, 1), date(year, 12, 31))
    found = [
        Publication(entry.name, date.fromisoformat(f"{year + 1}-{entry.metrics.publish_on}"), entry.metrics.from_people, entry.metrics.cite)
        for entry in house.regimes.values()
        if entry.metrics is not None and entry.metrics.publish_on and (entry.name == regime or (not regime and entry.name in asked))
    ]
    return tuple(sorted(found, key=lambda each: (each.by, each.regime)))


def drop_figures(tx: Transaction, house: House, year: int) -> Mapping[str, int]:
    """How the entries of deletion lists that were fetched in the year stand (Civ. Code § 1798.99.85); empty where none were fetched.

    Entries are counted, not consumers: one person may stand on several lists.
    """
    batches = [batch for batch in tx.drop.batches() if house.calendar.day_of(batch.received_at).year == year]
    if not batches:
        return {}
    counts = Counter(dict.fromkeys(("deleted", "opted_out", "exempted", "not_found", "unanswered"), 0))
    for batch in batches:
        for tally in tx.drop.tallies(batch.id):
            counts[tally.status.name.lower() if tally.status is not None else "unanswered"] += tally.count
    return {"received": sum(batch.items for batch in batches), "removed": sum(batch.removed for batch in batches), **counts}


def _is_counted(data: Mapping[str, object], year: int, regime: str) -> bool:
    regimes = data.get("regimes")
    return data.get("received") == year and (not regime or (isinstance(regimes, list) and regime in regimes))
