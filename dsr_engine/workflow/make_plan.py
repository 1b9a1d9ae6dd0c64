"""Findings × policy × holds → the frozen plan, or what stands in its way.

The plan is deterministic: the same findings, rules and live state give the same digest. It is made in three moves: judge every field
(`judgement`), settle what becomes of every record (`disposal`), ask the systems what that would do (`foresight`). Nothing is written to any system.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.finding import Confidence, Extent, Finding, Match
from dsr_engine.domain.hold import Bearing, Hold
from dsr_engine.domain.plan import Notice, Obstacle, Plan, PlanItem, Reason
from dsr_engine.domain.policy import Datum, Policy, Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.domain.source import Source
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import refuse_effects
from dsr_engine.workflow.asking import ERASE, answered, is_answer, kept_as_it_is
from dsr_engine.workflow.batching import batched
from dsr_engine.workflow.correcting.applying import Correcting, corrections_of
from dsr_engine.workflow.correcting.applying import Known as Corrections
from dsr_engine.workflow.decide import MENTIONED, NOT_THEIRS, STAYS, THEIRS
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.disposal import Disposal, Part, dispose
from dsr_engine.workflow.errands import is_errand
from dsr_engine.workflow.foresight import Foresight
from dsr_engine.workflow.holds.protecting import bearing_of, first_holding, people_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.judgement import Judge, Judgement
from dsr_engine.workflow.law.exempting import groundless, unfounded
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.step import Advance, Step
from dsr_engine.workflow.sweeps.aged_plan import Watch, remember, unchanged_kept, watch_of, watching
from dsr_engine.workflow.sweeps.tranche import TRANCHE, day_of
from dsr_engine.workflow.turn import Turn

#: What is left of a mention after its sure places were treated in an earlier round: what was not meant then is not meant now.
LEFT = "left"
HOLD = Source("legal hold", 0)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the store holds about a case when its plan is made."""

    findings: tuple[tuple[str, Finding], ...]
    verdicts: Mapping[Locator, str]
    holds: tuple[Hold, ...]
    people: frozenset[str]
    obstacles: tuple[Obstacle, ...]
    corrections: Corrections


def make_plan(case: Case, turn: Turn, house: House) -> Step:
    """Makes the plan of this round and hands it to approval, obstacles and all."""
    refuse_effects(case)
    known = _known(case, turn, house)
    policy = house.policy_of(case)
    parts, obstacles, asked = parts_of(case, known.findings, known.verdicts, policy, house)
    correcting = Correcting.of(known.corrections, policy, house)
    items: list[PlanItem] = []
    notices: list[Notice] = []
    for name in case.systems:
        records = {locator: entries for locator, entries in parts.items() if locator.system == name}
        if not records:
            continue
        bearings = {locator: bearing_of(part.finding for part in entries) for locator, entries in records.items()}
        with Foresight.of(case, house.system_named(name), policy, house) as foresight:
            foresight.protect(known.holds, known.people, bearings, correcting.spared(house.system_named(name)))
            foresight.wholes = frozenset(locator.whole for locator, verdict in known.verdicts.items() if verdict == ERASE)
            records = correcting.applied(records, house.system_named(name), foresight.driver)
            disposals = [foresight.freed(entry) for entry in _disposals(records, foresight, watch_of(case, house.system_named(name), policy))]
            obstacles += _stuck(disposals)
            free, held = _held(case, [entry for entry in disposals if not entry.stuck], known, bearings)
            drafts = foresight.foreseen(free) + foresight.stays(held)
            drafts = unchanged_kept(drafts) if case.kind is CaseKind.SWEEP else drafts
            obstacles += foresight.obstacles
            asked += _fixed(case, disposals, foresight)
            notices += foresight.notices()
            items += [_borne(item, bearings) for item in batched(drafts, foresight.ranks(), first_batch=policy.request.first_batch)]
    if case.kind.is_of_a_person:
        obstacles += unfounded(house.regimes_of(case), items)
        notices += groundless(items)
    notices += correcting.notices()
    remarks = (*known.obstacles, *obstacles, *correcting.obstacles)
    plan = Plan(secrets.token_hex(8), case.id, case.round, case.digests["policy"], tuple(items), remarks, tuple(notices))

    def write(tx: Transaction) -> None:
        if decided(tx, case) != known.verdicts:
            raise Conflict("a person decided about a finding while the plan was made", code="case.changed")
        if tx.corrections.of(case.id) != known.corrections.entries:
            raise Conflict("a person corrected the plan while it was made", code="case.changed")
        tx.findings.ask(asked)
        tx.plans.add(plan)
        remember(tx, case, policy)
        tx.ledger.append(
            leaf(house.clock, "plan.made", plan.id, case=case.id, round=case.round, digest=plan.digest(), items=len(items), affected=plan.affected)
        )

    return Advance(Stage.APPROVE, write)


