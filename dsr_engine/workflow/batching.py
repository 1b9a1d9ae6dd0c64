"""Records with the same fate become one item: up to 1,000 of one collection, or one object with all its edits.

Records that point at each other (`Foreseen.together`) are deleted in one transaction: their items carry a common name. Groups are packed like items,
so a thousand people with a circle of two records each are two transactions and not a thousand.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush

from dsr_engine.domain.correspondence import FOLDER_NAME
from dsr_engine.domain.plan import Delete, Dependent, Effect, PlanItem, Planned, Relocate, Rewrite
from dsr_engine.workflow.disposal import Disposal

MOST_RECORDS = 1000


@dataclass(frozen=True, slots=True)
class Draft:
    """A disposal with its fingerprints: ready to become part of an item. Drafts with the same `together` have to be executed in one call."""

    disposal: Disposal
    expect: bytes
    becomes: bytes | None
    server: str
    dependents: tuple[Dependent, ...] = ()
    together: str = ""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The order of collections (children first) and who points at whom.

    `circles`: with whom a collection shares a circle of links, itself included.
    """

    rank: Mapping[str, int]
    children: Mapping[str, frozenset[str]]
    is_table: bool
    circles: Mapping[str, frozenset[str]] = field(default_factory=dict)


def batched(drafts: Iterable[Draft], ranks: Ranks, *, first_batch: int) -> list[PlanItem]:
    """The items of one system, children before parents. The first item of a collection is small: it is executed and looked at before the rest."""
    drafts = list(drafts)
    alone = [draft for draft in drafts if not draft.together]
    items = _items(alone, ranks, first_batch)
    for number, pack in enumerate(_packs([draft for draft in drafts if draft.together], first_batch), start=1):
        parts = _items(pack, ranks, MOST_RECORDS)
        items += [replace(part, together=f"{number}") for part in parts] if len(parts) > 1 else parts
    items.sort(key=lambda item: (_depth(item), ranks.rank.get(item.collection, 0)))
    return _in_order([replace(item, after=_after(item, items, ranks)) for item in items])


def _depth(item: PlanItem) -> tuple[bool, int]:
    """Folders of mail get their new names when everything else is done, as mails are called by them; those that lie deeper first."""
    return (True, -len(item.collection)) if is_renaming(item.effect) else (False, 0)


def is_renaming(effect: Effect | None) -> bool:
    """True for what gives a folder of mail another name: all that lies in it has another place afterwards."""
    return isinstance(effect, Rewrite) and any(edit.place == FOLDER_NAME for edit in effect.edits)


def _packs(drafts: Sequence[Draft], first_batch: int) -> Iterator[list[Draft]]:
    """Whole groups, as many as fit into one transaction; the first pack is small."""
    groups: dict[str, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.together, []).append(draft)
    pack: list[Draft] = []
    most = min(max(first_batch, 1), MOST_RECORDS)
    for group in groups.values():
        if pack and len(pack) + len(group) > most:
            yield pack
            pack, most = [], MOST_RECORDS
        pack += group
    if pack:
        yield pack


def _items(drafts: Iterable[Draft], ranks: Ranks, first_batch: int) -> list[PlanItem]:
    groups: dict[tuple[object, ...], list[Draft]] = {}
    for draft in drafts:
        entry = draft.disposal
        alone = entry.locator.key if not ranks.is_table and entry.effect is not None and not isinstance(entry.effect, Delete) else ()
        key = (
            entry.locator.collection,
            entry.treatment.value,
            repr(entry.effect),
            entry.reasons,
            entry.fields,
            entry.categories,
            draft.server,
            alone,
        )
        groups.setdefault(key, []).append(draft)
    # Of equal mails in one file the last goes first: each is called by how many stand before it, so the others keep their names.
    backwards = sorted(groups.items(), key=lambda group: [(len(part), part) for part in group[1][0].disposal.locator.key], reverse=True)
    ordered = sorted(backwards, key=lambda group: (ranks.rank.get(str(group[0][0]), 0), repr(group[0][:3]), repr(group[0][3:-1])))
    items: list[PlanItem] = []
    begun: set[str] = set()
    for _, group in ordered:
        for chunk in _chunks(group, begun, first_batch):
            items.append(_item(chunk))
    return items


def _chunks(group: Sequence[Draft], begun: set[str], first_batch: int) -> Iterator[Sequence[Draft]]:
    collection, at = group[0].disposal.locator.collection, 0
    if collection not in begun and group[0].disposal.effect is not None:
        begun.add(collection)
        at = min(max(first_batch, 1), MOST_RECORDS)
        yield group[:at]
    for start in range(at, len(group), MOST_RECORDS):
        yield group[start : start + MOST_RECORDS]


def _item(chunk: Sequence[Draft]) -> PlanItem:
    first = chunk[0].disposal
    dependents: dict[tuple[str, str], int] = {}
    for draft in chunk:
        for entry in draft.dependents:
            dependents[entry.collection, entry.on_delete] = dependents.get((entry.collection, entry.on_delete), 0) + entry.count
    return PlanItem(
        id=secrets.token_hex(8),
        system=first.locator.system,
        collection=first.locator.collection,
        treatment=first.treatment,
        effect=first.effect,
        reasons=first.reasons,
        records=tuple(_planned(draft) for draft in chunk),
        fields=first.fields,
        server=chunk[0].server,
        dependents=tuple(Dependent(collection, on_delete, count) for (collection, on_delete), count in sorted(dependents.items())),
        categories=first.categories,
    )


def _planned(draft: Draft) -> Planned:
    finding = draft.disposal.findings[0] if draft.disposal.findings else ""
    return Planned(draft.disposal.locator, draft.expect, draft.becomes, finding, draft.dependents)


def _after(item: PlanItem, items: Sequence[PlanItem], ranks: Ranks) -> tuple[str, ...]:
    """A row goes only after the rows that point at it, and after those links to it are cut that the plan cuts: a drifted child blocks its parent.

    Inside a circle of collections no deletion waits for another: rows that point at each other go together, and the others do not.
    """
    if not isinstance(item.effect, Delete | Relocate):
        return ()
    circle = ranks.circles.get(item.collection, frozenset())
    before = ranks.children.get(item.collection, frozenset()) | circle
    return tuple(
        other.id
        for other in items
        if other.collection in before and other.id != item.id and other.effect is not None
        if not (other.collection in circle and isinstance(other.effect, Delete))
    )


def _in_order(items: Sequence[PlanItem]) -> list[PlanItem]:
    """The items so that each comes behind those that it waits for; otherwise as they stand. Items that go together stand together."""
    units: dict[str, list[PlanItem]] = {}
    for item in items:
        units.setdefault(f"together {item.together}" if item.together else item.id, []).append(item)
    unit_of = {item.id: name for name, unit in units.items() for item in unit}
    waits = {name: {unit_of[other] for item in unit for other in item.after} - {name} for name, unit in units.items()}
    position = {name: number for number, name in enumerate(units)}
    open_, ready = {name: len(names) for name, names in waits.items()}, [position[name] for name, names in waits.items() if not names]
    followers: dict[str, list[str]] = {}
    for name, names in waits.items():
        for other in names:
            followers.setdefault(other, []).append(name)
    by_position, ordered = list(units), list[PlanItem]()
    heapify(ready)
    while ready:
        name = by_position[heappop(ready)]
        ordered += units[name]
        for follower in followers.get(name, ()):
            open_[follower] -= 1
            if not open_[follower]:
                heappush(ready, position[follower])
    return ordered
