"""A request that came by mail, by telephone or over the desk, entered by an officer.

Whatever is wrong is said on the form itself, in the same answer and with what was typed still in it: nothing of a person is in an address or a
cookie.
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from dsr_engine.bootstrap import pin_policy
from dsr_engine.certificate.letter import languages
from dsr_engine.domain.case import Case
from dsr_engine.domain.entitled import EVERYTHING, REASONINGS
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.order import Order
from dsr_engine.domain.request import Contact, Manner, Right
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Permission
from dsr_engine.web.answers import status_of
from dsr_engine.web.forms import Answer, day, day_or_none, filled_identifiers, identifier_kinds, midnight, plain_hint, text, typed_identifiers
from dsr_engine.web.guard import house, keeper, needs, user
from dsr_engine.workflow.claims import claims_of, doubts_of
from dsr_engine.workflow.intake import Claim, Request, open_case
from dsr_engine.workflow.law.entitling import ASSESSED
from dsr_engine.workflow.letters.corresponding import checked_contact
from dsr_engine.workflow.opening import as_order, refuse_future
from dsr_engine.workflow.records.doubles import open_doubles

blueprint = Blueprint("opening", __name__, url_prefix="/cases")
#: Rows for identifiers that the form has at first, and how many more a click adds.
ROWS, MORE = 3, 3
_MOST_ROWS = 200
#: Who speaks for the person, and how that is verified later.
ASKERS = {
    "": "The person",
    "agent_with_permission": "An agent with the person's signed permission",
    "agent_with_power_of_attorney": "An agent with a power of attorney",
    "guardian": "A parent or guardian of a child",
}
MANNERS = (Manner.EMAIL, Manner.POST, Manner.PHONE, Manner.IN_PERSON, Manner.WEB, Manner.AUTHORITY, Manner.NOT_RECORDED)


@blueprint.get("/new")
@needs(Permission.CASE_WRITE)
def form() -> str:
    return _page(ROWS)


@blueprint.post("/new")
@needs(Permission.CASE_WRITE)
def enter() -> Answer:
    if "more" in request.form:
        return _page(min(len(typed_identifiers()) + MORE, _MOST_ROWS))
    try:
        case, doubles, doubts = _opened()
    except DsrError as problem:
        return _page(max(ROWS, len(typed_identifiers())), problem), status_of(problem)
    flash(f"Case {case.id} is open.", "done")
    for doubt in doubts:
        flash(doubt, "wait")
    for double in doubles:
        flash(
            f"Case {double.id} is open for the same identifiers. If it is the same request, withdraw this one: the limits run from the first.", "wait"
        )
    if case.right is Right.ERASURE and not case.identity:
        return redirect(url_for("case_identity.show", case_id=case.id, method=text("asker") if text("asker") in set(ASKERS) - {""} else None), 303)
    return redirect(url_for("cases.show", case_id=case.id), 303)


def _opened() -> tuple[Case, tuple[Case, ...], tuple[str, ...]]:
    """Opens the case that the form describes; also gives open cases that may be the same request, and doubts about the identifiers."""
    claims = _claims()
    policy = keeper().home.declared.policies.get(text("policy"))
    if policy is None:
        raise InputWrong("no policy was chosen", code="form.choice", hint="choose the policy that says what is to happen to which data")
    right, manner = _right(), Manner(text("manner")) if text("manner") in set(Manner) else Manner.NOT_RECORDED
    received = midnight(day("received", "the day of receipt"))
    refuse_future(house(), received)
    today = house().calendar.day_of(house().clock.now())
    order = _order()
    asked = Request(
        claims,
        policy,
        user().name,
        tuple(request.form.getlist("regimes")),
        tuple(request.form.getlist("systems")) if right is Right.ERASURE else (),
        # The moment of a request of today is now: midnight would lie before everything else of that day.
        house().clock.now() if house().calendar.day_of(received) == today else received,
        vouched="vouch" in request.form,
        right=right,
        manner=manner,
        contact=_contact(),
        grounds={text("category") or EVERYTHING: text("ground")} if text("ground") else {},
        reasoning=text("reasoning") or ASSESSED,
    )
    asked = as_order(asked, order)
    pin_policy(keeper().home, policy)
    doubles = open_doubles(house(), claims, right)
    return open_case(house(), asked), doubles, doubts_of(claims)


def _claims() -> tuple[Claim, ...]:
    return claims_of((_kind_of(kind), value) for kind, value in filled_identifiers())


def _kind_of(kind: str) -> str:
    """The kind that was chosen, or the one of the house's own that was typed beside the list."""
    return kind.strip() or text("own_kind")


def _right() -> Right:
    given = text("right")
    if given not in set(Right):
        raise InputWrong("nothing was chosen: what is asked for", code="form.choice", hint="choose one of what the form offers")
    return Right(given)


def _contact() -> Contact | None:
    if not text("reply_to"):
        if text("language"):
            raise InputWrong("a language is chosen, and no address to write to", code="option.language", hint="enter the address, too")
        return None
    return checked_contact(house(), text("reply_to"), text("language"))


def _order() -> Order | None:
    """What an authority ordered; None where it ordered nothing. Raises `InputWrong` for half of it."""
    reference, due = text("order_reference"), day_or_none("order_due", "the last day of the order")
    if not reference and due is None:
        return None
    if not reference or due is None:
        raise InputWrong("an order has a reference and a last day", code="option.order", hint="enter both, or neither")
    return Order(Secret(reference), due)


def _page(rows: int, problem: DsrError | None = None) -> str:
    typed: MultiDict[str, str] = request.form
    filled = list(typed_identifiers())[:_MOST_ROWS]
    kinds = ("email", "name", "phone")
    filled += [(kinds[number] if number < len(kinds) and not filled else "email", "") for number in range(len(filled), rows)]
    policies = keeper().home.declared.policies
    chosen = policies.get(typed.get("policy", "") or house().settings.policy)
    grounds = {entry.name: entry for regime in house().regimes.values() for entry in regime.entitlements}
    return render_template(
        "cases/new.html",
        problem=problem,
        hint=plain_hint(problem) if problem is not None else "",
        rows=filled,
        kinds=identifier_kinds(),
        typed=typed,
        policies=sorted(policies),
        policy=chosen.name if chosen is not None else "",
        regimes=sorted(house().regimes.values(), key=lambda regime: (regime.name not in (chosen.regimes if chosen else ()), regime.name)),
        systems=sorted(house().systems),
        rights=list(Right),
        manners=MANNERS,
        askers=ASKERS,
        grounds=grounds,
        reasonings=REASONINGS,
        languages=languages(house().settings.home),
        today=house().calendar.day_of(house().clock.now()).isoformat(),
        has_mail=house().settings.mail is not None,
    )
