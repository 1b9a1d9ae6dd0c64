"""Plan items as JSON, for sealing: effects, reasons, and the records with their keyed fingerprints."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.hold import NOTHING_KNOWN, Bearing
from dsr_engine.domain.outline import ItemOutline
from dsr_engine.domain.plan import (
    Delete,
    Dependent,
    DropPart,
    Edit,
    Effect,
    Fence,
    How,
    Notice,
    Obstacle,
    PlanItem,
    Planned,
    Point,
    Reason,
    RedactSpans,
    Relocate,
    Rewrite,
    SetValue,
)
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.domain.source import Source


def written(item: PlanItem) -> bytes:
    """Everything of the item but its id and what stands in plain columns."""
    body = {
        "effect": _effect(item.effect),
        "reasons": [_reason(reason) for reason in item.reasons],
        "records": [_planned(planned) for planned in item.records],
        "fields": item.fields,
        "server": item.server,
        "after": item.after,
        "categories": item.categories,
        "dependents": _dependents(item.dependents),
        "together": item.together,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def read(plain: bytes, *, item_id: str, system: str, collection: str, treatment: str) -> PlanItem:
    body = json.loads(plain)
    return PlanItem(
        id=item_id,
        system=system,
        collection=collection,
        treatment=Treatment(treatment),
        effect=_read_effect(body["effect"]),
        reasons=tuple(_read_reason(reason) for reason in body["reasons"]),
        records=tuple(_read_planned(planned) for planned in body["records"]),
        fields=tuple(body["fields"]),
        server=body["server"],
        after=tuple(body["after"]),
        dependents=_read_dependents(body["dependents"]),
        categories=tuple(body["categories"]),
        together=body.get("together", ""),
    )


def written_remarks(obstacles: tuple[Obstacle, ...], notices: tuple[Notice, ...], items: Sequence[PlanItem] = ()) -> bytes:
    """What stands beside the items of a plan, and an outline of these: most items of a large plan differ in nothing but their records."""
    shapes: dict[str, int] = {}
    lines = []
    for item in items:
        shape = [item.system, item.collection, item.treatment, _effect(item.effect), [_reason(reason) for reason in item.reasons], item.fields]
        number = shapes.setdefault(json.dumps(shape, separators=(",", ":")), len(shapes))
        lines.append([item.id, number, len(item.records), _dependents(item.dependents)])
    body = {
        "outline": {"shapes": [json.loads(shape) for shape in shapes], "items": lines},
        "obstacles": [[entry.code, entry.message, entry.system, entry.collection, entry.count] for entry in obstacles],
        "notices": [[entry.code, entry.message, entry.system, entry.collection, entry.today] for entry in notices],
    }
    return json.dumps(body, separators=(",", ":")).encode()


def read_outline(plain: bytes) -> tuple[ItemOutline, ...] | None:
    """The items of the plan without their records, in its order; None of a plan that an earlier version wrote."""
    outline = json.loads(plain).get("outline")
    if outline is None:
        return None
    shapes = [_read_shape(shape) for shape in outline["shapes"]]
    return tuple(
        replace(shapes[number], id=id_, dependents=_read_dependents(dependents), records=count) for id_, number, count, dependents in outline["items"]
    )


def _read_shape(shape: list[Any]) -> ItemOutline:
    """What items of an outline have in common."""
    system, collection, treatment, effect, reasons, fields = shape
    found = tuple(_read_reason(reason) for reason in reasons)
    return ItemOutline("", system, collection, Treatment(treatment), _read_effect(effect), found, tuple(fields), (), 0)


def read_remarks(plain: bytes) -> tuple[tuple[Obstacle, ...], tuple[Notice, ...]]:
    body = json.loads(plain)
    return tuple(Obstacle(*entry) for entry in body["obstacles"]), tuple(Notice(*entry) for entry in body["notices"])


def _effect(effect: Effect | None) -> object:
    match effect:
        case None:
            return None
        case Delete():
            return "delete"
        case Relocate(edits, to):
            return {"to": to, "edits": _edits(edits)}
        case Rewrite(edits):
            return _edits(edits)


def _read_effect(effect: Any) -> Effect | None:
    if effect is None:
        return None
    if isinstance(effect, dict):
        return Relocate(_read_edits(effect["edits"]), effect["to"])
    return Delete() if effect == "delete" else Rewrite(_read_edits(effect))


def _edits(edits: tuple[Edit, ...]) -> list[object]:
    return [[edit.place, *_how(edit.how)] for edit in edits]


def _read_edits(edits: Any) -> tuple[Edit, ...]:
    return tuple(Edit(place, _read_how(*how)) for place, *how in edits)


def _how(how: How) -> list[object]:
    match how:
        case SetValue(method, category, counter):
            return ["set", method.name, method.argument, category, counter]
        case RedactSpans():
            return ["redact"]
        case DropPart():
            return ["drop"]
        case Fence(value):
            return ["fence", value]
        case Point(to):
            return ["point", to]


def _read_how(kind: str, *rest: Any) -> How:
    match kind:
        case "set":
            name, argument, category, counter = rest
            return SetValue(Method(MethodName(name), argument), category, counter)
        case "redact":
            return RedactSpans()
        case "drop":
            return DropPart()
        case "point":
            return Point(rest[0])
        case _:
            return Fence(rest[0])


def _reason(reason: Reason) -> list[object]:
    source = reason.source
    until = reason.until.isoformat() if reason.until else None
    place = [source.file, source.line, source.column, source.digest]
    return [reason.treatment, reason.rule, place, reason.because, reason.law, until]


def _read_reason(reason: list[Any]) -> Reason:
    treatment, rule, source, because, law, until = reason
    return Reason(Treatment(treatment), rule, Source(*source), because, law, date.fromisoformat(until) if until else None)


def _planned(planned: Planned) -> list[object]:
    place = planned.locator
    becomes = None if planned.becomes is None else planned.becomes.hex()
    found = [place.system, place.collection, place.key, place.inside, planned.expect.hex(), becomes, planned.finding, _dependents(planned.dependents)]
    return [*found, _bearing(planned.bearing)]


def _read_planned(planned: list[Any]) -> Planned:
    system, collection, key, inside, expect, becomes, finding, dependents, *bearing = planned
    locator = Locator(system, collection, tuple(key), inside)
    after = None if becomes is None else bytes.fromhex(becomes)
    return Planned(locator, bytes.fromhex(expect), after, finding, _read_dependents(dependents), _read_bearing(*bearing))


def _bearing(bearing: Bearing) -> list[object]:
    if bearing == NOTHING_KNOWN:
        return []
    days = [day.isoformat() if day is not None else None for day in (bearing.first, bearing.last)]
    return [*days, *bearing.people]


def _read_bearing(written: Sequence[Any] = ()) -> Bearing:
    """What an earlier version wrote has none: nothing is known, so every period holds it."""
    if not written:
        return NOTHING_KNOWN
    first, last, *people = written
    days = [date.fromisoformat(day) if day is not None else None for day in (first, last)]
    return Bearing(days[0], days[1], tuple(people))


def _dependents(dependents: tuple[Dependent, ...]) -> list[object]:
    return [[entry.collection, entry.on_delete, entry.count] for entry in dependents]


def _read_dependents(dependents: list[Any]) -> tuple[Dependent, ...]:
    return tuple([Dependent(*entry) for entry in dependents]) if dependents else ()
