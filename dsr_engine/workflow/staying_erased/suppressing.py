"""What is kept so that the erased stay erased: keyed digests, each with a basis, a law and an end; and how they end.

An unlimited list of erased people would be a new collection of data about them. So a plain erasure leaves digests only for as long as a backup may
bring its data back. Longer ones are made where a law lets the controller (11 CCR § 7022(e)) or the person demands it (Art. 21(3) GDPR).
"""

import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from dsr_engine.content.canonical import canonical, key_text, mailbox
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.regime import Regime
from dsr_engine.domain.request import Right
from dsr_engine.domain.selector import CARRIED, Scope, Selector
from dsr_engine.domain.suppression import KEY_OF, MAILBOX, Basis, Suppressed
from dsr_engine.domain.system import System
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.law.entitling import is_immediate
from dsr_engine.workflow.leaves import leaf

#: The follow-up of a case whose erasure the law wants done anew, while a system is silent.
RETRY = "again"
#: Why the digests of a person may be removed before their end.
WRONG = "wrong_person"
REASONS = ("came_back", "person_asked", WRONG)
#: The leaf of a case that is left alone from then on.
LIFTED = "suppression.lifted"
_ARTICLES = {
    Basis.REPLAY: "GDPR Art. 5(2), 17(1)",
    Basis.OBJECTION: "GDPR Art. 21(3)",
    Basis.STAY_ERASED: "11 CCR § 7022(e)",
    Basis.OPT_OUT: "Cal. Civ. Code § 1798.99.86(c)",
}


def remember(tx: Transaction, house: House, case: Case, *, has_erased: bool) -> int:
    """Writes the digests of a person's case that is being closed, in the caller's transaction; gives how many.

    `has_erased` False: nothing was there to be erased, so no backup can bring back what an erasure took.
    """
    if not case.kind.is_of_a_person or any(tx.ledger.find(LIFTED, case=case.id)):
        return 0
    grounds = tuple(_grounds(tx, house, case, has_erased=has_erased))
    if not grounds:
        return 0
    key = tx.suppression.keys.newest()
    texts = {text for selector in tx.selectors.of(case.id) for text in _texts(selector)}
    now = house.clock.now()
    entries = [
        Suppressed(key, kind, tx.suppression.keys.digest(kind, text, key), basis, case.id, now, until, cite, every)
        for kind, text in sorted(texts)
        for basis, until, cite, every in grounds
    ]
    tx.suppression.add(entries)
    if entries:
        counts = {basis.value: sum(entry.basis is basis for entry in entries) for basis, *_ in grounds}
        tx.ledger.append(leaf(house.clock, "suppression.written", case.id, case=case.id, counts=counts))
    return len(entries)


def _grounds(tx: Transaction, house: House, case: Case, *, has_erased: bool) -> Iterator[tuple[Basis, datetime, str, int | None]]:
    """On which bases digests are kept, until when, under which law, and after how many days the erasure is done anew."""
    today = house.calendar.day_of(house.clock.now())
    if has_erased:
        yield Basis.REPLAY, _end_of(last_backup(house, case, today) or today + timedelta(house.settings.backup_days)), _ARTICLES[Basis.REPLAY], None
    if tx.sequels.of(case.id) is not None:
        return  # the case that this one repeats left them already
    regimes = [regime for regime in house.regimes_of(case) if regime.stay_erased.by_default]
    if regimes:
        longest = max(regimes, key=lambda regime: _months(regime))
        every = [regime.stay_erased.every_days for regime in regimes if regime.stay_erased.every_days is not None]
        until = Period(_months(longest), PeriodUnit.MONTHS).after(today)
        yield Basis.STAY_ERASED, _end_of(until), longest.stay_erased.cite or _ARTICLES[Basis.STAY_ERASED], min(every, default=None)
    if case.right is Right.OBJECTION or is_immediate(tx, house, case):
        until = Period(house.settings.objection_months, PeriodUnit.MONTHS).after(today)
        yield Basis.OBJECTION, _end_of(until), _ARTICLES[Basis.OBJECTION], None


def _months(regime: Regime) -> int:
    """For how long a regime lets the controller remember; as long as the request itself is on record where it names no length."""
    return regime.stay_erased.months or regime.log_keep_months


def last_backup(house: House, case: Case, today: date) -> date | None:
    """The day on which the last copy is gone that the case's systems declare (`residuals`); None where none has an end."""
    systems = [house.systems[name] for name in case.systems if name in house.systems]
    ends = [residual.gone_after.after(today) for system in systems for residual in system.manifest.residuals if residual.gone_after is not None]
    return max(ends, default=None)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def _texts(selector: Selector) -> Iterator[tuple[str, str]]:
    """What digests are made of: strong, verified identifiers, and the keys by which systems knew the person; never a weak one."""
    if not selector.verified or selector.is_weak or selector.kind == CARRIED:
        return
    value = selector.value.reveal()
    if selector.scope is not None:
        yield kind_of_key(selector.scope), key_text(value)
        return
    text = canonical(selector.kind, value)
    if text:
        yield selector.kind, text
        if selector.kind == "email":
            yield MAILBOX, mailbox(text)


def kind_of_key(scope: Scope) -> str:
    """The kind under which a key of this field is digested: it means something in that field, and in those that refer to it."""
    return f"{KEY_OF}{scope.system}.{scope.collection}.{scope.field}"


