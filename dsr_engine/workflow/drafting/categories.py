"""Guesses what a field holds, from its name, its table, its type and sampled values, and says why. A guess is for a human to correct.

Two mistakes are not alike. A category too many costs a rule; a `selects` on a field that does not name its record's person makes the engine erase
what is not theirs. So categories are given where they are likelier than not, `selects` only where nothing speaks against it. What GDPR Art. 9 and 10
protect is recognised by name alone, never guessed from values.
"""

from dataclasses import dataclass, replace

from dsr_engine.content.discovery.recognizers import recognizer
from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.workflow.drafting.collection_words import Kind, Nature, kind_of, person_noun
from dsr_engine.workflow.drafting.concepts import CONCEPTS, DAYS, NUMBERS, TEXTS, Concept
from dsr_engine.workflow.drafting.evidence import MOSTLY, STRAY, Evidence
from dsr_engine.workflow.drafting.field_words import SPOILERS
from dsr_engine.workflow.drafting.identities import Identity, identity_in
from dsr_engine.workflow.drafting.reading import Reading, read_name, read_words
from dsr_engine.workflow.drafting.surroundings import Surroundings, surroundings, withheld

#: Words in names of days that are no birthdays.
_TIMES = SPOILERS | {
    "joined",
    "start",
    "started",
    "end",
    "ended",
    "entry",
    "first",
    "last",
    "member",
    "hired",
    "left",
    "death",
    "died",
    "graduated",
    "opened",
    "paid",
}
#: Below this a guess has no category: what speaks for and against it is in the reason.
THRESHOLD = 0.5
#: What a name that says it all is worth before any value was seen.
_NAMED = 0.8
_UNSURE = 0.65
_OF_A_THING = 0.75


@dataclass(frozen=True, slots=True)
class Guess:
    """What a field may hold. `reason` is plain words and holds no value; `confidence` is between 0 and 1.

    `selects` is a kind of selector (`spec.selector_kinds`) that the field equals where the record is the person's. `is_actor`: it only names somebody
    who acted. `search_text`: people may be mentioned inside.
    """

    category: str | None
    reason: str
    confidence: float
    selects: str | None = None
    is_actor: bool = False
    search_text: bool = False


def guess(collection: str, facts: FieldFacts, values: tuple[str, ...], distinct_share: float) -> Guess:
    """What the field holds. `values` are distinct samples as text, `distinct_share` their number for each row looked at that has one (0 to 1).

    Pure and bounded: the first 100 values are looked at, the first megabyte of each. Never raises.
    """
    kind = kind_of(collection)
    reading = _without_own_noun(read_name(facts.name), kind)
    evidence = Evidence.of(values, distinct_share)
    identity = identity_in(collection, kind, reading, facts)
    if identity is not None:
        return _identified(identity)
    if reading.is_actor and (evidence.strongest is None or evidence.strongest[0] in ("email", "name", "uuid")):
        return _acted(reading, evidence)
    best = _best(collection, kind, reading, facts, evidence)
    return _with_text(best, kind, reading, facts, evidence)


def _without_own_noun(reading: Reading, kind: Kind) -> Reading:
    """`comment_author` among comments is an author, not a comment."""
    words = reading.words
    is_of_people = kind.noun == "" or person_noun(kind.noun) is not None
    is_own = len(words) > 1 and not is_of_people and words[0] in (kind.noun, f"{kind.noun}s", kind.noun.removesuffix("s"))
    without = read_words(words[1:]) if is_own and len(reading.phrase) <= 1 else reading
    return without if without.concept or without.person else reading


def _best(collection: str, kind: Kind, reading: Reading, facts: FieldFacts, evidence: Evidence) -> Guess:
    around = surroundings(collection, kind, reading)
    named = _by_name(around, reading, facts, evidence)
    if named.category is not None and not _is_overruled(reading, evidence):
        return named
    seen = _by_values(around, reading, facts, evidence)
    if seen.category is None:
        return named if named.confidence >= seen.confidence else seen
    return replace(seen, reason=f"{named.reason}; but {seen.reason}") if reading.concept else seen


def _is_overruled(reading: Reading, evidence: Evidence) -> bool:
    """True if nearly all values are e-mail addresses where the name says something else (a `login`, a `contact`)."""
    return reading.concept not in (None, "email") and evidence.strongest is not None and evidence.strongest[0] == "email"


def _identified(identity: Identity) -> Guess:
    return Guess("user.unique_id", identity.reason, identity.confidence, identity.selects, identity.is_actor)


