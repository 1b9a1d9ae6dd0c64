"""The draft as a connector's YAML, with a comment for each guess. What is doubtful is a comment itself: the line that would replace the one above."""

import json
import re
from collections.abc import Iterator, Mapping

from dsr_engine.domain.errors import NotSupported
from dsr_engine.spec.loader import MOST_BYTES, MOST_NODES
from dsr_engine.workflow.drafting.draft import SEVERAL, CollectionDraft, Draft, FieldDraft, LinkDraft, Proposal, Role, Standing, one_line
from dsr_engine.workflow.drafting.holding import told_places

#: What begins a line that somebody may uncomment.
SUGGESTED = "#? "
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*")
#: Plain words that the loader reads as something else than a text.
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
#: The longest comment in characters.
_WIDTH = 150

_HEAD = """\
# A draft by `dsr map`: a human has to correct it before it is used.
# Each line has its reason above it. A line that begins with `#? ` is doubtful: it would take the place of the line before it. Remove the `#? `, and
# the line before, only if you know that it is so. What a record points at and what points at it is not the person's by that alone.
"""


def yaml_of(draft: Draft) -> str:
    """The text of the connector. It loads as it stands. Raises `NotSupported` if it would be larger than the engine reads."""
    for detail in (3, 2, 1):
        text = "".join(line + "\n" if line else "\n" for line in _lines(draft, detail))
        if len(text.encode()) <= MOST_BYTES and text.count(":") + text.count(",") < MOST_NODES * 0.8:
            return text
    raise NotSupported(
        f"the draft of {draft.name} is larger than a connector may be ({MOST_BYTES // 1024} KiB)",
        code="map.too_large",
        hint="give the system a `schema` and draft a connector for each",
    )


def _lines(draft: Draft, detail: int) -> Iterator[str]:
    """The lines: with all reasons (3), without those of what is written (2), without comments that are not suggestions (1)."""
    yield from _HEAD.splitlines()
    yield f"connector: {quoted(draft.name)}"
    yield f"driver: {draft.driver}"
    yield f"about: {json.dumps(one_line(draft.about), ensure_ascii=False)}"
    meant = _meant(draft)
    listed = [entry for entry in draft.collections if _is_listed(entry, meant)]
    is_any = any(_is_written(entry, meant) for entry in listed)
    if listed:
        yield "collections:" if is_any else f"{SUGGESTED}collections:"
        for entry in listed:
            yield from _collection(entry, detail, "" if _is_written(entry, meant) else SUGGESTED)
    if detail > 1:
        yield from _rest(draft, meant)
    else:
        yield from _comment(
            "Too long for a connector, so left out here: reasons, what stands in texts, what was not looked at. `--json` tells all of it.", 0
        )
    yield f"discover: {draft.discover if is_any and draft.discover else 'rest' if is_any else 'all'}"
    yield from _residuals(draft)


def _meant(draft: Draft) -> frozenset[str]:
    """Collections that fields refer to. They are listed, if only by their key: the loader takes one that is not for a mistyped other one."""
    references = (entry.words.get("references") for collection in draft.collections for field in collection.fields for entry in field.proposals)
    return frozenset(reference.rpartition(".")[0] for reference in references if reference)


def _is_listed(entry: CollectionDraft, meant: frozenset[str]) -> bool:
    return bool(entry.listed or entry.fence or (entry.name in meant and entry.key)) and _can_be_key(entry.name)


def _is_written(entry: CollectionDraft, meant: frozenset[str]) -> bool:
    return bool(entry.fence) or _has_fields(entry) or (entry.name in meant and bool(entry.key))


def _has_fields(entry: CollectionDraft) -> bool:
    return any(field.written and _can_be_key(field.name) for field in entry.fields)


def _can_be_key(name: str) -> bool:
    """The loader refuses names that cannot be printed; such a collection is searched with the rest."""
    return bool(name) and name.isprintable() and len(name) <= 128


