"""What a closed case still has before it: later looks, digests that let it be repeated, and the day on which the last backup is gone."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from dsr_engine.domain.case import Case
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.staying_erased.repeating import is_readable
from dsr_engine.workflow.staying_erased.suppressing import backup_notes, last_backup, remember

RESCAN = "rescan:"
#: How many days after the certificate a fresh look is made: late imports and queues bring records back within days, monthly jobs within a month.
RESCANS = (1, 7, 30)
#: For so long a look that is due keeps the case's key alive although a system does not answer.
PATIENCE = timedelta(days=14)


def begin_aftercare(tx: Transaction, house: House, case: Case) -> None:
    """Writes what is to come after a person's case, in the transaction that closes it."""
    if not case.kind.is_of_a_person:
        return
    plans = [tx.plans.of(case.id, number) for number in range(1, case.round + 1)]
    has_erased = any(plan is not None and plan.affected for plan in plans)
    remember(tx, house, case, has_erased=has_erased)
    now = house.clock.now()
    for days in RESCANS:
        tx.followups.put(case.id, f"{RESCAN}{days}", now + timedelta(days=days))
    gone = last_backup(house, case, house.calendar.day_of(now))
    if gone is not None:
        tx.backup_ends.put(case.id, datetime.combine(gone, time.max, UTC))


def is_awaited(tx: Transaction, case: str, now: datetime) -> bool:
    """True while a later look is due and has not been made: the case cannot be forgotten before, but for a system that stays silent for long."""
    return any(entry.what.startswith(RESCAN) and entry.due + PATIENCE > now for entry in tx.followups.of(case))


def note_expired_backups(house: House) -> Iterator[str]:
    """Tells the ledger that the last copy of what a case erased is gone, by the word of those who declared it."""
    now = house.clock.now()
    with house.store.transaction() as tx:
        due = tx.backup_ends.due(now)
        for end in due:
            tx.backup_ends.expired(end.case, now)
            issued = tx.certificates.of(end.case)
            certificate = issued.id if issued is not None else ""
            due_on = end.due.date().isoformat()
            tx.ledger.append(leaf(house.clock, "backups.expired", end.case, case=end.case, certificate=certificate, gone_by=due_on))
    for end in due:
        yield f"case {end.case}: the last backup that its connectors declare is gone since {end.due.date().isoformat()}"


def aftercare_report(tx: Transaction, house: House, case: Case) -> dict[str, object]:
    """What comes after the case, for those who look at it: looks, backups, what it repeats and what repeats it; empty where nothing does."""
    end = tx.backup_ends.of(case.id)
    looks: list[dict[str, str | int]] = [
        {"look": entry.what.removeprefix(RESCAN), "on": entry.due.date().isoformat(), "result": "to come"}
        for entry in tx.followups.of(case.id)
        if entry.what.startswith(RESCAN)
    ]
    done = [found for kind in ("rescan.clean", "rescan.found", "rescan.incomplete") for found in tx.ledger.find(kind, case=case.id)]
    for _, found in sorted(done, key=lambda entry: entry[0]):
        result = str(found["kind"]).removeprefix("rescan.") if "kind" in found else ""
        looks.append({"look": str(found["look"]), "on": str(found["at"])[:10], "result": result})
    before = tx.sequels.of(case.id)
    systems = [house.systems[name] for name in case.systems if name in house.systems]
    report: dict[str, object] = {
        "looks": looks,
        "backups": _backups(end.due, end.expired_at) if end is not None else "",
        "notes": list(backup_notes(house.regimes_of(case), systems)) if is_readable(house, case) else [],
        "repeats": before.of_case if before is not None else "",
        "repeated_by": [sequel.case for sequel in tx.sequels.after(case.id)],
    }
    return {key: value for key, value in report.items() if value}


def _backups(due: datetime, expired_at: datetime | None) -> str:
    if expired_at is not None:
        return f"the certificate's claim covers the declared backups since {due.date().isoformat()}"
    return f"declared backups may hold the person until {due.date().isoformat()}"
