"""Whose records hold what a requester said: the people, as systems know them, in whose records given values stand in fields that mean them.

A value counts only where it is the whole value of a field that a connector declares for its kind; a word in a text says nothing of who somebody is.
Records are one person's where they share a key, or an identifier that leads to one person only. No value leaves this module.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dsr_engine.content.match import CATEGORIES, Matcher, Span
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import category_covers
from dsr_engine.domain.record import Record, Unit, is_split
from dsr_engine.domain.selector import CARRIED, HOUSEHOLD, Scope, Secret, Selector
from dsr_engine.domain.system import System
from dsr_engine.drivers.driver import AboutSubjects
from dsr_engine.workflow.discover import FOUND, reader_of
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import person_search
from dsr_engine.workflow.resolve_identities import MOST_HOPS, identifying, meanings

#: More people than this in whose records a requester's identifier stands: it tells nobody apart.
MOST_PEOPLE = 50
#: Written forms that are the value itself.
_SAME = frozenset({"plain", "phone", "phone-national", "grouped", "name-order", "date"})

#: A second category under which a kind of data stands.
_ALSO = {"date_of_birth": "user.date_of_birth"}

_Key = tuple[Scope, str]
Place = tuple[str, str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Records that are one person's. `kinds` are the kinds of given values that stand in them, `selectors` the ids of those values."""

    kinds: frozenset[str]
    selectors: frozenset[str]


@dataclass(frozen=True, slots=True)
class Candidates:
    """`shared` are the ids of given values that stand in records of several people, and so tell none of them from the others."""

    people: tuple[Candidate, ...]
    shared: frozenset[str]


@dataclass(slots=True)
class Seen:
    """One record: the given values that stand in it, the keys that it is known by, and those by which it was found. Keys are values: memory only."""

    selectors: set[str] = field(default_factory=set)
    own: set[_Key] = field(default_factory=set)
    found_by: set[_Key] = field(default_factory=set)

    @property
    def keys(self) -> set[_Key]:
        return self.own | self.found_by


def candidates_for(house: House, case: Case, given: Sequence[Selector], anchors: frozenset[str]) -> Candidates:
    """The people in whose records values of `given` stand together with one of the `anchors` (ids of values of `given`).

    Reads every declared collection of the case's systems once, and what shares a key with what was found by that key. Raises `Unreachable` where a
    system does not answer, because a person may stand there, and `InputWrong` where an anchor leads to more than `MOST_PEOPLE` keys.
    """
    look = _Looking(house, case, given)
    look.ask({entry.id: entry for entry in given}, {})
    for _ in range(MOST_HOPS):
        keys = look.fresh_keys(anchors)
        if not keys:
            break
        if len(look.asked) > MOST_PEOPLE:
            raise InputWrong(
                f"what the requester said stands in the records of more than {MOST_PEOPLE} people",
                code="match.too_many",
                hint="ask for something that tells the person from others, such as a customer number",
            )
        look.ask({}, keys)
    return people_of(look.seen, {entry.id: entry for entry in given}, anchors)


