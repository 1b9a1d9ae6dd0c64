"""Edits of Avro rows as splices of their bytes: what no edit concerns keeps its encoding, a type that cannot hold a mark becomes null, or refuses."""

import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from dsr_engine.content.charset import decoded, encoded_like
from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.format import Budget
from dsr_engine.content.records.avro_blocks import Block, Header
from dsr_engine.content.records.avro_codec import packed
from dsr_engine.content.records.avro_data import Leaf, Rows, content_of, is_file_like, number_at, number_bytes, text_of, with_length
from dsr_engine.content.records.avro_schema import Node, is_same_shape
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts, Misfit, ValueType
from dsr_engine.domain.plan import DropPart, Edit, Fence, How, Point, RedactSpans, SetValue

#: The one UUID that names nothing (RFC 9562 §5.9).
_NIL = "00000000-0000-0000-0000-000000000000"
_DAYS = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Editing:
    """What happens to the rows of one block. `called` gives a leaf's place in its row; `nested` rewrites a value that is a file."""

    header: Header
    wanted: Mapping[int, Sequence[Edit]]
    rewriter: Rewriter
    called: Callable[[Leaf], str]
    nested: Callable[[int, Leaf, bytes, Sequence[Edit]], bytes]


def rewritten_block(block: Block, editing: Editing, budget: Budget) -> bytes:
    """The block with its edits made; nothing where no row is left. Raises `NotSupported`, `Unreadable`."""
    content = block.content(editing.header, budget)
    rows = Rows(editing.header.root, content)
    out: list[bytes] = []
    kept = 0
    for number in range(block.first, block.first + block.count):
        start = rows.at
        leaves = rows.next()
        edits = editing.wanted.get(number, ())
        if any(not edit.place and isinstance(edit.how, DropPart) for edit in edits):
            continue
        kept += 1
        out.append(_row(number, start, rows, leaves, content, edits, editing) if edits else content[start : rows.at])
    if rows.at != len(content):
        raise cannot_rewrite("The file is damaged: a block of it cannot be read.")
    if not kept:
        return b""
    stored = packed(editing.header.codec, b"".join(out))
    return number_bytes(kept) + number_bytes(len(stored)) + stored + editing.header.sync


def _row(number: int, start: int, rows: Rows, leaves: Sequence[Leaf], content: bytes, edits: Sequence[Edit], editing: Editing) -> bytes:
    splices = _splices(number, leaves, content, edits, editing)
    # A list that says how many bytes it takes has to say it anew; inner lists begin later, so they are settled first.
    for at, begin, end in sorted(rows.sized, reverse=True):
        grown = sum(len(now) - (two - one) for one, two, now in splices if begin <= one and two <= end)
        if grown:
            splices.append((at, begin, number_bytes(number_at(content, at)[0] + grown)))
    out = bytearray()
    for one, two, now in sorted(splices):
        out += content[start:one] + now
        start = two
    return bytes(out + content[start : rows.at])


def _splices(number: int, leaves: Sequence[Leaf], content: bytes, edits: Sequence[Edit], editing: Editing) -> list[tuple[int, int, bytes]]:
    by_place = {editing.called(leaf): leaf for leaf in leaves}
    if len(by_place) < len(leaves):
        raise cannot_rewrite("Two fields of a row are called alike, so that an edit cannot tell them apart.", "drop the row, or the file")
    splices: list[tuple[int, int, bytes]] = []
    inner: dict[str, list[Edit]] = {}
    for edit in edits:
        leaf = by_place.get(edit.place)
        if leaf is None:
            owner = next((place for place in by_place if edit.place.startswith(f"{place}/")), None)
            if owner is None:
                raise cannot_rewrite("A place of the plan is not in the file.", "plan again: the file is not what it was")
            inner.setdefault(owner, []).append(Edit(edit.place[len(owner) + 1 :], edit.how))
            continue
        splices += _changed(leaf, content, edit.how, editing.rewriter)
    for place, several in inner.items():
        leaf = by_place[place]
        splices.append((leaf.start, leaf.end, _sized(leaf.node, editing.nested(number, leaf, content, several))))
    _refuse_twin_keys(leaves, content, splices)
    return splices


