"""A drafted map as rows that a person corrects field by field; what is corrected goes into the text of the draft, whose comments stay.

The text is the truth: rows are read from it, beside them what the live catalogue said when the map was drafted, and the questions that the draft
could not answer. Following a question is a person's word that it is so.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dsr_engine.domain.errors import Conflict, InputWrong
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
        """What would be true, in words."""
        return ", and ".join(_says(key, value) for key, value in sorted(self.words.items(), key=lambda word: KEYS.index(word[0])))


def _says(key: str, value: str) -> str:
    match key:
        case "category":
            return f"it is {value}"
        case "selects":
            return f"the record is that person's (their {value.replace('_', ' ')})"
        case "references":
            return f"it points at {value}"
        case "role":
            return "it names who acted, not whose the record is"
        case "identifies":
            return "it is a further key of the person"
        case "carries":
            return "what it points at goes with the record"
        case "search":
            return "it is free text"
    return f"{key.replace('_', ' ')}: {value}"


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
    mapped = _written(text)
    found = []
    for name in dict.fromkeys((*known, *mapped)):
        entry = known.get(name, {})
        fields = _rows(entry.get("fields", ()), mapped.get(name, {}))
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
    known = next((entry["fields"] for entry in document.get("collections", ()) if entry["name"] == collection), ())
    return _rows(known, _written(text).get(collection, {}))


def _rows(known: Sequence[Mapping[str, Any]], written: Mapping[str, Mapping[str, str]]) -> tuple[FieldRow, ...]:
    live = {field["name"]: field for field in known}
    return tuple(_row(name, live.get(name), written.get(name, {})) for name in dict.fromkeys((*live, *written)))


def _row(name: str, known: Mapping[str, Any] | None, words: Mapping[str, str]) -> FieldRow:
    questions = tuple(
        Question(entry["words"], entry["reason"])
        for entry in (known or {}).get("suggested", ())
        if any(words.get(key) != value for key, value in entry["words"].items())
    )
    rest = ", ".join(f"{key}: {value}" for key, value in words.items() if key not in _SHOWN)
    return FieldRow(name, (known or {}).get("type", ""), words, rest, tuple((known or {}).get("reasons", ())), questions)


@lru_cache(maxsize=8)
def _written(text: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Collection → field → words, as the text says. Kept for the last few texts: a large one takes seconds to read, and pages ask again and again."""
    found = parse_document(text.encode(), "the map").root.get("collections")
    return {name: _fields(inner) for name, inner in found.items()} if isinstance(found, Block) else {}


def _fields(collection: object) -> Mapping[str, Mapping[str, str]]:
    fields = collection.get("fields") if isinstance(collection, Block) else None
    if not isinstance(fields, Block):
        return {}
    return {
        name: {key: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in inner.items()}
        for name, inner in fields.items()
        if isinstance(inner, Block)
    }


def seen_of(text: str, collection: str = "") -> str:
    """What stands for the fields of a collection, or for the whole text, as somebody sees it now."""
    shown = json.dumps(_written(text).get(collection, {}), sort_keys=True) if collection else text
    return hashlib.sha256(shown.encode()).hexdigest()


def refuse_changed(text: str, collection: str, seen: str) -> None:
    """Raises `Conflict` where a form was made of something else than what stands here now: it would silently undo what another one corrected."""
    if seen != seen_of(text, collection):
        raise Conflict("somebody else corrected this meanwhile", code="connect.changed", hint="open the page again; nothing of yours was kept")


def corrected(text: str, collection: str, said: Mapping[str, Correction]) -> str:
    """The text with what a person said of these fields; what nobody changed stays as it is written. Raises `SpecWrong` if it is no map then."""
    before = _written(text).get(collection, {})
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
