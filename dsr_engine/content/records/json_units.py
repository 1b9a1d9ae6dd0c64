"""What both kinds of JSON file share: the units of one value, and the splices that its edits become."""

import json
import math
from collections.abc import Iterator, Sequence

from dsr_engine.content.format import Reading
from dsr_engine.content.records.json_places import KEY, Wanted, has_plain_name, mapped_field, path_of
from dsr_engine.content.records.json_tokens import Event, Token, Walker, literal_like, text_of
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import Splice, cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit, ValueType
from dsr_engine.domain.plan import DropPart, Fence, How, Point, RedactSpans, SetValue
from dsr_engine.domain.record import Unit


def units_of(walker: Walker, base: str, inside: str, reading: Reading, names: Sequence[str] = ()) -> Iterator[Unit]:
    """All units of the value that the walker goes through. `base` is its place; `names` are the keys that lead to it."""
    for event in walker.events():
        unit = unit_of(walker, event, base, inside, reading, names)
        if unit is not None:
            yield unit


def unit_of(walker: Walker, event: Event, base: str, inside: str, reading: Reading, names: Sequence[str] = ()) -> Unit | None:
    """The unit of this event. A `true` or `false` is one where a manifest knows the field; a key, if there is a gate, where it is no plain name."""
    if event.kind == "key":
        if reading.gate is not None and has_plain_name(walker.frames[-1], reading):
            return None
        return Unit(f"{base}{path_of(walker, reading)}/name", walker.frames[-1].name, inside)
    if event.kind != "scalar":
        return None
    entry = mapped_field(walker, names, reading)
    if event.token.kind == "word" and (entry is None or event.token.raw == b"null"):
        return None
    is_member = bool(walker.frames) and walker.frames[-1].is_object
    is_value = is_member or entry is not None
    return Unit(f"{base}{path_of(walker, reading)}", scalar_text(event.token), inside, entry, is_value=is_value)


def scalar_text(token: Token) -> str:
    """What a scalar says, as text: a string's characters, a number as it is written."""
    return text_of(token.raw) if token.kind == "string" else token.raw.decode("latin-1")


def splices_of(walker: Walker, root: Wanted, rewriter: Rewriter) -> Iterator[Splice]:
    """The edits of one value. Raises `NotSupported` if a place is not there."""
    yield from _Splicer(walker, root, rewriter).splices()


class _Splicer:
    """Walks where edits are and skips the rest. `_nodes` are the edits below each open container; `_drops` watches commas."""

    def __init__(self, walker: Walker, root: Wanted, rewriter: Rewriter) -> None:
        self._walker = walker
        self._rewriter = rewriter
        self._root = root
        self._nodes: list[Wanted] = []
        self._drops: list[_Drops] = []
        self._member: Wanted | None = None

    def splices(self) -> Iterator[Splice]:
        for event in self._walker.events():
            match event.kind:
                case "key":
                    yield from self._key(event)
                case "leave":
                    yield from self._leave()
                case _:
                    yield from self._value(event)
        if self._root.below:
            raise _not_there()

    def _key(self, event: Event) -> Iterator[Splice]:
        self._member = self._nodes[-1].child(self._walker.frames[-1])
        renamed = self._member.below.pop(KEY, None) if self._member else None
        is_dropped = self._member is not None and isinstance(self._member.how, DropPart)
        yield from self._drops[-1].begins(event.token.start)
        if renamed is not None and renamed.how is not None and not is_dropped:
            yield from self._changed(event.token, renamed.how, "")

    def _value(self, event: Event) -> Iterator[Splice]:
        node, name = self._node(event)
        parent = self._drops[-1] if self._drops else None
        if parent is not None and not parent.is_object:
            yield from parent.begins(event.token.start)
        is_dropped = node is not None and isinstance(node.how, DropPart)
        if event.kind == "enter" and node is not None and node.below and node.how is None:
            self._nodes.append(node)
            self._drops.append(_Drops(event.token.kind == "{"))
            return
        if node is not None and not is_dropped:
            yield from self._edited(event, node, name)
        end = self._walker.skip(event) if event.kind == "enter" else event.token.end
        if parent is not None:
            yield from parent.ends(end, is_dropped=is_dropped)
            yield from self._leapt(event, parent)
        elif is_dropped:
            raise cannot_rewrite("A document as a whole is no part of a file.", "delete the file instead")

    def _edited(self, event: Event, node: Wanted, name: str) -> Iterator[Splice]:
        """The edit of a scalar. An edit of a whole object or array, or of something inside a scalar, is one of a place that is not there."""
        if node.below or (event.kind != "scalar" and node.how is not None):
            raise _not_there()
        if node.how is not None:
            yield from self._changed(event.token, node.how, name)

    def _leapt(self, event: Event, parent: "_Drops") -> Iterator[Splice]:
        """Goes the quick way through the elements up to the next one that is edited."""
        if event.kind == "enter" and not parent.is_object:
            for start, data in self._walker.following(self._nodes[-1].next_index()):
                yield from parent.begins(start)
                yield from parent.ends(start + len(data), is_dropped=False)

    def _node(self, event: Event) -> tuple[Wanted | None, str]:
        """The edits of this value and the key that it has."""
        frames = self._walker.frames[:-1] if event.kind == "enter" else self._walker.frames
        if not frames:
            return self._root, ""
        if frames[-1].is_object:
            return self._member, frames[-1].name
        return self._nodes[-1].child(frames[-1]), next((frame.name for frame in reversed(frames) if frame.is_object), "")

    def _leave(self) -> Iterator[Splice]:
        if self._nodes.pop().below:
            raise _not_there()
        yield from self._drops.pop().closes()
        if self._drops:
            # The container that ends is a value that stays: its parent has to know that something was kept before the next comma.
            yield from self._drops[-1].ends(self._walker.tokens.offset, is_dropped=False)

    def _changed(self, token: Token, how: How, name: str) -> Iterator[Splice]:
        now = _literal(token, how, name, self._rewriter)
        if now != token.raw:
            yield Splice(token.start, token.end, now)


