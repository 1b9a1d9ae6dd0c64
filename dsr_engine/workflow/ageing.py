"""Which records have outlived their period: the queries of a retention sweep, made from the policy."""

from collections.abc import Iterator
from datetime import date, timedelta

from dsr_engine.domain.policy import Keep, Policy, Start, concerns
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import OlderThan


def cutoff_of(keep: Keep, today: date) -> date:
    """The latest start whose period is over today; a period ends with the last hour of its last day.

    With `to_year_end` the period begins at the end of the start's calendar year, so only starts in a year that is far enough back are due.
    """
    assert keep.period is not None
    latest = keep.period.before(today - timedelta(days=1))
    if not keep.to_year_end or (latest.month, latest.day) == (12, 31):
        return latest
    return date(latest.year - 1, 12, 31)


def age_queries(policy: Policy, system: System, today: date) -> Iterator[tuple[str, OlderThan]]:
    """One query for each collection and rule with a period, tagged by the rule's name.

    Only collections that the manifest lists can age: the catalogue does not know which date a period starts from. The most specific
    rule decides later, in the plan, so a query may bring more than is due and never less.
    """
    for collection in system.manifest.collections:
        for rule in policy.rules:
            keep = rule.keep
            if keep is None or keep.period is None or keep.start is None or not concerns(rule, system.name, collection.name):
                continue
            start = Start(tuple(_seen_from(collection.name, name) for name in keep.start.fields), keep.start.pick)
            yield rule.name, OlderThan(collection.name, start, cutoff_of(keep, today), dict(keep.while_))


def _seen_from(collection: str, name: str) -> str:
    head, dot, tail = name.partition(".")
    return tail if dot and head == collection else name
