"""From fields to records: what becomes of one record when its fields have been judged. Pure.

A record that belongs to the person is deleted as a whole when nothing in it has to stay. When something stays, the fields under `delete` are nulled
or tombstoned and the rest is left. In a record that only mentions the person nothing but the spans is touched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dsr_engine.domain.anonymize import FieldFacts, Method, MethodName
from dsr_engine.domain.finding import KEY, Finding, Match
from dsr_engine.domain.plan import Delete, DropPart, Edit, Effect, Fence, Point, Reason, RedactSpans, Relocate, Rewrite, SetValue
from dsr_engine.domain.policy import Then, Treatment, category_covers
from dsr_engine.domain.record import Locator
from dsr_engine.domain.selector import CARRIED
from dsr_engine.domain.system import CollectionMap
from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.judgement import Judged, Judgement


@dataclass(frozen=True, slots=True)
class Part:
    """One finding of a record: the record itself, or a part of a file that is a record of its own. `stays`: a person said so of the part."""

    id: str
    finding: Finding
    match: Match
    judgement: Judgement
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of the collection: the live facts (None for files), what the manifest says, and whether places are columns."""

    facts: CollectionFacts | None
    map: CollectionMap | None
    is_table: bool

    def field(self, name: str) -> FieldFacts:
        known = {entry.name: entry for entry in self.facts.fields} if self.facts else {}
        return known.get(name, FieldFacts(name))

    def is_key(self, name: str) -> bool:
        return self.facts is not None and name in self.facts.key

    def neutral(self, name: str) -> str | int | None:
        """The key of the neutral record that a link is pointed at where it may not be empty."""
        known = self.map.field_named(name) if self.map else None
        return known.neutral if known else None

    def is_link(self, name: str) -> bool:
        return self.facts is not None and any(name in link.fields for link in self.facts.links)


@dataclass(frozen=True, slots=True)
class Disposal:
    """What shall become of one record. `effect` None: it stays as it is. `fields` are those that its fingerprint covers.

    `is_carried`: the record is only the person's because one of theirs points at it; it stays where somebody else's points there too.
    `keeps_part`: a person said of a part that it stays, so the record around it never goes.
    """

    locator: Locator
    findings: tuple[str, ...]
    treatment: Treatment
    effect: Effect | None
    reasons: tuple[Reason, ...]
    fields: tuple[str, ...]
    categories: tuple[str, ...]
    stuck: str = ""
    is_carried: bool = False
    keeps_part: bool = False


def dispose(locator: Locator, parts: Iterable[Part], shape: Shape) -> Disposal:
    """What shall become of the record at `locator`, given the judgements of all its parts.

    `stuck` names why it cannot be done as judged (a place that cannot be rewritten): a person has to decide.
    """
    parts = tuple(parts)
    judged = tuple(entry for part in parts for entry in part.judgement.judged)
    reasons = tuple(dict.fromkeys(sorted((entry.reason for entry in judged), key=repr)))
    whole = next((part for part in parts if not part.finding.locator.inside and part.match is Match.OWNS), None)
    fields = tuple(sorted({_column(entry.place) for entry in judged} - {""})) if shape.is_table else ()
    categories = tuple(sorted({entry.category for entry in judged} - {""}))
    hits = [hit for part in parts for hit in part.finding.hits]
    is_carried = bool(hits) and all(hit.kind == CARRIED for hit in hits)
    ids, keeps_part = tuple(part.id for part in parts if not part.stays), any(part.stays for part in parts)
    base = Disposal(locator, ids, Treatment.RETAIN, None, reasons, fields, categories, is_carried=is_carried, keeps_part=keeps_part)
    # What has to stay of an attachment, or of a row in a file, keeps the file around it.
    if whole is not None and _all_deleted(whole.judgement) and not keeps_part and not any(entry.is_kept for entry in judged):
        return replace(base, treatment=Treatment.DELETE, effect=Delete())
    stuck = next((entry for entry in judged if not entry.is_kept and entry.hit is not None and not entry.hit.is_rewritable), None)
    if stuck is not None:
        return replace(base, stuck=f"the person stands in a place that cannot be rewritten ({_kind_of_place(stuck)})")
    staying = tuple(part.finding.locator.inside for part in parts if part.stays or any(entry.is_kept for entry in part.judgement.judged))
    edits = tuple(dict.fromkeys(edit for part in parts for edit in _edits(part, shape, staying)))
    kept = [entry for entry in judged if entry.is_kept]
    fence = _fences(kept, shape)
    to = _moved_to(kept, shape)
    if not edits and not fence and not to:
        return replace(base, treatment=_treatment(judged, edits))
    # What is set without having been judged, a fence, is watched too: else a record would seem to be what it is yet to become.
    watched = tuple(sorted({*fields, *(_column(edit.place) for edit in fence)}))
    effect = Relocate(edits, to) if to else Rewrite(edits + fence)
    return replace(base, treatment=_treatment(judged, edits), effect=effect, fields=watched)


