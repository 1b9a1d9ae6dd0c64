"""Plans, approvals and findings over the API. Nobody approves with a token: that needs a person with a second factor, at the console."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import Conflict, InputWrong, NotAllowed
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.user import Permission
from dsr_engine.web.api.cursors import cursor_for, list_name, place_of
from dsr_engine.web.api.noun import Noun
from dsr_engine.web.api.schemas import ApprovalListSchema, ApproveSchema, FindingListSchema, FindingQuery, PlanSchema
from dsr_engine.web.guard import house
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.report import finding_row, plan_report

noun = Noun("plans", "What would happen, by whose word it happens, and what was found.")


@contextmanager
def _unless_forgotten() -> Iterator[None]:
    """What was forgotten with its case's key is not there; a key that is lost is an error."""
    try:
        yield
    except Conflict as error:
        if error.code not in ("vault.shredded", "vault.no_key"):
            raise


@noun.get("/cases/<case_id>/plan", Permission.CASE_READ, PlanSchema())
def show(case_id: str) -> dict[str, Any]:
    """The newest plan of a case: what, how, why (file:line), until when, and what stands in its way."""
    plan = None
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        with _unless_forgotten():
            plan = tx.plans.latest(case_id)
            mask = mask_of(tx, case)
    if plan is None:
        raise InputWrong("the case has no plan now", code="plan.unknown", hint="it has none yet, or it was forgotten with the case")
    return {"case": case_id, **plan_report(plan, mask)}


@noun.get("/cases/<case_id>/approvals", Permission.CASE_READ, ApprovalListSchema())
def list_approvals(case_id: str) -> dict[str, Any]:
    """Who said what about the case, by random id."""
    with house().store.snapshot() as tx:
        tx.cases.get(case_id)
        found = tx.approvals.of(case_id)
    return {"approvals": [{"by": entry.by, "manner": entry.manner, "at": entry.at.isoformat()} for entry in found]}


@noun.post("/cases/<case_id>/approvals", Permission.CASE_READ, ApprovalListSchema(), ApproveSchema())
def approve(_: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Always refused with 403 `approval.second_factor`: a person approves at the console, with a second factor; a token can be stolen."""
    with house().store.snapshot() as tx:
        tx.cases.get(case_id)
    raise NotAllowed(
        "a plan is not approved by a program",
        code="approval.second_factor",
        hint="an approver opens the case in the console and proves a second factor",
    )


@noun.get("/cases/<case_id>/findings", Permission.CASE_READ, FindingListSchema(), FindingQuery())
def list_findings(query: dict[str, Any], case_id: str) -> dict[str, Any]:
    """Where the person was found in the case's present round: places, masked, and never a value."""
    page: Sequence[tuple[str, Finding, str]] = ()
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        what = list_name("findings", {"case": case_id, "round": case.round, "possible": query["possible"]})
        after = str(place_of(what, query["cursor"])[0]) if "cursor" in query else ""
        waiting = bool(query["possible"])
        with _unless_forgotten():
            if not waiting or case.stage is not Stage.CLOSED:
                page = tx.findings.page(case_id, case.round, FOUND, after=after, is_waiting=waiting, most=query["limit"])
        mask = mask_of(tx, case)
    rows = [{"finding": id_, **finding_row(finding, mask), "decided": verdict} for id_, finding, verdict in page]
    return {"findings": rows, "next": cursor_for(what, (page[-1][0],)) if len(page) == query["limit"] else None}
