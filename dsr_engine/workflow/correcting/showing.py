"""A plan as somebody sees who decides about it: by rule, by collection, by item; what stays and why, what could not be seen. No value of a person.

Places are masked. The same plan is shown many times while people talk about it, so what costs most, unsealing it, is done once for each page.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.correction import LEGAL_HOLD, REASONS, Correction, Return
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.outline import ItemOutline, PlanOutline, outline_of
from dsr_engine.domain.plan import Delete, Notice, Obstacle, PlanItem, Reason, RedactSpans, Rewrite
from dsr_engine.domain.policy import KEEPING, Policy, Treatment
from dsr_engine.store.approvals import Approval
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.approve import GAP, needed
from dsr_engine.workflow.correcting.applying import stale_obstacle
from dsr_engine.workflow.correcting.returning import open_return
from dsr_engine.workflow.correcting.rules_in_words import edit_in_words, effect_in_words, rule_in_words
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.exempting import provision
from dsr_engine.workflow.masking import Mask, mask_of

#: What can become of a record, from nothing left to nothing done.
ENDS = ("gone", "anonymous", "cut", "partly", "restricted", "kept")
SHELL = "stays as an anonymous shell, because other records still point at it"
_END_OF = {
    Treatment.ANONYMIZE: "anonymous",
    Treatment.REDACT: "cut",
    Treatment.DELETE: "cut",
    Treatment.RESTRICT: "restricted",
    Treatment.RETAIN: "partly",
}


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule that is the reason of something: its name in the plan, where it stands, and what it says in words (empty: no rule of the policy)."""

    name: str
    source: str
    words: str


@dataclass(frozen=True, slots=True)
class ItemShown:
    """One item. `fields` says for each place what becomes of it; `taken` what a cascade takes along, by collection."""

    id: str
    system: str
    collection: str
    end: str
    what: str
    records: int
    fields: tuple[tuple[str, str], ...]
    taken: tuple[tuple[str, int], ...]
    rules: tuple[RuleShown, ...]
    grounds: tuple[str, ...]
    until: date | None


@dataclass(slots=True)
class Group:
    """Everything that happens for the same rules."""

    rules: tuple[RuleShown, ...]
    lines: list[ItemShown] = field(default_factory=list)

    @property
    def records(self) -> int:
        return sum(line.records for line in self.lines)


@dataclass(slots=True)
class Tally:
    """Before and after, of one collection: records that were found, what becomes of them, and what goes along by a cascade."""

    system: str
    collection: str
    ends: Counter[str] = field(default_factory=Counter)
    taken: int = 0

    @property
    def found(self) -> int:
        return self.ends.total()


