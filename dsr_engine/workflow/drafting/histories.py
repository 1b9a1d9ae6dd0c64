"""Collections that keep what others once held: history, audit trails, backup copies. An erasure that forgets them leaves the person there."""

import re
from collections.abc import Iterator

from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.drafting.draft import Role
from dsr_engine.workflow.drafting.keynames import is_called_after, singular, words
from dsr_engine.workflow.drafting.outline import Outline

_MARKS = frozenset(
    (
        *("hist", "history", "historie", "histories", "historique", "historico", "audit", "audits", "aud", "log", "logs", "version", "versions"),
        *("archive", "archived", "archiv", "old", "backup", "bak", "bkp", "copy", "kopie", "tmp", "temp", "snapshot", "shadow", "journal", "deleted"),
        *("changes", "revisions", "revision", "trail", "save", "saved"),
    )
)
_DATE = re.compile(r"\d{4,8}")
#: Fields that a table must have before having all of them looks like a copy.
_LEAST = 4


def find_histories(outline: Outline) -> None:
    """Notes which collections are histories, of what, and why."""
    targets = {copying.into: copying.collection for copying in outline.survey.copies}
    for entry in outline.collections:
        base, why = _history_of(outline, entry, targets.get(entry.name, ""))
        if why:
            outline.histories[entry.name] = base
            outline.sheet.note(entry.name, why)


def _history_of(outline: Outline, entry: CollectionFacts, written_from: str) -> tuple[str, str]:
    base = _base_by_name(outline, entry)
    marks = _MARKS.intersection(words(entry.name))
    if written_from and (marks or _has_all_of(outline, entry, written_from)):
        return written_from, f"history: a trigger of {written_from} writes into it, so old values are copied here"
    if written_from:
        outline.sheet.note(entry.name, f"a trigger of {written_from} writes into it")
    if base and _has_all_of(outline, entry, base):
        return base, f"history or copy: called after {base}, and it has all of its fields"
    if base:
        return base, f"history or copy, as its name says: {base} once held what stands here"
    for other in _alike(outline, entry):
        if marks or _DATE.search(entry.name):
            return other, f"history or copy: it has all fields of {other}"
        outline.sheet.note(entry.name, f"it has all fields of {other}: a copy, a history or a more special kind of it?")
    if marks and words(entry.name)[0] != "login":
        return "", "a history or a log, as its name says: old values may stand here"
    return "", ""


def _base_by_name(outline: Outline, entry: CollectionFacts) -> str:
    """The collection that this one is called after, with a mark of a history or a date at either end."""
    schema, _, name = entry.name.rpartition(".")
    parts = words(name)
    rest = tuple(part for part in parts if part not in _MARKS and not _DATE.fullmatch(part))
    if len(rest) == len(parts) or not rest:
        return ""
    found = [other.name for other in outline.collections if other.name != entry.name and _same_words(words(other.name.rpartition(".")[2]), rest)]
    near = [other for other in found if other.rpartition(".")[0] == schema]
    return (near or found or [""])[0]


def _same_words(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return tuple(map(singular, one)) == tuple(map(singular, other))


def _has_all_of(outline: Outline, entry: CollectionFacts, base: str) -> bool:
    facts = outline.survey.collection(base)
    return facts is not None and len(facts.fields) >= _LEAST and _names(facts) <= _names(entry)


def _alike(outline: Outline, entry: CollectionFacts) -> Iterator[str]:
    """Collections all of whose fields this one has; of two with the same fields the one whose name comes first is the original."""
    for other in outline.collections:
        is_wider = _names(other) < _names(entry) or (_names(other) == _names(entry) and (len(other.name), other.name) < (len(entry.name), entry.name))
        if other.name != entry.name and len(other.fields) >= _LEAST and is_wider:
            yield other.name


def _names(entry: CollectionFacts) -> frozenset[str]:
    return frozenset(field.name.lower() for field in entry.fields)


def own_histories(outline: Outline) -> None:
    """Proposes that the history of a person's record is the person's."""
    for name, base in sorted(outline.histories.items()):
        key = outline.key(base) if base else None
        facts = outline.survey.collection(name)
        if key is None or facts is None or outline.role(base) is not Role.SUBJECT:
            continue
        field = _field_of_base(facts, base, key)
        if field is None or outline.sheet.written(name, field).get("selects"):
            continue
        is_own = next(entry for entry in facts.fields if entry.name == field).is_unique
        is_sure = not is_own and _has_all_of(outline, facts, base)
        outline.sheet.propose(
            is_sure,
            name,
            field,
            f"it holds the key of {base}" if is_sure else f"it may hold the key of {base}; make sure that it is not a number of its own",
            category="user.unique_id",
            selects=outline.kind(base),
            references=f"{base}.{key}",
        )


def _field_of_base(facts: CollectionFacts, base: str, key: str) -> str | None:
    names = [field.name for field in facts.fields]
    called = [name for name in names if is_called_after(name, base)]
    return next(iter(called), key if key in names else None)
