"""Whether a certificate is about a person: yes or no, for whoever has the person's match code or the request log, and for nobody else."""

from collections.abc import Iterable

from dsr_engine.domain.case import Case
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.commitment import commitment, match_code, matches, new_salt
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.selector import Secret
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf


def committed_to(tx: Transaction, case: Case) -> str:
    """The commitment that the case's certificate carries; its salt is sealed into the request log in the same transaction.

    Empty for a case that no log row stands for: nobody would have the salt. A second certificate of the case has the salt of the first, so that the
    code in the person's letter stays good.
    """
    if tx.request_log.of(case.id) is None:
        return ""
    claims = [(entry.kind, entry.value.reveal()) for entry in tx.selectors.of(case.id) if entry.scope is None]
    salt = tx.request_log.salt(case.id) or new_salt()
    text = commitment(salt, claims)
    if text:
        tx.request_log.keep_salt(case.id, salt)
    return text


def code_for(tx: Transaction, case: Case) -> str:
    """The match code that goes to the person; empty where there is none, or none any more."""
    salt = tx.request_log.salt(case.id)
    return match_code(salt) if salt is not None else ""


def is_about(statement: Statement, salt: bytes, identifiers: Iterable[tuple[str, Secret]]) -> bool:
    """True if the certificate was made for a request with one of these identifiers (kind, value).

    Raises `InputWrong` for a certificate without a commitment.
    """
    if not statement.commitment:
        raise InputWrong(
            "this certificate carries no commitment to a request",
            code="match.none",
            hint="certificates of sweeps, of replays and of earlier versions have none; nobody can link them to a person",
        )
    return any(matches(statement.commitment, salt, kind, value.reveal()) for kind, value in identifiers)


def salt_from_log(house: House, statement: Statement, by: str) -> bytes:
    """The salt that the request log keeps for the case of this certificate; that somebody asked stands in the ledger.

    Raises `Conflict` where the log has no such row, or none any more.
    """
    case = statement.case.get("id", "")
    with house.store.transaction() as tx:
        salt = tx.request_log.salt(case)
        if salt is None:
            raise Conflict(
                "the request log of this home has no row for this certificate: it was issued elsewhere, or the row's period is over",
                code="match.ended",
                hint="only the person can link it now, with the code in their letter (--code)",
            )
        key = f"{statement.id}:matched:{tx.ledger.size()}"
        tx.ledger.append(leaf(house.clock, "certificate.matched", key, certificate=statement.id, case=case, by=tx.people.id_of(by)))
    return salt
