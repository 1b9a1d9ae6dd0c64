"""A certificate that somebody brings: what its file says of itself, and what this house knows of it since. Nothing of the file is kept."""

from dataclasses import dataclass, replace

from dsr_engine.certificate.report import Report, Step
from dsr_engine.certificate.strangers import MOST_BYTES, check_apart
from dsr_engine.certificate.trust import Bundle
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.domain.network import network_of
from dsr_engine.domain.note import Checkpoint, opened
from dsr_engine.store import log_key
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.signing_in import throttle

#: So many files of one address in fifteen minutes: each costs half a second of a processor.
PER_ADDRESS = 30


@dataclass(frozen=True, slots=True)
class Checked:
    """`report` has what became of the certificate later, as far as this house knows. `history` is the look into its own ledger, None where the
    certificate is not of this house."""

    report: Report
    history: Step | None = None


def check_upload(house: House, pdf: bytes, address: str) -> Checked:
    """Looks at a file of somebody at this address, in a process of its own. Raises `InputWrong` for one that is no certificate's size or cannot be
    read, `NotAllowed` (`sign_in.often`) for one too many."""
    throttle(house, "certificate check", network_of(address), PER_ADDRESS)
    if not pdf:
        raise InputWrong("no file was chosen", code="check.none", hint="choose the PDF of a certificate")
    if len(pdf) > MOST_BYTES:
        raise InputWrong("the file is larger than any certificate", code="check.size", hint="choose the PDF of a certificate, at most 10 MB")
    report = check_apart(pdf, house.paper.bundle)
    with house.store.snapshot() as tx:
        return known_here(tx, house, report)


def known_here(tx: Transaction, house: House, report: Report) -> Checked:
    """The report with what this house's own store knows of the certificate; as it is where it is not genuine by this house's keys."""
    if not report.is_genuine or report.statement is None:
        return Checked(report)
    history = _history(tx, house, report)
    withdrawal = tx.withdrawals.of(report.statement.id)
    if withdrawal is not None and withdrawal.superseded_by is not None:
        return Checked(replace(report, later="superseded", status=f"genuine, but superseded by certificate {withdrawal.superseded_by}"), history)
    if withdrawal is not None:
        why = withdrawal.reason.replace("_", " ")
        return Checked(replace(report, later="withdrawn", status=f"genuine, but withdrawn on {withdrawal.at.date()} ({why})"), history)
    if history.is_ok:
        return Checked(replace(report, later="none", status="genuine; nothing later in the ledger speaks against it"), history)
    return Checked(report, history)


def _history(tx: Transaction, house: House, report: Report) -> Step:
    """Whether the ledger of this house still begins with what the certificate was entered among."""
    try:
        stated = checkpoint_of(house.paper.bundle, report.checkpoint)
    except NotVerified:
        return Step("history", False, "the ledger that it was entered in is not the one of this house", "history.other")
    size = tx.ledger.size()
    if stated.size > size:
        return Step("history", False, f"the ledger here has {size} entries, fewer than when the certificate was made", "history.shorter")
    if tx.ledger.root(stated.size) != stated.root:
        return Step("history", False, "the ledger here does not begin with what the certificate was entered among", "history.other")
    return Step("history", True, f"the ledger, now of {size} entries, begins with the {stated.size} that the certificate was entered among")


def checkpoint_of(bundle: Bundle, note: str) -> Checkpoint:
    """The checkpoint in a signed note, if one of the bundle's keys signed it. Raises `NotVerified`."""
    refused = NotVerified("the checkpoint is not signed by this ledger", code="checkpoint.other_key")
    for key in bundle.log_keys:
        try:
            found = opened(note, key, log_key.holds)
        except NotVerified as error:
            refused = error
            continue
        if found.origin == key.name:
            return found
    raise refused
