"""The register of certificates: every serial number from one on, what became of it, and what else happened to cases in that time.

It is made from the ledger, which forgets nothing, and held against the store and the folder of PDFs: a certificate that is missing somewhere shows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House


class SerialState(StrEnum):
    """What became of a serial number. RECORD_ERASED: the request's record is over, and the PDF stands for itself. MISSING: nobody knows of it."""

    ISSUED = "issued"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    RECORD_ERASED = "record_erased"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Serial:
    """One serial number. `issued_on` None: nobody knows. `amiss` says in words what is not as it should be; empty if nothing is."""

    number: int
    certificate: str
    issued_on: date | None
    state: SerialState
    amiss: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """`counts` are cases of the period: `opened`, `certified`, `refused`, `withdrawn`, `answered` (other rights), `still_open` today."""

    serials: tuple[Serial, ...]
    counts: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        return not any(serial.amiss for serial in self.serials)


_COUNTED = {"case.opened": "opened", "certificate.issued": "certified", "case.refused": "refused", "case.withdrawn": "withdrawn"}


def register_of(tx: Transaction, house: House, start: date | None = None, end: date | None = None) -> Register:
    """The register of the days from `start` to `end`, both included. A number without a day of its own is in every period."""

    def is_in(day: date) -> bool:
        return (start is None or day >= start) and (end is None or day <= end)

    counts: Counter[str] = Counter(dict.fromkeys(("opened", "certified", "refused", "withdrawn", "answered", "still_open"), 0))
    for kind, name in _COUNTED.items():
        counts[name] += sum(is_in(_day(house, data)) for _, data in tx.ledger.find(kind))
    answered = {str(data["case"]) for _, data in tx.ledger.find("case.answered") if is_in(_day(house, data))}
    certified = {str(data["case"]) for _, data in tx.ledger.find("certificate.issued")}
    counts["answered"] += len(answered - certified)
    counts["still_open"] += sum(is_in(house.calendar.day_of(case.opened_at)) for case in tx.cases.list(open_only=True))
    serials = tuple(serial for serial in _serials(tx, house) if serial.issued_on is None or is_in(serial.issued_on))
    return Register(serials, dict(counts))


def _serials(tx: Transaction, house: House) -> Iterator[Serial]:
    entered = {_number(data): (str(data["certificate"]), _day(house, data)) for _, data in tx.ledger.find("certificate.issued")}
    stored = {issued.serial: (issued.id, issued.path) for issued in tx.certificates.list()}
    spent = {each.serial: (each.id, each.path) for each in tx.certificates.spent()}
    known = {**spent, **stored}
    for number in range(1, max((*entered, *known), default=0) + 1):
        certificate, day = entered.get(number, ("", None))
        kept, path = known.get(number, ("", ""))
        state = SerialState.RECORD_ERASED if number in spent else _state(tx, kept) if kept else SerialState.MISSING
        yield Serial(number, certificate or kept, day, state, amiss(certificate, kept, is_there=bool(path) and (house.paper.folder / path).is_file()))


def amiss(entered: str, kept: str, *, is_there: bool) -> str:
    """What is wrong with a number; `entered` is the ledger's certificate under it, `kept` the store's, `is_there` says that there is a PDF."""
    if not entered and not kept:
        return "this number was never given to a certificate that anybody knows"
    if not entered:
        return "the ledger does not know this certificate"
    if not kept:
        return "the ledger has this certificate and the store has not: the store may be an older backup"
    if entered != kept:
        return "ledger and store have different certificates under this number"
    return "" if is_there else "its PDF is not in the folder of certificates"


def _state(tx: Transaction, certificate: str) -> SerialState:
    withdrawal = tx.withdrawals.of(certificate)
    if withdrawal is None:
        return SerialState.ISSUED
    return SerialState.SUPERSEDED if withdrawal.superseded_by else SerialState.WITHDRAWN


def _number(data: Mapping[str, object]) -> int:
    return int(str(data["serial"]))


def _day(house: House, data: Mapping[str, object]) -> date:
    return house.calendar.day_of(datetime.fromisoformat(str(data["at"])))