def _acted(reading: Reading, evidence: Evidence) -> Guess:
    """Whoever only did something with the record: their data, not their record."""
    looks_like_names = evidence.share("name") >= 0.5 or (evidence.lettered >= MOSTLY and not reading.is_id)
    if reading.words[-1] == "email" or (evidence.is_enough and evidence.share("email") >= MOSTLY):
        category = "user.contact.email"
    elif reading.words[-1] == "name" or (evidence.is_enough and looks_like_names):
        category = "user.name"
    else:
        category = "user.unique_id"
    return Guess(category, "named like somebody who acted on the record: it is not theirs", 0.85, is_actor=True)


def _by_name(around: Surroundings, reading: Reading, facts: FieldFacts, evidence: Evidence) -> Guess:
    if reading.concept is None:
        return Guess(None, "nothing in its name speaks of a person", 0.1)
    concept = CONCEPTS["salutation" if reading.concept == "title" and evidence.is_titles else reading.concept]
    said = f"named like {concept.says}"
    against = _against(around, reading, concept, facts)
    if against:
        return Guess(None, f"{said}, but {against}", 0.25)
    confidence = (_NAMED if around.is_plain else _UNSURE) + around.bonus
    confidence, words = _weighed(reading.concept, concept, evidence, confidence)
    # However sure it is that these are e-mail addresses, a firm's are only perhaps those of people.
    confidence = min(confidence, _OF_A_THING) if around.is_of_a_thing else confidence
    reason = ", ".join(part for part in (said, words, around.says) if part)
    if confidence < THRESHOLD:
        return Guess(None, reason, round(confidence, 2))
    selects, why_not = _selects(around, concept, facts, evidence, confidence)
    return Guess(concept.category, reason + why_not, round(min(confidence, 0.99), 2), selects, search_text=concept.is_text)


def _against(around: Surroundings, reading: Reading, concept: Concept, facts: FieldFacts) -> str:
    """What rules the concept out; empty if nothing does."""
    if reading.spoiler is not None:
        return f"`{reading.spoiler}` says that it is something about it"
    if facts.type not in concept.types:
        return f"its type ({facts.type.value}) does not fit"
    return around.rules_out(reading, concept)


def _weighed(name: str, concept: Concept, evidence: Evidence, confidence: float) -> tuple[float, str]:
    """The confidence after the values were looked at, and what they say."""
    if not evidence.is_enough:
        return confidence, "no values to look at" if not evidence.total else "hardly any values to look at"
    if concept.letters and evidence.lettered < 0.5:
        return confidence * 0.4, "but most sampled values have no letters"
    if name in ("phone", "fax") and evidence.dialable < 0.4:
        return confidence * 0.4, "but most sampled values cannot be dialled"
    if name == "first name" and evidence.given_names >= 0.3:
        return 0.97, f"{round(evidence.given_names * 100)} % of the sampled values are frequent given names"
    return _by_shapes(concept, evidence, confidence)


def _by_shapes(concept: Concept, evidence: Evidence, confidence: float) -> tuple[float, str]:
    for shape in concept.shapes:
        if evidence.share(shape) >= MOSTLY:
            return max(confidence, 0.97), evidence.says(shape)
    if concept.must_fit and evidence.share(*concept.shapes) < STRAY:
        return confidence * 0.4, f"but only {evidence.says(concept.shapes[0])}"
    other = evidence.strongest
    if other is not None and other[0] in ("uuid", "ip", "mac", "iban", "birth date") and other[0] not in concept.shapes and concept.shapes:
        return confidence * 0.5, f"but {evidence.says(other[0])}"
    return confidence, ""


def _selects(around: Surroundings, concept: Concept, facts: FieldFacts, evidence: Evidence, confidence: float) -> tuple[str | None, str]:
    """The kind of selector that the field equals, if its record is then that person's; and why not, as the end of a sentence."""
    if concept.selects is None:
        return None, ""
    if confidence < 0.6:
        return None, "; too unsure to say whose the record is"
    if around.is_of_a_person and evidence.total >= 3 and evidence.distinct_share < 0.02:
        return None, "; many people share one value, so it does not say whose the record is"
    why_not = withheld(around, concept, facts)
    return (None, f"; {why_not}") if why_not else (concept.selects, "")