def _disposals(records: Mapping[Locator, list[Part]], foresight: Foresight, watch: Watch) -> list[Disposal]:
    """What shall become of each record. Records of the same shape share all that is the same, so that many of them take little memory."""
    shapes = {collection: foresight.shape(collection) for collection in {locator.collection for locator in records}}
    same: dict[tuple[str, str, Match, int], Disposal] = {}
    disposals = []
    for locator, parts in sorted(records.items(), key=_order):
        shape, only = shapes[locator.collection], parts[0]
        kind = (locator.collection, only.finding.locator.inside, only.match, id(only.judgement))
        if len(parts) == 1 and kind in same:
            disposals.append(replace(same[kind], locator=locator, findings=(only.id,)))
            continue
        disposals.append(watching(dispose(locator, parts, shape), shape, watch))
        if len(parts) == 1:
            same[kind] = disposals[-1]
    return disposals


def _order(entry: tuple[Locator, object]) -> tuple[str, tuple[str, ...]]:
    return entry[0].collection, entry[0].key


def _known(case: Case, turn: Turn, house: House) -> _Known:
    with turn.transaction() as tx:
        return _Known(
            tuple(tx.findings.of(case.id, case.round, FOUND)),
            decided(tx, case),
            tx.holds.list(),
            people_of(house.store.holding, tx.selectors.of(case.id)),
            tuple(
                Obstacle("coverage.gap", f"not looked at in full: {row.reason}", row.system, row.collection)
                for row in tx.coverage.of(case.id, case.round, FOUND)
                if row.extent is not Extent.FULL and row.code != TRANCHE and not is_errand(house.system_named(row.system))
            ),
            corrections_of(tx, case),
        )


def decided(tx: Transaction, case: Case) -> dict[Locator, str]:
    """What people decided about findings of this case, in this round and earlier ones, by the place that they decided about."""
    verdicts = tx.findings.verdicts(case.id)
    places: dict[Locator, str] = {}
    mixed: set[Locator] = set()
    for round_ in range(1, case.round + 1) if verdicts else ():
        for id_, finding in tx.findings.of(case.id, round_, FOUND):
            if id_ in verdicts:
                places[finding.locator] = verdicts[id_]
                mixed |= {finding.locator} if _is_surer(finding) else set()
            elif places.get(finding.locator) == MENTIONED and finding.locator in mixed and not _is_surer(finding):
                places[finding.locator] = LEFT
    return places


def _is_surer(finding: Finding) -> bool:
    """True if the person surely stands in some place of a finding."""
    return any(hit.confidence is not Confidence.POSSIBLE for hit in finding.hits)


def parts_of(
    case: Case, findings: Iterable[tuple[str, Finding]], verdicts: Mapping[Locator, str], policy: Policy, house: House
) -> tuple[dict[Locator, list[Part]], list[Obstacle], list[str]]:
    """What the rules say of each record that was found, what nobody decided about or no rule covers, and findings that rules leave to a person."""
    is_sweep = case.kind is CaseKind.SWEEP
    judge = Judge(policy, day_of(case) if is_sweep else house.clock.now().date(), is_sweep=is_sweep, origin=house.origin_of)
    parts: dict[Locator, list[Part]] = {}
    undecided: Counter[tuple[str, str]] = Counter()
    uncovered: Counter[tuple[str, str, str]] = Counter()
    asked: dict[str, tuple[str, str]] = {}
    seen: set[Locator] = set()
    staying: list[Part] = []
    for id_, finding in findings:
        verdict = verdicts.get(finding.locator)
        if verdict in (NOT_THEIRS, STAYS, LEFT) or finding.locator in seen:
            staying += [Part(id_, finding, finding.match, Judgement((), ()), stays=True)] if verdict == STAYS and finding.locator.inside else []
            continue
        seen.add(finding.locator)
        if finding.confidence is Confidence.POSSIBLE and verdict is None:
            undecided[finding.locator.system, finding.locator.collection] += 1
            continue
        match, judgement = judged_as(judge, finding, verdict or "")
        if judgement.is_asked and not is_sweep:
            asked[id_] = (finding.locator.system, finding.locator.collection)
            continue
        for datum in judgement.uncovered:
            uncovered[datum.system, datum.collection, _told(datum)] += 1
        if judgement.is_outlived if is_sweep else judgement.judged:
            parts.setdefault(finding.locator.whole, []).append(Part(id_, finding, match, judgement))
    for part in staying:
        parts.get(part.finding.locator.whole, []).append(part)
    return parts, [*_undecided(undecided), *_asked(Counter(asked.values())), *_uncovered(uncovered)], list(asked)


