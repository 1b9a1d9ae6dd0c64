"""Where a data broker stands with the platform: when it has to be accessed again, what is open and why, and what has to be told to whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dsr_engine.content.drop_hash import RULES
from dsr_engine.domain.drop import Access, Batch, Cadence, DropStatus, cadence
from dsr_engine.store.drop import DropGap, Tally
from dsr_engine.store.drop_answers import Accessed, Answer
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.dropping.pulling import drop_settings
from dsr_engine.workflow.dropping.settling import settle
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: Days in which the agency has to be told that the connection fails (11 CCR § 7612(b)(1)).
_NOTICE = 45


@dataclass(frozen=True, slots=True)
class BatchStanding:
    """One batch: how its items stand, and the last day for their statuses. `is_stale`: it was compared under other rules than today's, or never."""

    batch: Batch
    tallies: tuple[Tally, ...]
    answer_by: date
    is_stale: bool
    unsent: tuple[Answer, ...]

    @property
    def open(self) -> int:
        """Items that have no status and were never reported."""
        return sum(tally.count for tally in self.tallies if tally.status is None and tally.reported is None)

    @property
    def with_case(self) -> int:
        return sum(tally.count for tally in self.tallies if tally.status is None and tally.reported is None and tally.has_case)

    @property
    def to_amend(self) -> int:
        """Items whose status is another than the one that was reported."""
        return sum(tally.count for tally in self.tallies if tally.status is not None and tally.reported not in (None, tally.status))

    def counted(self, status: DropStatus) -> int:
        return sum(tally.count for tally in self.tallies if tally.status is status)


@dataclass(frozen=True, slots=True)
class Standing:
    """`notice_by`: fetching by itself failed, and if the fault is not ours the agency has to be told in writing by this day (11 CCR § 7612(b)(1))."""

    cadence: Cadence
    today: date
    batches: tuple[BatchStanding, ...]
    gaps: tuple[DropGap, ...]
    notice_by: date | None


def standing(house: House) -> Standing:
    """Where we stand today. Raises `InputWrong` where dsr.toml has no section [drop]."""
    with house.store.snapshot() as tx:
        return _standing(tx, house)


def _standing(tx: Transaction, house: House) -> Standing:
    settings = drop_settings(house)
    today = house.calendar.day_of(house.clock.now())
    accesses = tx.drop.answers.accesses()
    last = next((house.calendar.day_of(access.at) for access in accesses if access.outcome.counts), None)
    batches = tuple(
        BatchStanding(
            batch,
            tx.drop.tallies(batch.id),
            house.calendar.day_of(batch.received_at) + timedelta(days=settings.every_days - 1),
            batch.rules != RULES,
            tx.drop.answers.unsent(batch.id),
        )
        for batch in tx.drop.batches()
    )
    notice = _notice_by(tx, house)
    return Standing(cadence(last, settings.every_days, settings.since), today, batches, tx.drop.gaps(), notice)


def _notice_by(tx: Transaction, house: House) -> date | None:
    """45 days after fetching by itself first failed, until it works again or the agency was told. A download by hand does not mend the connection."""
    first = None
    for access in tx.drop.answers.accesses():
        if access.outcome is Access.NOTICED or (access.outcome.counts and not access.by_hand):
            break
        if access.outcome is Access.FAILED:
            first = house.calendar.day_of(access.at)
    return first + timedelta(days=_NOTICE) if first is not None else None


def noticed(house: House, by: str) -> None:
    """Somebody told the agency in writing that the connection fails."""
    with house.store.transaction() as tx:
        now = house.clock.now()
        tx.drop.answers.accessed(Accessed(now, Access.NOTICED, by_hand=True))
        tx.ledger.append(leaf(house.clock, "drop.noticed", now.isoformat(), by=tx.people.id_of(by)))


def tend_drop(house: House) -> Iterator[str]:
    """The worker's chore: gives statuses to items whose cases have ended, and tells once of each day that nears. Without [drop] there is nothing."""
    if house.settings.drop is None:
        return
    settle(house)
    with house.store.snapshot() as tx:
        told = {str(body["what"]) for _, body in tx.ledger.find("drop.alarm")}
        due = [entry for entry in drop_alarms(_standing(tx, house)) if entry[0] not in told]
    for key, sentence in due:
        with house.store.transaction() as tx:
            tx.ledger.append(leaf(house.clock, "drop.alarm", key, what=key))
        yield sentence


def drop_alarms(stand: Standing) -> Iterator[tuple[str, str]]:
    """What has to be told today: a key that stays the same, and a sentence."""
    by = stand.cadence.by
    if stand.today > by:
        yield f"access-over:{by}", f"DROP: the lists had to be fetched by {by}: fetch them now (`dsr drop pull`); each day costs (§ 1798.99.82(c))"
    elif stand.cadence.is_alarm(stand.today):
        yield f"access-alarm:{by}", f"DROP: the lists have to be fetched by {by} (`dsr drop pull`)"
    elif stand.cadence.is_warning(stand.today):
        yield f"access-warn:{by}", f"DROP: the next lists are due by {by} (`dsr drop pull`)"
    if stand.notice_by is not None:
        yield (
            f"notice:{stand.notice_by}",
            (
                f"DROP: fetching failed; download by hand (`dsr drop pull --zip FILE`), and if the fault is not yours, "
                f"tell the agency in writing through your DROP account by {stand.notice_by} (11 CCR § 7612(b)(1))"
            ),
        )
    for entry in stand.batches:
        left = (entry.answer_by - stand.today).days
        if entry.open and left <= 5:
            when = f"were due on {entry.answer_by}" if left < 0 else f"are due by {entry.answer_by}"
            yield f"batch:{entry.batch.id}:{'over' if left < 0 else 'near'}", f"DROP: {entry.open} statuses of {entry.batch.name} {when}"
