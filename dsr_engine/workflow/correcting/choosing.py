"""What an officer may choose for the records of an item: treatments that the policy permits, reasons, holds, and the records themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from dsr_engine.domain.case import Case
from dsr_engine.domain.correction import REASONS
from dsr_engine.domain.finding import Match
from dsr_engine.domain.plan import PlanItem, Planned
from dsr_engine.domain.policy import Treatment
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.permitting import Permits
from dsr_engine.workflow.correcting.reasons import grounds_of
from dsr_engine.workflow.disposal import Part
from dsr_engine.workflow.house import House
from dsr_engine.workflow.judgement import Judge
from dsr_engine.workflow.law.exempting import provision
from dsr_engine.workflow.make_plan import judged_as
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.previewing import place_shown

#: Records of an item whose findings are looked at to offer treatments; the correction itself looks at every record.
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Choices:
    """`treatments` are those that rules permit for the records. `reasons` are codes with what they mean, `grounds` exemptions with their provision.

    `may_restrict`: the records are the person's own, so a mark of restriction may be set in them. `holds` are the ids of those in force.
    `is_kept`: rules keep all of it already, so that no correction could take less away.
    """

    treatments: tuple[Treatment, ...]
    reasons: tuple[tuple[str, str], ...]
    grounds: tuple[tuple[str, str], ...]
    may_restrict: bool
    holds: tuple[str, ...]
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class RecordShown:
    """One record of an item: the id of its finding, where it is (masked), and what points at it."""

    finding: str
    place: str
    dependents: tuple[tuple[str, int], ...]


def choices_of(tx: Transaction, house: House, case: Case, item: PlanItem) -> Choices:
    """What may be chosen for the records of this item."""
    regimes = house.regimes_of(case)
    parts = _parts(tx, house, case, item)
    return Choices(
        Permits(house.policy_of(case), house.origin_of).choices(parts) if parts else (),
        tuple(REASONS.items()),
        tuple((name, provision(regimes, name)) for name in grounds_of(regimes)),
        all(part.match is Match.OWNS for part in parts),
        tuple(hold.id for hold in tx.holds.list()),
        bool(parts) and all(entry.is_kept for part in parts for entry in part.judgement.judged),
    )


def one_of_each(tx: Transaction, case: Case, item_ids: Sequence[str]) -> dict[str, str]:
    """For each of these items the finding of a record of it, to be looked at; items of which nobody was found in particular are left out."""
    found: dict[str, str] = {}
    for id_ in item_ids:
        item = tx.plans.item(case.id, id_)
        finding = next((planned.finding for planned in item.records if planned.finding), "") if item is not None else ""
        if finding:
            found[id_] = finding
    return found


def records_shown(records: Sequence[Planned], mask: Mask) -> tuple[RecordShown, ...]:
    """Records of an item as a page shows them."""
    return tuple(
        RecordShown(
            planned.finding, place_shown(mask, planned.locator), tuple((mask.text(entry.collection), entry.count) for entry in planned.dependents)
        )
        for planned in records
    )


def _parts(tx: Transaction, house: House, case: Case, item: PlanItem) -> list[Part]:
    verdicts = tx.findings.verdicts(case.id)
    judge = Judge(house.policy_of(case), house.clock.now().date(), origin=house.origin_of)
    found = tx.reviews.chosen(case.id, [planned.finding for planned in item.records[:_LOOKED_AT] if planned.finding])
    parts = []
    for id_, finding in found.items():
        match, judgement = judged_as(judge, finding, verdicts.get(id_, ""))
        parts.append(Part(id_, finding, match, judgement))
    return parts
