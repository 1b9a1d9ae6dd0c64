"""Which data are kept for how long: what manifests know of the fields, and what the home's own policies say about them.

It is drawn from the same rules by which plans are made (`domain.policy.governing`): a privacy notice cannot promise anything else than what happens.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Datum, Keep, Policy, Treatment, governing
from dsr_engine.domain.system import CollectionMap, Discover, System
from dsr_engine.workflow.house import House

#: The name that stands for collections which no manifest lists and which are searched all the same.
OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Kept:
    """One category of data in one collection under one policy. `keeps` are all that may hold it, the most specific rule's first; the longest counts.

    `treatment` is what happens then; None where no rule covers it: nobody decided.
    """

    system: System
    collection: str
    category: str
    policy: Policy
    keeps: tuple[Keep, ...] = ()
    treatment: Treatment | None = None


def policies_at_work(house: House) -> tuple[Policy, ...]:
    """The policies of the home itself; where it has none, the one that cases take which name none. Shipped samples do not count."""
    own = [policy for _, policy in sorted(house.policies.items()) if is_own(house, policy)]
    chosen = house.policies.get(house.settings.policy)
    return tuple(own or ([chosen] if chosen is not None else []))


def is_own(house: House, policy: Policy) -> bool:
    """True for a policy whose file lies in the home."""
    return (house.settings.home / policy.source.file).is_file()


def kept_data(house: House) -> Iterator[Kept]:
    """Every category of every collection, under every policy at work; in the order of systems, collections, categories."""
    for policy in policies_at_work(house):
        for name in sorted(house.systems):
            system = house.systems[name]
            for collection, category, field in _data(system):
                rules = governing(policy, Datum(name, collection, field, category, Match.OWNS))
                keeps = tuple(rule.keep for rule in rules if rule.keep is not None)
                yield Kept(system, collection, category, policy, keeps, rules[0].then.treatment if rules else None)


def _data(system: System) -> Iterator[tuple[str, str, str]]:
    """(collection, category, one field of that category) of everything that may hold a person."""
    if system.is_disabled:
        return
    for collection in sorted(system.manifest.collections, key=lambda each: each.name):
        yield from ((collection.name, category, field) for category, field in sorted(_categories(collection).items()))
    if system.manifest.discover is not Discover.NONE:
        yield OTHERS, "user", ""


def _categories(collection: CollectionMap) -> dict[str, str]:
    """Category → the first field that has it. Fields that only name who acted are somebody else's."""
    found: dict[str, str] = {}
    for field in collection.fields:
        if field.category and not field.is_actor:
            found.setdefault(field.category, field.name)
    return found
