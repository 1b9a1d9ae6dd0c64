"""Cases, people, findings and plans that tests put into the store."""

from datetime import UTC, date, datetime

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.plan import Delete, Dependent, DropPart, Edit, Fence, Obstacle, Plan, PlanItem, Planned, Reason, RedactSpans, Rewrite, SetValue
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.record import Locator
from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.domain.source import Source

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)

CANARY = "jane.canary+7f3a@example.org"


def a_case(case_id: str = "case-1", **changes: object) -> Case:
    """A case that was just opened."""
    given = {
        "id": case_id,
        "subject_ref": f"subject-of-{case_id}",
        "kind": CaseKind.REQUEST,
        "policy": "customers",
        "regimes": ("gdpr",),
        "stage": Stage.INTAKE,
        "opened_at": NOON,
        "systems": ("shop", "mail"),
    }
    return Case(**{**given, **changes})  # type: ignore[arg-type]  # the keys are the fields


def selectors(value: str = CANARY) -> tuple[Selector, ...]:
    return (
        Selector("sel-1", "email", Secret(value), verified=True),
        Selector("sel-2", "customer_id", Secret(f"id of {value}"), scope=Scope("shop", "customers", value), via="sel-1"),
    )


def finding(number: int = 0, value: str = CANARY, case: str = "case-1") -> Finding:
    hit = Hit(f"part:1/{value}", "user.contact.email", "sel-1", "email", "plain", Confidence.CERTAIN, field="email")
    return Finding(
        case=case,
        locator=Locator("shop", "customers", (value, str(number)), f"row:{number}"),
        match=Match.OWNS if number % 2 else Match.MENTIONS,
        confidence=Confidence.CERTAIN,
        hits=(hit,),
        server="server-1",
        fields={"email": "user.contact.email", "born": "user.demographic.date_of_birth"},
        facts={"closed_at": "2020-01-01", "name": value, "gone": None},
        created=NOON,
    )


def item(number: int, records: int = 3, value: str = CANARY) -> PlanItem:
    edits = (
        Edit("email", SetValue(Method(MethodName.TEXT, value), "user.contact.email", 2)),
        Edit("note", RedactSpans()),
        Edit("row:17", DropPart()),
        Edit("state", Fence(True)),
    )
    reason = Reason(Treatment.ANONYMIZE, "r-1", Source("policies/a.yaml", 7, 3, "ab"), "tax", "§ 147 AO", date(2034, 1, 1))
    return PlanItem(
        id=f"item-{number}",
        system="shop" if number % 2 else "mail",
        collection="customers",
        treatment=Treatment.ANONYMIZE if number % 3 else Treatment.DELETE,
        effect=Rewrite(edits) if number % 3 else Delete(),
        reasons=(reason,),
        records=tuple(
            Planned(Locator("shop", "customers", (value, str(position))), bytes([position % 256]) * 32, None if position % 2 else b"\1" * 32, "f")
            for position in range(records)
        ),
        fields=("email", "note"),
        server="server-1",
        after=("item-0",) if number else (),
        dependents=(Dependent("orders", "cascade", 2),),
    )


def plan(items: int = 3, records: int = 3, *, plan_id: str = "plan-1", round_: int = 1, value: str = CANARY) -> Plan:
    obstacle = Obstacle("plan.undecided", f"about {value}", "shop", "customers", 4)
    return Plan(plan_id, "case-1", round_, "policy-digest", tuple(item(number, records, value) for number in range(items)), (obstacle,))
