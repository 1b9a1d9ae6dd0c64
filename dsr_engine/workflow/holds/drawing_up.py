"""What somebody wants to be protected, checked before it is placed: a hold on a name that nothing has protects nothing."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import Hold
from dsr_engine.spec.categories import categories
from dsr_engine.workflow.holds.placing import of_person
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim


@dataclass(frozen=True, slots=True)
class Wanted:
    """Every part that is given must be true of a record. `everything` has to be said where no part is given."""

    reason: str
    matter: str = ""
    case: str | None = None
    system: str | None = None
    collection: str | None = None
    category: str | None = None
    since: date | None = None
    until: date | None = None
    claims: tuple[Claim, ...] = ()
    everything: bool = False

    @property
    def is_narrow(self) -> bool:
        return bool(self.case or self.system or self.collection or self.category or self.since or self.until or self.claims)


def drawn_up(house: House, wanted: Wanted, by: str) -> tuple[Hold, Mapping[str, tuple[str, ...]]]:
    """The hold, to be placed by `place_hold`, and the keyed digests of the person whom it is about. The values are not kept.

    Raises `InputWrong` for a hold without a reason, for one that would protect everything without saying so, and for names that nothing has.
    """
    if not wanted.reason.strip():
        raise InputWrong("no reason was given", code="hold.reason", hint="say why in a few words, without naming anybody")
    if wanted.since and wanted.until and wanted.until < wanted.since:
        raise InputWrong("the period ends before it begins", code="hold.period", hint="--from is its first day, --until its last")
    if not (wanted.is_narrow or wanted.everything):
        raise InputWrong("the hold would protect everything", code="hold.everything", hint="narrow it, or say --everything")
    _refuse_unknown(house, wanted)
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
    placed = Hold(
        secrets.token_hex(6),
        wanted.reason.strip(),
        person,
        house.clock.now(),
        wanted.case,
        wanted.system,
        wanted.collection,
        wanted.category,
        matter=wanted.matter.strip(),
        since=wanted.since,
        until=wanted.until,
    )
    return of_person(house, placed, wanted.claims) if wanted.claims else (placed, {})


def _refuse_unknown(house: House, wanted: Wanted) -> None:
    """A slip of the pen must not look like protection."""
    collection, category = wanted.collection, wanted.category
    with house.store.snapshot() as tx:
        if wanted.case is not None:
            tx.cases.get(wanted.case)
        named = wanted.system or (collection.partition(".")[0] if collection else None)
        known = set(house.systems)
        if named is not None and not any(fnmatchcase(name, named) for name in known):
            known |= {name for case in tx.cases.list() for name in case.systems}
    if collection is not None and "." not in collection:
        raise InputWrong("a collection is named as SYSTEM.NAME", code="hold.collection", hint="for instance shop.orders, or shop.*")
    if named is not None and not any(fnmatchcase(name, named) for name in known):
        raise InputWrong(f"no such system: {named}", code="system.unknown", hint=f"known are {', '.join(sorted(known)) or 'none'}")
    if category is not None and category not in categories():
        raise InputWrong(f"no such category: {category}", code="category.unknown", hint="`dsr catalog` lists them")
