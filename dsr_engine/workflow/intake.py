"""The door: a request becomes a case with sealed claims. Nothing of the person is kept in the clear from here on."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dsr_engine.domain.case import Case, CaseKind, Stage, Tranche
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.request import Contact, Manner, Right
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.step import Advance, Step
from dsr_engine.workflow.turn import Turn

MOST_SELECTORS = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """One identifier as the requester gave it."""

    kind: str
    value: Secret


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. `vouched` says that the operator answers for the identity; certificates will say so.

    `opened_by` is a person's name; the store keeps a random id for it. `systems` empty: all that are declared. `regimes` empty: the policy's first.
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


def open_case(house: House, request: Request) -> Case:
    """Opens the case and gives it; raises `InputWrong` before anything is written if the request cannot be worked on."""
    case = drafted(house, request)
    with house.store.transaction() as tx:
        return opened(tx, house, replace(case, opened_by=tx.people.id_of(request.opened_by)), request)


def drafted(house: House, request: Request) -> Case:
    """The case that the request would open; nothing is written. Raises `InputWrong` if it cannot be worked on."""
    _refuse_bad(house, request)
    now = house.clock.now()
    systems = request.systems or tuple(house.systems)
    regimes = request.regimes or request.policy.regimes[:1]
    return Case(
        id=secrets.token_hex(8),
        subject_ref=secrets.token_hex(16),
        kind=request.kind,
        policy=request.policy.name,
        regimes=regimes,
        stage=Stage.INTAKE if request.kind.is_of_a_person else Stage.DISCOVER,
        opened_at=now,
        systems=systems,
        identity="vouched_by_operator" if request.vouched else "",
        received_at=request.received_at or now,
        digests=_digests(house, request, regimes, systems),
        tranche=Tranche(secrets.token_hex(8), 1, now) if request.kind is CaseKind.SWEEP else None,
    )


def opened(tx: Transaction, house: House, case: Case, request: Request | None = None) -> Case:
    """Writes the case with its key, the sealed claims and its leaf, all in the caller's transaction."""
    tx.cases.add(case)
    house.store.vault.create(tx, case.id, until=house.clock.now() + timedelta(days=house.followup_days))
    claims = request.claims if request is not None else ()
    for claim in claims:
        tx.selectors.add(case.id, Selector(secrets.token_hex(6), claim.kind, claim.value, verified=request is not None and request.vouched))
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
            **facts,
        )
    )
    return case


def same_request(house: House, request: Request) -> Case | None:
    """The open case that this very request opened before, if there is one: a one-shot command that was killed goes on with it."""
    systems = request.systems or tuple(house.systems)
    wanted = {(claim.kind, claim.value.reveal()) for claim in request.claims}
    with house.store.snapshot() as tx:
        for case in tx.cases.list(open_only=True):
            if (case.kind, case.policy, case.systems, case.digests.get("policy")) != (
                request.kind,
                request.policy.name,
                systems,
                request.policy.source.digest,
            ):
                continue
            if {(entry.kind, entry.value.reveal()) for entry in tx.selectors.of(case.id) if entry.scope is None} == wanted:
                return case
    return None


def intake(_case: Case, _turn: Turn, _house: House) -> Step:
    """A request case has its claims since it was opened; it goes on to the question who asks."""
    return Advance(Stage.VERIFY_IDENTITY)


def _refuse_bad(house: House, request: Request) -> None:
    if request.kind.is_of_a_person and not request.claims:
        raise InputWrong("no identifier was given", code="case.no_selector", hint="name at least one, for instance --email")
    if len(request.claims) > MOST_SELECTORS:
        raise InputWrong(f"more than {MOST_SELECTORS} identifiers for one person", code="case.too_many_selectors", hint="open several cases")
    if any(not claim.value.reveal().strip() for claim in request.claims):
        raise InputWrong("an identifier is empty", code="case.empty_selector", hint="leave the option out instead")
    unknown = sorted(set(request.systems) - set(house.systems))
    if unknown:
        raise InputWrong(f"no such system: {', '.join(unknown)}", code="system.unknown", hint="systems.yaml declares them; `dsr check` lists them")
    if not (request.systems or house.systems):
        raise InputWrong("no system is declared", code="system.none", hint="add one to systems.yaml, or name it with --in")
    strange = sorted(set(request.regimes) - set(house.regimes))
    if strange:
        raise InputWrong(f"no such regime: {strange[0]}", code="regime.unknown", hint=f"known are {', '.join(sorted(house.regimes))}")


def _digests(house: House, request: Request, regimes: Sequence[str], systems: Sequence[str]) -> Mapping[str, str]:
    """What the case is pinned to: the SHA-256 of the policy, the regimes and the manifests as they are today."""
    pinned = {"policy": request.policy.source.digest}
    for name in regimes:
        pinned[f"regime:{name}"] = house.regimes[name].source.digest
        pinned[f"regime_version:{name}"] = house.regimes[name].version
    for name in systems:
        pinned[f"connector:{name}"] = house.systems[name].manifest.source.digest
    return pinned
