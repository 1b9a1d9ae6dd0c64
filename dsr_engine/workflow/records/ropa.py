"""The record of processing activities, as far as the engine knows it (GDPR Art. 30(1)).

Per system and collection the categories, purposes, recipients and the limits for erasure, and beside them the engine's own processing. What it cannot
know it lists as open, instead of guessing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsr_engine.domain.recipient import Touched, What, received
from dsr_engine.domain.system import System
from dsr_engine.spec.categories import categories
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.records.keeping import OTHERS, Kept, is_own, kept_data
from dsr_engine.workflow.records.own_data import holdings
from dsr_engine.workflow.records.retention import Wording, wording
from dsr_engine.workflow.staying_erased.suppressing import activity

#: Categories whose processing Art. 9 and 10 forbid but for their exceptions.
_SPECIAL = ("(GDPR Art. 9)", "(GDPR Art. 10)")
_SPECIAL_ROOTS = ("user.health_and_medical", "user.biometric", "user.genetic", "user.criminal_history")


@dataclass(frozen=True, slots=True)
class Entry:
    """One category of data in one collection. `limits` and `grounds` are in words; `limits` empty: nobody decided."""

    system: str
    owner: str
    collection: str
    category: str
    about: str
    is_special: bool
    policy: str
    purpose: str
    limits: str
    grounds: str
    treatment: str
    recipients: tuple[str, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backup:
    """What an erasure in a system cannot reach, and when it is gone by itself (empty: nobody knows)."""

    system: str
    what: str
    gone_after: str


@dataclass(frozen=True, slots=True)
class Own:
    """One activity of the engine itself."""

    activity: str
    purpose: str
    basis: str
    data: str
    until: str
    count: int


@dataclass(frozen=True, slots=True)
class RecordOfProcessing:
    """`open` are the things that only people can add."""

    controller: Mapping[str, str]
    made_on: str
    entries: tuple[Entry, ...]
    backups: tuple[Backup, ...]
    own: tuple[Own, ...]
    open: tuple[str, ...]


def record_of_processing(tx: Transaction, house: House) -> RecordOfProcessing:
    """The record as of today, from policies, connectors and the register of recipients."""
    words, meanings = wording(house.settings, "en"), categories()
    entries = tuple(_entry(house, kept, words, meanings) for kept in kept_data(house))
    return RecordOfProcessing(
        controller=dict(house.settings.controller),
        made_on=house.calendar.day_of(house.clock.now()).isoformat(),
        entries=entries,
        backups=tuple(_backups(house.systems.values())),
        own=tuple(_own(tx, house)),
        open=tuple(_open(house, entries)),
    )


def _entry(house: House, kept: Kept, words: Wording, meanings: Mapping[str, str]) -> Entry:
    how_long, why, then = words.line_of(kept)
    place = Touched(kept.system.name, kept.collection, (kept.category,), What.ERASE)
    told = [recipient for recipient in house.recipients.values() if received(recipient, [place])]
    return Entry(
        system=kept.system.name,
        owner=kept.system.owner,
        collection="all others" if kept.collection == OTHERS else kept.collection,
        category=kept.category,
        about=meanings.get(kept.category, ""),
        is_special=meanings.get(kept.category, "").endswith(_SPECIAL) or kept.category.startswith(_SPECIAL_ROOTS),
        policy=kept.policy.name,
        purpose=kept.policy.about,
        limits=how_long if then else "",
        grounds=why,
        treatment=then,
        recipients=tuple(f"{recipient.title} ({recipient.role.value.replace('_', ' ')})" for recipient in told),
        countries=tuple(dict.fromkeys(country for recipient in told for country in recipient.countries)),
    )


def _backups(systems: Iterable[System]) -> Iterable[Backup]:
    for system in sorted(systems, key=lambda each: each.name):
        for residual in system.manifest.residuals:
            yield Backup(system.name, residual.what, str(residual.gone_after) if residual.gone_after is not None else "")


def _own(tx: Transaction, house: House) -> Iterable[Own]:
    for holding in holdings(tx, house):
        if holding.kind.name != "suppression":
            kind = holding.kind
            yield Own(kind.name.replace("_", " "), kind.purpose, kind.basis, kind.about, kind.until, holding.count)
    for row in activity(tx):
        until = f"each entry has its own end, the last {row['erased_by']}"
        yield Own(str(row["activity"]), str(row["purpose"]), str(row["legal_basis"]), str(row["data"]), until, int(row["digests"]))


def _open(house: House, entries: Iterable[Entry]) -> Iterable[str]:
    """What Art. 30 asks for and no file of the home says."""
    for key, what in (("name", "the controller's name"), ("contact", "the controller's contact"), ("dpo", "the data protection officer")):
        if not house.settings.controller.get(key):
            yield f"{what}: [controller] {key} in dsr.toml"
    entries = tuple(entries)
    for policy in sorted({entry.policy for entry in entries if not entry.purpose}):
        yield f"the purposes of policy {policy}: `about` in its file"
    for system in sorted({entry.system for entry in entries if not entry.owner}):
        yield f"who answers for {system}: `owner` in systems.yaml"
    for place in sorted({f"{entry.system}.{entry.collection}: {entry.category}" for entry in entries if not entry.treatment}):
        yield f"what happens to {place}: no rule covers it"
    yield from _other_default(house, entries)
    if not house.recipients:
        yield "recipients: the register of recipients is empty"
    if any(entry.countries for entry in entries):
        yield "safeguards of transfers to the countries named (Art. 30(1)(e))"
    yield "whose data they are (Art. 30(1)(c)), and the security measures of each system (Art. 30(1)(g))"


def _other_default(house: House, entries: Iterable[Entry]) -> Iterable[str]:
    """That cases which name no policy follow another one than this record."""
    chosen = house.policies.get(house.settings.policy)
    if chosen is not None and not is_own(house, chosen) and chosen.name not in {entry.policy for entry in entries}:
        yield f"dsr.toml names {chosen.name} for cases without --policy, and that policy knows none of the periods above: [defaults] policy"
