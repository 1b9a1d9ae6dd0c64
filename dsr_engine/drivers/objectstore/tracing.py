"""Counts what personal data stands in the units of files, place by place, and gathers some values of each field for a draft to guess from."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from dsr_engine.content.discovery.discovering import CLEAR, discovered
from dsr_engine.content.discovery.people_words import GIVEN_NAMES
from dsr_engine.content.fold import folded
from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.record import Unit
from dsr_engine.drivers.survey import Sample, Traces

#: Characters that are looked at in one go; values of one place wait until there are so many.
_BATCH = 128 * 1024
#: Characters of a value that a draft sees, values of a field that are counted as equal or different, and fields of a collection.
_LONGEST = 2_000
_MOST_COUNTED = 5_000
_MOST_FIELDS = 300
#: Places of a collection that are told apart; what is more is counted as one.
_MOST_PLACES = 300
_NUMBER = re.compile(r"(?<=[:\[{])\d+(?:-\d+)?")
_INDEX = re.compile(r"\[\d+\]")
_ELSEWHERE = "elsewhere"
#: One step of a path through keys or columns, and what stands for one that may name a person.
_KEY = re.compile(r"(?<=[./$])\.?([^\W\d_]+)(?![^./\[{])")
_ANYBODY = "{*}"
#: An object of more keys than this, most of which were met no more than twice, has people or things for keys and not fields.
_MOST_KEYS, _SELDOM = 40, 2


def place_pattern(place: str) -> str:
    """`row:17/email` → `row:*/email`: the same for all rows, lines, parts and elements. A key that is a given name is no name of a field."""
    return _KEY.sub(lambda found: _ANYBODY if folded(found[1]) in GIVEN_NAMES else found[0], _NUMBER.sub("*", place))


def field_of(unit: Unit) -> str:
    """The name by which a manifest speaks of the unit's column or key; empty where it has none."""
    before, _, last = unit.place.rpartition("/")
    if last.startswith("$"):
        name = _INDEX.sub("", last[1:]).lstrip(".")
        return "" if "{" in place_pattern(unit.place) else name
    return last if "{" not in place_pattern(unit.place) and unit.is_value and before.rpartition("/")[2].startswith("row:") else ""


@dataclass(slots=True)
class _Tally:
    files: int = 0
    holding: int = 0
    found: int = 0
    clear: int = 0
    total: float = 0.0
    last_file: int = -1


@dataclass(slots=True, repr=False)
class _Place:
    """One place pattern of one format; `name` is its field's. `waiting` are texts that were not looked at yet, with the file that each is from."""

    name: str
    texts: int = 0
    waiting: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0
    kinds: dict[tuple[str, str], _Tally] = field(default_factory=dict)

    def join(self, other: "_Place") -> None:
        """Counts what was counted for another place, which was looked at wholly."""
        self.texts += other.texts
        for kind, tally in other.kinds.items():
            own = self.kinds.setdefault(kind, _Tally())
            own.files = max(own.files, tally.files)
            own.holding += tally.holding
            own.found += tally.found
            own.clear += tally.clear
            own.total += tally.total


