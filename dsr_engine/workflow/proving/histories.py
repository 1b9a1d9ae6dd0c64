"""Whether two states of the ledger are of one history: between two checkpoints, and between the checkpoints that two certificates carry."""

from dataclasses import dataclass

from dsr_engine.certificate.inside import inside
from dsr_engine.certificate.report import Report
from dsr_engine.domain.errors import InputWrong, NotVerified
from dsr_engine.domain.evidence import is_consistent
from dsr_engine.domain.note import Checkpoint
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.proving.checking import checkpoint_of


@dataclass(frozen=True, slots=True)
class Side:
    """One of two states: where it comes from, and the signed note. `checkpoint` None: it is not signed by this ledger, and `problem` says so."""

    what: str
    note: str
    checkpoint: Checkpoint | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Histories:
    """`older` and `newer` by size. `proof` leads from one to the other (RFC 9162), as this ledger has it; `does_hold` says whether it does."""

    older: Side
    newer: Side
    does_hold: bool
    proof: tuple[bytes, ...]
    verdict: str


def note_of(house: House, what: str, note: str) -> Side:
    """A signed note as one side of a comparison. The line ends of a copied text do not count."""
    lines = note.replace("\r\n", "\n").strip("\n") + "\n"
    try:
        return Side(what, lines, checkpoint_of(house.paper.bundle, lines))
    except NotVerified as error:
        return Side(what, lines, None, error.message)


def note_of_size(tx: Transaction, house: House, size: int) -> Side:
    """The stored checkpoint of so many entries. Raises `InputWrong` for none."""
    found = tx.ledger_lists.checkpoint(size)
    if found is None:
        raise InputWrong(f"there is no checkpoint of {size} entries", code="checkpoint.unknown", hint="the ledger's page lists them")
    return note_of(house, f"checkpoint of {size} entries", found.note)


def note_of_serial(tx: Transaction, house: House, serial: int) -> Side:
    """The checkpoint that the certificate with this number carries in its PDF. Raises `InputWrong` for no such number or no PDF."""
    issued = tx.certificates.get(tx.certificate_lists.id_of(serial) or "")
    path = issued.path if issued is not None else tx.certificates.spent_path(serial)
    file = house.paper.folder / path
    if not path or not file.is_file():
        raise InputWrong(
            f"there is no certificate No. {serial}, or no PDF of it", code="certificate.unknown", hint="the register of certificates lists them all"
        )
    return note_of(house, f"certificate No. {serial}", inside(file.read_bytes()).checkpoint)


def note_of_report(house: House, report: Report) -> Side:
    """The checkpoint that an uploaded certificate carries. Raises `NotVerified` for a file that is not genuine."""
    if not report.is_genuine or report.statement is None:
        raise NotVerified(f"the file is no certificate of this house: {report.status}", code="histories.not_genuine", hint="check it by itself first")
    return note_of(house, f"the file that was brought, certificate No. {report.statement.serial}", report.checkpoint)


def compared(tx: Transaction, one: Side, other: Side) -> Histories:
    """Whether the smaller state is the beginning of the larger one, shown by a proof that anybody can repeat."""
    if one.checkpoint is None or other.checkpoint is None:
        bad = one if one.checkpoint is None else other
        return Histories(one, other, False, (), f"{bad.what} is not signed by this ledger: {bad.problem}")
    older, newer = sorted((one, other), key=lambda side: side.checkpoint.size if side.checkpoint else 0)
    first, second = older.checkpoint, newer.checkpoint
    assert first is not None
    assert second is not None
    if second.size > tx.ledger.size():
        return Histories(
            older, newer, False, (), f"{newer.what} speaks of {second.size} entries; this ledger has {tx.ledger.size()}: it was cut, or restored"
        )
    proof = tx.ledger.consistency(first.size, second.size)
    if not is_consistent(first.size, second.size, proof, first.root, second.root):
        return Histories(older, newer, False, proof, "they are NOT of one history: an entry was changed, or there are two ledgers under one key")
    added = second.size - first.size
    grown = f"since the older one {added} entries were added and none was changed" if added else "they are one and the same state"
    return Histories(older, newer, True, proof, f"they are of one history: {grown}")
