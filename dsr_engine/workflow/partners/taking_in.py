"""A partner's request becomes a case: once, however often it is sent, and with the person's identity still to be verified.

The partner proved who it is, by its key or its token; the person proved nothing to us. So the case waits as its law says, and the ledger says who
handed it in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.request import Manner
from dsr_engine.store.partner_requests import PartnerRequest
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim, Request, drafted, opened
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.leaves import leaf

ASKED = "partner.asked"
_PENDING = frozenset({Stage.INTAKE, Stage.VERIFY_IDENTITY})
_DONE = frozenset({Outcome.FULFILLED, Outcome.FULFILLED_WITH_EXCEPTIONS})


@dataclass(frozen=True, slots=True)
class Handed:
    """What a partner handed in. `protocol` and `partner` are our names, `id` is its own for the request; `asked_at` is when the person asked."""

    protocol: str
    partner: str
    id: str
    claims: tuple[Claim, ...]
    asked_at: datetime
    regimes: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands: `state` is `pending`, `in_progress`, `completed` or `cancelled`; `due` the day of the answer, if a law sets one."""

    case: str
    received_at: datetime
    state: str
    due: datetime | None


def take_in(house: House, policy: Policy, handed: Handed) -> Standing:
    """Opens a case for it, or finds the one that it became before. Raises `InputWrong` where no case can be made of it."""
    digest = _digest(house, handed.protocol, handed.partner, handed.id)
    request = Request(handed.claims, policy, handed.partner, handed.regimes, received_at=handed.asked_at, manner=Manner.INTERFACE)
    draft = drafted(house, request)
    with house.store.transaction() as tx:
        known = tx.partner_requests.get(digest)
        if known is None:
            case = opened(tx, house, replace(draft, opened_by=tx.people.id_of(handed.partner)), request)
            known = PartnerRequest(
                digest, handed.partner, case.id, house.clock.now(), handed.id if handed.callbacks else "", handed.callbacks, "pending"
            )
            tx.partner_requests.add(known)
            tx.ledger.append(leaf(house.clock, ASKED, case.id, case=case.id, partner=handed.partner, protocol=handed.protocol, person="unverified"))
        return standing_of(tx, house, known)


def stands(house: House, protocol: str, partner: str, request_id: str) -> Standing:
    """How a request stands. Raises `InputWrong` (`partner_request.unknown`)."""
    with house.store.snapshot() as tx:
        return standing_of(tx, house, _known(tx, house, protocol, partner, request_id))


def _known(tx: Transaction, house: House, protocol: str, partner: str, request_id: str) -> PartnerRequest:
    found = tx.partner_requests.get(_digest(house, protocol, partner, request_id))
    if found is None:
        raise InputWrong("there is no such request", code="partner_request.unknown", hint="it was never handed in, or its record is over")
    return found


def standing_of(tx: Transaction, house: House, request: PartnerRequest) -> Standing:
    """How a request stands, as this transaction sees it."""
    case = tx.cases.get(request.case)
    found = standing(tx, house, case)
    due = datetime.combine(found.limits.answer, datetime.min.time(), house.calendar.zone) if found is not None else None
    return Standing(case.id, request.received_at, state_of(case), due)


def state_of(case: Case) -> str:
    """A case in the four words that partners know. Who cannot be identified, or is refused, was not erased: that is `cancelled` to them."""
    if case.stage is Stage.CLOSED:
        return "completed" if case.outcome in _DONE else "cancelled"
    return "pending" if case.stage in _PENDING else "in_progress"


def _digest(house: House, protocol: str, partner: str, request_id: str) -> bytes:
    return house.store.web_key.digest("partner request", "\n".join((protocol, partner, request_id)))


def policy_for(house: House, name: str) -> Policy:
    """The policy under which a partner's requests go: the one that is named, else the home's usual one."""
    found = house.policies.get(name or house.settings.policy)
    if found is None:
        raise InputWrong("there is no policy of this name", code="policy.unknown", hint="partners.yaml names it")
    return found


def refuse_future(moment: datetime, now: datetime, code: str) -> None:
    """Raises `InputWrong` for a moment that is still to come; five minutes of another clock are let pass."""
    if (moment - now).total_seconds() > 300:
        raise InputWrong("the time of the request lies in the future", code=code, hint="look at the clock of your server")


def claims_taken(pairs: Sequence[tuple[str, str]], taken: Sequence[str], code: str) -> tuple[tuple[str, str], ...]:
    """The pairs of kind and value, if every kind is taken. Raises `InputWrong` with this code: what is left out would be missed silently."""
    if not pairs or any(kind not in taken for kind, _ in pairs):
        raise InputWrong("an identifier is of a type that is not taken", code=code, hint="look at our discovery document")
    return tuple(pairs)
