"""What `dsr catalog` lists: every word that may stand in a policy, a connector or a systems file, each with a sentence about it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dsr_engine.domain.anonymize import MethodName
from dsr_engine.domain.correspondence import ROLES, SORTS
from dsr_engine.domain.letter import ELEMENTS, LetterKind
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.system import Manifest
from dsr_engine.spec.categories import categories
from dsr_engine.spec.connector_file import DRIVERS, LATER_DRIVERS
from dsr_engine.spec.policy_file import LATER_TREATMENTS
from dsr_engine.spec.selector_kinds import KINDS

_TREATMENTS = {
    Treatment.DELETE: "the record goes; of a record that has to stay, the field is emptied",
    Treatment.ANONYMIZE: "the value is replaced by a method; counts as erased only with a stored assessment",
    Treatment.REDACT: "the person's words are cut out of a text, everything else stays",
    Treatment.RESTRICT: "it stays, fenced as the connector's `restrict` says",
    Treatment.RETAIN: "it stays as it is, and the certificate says why",
    Treatment.ASK: "a person decides about each record: erase it, redact it, or let it stay",
}
_METHODS = {
    MethodName.NULL: "no value; the field must allow it",
    MethodName.TOMBSTONE: "a fixed text, [erased]",
    MethodName.TEXT: 'a text of your own: {text: "former customer"}',
    MethodName.PSEUDONYM: "a keyed token, the same for the same value; never counts as erased",
    MethodName.GENERALIZE: "a coarser value: {generalize: year}, month, decade, postcode3 or ip24",
    MethodName.TRUNCATE: "the first characters: {truncate: 3}",
    MethodName.REDACT: "only the person's words in it are cut out",
    MethodName.FAKE: "a made-up value of the same form",
}
_LETTERS = {
    LetterKind.ACKNOWLEDGEMENT: "the request has arrived",
    LetterKind.CLARIFICATION: "a question to the requester",
    LetterKind.EXTENSION: "the answer takes longer, and why",
    LetterKind.COMPLETION: "everything that was found is erased",
    LetterKind.PARTIAL: "something had to stay, on which ground and until when",
    LetterKind.REFUSAL: "nothing is done, and why",
    LetterKind.CANNOT_IDENTIFY: "nobody can tell which data are the requester's",
    LetterKind.RESTRICTION_LIFTED: "data that were only stored are about to be used or erased again",
    LetterKind.CORRECTION: "data were found that an earlier letter had called erased",
}
_DRIVERS = {
    "sql": "PostgreSQL, MariaDB, MySQL, SQLite",
    "mailstore": "IMAP, Maildir, mbox, folders of .eml and .msg",
    "objectstore": "S3 buckets, folders and files",
    "manual": "no driver reaches it: a person does a task and says so",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One word. `later` is true for what the language knows and no driver can do yet."""

    name: str
    about: str
    later: bool = False


def catalog(manifests: Mapping[str, Manifest], regimes: Mapping[str, Regime]) -> Mapping[str, tuple[Entry, ...]]:
    """The words by section, in the order in which they are shown."""
    treatments = (*_entries(_TREATMENTS.items()), *(Entry(name, why, later=True) for name, why in LATER_TREATMENTS.items()))
    drivers = (*(Entry(name, _DRIVERS[name]) for name in DRIVERS), *(Entry(name, why, later=True) for name, why in LATER_DRIVERS.items()))
    return {
        "treatments": treatments,
        "methods": _entries(_METHODS.items()),
        "grounds": tuple(_grounds(regimes.values())),
        "connectors": tuple(Entry(manifest.name, manifest.about) for manifest in manifests.values()),
        "drivers": drivers,
        "selectors": _entries(KINDS.items()),
        "categories": _entries(categories().items()),
        "places_in_mail": _entries(ROLES.items()),
        "sorts_of_mail": _entries(SORTS.items()),
        "letters": tuple(Entry(kind.value, _LETTERS[kind]) for kind in LetterKind),
        "elements_of_letters": _entries(ELEMENTS.items()),
    }


def _grounds(regimes: Iterable[Regime]) -> Iterator[Entry]:
    """Every ground; what the laws of one file have in common stands there once."""
    shared: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for regime in regimes:
        for ground in regime.grounds:
            shared.setdefault((regime.source.file, ground.name, ground.about), []).append((regime.name, ground.cite))
    for (_, name, about), found in shared.items():
        (first, cite), *others = found
        more = f"; also in {len(others)} more of its file: `dsr regimes`" if others else ""
        yield Entry(f"{first}.{name}", f"{about} ({cite}{more})")


def _entries(words: Iterable[tuple[str, str]]) -> tuple[Entry, ...]:
    return tuple(Entry(str(name), about) for name, about in words)
