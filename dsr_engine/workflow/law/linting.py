"""What a policy leaves open or says in vain, held against what connectors declare today.

It goes by declared fields, because only they are known before a search. Whatever a search discovers beside them is judged when a plan is made: what
no rule decides about blocks its approval.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from dsr_engine.domain.correspondence import ROLES, Sort, Whose
from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Datum, Policy, governing
from dsr_engine.domain.source import Source
from dsr_engine.domain.system import Discover, System
from dsr_engine.spec.against import check_against


@dataclass(frozen=True, slots=True)
class Remark:
    """`code`: `wrong`, `gap` (something is missing), `undecided` (a collection without a rule), `shadowed`, `unmatched`.

    `place` is `file:line:column`.
    """

    code: str
    place: str
    text: str


def linted(policy: Policy, systems: Mapping[str, System]) -> tuple[Remark, ...]:
    """Everything worth a look, in the order of how much it matters."""
    known = tuple(_declared(systems))
    gaps = tuple(
        Remark(
            "gap" if problem.is_gap else "wrong", place_of(problem.source), f"{problem.path}: {problem.message}" if problem.path else problem.message
        )
        for problem in check_against(policy, systems)
    )
    return (*gaps, *_rules(policy, known, systems), *_undecided_collections(policy, systems))


def _declared(systems: Mapping[str, System]) -> Iterator[Datum]:
    """Every declared field with a category, once as the person's own and once as a mention."""
    for system in systems.values():
        for collection in system.manifest.collections:
            for field in collection.fields:
                if field.category:
                    for match in Match:
                        yield Datum(system.name, collection.origin, field.name, field.category, match)
        if system.manifest.driver == "mailstore" and not system.is_disabled:
            yield from _of_mail(system)


def _of_mail(system: System) -> Iterator[Datum]:
    """What any mail may hold, in every folder that is listed, or in one that is not."""
    for collection in [entry.origin for entry in system.manifest.collections] or [""]:
        for match, role, sort, whose in product(Match, ROLES, Sort, Whose):
            yield Datum(system.name, collection, "", "user.contact.email", match, role, sort.value, whose.value)


def _rules(policy: Policy, known: tuple[Datum, ...], systems: Mapping[str, System]) -> Iterator[Remark]:
    """Rules that decide about nothing: no field is theirs, or a more specific rule always takes it."""
    covered: dict[str, int] = {}
    first: dict[str, int] = {}
    takers: dict[str, dict[str, int]] = {}
    for datum in known:
        rules = governing(policy, datum)
        for rule in rules:
            covered[rule.name] = covered.get(rule.name, 0) + 1
            taker = takers.setdefault(rule.name, {})
            taker[rules[0].name] = taker.get(rules[0].name, 0) + 1
        if rules:
            first[rules[0].name] = first.get(rules[0].name, 0) + 1
    discovers = any(system.manifest.discover is not Discover.NONE for system in systems.values())
    for rule in policy.rules:
        if not covered.get(rule.name):
            more = "; what a search discovers beside them may still be" if discovers else ""
            yield Remark("unmatched", place_of(rule.source), f"rule “{rule.name}”: nothing that a connector declares is about it{more}")
        elif not first.get(rule.name) and rule.keep is None:
            others = ", ".join(f"“{name}”" for name in takers[rule.name])
            yield Remark("shadowed", place_of(rule.source), f"rule “{rule.name}”: everything declared that it covers is decided by {others}")


def _undecided_collections(policy: Policy, systems: Mapping[str, System]) -> Iterator[Remark]:
    """Collections about which no rule says anything, each once."""
    for system in systems.values():
        for collection in system.manifest.collections:
            data = [Datum(system.name, collection.origin, field.name, field.category, Match.OWNS) for field in collection.fields if field.category]
            if data and not any(governing(policy, datum) for datum in data):
                text = f"{system.name}.{collection.name}: no rule decides about any of its {len(data)} personal fields; a case that finds it waits"
                yield Remark("undecided", place_of(collection.source), text)


def place_of(source: Source) -> str:
    """`file:line:column`, as editors jump to it."""
    return f"{source.file}:{source.line}:{source.column}"
