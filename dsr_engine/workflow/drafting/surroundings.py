"""Where a field stands: whether its table and the words beside its phrase make it a person's, and what forbids to say that the record is theirs."""

from dataclasses import dataclass

from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.workflow.drafting.collection_words import COLLEAGUES, Kind, Nature, kind_of, person_noun
from dsr_engine.workflow.drafting.concepts import Concept, Setting
from dsr_engine.workflow.drafting.field_words import COMPANIONS, DELIVERING, DESCRIBING, LOOSE_PEOPLE, PERSONAL, PHRASES, QUALIFIERS, ROLES, WRITERS
from dsr_engine.workflow.drafting.reading import NUMBERS, Reading

#: Concepts that are somebody's wherever they stand outside a person's record only where the name of the field says so.
_PLAIN_EVERYWHERE = frozenset(
    {
        "city",
        "state",
        "country",
        "address",
        "full name",
        "position",
        "prose",
        "employment",
        "salutation",
        "place",
        "state of health",
        "consent",
        "fingerprint",
    }
)
#: In a record of an event these bare words mean the event.
_OF_THE_EVENT = frozenset({"state", "full name", "salutation", "language"})
#: What says whose an organisation is, or how to reach it, as much as whose a person is.
_OF_ORGANISATIONS = frozenset(
    {"street", "address", "city", "state", "country", "postcode", "full name", "position", "tax number", "prose", "credit", "biography", "note"}
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`is_plain`: every word beside the phrase is known to leave its meaning. `companion`: a word that tells of one of several people."""

    kind: Kind
    is_plain: bool
    is_personal: bool
    is_delivered: bool
    companion: str | None
    other: Nature | None

    @property
    def is_of_a_person(self) -> bool:
        return self.kind.nature is Nature.PERSON or self.kind.noun in DESCRIBING

    @property
    def is_of_a_thing(self) -> bool:
        return self.kind.nature in (Nature.THING, Nature.ORGANISATION) and not self.is_personal

    @property
    def is_about_people(self) -> bool:
        if self.is_personal or self.is_of_a_person or self.kind.about_people:
            return True
        return self.kind.nature in (Nature.EVENT, Nature.ADDRESS, Nature.TEXT)

    @property
    def bonus(self) -> float:
        if self.is_of_a_person:
            return 0.1
        return -0.15 if self.is_of_a_thing else 0.0

    @property
    def says(self) -> str:
        if self.kind.nature is Nature.UNKNOWN:
            return ""
        return f"in a record of {self.kind.nature.value}"

    def rules_out(self, reading: Reading, concept: Concept) -> str:
        """Why a field of this name is not a person's here; empty if it may be."""
        if self.other is not None and concept.setting is not Setting.ANYWHERE:
            return f"it is about {self.other.value}"
        if concept.setting is Setting.ANYWHERE:
            return ""
        if concept.setting is Setting.PERSON:
            return "" if self.is_of_a_person or self._is_named_personal(reading) else "it does not stand in a record of a person"
        return self._rules_out_here(reading)

    def _rules_out_here(self, reading: Reading) -> str:
        if self.is_personal or self.is_of_a_person:
            return ""
        nature, name = self.kind.nature, reading.concept or ""
        if nature is Nature.THING or (nature is Nature.ORGANISATION and name in _OF_ORGANISATIONS):
            return f"the record is {nature.value}"
        if nature in (Nature.EVENT, Nature.TEXT) and name in _OF_THE_EVENT and not self.is_delivered:
            return "here it may be of the record itself"
        if nature is Nature.ADDRESS and name == "full name":
            return "here it may be of the record itself"
        if name == "prose" and self.is_delivered:
            return "it tells of a delivery"
        if nature is Nature.UNKNOWN and name in _PLAIN_EVERYWHERE and not self.is_delivered and not self.kind.about_people:
            return "nothing says that the record is about a person"
        return ""

    def _is_named_personal(self, reading: Reading) -> bool:
        return any(person_noun(word) is not None for word in reading.rest)


def surroundings(collection: str, kind: Kind, reading: Reading) -> Surroundings:
    """Where the field stands."""
    own = _own_words(collection)
    rest = [word for word in reading.rest if word not in own]
    people = [word for word in reading.words if person_noun(word) is not None]
    # Also inside the phrase: an `emergency contact number` is not the number of whose record it is.
    others = [word for word in reading.words if word not in own and not (word in WRITERS and kind.nature is Nature.TEXT)]
    companion = next((word for word in others if word in COMPANIONS or (person_noun(word) or "") in LOOSE_PEOPLE | COLLEAGUES), None)
    return Surroundings(
        kind,
        all(_is_plain(word, reading.concept) for word in rest),
        bool(people) or any(word in PERSONAL or word in ROLES for word in reading.words),
        any(word in DELIVERING for word in reading.words),
        companion,
        _other_nature(rest),
    )


def _is_plain(word: str, concept: str | None) -> bool:
    """True for a word that leaves the meaning: also one that says the same again (`telephone_portable`)."""
    is_number = word == "id" and concept in NUMBERS
    return is_number or word in QUALIFIERS or word in COMPANIONS or person_noun(word) is not None or PHRASES.get((word,)) == concept


def withheld(around: Surroundings, concept: Concept, facts: FieldFacts) -> str:
    """Why a record is not somebody's by this field alone; empty if it is."""
    kind = around.kind
    if around.companion is not None:
        return f"`{around.companion}` tells of one of several people, so the record is not theirs by this alone"
    if around.other is not None or not around.is_plain:
        return "its name says more than that, so the record is not theirs by this alone"
    if kind.nature in (Nature.THING, Nature.ORGANISATION):
        return f"the record is {kind.nature.value}, not the person's"
    if kind.purpose:
        return kind.purpose
    if concept.selects not in ("email", "username") and not around.is_of_a_person:
        return "a number on a record does not make it that person's"
    if concept.selects == "username" and kind.nature is Nature.UNKNOWN and not facts.is_unique:
        return "nothing says that the record is about a person"
    return ""


def _own_words(collection: str) -> frozenset[str]:
    noun = kind_of(collection).noun
    return frozenset({noun, f"{noun}s"})


def _other_nature(rest: list[str]) -> Nature | None:
    """What a noun beside the phrase is, where it is not for people: `product_name`, `company_email`."""
    for word in rest:
        if word in QUALIFIERS or word in PERSONAL or word in DELIVERING or (word,) in PHRASES:
            continue
        nature = kind_of(word).nature
        if nature in (Nature.THING, Nature.ORGANISATION):
            return nature
    return None
