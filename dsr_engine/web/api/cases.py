"""Cases over the API: opened, listed, looked at."""

from datetime import datetime, time
from typing import Any

from dsr_engine.bootstrap import pin_policy
from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.user import Permission
from dsr_engine.store.case_lists import Place, Wanted
from dsr_engine.web.api.callers import caller
from dsr_engine.web.api.cursors import cursor_for, list_name, place_of
from dsr_engine.web.api.noun import Noun
from dsr_engine.web.api.schemas import CaseListSchema, CaseQuery, CaseSchema, OpenedSchema, OpenSchema
from dsr_engine.web.guard import house, keeper
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, open_case
from dsr_engine.workflow.law.entitling import ASSESSED
from dsr_engine.workflow.letters.corresponding import checked_contact
from dsr_engine.workflow.records.doubles import open_doubles
from dsr_engine.workflow.report import case_report, case_row

noun = Noun("cases", "Requests and sweeps, from intake to certificate.")


@noun.get("/cases", Permission.CASE_READ, CaseListSchema(), CaseQuery())
def list_(query: dict[str, Any]) -> dict[str, Any]:
    """Lists cases, the newest first."""
    name = list_name("cases", query)
    page = page_of(name, _wanted(query), query)
    return {"cases": [row_of(case) for case in page], "next": next_of(name, page, query)}


def page_of(name: str, wanted: Wanted, query: dict[str, Any]) -> tuple[Case, ...]:
    """A page of these cases, and one more where more follow."""
    after = None
    if "cursor" in query:
        opened_at, id_ = place_of(name, query["cursor"])
        after = Place(datetime.fromisoformat(str(opened_at)), str(id_))
    with house().store.snapshot() as tx:
        return tx.case_lists.page(wanted, query["limit"], after=after)


def next_of(name: str, page: tuple[Case, ...], query: dict[str, Any]) -> str | None:
    """The cursor of what follows a page; a full one may be the last."""
    return cursor_for(name, (page[-1].opened_at.isoformat(), page[-1].id)) if len(page) == query["limit"] else None


def _wanted(query: dict[str, Any]) -> Wanted:
    def code(name: str, kind: Any) -> Any:
        return kind(query[name]) if name in query else None

    return Wanted(
        state=query.get("state", ""),
        kind=code("kind", CaseKind),
        right=code("right", Right),
        stage=code("stage", Stage),
        outcome=code("outcome", Outcome),
        policy=query.get("policy", ""),
    )


@noun.post("/cases", Permission.CASE_WRITE, OpenedSchema(), OpenSchema(), 201)
def open_(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Opens a case for a person. What was given is sealed; the person is verified before anything is looked for, unless you vouch."""
    at_home = house()
    claims = claims_of((entry["kind"], entry["value"]) for entry in body["identifiers"])
    policy = policy_named(body.get("policy") or at_home.settings.policy)
    pin_policy(keeper().home, policy)
    right = Right(body["right"])
    contact = checked_contact(at_home, body["reply_to"], body["language"]) if "reply_to" in body else None
    request = Request(
        claims,
        policy,
        caller().user.name,
        tuple(body.get("regimes", ())),
        tuple(body.get("systems", ())),
        _received(at_home, body),
        body["vouched"],
        right,
        Manner(body["manner"]),
        contact,
        grounds=body.get("grounds", {}),
        reasoning=body.get("reasoning", ASSESSED),
    )
    doubles = open_doubles(at_home, claims, right)
    case = open_case(at_home, request)
    return {**row_of(case), "same_as": [double.id for double in doubles]}, 201, {"Location": f"/api/v1/cases/{case.id}"}


def policy_named(name: str) -> Policy:
    """The policy of this name. Raises `InputWrong` (`policy.unknown`)."""
    found = house().policies.get(name)
    if found is None:
        raise InputWrong("there is no policy of this name", code="policy.unknown", hint="GET /api/v1/policies lists them")
    return found


def _received(at_home: House, body: dict[str, Any]) -> datetime | None:
    day = body.get("received_on")
    if day is None:
        return None
    if day > at_home.calendar.day_of(at_home.clock.now()):
        raise InputWrong("received_on lies in the future", code="option.received", hint="name the day on which the request arrived")
    return datetime.combine(day, time(), at_home.calendar.zone)


@noun.get("/cases/<case_id>", Permission.CASE_READ, CaseSchema())
def show(case_id: str) -> dict[str, Any]:
    """Tells how a case stands: clock, coverage, findings as counts, results."""
    return shown(case_id)


def shown(case_id: str) -> dict[str, Any]:
    """A case as the API tells of it."""
    report = case_report(house(), case_id)
    with house().store.snapshot() as tx:
        case = tx.cases.get(case_id)
        issued = tx.certificates.of(case_id)
    return {**report, **row_of(case), "certificate": issued.serial if issued else None}


def row_of(case: Case) -> dict[str, Any]:
    """A case as one entry of a list."""
    return {**case_row(case), "regimes": list(case.regimes), "systems": list(case.systems)}
