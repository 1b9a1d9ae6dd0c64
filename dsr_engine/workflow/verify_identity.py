"""Who asks? Somebody answers for it, by a method that is stored; what was shown as proof never is (GDPR Art. 12(6), 11 CCR 7060)."""

import secrets
from dataclasses import replace

from dsr_engine.domain.case import Case, Stage, Wait
from dsr_engine.domain.errors import Conflict
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.step import Advance, Stand, Step
from dsr_engine.workflow.turn import Turn

#: How an identity can have been established, in the words of certificates.
METHODS = {
    "vouched_by_operator": "identity not verified by the engine: the operator vouched for it",
    "reauthenticated_account": "the person logged in again",
    "code_to_known_address": "a code was sent to an address that was already on file",
    "data_points_matched": "data points that were already on file matched",
    "agent_with_permission": "an agent showed a signed permission",
}


def verify_identity(case: Case, _turn: Turn, house: House) -> Step:
    """Goes on once a method is on the case; stands until then."""
    if case.identity:
        return Advance(Stage.RESOLVE_IDENTITIES)
    return Stand(
        Wait(
            "identity_unverified",
            "nobody has verified yet that the requester is the person",
            f"`dsr case verify {case.id} --method …` by whoever checked it",
            house.clock.now(),
        )
    )


def confirm_identity(house: House, case_id: str, method: str, by: str, kinds: tuple[str, ...] = ()) -> None:
    """Records who verified the requester and how; marks the selectors of these kinds (all if empty) as verified."""
    with house.store.transaction() as tx:
        case = tx.cases.get(case_id)
        if case.stage is not Stage.VERIFY_IDENTITY and case.stage is not Stage.INTAKE:
            raise Conflict("the identity of this case is settled already", code="case.stage", hint="`dsr case show` tells where it stands")
        for selector in tx.selectors.of(case_id):
            if not kinds or selector.kind in kinds:
                tx.selectors.add(case_id, replace(selector, verified=True))
        tx.cases.save(replace(case, identity=method, wait=None))
        person = tx.people.id_of(by)
        tx.ledger.append(leaf(house.clock, "case.identity", f"{case_id}:{secrets.token_hex(8)}", case=case_id, method=method, by=person))