def shell(disposal: Disposal, shape: Shape, categorised: Mapping[str, str]) -> Disposal | None:
    """The record as an anonymous shell, for one that others still point at; None if nobody said which of its fields are personal.

    What it carries goes the person's way or is shared with others: either way the shell does not point there any more, where its links can be cut.
    """
    carrying = {entry.name: entry.category or "" for entry in shape.map.fields if entry.carries} if shape.map else {}
    fields = {**carrying, **categorised}
    edits = tuple(edit for name in sorted(fields) if not shape.is_key(name) for edit in _emptied(name, fields[name], shape))
    if shape.map is None or not edits:
        return None
    watched = dict.fromkeys((*(edit.place for edit in edits), *disposal.fields))
    return replace(disposal, treatment=Treatment.ANONYMIZE, effect=Rewrite(edits), fields=tuple(watched))


def fixed_links(shape: Shape) -> tuple[str, ...]:
    """The links to what a record carries that a shell cannot let go of."""
    carrying = (entry.name for entry in shape.map.fields if entry.carries) if shape.map else ()
    return tuple(name for name in carrying if shape.is_link(name) and not shape.field(name).is_nullable and shape.neutral(name) is None)


def _all_deleted(judgement: Judgement) -> bool:
    return bool(judgement.judged) and all(entry.then.treatment is Treatment.DELETE for entry in judgement.judged) and not judgement.uncovered


def _kind_of_place(entry: Judged) -> str:
    return entry.place.partition(":")[0].partition("/")[0] or entry.category


def _column(place: str) -> str:
    return place.partition("/")[0]


def _edits(part: Part, shape: Shape, staying: Iterable[str]) -> list[Edit]:
    """What changes in a part. One that goes is dropped, unless one of those that stay lies in it."""
    within = part.finding.locator.inside
    if part.match is Match.OWNS and within and _all_deleted(part.judgement) and not any(each.startswith(f"{within}/") for each in staying):
        return [Edit(within, DropPart())]
    edits: list[Edit] = []
    for entry in part.judgement.judged:
        place = _column(entry.place) if shape.is_table else entry.place
        if entry.is_kept:
            continue
        if entry.hit is not None and entry.hit.form == KEY and (part.match is Match.MENTIONS or entry.then.treatment is Treatment.REDACT):
            edits += _unlinked(place, entry, part.match, shape)
        elif part.match is Match.MENTIONS or entry.then.treatment is Treatment.REDACT:
            edits += [Edit(place, RedactSpans())] if entry.hit is not None else []
        elif entry.then.treatment is Treatment.ANONYMIZE and entry.then.methods:
            edits += _by_method(place, entry, shape)
        else:
            edits += _emptied(place, entry.category, shape)
    return edits


def _unlinked(place: str, entry: Judged, match: Match, shape: Shape) -> list[Edit]:
    """A key is no text to cut spans from. Where somebody else's record points at the person's, it goes on doing so: the row there becomes a shell."""
    if match is Match.MENTIONS and shape.is_link(place):
        return []
    return _emptied(place, entry.category, shape)


def _by_method(place: str, entry: Judged, shape: Shape) -> list[Edit]:
    method = method_for(entry.category, entry.then)
    if method is None or (method.name is MethodName.REDACT and entry.hit is not None and entry.hit.form == KEY):
        return _emptied(place, entry.category, shape)
    if method.name is MethodName.REDACT:
        return [Edit(place, RedactSpans())] if entry.hit is not None else []
    return [Edit(place, SetValue(method, entry.category))]


def method_for(category: str, then: Then) -> Method | None:
    """The method of the deepest category that covers this one."""
    covering = [general for general in then.methods if category_covers(general, category)]
    return then.methods[max(covering, key=len)] if covering else None


def _emptied(place: str, category: str, shape: Shape) -> list[Edit]:
    """A field without its value: null where the field may be, a neutral text elsewhere. Keys stay.

    A link that cannot be null is pointed at the neutral record; where there is none, it stays.
    """
    facts = shape.field(place)
    if shape.is_link(place) and not shape.is_key(place) and not facts.is_nullable:
        neutral = shape.neutral(place)
        return [] if neutral is None else [Edit(place, Point(neutral))]
    if shape.is_key(place):
        return []
    name = MethodName.NULL if shape.is_table and facts.is_nullable else MethodName.TOMBSTONE
    return [Edit(place, SetValue(Method(name), category))]


def _fences(kept: list[Judged], shape: Shape) -> tuple[Edit, ...]:
    if shape.map is None or not any(entry.then.treatment is Treatment.RESTRICT for entry in kept):
        return ()
    return tuple(Edit(name, Fence(value)) for name, value in shape.map.fence)


def _moved_to(kept: list[Judged], shape: Shape) -> str:
    """The collection where this record goes because something in it is restricted; empty where nothing is, or where it is there already."""
    is_restricted = any(entry.then.treatment is Treatment.RESTRICT for entry in kept)
    return shape.map.move_to if shape.map is not None and is_restricted else ""


def _treatment(judged: tuple[Judged, ...], edits: tuple[Edit, ...]) -> Treatment:
    """One word for the item. What keeps data is named first: it must never count as erased."""
    treatments = {entry.then.treatment for entry in judged}
    for keeping in (Treatment.RESTRICT, Treatment.RETAIN):
        if keeping in treatments and (not edits or not all(isinstance(edit.how, RedactSpans) for edit in edits)):
            return keeping
    if edits and all(isinstance(edit.how, DropPart) for edit in edits):
        return Treatment.DELETE
    if any(isinstance(edit.how, SetValue | Point) for edit in edits):
        return Treatment.ANONYMIZE
    return Treatment.REDACT if edits else Treatment.RETAIN
