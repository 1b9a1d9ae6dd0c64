"""Which records have outlived their period: the queries of a retention sweep, made from the policy.

One query for each collection: a record is due when every rule that counts for it has let it go. `judgement` says the same of a record that was read,
and has the last word; the query lets the server find, order and count what is due, so that nothing else crosses the wire.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import KEEPING, Datum, Keep, Policy, Rule, Start, concerns, covers, specificity
from dsr_engine.domain.system import CollectionMap, System
from dsr_engine.drivers.driver import OlderThan


@dataclass(frozen=True, slots=True)
class Ageing:
    """What can fall due in one collection. `rule` is the most specific with a period: under its name the records are counted.

    `unknown` finds, rule by rule, records that have no start under it.
    """

    collection: str
    rule: Rule
    due: OlderThan
    unknown: tuple[tuple[Rule, OlderThan], ...]


def cutoff_of(keep: Keep, today: date) -> date:
    """The latest start whose period is over today; a period ends with the last hour of its last day.

    With `to_year_end` the period begins at the end of the start's calendar year, so only starts in a year that is far enough back are due.
    """
    assert keep.period is not None
    latest = keep.period.before(today - timedelta(days=1))
    if not keep.to_year_end or (latest.month, latest.day) == (12, 31):
        return latest
    return date(latest.year - 1, 12, 31)


def ageings(policy: Policy, system: System, today: date) -> Iterator[Ageing]:
    """What can fall due. Only collections that the manifest lists can age: the catalogue does not know which date a period starts from."""
    sorting = any(rule.when.message for rule in policy.rules)
    for collection in system.manifest.collections:
        reaching = [(rule, fields) for rule in policy.rules if (fields := _reached(rule, system, collection)) is not None]
        timed = [(rule, fields) for rule, fields in reaching if rule.keep is not None and rule.keep.period is not None]
        if all(rule.when.is_of_somebody for rule, _ in timed) or all(rule.then.treatment in KEEPING for rule, _ in reaching):
            continue
        first = max(timed, key=lambda entry: (not entry[1], specificity(entry[0].when)))
        ages = [_age(rule, fields, collection, today) for rule, fields in (first, *(entry for entry in reaching if entry is not first))]
        unknown = tuple((rule, replace(_age(rule, fields, collection, today), unknown=True)) for rule, fields in timed)
        yield Ageing(collection.name, first[0], replace(ages[0], also=tuple(ages[1:]), sorting=sorting), unknown)


def _reached(rule: Rule, system: System, collection: CollectionMap) -> tuple[str, ...] | None:
    """The fields through which the rule's `keep` counts for a record; `()`: for every record of the collection, None: for none."""
    if rule.keep is None or rule.when.match is Match.MENTIONS or not concerns(rule, system.name, collection.origin):
        return None
    if rule.when.is_of_mail and system.manifest.driver != "mailstore":
        return None
    # Where in a mail a person stands, and in whose mailbox, is not known of a mail that nobody was looked for in: such a rule counts for all of them.
    if rule.when.role is not None or (rule.when.category is None and rule.when.field is None):
        return ()
    fields = tuple(
        entry.name
        for entry in collection.fields
        if entry.category and covers(rule, Datum(system.name, collection.origin, entry.name, entry.category, Match.OWNS))
    )
    return fields or None


def _age(rule: Rule, fields: tuple[str, ...], collection: CollectionMap, today: date) -> OlderThan:
    keep = rule.keep
    assert keep is not None
    start = keep.start if keep.start is not None and keep.period is not None else Start(())
    seen = Start(tuple(_seen_from(collection.origin, name) for name in start.fields), start.pick)
    states = {_seen_from(collection.origin, name): values for name, values in keep.while_.items()}
    return OlderThan(collection.name, seen, cutoff_of(keep, today) if keep.period is not None else today, states, where_any=fields)


def _seen_from(collection: str, name: str) -> str:
    head, dot, tail = name.partition(".")
    return tail if dot and head == collection else name