@dataclass(frozen=True, slots=True)
class Stay:
    """What stays, and why: the reason in words, the provision of the law, the statute, until when."""

    system: str
    collection: str
    records: int
    rule: str
    source: str
    reason: str
    provision: str
    law: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A whole plan. `number` of an item is its position; `seen` are counts that tell another plan from this one."""

    case: Case
    digest: str
    round: int
    affected: int
    items: tuple[ItemShown, ...]
    tallies: tuple[Tally, ...]
    stays: tuple[Stay, ...]
    gaps: tuple[Obstacle, ...]
    obstacles: tuple[Obstacle, ...]
    notices: tuple[Notice, ...]
    corrections: tuple[Correction, ...]
    returns: tuple[Return, ...]
    is_given_back: bool
    is_current: bool
    approvals: tuple[Approval, ...]
    missing: int
    needed: int

    @property
    def ends(self) -> Counter[str]:
        return sum((tally.ends for tally in self.tallies), Counter())

    @property
    def taken(self) -> int:
        return sum(tally.taken for tally in self.tallies)

    @property
    def seen(self) -> dict[str, int]:
        """Counts by collection and end, to be compared with those of a later plan."""
        return {f"{tally.system}.{tally.collection}: {end}": count for tally in self.tallies for end, count in tally.ends.items() if count}


def show_plan(tx: Transaction, house: House, case: Case, mask: Mask | None = None) -> Shown:
    """The plan of the case's last round that has one. `mask` is the case's, where the caller made one already.

    Raises `InputWrong` (`plan.unknown`) where there is none, or none any more.
    """
    try:
        plan = tx.plans.outline(case.id)
    except DsrError:
        plan = None
    if plan is None:
        raise InputWrong(
            "this case has no plan",
            code="plan.unknown",
            hint="it is made after the search; when a case was forgotten, its plan went with it, and the certificate says what was done",
        )
    mask = mask or mask_of(tx, case)
    items = tuple(_Items(mask, house.policy_of(case)).shown(plan.items))
    counting = [entry for entry in tx.approvals.of(case.id) if entry.plan_digest == plan.digest()]
    missing, wanted = needed(tx, house, case, plan)
    return Shown(
        case=case,
        digest=plan.digest(),
        round=plan.round,
        affected=plan.affected,
        items=items,
        tallies=_tallies(items),
        stays=tuple(_stays(tx, house, case, plan, mask)),
        gaps=tuple(_masked(entry, mask) for entry in plan.obstacles if entry.code == GAP),
        obstacles=tuple(_masked(entry, mask) for entry in plan.obstacles if entry.code != GAP),
        notices=tuple(
            Notice(entry.code, mask.text(entry.message), entry.system, mask.text(entry.collection), mask.text(entry.today)) for entry in plan.notices
        ),
        corrections=tx.corrections.of(case.id),
        returns=tx.corrections.returns(case.id),
        is_given_back=open_return(tx, case, plan) is not None,
        is_current=case.stage is Stage.APPROVE and plan.round == case.round and stale_obstacle(tx, case, plan) is None,
        approvals=tuple(counting),
        missing=missing,
        needed=wanted,
    )


def groups(items: Iterable[ItemShown]) -> tuple[Group, ...]:
    """The items by the rules that are their reasons; items of one collection with the same fate are one line."""
    found: dict[tuple[RuleShown, ...], dict[tuple[object, ...], ItemShown]] = {}
    for item in items:
        lines = found.setdefault(item.rules, {})
        key = (item.system, item.collection, item.end, item.what, item.fields, item.grounds, item.until)
        known = lines.get(key)
        lines[key] = item if known is None else _joined(known, item)
    return tuple(Group(rules, list(lines.values())) for rules, lines in found.items())


def changes(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[tuple[str, int, int], ...]:
    """What differs between two plans by their counts: (collection and end, before, now)."""
    names = sorted({*before, *after})
    return tuple((name, before.get(name, 0), after.get(name, 0)) for name in names if before.get(name, 0) != after.get(name, 0))


def item_of(tx: Transaction, case: Case, item_id: str) -> PlanItem:
    """An item of the case's latest plan. Raises `Conflict` (`plan.changed`) where the plan has no such item any more."""
    item = tx.plans.item(case.id, item_id)
    if item is None:
        raise Conflict("the plan was made anew meanwhile and has no such item", code="plan.changed", hint="look at the plan again")
    return item


def shown_item(house: House, case: Case, item: PlanItem, mask: Mask) -> ItemShown:
    """One item as a page shows it."""
    return next(_Items(mask, house.policy_of(case)).shown((outline_of(item),)))


def _joined(one: ItemShown, other: ItemShown) -> ItemShown:
    taken = Counter(dict(one.taken))
    taken.update(dict(other.taken))
    return ItemShown(
        one.id,
        one.system,
        one.collection,
        one.end,
        one.what,
        one.records + other.records,
        one.fields,
        tuple(sorted(taken.items())),
        one.rules,
        one.grounds,
        one.until,
    )


class _Items:
    """Items as a page shows them. What many items have in common is put into words once."""

    def __init__(self, mask: Mask, policy: Policy) -> None:
        self._mask = mask
        self._words = {str(rule.source): rule_in_words(rule) for rule in policy.rules}
        self._known: dict[tuple[object, ...], ItemShown] = {}

    def shown(self, items: Iterable[ItemOutline]) -> Iterator[ItemShown]:
        """Each item, in order."""
        for item in items:
            alike = (item.system, item.collection, item.treatment, item.effect, item.reasons)
            known = self._known.get(alike)
            if known is None:
                known = self._known[alike] = self._first(item)
            yield replace(known, id=item.id, records=item.records, taken=self._taken(item))

    def _first(self, item: ItemOutline) -> ItemShown:
        ends = [reason.until for reason in item.reasons if reason.until]
        grounds = dict.fromkeys(" ".join(part for part in (_because(reason), reason.law) if part) for reason in item.reasons if reason.because)
        return ItemShown(
            id=item.id,
            system=item.system,
            collection=self._mask.text(item.collection),
            end=end_of(item),
            what=SHELL if _is_shell(item) else effect_in_words(item.effect, item.treatment),
            records=item.records,
            fields=tuple(_fields(item, self._mask)),
            taken=(),
            rules=self._rules(item.reasons),
            grounds=tuple(grounds),
            until=max(ends, default=None),
        )

    def _taken(self, item: ItemOutline) -> tuple[tuple[str, int], ...]:
        taken: Counter[str] = Counter()
        for dep in item.dependents:
            if dep.on_delete == "cascade":
                taken[self._mask.text(dep.collection)] += dep.count
        return tuple(sorted(taken.items()))

    def _rules(self, reasons: Iterable[Reason]) -> tuple[RuleShown, ...]:
        known = (RuleShown(reason.rule, str(reason.source), self._words.get(str(reason.source), "")) for reason in reasons if reason.rule)
        return tuple(dict.fromkeys(known))


