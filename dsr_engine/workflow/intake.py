"""The door: a request becomes a case with sealed claims. Nothing of the person is kept in the clear from here on."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dsr_engine.domain.case import Case, CaseKind, Stage, Tranche, Wait
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.order import Order
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.request import Contact, Manner, Right
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.bounds import COPYING
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.applying import refuse_unfit
from dsr_engine.workflow.law.entitling import ASSESSED, check_grounds, keep_grounds
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.corresponding import acknowledge
from dsr_engine.workflow.records.logbook import note_opened
from dsr_engine.workflow.step import Advance, Stand, Step
from dsr_engine.workflow.turn import Turn

MOST_SELECTORS = 200
#: How somebody is known who did not ask: an authority named them in its order.
ORDERED = "named_by_authority"


@dataclass(frozen=True, slots=True)
class Claim:
    """One identifier as the requester gave it."""

    kind: str
    value: Secret


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. `vouched` says that the operator answers for the identity; certificates will say so.

    `opened_by` is a person's name; the store keeps a random id for it. `systems` empty: all that are declared. `regimes` empty: the policy's first.
    `grounds` say why which data have to go, category → entitlement, and `reasoning` how the officer came to see that.
    """

    claims: tuple[Claim, ...]
    policy: Policy
    opened_by: str
    regimes: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    received_at: datetime | None = None
    vouched: bool = False
    right: Right = Right.ERASURE
    manner: Manner = Manner.NOT_RECORDED
    contact: Contact | None = None
    kind: CaseKind = CaseKind.REQUEST
    grounds: Mapping[str, str] = field(default_factory=dict)
    reasoning: str = ASSESSED
    order: Order | None = None


def open_case(house: House, request: Request) -> Case:
    """Opens the case and gives it; raises `InputWrong` before anything is written if the request cannot be worked on."""
    case = drafted(house, request)
    with house.store.transaction() as tx:
        return opened(tx, house, replace(case, opened_by=tx.people.id_of(request.opened_by)), request)


def drafted(house: House, request: Request) -> Case:
    """The case that the request would open; nothing is written. Raises `InputWrong` if it cannot be worked on."""
    _refuse_bad(house, request)
    now = house.clock.now()
    systems = request.systems or tuple(house.systems) if request.right is Right.ERASURE else ()
    regimes = tuple(dict.fromkeys(request.regimes)) or request.policy.regimes[:1]
    case = Case(
        id=secrets.token_hex(8),
        subject_ref=secrets.token_hex(16),
        kind=request.kind,
        policy=request.policy.name,
        regimes=regimes,
        stage=Stage.INTAKE if request.kind.is_of_a_person else Stage.DISCOVER,
        opened_at=now,
        systems=systems,
        identity="vouched_by_operator" if request.vouched else ORDERED if request.kind is CaseKind.SUPERVISORY_ORDER else "",
        received_at=request.received_at or now,
        digests=_digests(house, request, regimes, systems),
        tranche=Tranche(secrets.token_hex(8), 1, now) if request.kind is CaseKind.SWEEP else None,
        right=request.right,
    )
    return case if case.right is Right.ERASURE else replace(case, wait=_by_hand(case, now))


def opened(tx: Transaction, house: House, case: Case, request: Request | None = None) -> Case:
    """Writes the case with its key, the sealed claims and its leaf, all in the caller's transaction."""
    tx.cases.add(case)
    house.store.vault.create(tx, case.id, until=house.clock.now() + timedelta(days=house.followup_days))
    note_opened(tx, house, case, request.manner if request is not None else Manner.NOT_RECORDED)
    claims = request.claims if request is not None else ()
    for claim in claims:
        tx.selectors.add(case.id, Selector(secrets.token_hex(6), claim.kind, claim.value, verified=bool(case.identity)))
    if request is not None and request.order is not None:
        tx.orders.add(case.id, request.order.reference.reveal(), request.order.due)
    if request is not None:
        keep_grounds(tx, house, case, request.grounds, request.reasoning, case.opened_by)
    facts: dict[str, str | int] = {"selectors": len(claims)}
    if case.tranche is not None:
        facts |= {"sweep": case.tranche.sweep, "tranche": case.tranche.number}
    tx.ledger.append(
        leaf(
            house.clock,
            "case.opened",
            case.id,
            case=case.id,
            case_kind=case.kind.value,
            by=case.opened_by,
            policy=case.digests["policy"],
            identity=case.identity,
            texts={what: digest for what, digest in case.digests.items() if digest and not what.startswith("regime_version:")},
            **facts,
        )
    )
    if request is not None and request.contact is not None:
        tx.contacts.put(case.id, request.contact)
        acknowledge(tx, house, case)
    return case