def lift(house: House, claims: Iterable[Claim], reason: str, by: str) -> int:
    """Removes everything that is kept of the people whom these identifiers name: they came back, or want it so. Gives how many digests went.

    Later looks for them end as well: whoever is a customer again must not be taken for a residue.
    """
    with house.store.transaction() as tx:
        keys = tx.suppression.keys
        cases: set[str] = set()
        for claim in claims:
            text = canonical(claim.kind, claim.value.reveal())
            cases |= tx.suppression.cases_of(claim.kind, [keys.digest(claim.kind, text, name) for name in keys.names()])
        person = tx.people.id_of(by)
        return sum(leave_alone(tx, house, case, reason, person) for case in sorted(cases))


def leave_alone(tx: Transaction, house: House, case: str, reason: str, by: str) -> int:
    """Removes what a case left behind and its later looks, and notes that no replay repeats it; gives how many digests went.

    `by` is a random id of `people`.
    """
    removed = tx.suppression.remove_case(case)
    for entry in tx.followups.of(case):
        if entry.what.startswith("rescan:"):
            tx.followups.drop(case, entry.what)
    tx.ledger.append(leaf(house.clock, LIFTED, f"{case}:{secrets.token_hex(8)}", case=case, reason=reason, by=by))
    return removed


def left_alone(tx: Transaction) -> frozenset[str]:
    """The cases that must not be repeated: their people came back or want it so, or they were the wrong people."""
    return frozenset(str(found["case"]) for _, found in tx.ledger.find(LIFTED))


def rotate_key(house: House, by: str) -> str:
    """From now on new digests are made under a new key. The old one lives until the last digest under it has ended."""
    with house.store.transaction() as tx:
        name = tx.suppression.keys.rotate()
        tx.ledger.append(leaf(house.clock, "suppression.key_rotated", secrets.token_hex(8), key_name=name, by=tx.people.id_of(by)))
    return name


def destroy_keys(house: House, by: str) -> int:
    """Removes every digest, then destroys the keys: nothing can be linked to anybody any more, in no backup of the store. Gives how many went.

    Killed in between, keys may be left that no digest needs; the next call destroys them.
    """
    with house.store.transaction() as tx:
        open_restores = tx.restores.open()
        if open_restores:
            raise Conflict(
                f"{open_restores[0].system} was restored and not everyone who had been erased is erased again",
                code="suppression.needed",
                hint="`dsr ready` tells what is missing; without the digests nobody would know",
            )
        removed = tx.suppression.remove_all()
        key = secrets.token_hex(8)
        tx.ledger.append(leaf(house.clock, "suppression.keys_destroyed", key, digests=removed, by=tx.people.id_of(by)))
    for name in tx.suppression.keys.names():
        tx.suppression.keys.destroy(name)
    house.store.scrub()
    return removed


def end_suppression(house: House) -> Iterator[str]:
    """Removes what has come to its end, and keys that no digest needs any more."""
    with house.store.transaction() as tx:
        ended = tx.suppression.remove_ended()
        if ended:
            key = secrets.token_hex(8)
            tx.ledger.append(leaf(house.clock, "suppression.ended", key, digests=ended))
        idle = tx.suppression.idle_keys()
        for entry in tx.followups.due(house.clock.now()):
            if entry.what == RETRY and tx.suppression.until(entry.case) is None:
                tx.followups.drop(entry.case, RETRY)
    for name in idle:
        tx.suppression.keys.destroy(name)
    if ended:
        yield f"{ended} digest(s) of erased people came to their end and are removed"


def activity(tx: Transaction) -> tuple[dict[str, str | int], ...]:
    """What the record of processing activities (Art. 30 GDPR) says of the list: one entry for each basis. It never says who is on it."""
    purposes = {
        Basis.REPLAY: "to erase again who was erased, after a backup was restored",
        Basis.STAY_ERASED: "to keep people who were erased from being taken in again",
        Basis.OBJECTION: "to respect objections to direct marketing",
        Basis.OPT_OUT: "to neither sell nor share data of people who opted out",
    }
    return tuple(
        {
            "activity": f"suppression: {basis.value.replace('_', ' ')}",
            "purpose": purposes[basis],
            "legal_basis": _ARTICLES[basis],
            "data": "HMAC-SHA-256 of normalised identifiers, under a key of the controller's; no value",
            "people": "people whose data were erased",
            "recipients": "none; it is never listed or exported",
            "digests": count,
            "erased_by": last.date().isoformat(),
        }
        for basis, (count, last) in sorted(tx.suppression.counts().items())
    )


def backup_notes(regimes: Iterable[Regime], systems: Iterable[System]) -> tuple[str, ...]:
    """Where a system's backups live longer than a law that applies lets them (RCW 19.373.040: six months); nothing where no law sets a number."""
    limits = [(regime.backups.most_days, regime) for regime in regimes if regime.backups.most_days is not None]
    if not limits:
        return ()
    days, regime = min(limits, key=lambda entry: entry[0] or 0)
    found = []
    for system in systems:
        for residual in system.manifest.residuals:
            if residual.gone_after is None:
                found.append(f"{system.name}: nobody declared when this is gone, and {regime.name} allows {days} days: {residual.what}")
            elif residual.gone_after.after(_SOME_DAY) > _SOME_DAY + timedelta(days=days or 0):
                found.append(f"{system.name}: this lives {residual.gone_after}, and {regime.name} allows {days} days: {residual.what}")
    return tuple(found)


#: A day from which months are as long as they can be.
_SOME_DAY = date(2023, 7, 1)