def _refuse_twin_keys(leaves: Sequence[Leaf], content: bytes, splices: Sequence[tuple[int, int, bytes]]) -> None:
    """Two entries of a map with one key would be one entry to whoever reads it: the other's value would be lost."""
    now = {one: new for one, _, new in splices}
    keys = Counter((leaf.path[:-1], now.get(leaf.start, content[leaf.start : leaf.end])) for leaf in leaves if leaf.is_key)
    was = Counter((leaf.path[:-1], content[leaf.start : leaf.end]) for leaf in leaves if leaf.is_key)
    if any(count > was.get(key, 1) for key, count in keys.items()):
        raise cannot_rewrite("Two keys of a map would become the same, and one value would be lost.", "drop the row, or set its values")


def _changed(leaf: Leaf, content: bytes, how: How, rewriter: Rewriter) -> list[tuple[int, int, bytes]]:
    raw = content[leaf.start : leaf.end]
    match how:
        case RedactSpans():
            now = _redacted(leaf, raw, rewriter)
        case SetValue():
            now = _replaced(leaf, raw, how, rewriter)
        case Fence(value) | Point(value):
            now = _encoded(leaf.node, value)
        case DropPart():
            raise cannot_rewrite("A value cannot be dropped: drop its row or set it.")
    if now == raw:
        return []
    if now is not None:
        return [(leaf.start, leaf.end, now)]
    if leaf.null < 0:
        raise cannot_rewrite("A value that is no text may not be empty by its schema.", "drop the row, or set another value")
    return [(leaf.choice, leaf.end, number_bytes(leaf.null))]


def _redacted(leaf: Leaf, raw: bytes, rewriter: Rewriter) -> bytes | None:
    """The value with the person cut out; None: it has to become null."""
    node = leaf.node
    if is_file_like(node):
        held = content_of(node, raw)
        text, codec = decoded(held)
        return _sized(node, encoded_like(held, codec, text, rewriter.redacted(text)))
    text = text_of(node, raw)
    now = rewriter.redacted(text)
    if now == text:
        return raw
    if node.kind != "string" or node.logical:
        return _encoded(node, _NIL) if node.logical == "uuid" and leaf.null < 0 else None
    held = content_of(node, raw)
    return with_length(node, encoded_like(held, "utf-8", text, now) if is_utf8(held) else now.encode())


def _sized(node: Node, content: bytes) -> bytes:
    if node.kind == "fixed" and len(content) != node.size:
        raise cannot_rewrite("A value of fixed length cannot hold what replaces it.", "drop the row")
    return with_length(node, content)


_TYPES = {"int": ValueType.INTEGER, "long": ValueType.INTEGER, "float": ValueType.NUMBER, "double": ValueType.NUMBER, "boolean": ValueType.BOOLEAN}
_LOGICAL = {"date": ValueType.DATE, "decimal": ValueType.NUMBER, "uuid": ValueType.UUID}


def _type(node: Node) -> ValueType:
    if node.logical.startswith(("timestamp", "local-timestamp")):
        return ValueType.TIMESTAMP
    return _LOGICAL.get(node.logical) or _TYPES.get(node.kind, ValueType.TEXT)


def _replaced(leaf: Leaf, raw: bytes, how: SetValue, rewriter: Rewriter) -> bytes | None:
    node = leaf.node
    text = decoded(content_of(node, raw))[0] if is_file_like(node) else text_of(node, raw)
    name = leaf.names[-1] if leaf.names else "value"
    try:
        value = rewriter.replaced(how, _typed(node, text), FieldFacts(name, _type(node), is_nullable=leaf.null >= 0))
    except Misfit as misfit:
        raise cannot_rewrite(f"A value cannot hold what the method gives: {misfit}.") from None
    return None if value is None else _encoded(node, value)


