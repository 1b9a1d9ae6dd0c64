"""From which date a period may run, and which fields say that a record is deleted or blocked although it is still there."""

import re
from collections.abc import Iterator

from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.drafting.draft import Role
from dsr_engine.workflow.drafting.naming import words_among
from dsr_engine.workflow.drafting.outline import Outline

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
#: Deadlines and other days that lie ahead, and days of a person's life: no period runs from them.
_NEVER = frozenset(
    (
        *(
            "birth",
            "birthday",
            "birthdate",
            "dob",
            "born",
            "due",
            "expires",
            "expire",
            "expiry",
            "expiration",
            "until",
            "required",
            "planned",
            "scheduled",
            "next",
        ),
        *("valid", "geburt", "geburtsdatum", "death", "token", "reset"),
    )
)
_TOUCHED = frozenset(
    {"updated", "modified", "changed", "update", "modification", "lastupdate", "synced", "sync", "refreshed", "imported", "geaendert"}
)
_MADE = frozenset({"created", "inserted", "creation", "create", "registered", "added", "signup", "signed", "joined", "since", "angelegt", "erstellt"})
_LAST = frozenset({"last", "latest", "recent", "letzte", "letzter"})
_ENDED = frozenset(
    {"ended", "end", "closed", "terminated", "termination", "cancelled", "canceled", "returned", "completed", "finished", "left", "exit", "close"}
)

_DELETED = frozenset({"deleted", "removed", "trashed", "geloescht", "discarded", "destroyed", "purged", "erased", "anonymized", "anonymised"})
_STATES = frozenset({"active", "activated", "enabled", "disabled", "inactive", "archived", "status", "state", "activebool"})
_FENCES = frozenset({"blocked", "restricted", "frozen", "suppressed", "locked", "gesperrt", "hidden"})
#: What stands beside those words where nobody divides them: `modifieddate`, `isdeleted`.
_BESIDE = frozenset(
    {"date", "day", "time", "datetime", "timestamp", "at", "on", "is", "was", "flag", "order", "invoice", "ship", "login", "seen", "by"}
)
_KNOWN = _NEVER | _TOUCHED | _MADE | _LAST | _ENDED | _DELETED | _STATES | _FENCES | _BESIDE


def find_dates(outline: Outline) -> None:
    """Proposes `starts: retention` for people and their records, and notes flags."""
    for entry in outline.collections:
        if outline.role(entry.name) is not Role.OTHER or any(not category.startswith("user.content") for category in outline.categories(entry.name)):
            _starts(outline, entry)
            _flags(outline, entry)


def _starts(outline: Outline, entry: CollectionFacts) -> None:
    ranked = sorted(
        (
            (rank, number, field, why)
            for number, field in enumerate(entry.fields)
            if (found := _start(outline, entry, field))
            for rank, why in (found,)
        ),
        key=lambda found: found[:2],
    )
    best = ranked[0][2].name if ranked and ranked[0][0] < _TOUCHED_RANK else None
    for rank, _, field, why in ranked:
        if rank == _TOUCHED_RANK and best is not None:
            outline.sheet.note(entry.name, f"{field.name} is no start of a period: {why.partition(':')[0]}")
            continue
        prefer = "; the one to prefer" if field.name == best and len(ranked) > 1 else ""
        outline.sheet.propose(rank < _TOUCHED_RANK, entry.name, field.name, f"{why}{prefer}{_unknown(outline, entry, field)}", starts="retention")


_TOUCHED_RANK = 9


def _start(outline: Outline, entry: CollectionFacts, field: FieldFacts) -> tuple[int, str] | None:
    """(rank, why) of a date from which a period may run, the best first; None if none may."""
    if not _is_date(outline, entry, field):
        return None
    parts = set(words_among(field.name, _KNOWN))
    category = outline.guess(entry.name, field.name).category or ""
    if _NEVER & parts or _DELETED & parts or "birth" in category:
        return None
    if _TOUCHED & parts:
        return _TOUCHED_RANK, "any change of the row moves it, also one by the system itself: a period that runs from it may never end"
    is_people = outline.role(entry.name).is_people
    if _LAST & parts:
        return (0 if is_people else 2), "the last time that something happened"
    if _ENDED & parts:
        return 1, "when it ended; a record that goes on has none"
    if _MADE & parts:
        return (5 if is_people else 4), "when the row came to be"
    return (6 if is_people else 3), "when it happened"


def _is_date(outline: Outline, entry: CollectionFacts, field: FieldFacts) -> bool:
    if field.type in (ValueType.DATE, ValueType.TIMESTAMP):
        return True
    values = outline.survey.values(entry.name, field.name)
    return field.type is ValueType.TEXT and bool(values) and all(_ISO.fullmatch(value) for value in values)


def _unknown(outline: Outline, entry: CollectionFacts, field: FieldFacts) -> str:
    sample = outline.survey.sample(entry.name)
    empty = sample.nulls.get(field.name, 0)
    said = f"; empty in {empty} of {sample.rows} rows looked at, whose period would not begin" if empty else ""
    return said + ("; a text, not a date: requests can read it, a sweep cannot judge by it" if field.type is ValueType.TEXT else "")


def _flags(outline: Outline, entry: CollectionFacts) -> None:
    for field in entry.fields:
        for note in _flag_notes(outline, entry, field):
            outline.sheet.note(entry.name, note)


def _flag_notes(outline: Outline, entry: CollectionFacts, field: FieldFacts) -> Iterator[str]:
    parts = set(words_among(field.name, _KNOWN))
    if _DELETED & parts:
        yield f"{field.name} marks rows as deleted that are still there; the engine erases them whatever it says"
    elif _FENCES & parts and field.type in (ValueType.BOOLEAN, ValueType.INTEGER):
        value = "true" if field.type is ValueType.BOOLEAN else "1"
        yield f"{field.name} may fence a record that has to stay: `restrict: {{set: {{{field.name}: {value}}}}}`"
    elif _STATES & parts and _is_flag(outline, entry, field):
        yield f"{field.name} tells the state of a row; a state that means deleted or inactive still holds the person"


def _is_flag(outline: Outline, entry: CollectionFacts, field: FieldFacts) -> bool:
    return field.type in (ValueType.BOOLEAN, ValueType.ENUM) or 0 < len(outline.survey.values(entry.name, field.name)) <= 12
