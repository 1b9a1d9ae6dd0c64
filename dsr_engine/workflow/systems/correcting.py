"""A drafted map as rows that a person corrects field by field; what is corrected goes into the text of the draft, whose comments stay.

The text is the truth: rows are read from it, beside them what the live catalogue said when the map was drafted, and the questions that the draft
could not answer. Following a question is a person's word that it is so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dsr_engine.domain.errors import InputWrong
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.document import Block
from dsr_engine.spec.loader import parse_document
from dsr_engine.spec.writing import drop, put, scalar, written_at
from dsr_engine.workflow.drafting.draft import KEYS, SEVERAL

_TRUE = "true"
#: What a row shows and changes; the rest of a field's words stays as it is written.
_SHOWN = ("category", "selects", "identifies", "role", "references", "search")


@dataclass(frozen=True, slots=True)
class Question:
    """Something doubtful: the words that would be written, and what speaks for them."""

    words: Mapping[str, str]
    reason: str

    @property
    def says(self) -> str:
        return ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in self.words.items())


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: what the map says of it, its type in the live catalogue (empty: it is not there), and what is doubtful."""

    name: str
    type: str
    words: Mapping[str, str]
    rest: str
    reasons: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def whose(self) -> str:
        """`actor`, a kind of identifier, or nothing."""
        return "actor" if self.words.get("role") else self.words.get("selects", "")


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """One collection in the list of all. `doubts` counts its open questions; `personal` its fields with a category."""

    name: str
    rows: int | None
    about: str
    personal: int
    doubts: int
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says of one field. `whose`: `actor`, a kind of identifier, or nothing. `is_key`: its value is a further key of the person."""

    category: str
    whose: str
    is_key: bool
    references: str
    is_text: bool


def check_text(text: str) -> None:
    """Raises `SpecWrong` with every mistake, each at its line and column."""
    manifest_from(parse_document(text.encode(), "the map"))


def collections(document: Mapping[str, Any], text: str) -> tuple[CollectionRow, ...]:
    """Every collection that the live catalogue has or the map speaks of; those with questions and personal data first."""
    known = {entry["name"]: entry for entry in document.get("collections", ())}
    mapped = written_at(text, ("collections",))
    found = []
    for name in dict.fromkeys((*known, *mapped)):
        entry = known.get(name, {})
        fields = rows(document, text, name)
        about = entry.get("what", "not in the live catalogue") if known else ""
        found.append(
            CollectionRow(
                name,
                entry.get("rows"),
                about,
                sum(1 for row in fields if row.words.get("category")),
                sum(len(row.questions) for row in fields),
                entry.get("gap") or "",
            )
        )
    return tuple(sorted(found, key=lambda row: (not row.doubts, not row.personal, row.name)))


def rows(document: Mapping[str, Any], text: str, collection: str) -> tuple[FieldRow, ...]:
    """The fields of one collection, in the order of the catalogue."""
    known = {field["name"]: field for entry in document.get("collections", ()) if entry["name"] == collection for field in entry["fields"]}
    written = _fields(text, collection)
    return tuple(_row(name, known.get(name), written.get(name, {})) for name in dict.fromkeys((*known, *written)))


def _row(name: str, known: Mapping[str, Any] | None, words: Mapping[str, str]) -> FieldRow:
    questions = tuple(
        Question(entry["words"], entry["reason"])
        for entry in (known or {}).get("suggested", ())
        if any(words.get(key) != value for key, value in entry["words"].items())
    )
    rest = ", ".join(f"{key}: {value}" for key, value in words.items() if key not in _SHOWN)
    return FieldRow(name, (known or {}).get("type", ""), words, rest, tuple((known or {}).get("reasons", ())), questions)


def _fields(text: str, collection: str) -> Mapping[str, Mapping[str, str]]:
    node: object = parse_document(text.encode(), "the map").root
    for step in ("collections", collection, "fields"):
        node = node.get(step) if isinstance(node, Block) else None
    if not isinstance(node, Block):
        return {}
    return {
        name: {key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in inner.items()}
        for name, inner in node.items()
        if isinstance(inner, Block)
    }


def corrected(text: str, collection: str, said: Mapping[str, Correction]) -> str:
    """The text with what a person said of these fields; what nobody changed stays as it is written. Raises `SpecWrong` if it is no map then."""
    before = _fields(text, collection)
    for name, correction in said.items():
        text = _put(text, collection, name, _words_of(correction), before.get(name, {}))
    check_text(text)
    return text


def followed(document: Mapping[str, Any], text: str, collection: str, field: str, number: int) -> str:
    """The text with one question answered by yes: an actor is no owner, and the other way round. Raises `InputWrong` for one that is not open."""
    row = next((row for row in rows(document, text, collection) if row.name == field), None)
    if row is None or not 0 <= number < len(row.questions):
        raise InputWrong("there is no such question any more", code="connect.question", hint="look at the field again")
    words = {key: row.words[key] for key in _SHOWN if key in row.words}
    chosen = row.questions[number].words
    if "role" in chosen:
        words = {key: value for key, value in words.items() if key not in ("selects", "identifies")}
    if {"selects", "identifies"} & set(chosen):
        words.pop("role", None)
    text = _put(text, collection, field, {**words, **chosen}, row.words, beside=chosen)
    check_text(text)
    return text


def _words_of(said: Correction) -> Mapping[str, str]:
    words = {
        "category": said.category,
        "selects": said.whose if said.whose != "actor" else "",
        "identifies": _TRUE if said.is_key else "",
        "role": said.whose if said.whose == "actor" else "",
        "references": said.references,
        "search": "text" if said.is_text else "",
    }
    return {key: value for key, value in words.items() if value}


def _put(text: str, collection: str, field: str, words: Mapping[str, str], before: Mapping[str, str], beside: Mapping[str, str] | None = None) -> str:
    """Writes the words that rows show, and those `beside` them; a word that is as it was keeps the way in which it is written."""
    if {key: before[key] for key in _SHOWN if key in before} == words and not beside:
        return text
    path = ("collections", collection, "fields", field)
    raw = dict(written_at(text, path))
    kept = {key: value for key, value in raw.items() if key not in _SHOWN}
    if "references" not in words:  # neither goes anywhere any more
        kept = {key: value for key, value in kept.items() if key not in ("carries", "neutral")}
    said = {key: raw[key] if before.get(key) == value and key in raw else _value(key, value) for key, value in words.items()}
    whole = {**kept, **said}
    if not whole:
        return drop(text, path)
    order = [*(key for key in KEYS if key in whole), *(key for key in whole if key not in KEYS)]
    return put(text, path, "{" + ", ".join(f"{key}: {whole[key]}" for key in order) + "}")


def _value(key: str, value: str) -> str:
    if key == "neutral" or (value == _TRUE and key in ("identifies", "carries")):
        return value
    parts = [scalar(part) for part in value.split(SEVERAL)]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"
