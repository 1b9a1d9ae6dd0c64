"""Links that no constraint declares: proposed where a name says so and the values agree, or where chance cannot explain that they agree.

That all values of a field exist among the keys of a table proves nothing by itself: the numbers 1 to 20 exist in every table that counts its rows.
So numbers need a name; only values that nobody meets by chance (UUIDs, long codes, numbers thinly spread over a wide range) can do without.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.drivers.driver import CollectionFacts, Link
from dsr_engine.drivers.survey import Containment
from dsr_engine.workflow.drafting.actors import names_an_actor
from dsr_engine.workflow.drafting.collection_words import Nature, kind_of
from dsr_engine.workflow.drafting.draft import listing
from dsr_engine.workflow.drafting.keynames import ends_like, is_called_after, is_generic, is_last_of, is_short_for, stem, words
from dsr_engine.workflow.drafting.survey import Survey

_KEYS = (ValueType.INTEGER, ValueType.NUMBER, ValueType.TEXT, ValueType.UUID)
_NUMBERS = (ValueType.INTEGER, ValueType.NUMBER)
#: Distinct values below which agreement is no evidence without a name.
_FEW = 20
#: Distinct values from which on full agreement, with a name, is written into the draft.
_ENOUGH = 3
#: The share of values that must exist at the target; links without a constraint have orphans.
_MOST_ORPHANS = 0.2
#: Keys per number of their range below which equal numbers are no coincidence.
_THIN = 0.01
#: Names of fields that lead to another record of the same table.
_UP = frozenset(
    {"parent", "manager", "superior", "supervisor", "boss", "reports", "reporting", "referrer", "referred", "predecessor", "original", "reply"}
)


class Name(IntEnum):
    """How far a field's name speaks for a link."""

    SILENT = 0
    HINT = 1
    ROLE = 2
    CLEAR = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A link that may be, and what its name says."""

    collection: str
    link: Link
    name: Name
    said: str


@dataclass(frozen=True, slots=True)
class Inferred:
    """A link that the values bear out. `is_sure`: it may stand in a draft; else it is a suggestion."""

    collection: str
    link: Link
    name: Name
    evidence: str
    is_sure: bool


def inferred_links(survey: Survey, skip: Iterable[tuple[str, str]], copies: Iterable[str]) -> tuple[Inferred, ...]:
    """The links, one for each field at most. `skip`: fields that identify a person themselves; `copies`: collections nobody means to point at."""
    found: dict[tuple[str, str], list[tuple[tuple[int, bool, int], Inferred]]] = {}
    candidates = _candidates(survey, frozenset(skip), frozenset(copies))
    for candidate in sorted(candidates, key=lambda entry: (-entry.name, entry.collection, entry.link.fields, entry.link.to_collection)):
        known = found.setdefault((candidate.collection, candidate.link.fields[0]), [])
        if known and known[0][0][0] > candidate.name:
            continue  # a better name has been borne out
        contained = survey.containment(candidate.collection, candidate.link)
        judged = _judged(candidate, contained) if contained is not None else None
        if judged is not None and contained is not None:
            known.append(((int(candidate.name), judged.is_sure, -contained.spread), judged))
    return tuple(_best(known) for known in found.values() if known)


def _best(found: Sequence[tuple[tuple[int, bool, int], Inferred]]) -> Inferred:
    """The best of several targets; of equal names the smaller one fits tighter, but then nothing is sure any more."""
    first, *others = (entry for _, entry in sorted(found, key=lambda each: each[0], reverse=True))
    rivals = [entry.link.to_collection for entry in others if entry.name == first.name and entry.is_sure == first.is_sure]
    if not rivals:
        return first
    return replace(first, is_sure=False, evidence=f"{first.evidence}; as much speaks for {listing(rivals, 3)}")


@dataclass(frozen=True, slots=True)
class _Target:
    """A key that may be pointed at. `is_telling`: nobody meets one of its values by chance."""

    entry: CollectionFacts
    key: FieldFacts
    is_telling: bool


def _candidates(survey: Survey, skip: frozenset[tuple[str, str]], copies: frozenset[str]) -> Iterator[Candidate]:
    known = [entry for entry in survey.facts if entry.name not in survey.unread and not entry.made_from]
    targets = [_Target(entry, key, _is_telling(survey, entry, key)) for entry in known if entry.name not in copies for key in _single_keys(entry)]
    for entry in known:
        declared = {name for link in entry.links for name in link.fields}
        for field in entry.fields:
            if field.type in _KEYS and field.name not in declared and (entry.name, field.name) not in skip and not is_polymorphic(entry, field.name):
                yield from _for_field(survey, entry, field, targets)


def _single_keys(entry: CollectionFacts) -> tuple[FieldFacts, ...]:
    return tuple(field for field in entry.fields if field.type in _KEYS and (field.is_unique or entry.key == (field.name,)))


def is_polymorphic(entry: CollectionFacts, name: str) -> bool:
    """True for `owner_id` beside `owner_type`: it points at one table or another, row by row."""
    parts = words(name)
    others = {words(field.name) for field in entry.fields if field.type in (ValueType.TEXT, ValueType.ENUM)}
    return len(parts) > 1 and parts[-1] == "id" and any((*parts[:-1], end) in others for end in ("type", "class", "table", "kind", "model"))


def _for_field(survey: Survey, entry: CollectionFacts, field: FieldFacts, targets: Sequence[_Target]) -> Iterator[Candidate]:
    for each in targets:
        target, key = each.entry, each.key
        is_itself = target.name == entry.name and key.name == field.name
        if is_itself or not _is_same_kind(field, key):
            continue
        name, said = _name_evidence(entry, field, target, key)
        if name is Name.SILENT and not (each.is_telling and _meets(survey, entry, field, target, key)):
            continue
        yield Candidate(entry.name, Link((field.name,), target.name, (key.name,)), name, said)


def _is_same_kind(field: FieldFacts, key: FieldFacts) -> bool:
    return field.type is key.type or (field.type in _NUMBERS and key.type in _NUMBERS)


def _name_evidence(entry: CollectionFacts, field: FieldFacts, target: CollectionFacts, key: FieldFacts) -> tuple[Name, str]:
    if is_called_after(field.name, target.name):
        # `city.city` is the town's name, not a key of cities: a key says so, or is no word of its own table.
        is_key_like = stem(field.name) != words(field.name) or field.type is not ValueType.TEXT
        return (Name.CLEAR, "it is called after it") if target.name != entry.name and is_key_like else (Name.SILENT, "")
    if entry.key == (field.name,) or field.is_unique:
        return Name.SILENT, ""  # a key of its own is a link only where it is called after the other
    return _weaker_evidence(entry, field, target, key)


def _weaker_evidence(entry: CollectionFacts, field: FieldFacts, target: CollectionFacts, key: FieldFacts) -> tuple[Name, str]:
    is_other, is_main = target.name != entry.name, target.key == (key.name,)
    if is_other and field.name.lower() == key.name.lower() and not is_generic(key.name):
        return Name.CLEAR, "it is called as its key"
    if is_main and (ends_like(field.name, target.name) or (not is_generic(key.name) and ends_like(field.name, key.name))):
        return Name.ROLE, "its name ends with it"
    if is_main and is_other and is_last_of(field.name, target.name) and stem(field.name) != words(field.name):
        return Name.ROLE, "its name is the last word of it"
    if is_main and not is_other and _UP.intersection(words(field.name)):
        return Name.HINT, "its name speaks of another row of the same table"
    if is_main and is_other and is_short_for(field.name, target.name):
        return Name.HINT, "its name is short for it"
    if is_main and is_other and names_an_actor(field.name) and kind_of(target.name).nature is Nature.PERSON:
        return Name.HINT, "its name speaks of somebody who acted"
    return Name.SILENT, ""


def _is_telling(survey: Survey, target: CollectionFacts, key: FieldFacts) -> bool:
    """True if nobody meets one of these keys by chance."""
    values = survey.values(target.name, key.name)
    if len(values) < _FEW:
        return False
    if key.type is ValueType.UUID:
        return True
    numbers = [int(value) for value in values if value.lstrip("-").isascii() and value.lstrip("-").isdigit()]
    if len(numbers) == len(values):
        return len(numbers) / (max(numbers) - min(numbers) + 1) < _THIN
    # Codes have digits; words and names are told apart by what they mean, not by how they look.
    return sum(1 for value in values if len(value) >= 8 and any(map(str.isdigit, value))) > 0.9 * len(values)


def _meets(survey: Survey, entry: CollectionFacts, field: FieldFacts, target: CollectionFacts, key: FieldFacts) -> bool:
    """True if a value that was seen in the field was seen among the keys as well."""
    return not frozenset(survey.values(entry.name, field.name)).isdisjoint(survey.values(target.name, key.name))


def _judged(candidate: Candidate, found: Containment) -> Inferred | None:
    target = f"{candidate.link.to_collection}.{candidate.link.to_fields[0]}"
    if found.sampled == 0:
        if candidate.name < Name.ROLE:
            return None
        return Inferred(
            candidate.collection, candidate.link, candidate.name, f"{candidate.said}, and there are no values to compare with {target}", False
        )
    share = found.contained / found.sampled
    if not _is_borne_out(candidate, found, share):
        return None
    said = f"{candidate.said}, and " if candidate.said else "nothing in its name says so, but "
    evidence = f"{said}{found.contained} of {found.sampled} different values looked at exist in {target} (same type; that has {found.spread} or more)"
    is_sure = share == 1.0 and (found.sampled >= _ENOUGH or found.sampled == found.spread) and candidate.name >= Name.ROLE
    return Inferred(candidate.collection, candidate.link, candidate.name, evidence, is_sure)


def _is_borne_out(candidate: Candidate, found: Containment, share: float) -> bool:
    if candidate.name is Name.SILENT:
        return share == 1.0 and found.sampled >= _FEW
    if candidate.name is Name.HINT:
        return share == 1.0 and found.sampled >= _ENOUGH
    return share >= 1 - _MOST_ORPHANS