def _because(reason: Reason) -> str:
    if reason.because == LEGAL_HOLD and reason.law:  # a hold that names the record, with its id; not what somebody took out beside its terms
        return "a legal hold protects it"
    return REASONS.get(reason.because, reason.because.replace("_", " "))


def _is_shell(item: ItemOutline) -> bool:
    """True where rules wanted the records gone and something else still points at them."""
    return item.treatment is Treatment.ANONYMIZE and bool(item.reasons) and all(reason.treatment is Treatment.DELETE for reason in item.reasons)


def end_of(item: ItemOutline) -> str:
    """One word of `ENDS` for what becomes of the item's records. What keeps something is named first: it must never look like erased."""
    if isinstance(item.effect, Delete):
        return "gone"
    if item.effect is None:
        return "kept"
    return _END_OF.get(item.treatment, "kept")


def _fields(item: ItemOutline, mask: Mask) -> Iterator[tuple[str, str]]:
    """What becomes of each place; places inside a file are counted by what is done, for their paths are long and say little."""
    if not isinstance(item.effect, Rewrite):
        return
    inside: Counter[str] = Counter()
    for edit in item.effect.edits:
        if "/" in edit.place or ":" in edit.place:
            inside[edit_in_words(edit) if not isinstance(edit.how, RedactSpans) else "passages that name the person cut out"] += 1
        else:
            yield mask.text(edit.place), edit_in_words(edit)
    for what, count in sorted(inside.items()):
        yield f"{count} place{'s' if count > 1 else ''} inside", what


def _tallies(items: Iterable[ItemShown]) -> tuple[Tally, ...]:
    found: dict[tuple[str, str], Tally] = {}
    for item in items:
        found.setdefault((item.system, item.collection), Tally(item.system, item.collection)).ends[item.end] += item.records
        for collection, count in item.taken:
            found.setdefault((item.system, collection), Tally(item.system, collection)).taken += count
    return tuple(found[key] for key in sorted(found))


def _stays(tx: Transaction, house: House, case: Case, plan: PlanOutline, mask: Mask) -> Iterator[Stay]:
    regimes = house.regimes_of(case)
    counts: Counter[tuple[str, str, Reason]] = Counter()
    for item in plan.items:
        for reason in dict.fromkeys(entry for entry in item.reasons if entry.treatment in KEEPING):
            counts[item.system, item.collection, reason] += item.records
    for (system, collection, reason), count in sorted(counts.items(), key=lambda entry: (entry[0][0], entry[0][1], repr(entry[0][2]))):
        yield Stay(
            system,
            mask.text(collection),
            count,
            reason.rule,
            str(reason.source),
            _because(reason),
            provision(regimes, reason.because),
            reason.law,
            reason.until,
        )
    stays = sum(1 for verdict in tx.findings.verdicts(case.id).values() if verdict == "stays")
    if stays:
        yield Stay("", "", stays, "decided by a person", "", "this person's, and stays all the same", "", "", None)


def _masked(entry: Obstacle, mask: Mask) -> Obstacle:
    return Obstacle(entry.code, mask.text(entry.message), entry.system, mask.text(entry.collection), entry.count)


def residuals(house: House, items: Sequence[ItemShown]) -> tuple[tuple[str, str, str], ...]:
    """What no erasure reaches in the systems of the plan, and until when: (system, what, until)."""
    names = dict.fromkeys(item.system for item in items if item.end != "kept")
    return tuple(
        (name, entry.what, f"gone after {entry.gone_after}" if entry.gone_after else "nobody knows until when")
        for name in names
        if name in house.systems
        for entry in house.systems[name].manifest.residuals
    )
