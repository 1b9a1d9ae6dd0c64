"""A case that does again what another one did: under the same law and policy, for the same person, linked to it by a row and a leaf.

The person asked once and was verified once, so neither is asked for again. What is done, a fresh search, a plan and its approval decide as ever.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.errors import Conflict, DsrError
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import CARRIED, Selector
from dsr_engine.store.aftercare import Sequel, Why, root_of
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.correcting.carrying import carry_corrections
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import opened
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.resolve_identities import SAME_PERSON

#: How the identity of such a case is established, in the words of certificates.
CARRIED_OVER = "carried_over"
#: Who opens cases that nobody asked for.
ENGINE = "engine"

_BECAUSE = {
    Why.RESTORED: "a backup was restored",
    Why.RESCAN: "a later look found records of the person",
    Why.AGAIN: "the law has the erasure done again at intervals",
}


def repeat(
    tx: Transaction, house: House, case: Case, why: Why, occasion: str, *, selectors: Iterable[Selector], systems: Sequence[str], by: str
) -> Case:
    """Opens the case that repeats this one, in the caller's transaction; gives the one that is there already for this occasion.

    `by` is a random id of `people`. Of the selectors the keys that systems knew the person by come as unverified: such a number may have been given
    anew meanwhile, so alone it gives possible findings. What the systems still tell is learnt again and counts as before.
    """
    known = next((sequel for sequel in tx.sequels.on(occasion) if sequel.of_case == case.id), None)
    if known is not None:
        return tx.cases.get(known.case)
    now = house.clock.now()
    new = replace(
        case,
        id=secrets.token_hex(8),
        subject_ref=secrets.token_hex(16),
        kind=CaseKind.REPLAY,
        right=Right.ERASURE,
        stage=Stage.RESOLVE_IDENTITIES,
        opened_at=now,
        opened_by=by,
        received_at=now,
        closed_at=None,
        systems=tuple(systems),
        round=1,
        identity=CARRIED_OVER,
        wait=None,
        outcome=None,
        digests=_pins(house, case, systems),
    )
    opened(tx, house, new)
    for approval in tx.approvals.of(case.id):
        if approval.manner == SAME_PERSON:  # somebody said once that all the records of one identifier are this person's
            tx.approvals.add(new.id, "", approval.by, approval.at, SAME_PERSON)
    for selector in carried(selectors):
        tx.selectors.add(new.id, replace(selector, id=secrets.token_hex(6)))
    tx.sequels.add(Sequel(new.id, case.id, why, occasion))
    carry_corrections(tx, case, new)
    tx.ledger.append(leaf(house.clock, "case.repeats", new.id, case=new.id, repeats=case.id, why=why.value))
    return new


def carried(selectors: Iterable[Selector]) -> tuple[Selector, ...]:
    """The selectors as a later look takes them: keys that were learnt from systems are unverified, and what only went along is left out."""
    return tuple(
        replace(selector, verified=False, via=None) if selector.scope is not None else selector for selector in selectors if selector.kind != CARRIED
    )


def selectors_of(tx: Transaction, case: str) -> tuple[Selector, ...] | None:
    """The identifiers of the case; None once it was forgotten."""
    try:
        return tx.selectors.of(case)
    except Conflict as error:
        if error.code in ("vault.shredded", "vault.no_key", "vault.epoch_gone"):
            return None
        raise


def is_under_way(tx: Transaction, case: Case) -> bool:
    """True while a case is open that repeats this one, or one that this one repeats."""
    origins = tx.sequels.origins()
    root = root_of(origins, case.id)
    return any(entry.id in origins and root_of(origins, entry.id) == root for entry in tx.cases.list(open_only=True))


def told(tx: Transaction, case: Case) -> dict[str, str]:
    """What a certificate says of the case that it repeats; nothing for one that repeats none."""
    sequel = tx.sequels.of(case.id)
    if sequel is None:
        return {}
    facts = {"repeats": sequel.of_case, "because": _BECAUSE[sequel.why]}
    restore = tx.restores.get(sequel.occasion.partition(":")[2]) if sequel.why is Why.RESTORED else None
    return facts | ({"backup_of": restore.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")} if restore is not None else {})


def wants_a_person(tx: Transaction, case: Case) -> bool:
    """True where no policy may approve by itself: a later look cannot tell what was left behind from somebody who came back."""
    sequel = tx.sequels.of(case.id)
    return sequel is not None and sequel.why is Why.RESCAN


def _pins(house: House, case: Case, systems: Sequence[str]) -> dict[str, str]:
    pinned = {key: digest for key, digest in case.digests.items() if not key.startswith("connector:")}
    for name in systems:
        if name in house.systems:
            pinned[f"connector:{name}"] = house.systems[name].manifest.source.digest
    return pinned


def is_readable(house: House, case: Case) -> bool:
    """True if the rules of the case are still there, so that it can be repeated under them."""
    try:
        house.policy_of(case)
        house.regimes_of(case)
    except DsrError:
        return False
    return True
