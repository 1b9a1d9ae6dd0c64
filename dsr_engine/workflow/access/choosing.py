"""What of a record goes into a copy, and what stays out of it. Pure: the record was read a moment ago, and is judged anew by what it says now.

A copy that holds another person's record is as bad as an erasure of one. So a record goes in only if it still is what it was decided by: sure hits
have to be there again; where a person decided, the record must not have changed since. Of somebody else's record only the passages go in that name
the person, without what looks like other people's names, numbers and addresses (GDPR Art. 15(4)).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_engine.content.match import Matcher
from dsr_engine.content.veiling import others, without_others
from dsr_engine.domain.finding import KEY, Confidence, Finding, Hit, Match
from dsr_engine.domain.policy import category_covers
from dsr_engine.domain.record import Record, Unit, is_split, split_fields
from dsr_engine.domain.request import Right
from dsr_engine.store.copies import CopyRecord
from dsr_engine.workflow.decide import MENTIONED, STAYS, THEIRS
from dsr_engine.workflow.previewing import found_again

#: How a person treats one record of a copy: left out, or given without what names others.
EXCLUDE = "exclude"
BLACKEN = "blacken"
#: Why a record stays out of a copy, or parts of it do. Codes, which words in `templates/copies/` explain.
OTHERS_RIGHTS = "others_rights"
TRADE_SECRET = "trade_secret"  # noqa: S105  # a reason, not a secret
LEGAL_PRIVILEGE = "legal_privilege"
CONFIDENTIAL_SOURCE = "confidential_source"
SECURITY = "security"
REASONS = (OTHERS_RIGHTS, TRADE_SECRET, LEGAL_PRIVILEGE, CONFIDENTIAL_SOURCE, SECURITY)
#: Why a record that was found is not in the copy although nobody left it out.
GONE = "gone"
CHANGED = "changed"
UNREADABLE = "unreadable"
NOT_PROVIDED = "not_provided"
#: Of a record that is in the copy: something that it holds is not, for it is too large, or could name others without anybody having seen it.
NOT_ENCLOSED = "copy.not_enclosed"

#: What lets somebody in is shown to nobody: a copy lies on a disk.
_CREDENTIALS = "user.authorization"
#: Categories that the controller gives or concludes, so the person did not provide them (WP 242 rev.01, p. 9 to 11: what was observed counts as
#: provided, what was inferred does not).
GIVEN_BY_CONTROLLER = (
    "user.unique_id",
    "user.demographic.profile",
    "user.authorization",
    "user.employment",
    "user.financial.salary",
    "user.health_and_medical.record_id",
    "user.health_and_medical.insurance_beneficiary_id",
)
#: Characters of a passage on either side of what names the person.
_PASSAGE = 300
#: A text of more words may name anybody.
_FREE = 3
#: What a reader says of bytes that no format knows; they are enclosed.
_BINARY = "binary.unknown"
_HEADERS = ("header:from", "header:to", "header:cc", "header:bcc", "header:reply-to", "envelope:from")


class Kind(StrEnum):
    """OWN: the person's own record, given as a whole. PASSAGES: somebody else's, of which the passages are given that name the person."""

    OWN = "own"
    PASSAGES = "passages"


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One field as it is handed out; `note` is a code where its value is not the whole one."""

    name: str
    category: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Chosen:
    """What is handed out of one record. `gaps` are codes of what could not be read of it, or is not enclosed; `files` are names of what is."""

    kind: Kind
    fields: tuple[Field, ...]
    created: datetime | None = None
    gaps: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    may_enclose: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why nothing of a record is handed out; a code."""

    because: str


@dataclass(frozen=True, slots=True)
class Choice:
    """How a case chooses: by whose identifiers, for which right, and what stands in the place of what names others."""

    matcher: Matcher
    right: Right
    hidden: str
    security: str


def is_meant(confidence: Confidence, verdict: str) -> bool:
    """True for what goes into a copy at all: what is sure, and what a person called theirs or a mention of them."""
    return confidence is not Confidence.POSSIBLE or verdict in (THEIRS, STAYS, MENTIONED)


def seen_text(finding: Finding, record: Record) -> bytes:
    """What a digest of the record's content is made of: every text of the part that the finding is about, in a fixed order."""
    units = sorted([unit.place, unit.text] for unit in record.units if unit.inside == finding.locator.inside)
    return json.dumps(units, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def may_name_others(matcher: Matcher, finding: Finding, record: Record) -> bool:
    """True for a record of the person's own in which somebody else's name, number or address seems to stand, or which holds what cannot be read."""
    if finding.match is not Match.OWNS:
        return False
    whole = [unit for unit in record.units if unit.inside == finding.locator.inside or not finding.locator.inside]
    if any(_is_binary(unit) for unit in whole):
        return True
    units = (unit for unit in whole if _is_free(unit))
    return any(others(unit.text, [(span.start, span.end) for span in matcher.spans(unit.text)]) for unit in units)


def choose(choice: Choice, finding: Finding, verdict: str, known: CopyRecord, record: Record | None, seen: bytes) -> Chosen | LeftOut:
    """What of the record is handed out. `seen` is the digest of what it says now; `known.seen` of what was decided about."""
    if known.treatment == EXCLUDE:
        return LeftOut(known.reason)
    if record is None:
        return LeftOut(GONE)
    if not record.units and record.gaps:
        return LeftOut(UNREADABLE)
    # What a person decided rests on their word and on the very content that they saw; what is sure rests on what is found in it today.
    now = found_again(choice.matcher, finding, record) if finding.confidence is not Confidence.POSSIBLE else finding
    kind = _kind(finding, now, verdict, is_same=known.seen == seen)
    if now is None or kind is None:  # only a record that was read to its end can be told to have changed
        is_unsure = record.gaps or (finding.confidence is Confidence.POSSIBLE and known.seen is None)
        return LeftOut(UNREADABLE if is_unsure else CHANGED)
    if choice.right is Right.PORTABILITY and kind is not Kind.OWN:
        return LeftOut(NOT_PROVIDED)
    fields = _own(choice, now, record, is_black=known.treatment == BLACKEN) if kind is Kind.OWN else _passages(choice, now, record)
    if choice.right is Right.PORTABILITY:
        fields = [field for field in fields if is_provided(field.category)]
    return _given(choice, finding, kind, fields, record, is_black=known.treatment == BLACKEN) if fields else LeftOut(NOT_PROVIDED)


def _given(choice: Choice, finding: Finding, kind: Kind, fields: Iterable[Field], record: Record, *, is_black: bool) -> Chosen:
    """With what the record encloses, if it is the person's as a whole and nobody asked for others to be hidden in it."""
    is_whole = kind is Kind.OWN and not finding.locator.inside
    may_enclose = is_whole and choice.right is Right.ACCESS and not is_black
    gaps = [gap.code for gap in record.gaps if not (may_enclose and gap.code == _BINARY)]
    if is_whole and not may_enclose and any(unit.inside or _is_binary(unit) for unit in record.units):
        gaps.append(NOT_ENCLOSED)
    return Chosen(kind, tuple(fields), record.created, tuple(dict.fromkeys(gaps)), may_enclose=may_enclose)


def is_provided(category: str) -> bool:
    """True for data that the person gave, knowingly or by using a service (GDPR Art. 20(1)). A field without a category proves nothing."""
    return category_covers("user", category) and not any(category_covers(one, category) for one in GIVEN_BY_CONTROLLER)


def _kind(finding: Finding, now: Finding | None, verdict: str, *, is_same: bool) -> Kind | None:
    """How the record is handed out; None where it is not what was decided about any more."""
    if now is None:
        return None
    if finding.confidence is Confidence.POSSIBLE:
        if not is_same:
            return None
        return Kind.PASSAGES if verdict == MENTIONED else Kind.OWN
    if now.confidence is Confidence.POSSIBLE:
        return None  # what made it sure is gone
    return Kind.OWN if now.match is Match.OWNS and finding.match is Match.OWNS else Kind.PASSAGES


def _own(choice: Choice, now: Finding, record: Record, *, is_black: bool) -> list[Field]:
    hits = {hit.place: hit for hit in now.hits}
    names = {unit.place for unit in record.units}
    fields = []
    for unit in record.units:
        is_actor = unit.field is not None and unit.field.is_actor
        is_twice = is_split(unit.place) and names.issuperset(split_fields(unit.place))
        if unit.inside != now.locator.inside or is_actor or is_twice or _is_binary(unit):
            continue
        category = _category(unit, hits.get(unit.place))
        if category_covers(_CREDENTIALS, category):
            fields.append(Field(unit.place, category, choice.security, SECURITY))
        elif is_black and (_is_free(unit) or unit.place not in hits):
            fields.append(_blackened(choice, unit, category, unit.text))
        else:
            fields.append(Field(unit.place, category, unit.text))
    return fields


def _passages(choice: Choice, now: Finding, record: Record) -> list[Field]:
    """The places that name the person; where some are surer than others, only those."""
    surer = {hit.place for hit in now.hits if hit.confidence is not Confidence.POSSIBLE}
    wanted = {hit.place: hit for hit in now.hits if hit.place in surer or not surer}
    split = {name: place for place in wanted for name in split_fields(place) if name != place}
    units = {unit.place: unit for unit in record.units if unit.inside == now.locator.inside}
    fields = []
    for place, hit in wanted.items():
        unit = units.get(place)
        if unit is not None and place not in split:
            fields.append(_passage(choice, unit, hit))
    return fields


def _passage(choice: Choice, unit: Unit, hit: Hit) -> Field:
    """The text around what names the person, without others; a value that is the identifier itself is given as it is."""
    spans = [(span.start, span.end) for span in choice.matcher.spans(unit.text)]
    category = _category(unit, hit)
    if hit.form == KEY or not spans:
        return Field(unit.place, category, unit.text)
    named = others(unit.text, spans)
    ranges = _ranges(spans, len(unit.text))
    shown = " … ".join(_piece(choice, unit.text, named, around) for around in ranges)
    return Field(unit.place, category, shown, OTHERS_RIGHTS if named or ranges != [(0, len(unit.text))] else "")


def _piece(choice: Choice, text: str, named: Iterable[tuple[int, int]], around: tuple[int, int]) -> str:
    """A stretch of the text. Who is named at its border is hidden by the whole name, not by the half that stands in it."""
    begin, end = around
    shown, at = [], begin
    for start, stop in named:
        if start < end and stop > begin:
            shown += [text[at : max(at, start)], choice.hidden]
            at = stop
    return "".join([*shown, text[min(at, end) : end]])


def _ranges(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Stretches around the spans, those that touch made one; none begins or ends inside a span."""
    found: list[tuple[int, int]] = []
    for start, stop in spans:
        begin, end = max(0, start - _PASSAGE), min(length, stop + _PASSAGE)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _blackened(choice: Choice, unit: Unit, category: str, text: str) -> Field:
    shown = without_others(text, [(span.start, span.end) for span in choice.matcher.spans(text)], choice.hidden)
    return Field(unit.place, category, shown, OTHERS_RIGHTS if shown != text else "")


def _category(unit: Unit, hit: Hit | None) -> str:
    return (unit.field.category if unit.field else None) or (hit.category if hit is not None else "") or ""


def _is_binary(unit: Unit) -> bool:
    """True for bytes that no format knows: nothing to read. What encloses them is handed out as it is."""
    return unit.is_opaque and "bytes:" in unit.place


def _is_free(unit: Unit) -> bool:
    """True for a text in which anybody may be named: some words in a row, or the people of a mail."""
    return len(unit.text.split(None, _FREE)) > _FREE or unit.place.lower().endswith(_HEADERS)
