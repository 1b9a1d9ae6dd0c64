"""Which fields are numbers of people: the key of a table of people, and the numbers by which other records say whose they are."""

from dataclasses import dataclass

from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.errors import InputWrong
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.workflow.drafting.collection_words import COLLEAGUES, PEOPLE, PROGRAMS, Kind, Nature, person_noun
from dsr_engine.workflow.drafting.field_words import DESCRIBING, ID_FILLERS, ID_WORDS, LOOSE_PEOPLE, WRITERS
from dsr_engine.workflow.drafting.naming import raw_words
from dsr_engine.workflow.drafting.reading import Reading

_NUMBERED = frozenset({ValueType.INTEGER, ValueType.NUMBER, ValueType.UUID, ValueType.TEXT, ValueType.OTHER, ValueType.BINARY})

#: Nouns that in records of things mean other things.
_OF_TREES = frozenset({"parent", "child", "children", "subject", "agent", "profile", "profil", "perfil", "human", "personal"})


@dataclass(frozen=True, slots=True)
class Identity:
    """A number of a person, and whether the record is theirs (`selects`)."""

    reason: str
    confidence: float
    selects: str | None = None
    is_actor: bool = False


def identity_in(collection: str, kind: Kind, reading: Reading, facts: FieldFacts) -> Identity | None:
    """What kind of number of a person the field is; None if it is none."""
    if facts.type not in _NUMBERED:
        return None
    if kind.nature is Nature.PERSON and kind.key is not None:
        own = _own_number(kind, reading, facts)
        if own is not None:
            return own
    if reading.person is None or _means_something_else(reading, facts):
        return None
    return _number_elsewhere(collection, kind, reading)


def _means_something_else(reading: Reading, facts: FieldFacts) -> bool:
    """True for what only looks like a number of a person: a concept of its own, a deed, `customer_type_id`, a bare `customer` that is no number."""
    is_concept = reading.concept is not None and len(reading.phrase) == len(reading.words)
    is_bare_text = len(reading.words) == 1 and facts.type not in (ValueType.INTEGER, ValueType.UUID)
    return is_concept or is_bare_text or reading.is_actor


def _own_number(kind: Kind, reading: Reading, facts: FieldFacts) -> Identity | None:
    """The key of a table of people, or another number that only one of them has."""
    if not _is_own(kind, reading) or (reading.is_actor and not facts.is_key):
        return None
    if facts.is_key or reading.words in (("id",), ("uuid",), ("guid",)):
        is_sure = facts.is_key
        says = f"the key of a table of people ({kind.noun})" if is_sure else f"named like the key of a table of people ({kind.noun})"
        return Identity(says, 0.95 if is_sure else 0.75, known_kind(kind.key) if is_sure or facts.is_unique else None)
    if facts.is_unique or reading.person == kind.noun:
        return Identity("another number of the person; the table has a key besides", 0.75)
    return None


def _is_own(kind: Kind, reading: Reading) -> bool:
    """True if the name says `id`, or the number of what the table is called after, and nothing else."""
    nouns = {noun for word in reading.words if (noun := person_noun(word)) is not None}
    others = [word for word in reading.words if person_noun(word) is None and word not in ID_WORDS and word not in ID_FILLERS]
    is_numbered = any(word in ID_WORDS for word in reading.words)
    return is_numbered and not others and all(noun == kind.noun or PEOPLE[noun] == kind.key for noun in nouns)


def _number_elsewhere(collection: str, kind: Kind, reading: Reading) -> Identity | None:
    noun = reading.person or ""
    is_theirs = kind.nature not in (Nature.THING, Nature.ORGANISATION) or kind.about_people
    if noun in COLLEAGUES and all(word in COLLEAGUES for word in reading.around):
        return _colleague(kind, reading, noun)
    if noun in LOOSE_PEOPLE and not (noun in WRITERS and kind.nature is Nature.TEXT and not reading.around):
        return _loose(kind, noun)
    if reading.around:
        return Identity(f"the number of a person ({noun}), but its name says more, so the record is not theirs by this alone", 0.6)
    if PEOPLE[noun] == "customer_id" and PROGRAMS.intersection(raw_words(collection)):
        return None
    if not is_theirs:
        return Identity(f"the number of a person ({noun}), but the record is {kind.nature.value}", 0.6)
    if kind.purpose:
        return Identity(f"the number of a person ({noun}); {kind.purpose}", 0.7)
    return Identity(f"says whose the record is: the number of a person ({noun})", 0.85, known_kind(PEOPLE[noun]))


def _loose(kind: Kind, noun: str) -> Identity | None:
    """`owner_id`, `author_id`; the `parent_id` of a tree is nobody."""
    if noun in _OF_TREES and not kind.about_people:
        return None
    return Identity(f"the number of a person ({noun}) of whom the record says something; that does not make it theirs", 0.55)


def _colleague(kind: Kind, reading: Reading, noun: str) -> Identity:
    if (kind.about_colleagues or kind.noun in DESCRIBING) and noun not in LOOSE_PEOPLE and not reading.around:
        return Identity(f"says whose the record is: the number of a colleague ({noun})", 0.8, known_kind(PEOPLE[noun]))
    return Identity(f"the number of a colleague ({noun}) who dealt with the record: it is not theirs", 0.8, is_actor=True)


def known_kind(kind: str | None) -> str | None:
    """The kind of selector, if the engine takes it. No other is put in its place: two kinds of people with the same number are two people."""
    try:
        return check_kind(kind) if kind else None
    except InputWrong:
        return None
