"""Masked looks at records for whoever decides about them: read from the source at that moment, shown once, kept nowhere.

A preview shows what was matched as a shape, a few words around it, and first letters of the rest (`content/veiling.py`). It is enough to tell whose a
record is; a photograph of it is no copy. Each look is a leaf of the ledger: who looked, at which case, at how many records, and never at which.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from dsr_engine.content import veiling
from dsr_engine.content.match import Matcher
from dsr_engine.content.veiling import Piece
from dsr_engine.domain.errors import DsrError, InputWrong
from dsr_engine.domain.finding import KEY, Confidence, Finding, Hit
from dsr_engine.domain.plan import PlanItem
from dsr_engine.domain.record import Locator, Record, Unit, split_fields
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.reading import Bounds, Reader
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.mail_places import mail_place
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.pacing import admit

#: Records of one look, at most.
MOST = 100
#: Characters and seconds of one record; seconds of one look.
BOUNDS = Bounds(characters=2_000_000, seconds=2)
_SECONDS = 8.0
#: Fields of one record that are shown.
_FIELDS = 12
#: Fields that tell people apart are shown first.
_TELLING = ("user.name", "user.contact", "user.demographic", "user.unique_id")
#: Forms of an identifier that are the identifier itself.
_PLAIN = frozenset({"plain", "phone", "phone-national", "grouped", KEY})


class PreviewState(StrEnum):
    """Whether the record still is what it was when it was found."""

    THERE = "there"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of a record: its name, its category where one is known, and its masked text in pieces."""

    name: str
    category: str
    pieces: tuple[Piece, ...]

    @property
    def is_hit(self) -> bool:
        return any(piece.is_hit for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Preview:
    """One record, masked. `finding` is the id that it was asked for by (of a plan's record without a finding: empty).

    `why` says in plain words what makes the finding a possible one; empty for a sure one. `reason` says why nothing, or not all, can be shown.
    `further` counts fields that are not shown.
    """

    finding: str
    system: str
    collection: str
    place: str
    state: PreviewState
    fields: tuple[Shown, ...] = ()
    why: tuple[str, ...] = ()
    reason: str = ""
    further: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A record to be shown; `finding` None where nobody in particular was looked for."""

    id: str
    locator: Locator
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What a look needs of the case."""

    case: str
    selectors: tuple[Selector, ...]
    matcher: Matcher
    mask: Mask
    shows_others: bool = False


def previews(house: House, case_id: str, finding_ids: Sequence[str], by: str, *, most: int = 20, shows_others: bool = False) -> tuple[Preview, ...]:
    """Masked previews of these findings, in their order; the first `most` of them. `shows_others`: also where others seem to be named in texts.

    Raises `InputWrong` (`finding.unknown`) for a finding of another case, `Conflict` for a case that was forgotten. A system that does not answer is
    no error: its previews say so.
    """
    ids = tuple(dict.fromkeys(finding_ids))[: min(most, MOST)]
    with house.store.snapshot() as tx:
        known = replace(_known(tx, case_id), shows_others=shows_others)
        found = tx.reviews.chosen(case_id, ids)
    strange = [id_ for id_ in ids if id_ not in found]
    if strange:
        raise InputWrong(f"the case has no finding {strange[0]}", code="finding.unknown", hint="it may have been found anew under another id")
    return _looked(house, known, [_Wanted(id_, finding.locator, finding) for id_, finding in found.items()], by)


def previews_of_item(house: House, case_id: str, item_id: str, by: str, *, start: int = 0, most: int = 20) -> tuple[Preview, ...]:
    """Masked previews of records of an item of the case's latest plan, from position `start` on; raises `InputWrong` (`item.unknown`)."""
    with house.store.snapshot() as tx:
        item = tx.plans.item(case_id, item_id)
        if item is None:
            raise InputWrong("the plan has no such item", code="item.unknown", hint="it may have been made anew")
        known = _known(tx, case_id)
        wanted = _planned(tx, case_id, item, start, min(most, MOST))
    return _looked(house, known, wanted, by)


def _planned(tx: Transaction, case_id: str, item: PlanItem, start: int, most: int) -> list[_Wanted]:
    records = item.records[max(0, start) : max(0, start) + most]
    found = tx.reviews.chosen(case_id, [record.finding for record in records if record.finding])
    return [_Wanted(record.finding, record.locator, found.get(record.finding)) for record in records]


def _known(tx: Transaction, case_id: str) -> _Known:
    tx.cases.get(case_id)
    selectors = tuple(tx.selectors.of(case_id))
    return _Known(case_id, selectors, Matcher({case_id: selectors}), Mask(selectors))


def _looked(house: House, known: _Known, wanted: Sequence[_Wanted], by: str) -> tuple[Preview, ...]:
    """The leaf first: a look that nobody noted must not be."""
    if not wanted:
        return ()
    with house.store.transaction() as tx:
        person = tx.people.id_of(by)
        key = f"{known.case}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "case.previewed", key, case=known.case, by=person, records=len(wanted)))
    ends = time.monotonic() + _SECONDS
    shown: dict[int, Preview] = {}
    for name in dict.fromkeys(entry.locator.system for entry in wanted):
        numbers = [number for number, entry in enumerate(wanted) if entry.locator.system == name]
        shown.update(zip(numbers, _of_system(house, known, name, [wanted[number] for number in numbers], ends), strict=True))
    return tuple(shown[number] for number in range(len(wanted)))


def _of_system(house: House, known: _Known, name: str, wanted: Sequence[_Wanted], ends: float) -> list[Preview]:
    """The previews of one system, each made while its record is at hand: records are large, and what is shown of them is small."""
    here: dict[Locator, list[int]] = {}
    for number, entry in enumerate(wanted):
        here.setdefault(entry.locator.whole, []).append(number)
    shown: dict[int, Preview] = {}
    reason = ""
    try:
        with reading_from(house, house.system_named(name), label=f"dsr/{known.case}") as reader:
            for answer in reader.read(tuple(here), known.matcher.gate, BOUNDS):
                shown |= {number: _preview(known, wanted[number], answer.record) for number in here[answer.locator]}
                if time.monotonic() > ends:
                    reason = "reading took too long; look at fewer records at a time"
                    break
    except DsrError as error:
        reason = error.message
    return [shown.get(number) or _unread(known, entry, reason) for number, entry in enumerate(wanted)]


@contextmanager
def reading_from(house: House, system: System, *, label: str) -> Iterator[Reader]:
    """A connection of its own that reads known records as they are now.

    Raises the families of `domain/errors.py`: `Unreachable` outside the system's hours, `InputWrong` where nobody can read it again.
    """
    if system.is_disabled:
        raise InputWrong(f"{system.name} is disabled in systems.yaml", code="system.disabled")
    admit(system, house.clock.now())
    reader = house.open_reader(replace(system, label=label))
    if reader is None:
        raise InputWrong(f"{system.name} is a system that no driver can read", code="system.unreadable", hint="ask its owner")
    try:
        yield reader
    finally:
        reader.close()


def _unread(known: _Known, entry: _Wanted, reason: str) -> Preview:
    return replace(_empty(known, entry, PreviewState.UNREADABLE), reason=reason or "the system gave no answer for it")


def _empty(known: _Known, entry: _Wanted, state: PreviewState) -> Preview:
    locator = entry.locator
    why = reasons(entry.finding, known.selectors) if entry.finding is not None else ()
    return Preview(entry.id, locator.system, locator.collection, place_shown(known.mask, locator, entry.finding), state, why=why)


def _preview(known: _Known, entry: _Wanted, record: Record | None) -> Preview:
    if record is None:
        return _empty(known, entry, PreviewState.GONE)
    if not record.units and record.gaps:
        return _unread(known, entry, record.gaps[0].reason)
    if entry.finding is None:
        fields = [_shown(known, unit, ()) for unit in record.units if unit.inside == entry.locator.inside]
        return replace(_empty(known, entry, PreviewState.THERE), fields=tuple(fields[:_FIELDS]), further=max(0, len(fields) - _FIELDS))
    now = found_again(known.matcher, entry.finding, record)
    if now is None:  # what was not read may hold it: only a record that was read to its end has changed
        return _unread(known, entry, record.gaps[0].reason) if record.gaps else _empty(known, entry, PreviewState.CHANGED)
    is_same = {(hit.place, hit.selector) for hit in now.hits} >= {(hit.place, hit.selector) for hit in entry.finding.hits}
    shown = _filled(known, entry, record, now, PreviewState.THERE if is_same or record.gaps else PreviewState.CHANGED)
    return replace(shown, reason=record.gaps[0].reason) if record.gaps else shown


def found_again(matcher: Matcher, finding: Finding, record: Record) -> Finding | None:
    """What the record says today of the person, at the very place of this finding; None: they are not in it any more."""
    same = (found for found in matcher.findings(record) if found.locator.inside == finding.locator.inside)
    return next((found for found in same if found.case == finding.case), None)


def _filled(known: _Known, entry: _Wanted, record: Record, now: Finding, state: PreviewState) -> Preview:
    hits: dict[str, list[Hit]] = {}
    for hit in now.hits:
        hits.setdefault(hit.place, []).append(hit)
    units = [unit for unit in record.units if unit.inside == entry.locator.inside]
    names = {name for place in hits if "+" in place for name in split_fields(place)}
    units = [unit for unit in units if unit.place not in names]  # a name in two columns is shown once, as the text that it is
    units.sort(key=lambda unit: (unit.place not in hits, _rank(unit)))
    fields = tuple(_shown(known, unit, hits.get(unit.place, ())) for unit in units[:_FIELDS])
    return replace(_empty(known, entry, state), fields=fields, further=max(0, len(units) - _FIELDS))


def _rank(unit: Unit) -> int:
    category = (unit.field.category if unit.field else "") or ""
    return next((number for number, known in enumerate(_TELLING) if category.startswith(known)), len(_TELLING))


def _shown(known: _Known, unit: Unit, hits: Iterable[Hit]) -> Shown:
    found = tuple(hits)
    category = (unit.field.category if unit.field else "") or next((hit.category for hit in found), "")
    name = veiling.name_shown(known.mask.text(unit.place))
    if not found:
        is_actor = unit.field is not None and unit.field.is_actor  # who acted is never part of what is handed out
        named = veiling.others(unit.text, ()) if known.shows_others and not is_actor else ()
        return Shown(name, category, veiling.around(unit.text, named, veiling.shape) if named else (Piece(veiling.shape(unit.text)),))
    spans = [(span.start, span.end) for span in known.matcher.spans(unit.text)]
    if any(hit.form == KEY for hit in found) and not spans:
        return Shown(name, category, (Piece(veiling.matched(unit.text), is_hit=True),))
    return Shown(name, category, veiling.around(unit.text, spans))


def place_shown(mask: Mask, locator: Locator, finding: Finding | None = None) -> str:
    """Where a record is, without what its key may say of people. The finding, where there is one, says whether it is a mail, and when it came."""
    mail = mail_place(locator, finding)
    parts = [mail] if mail else [veiling.name_shown(mask.key(part)) for part in locator.key]
    return " / ".join(part for part in (*parts, veiling.name_shown(locator.inside)) if part)


def reasons(finding: Finding, selectors: Sequence[Selector]) -> tuple[str, ...]:
    """In plain words, why a finding is not sure; empty where it is."""
    if finding.confidence is not Confidence.POSSIBLE:
        return ()
    by_id = {selector.id: selector for selector in selectors}
    said = [_reason(hit, by_id.get(hit.selector)) for hit in finding.hits if hit.confidence is Confidence.POSSIBLE]
    return tuple(dict.fromkeys(said))


_KINDS: Mapping[str, str] = {
    "name": "a name, which several people may bear",
    "phone": "a telephone number, which a household or an office may share",
    "address": "a postal address, which everybody who lives there has",
    "postcode": "a postcode, which many people have",
    "date_of_birth": "a date of birth, which many people have",
    "ip": "an IP address, which changes hands",
    "device": "a device, which several people may use",
}


def _reason(hit: Hit, selector: Selector | None) -> str:
    what = _KINDS.get(hit.kind)
    if what is not None:
        return f"matched by {what}" + ("" if hit.form in _PLAIN else f", in another written form ({hit.form.replace('-', ' ')})")
    kind = hit.kind.replace("_", " ")
    if selector is not None and not selector.verified and selector.via is None:
        return f"matched by {kind}, and nobody verified that it is the requester's"
    if hit.form not in _PLAIN:
        return f"matched by {kind} in another written form ({hit.form.replace('-', ' ')})"
    return f"matched by {kind} where the same value can mean something else"
