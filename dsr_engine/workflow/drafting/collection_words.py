"""What the name of a table says about whose its records are: `customers` are people, `products` are not, `orders` belong to somebody.

The nouns stand in `collection_words.yaml`: those of ordinary databases in English, German, French, Spanish, Italian, Dutch and Portuguese.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from dsr_engine.spec.loader import read_document
from dsr_engine.workflow.drafting.naming import words_among


class Nature(StrEnum):
    """What one record of a collection is."""

    PERSON = "a person"
    ORGANISATION = "an organisation"
    THING = "a thing"
    EVENT = "something that happened with a person"
    ADDRESS = "an address"
    TEXT = "something that somebody wrote"
    UNKNOWN = "not known"


_SECTIONS = {
    "organisations": Nature.ORGANISATION,
    "things": Nature.THING,
    "events": Nature.EVENT,
    "addresses": Nature.ADDRESS,
    "texts": Nature.TEXT,
}
_WORDS = {
    name: str(text).split() for name, text in read_document(Path(__file__).with_name("collection_words.yaml"), "collection_words.yaml").root.items()
}
#: Nouns for people → the kind of selector that their key is.
PEOPLE = {noun: kind for kind, nouns in _WORDS.items() if kind.endswith("_id") for noun in nouns} | {noun: f"{noun}_id" for noun in _WORDS["others"]}
#: People whose records are about their work here: a link to one of them elsewhere mostly names who acted.
COLLEAGUES = frozenset((*_WORDS["employee_id"], *_WORDS["colleagues"]))
#: A `client` beside them is one of those, not a customer.
PROGRAMS = frozenset(_WORDS["programs"])
_BY_NATURE = {nature: frozenset(_WORDS[section]) for section, nature in _SECTIONS.items()}
#: In front of or behind a noun they change nothing: `tbl_customers`, `customers_backup`, `dim_customer`.
_FILLERS = frozenset(
    (
        *("tbl", "tb", "t", "dim", "fact", "stg", "staging", "raw", "tmp", "temp", "bak", "backup", "old", "new", "all", "the", "app", "auth", "sys"),
        *("archive", "archived", "archiv", "copy", "main", "master", "public", "dbo", "v", "vw", "view", "list", "active", "crm", "erp", "web", "my"),
        *("legacy", "deleted", "current", "import", "imported", "export", "stammdaten", "stamm", "snapshot", "base", "core", "django", "wp"),
        *("registered", "end", "test", "demo", "sample", "tab", "s", "x", "z", "entity", "entities", "table"),
    )
)
#: Two words that are one noun.
_COMPOUNDS = {("sales", "person"): "salesperson", ("sales", "people"): "salespeople", ("customer", "user"): "user", ("app", "user"): "user"}
#: Folders that say where files are from or where they go, and nothing about what they hold.
_PLACES = frozenset(
    {"export", "exports", "import", "imports", "data", "dump", "dumps", "files", "uploads", "upload", "landing", "lake", "bronze", "silver", "gold"}
)
_FILE = re.compile(r"\*?\.(?:csv|tsv|tab|psv|json|jsonl|ndjson|parquet|avro|orc|xlsx?|xlsb|ods|sqlite3?|db)(?:\.(?:gz|bz2|xz|zst))?$", re.IGNORECASE)
_BARRED = frozenset(_WORDS["barred"])
_TRAILS = frozenset(_WORDS["trails"])
KNOWN = frozenset(PEOPLE).union(*_BY_NATURE.values(), _FILLERS, PROGRAMS, _BARRED, _TRAILS, {"sales"})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a collection is. `noun` is the word that says it, `key` the kind of selector of its key (people only).

    `about_people`: a noun for people stands somewhere in the name. `about_colleagues`: all of those are people who work here.
    `purpose`: why a record is not somebody's although it names them; mostly empty.
    """

    nature: Nature
    noun: str = ""
    key: str | None = None
    about_people: bool = False
    about_colleagues: bool = False
    purpose: str = ""


def singular(word: str, known: Collection[str]) -> str | None:
    """The form of the word that is known: itself, or without the ending of a plural."""
    forms = [word]
    if len(word) > 3:
        forms += [word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y", word.removesuffix("n")]
    return next((form for form in forms if form in known), None)


def person_noun(word: str) -> str | None:
    """The noun for people that this word is, if it is one."""
    return singular(word, PEOPLE)


@lru_cache(maxsize=4_096)
def kind_of(collection: str) -> Kind:
    """What the name of a collection says; the part behind the last dot decides, a schema in front (`HumanResources.Employee`) does not."""
    return replace(_kind_of(collection), purpose=_purpose(collection))


def spoken(collection: str) -> str:
    """The part of a name that says what the records are: of a table that behind its schema, of files the path without ending."""
    if "/" in collection or "*" in collection or _FILE.search(collection):
        return _FILE.sub("", collection)
    return collection.rpartition(".")[2] or collection


def _purpose(collection: str) -> str:
    words = frozenset(words_among(spoken(collection), KNOWN))
    if words & _BARRED:
        return "a list of people who are not to be contacted: without the record they would be"
    return "a trail of what was done: whom it names only acted" if words & _TRAILS else ""


def _kind_of(collection: str) -> Kind:
    words = _joined([word for word in words_among(spoken(collection), KNOWN) if word not in _FILLERS and word not in _PLACES])
    natures = [_nature(word) for word in words]
    known = [found for found in natures if found is not None]
    people = [noun for nature, noun in known if nature is Nature.PERSON]
    if not known:
        return Kind(Nature.UNKNOWN)
    nature, noun = known[-1]
    about_colleagues = bool(people) and all(person in COLLEAGUES for person in people)
    if nature is Nature.PERSON and PEOPLE[noun] == "customer_id" and PROGRAMS.intersection(words):
        return Kind(Nature.THING, noun)
    if nature is Nature.PERSON and not _is_table_of_people(natures):
        return Kind(Nature.EVENT, noun, None, True, about_colleagues)
    if nature is not Nature.PERSON and natures[-1] is None and nature is not Nature.EVENT:
        nature = Nature.UNKNOWN if nature is Nature.THING else nature
    key = PEOPLE.get(noun) if nature is Nature.PERSON else None
    return Kind(nature, noun, key, bool(people), about_colleagues)


def _is_table_of_people(natures: list[tuple[Nature, str] | None]) -> bool:
    """False for links (`project_members`), for `pedidos_cliente`, whose language puts the noun first, and for `person_phone`."""
    others = {found[0] for found in natures if found is not None}
    return natures[-1] is not None and not others & {Nature.EVENT, Nature.THING, Nature.TEXT, Nature.ADDRESS}


def _joined(words: list[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        compound = _COMPOUNDS.get((found[-1], word)) if found else None
        if compound is not None:
            found[-1] = compound
        else:
            found.append(word)
    return found


def _nature(word: str) -> tuple[Nature, str] | None:
    person = person_noun(word)
    if person is not None:
        return Nature.PERSON, person
    for nature, nouns in _BY_NATURE.items():
        found = singular(word, nouns)
        if found is not None:
            return nature, found
    return None
