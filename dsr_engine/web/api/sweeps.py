"""Sweeps over the API: which there were, and starting one. The worker carries it out, tranche by tranche."""

from typing import Any

from dsr_engine.bootstrap import pin_policy
from dsr_engine.domain.case import Case, CaseKind
from dsr_engine.domain.user import Permission
from dsr_engine.store.case_lists import Wanted
from dsr_engine.web.api import proof_schemas
from dsr_engine.web.api.callers import caller
from dsr_engine.web.api.cases import next_of, page_of, policy_named, row_of
from dsr_engine.web.api.noun import Noun
from dsr_engine.web.api.schemas import PageQuery
from dsr_engine.web.guard import house, keeper
from dsr_engine.workflow.sweeps.sweep import begin_sweep

noun = Noun("sweeps", "Retention without a request: what has outlived its period.")


@noun.get("/sweeps", Permission.SWEEP_READ, proof_schemas.SweepListSchema(), PageQuery())
def list_(query: dict[str, Any]) -> dict[str, Any]:
    """Lists the tranches of all sweeps, the newest first."""
    page = page_of("sweeps", Wanted(kind=CaseKind.SWEEP), query)
    return {"sweeps": [_row(case) for case in page], "next": next_of("sweeps", page, query)}


@noun.post("/sweeps", Permission.SWEEP_WRITE, proof_schemas.StartedSweepSchema(), proof_schemas.StartSweepSchema(), 202)
def start(body: dict[str, Any]) -> dict[str, Any]:
    """Begins the sweep of a policy, or gives the one that is open. Where the policy wants an approval, a person gives it at the console."""
    policy = policy_named(body["policy"])
    pin_policy(keeper().home, policy)
    case, is_forced = begin_sweep(house(), policy, by=caller().user.name, dry_run=body["dry_run"])
    return {**_row(case), "forced_dry": is_forced}


def _row(case: Case) -> dict[str, Any]:
    tranche = case.tranche
    assert tranche is not None
    return {**row_of(case), "sweep": tranche.sweep, "tranche": tranche.number, "is_dry": tranche.is_dry}
