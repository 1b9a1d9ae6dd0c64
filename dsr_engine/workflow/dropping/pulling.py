"""Fetches lists from the platform, or takes an archive that somebody fetched by hand (11 CCR § 7612(b)(1)), and keeps what comparing takes.

What is stored of a hash is a keyed digest of it. The platform hands an archive out once, so it is kept, sealed, from its arrival to the transaction
that makes its batch: killed in between, the next attempt takes it in.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dsr_engine.delivery.drop_archive import DropArchive
from dsr_engine.delivery.drop_platform import Download, Downloaded, DropPlatform, NothingNew, Platform, Preparing, Unfinished
from dsr_engine.domain.drop import Access, Batch, DropList, DropSettings, Listed
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.store.drop_answers import Accessed
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.staying_erased.aftercare import RESCAN

Sleep = Callable[[float], None]
#: The longest that one pull waits for an archive to be put together, in seconds.
PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """How an attempt to fetch lists ended. `batch` is set where something was taken in."""

    outcome: Access
    batch: Batch | None = None
    lists: tuple[tuple[DropList, int], ...] = ()


def drop_settings(house: House) -> DropSettings:
    """What dsr.toml says of the platform. Raises `InputWrong` where it says nothing."""
    if house.settings.drop is None:
        raise InputWrong("dsr.toml has no section [drop]", code="drop.settings", hint="it is for data brokers in California; `dsr.toml` explains it")
    return house.settings.drop


def platform_of(house: House) -> Platform:
    """The platform as dsr.toml names it. Raises `InputWrong` where the key is missing."""
    settings = drop_settings(house)
    if settings.key is None:
        raise InputWrong(
            "[drop] in dsr.toml names no key",
            code="drop.no_key",
            hint='write key = "${DSR_DROP_KEY}" there; or fetch the archive in the portal: `dsr drop pull --zip FILE`',
        )
    return DropPlatform(settings.url, settings.key, settings.ca)


def pull(house: House, platform: Platform, *, patience: float = PATIENCE, sleep: Sleep = time.sleep) -> Pulled:
    """Fetches what is there. Every attempt is written down, also one that fails: the law counts the days since the last one that did not.

    An archive that arrived in an earlier attempt which was killed is taken in first.
    """
    drop_settings(house)
    parked = _parked(house)
    if parked is not None:
        return _taken(house, *parked)
    try:
        answer = _asked(platform, patience, sleep)
    except DsrError as error:
        _note(house, Access.FAILED, error.code)
        raise
    if isinstance(answer, Downloaded):
        with house.store.transaction() as tx:
            tx.drop.park(answer.name, house.store.dropping.seal(answer.data), house.clock.now())
        return _taken(house, answer.name, answer.data)
    if isinstance(answer, Unfinished):
        _note(house, Access.UNFINISHED)
        raise _unfinished(house)
    outcome = Access.NOTHING_NEW if isinstance(answer, NothingNew) else Access.PREPARING
    _note(house, outcome)
    return Pulled(outcome)


def _taken(house: House, name: str, data: bytes) -> Pulled:
    """Takes in what arrived. What cannot be taken is not kept either."""
    try:
        return take(house, name, data, by_hand=False)
    except InputWrong as error:
        with house.store.transaction() as tx:
            tx.drop.unpark(name)
            tx.drop.answers.accessed(Accessed(house.clock.now(), Access.FAILED, error.code))
        raise


def _asked(platform: Platform, patience: float, sleep: Sleep) -> Download:
    answer = platform.download()
    waited = 0.0
    while isinstance(answer, Preparing) and waited + answer.seconds <= patience:
        sleep(answer.seconds)
        waited += answer.seconds
        answer = platform.download()
    return answer


def _parked(house: House) -> tuple[str, bytes] | None:
    with house.store.snapshot() as tx:
        found = tx.drop.parked()
    return None if found is None else (found[0], house.store.dropping.unseal(found[1]))


def _unfinished(house: House) -> Conflict:
    with house.store.snapshot() as tx:
        is_open = any(tally.reported is None for tally in tx.drop.tallies())
    if is_open:
        return Conflict(
            "the platform waits for statuses of the previous batch before it hands out the next",
            code="drop.unfinished",
            hint="`dsr drop status` tells what is open, `dsr drop report` hands it in",
        )
    return Conflict(
        "the platform waits for statuses of a batch that never arrived here",
        code="drop.lost",
        hint="download it in the platform's portal, or ask the agency's support to hand it out again; then: `dsr drop pull --zip FILE`",
    )


def take(house: House, name: str, data: bytes, *, by_hand: bool) -> Pulled:
    """Takes an archive in; one that was taken in before changes nothing. Raises `InputWrong` (`drop.archive`) before anything is written."""
    archive = DropArchive(data, drop_settings(house).broker)
    sha256 = hashlib.sha256(data).hexdigest()
    now = house.clock.now()
    batch = Batch(secrets.token_hex(6), archive.name, now, by_hand, archive.items, archive.removed)
    counts: dict[DropList, int] = {file.list: 0 for file in archive.files if file.list is not None}
    with house.store.transaction() as tx:
        tx.drop.unpark(name)
        known = tx.drop.of_archive(sha256)
        if known is not None:
            return Pulled(Access.RECEIVED, known)
        tx.drop.add(batch, sha256, {file.list: file.name for file in archive.files if file.list is not None})
        tx.drop.add_items(batch.id, _digested(house, archive.listed(), counts))
        _give_back(tx, archive.removals(), now)
        tx.drop.answers.accessed(Accessed(now, Access.RECEIVED, by_hand=by_hand))
        facts = {entry.value: count for entry, count in counts.items()}
        tx.ledger.append(leaf(house.clock, "drop.received", batch.id, batch=batch.id, by_hand=by_hand, lists=facts, removed=batch.removed))
    return Pulled(Access.RECEIVED, batch, tuple(counts.items()))


def _digested(house: House, rows: Iterable[Listed], counts: dict[DropList, int]) -> Iterator[tuple[str, DropList, bytes]]:
    for row in rows:
        counts[row.list] += 1
        yield row.id, row.list, house.store.dropping.digest(row.list, row.hash)


def _give_back(tx: Transaction, rows: Iterable[Listed], now: datetime) -> None:
    """Consumers who cancelled are compared with nobody any more, and what kept them from being taken in again goes; their cases end in `settling`."""
    ids = [row.id for row in rows]
    for item in ids:
        tx.suppression.remove_case(opt_out_of(item))
    todo = list(tx.drop.remove(ids, now))
    while todo:
        case = todo.pop()
        todo += [sequel.case for sequel in tx.sequels.after(case)]
        tx.suppression.remove_case(case)
        for entry in tx.followups.of(case):
            if entry.what.startswith(RESCAN):
                tx.followups.drop(case, entry.what)


def opt_out_of(item: str) -> str:
    """What digests of an opt-out name as their case: no case stands behind it, only the work item."""
    return f"drop:{item}"


def _note(house: House, outcome: Access, code: str = "") -> None:
    with house.store.transaction() as tx:
        tx.drop.answers.accessed(Accessed(house.clock.now(), outcome, code))