class _Looking:
    """One look for given values, hop by hop."""

    def __init__(self, house: House, case: Case, given: Sequence[Selector]) -> None:
        self._house = house
        self._case = case
        # Each value is a subject of its own, so that each is judged for itself.
        self._given = Matcher({entry.id: (entry,) for entry in given})
        self._kinds = {entry.id: entry.kind for entry in given}
        self.seen: dict[Place, Seen] = {}
        self.asked: set[_Key] = set()

    def fresh_keys(self, anchors: frozenset[str]) -> dict[str, _Key]:
        """Keys of records that are linked to an anchor and that nobody asked for yet, under ids for one search."""
        linked = [entry for entry in self.seen.values() if entry.selectors & anchors or entry.found_by]
        keys = sorted({key for entry in linked for key in entry.own} - self.asked, key=repr)
        self.asked |= set(keys)
        return {f"key-{number}": key for number, key in enumerate(keys)}

    def ask(self, values: Mapping[str, Selector], keys: Mapping[str, _Key]) -> None:
        """Searches every system that declares something, by values or by keys."""
        subjects = {id_: (entry,) for id_, entry in values.items()}
        subjects |= {id_: (Selector(id_, "key", Secret(value), verified=True, scope=scope),) for id_, (scope, value) in keys.items()}
        for name in self._case.systems:
            system = self._house.system_named(name)
            if not system.is_disabled and system.manifest.collections:
                self._search(system, subjects, keys)

    def _search(self, system: System, subjects: Mapping[str, tuple[Selector, ...]], keys: Mapping[str, _Key]) -> None:
        search = person_search(subjects, {})
        assert isinstance(search.query, AboutSubjects)
        driver = reader_of(system, FOUND, self._house)
        try:
            for part in driver.slices(search.query):
                for event in driver.find(search.query, part):
                    if not isinstance(event, Record):
                        continue
                    linking = [keys[entry.case] for entry in search.judge(event) if entry.case in keys and entry.match is Match.OWNS]
                    self._note(event, system, linking)
        finally:
            driver.close()

    def _note(self, record: Record, system: System, linking: Iterable[_Key]) -> None:
        fields = identifying(system).get(record.locator.collection, ())
        keys = {
            (scope, value)
            for entry in fields
            if (value := record.identifying.get(entry.name))
            for kind, scope in meanings(entry, system.name, record.locator.collection)
            if kind != CARRIED
        }
        for inside in {unit.inside for unit in record.units}:
            held = {id_ for unit in record.units if unit.inside == inside for id_ in self._held(unit)}
            if not (held or linking):
                continue
            seen = self.seen.setdefault((system.name, record.locator.collection, record.locator.key, inside), Seen())
            seen.selectors |= held
            if not inside:
                seen.own |= keys
                seen.found_by |= set(linking)

    def _held(self, unit: Unit) -> Iterator[str]:
        """The given values that are the whole value of this field, where the field means their kind."""
        if unit.is_opaque or not (unit.is_value or is_split(unit.place)):
            return
        for span in self._given.spans(unit.text):
            if _is_whole(unit.text, span) and span.form in _SAME and _means(unit, self._kinds[span.case]):
                yield span.case


def _is_whole(text: str, span: Span) -> bool:
    return not (text[: span.start].strip() or text[span.end :].strip())


def _means(unit: Unit, kind: str) -> bool:
    if is_split(unit.place):
        return kind == "name"
    if unit.field is None or unit.field.is_actor:
        return False
    meant = [category for table in (CATEGORIES, _ALSO) if (category := table.get(kind)) is not None]
    return unit.field.selects == kind or any(category_covers(entry, unit.field.category or "") for entry in meant)


class _Groups:
    """Things that belong together (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[object, object] = {}

    def of(self, thing: object) -> object:
        root = self._parent.setdefault(thing, thing)
        while root != self._parent[root]:
            root = self._parent[root]
        self._parent[thing] = root
        return root

    def join(self, one: object, other: object) -> None:
        self._parent[self.of(one)] = self.of(other)


def people_of(seen: Mapping[Place, Seen], given: Mapping[str, Selector], anchors: frozenset[str]) -> Candidates:
    """Puts records together that are one person's. Those that hold none of the anchors, nor share a key with one that does, are nobody's here."""
    groups = _Groups()
    for place, entry in seen.items():
        for key in entry.keys:
            groups.join(place, key)
    shared = frozenset(id_ for id_, selector in sorted(given.items()) if not _led_to_one(id_, selector, seen, given, groups))
    held: dict[object, set[str]] = {}
    for place, entry in seen.items():
        held.setdefault(groups.of(place), set()).update(entry.selectors)
    people = [Candidate(frozenset(given[id_].kind for id_ in ids), frozenset(ids)) for ids in held.values() if ids & anchors]
    return Candidates(tuple(sorted(people, key=lambda person: (-len(person.kinds), sorted(person.selectors)))), shared & anchors)


def _led_to_one(id_: str, selector: Selector, seen: Mapping[Place, Seen], given: Mapping[str, Selector], groups: _Groups) -> bool:
    """Joins the records that hold a strong identifier, where it leads to one person. False where it leads to several."""
    places = [place for place, entry in seen.items() if id_ in entry.selectors]
    known_by: dict[tuple[str, str, str], set[object]] = {}
    for place in places:
        for scope, _ in seen[place].keys:
            known_by.setdefault((scope.system, scope.collection, scope.field), set()).add(groups.of(place))
    if any(len(people) > 1 for people in known_by.values()) and not _agree([seen[place] for place in places if seen[place].keys], given):
        return False
    if not selector.is_weak:
        for place in places[1:]:
            groups.join(places[0], place)
    return True


def _agree(entries: Iterable[Seen], given: Mapping[str, Selector]) -> bool:
    """True if records that have two keys are one person's all the same: all hold two given values that a household does not share."""
    kinds = [frozenset(given[id_].kind for id_ in entry.selectors) for entry in entries]
    return len(frozenset.intersection(*kinds) - HOUSEHOLD) > 1