@dataclass(slots=True, repr=False)
class Gathered:
    """What the files of one collection hold, as far as they were read. Lives in memory only."""

    collection: str
    most: int
    rows: int = 0
    _file: int = -1
    _inside: tuple[int, str] = (-1, "")
    _places: dict[tuple[str, str], _Place] = field(default_factory=dict)
    _values: dict[str, dict[str, None]] = field(default_factory=dict)
    _filled: dict[str, int] = field(default_factory=dict)
    _distinct: dict[str, set[int]] = field(default_factory=dict)

    def begin(self) -> None:
        """The next file."""
        self._file += 1

    def take(self, format_name: str, unit: Unit) -> None:
        if unit.place.endswith("/name") or unit.place.startswith("metadata:"):
            return
        name = field_of(unit)
        if name and self._inside != (self._file, unit.inside):
            self._inside = (self._file, unit.inside)
            self.rows += 1
        if not unit.text.strip():
            return
        if name and (name in self._values or len(self._values) < _MOST_FIELDS):
            self._keep(name, unit.text)
        pattern = place_pattern(unit.place)
        key = (format_name, pattern)
        if key not in self._places and len(self._places) >= _MOST_PLACES:
            key, name = (format_name, _ELSEWHERE), ""
        place = self._places.setdefault(key, _Place(name))
        place.texts += 1
        place.waiting.append((self._file, unit.text))
        place.size += len(unit.text)
        if place.size > _BATCH:
            _look(place)

    def _keep(self, name: str, text: str) -> None:
        values, known = self._values.setdefault(name, {}), self._distinct.setdefault(name, set())
        if self._filled.get(name, 0) < _MOST_COUNTED:  # both stop together, so that their ratio stays true
            self._filled[name] = self._filled.get(name, 0) + 1
            known.add(hash(text))
        if len(values) < self.most:
            values[text[:_LONGEST]] = None

    def sample(self, extent: str, gaps: tuple[str, ...], *, is_whole: bool) -> Sample:
        """Everything that was gathered. Empty values of a field, and those that were not counted, are among its nulls."""
        for place in self._places.values():
            _look(place)
        self._unname(self._crowded())
        fields = tuple(FieldFacts(name) for name in self._values)
        nulls = {name: max(0, self.rows - count) for name, count in self._filled.items()}
        return Sample(
            self.collection,
            {name: tuple(values) for name, values in self._values.items()},
            self.rows,
            nulls,
            {name: len(known) for name, known in self._distinct.items()},
            is_whole,
            fields,
            self._traces(),
            extent,
            gaps,
        )

    def _crowded(self) -> frozenset[tuple[str, str]]:
        """Objects whose keys are data: format and place pattern."""
        below: dict[tuple[str, str], dict[str, int]] = {}
        for (format_name, pattern), place in self._places.items():
            steps = pattern.split(".") if "$" in pattern else []
            for depth in range(1, len(steps)):
                keys = below.setdefault((format_name, ".".join(steps[:depth])), {})
                keys[steps[depth]] = max(keys.get(steps[depth], 0), place.texts)
        return frozenset(
            parent for parent, keys in below.items() if len(keys) > _MOST_KEYS and sum(count <= _SELDOM for count in keys.values()) * 2 > len(keys)
        )

    def _unname(self, crowded: frozenset[tuple[str, str]]) -> None:
        """Takes keys of such objects out of what is told: their places become one, and their fields are none."""
        for key, place in list(self._places.items()) if crowded else ():
            steps = key[1].split(".")
            kept = [step if (key[0], ".".join(steps[:depth])) not in crowded else _ANYBODY for depth, step in enumerate(steps)]
            if kept == steps:
                continue
            del self._places[key]
            self._values.pop(place.name, None)
            self._filled.pop(place.name, None)
            self._distinct.pop(place.name, None)
            self._places.setdefault((key[0], ".".join(kept)), _Place("")).join(place)

    def _traces(self) -> tuple[Traces, ...]:
        found = [
            Traces(
                format_name,
                pattern,
                kind,
                category,
                place.texts,
                tally.holding,
                tally.found,
                tally.clear,
                round(tally.total / tally.found, 2),
                tally.files,
                place.name,
            )
            for (format_name, pattern), place in self._places.items()
            for (kind, category), tally in place.kinds.items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.clear, each.format, each.place, each.kind)))


def _look(place: _Place) -> None:
    """Looks at the texts that wait. What a column is called stands before each of its values, so that it counts as a word near."""
    if not place.waiting:
        return
    lead = f"{place.name.replace('_', ' ')}: " if place.name else ""
    starts, at = [], 0
    for _, text in place.waiting:
        starts.append(at)
        at += len(lead) + len(text) + 1
    seen: set[tuple[int, str]] = set()
    for found in discovered("\n".join(lead + text for _, text in place.waiting)):
        number = bisect_right(starts, found.start) - 1
        if found.start < starts[number] + len(lead) or found.end > starts[number] + len(lead) + len(place.waiting[number][1]):
            continue  # made of a name, or of two texts
        tally = place.kinds.setdefault((found.kind, found.category), _Tally())
        tally.found += 1
        tally.clear += found.confidence >= CLEAR
        tally.total += found.confidence
        if (number, found.kind) not in seen:
            seen.add((number, found.kind))
            tally.holding += 1
        if tally.last_file != place.waiting[number][0]:
            tally.last_file = place.waiting[number][0]
            tally.files += 1
    place.waiting.clear()
    place.size = 0