def _collection(entry: CollectionDraft, detail: int, mark: str) -> Iterator[str]:
    """A collection of which nothing is written but suggestions would be an empty block, so then its head is a suggestion as well."""
    if detail > 1:
        yield from _about(entry)
    yield f"  {mark}{quoted(entry.name)}:"
    if entry.key and all(map(_can_be_key, entry.key)):
        yield f"    {mark}key: [{', '.join(map(quoted, entry.key))}]"
    if entry.fence:
        values = ", ".join(f"{quoted(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in entry.fence)
        yield f"    restrict: {{set: {{{values}}}}}"
    if entry.listed:
        yield f"    {'' if _has_fields(entry) else SUGGESTED}fields:"
    for field in entry.listed:
        if _can_be_key(field.name):
            yield from _field(field, detail)
    silent = [one_line(field.name) for field in entry.fields if not (field.written or field.suggested)]
    if silent and detail > 1:
        yield from _comment(f"nothing to say about: {', '.join(silent)}", 6)


def _about(entry: CollectionDraft) -> Iterator[str]:
    rows = "an unknown number of" if entry.rows is None else f"about {entry.rows}"
    yield from _comment(f"{entry.role}" if entry.extent and not entry.rows else f"{rows} rows; {entry.role}", 2)
    looked_at = [entry.extent] if entry.extent else []
    missing = [f"not wholly looked at: {entry.gap}"] if entry.gap else []
    for note in (*looked_at, *told_places(entry.traces), *entry.notes, *missing):
        yield from _comment(note, 2)
    yield from (line for link in _by_standing(entry) for line in _comment(link, 2))


def _by_standing(entry: CollectionDraft) -> Iterator[str]:
    """What the collection's links mean, in sentences."""
    for link in entry.links:
        yield f"{', '.join(link.link.fields)} → {link.link.to_collection}.{', '.join(link.link.to_fields)}: {_link_words(link)}"


def _link_words(link: LinkDraft) -> str:
    how = f"declared, on delete {link.link.on_delete.replace('_', ' ')}" if link.is_declared else "not declared"
    return (
        how
        + {
            Standing.OWNED: "; the record is that person's",
            Standing.PERHAPS: "; whose the record is, is for you to decide",
            Standing.PART: "; a part, it goes with its whole",
            Standing.ACTOR: "; names who acted, the record is not theirs",
            Standing.CARRIED: "; may carry it along, see below",
            Standing.PARENT: "; a parent, it stays",
            Standing.OTHER: "",
        }[link.standing]
    )


def _field(field: FieldDraft, detail: int) -> Iterator[str]:
    words = field.written
    if detail > 2:
        for entry in field.proposals:
            if entry.is_written and entry.reason:
                yield from _comment(f"{_named(entry)}: {entry.reason}", 6)
    if detail > 1:
        yield from (line for note in field.notes for line in _comment(note, 6))
    if words:
        yield f"      {quoted(field.name)}: {flow(words)}"
    for entry in field.suggested:
        if detail > 1:
            yield from _comment(f"perhaps {_named(entry)}: {entry.reason}", 6)
        yield f"      {SUGGESTED}{quoted(field.name)}: {flow(field.with_suggestion(entry))}"


def _named(entry: Proposal) -> str:
    return ", ".join(f"{key} {value}" if key == "category" else key for key, value in entry.words.items())


def _rest(draft: Draft, meant: frozenset[str]) -> Iterator[str]:
    """What is not listed, and what nobody looked at."""
    unlisted = [entry for entry in draft.collections if not _is_listed(entry, meant)]
    held = [entry for entry in unlisted if any(trace.clear for trace in entry.traces)]
    others = [entry for entry in unlisted if entry not in held]
    if held:
        yield from _comment("Personal data was seen in these, in texts that are no fields; `discover: rest` searches them:", 0)
        for entry in held:
            yield from _comment(f"  {entry.name}: {entry.extent}", 0)
            yield from (line for text in told_places(entry.traces) for line in _comment(f"    {text}", 0))
    if others:
        yield from _comment("Nothing personal was seen in these; `discover: rest` searches them all the same:", 0)
        for entry in others:
            yield from _comment(f"  {_other(entry)}", 0)
    if draft.gaps:
        yield from _comment("NOT IN THIS DRAFT, because it was not looked at or cannot be said here:", 0)
        for gap in draft.gaps:
            yield from _comment(f"  {gap}", 0)


def _other(entry: CollectionDraft) -> str:
    rows = "" if entry.rows is None or (entry.extent and not entry.rows) else f", about {entry.rows} rows"
    key = f": {entry.extent}" if entry.extent else f", key {', '.join(entry.key)}" if entry.key else ", no key"
    links = "".join(f"; {text}" for text in _by_standing(entry))
    notes = "".join(f"; {note}" for note in entry.notes)
    return f"{entry.name}{key}{rows}{links}{notes}{'; history' if entry.role is Role.HISTORY else ''}"


def _residuals(draft: Draft) -> Iterator[str]:
    if draft.residuals:
        yield "residuals:"
    for residual in draft.residuals:
        gone = f"{residual.gone_after.count} {residual.gone_after.unit.value}" if residual.gone_after else "null"
        yield f"  - {{what: {json.dumps(one_line(residual.what), ensure_ascii=False)}, gone_after: {gone}}}"


def _comment(text: str, indent: int) -> Iterator[str]:
    """A comment, cut into lines that can be read."""
    lead = " " * indent + "# " + " " * (len(text) - len(text.lstrip()))
    line = ""
    for word in one_line(text).split(" "):
        if line and len(lead) + len(line) + 1 + len(word) > _WIDTH:
            yield lead + line
            line = ""
        line = f"{line} {word}" if line else word
    yield lead + line


def flow(words: Mapping[str, str]) -> str:
    """`{category: user.name, carries: true}`."""
    return "{" + ", ".join(f"{key}: {_value(key, value)}" for key, value in words.items()) + "}"


def _value(key: str, value: str) -> str:
    if key == "neutral" or (value == "true" and key in ("identifies", "carries")):
        return value
    parts = [quoted(part) for part in value.split(SEVERAL)]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def quoted(text: str) -> str:
    """A name as YAML: plain where nothing in it means anything, else in double quotes, whose escapes are JSON's."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return json.dumps(text, ensure_ascii=False)
