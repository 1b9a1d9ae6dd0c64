"""Reads the name of a field: which concept its words speak of, which words stand around it, and whether it only names somebody who acted."""

from dataclasses import dataclass
from functools import lru_cache

from dsr_engine.workflow.drafting.collection_words import person_noun
from dsr_engine.workflow.drafting.field_words import (
    ACTOR_PHRASES,
    BY,
    FILLERS,
    ID_FILLERS,
    ID_WORDS,
    LOOSE_PEOPLE,
    NO_DEEDS,
    NOTHING,
    PHRASES,
    SPOILERS,
    VOCABULARY,
    WRITERS,
)
from dsr_engine.workflow.drafting.naming import words_among

#: Concepts that are numbers: the `id` of `passport_id` is the number itself.
NUMBERS = frozenset({"national id", "tax number", "personal tax number", "passport", "licence", "insurance", "medical record", "iban"})
#: Concepts whose word at the end of a name says what the field is.
_HEADS = frozenset({"email", "phone", "fax"})
_LONGEST_PHRASE = max(len(phrase) for phrase in PHRASES)


@dataclass(frozen=True, slots=True)
class Reading:
    """`concept` names an entry of `concepts.CONCEPTS`; `rest` are the words around its phrase. `person` is the noun for people of an identifier
    (`customer_id`) and `around` what else stands there. `spoiler`: the word that says that it is something about the concept, not the concept.
    """

    words: tuple[str, ...]
    concept: str | None = None
    phrase: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    spoiler: str | None = None
    is_actor: bool = False
    person: str | None = None
    around: tuple[str, ...] = ()

    @property
    def is_id(self) -> bool:
        """True if it is called a number or key of something."""
        return bool(self.words) and (self.words[-1] in ID_WORDS or self.words[0] in ("id", "fk"))


@lru_cache(maxsize=8_192)
def read_name(field: str) -> Reading:
    """What the name of a field says; nothing is looked at but its words."""
    return read_words(words_among(field, VOCABULARY))


def read_words(spoken: tuple[str, ...]) -> Reading:
    """What these words say."""
    words = tuple(word for word in spoken if word not in FILLERS) or spoken
    if not words:
        return Reading(())
    phrase, start = _longest_phrase(words)
    rest = words[:start] + words[start + len(phrase) :] if phrase else words
    person, around = _person_of(words)
    named = PHRASES.get(phrase)
    if len(words) == 1 and not phrase and person is not None and person not in LOOSE_PEOPLE - WRITERS:
        named = "somebody"
    return Reading(
        words,
        None if named == NOTHING else named,
        phrase,
        rest,
        _spoiler(PHRASES.get(phrase), rest),
        _is_actor(spoken),
        person,
        around,
    )


def _spoiler(concept: str | None, rest: tuple[str, ...]) -> str | None:
    """The word that says that the field is about the concept."""
    return next((word for word in rest if word in SPOILERS and not (concept in NUMBERS and word == "id")), None)


def _longest_phrase(words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """The longest phrase in the words, of several the last, and where it begins. `emergency_contact_email` is an address, whosever it is."""
    if PHRASES.get(words[-1:]) in _HEADS and PHRASES.get(words[-2:], PHRASES[words[-1:]]) == PHRASES[words[-1:]] and words not in PHRASES:
        length = 2 if words[-2:] in PHRASES and len(words) > 1 else 1
        return words[-length:], len(words) - length
    for length in range(min(_LONGEST_PHRASE, len(words)), 0, -1):
        for start in range(len(words) - length, -1, -1):
            part = words[start : start + length]
            if part in PHRASES:
                return part, start
    return (), 0


def _person_of(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The noun for people in `customer_id`, `kundennr`, `id_cliente` or a bare `customer`, and the words beside it that mean something."""
    if len(words) == 1:
        return person_noun(words[0]), ()
    if not any(_is_number_of(words[place], words[place + step]) for place, step in ((0, 1), (-1, -1))):
        return None, ()
    others = [word for word in words if word not in ID_WORDS]
    nouns = [noun for word in others if (noun := person_noun(word)) is not None]
    if not nouns:
        return None, ()
    around = tuple(word for word in others if person_noun(word) is None and word not in ID_FILLERS)
    return nouns[-1], around + tuple(nouns[:-1])


def _is_number_of(word: str, beside: str) -> bool:
    """True for the `id` of `customer_id`, not for that of `customer_type_id`; `customer_ref_no` has two such words."""
    return word in ID_WORDS and (person_noun(beside) is not None or beside in ID_WORDS or beside in ID_FILLERS)


def _is_actor(words: tuple[str, ...]) -> bool:
    parts = words
    while len(parts) > 1 and (parts[-1] in ID_WORDS or parts[-1] in ("name", "email", "user", "username", "login")):
        parts = parts[:-1]
    if len(parts) > 1 and parts[-1] in BY and parts[-2] not in NO_DEEDS:
        return True
    if parts in ACTOR_PHRASES or words in ACTOR_PHRASES:
        return True
    return any(parts[-length:] in ACTOR_PHRASES for length in range(2, min(4, len(parts)) + 1))
