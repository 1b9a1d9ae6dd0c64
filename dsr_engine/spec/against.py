"""Holds a policy against the systems that it is for: what nobody decided about, and what it speaks of that is not there.

Only what manifests list can be checked before a search. A table that only the live catalogue knows is checked when a plan is made: a found
field that no rule covers blocks approval.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Datum, Policy, Rule, Treatment, governing
from dsr_engine.domain.source import Source
from dsr_engine.domain.system import CollectionMap, Discover, System
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.spec.problems import SpecProblem

_UNABLE = frozenset({Treatment.VOID, Treatment.ARCHIVE})
#: Fields of mail whose values are words in small letters.
_STATES_OF_MAIL = frozenset({"flags", "sender_domain"})


def check_against(policy: Policy, systems: Mapping[str, System]) -> tuple[SpecProblem, ...]:
    """Gaps (`is_gap`) and contradictions between a policy and the manifests of these systems."""
    return tuple(problem for part in (_without_owner(policy), _rules(policy, systems), _collections(policy, systems)) for problem in part)


def _without_owner(policy: Policy) -> Iterator[SpecProblem]:
    if not policy.owner:
        yield SpecProblem(policy.source, "owner", "nobody owns this policy: name a person or a team", is_gap=True)


def _rules(policy: Policy, systems: Mapping[str, System]) -> Iterator[SpecProblem]:
    for index, rule in enumerate(policy.rules):
        path = f"rules.{index}"
        if rule.then.treatment in _UNABLE:
            yield SpecProblem(rule.source, f"{path}.then", f"no driver can {rule.then.treatment} yet; use restrict or retain")
        yield from _unknown_names(rule, path, systems)
        yield from _never_mail(rule, path, systems)
        yield from _never_so_written(rule, path, systems)


def _never_so_written(rule: Rule, path: str, systems: Mapping[str, System]) -> Iterator[SpecProblem]:
    """A state of mail that is not written as mail has it: it would never hold, and what was to be kept would go."""
    states = rule.keep.while_ if rule.keep is not None and _is_about_mail(rule, systems) else {}
    for name in _STATES_OF_MAIL.intersection(states):
        for value in states[name]:
            right = value.lower().lstrip("\\@")
            if value != right:
                yield SpecProblem(rule.source, f"{path}.keep.while.{name}", f"no mail has this: write {right} (small letters, no sign before it)")


def _is_about_mail(rule: Rule, systems: Mapping[str, System]) -> bool:
    """True if every record for which the rule can hold is a mail."""
    named = rule.when.system or (rule.when.collection.partition(".")[0] if rule.when.collection else "*")
    meant = [system for name, system in systems.items() if fnmatchcase(name, named)]
    return rule.when.is_of_mail or (bool(meant) and all(system.manifest.driver == "mailstore" for system in meant))


def _never_mail(rule: Rule, path: str, systems: Mapping[str, System]) -> Iterator[SpecProblem]:
    """A rule about mail that names a system in which there is none."""
    when = rule.when
    name = when.system or (when.collection.partition(".")[0] if when.collection else "")
    system = systems.get(name)
    if when.is_of_mail and system is not None and system.manifest.driver != "mailstore":
        key = "message" if when.message else "mailbox" if when.mailbox else "category"
        yield SpecProblem(rule.source, f"{path}.when.{key}", f"never true: {name} is no mail store")


def _unknown_names(rule: Rule, path: str, systems: Mapping[str, System]) -> Iterator[SpecProblem]:
    when = rule.when
    exact = when.collection if when.collection and "*" not in when.collection else None
    system_name, _, collection_name = exact.partition(".") if exact else (when.system, "", "")
    if system_name is None:
        return
    system = systems.get(system_name)
    if system is None:
        key = "collection" if exact else "system"
        yield SpecProblem(rule.source, f"{path}.when.{key}", f"no system {system_name}{did_you_mean(system_name, systems)}")
    elif exact:
        yield from _unknown_collection(rule, path, system, collection_name)


def _unknown_collection(rule: Rule, path: str, system: System, name: str) -> Iterator[SpecProblem]:
    manifest = system.manifest
    listed = manifest.collection_named(name)
    if listed is not None:
        yield from _unknown_fields(rule, path, system, listed)
        return
    hint = did_you_mean(name, [entry.name for entry in manifest.collections])
    if manifest.discover is Discover.NONE and manifest.driver != "manual":
        yield SpecProblem(rule.source, f"{path}.when.collection", f"connector {manifest.name} has no collection {name}{hint}")
    elif hint:
        message = f"connector {manifest.name} lists no collection {name}{hint}; list it there if the system has both"
        yield SpecProblem(rule.source, f"{path}.when.collection", message, is_gap=True)


def _unknown_fields(rule: Rule, path: str, system: System, listed: CollectionMap) -> Iterator[SpecProblem]:
    names = [field.name for field in listed.fields]
    if rule.when.field and rule.when.field not in names and (hint := did_you_mean(rule.when.field, names)):
        message = f"{system.name}.{listed.name} lists no field {rule.when.field}{hint}; list it there if the system has both"
        yield SpecProblem(rule.source, f"{path}.when.field", message, is_gap=True)
    for start in rule.keep.start.fields if rule.keep and rule.keep.start else ():
        yield from _unmarked_start(rule, path, system, listed, start)


def _unmarked_start(rule: Rule, path: str, system: System, listed: CollectionMap, start: str) -> Iterator[SpecProblem]:
    """A period may only run from a date that the manifest vouches for; a mistyped one would never start, and the data stay for good."""
    collection_name, _, field_name = start.rpartition(".")
    collection = system.manifest.collection_named(collection_name) if collection_name else listed
    if collection is None:
        names = [entry.name for entry in system.manifest.collections]
        hint = did_you_mean(collection_name, names)
        yield SpecProblem(rule.source, f"{path}.keep.from", f"connector {system.manifest.name} lists no collection {collection_name}{hint}")
        return
    field = collection.field_named(field_name)
    if field is None or not field.starts_retention:
        starts = [entry.name for entry in collection.fields if entry.starts_retention]
        message = f"{system.name}.{collection.name}.{field_name} is not marked `starts: retention` in {system.manifest.source.file}"
        yield SpecProblem(rule.source, f"{path}.keep.from", message + did_you_mean(field_name, starts))


def _collections(policy: Policy, systems: Mapping[str, System]) -> Iterator[SpecProblem]:
    for system in systems.values():
        if system.is_disabled:
            continue
        for collection in system.manifest.collections:
            if not collection.moved_from:  # its rules are those of the collection that its records come from
                yield from _gaps(policy, system, collection)


def _gaps(policy: Policy, system: System, collection: CollectionMap) -> Iterator[SpecProblem]:
    unruled: list[str] = []
    endless: list[str] = []
    for field in collection.fields:
        if field.category is None or field.is_actor:
            continue
        rules = governing(policy, Datum(system.name, collection.name, field.name, field.category, Match.OWNS))
        if not rules:
            unruled.append(field.name)
        elif not any(_ends(rule, system, collection) for rule in rules):
            endless.append(field.name)
    place = f"{system.name}.{collection.name}"
    if unruled:
        yield _gap(policy, collection.source, place, f"personal data without a rule in policy {policy.name}: {', '.join(unruled)}")
    if endless:
        yield _gap(
            policy, collection.source, place, f"no rule of policy {policy.name} gives it a period with a start that it has: {', '.join(endless)}"
        )


def _ends(rule: Rule, system: System, collection: CollectionMap) -> bool:
    """True if the rule gives this collection a period that can start: one of its dates is marked there, or in a linked collection."""
    if rule.keep is None or rule.keep.period is None or rule.keep.start is None:
        return False
    for start in rule.keep.start.fields:
        name, _, field_name = start.rpartition(".")
        at = system.manifest.collection_named(name) if name else collection
        field = at.field_named(field_name) if at else None
        if field is not None and field.starts_retention:
            return True
    return False


def _gap(policy: Policy, source: Source, place: str, message: str) -> SpecProblem:
    return SpecProblem(source if source.line else policy.source, place, message, is_gap=True)
