"""How people name the fields of their databases, in seven languages: phrases for each concept, and the words around them that change what is meant.

The phrases stand in `field_words.yaml`, the words around them in `around_words.yaml`; folded as `naming` folds names.
"""

from pathlib import Path

from dsr_engine.spec.loader import read_document
from dsr_engine.workflow.drafting.collection_words import KNOWN as COLLECTION_WORDS


def _texts(name: str) -> dict[str, str]:
    return {key: str(text) for key, text in read_document(Path(__file__).with_name(name), name).root.items()}


_AROUND = _texts("around_words.yaml")


def _set(name: str) -> frozenset[str]:
    return frozenset(_AROUND[name].split())


#: Left out before phrases are looked for.
FILLERS = _set("fillers")


def _phrases() -> dict[tuple[str, ...], str]:
    """Concept by phrase. A phrase belongs to one concept only."""
    found: dict[tuple[str, ...], str] = {}
    for concept, text in _texts("field_words.yaml").items():
        for phrase in text.split(";"):
            words = tuple(word for word in phrase.split() if word not in FILLERS)
            if found.setdefault(words, concept) != concept:
                raise ValueError(f"a phrase of two concepts: {' '.join(words)}")
    return found


#: What looks as if it spoke of a person, and does not.
NOTHING = "nothing"
PHRASES = _phrases()
SPOILERS = _set("spoilers")
QUALIFIERS = _set("qualifiers")
PERSONAL = _set("personal")
DELIVERING = _set("delivering")
ROLES = _set("roles")
COMPANIONS = _set("companions") | ROLES
ACTOR_PHRASES = frozenset(tuple(phrase.split()) for phrase in _AROUND["actors"].split(";"))
BY = _set("by")
NO_DEEDS = _set("no_deeds")
ID_WORDS = _set("id_words")
ID_FILLERS = _set("id_fillers")
LOOSE_PEOPLE = _set("loose_people")
WRITERS = _set("writers")
DESCRIBING = _set("describing")

VOCABULARY: frozenset[str] = frozenset().union(
    *PHRASES,
    *ACTOR_PHRASES,
    *(_set(name) for name in _AROUND if name != "actors"),
    COLLECTION_WORDS,
    ("last", "seen", "special", "instructions", "row", "opt", "in", "out"),
)