def same_request(house: House, request: Request) -> Case | None:
    """The open case that this very request opened before, if there is one: a one-shot command that was killed goes on with it."""
    systems = request.systems or tuple(house.systems)
    wanted = {(claim.kind, claim.value.reveal()) for claim in request.claims}
    with house.store.snapshot() as tx:
        for case in tx.cases.list(open_only=True):
            if (case.right, case.kind, case.policy, case.systems, case.digests.get("policy")) != (
                request.right,
                request.kind,
                request.policy.name,
                systems,
                request.policy.source.digest,
            ):
                continue
            if {(entry.kind, entry.value.reveal()) for entry in tx.selectors.of(case.id) if entry.scope is None} == wanted:
                return case
    return None


def intake(case: Case, _turn: Turn, house: House) -> Step:
    """A request case has its claims since it was opened; it goes on to the question who asks. Other rights than erasure are answered by people."""
    return Advance(Stage.VERIFY_IDENTITY) if case.right is Right.ERASURE else Stand(_by_hand(case, house.clock.now()))


def _by_hand(case: Case, since: datetime) -> Wait:
    by_engine = f"; or let the engine search and make the copy (/cases/{case.id}/copy)" if case.right in COPYING else ""
    return Wait(
        "answer_by_hand",
        f"the request is for {case.right.value.replace('_', ' ')}, which people answer: the engine counts its limits and records the answer",
        f"answer it, then `dsr case answered {case.id} --outcome … --on DATE`{by_engine}",
        since,
    )


def _refuse_bad(house: House, request: Request) -> None:
    if request.kind is CaseKind.SUPERVISORY_ORDER and request.order is None:
        raise InputWrong("an order has a reference and a last day", code="order.incomplete", hint="--order --reference TEXT --due 2026-12-31")
    if request.kind.is_of_a_person and not request.claims:
        raise InputWrong("no identifier was given", code="case.no_selector", hint="name at least one, for instance --email")
    if len(request.claims) > MOST_SELECTORS:
        raise InputWrong(f"more than {MOST_SELECTORS} identifiers for one person", code="case.too_many_selectors", hint="open several cases")
    if any(not claim.value.reveal().strip() for claim in request.claims):
        raise InputWrong("an identifier is empty", code="case.empty_selector", hint="leave the option out instead")
    unknown = sorted(set(request.systems) - set(house.systems))
    if unknown:
        raise InputWrong(f"no such system: {', '.join(unknown)}", code="system.unknown", hint="systems.yaml declares them; `dsr check` lists them")
    if request.right is Right.ERASURE and not (request.systems or house.systems):
        raise InputWrong("no system is declared", code="system.none", hint="add one to systems.yaml, or name it with --in")
    strange = sorted(set(request.regimes) - set(house.regimes))
    if strange:
        raise InputWrong(f"no such regime: {strange[0]}", code="regime.unknown", hint=f"known are {', '.join(sorted(house.regimes))}")
    regimes = [house.regimes[name] for name in request.regimes or request.policy.regimes[:1]]
    refuse_unfit(request.kind, request.policy, regimes, house.calendar.day_of(request.received_at or house.clock.now()))
    check_grounds(regimes, request.grounds, request.reasoning)


def _digests(house: House, request: Request, regimes: Sequence[str], systems: Sequence[str]) -> Mapping[str, str]:
    """What the case is pinned to: the SHA-256 of the policy, the regimes and the manifests as they are today."""
    pinned = {"policy": request.policy.source.digest}
    for name in regimes:
        pinned[f"regime:{name}"] = house.regimes[name].source.digest
        pinned[f"regime_version:{name}"] = house.regimes[name].version
    for name in systems:
        pinned[f"connector:{name}"] = house.systems[name].manifest.source.digest
    return pinned
