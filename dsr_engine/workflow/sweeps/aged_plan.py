"""What the plan of a sweep has beside that of a request: dates that are watched, records that are done already, numbers that are remembered."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dsr_engine.domain.case import Case
from dsr_engine.domain.plan import Rewrite
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.system import System
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.batching import Draft
from dsr_engine.workflow.disposal import Disposal, Shape
from dsr_engine.workflow.sweeps.ageing import ageings
from dsr_engine.workflow.sweeps.caution import due_by_rule
from dsr_engine.workflow.sweeps.tranche import day_of

#: Collection → the dates and states by which it was judged to be due.
Watch = Mapping[str, frozenset[str]]


def watch_of(case: Case, system: System, policy: Policy) -> Watch:
    """The fields of each collection on which a sweep depends; empty for a case of any other kind."""
    if case.tranche is None:
        return {}
    return {
        ageing.collection: frozenset(name for age in ageing.due.ages for name in (*age.start.fields, *age.while_not))
        for ageing in ageings(policy, system, day_of(case))
    }


def watching(entry: Disposal, shape: Shape, watch: Watch) -> Disposal:
    """The disposal, whose fingerprint covers the dates as well: a lead that was called again since the plan was made is not due any more.

    A date of a linked collection is no field of the record and cannot be covered.
    """
    if not entry.fields or shape.facts is None or entry.locator.collection not in watch:
        return entry
    own = {field.name for field in shape.facts.fields}
    dates = {name.removeprefix(f"{entry.locator.collection}.") for name in watch[entry.locator.collection]} & own
    return replace(entry, fields=tuple(sorted({*entry.fields, *dates})))


def unchanged_kept(drafts: Iterable[Draft]) -> list[Draft]:
    """The drafts, where a record that an earlier sweep made what it is to become (an anonymous shell stays as old as it is) is left alone."""
    return [
        replace(draft, disposal=replace(draft.disposal, effect=None))
        if isinstance(draft.disposal.effect, Rewrite) and draft.becomes == draft.expect
        else draft
        for draft in drafts
    ]


def remember(tx: Transaction, case: Case, policy: Policy) -> None:
    """Notes what the whole sweep found, by rule, when its first plan is made; once, however often that happens."""
    tranche = case.tranche
    if tranche is None or tranche.number > 1 or any(run.at == tranche.begun for run in tx.sweeps.history(policy.name)):
        return
    counts = tx.sweep_counts.of(tranche.sweep)
    if tranche.is_dry and counts and all(entry.due is None for entry in counts):
        # Nothing could be looked at: nobody learnt from this run what a real one would do, so it is none of the dry runs that come first.
        return
    due = due_by_rule(counts)
    for rule in sorted(rule.name for rule in policy.rules if rule.keep is not None):
        tx.sweeps.record(policy.name, tranche.begun, rule, found=due[rule], affected=0 if tranche.is_dry else due[rule], is_dry=tranche.is_dry)