def _by_values(around: Surroundings, reading: Reading, facts: FieldFacts, evidence: Evidence) -> Guess:
    """What the values alone say. A shape that a grammar or check digits vouch for is believed anywhere, looks only where people are."""
    found = evidence.strongest
    if around.is_of_a_person and facts.type in DAYS | TEXTS and evidence.are_birthdays and not _TIMES.intersection(reading.words):
        return Guess("user.date_of_birth", "days that are spread as birthdays are, though its name does not say so", 0.55)
    if found is None:
        return _names_alone(around, reading, facts, evidence)
    shape = recognizer(found[0])
    if shape.category is None or facts.type not in TEXTS | NUMBERS:
        return Guess(None, "nothing in its name or values speaks of a person", 0.1)
    if not shape.is_validated and not (around.is_about_people and shape.name in ("name", "street", "coordinates", "user agent", "profile", "cookie")):
        return Guess(None, f"{evidence.says(shape.name)}, but its name does not say so", 0.35)
    confidence = (0.75 if shape.is_validated else 0.6) + (0.1 if around.is_about_people else 0.0)
    owns = shape.name == "email" and around.is_of_a_person and not around.companion and found[1] >= 0.9
    owns = owns and (facts.is_unique or evidence.distinct_share >= 0.9) and evidence.total >= 10
    return Guess(shape.category, f"{evidence.says(shape.name)}, though its name does not say so", round(confidence, 2), "email" if owns else None)


def _names_alone(around: Surroundings, reading: Reading, facts: FieldFacts, evidence: Evidence) -> Guess:
    """Names of people need fewer hits: not everybody has a frequent given name, and where people and firms stand together some are firms."""
    needed = 0.3 if reading.concept in ("full name", "whole name") else 0.5
    if evidence.total >= 5 and facts.type in TEXTS and evidence.share("name") >= needed and not around.is_of_a_thing:
        confidence = 0.75 if around.is_about_people else 0.55
        return Guess("user.name", f"{evidence.says('name')}, though its name does not say so", confidence)
    return Guess(None, "nothing in its name or values speaks of a person", 0.1)


def _with_text(best: Guess, kind: Kind, reading: Reading, facts: FieldFacts, evidence: Evidence) -> Guess:
    """Marks texts to look inside, and documents that hold whatever an application puts there."""
    if facts.type is ValueType.JSON or (facts.type is ValueType.TEXT and evidence.are_documents):
        return _document(best, evidence)
    is_named_text = reading.concept is not None and CONCEPTS[reading.concept].is_text and reading.spoiler is None
    if facts.type is not ValueType.TEXT or not (is_named_text or evidence.is_prose):
        return _held(replace(best, search_text=False), facts, evidence)
    if is_named_text and evidence.is_list_of_words and not evidence.told_inside:
        return Guess(None, "named like a text, but the sampled values are a few short words that repeat", 0.2)
    if best.category is not None and not is_named_text:
        return replace(best, search_text=best.category.startswith("user.content"))
    return _text(best, kind, reading, evidence)


def _held(best: Guess, facts: FieldFacts, evidence: Evidence) -> Guess:
    """A field that is nothing by its name and as a whole, and that people stand in here and there."""
    if best.category is not None or facts.type is not ValueType.TEXT or not evidence.told_inside or evidence.strongest is not None:
        return best
    return Guess("user.content", f"a text in which people are named; {evidence.told_inside}", 0.55, search_text=True)


def _document(best: Guess, evidence: Evidence) -> Guess:
    if best.category is not None:
        return replace(best, search_text=True)
    if evidence.told_inside:
        return Guess("user", f"a JSON document; {evidence.told_inside}", 0.6, search_text=True)
    return Guess(None, "a JSON document that may hold anything", 0.3, search_text=True)


def _text(best: Guess, kind: Kind, reading: Reading, evidence: Evidence) -> Guess:
    mentions = f"; {evidence.told_inside}" if evidence.told_inside else ""
    if best.category is not None:
        return replace(best, reason=best.reason + mentions, search_text=True)
    if reading.concept == "prose" and kind.nature in (Nature.THING, Nature.ORGANISATION) and not mentions:
        return replace(best, reason=f"a text about {kind.nature.value}", search_text=evidence.is_prose)
    reason = "a note" if reading.concept == "note" else "longer texts" if evidence.is_prose else "a text"
    if kind.nature in (Nature.PERSON, Nature.TEXT) or mentions:
        return Guess("user.content", f"{reason} {_PLACES[kind.nature]}{mentions}", 0.6, search_text=True)
    return Guess(None, f"{reason} {_PLACES[kind.nature]}; somebody may be mentioned inside", 0.4, search_text=True)


_PLACES = {nature: f"about {nature.value}" for nature in Nature} | {
    Nature.UNKNOWN: "in a collection whose name does not say what it is",
    Nature.TEXT: "that somebody wrote",
}
