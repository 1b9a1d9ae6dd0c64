"""What passed between the controller and the person about a case, as plain data: what was asked for, a refusal that came late, appeals."""

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.appealing import appeal_due

Row = dict[str, str | int | bool | None]


def past_of(tx: Transaction, house: House, case: Case) -> dict[str, object]:
    """The parts of a case's report that tell of it; codes and days only."""
    reopened = tx.appeals.opened_by(case.id)
    return {
        "pauses": [_stop_row(entry.stop.why.value, entry.stop.asked, entry.stop.ended, entry.stop.doubt) for entry in tx.pauses.of(case.id)],
        "late_days": _late(tx, case),
        "appeals": _appeal_rows(tx, house, case),
        "appeal_of": reopened.case if reopened else None,
    }


def _stop_row(why: str, asked: object, ended: object, doubt: object) -> Row:
    return {"why": why, "asked": str(asked), "ended": str(ended) if ended else None, "doubt": str(doubt) if doubt else None}


def _late(tx: Transaction, case: Case) -> int:
    """By how many days a refusal came after its limit; 0 where it did not, or where nothing was refused."""
    if case.outcome is not Outcome.REFUSED:
        return 0
    return next((int(str(body.get("late_days", 0))) for _, body in tx.ledger.find("case.refused", case=case.id)), 0)


def _appeal_rows(tx: Transaction, house: House, case: Case) -> list[Row]:
    rows: list[Row] = []
    for entry in tx.appeals.of(case.id):
        due = appeal_due(house, case, entry)
        rows.append(
            {
                "received": entry.received.isoformat(),
                "due": due.day.isoformat() if due else None,
                "set_by": due.set_by if due else None,
                "decision": entry.decision.value if entry.decision else None,
                "decided_on": entry.decided_on.isoformat() if entry.decided_on else None,
                "new_case": entry.new_case or None,
            }
        )
    return rows