def _typed(node: Node, text: str) -> object:
    kind = _type(node)
    if kind is ValueType.INTEGER:
        return int(text)
    if kind is ValueType.NUMBER:
        return Decimal(text) if node.logical == "decimal" else float(text)
    if kind is ValueType.DATE:
        return date.fromisoformat(text) if "-" in text[1:] else text
    if kind is ValueType.TIMESTAMP:
        return datetime.fromisoformat(text) if "T" in text else text
    return text == "true" if kind is ValueType.BOOLEAN else text


def _encoded(node: Node, value: object) -> bytes:
    """The value as bytes of this type. Raises `NotSupported` where it is none of it."""
    try:
        return _ENCODERS[node.kind](node, value)
    except (KeyError, ValueError, TypeError, OverflowError, struct.error, InvalidOperation):
        raise cannot_rewrite("A value cannot hold what is to replace it: it is of another type.", "drop the row, or choose another method") from None


def _number(node: Node, value: object) -> bytes:
    if isinstance(value, datetime):
        unit = 1000 if node.logical.endswith("millis") else 1
        seconds = (value.toordinal() - _DAYS) * 86_400 + value.hour * 3600 + value.minute * 60 + value.second
        return number_bytes((seconds * 1_000_000 + value.microsecond) // unit)
    if isinstance(value, date):
        return number_bytes(value.toordinal() - _DAYS)
    number = int(str(value))
    if not -(2**31 if node.kind == "int" else 2**63) <= number < (2**31 if node.kind == "int" else 2**63):
        raise OverflowError
    return number_bytes(number)


def _blob(node: Node, value: object) -> bytes:
    if node.logical != "decimal":
        return _sized(node, str(value).encode())
    number = int(Decimal(str(value)).scaleb(node.scale).to_integral_value())
    size = node.size if node.kind == "fixed" else max(1, (number.bit_length() + 8) // 8)
    return with_length(node, number.to_bytes(size, "big", signed=True))


def _enum(node: Node, value: object) -> bytes:
    return number_bytes(node.names.index(str(value)))


_ENCODERS: Mapping[str, Callable[[Node, object], bytes]] = {
    "string": lambda node, value: with_length(node, str(value).encode()),
    "bytes": _blob,
    "fixed": _blob,
    "int": _number,
    "long": _number,
    "enum": _enum,
    "float": lambda _, value: struct.pack("<f", float(str(value))),
    "double": lambda _, value: struct.pack("<d", float(str(value))),
    "boolean": lambda _, value: b"\1" if value in (True, 1, "true") else b"\0",
}


# ---- the header


def entries_edited(
    entries: Sequence[tuple[bytes, bytes]], edits: Mapping[int, Sequence[Edit]], rewriter: Rewriter
) -> tuple[tuple[bytes, bytes], ...]:
    """The metadata with the person cut out. A schema may change in its documentation only."""
    if any(not 1 <= number <= len(entries) for number in edits):
        raise cannot_rewrite("A word of the plan is not in the file's header.", "plan again: the file is not what it was")
    return tuple(_entry(entry, edits.get(number, ()), rewriter) for number, entry in enumerate(entries, start=1))


def _entry(entry: tuple[bytes, bytes], edits: Sequence[Edit], rewriter: Rewriter) -> tuple[bytes, bytes]:
    words = {"name": entry[0], "": entry[1]}
    for edit in edits:
        if edit.place not in words or not isinstance(edit.how, RedactSpans):
            raise cannot_rewrite("The words in the header of an Avro file can be redacted, nothing else.")
        text, codec = decoded(words[edit.place])
        words[edit.place] = encoded_like(words[edit.place], codec, text, rewriter.redacted(text))
    if entry[0].startswith(b"avro.") and words["name"] != entry[0]:
        raise cannot_rewrite("A word that the format needs cannot be changed.")
    if entry[0] == b"avro.schema" and not is_same_shape(entry[1], words[""]):
        raise cannot_rewrite("The schema of the file names its fields after the person; another name would be another schema.", "delete the file")
    return words["name"], words[""]
