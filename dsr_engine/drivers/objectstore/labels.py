"""What stands beside a file's bytes — metadata, tags, headers in which people write — as texts that are searched and rewritten.

A place is `metadata:NAME`, `tag:NAME` or `header:NAME`; a name that is not plain, or holds the person, is a number instead (`tag:2`), and the name
itself is a text of its own (`tag:2/name`). Values that are encoded words (RFC 2047, as S3 gives metadata that is not ASCII) or percent-encoded are
read decoded and written back in the same manner.
"""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from email.errors import HeaderParseError
from email.header import Header, decode_header
from urllib.parse import quote, unquote

from dsr_engine.content.format import Reading
from dsr_engine.content.gate import Gate
from dsr_engine.content.places import is_plain
from dsr_engine.content.rewriter import Rewriter
from dsr_engine.content.stream import cannot_rewrite
from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.plan import Edit, RedactSpans, SetValue
from dsr_engine.domain.record import Unit
from dsr_engine.domain.system import CollectionMap
from dsr_engine.drivers.objectstore.shelf import Labels

_METADATA, _TAG, _HEADER = "metadata", "tag", "header"
_CONTENT_TYPE = "content-type"
_ENCODED_WORD = re.compile(r"=\?[\w.-]+\?[BbQq]\?[^?\s]*\?=")
_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
#: What a tag may not hold (Amazon S3 User Guide, *Categorizing your objects using tags*).
_NOT_IN_TAGS = re.compile(r"[^\w\s+\-=.:/@]")
_KINDS = (_METADATA, _TAG, _HEADER)


@dataclass(frozen=True, slots=True, repr=False)
class _Label:
    """One label, and its number among those of its kind."""

    kind: str
    number: int
    name: str
    value: str


def is_label(place: str) -> bool:
    """True for the place of something that stands beside the bytes."""
    return place.partition(":")[0] in _KINDS


def label_units(labels: Labels, gate: Gate, known: CollectionMap | None) -> tuple[Unit, ...]:
    """The labels that pass the gate; where any does, also those of which the manifest says something."""
    units: list[Unit] = []
    told: list[Unit] = []
    for label in _all(labels):
        place = _place(label, Reading("", gate))
        field = known.field_named(place) if known is not None else None
        text = next((one for one in (_read(label.value), label.value) if gate.passes_text(one)), None)
        if text is not None:
            units.append(Unit(place, text, field=field, is_value=True))
        elif field is not None:
            told.append(Unit(place, _read(label.value), field=field, is_value=True))
        if gate.passes_text(label.name):
            units.append(Unit(f"{place}/name", label.name))
    return (*units, *told) if units else ()


def relabelled(labels: Labels, edits: Sequence[Edit], rewriter: Rewriter) -> Labels:
    """The labels with these edits made. Raises `NotSupported` for a place that is not there, `Misfit` where a value cannot stand in."""
    all_labels = tuple(_all(labels))
    changed: dict[tuple[str, int], _Label] = {}
    for edit in edits:
        place, _, part = edit.place.partition("/") if edit.place.endswith("/name") else (edit.place, "", "")
        label = next((one for one in all_labels if place in (_place(one), f"{one.kind}:{one.number}")), None)
        if label is None:
            raise cannot_rewrite("A label of the file is not there any more.", "plan again: the file is not what it was")
        key = (label.kind, label.number)
        now = changed.get(key, label)
        taken = {one.name for one in (*all_labels, *changed.values()) if one.kind == label.kind}
        changed[key] = _renamed(now, rewriter, taken) if part else replace(now, value=_with(now, edit, rewriter))
    return _put_together(labels, [changed.get((one.kind, one.number), one) for one in all_labels])


def _all(labels: Labels) -> Iterator[_Label]:
    heads = {**({_CONTENT_TYPE: labels.content_type} if labels.content_type else {}), **labels.notes}
    for kind, those in ((_METADATA, labels.metadata), (_TAG, labels.tags), (_HEADER, heads)):
        for number, (name, value) in enumerate(sorted(those.items()), start=1):
            yield _Label(kind, number, name, value)


def _place(label: _Label, reading: Reading | None = None) -> str:
    """`reading` says what must not stand in a place; without one any plain name may, as an edit names it."""
    return f"{label.kind}:{label.name if is_plain(label.name, reading or Reading('', None)) else label.number}"


def _put_together(labels: Labels, those: Sequence[_Label]) -> Labels:
    kinds: dict[str, dict[str, str]] = {kind: {} for kind in _KINDS}
    for label in those:
        kinds[label.kind][label.name] = label.value
    heads = kinds[_HEADER]
    return replace(labels, content_type=heads.pop(_CONTENT_TYPE, ""), metadata=kinds[_METADATA], tags=kinds[_TAG], notes=heads)


def _renamed(label: _Label, rewriter: Rewriter, taken: Container[str]) -> _Label:
    """A name may hold few characters only, and must not become that of another label."""
    if rewriter.redacted(label.name) == label.name:
        raise cannot_rewrite("The name of a label does not hold the person any more.", "plan again: the file is not what it was")
    name = f"redacted-{label.number}"
    while name in taken:
        name += "-"
    return replace(label, name=name)


def _with(label: _Label, edit: Edit, rewriter: Rewriter) -> str:
    if isinstance(edit.how, RedactSpans):
        decoded = _read(label.value)
        redacted = rewriter.redacted(decoded)
        new = rewriter.redacted(_written(redacted, label.value) if redacted != decoded else label.value)
    elif isinstance(edit.how, SetValue):
        standing = rewriter.replaced(edit.how, _read(label.value), FieldFacts(edit.place))
        new = "" if standing is None else _written(str(standing), label.value)
    else:
        raise cannot_rewrite("A label of a file can be redacted or replaced, nothing else.")
    if label.kind == _TAG:
        return "".join(character for character in new if character in label.value or not _NOT_IN_TAGS.match(character))
    return encoded(new) if label.kind == _METADATA and label.value.isascii() else new


def _read(value: str) -> str:
    """What the value says."""
    if _ENCODED_WORD.search(value):
        try:
            return "".join(
                piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace") for piece, charset in decode_header(value)
            )
        except (HeaderParseError, LookupError):
            return value
    if not value.isascii():
        return _unmangled(value)
    if not _PERCENT.search(value):
        return value
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value


def _written(text: str, like: str) -> str:
    """The text encoded as `like` is."""
    if _ENCODED_WORD.search(like):
        return text if text.isascii() else Header(text, "utf-8", maxlinelen=10_000).encode(maxlinelen=0)
    if _unmangled(like) != like:
        return text.encode().decode("latin-1")
    if _PERCENT.search(like):
        return quote(text, safe="".join({character for character in like if not character.isalnum() and character not in "%[]"}))
    return text


def encoded(value: str) -> str:
    """Metadata as S3 gives it: what is not ASCII as an encoded word, also where a store gave the bytes as they came."""
    return value if value.isascii() else Header(_unmangled(value), "utf-8", maxlinelen=10_000).encode(maxlinelen=0)


def _unmangled(value: str) -> str:
    """The text of a header in UTF-8 that was read as Latin-1, as HTTP libraries do."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
