"""One certificate as the house knows it: what it says, in the very blocks that its page is drawn from, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from dsr_engine.certificate.blocks import Block
from dsr_engine.certificate.issue import marks_of
from dsr_engine.certificate.layout import Marks, blocks
from dsr_engine.certificate.report import Report
from dsr_engine.certificate.statement import from_bytes
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.errors import Conflict
from dsr_engine.store.certificate_lists import Listed
from dsr_engine.store.certificates import Issued
from dsr_engine.store.incidents import Withdrawal
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.proving.citing import Cited, cited_by, kept_of


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate. `statement` None: the record of its request is erased, and the PDF is all that is left; then `blocks` are empty.

    `texts` are what it was made by: the policy, the laws, the connectors.
    """

    listed: Listed
    path: str
    case: str = ""
    leaf: int | None = None
    statement: Statement | None = None
    blocks: tuple[Block, ...] = ()
    withdrawal: Withdrawal | None = None
    published_at: datetime | None = None
    texts: tuple[Cited, ...] = ()

    @property
    def serial(self) -> int:
        return self.listed.serial


def paper_of(tx: Transaction, house: House, certificate: str) -> Paper | None:
    """The certificate with this id; None if nobody knows it."""
    listed = tx.certificate_lists.get(certificate)
    if listed is None:
        return None
    issued = tx.certificates.get(certificate)
    if issued is None:
        return Paper(listed, tx.certificates.spent_path(listed.serial))
    statement = from_bytes(issued.statement)
    opened = [tx.ledger.data(index) for index, _ in tx.ledger.find("case.opened", case=issued.case)]
    published = next((datetime.fromisoformat(str(data["at"])) for _, data in tx.ledger.find("certificate.published", case=issued.case)), None)
    return Paper(
        listed,
        issued.path,
        issued.case,
        issued.leaf_index,
        statement,
        blocks(statement, _marks(tx, house, issued)),
        tx.withdrawals.of(certificate),
        published,
        kept_of(house, cited_by(opened, (statement,))),
    )


def _marks(tx: Transaction, house: House, issued: Issued) -> Marks:
    """What the page says of its proof, as it would be proved now."""
    try:
        return marks_of(house.paper.signer, tx.ledger.proof(issued.leaf_index or 0))
    except Conflict:
        return Marks("not signed yet", "not signed yet", "not entered yet", issued.leaf_index or 0, 0)


def marks_of_report(report: Report) -> Marks:
    """The marks of proof of a certificate that was verified: what the verifier read from it."""
    origin, _, rest = report.checkpoint.partition("\n")
    size = rest.partition("\n")[0]
    prints = report.issuer.fingerprints
    return Marks(prints.get("authority", ""), prints.get("signer", ""), origin, report.entry, int(size) if size.isdigit() else 0)
