"""XML as data: elements that repeat are records, elements that hold text and nothing else are fields, and so are attributes.

Elements at the first depth at which one repeats among its siblings, or is the one item of a list that is called after it, are records if
they hold fields (`record:17/email`, `record:17/address/@city`); what lies around them is the file's own. An element with text of its own
beside elements (`Dear <b>Ms</b> Doe`) is read as a whole, too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from dsr_engine.content.documents.passages import Passage, Region
from dsr_engine.content.documents.runs import Joined, Run
from dsr_engine.content.documents.xml_runs import Written, XmlRun, addressed
from dsr_engine.content.documents.xml_stream import Attribute, End, Event, Start
from dsr_engine.content.format import Reading
from dsr_engine.content.places import is_plain

#: Characters of inner texts that an element without text of its own holds back, in case some follows.
_HELD = 8192
#: Elements that are looked at to learn which ones are records.
_SAMPLE = 20_000


def record_depth(events: Iterable[Event]) -> int:
    """The depth of records, the root being 0; -1 where nothing repeats. Looks at the beginning of the document."""
    stack: list[_Seen] = [_Seen("")]
    best = -1
    for event in islice(events, _SAMPLE):
        if isinstance(event, Start):
            stack[-1].counts[event.name.local] += 1
            stack[-1].is_filled = True
            stack.append(_Seen(event.name.local, bool(event.attributes)))
        if len(stack) > 1 and isinstance(event, Start | End):
            seen, parent = stack[-1], stack[-2]
            depth = len(stack) - 2
            if seen.is_filled and (best < 0 or depth < best) and _repeats(parent.name, seen.name, parent.counts):
                best = depth
            if isinstance(event, End):
                stack.pop()
    return best


@dataclass(slots=True)
class _Seen:
    """An element of the sample. `is_filled`: it has attributes or elements in it."""

    name: str
    is_filled: bool = False
    counts: Counter[str] = field(default_factory=Counter)


def _repeats(parent: str, name: str, counts: Counter[str]) -> bool:
    short, long = name.lower(), parent.lower()
    return counts[name] > 1 or (short != long and (short in long or (short.endswith("y") and short[:-1] + "ies" in long)))


@dataclass(slots=True)
class _Element:
    """An element that is open. `steps` are the two spellings of the way to it from the root, `names` the plain names."""

    name: str
    start: int
    steps: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    record: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    children: int = 0
    pieces: list[Run] = field(default_factory=list)
    size: int = 0
    has_text: bool = False
    is_cut: bool = False

    def take(self, pieces: list[Run]) -> None:
        self.pieces += pieces
        self.size += sum(len(piece.text) for piece in pieces)

    def shorten(self) -> None:
        """Keeps only the end."""
        kept = 0
        for index in range(len(self.pieces) - 1, -1, -1):
            kept += len(self.pieces[index].text)
            if kept >= _HELD:
                del self.pieces[:index]
                break
        self.size = sum(len(piece.text) for piece in self.pieces)


class Records:
    """Makes the passages of one document of its events, and the region of each record once it is over."""

    def __init__(self, depth: int, reading: Reading) -> None:
        self._depth = depth
        self._reading = reading
        self._limit = reading.limits.line_bytes
        self._open: list[_Element] = []
        self._top: Counter[str] = Counter()
        self._records = 0
        self._numbers: Counter[str] = Counter()
        self._plain: dict[str, bool] = {}

    def passages(self, events: Iterable[Event]) -> Iterator[Passage | Region]:
        for event in events:
            if isinstance(event, Start):
                yield from self._started(event)
            elif isinstance(event, End):
                yield from self._ended(event)
            else:
                yield from self._said(event.run)

    # ---- places

    def _step(self, name: str, number: int, position: int) -> tuple[str, str]:
        """How a child is called, and how it is called by its position."""
        spelt = name if number == 1 else f"{name}[{number}]"
        return (spelt, f"*{position}") if self._is_plain(name) else (f"*{position}", spelt)

    def _is_plain(self, name: str) -> bool:
        found = self._plain.get(name)
        if found is None:
            found = self._plain[name] = is_plain(name, self._reading)
        return found

    def _record(self) -> int:
        """The number of the record that is open; 0 where none is."""
        return self._open[self._depth].record if 0 <= self._depth < len(self._open) else 0

    def _passage(self, text: Joined, element: _Element, *last: tuple[str, str], is_value: bool = False, is_fixed: bool = False) -> Passage:
        record = self._record()
        skipped = self._depth + 1 if record else 0
        steps = (*element.steps[skipped:], *last) or (("#text", "#text"),)
        inside = f"record:{record}" if record else ""
        place = "/".join((*((inside,) if inside else ()), *(spelt for spelt, _ in steps)))
        names = (*element.names[skipped:], *(name.removeprefix("@") for pair in last for name in pair if name.startswith("@") and "*" not in name))
        return Passage(place, text, inside, steps, names, is_value=is_value, is_cut=element.is_cut and not last, is_fixed=is_fixed)

    # ---- events

    def _started(self, event: Start) -> Iterator[Passage]:
        name = event.name.local
        depth = len(self._open)
        parent = self._open[-1] if self._open else None
        if parent is not None:
            parent.children += 1
            if depth - 1 == self._depth:
                self._number(parent)
        counts = parent.counts if parent else self._top
        counts[name] += 1
        step = self._step(name, counts[name], parent.children if parent else counts.total())
        element = _Element(name, event.start, (*(parent.steps if parent else ()), step), (*(parent.names if parent else ()), name))
        self._open.append(element)
        fields = [attribute for attribute in event.attributes if not attribute.name.declares]
        if fields and depth == self._depth:
            self._number(element)
        if self._reading.gate is not None and not self._is_plain(name):
            yield self._passage(Joined((_named(name, event.start),)), element, ("name", "name"), is_fixed=True)
        for position, attribute in enumerate(event.attributes, 1):
            yield from self._attribute(element, attribute, position)

    def _number(self, element: _Element) -> None:
        if not element.record:
            self._records += 1
            element.record = self._records

    def _attribute(self, element: _Element, attribute: Attribute, position: int) -> Iterator[Passage]:
        name = attribute.name.local
        spelt = (f"@{name}", f"@*{position}") if self._is_plain(name) else (f"@*{position}", f"@{name}")
        if attribute.name.namespace:
            # Two attributes may differ in their namespace only.
            spelt = (f"@*{position}", f"@{name}")
        if self._reading.gate is not None and not self._is_plain(name):
            yield self._passage(Joined((_named(name, attribute.value.start),)), element, spelt, ("name", "name"), is_fixed=True)
        is_scope = attribute.name.declares
        yield self._passage(Joined((addressed(name, attribute.value),)), element, spelt, is_value=not is_scope, is_fixed=is_scope)

    def _said(self, run: XmlRun) -> Iterator[Passage]:
        if run.kind not in ("text", "cdata"):
            self._numbers[run.kind] += 1
            record = self._record()
            inside = f"record:{record}" if record else ""
            place = f"{run.kind}:{self._numbers[run.kind]}"
            yield Passage(f"{inside}/{place}" if inside else place, Joined((run,)), inside)
        elif self._open and run.text:
            element = self._open[-1]
            element.has_text = element.has_text or not run.text.isspace()
            element.take([run])
            yield from self._bounded(element)

    def _bounded(self, element: _Element) -> Iterator[Passage]:
        """Keeps what an element holds back small: a text that is too long comes in pieces."""
        if element.has_text and element.size > self._limit:
            element.is_cut = True
            yield self._passage(Joined(tuple(element.pieces)), element)
            element.shorten()
        elif not element.has_text and element.size > 2 * _HELD:
            element.shorten()

    def _ended(self, event: End) -> Iterator[Passage | Region]:
        if not self._open:
            return
        element = self._open[-1]
        if element.has_text:
            yield self._passage(Joined(tuple(element.pieces)), element, is_value=not element.children)
        self._open.pop()
        if element.record:
            yield Region(f"record:{element.record}", element.start, event.end)
        elif self._open and (parent := self._open[-1]):
            parent.take(element.pieces)
            yield from self._bounded(parent)


def _named(name: str, start: int) -> XmlRun:
    return XmlRun(start, name.encode(), "doctype", Written(), name)
