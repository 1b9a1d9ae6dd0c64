"""Address cards and calendars (RFC 6350, RFC 5545, vCard 2.1): each card (`card:3`) and each entry (`entry:3`) is a record of its own.

A property is a place (`card:3/email`, the second one `card:3/email.2`), its parameters another (`entry:2/attendee.params`), a picture or an
attachment a file (`card:3/photo/…`). What a calendar says of itself is its own (`calendar:1/…`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import BinaryIO

from dsr_engine.content.charset import decoded
from dsr_engine.content.format import Nested, Opener, Reading, Unreadable, Writer
from dsr_engine.content.mail.content_lines import Line, Property, lines_of
from dsr_engine.content.opaque import Opaque
from dsr_engine.content.places import by_number, inside
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite, flowing, opened, part_of, spliced
from dsr_engine.domain.anonymize import FieldFacts, Misfit
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Gap, Unit
from dsr_engine.domain.system import FieldMap

_OWNING = {"EMAIL": FieldMap("email", "user.contact.email", "email"), "TEL": FieldMap("tel", "user.contact.phone_number", "phone")}
_NOTED = {
    "FN": FieldMap("fn", "user.name"),
    "ATTENDEE": FieldMap("attendee", "user.contact.email"),
    "ORGANIZER": FieldMap("organizer", "user.contact.email"),
}
#: Components that never stand inside another one than a calendar.
_TOP = frozenset({b"VEVENT", b"VTODO", b"VJOURNAL", b"VFREEBUSY", b"VTIMEZONE"})
_ENCODED = re.compile(rb"(?i)[;:](?:charset=|encoding=|quoted-printable|base64|data:)")
_COMPONENT = re.compile(rb"(?i)[ \t]*(?:v[a-z]+|daylight|standard|participant|x-[a-z0-9-]+)[ \t]*")
_FOLD = re.compile(rb"\r?\n[ \t]")
_ESCAPE = re.compile(rb"\\([nN,;:\\])")
#: Lines of one record that are held to be judged together.
_MOST_LINES = 20_000


@dataclass(slots=True)
class _Entry:
    """One card or entry, or what stands around them; `kind` is the word in its place."""

    kind: str
    number: int
    lines: list[Line] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"{self.kind}:{self.number}"

    def called(self) -> Iterator[tuple[str, Line, Property]]:
        """Its properties with their names in places."""
        counts: Counter[str] = Counter()
        for line in self.lines:
            found = line.property()
            if found is not None and found.name not in ("BEGIN", "END"):
                counts[found.name] += 1
                yield found.name.lower() + (f".{counts[found.name]}" if counts[found.name] > 1 else ""), line, found

    def may_pass(self, reading: Reading) -> bool:
        """False if a look at the bytes, unfolded and unescaped, shows that nothing in it can pass."""
        raw = b"".join(line.raw for line in self.lines)
        if reading.gate is None or _ENCODED.search(raw):
            return True
        flat = _FOLD.sub(b"", raw)
        if b"\\" in flat:
            flat = _ESCAPE.sub(lambda one: b"\n" if one[1] in b"nN" else one[1], flat)
        return reading.gate.passes(flat)


class CardFile:
    """`vcard` and `icalendar` differ in what is a record: a card, or a component of a calendar."""

    def __init__(self, name: str, nested: Nested) -> None:
        self.name = name
        self._nested = nested

    def read(self, open_file: Opener, reading: Reading) -> Iterator[Unit | Gap]:
        at = 0
        with closing(opened(open_file)) as source:
            try:
                for entry in _entries(source, self.name, reading):
                    at = entry.lines[-1].end
                    yield from self._entry(entry, reading)
            except Unreadable as unreadable:
                yield from (got for got in Opaque().read(part_of(open_file, at), reading) if isinstance(got, Unit))
                yield Gap(reading.collection, unreadable.code, unreadable.reason)

    def _entry(self, entry: _Entry, reading: Reading) -> Iterator[Unit | Gap]:
        gate = reading.gate
        if not entry.may_pass(reading):
            return
        told = list(_units(entry, reading))
        loose = [line for line in entry.lines if _is_loose(line)]
        raw = "\n".join(decoded(line.raw)[0] for line in loose)
        if gate is None or gate.passes_text("\n".join((*(unit.text for unit in told), raw))):
            yield from told
            for line in loose:
                if line.raw.strip() and (gate is None or gate.passes(line.raw)):
                    yield Unit(f"{reading.prefix}{entry.place}/line:{line.number}", decoded(line.raw)[0], _part(entry, reading), is_opaque=True)
        for name, _, found in entry.called():
            if found.is_binary:
                how = replace(reading, prefix=f"{reading.prefix}{entry.place}/{name}/", depth=reading.depth + 1, name="")
                yield from self._nested.read(_held(found.content()), how)

    def prepare(self, open_file: Opener, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Writer:
        pending: dict[tuple[str, int], tuple[Edit, ...]] = {}
        for kind in ("card", "entry", "calendar"):
            own = [edit for edit in edits if edit.place[len(reading.prefix) :].startswith(f"{kind}:")]
            pending |= {(kind, number): several for number, several in by_number(own, kind, reading).items()}
        if sum(map(len, pending.values())) != len(edits):
            raise cannot_rewrite("There is no place of that kind in this file: it has cards or entries.", "plan again: the file is not what it was")
        splices: list[Splice] = []
        try:
            with closing(opened(open_file)) as source:
                for entry in _entries(source, self.name, reading) if pending else ():
                    if wanted := pending.pop((entry.kind, entry.number), None):
                        splices += self._splices(entry, wanted, rewriter, reading)
        except Unreadable as unreadable:
            raise cannot_rewrite(f"The file cannot be rewritten: {unreadable.reason}.") from None
        if pending:
            raise cannot_rewrite("A card or entry of the plan is not in the file.", "plan again: the file is not what it was")
        return spliced(open_file, splices)

    def _splices(self, entry: _Entry, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Iterator[Splice]:
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            if entry.kind == "calendar":
                raise cannot_rewrite("What a calendar says of itself is no part of it.", "delete the file")
            yield Splice(entry.lines[0].start, entry.lines[-1].end, b"")
            return
        places = {name: (line, found) for name, line, found in entry.called()}
        by_line: dict[str, list[Edit]] = {}
        for edit in edits:
            word, slash, rest = edit.place.partition("/")
            name = word.removesuffix(".params")
            if name not in places or (name != word and slash):
                raise cannot_rewrite("A property of the plan is not in the file.", "plan again: the file is not what it was")
            by_line.setdefault(name, []).append(Edit("params" if name != word else slash + rest, edit.how))
        for name, several in by_line.items():
            line, found = places[name]
            now = self._changed(f"{entry.place}/{name}/", found, several, rewriter, reading)
            if now != found:
                yield Splice(line.start, line.end, now.written(line.newline))

    def _changed(self, prefix: str, found: Property, edits: Sequence[Edit], rewriter: Rewriter, reading: Reading) -> Property:
        inner = [Edit(f"{reading.prefix}{prefix}{edit.place[1:]}", edit.how) for edit in edits if edit.place.startswith("/")]
        for edit in edits:
            if edit.place == "params":
                if not isinstance(edit.how, RedactSpans):
                    raise cannot_rewrite("Parameters can be redacted, nothing else.")
                text, codec = decoded(found.params)
                found = found.with_params(rewriter.redacted(text).encode(codec, "replace")) if rewriter.redacted(text) != text else found
            elif not edit.place:
                text = found.text
                now = _value(found, text, edit.how, rewriter)
                found = found.with_text(now) if now != text else found
        if inner:
            sink = BytesIO()
            how = replace(reading, prefix=f"{reading.prefix}{prefix}", depth=reading.depth + 1, name="")
            self._nested.prepare(_held(found.content()), inner, rewriter, how)(sink)
            found = found.with_content(sink.getvalue())
        return found


def _value(found: Property, text: str, how: How, rewriter: Rewriter) -> str:
    match how:
        case RedactSpans():
            return rewriter.redacted(text)
        case SetValue():
            try:
                value = rewriter.replaced(how, text, FieldFacts(found.name.lower()))
            except Misfit as misfit:
                raise cannot_rewrite(f"A property cannot hold what the method gives: {misfit}.") from None
            return "" if value is None else str(value)
        case Fence(value) | Point(value):
            return str(value)
        case DropPart():
            raise cannot_rewrite("A property cannot be dropped: drop its card or set its value.")


def _is_loose(line: Line) -> bool:
    """True for a line that is no property, or a frame that is no name of a component."""
    found = line.property()
    return found is None or (found.name in ("BEGIN", "END") and not _COMPONENT.fullmatch(found.value))


def _held(data: bytes) -> Opener:
    return lambda: flowing(iter((data,)))


def _part(entry: _Entry, reading: Reading) -> str:
    return inside(reading, entry.place) if entry.kind != "calendar" else inside(reading)


def _units(entry: _Entry, reading: Reading) -> Iterator[Unit]:
    part = _part(entry, reading)
    for name, _, found in entry.called():
        place = f"{reading.prefix}{entry.place}/{name}"
        if found.params:
            yield Unit(f"{place}.params", decoded(found.params)[0], part)
        if not found.is_binary and (text := found.text):
            yield Unit(place, text, part, _field(found, entry, reading), is_value=True)


def _field(found: Property, entry: _Entry, reading: Reading) -> FieldMap | None:
    if reading.map is not None and (entry_map := reading.map.field_named(found.name.lower())):
        return entry_map
    return _NOTED.get(found.name) or (_OWNING.get(found.name) if entry.kind == "card" else None)


def _restarts(line: Line, current: _Entry | None) -> bool:
    """True for the beginning of a record inside one that never ended: two taken for one would go together."""
    if current is None or current.kind == "calendar":
        return False
    word = line.raw[6:].strip().upper()
    return word in _TOP or (word == b"VCARD" and current.lines[-1].raw[:5].upper() != b"AGENT")


def _entries(source: BinaryIO, name: str, reading: Reading) -> Iterator[_Entry]:
    """Records and what stands around them, in their order. A part of a record that has parts belongs to it."""
    kind, level = ("card", 1) if name == "vcard" else ("entry", 2)
    depth = records = outers = 0
    current: _Entry | None = None
    for line in lines_of(source, reading.limits.line_bytes):
        word = line.raw[:6].upper()
        begins = word == b"BEGIN:"
        depth = level if begins and _restarts(line, current) else depth + begins
        if current is None or (begins and depth == level):
            if current is not None:
                yield current
            is_record = begins and depth == level
            records, outers = records + is_record, outers + (not is_record)
            current = _Entry(kind, records) if is_record else _Entry("calendar", outers)
        current.lines.append(line)
        if len(current.lines) > _MOST_LINES:
            raise Unreadable("card.too_long", "a card or an entry has more lines than the limit; the rest was searched as bytes only")
        if word[:4] == b"END:":
            depth = max(0, depth - 1)
            if depth == level - 1 and current.kind == kind:
                yield current
                current = None
    if current is not None:
        yield current
