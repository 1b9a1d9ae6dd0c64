"""The certificate as its requester gets it: the requester's edition, entered in the ledger and signed like the auditor's, made when it is asked for.

Killed between the ledger's entry and the file: the next who asks finds the entry and draws the file anew.
"""

import hashlib
import os

from dsr_engine.certificate.editions import REQUESTER, requesters
from dsr_engine.certificate.issue import issue
from dsr_engine.certificate.statement import EDITION_LEAF, from_bytes, sealed, to_bytes
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.portal import Link
from dsr_engine.store.certificates import Issued
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.portal.following import Download


def certificate_for(house: House, link: Link) -> Download:
    """The requester's edition of the certificate of the link's case. Raises `InputWrong` (`letter.unknown`) where there is none yet."""
    with house.store.snapshot() as tx:
        case, issued = tx.cases.get(link.case), tx.certificates.of(link.case)
    if issued is None or case.outcome is None:
        raise InputWrong("there is no certificate of this case", code="letter.unknown")
    path = house.paper.folder / issued.path.replace(".pdf", f"-{REQUESTER}.pdf")
    if not path.is_file():
        draft = path.with_suffix(f".{os.getpid()}.part")
        draft.write_bytes(requesters_edition(house, issued))
        draft.replace(path)
    return Download(path.name, path.read_bytes())


def requesters_edition(house: House, issued: Issued) -> bytes:
    """The PDF of the requester's edition. Its statement and its leaf are the same however often it is made."""
    text = to_bytes(requesters(from_bytes(issued.statement), issued.statement))
    with house.store.transaction() as tx:
        index = _entered(tx, house, issued, hashlib.sha256(text).hexdigest())
    with house.store.transaction() as tx:
        tx.ledger.checkpoint()
        proof = tx.ledger.proof(index, tx.ledger.size())
    paper = house.paper
    return issue(text, sealed(text, paper.signer), proof, paper.signer, paper.look, tsa_url=paper.tsa_url)


def _entered(tx: Transaction, house: House, issued: Issued, digest: str) -> int:
    """The index of the leaf that names this edition."""
    for index, body in tx.ledger.find(EDITION_LEAF, certificate=issued.id):
        if body["statement"] == digest:
            return index
    key, clock = f"{issued.id}:{digest[:16]}", house.clock
    edition = leaf(clock, EDITION_LEAF, key, case=issued.case, certificate=issued.id, serial=issued.serial, statement=digest, edition=REQUESTER)
    return tx.ledger.append(edition)