class _Drops:
    """Which comma goes with a dropped child: the one before it, or, while nothing was kept before it, the one behind it."""

    def __init__(self, is_object: bool) -> None:
        self.is_object = is_object
        self._start = 0
        self._kept_end = -1
        self._dropped: tuple[int, int] | None = None

    def begins(self, start: int) -> Iterator[Splice]:
        self._start = start
        if self._dropped is not None:
            yield Splice(self._dropped[0], start, b"")
            self._dropped = None

    def ends(self, end: int, *, is_dropped: bool) -> Iterator[Splice]:
        if not is_dropped:
            self._kept_end = end
        elif self._kept_end >= 0:
            yield Splice(self._kept_end, end, b"")
            self._kept_end = end
        else:
            self._dropped = (self._start, end)

    def closes(self) -> Iterator[Splice]:
        if self._dropped is not None:
            yield Splice(*self._dropped, b"")


def _literal(token: Token, how: How, name: str, rewriter: Rewriter) -> bytes:
    """The literal that stands in for this one."""
    match how:
        case RedactSpans():
            text = scalar_text(token)
            now = rewriter.redacted(text)
            if now == text:
                return token.raw
            return literal_like(token.raw, now) if token.kind == "string" else json.dumps(now).encode()
        case SetValue():
            return _replaced(token, how, name, rewriter)
        case Fence(value) | Point(value):
            return json.dumps(value).encode()
        case DropPart():
            raise cannot_rewrite("A key cannot be dropped: drop its record or set its value.")


def _replaced(token: Token, how: SetValue, name: str, rewriter: Rewriter) -> bytes:
    value = json.loads(b'""' if token.kind == "string" else token.raw)
    kind = ValueType.TEXT
    if isinstance(value, bool):
        kind = ValueType.BOOLEAN
    elif isinstance(value, int | float):
        kind = ValueType.INTEGER if isinstance(value, int) else ValueType.NUMBER
    try:
        now = rewriter.replaced(how, text_of(token.raw) if token.kind == "string" else value, FieldFacts(name, kind))
    except Misfit as misfit:
        raise cannot_rewrite(f"A JSON value cannot hold what the method gives: {misfit}.") from None
    if isinstance(now, str) and token.kind == "string":
        return literal_like(token.raw, now)
    if now is None or isinstance(now, bool | int | str) or (isinstance(now, float) and math.isfinite(now)):
        return json.dumps(now).encode()
    return json.dumps(str(now)).encode()


def _not_there() -> Exception:
    return cannot_rewrite("A place of the plan is not in the file.", "plan again: the file is not what it was")
