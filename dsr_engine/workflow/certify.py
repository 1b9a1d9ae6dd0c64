"""Paper. In this order, so that a rerun reuses what is there: statement (persisted, sealed) → ledger leaf → checkpoint → proof → PDF → signature.

Killed before the statement is stored: it is made again. Killed after: the stored statement, its seal and its leaf are used again, and only the page
is drawn anew. The PDF appears under its name in one step.
"""

import hashlib
import os
import secrets
from pathlib import Path

from dsr_engine.certificate.issue import issue
from dsr_engine.certificate.statement import sealed, steps, to_bytes
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.errors import Conflict
from dsr_engine.store.certificates import Issued
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.account import DISCLAIMERS, Account, account_of
from dsr_engine.workflow.holds.reviewing import reviewed_statement
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.entitling import stated_grounds
from dsr_engine.workflow.law.exempting import approvers_of, with_provisions
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.notices.recipients import recipient_rows, recipients_unknown
from dsr_engine.workflow.records.matching import committed_to
from dsr_engine.workflow.staying_erased.repeating import told
from dsr_engine.workflow.step import Advance, Step
from dsr_engine.workflow.turn import Turn


def certify(case: Case, turn: Turn, house: House) -> Step:
    """Issues the certificate of the case and writes it to the certificates folder."""
    with turn.transaction() as tx:
        issued = tx.certificates.of(case.id) or _stated(tx, case, house)
    with turn.transaction() as tx:
        assert issued.leaf_index is not None
        tx.ledger.checkpoint()
        proof = tx.ledger.proof(issued.leaf_index, tx.ledger.size())
    paper = house.paper
    pdf = issue(issued.statement, issued.envelope, proof, paper.signer, paper.look, tsa_url=paper.tsa_url)
    _write(paper.folder / issued.path, pdf)
    return Advance(Stage.PUBLISH)


def _stated(tx: Transaction, case: Case, house: House) -> Issued:
    """Makes the statement, seals it, and lets the ledger hold it; all in the caller's transaction."""
    serial = tx.certificates.next_serial()
    statement = _statement(tx, case, serial, house)
    text = to_bytes(statement)
    envelope = sealed(text, house.paper.signer)
    digest = hashlib.sha256(text).hexdigest()
    index = tx.ledger.append(
        leaf(house.clock, "certificate.issued", f"{statement.id}:issued", case=case.id, certificate=statement.id, serial=serial, statement=digest)
    )
    path = f"certificate-{serial:06d}.pdf"
    tx.certificates.add(statement.id, case.id, serial, text, envelope, index, path)
    return Issued(statement.id, case.id, serial, text, envelope, index, path)


def _statement(tx: Transaction, case: Case, serial: int, house: House) -> Statement:
    account = account_of(tx, case, [house.system_named(name) for name in case.systems], Mask(tx.selectors.of(case.id)))
    plan = tx.plans.of(case.id, case.round)
    if plan is None:
        raise Conflict("the case has no plan of this round", code="plan.none", hint="run the case")
    policy = house.policy_of(case)
    return Statement(
        id=secrets.token_hex(16),
        serial=serial,
        issued_at=_at(house),
        software=house.software,
        controller=house.paper.controller,
        subject_ref=case.subject_ref,
        case={"id": case.id, "kind": case.kind.value, "rounds": str(case.round), **told(tx, case)},
        dates=_dates(tx, case),
        regimes=tuple(
            {"name": regime.title, "version": regime.version, "sha256": case.digests.get(f"regime:{regime.name}", "")}
            for regime in house.regimes_of(case)
        ),
        policy={"name": policy.name, "file": policy.source.file, "sha256": policy.source.digest},
        supersedes=tx.withdrawals.replaced_by(case.id) or "",
        plan_digest=plan.digest(),
        approvals=_approvals(tx, case),
        identity=case.identity,
        systems=with_provisions(account.systems, house.regimes_of(case), approvers_of(tx, case, plan)),
        exceptions=account.exceptions,
        verdict=account.outcome.value,
        level=account.level,
        claims=_claims(case, account),
        disclaimers=(*DISCLAIMERS, *recipients_unknown(house, case)),
        steps=steps(is_timestamped=house.paper.tsa_url is not None),
        holds=reviewed_statement(tx, case),
        grounds=stated_grounds(tx, house, case),
        commitment=committed_to(tx, case),
        recipients=recipient_rows(tx, case),
    )


def _claims(case: Case, account: Account) -> tuple[str, ...]:
    return account.claims if case.systems else ()


def _at(house: House) -> str:
    return house.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _dates(tx: Transaction, case: Case) -> dict[str, str]:
    dates = {"opened": case.opened_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if case.received_at is not None:
        dates["received"] = case.received_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    approved = [entry.at for entry in tx.approvals.of(case.id)]
    if approved:
        dates["approved"] = max(approved).strftime("%Y-%m-%dT%H:%M:%SZ")
    return dates


def _approvals(tx: Transaction, case: Case) -> tuple[dict[str, str], ...]:
    return tuple(
        {"by": entry.by, "manner": entry.manner.replace("_", " "), "at": entry.at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        for entry in tx.approvals.of(case.id)
    )


def _write(path: Path, data: bytes) -> None:
    """Puts the file in place in one step, on disk before it is named."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
