"""Systems of many people's mailboxes: why they may be searched, where an approver and an auditor read it, and their coverage without a staff list.

A certificate lives for years and names nobody whom it need not: of mailboxes that were searched to the end it tells how many there were. Those that
were not stand in it by name, for there somebody has to look. The rows of the case, which go with its record, name all.
"""

from collections.abc import Iterable, Sequence

from dsr_engine.domain.case import Case
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.plan import Notice
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import Slice
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: The plan's notice that other people's mail is searched.
OTHERS_MAIL = "mailboxes.others"
#: The kind of the ledger's entry.
SEARCHED = "mailboxes.searched"
#: Under which name the reason stands among the facts of a system on a certificate.
REASON = "mailboxes_searched_because"


def is_of_many(system: System) -> bool:
    """True for a system whose collections are folders of several people's mailboxes."""
    return bool(system.setting("mailboxes"))


def reason_of(system: System) -> str:
    """Why other people's mailboxes are searched; empty where that is no question."""
    if not is_of_many(system):
        return ""
    return system.because or "they are named one by one in systems.yaml"


def notice_of(system: System) -> tuple[Notice, ...]:
    """What whoever approves a plan reads about it."""
    reason = reason_of(system)
    return (Notice(OTHERS_MAIL, f"mailboxes of several people are searched and changed here, because: {reason}", system.name),) if reason else ()


def note_search(tx: Transaction, case: Case, phase: str, system: System, house: House) -> None:
    """Writes into the ledger that such a system is searched for this case, and why that is allowed; once for each round and phase."""
    reason = reason_of(system)
    told = {"case": case.id, "round": case.round, "phase": phase, "system": system.name}
    if reason and not any(tx.ledger.find(SEARCHED, **told)):
        key = f"{case.id}:{case.round}:{phase}:{system.name}"
        tx.ledger.append(leaf(house.clock, SEARCHED, key, case=case.id, round=case.round, phase=phase, system=system.name, because=reason))


def title_of(system: System, parts: Sequence[Slice]) -> str:
    """What progress calls the search of a system: with how many mailboxes there are, where it is of many."""
    if not is_of_many(system):
        return f"{system.name}: looking"
    count = len({part.collection.partition("/")[0] for part in parts})
    return f"{system.name}: looking into {count} {_noun('mailbox', count)}"


def counted(system: System, rows: Iterable[Coverage]) -> tuple[Coverage, ...]:
    """The coverage of one system as a certificate tells it: of many mailboxes, one row for all that was searched to its end."""
    rows = tuple(rows)
    whole = [row for row in rows if row.extent is Extent.FULL]
    if not is_of_many(system) or not whole:
        return rows
    people = len({row.collection.partition("/")[0] for row in whole})
    name = f"{len(whole)} {_noun('folder', len(whole))} of {people} {_noun('mailbox', people)}"
    all_of_them = Coverage(system.name, name, Extent.FULL, looked=sum(row.looked for row in whole))
    return (all_of_them, *(row for row in rows if row.extent is not Extent.FULL))


def _noun(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}es" if noun.endswith("x") else f"{noun}s"
