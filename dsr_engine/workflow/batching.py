"""Records with the same fate become one item: up to 1,000 of one collection, or one object with all its edits."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_engine.domain.plan import Delete, Dependent, PlanItem, Planned
from dsr_engine.workflow.disposal import Disposal

MOST_RECORDS = 1000


@dataclass(frozen=True, slots=True)
class Draft:
    """A disposal with its fingerprints: ready to become part of an item."""

    disposal: Disposal
    expect: bytes
    becomes: bytes | None
    server: str
    dependents: tuple[Dependent, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranks:
    """The order of collections (children first) and who points at whom."""

    rank: Mapping[str, int]
    children: Mapping[str, frozenset[str]]
    is_table: bool


def batched(drafts: Iterable[Draft], ranks: Ranks, *, first_batch: int) -> list[PlanItem]:
    """The items of one system, children before parents. The first item of a collection is small: it is executed and looked at before the rest."""
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
    ordered = sorted(groups.items(), key=lambda group: (ranks.rank.get(str(group[0][0]), 0), repr(group[0][:3]), repr(group[0][3:])))
    items: list[PlanItem] = []
    begun: set[str] = set()
    for _, group in ordered:
        for chunk in _chunks(group, begun, first_batch):
            items.append(_item(chunk))
    return [replace(item, after=_after(item, items, ranks)) for item in items]


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
    """A row goes only after the rows that point at it: a drifted child blocks its parent."""
    if not isinstance(item.effect, Delete):
        return ()
    children = ranks.children.get(item.collection, frozenset())
    return tuple(other.id for other in items if other.collection in children and other.id != item.id and other.effect is not None)