def judged_as(judge: Judge, finding: Finding, verdict: str) -> tuple[Match, Judgement]:
    """Whose the record is, and what the rules say of it, with a person's answer where they ask. Who says `erase` means all of it."""
    match = {THEIRS: Match.OWNS, MENTIONED: Match.MENTIONS}.get(verdict, finding.match)
    judgement = judge(finding, match)
    if not is_answer(verdict):
        return match, judgement
    if judgement.is_asked:
        return Match.OWNS if verdict == ERASE else match, answered(judgement, verdict)
    # Nothing asked but the place itself, out of which the person cannot be cut; `Foresight.wholes` knows what shall go.
    return match, kept_as_it_is(judgement, verdict)


def _fixed(case: Case, disposals: Iterable[Disposal], foresight: Foresight) -> list[str]:
    """The findings out of whose places the person cannot be cut: people are asked about them as if a rule had said so. A sweep asks nobody."""
    if not case.kind.is_of_a_person:
        return []
    return [id_ for entry in disposals if entry.stuck for id_ in entry.findings] + foresight.unwritable


def _undecided(counts: Mapping[tuple[str, str], int]) -> Iterable[Obstacle]:
    for (system, collection), count in sorted(counts.items()):
        yield Obstacle("finding.undecided", "possible findings that nobody decided about", system, collection, count)


def _asked(counts: Mapping[tuple[str, str], int]) -> Iterable[Obstacle]:
    for (system, collection), count in sorted(counts.items()):
        yield Obstacle("finding.asked", "findings that the policy leaves to a person: erase, redact or keep each", system, collection, count)


def _uncovered(counts: Mapping[tuple[str, str, str], int]) -> Iterable[Obstacle]:
    for (system, collection, what), count in sorted(counts.items()):
        yield Obstacle("rule.missing", f"no rule of the policy covers {what}", system, collection, count)


def _told(datum: Datum) -> str:
    """What a rule would have to be about."""
    mail = [f"in {datum.role}" if datum.role else "", f"of a mail that is {datum.message}" if datum.message else ""]
    return " ".join(filter(None, (datum.category or "this collection", *mail, f"({datum.match.value})")))


def _stuck(disposals: Iterable[Disposal]) -> list[Obstacle]:
    counts = Counter((entry.stuck, entry.locator.system, entry.locator.collection) for entry in disposals if entry.stuck)
    return [Obstacle("place.fixed", why, system, collection, count) for (why, system, collection), count in sorted(counts.items())]


def _borne(item: PlanItem, bearings: Mapping[Locator, Bearing]) -> PlanItem:
    """The item, whose records know what a hold may ask of them: one that is placed later finds it there."""
    return replace(item, records=tuple(replace(planned, bearing=bearings[planned.locator]) for planned in item.records))


def _held(case: Case, disposals: list[Disposal], known: _Known, bearings: Mapping[Locator, Bearing]) -> tuple[list[Disposal], list[Disposal]]:
    """What may be touched, and what a legal hold protects: that stays as it is, whatever the policy says."""
    free, held = [], []
    for entry in disposals:
        hold = first_holding(known.holds, case.id, entry.locator, entry.categories, bearings[entry.locator], known.people)
        if hold is None or entry.effect is None:
            free.append(entry)
        else:
            reason = Reason(Treatment.RETAIN, "legal hold", HOLD, "legal_hold", hold.id)
            held.append(replace(entry, treatment=Treatment.RETAIN, effect=None, reasons=(reason,)))
    return free, held
