"""Decides whether a text or a record is about the subject: the only place that says what "found" means.

Drivers and formats bring candidates; what they bring too much is refused here. Owning a record takes a whole value in a field that the manifest
selects by (or a unique column and a strong identifier); everything else mentions. A weak identifier alone is *possible* and goes to a human.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dsr_engine.content.confirm import confirmed, is_exact, is_two_names
from dsr_engine.content.fold import behind_marks, exact, fold_origin, folded
from dsr_engine.content.forms import Form, Shape
from dsr_engine.content.gate import Gate
from dsr_engine.content.sieve import SubjectGate
from dsr_engine.content.views import View, views
from dsr_engine.content.vocabulary import Entry, Vocabulary
from dsr_engine.domain.correspondence import Envelope, Whose, sort_of
from dsr_engine.domain.finding import KEY, Confidence, Finding, Hit, Match
from dsr_engine.domain.record import Doubt, Locator, Record, Unit
from dsr_engine.domain.selector import CARRIED, HOUSEHOLD, Selector

CATEGORIES = {
    "email": "user.contact.email",
    "phone": "user.contact.phone_number",
    "name": "user.name",
    "address": "user.contact.address",
    "postcode": "user.contact.address.postal_code",
    "date_of_birth": "user.demographic.date_of_birth",
}
_ANY_ID = "user.unique_id"
#: Forms that are the identifier itself, only written differently; a whole value in one of them may own its record.
_SAME_VALUE = frozenset({"plain", "phone", "phone-national", "grouped", "name-order"})
#: Forms of a name that many people share; they agree with nothing.
_LOOSE = frozenset({"initials", "transliterated"})
#: Shorter identifiers without an `@` are found as whole values only: in text they are syllables.
_SHORT = 5
#: Numbers of fewer digits are also ordinary numbers.
_LITTLE = 7


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """One place in a text: offsets, whose identifier it is (`selector` is its id) and in which written form."""

    start: int
    end: int
    case: str
    selector: str
    kind: str
    form: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, repr=False)
class _Sighting:
    """A confirmed span before those of one case are merged."""

    start: int
    end: int
    case: str
    selector: Selector
    form: str
    confidence: Confidence
    is_whole: bool = False
    is_same: bool = False

    @property
    def rank(self) -> tuple[int, bool, int]:
        return self.confidence.rank, self.is_same, self.end - self.start

    @property
    def claim_rank(self) -> tuple[bool, tuple[int, bool, int]]:
        return self.is_whole and self.is_same, self.rank


class Matcher:
    """All subjects of one pass. Immutable and shared between threads; holds their identifiers in memory only."""

    def __init__(self, subjects: Mapping[str, Sequence[Selector]], engine: str | None = None) -> None:
        self._vocabulary = Vocabulary(subjects, engine)
        self.gate: Gate = SubjectGate(self._vocabulary)

    def spans(self, text: str) -> tuple[Span, ...]:
        """Every place in the text that holds one of the subjects, by offset. Overlapping places of one case are one span with the best reading."""
        merged = [span for of_case in _by_case(self._sightings(text)).values() for span in _merged(of_case)]
        return tuple(sorted(merged, key=lambda span: (span.start, span.end, span.case)))

    def findings(self, record: Record) -> tuple[Finding, ...]:
        """What the record holds, by case and by part that is a record of its own. Empty: none of the subjects is in it."""
        claims: dict[tuple[str, str], list[_Claim]] = {}
        for unit in record.units:
            for claim in self._claims(unit, record.locator):
                claims.setdefault((claim.case, unit.inside), []).append(claim)
        found = tuple(_finding(record, case, inside, of_part) for (case, inside), of_part in claims.items())
        return found if record.envelope is None else tuple(self._sorted(found, record.envelope))

    def _sorted(self, found: Sequence[Finding], envelope: Envelope) -> Iterator[Finding]:
        """Findings in a mail with what sort it is and whose mailbox it lies in, as seen from the person of each.

        Only an address that is not theirs makes a mailbox somebody else's: the name of an account may be anybody's.
        """
        told = (entry for entry in self._sightings(envelope.owner) if entry.is_whole and entry.is_same)
        owners = {entry.case for entry in told if entry.confidence is not Confidence.POSSIBLE}
        places: dict[str, set[str]] = {}
        for finding in found:
            places.setdefault(finding.case, set()).update(hit.place for hit in finding.hits)
        for finding in found:
            is_own = finding.case in owners
            is_theirs = is_own and envelope.is_theirs and not finding.locator.inside
            yield replace(
                finding,
                match=Match.OWNS if is_theirs else finding.match,
                message=sort_of(envelope, places[finding.case]).value,
                mailbox=Whose.OWN.value if is_own else Whose.OTHERS.value if "@" in envelope.owner else "",
            )

    def _sightings(self, text: str) -> Iterator[_Sighting]:
        if not self.gate.passes_text(text):
            return
        for view in views(text, self._vocabulary.window):
            yield from self._written(view, text)
            for digest in self._vocabulary.digest_hits(view.text):
                grade = _grade(digest.selector, Confidence.LIKELY)
                yield _Sighting(*view.span(digest.start, digest.end), digest.case, digest.selector, digest.form, grade)

    def _written(self, view: View, text: str) -> Iterator[_Sighting]:
        loose = folded(view.text)
        candidates = list(self._vocabulary.candidates(loose))
        if not candidates:
            return
        origin = fold_origin(view.text)
        for candidate in candidates:
            entry = candidate.entry
            place = confirmed(loose, candidate.start, candidate.end, entry.form)
            if place is None:
                continue
            start, end = origin.span(*place)
            sighting = _sighting(entry, view, (start, behind_marks(view.text, end)), text)
            if sighting is not None:
                yield sighting

    def _claims(self, unit: Unit, locator: Locator) -> Iterator["_Claim"]:
        best: dict[tuple[str, str], _Sighting] = {}
        for sighting in self._sightings(unit.text):
            key = (sighting.case, sighting.selector.id)
            if key not in best or sighting.claim_rank > best[key].claim_rank:
                best[key] = sighting
        for sighting in (_doubted(unit, entry) for entry in best.values()):
            hit = _hit(unit, sighting.selector, sighting.form, sighting.confidence)
            is_value = unit.is_value and sighting.is_whole
            yield _Claim(sighting.case, sighting.selector, hit, _owns(unit, sighting), is_value, unit.doubt is Doubt.GUESSED)
        if self._vocabulary.scoped:
            for case, selector in self._vocabulary.scoped.get(exact(unit.text.strip()), ()):
                reason = _link(unit, selector, locator)
                if reason is not None:
                    grade = Confidence.CERTAIN if selector.verified or selector.via else Confidence.POSSIBLE
                    yield _Claim(case, selector, _hit(unit, selector, KEY, grade), reason is Match.OWNS, True)


@dataclass(frozen=True, slots=True)
class _Claim:
    """One hit, whether it makes its record the subject's, whether it is the whole value of its field, and whether its text was guessed."""

    case: str
    selector: Selector
    hit: Hit
    owns: bool
    is_value: bool
    is_guess: bool = False


def _sighting(entry: Entry, view: View, inner: tuple[int, int], text: str) -> _Sighting | None:
    form = entry.form
    piece = view.text[slice(*inner)]
    start, end = view.span(*inner)
    if form.shape is Shape.WORDS and is_two_names(view.text, *inner):
        return None
    is_whole = view.form == "plain" and not (text[:start].strip() or text[end:].strip())
    if not is_whole and len(form.compact) < _SHORT and "@" not in form.text and form.shape is Shape.WHOLE and not _is_all(view.text, inner):
        return None
    is_true = is_exact(piece, form)
    grade = form.grade if is_true else Confidence.POSSIBLE
    if not is_whole and form.shape is Shape.WHOLE and _says_little(form):
        grade = Confidence.POSSIBLE
    name = form.name if view.form == "plain" else view.form
    is_same = is_true and view.form == "plain" and form.name in _SAME_VALUE
    return _Sighting(start, end, entry.case, entry.selector, name, _grade(entry.selector, grade), is_whole, is_same)


def _is_all(text: str, inner: tuple[int, int]) -> bool:
    return not (text[: inner[0]].strip() or text[inner[1] :].strip())


def _says_little(form: Form) -> bool:
    """True for what is also an ordinary word or number when it stands in running text."""
    return "@" not in form.text and (form.text.isalpha() or (form.text.isdigit() and len(form.text) < _LITTLE))


def _grade(selector: Selector, best: Confidence) -> Confidence:
    return Confidence.POSSIBLE if selector.is_weak or not selector.verified else best


def _by_case(sightings: Iterable[_Sighting]) -> dict[str, list[_Sighting]]:
    cases: dict[str, list[_Sighting]] = {}
    for sighting in sightings:
        if sighting.end > sighting.start:
            cases.setdefault(sighting.case, []).append(sighting)
    return cases


def _merged(sightings: list[_Sighting]) -> Iterator[Span]:
    """The sightings of one case with those that overlap made one: as wide as all of them, told by the best."""
    cluster: list[_Sighting] = []
    end = -1
    for sighting in sorted(sightings, key=lambda each: (each.start, -each.end)):
        if cluster and sighting.start >= end:
            yield _span(cluster, end)
            cluster = []
        cluster.append(sighting)
        end = max(end, sighting.end)
    if cluster:
        yield _span(cluster, end)


def _span(cluster: list[_Sighting], end: int) -> Span:
    best = max(cluster, key=lambda each: each.rank)
    return Span(cluster[0].start, end, best.case, best.selector.id, best.selector.kind, best.form, best.confidence)


def _doubted(unit: Unit, sighting: _Sighting) -> _Sighting:
    """A bare number in a field that nobody mapped is anybody's: the key of some other table, an amount, an article. A person decides.

    What was recognised in a picture is likely at best, because a letter may be another.
    """
    if unit.doubt is not Doubt.NONE:
        best = Confidence.LIKELY if unit.doubt is Doubt.RECOGNISED else Confidence.POSSIBLE
        return replace(sighting, confidence=min(sighting.confidence, best, key=lambda each: each.rank))
    text = sighting.selector.value.reveal().strip()
    if unit.field is None and sighting.is_whole and text.isdigit() and (unit.is_unique or len(text) < _LITTLE):
        return replace(sighting, confidence=Confidence.POSSIBLE)
    return sighting


def _owns(unit: Unit, sighting: _Sighting) -> bool:
    """True if this whole value makes the record the subject's."""
    if sighting.confidence is Confidence.POSSIBLE and unit.field is None:
        return False
    if not (sighting.is_whole and sighting.is_same) or unit.is_opaque:
        return False
    if unit.field is not None:
        return unit.field.selects == sighting.selector.kind and not unit.field.is_actor
    return unit.is_value and unit.is_unique and sighting.selector.verified and not sighting.selector.is_weak


def _link(unit: Unit, selector: Selector, locator: Locator) -> Match | None:
    """Whether the field of this unit means the scope of the selector, and if so whether the record is the subject's."""
    scope, field = selector.scope, unit.field
    if scope is None:
        return None
    is_itself = locator.system == scope.system and locator.collection == scope.collection and (field.name if field else unit.place) == scope.field
    if selector.kind == CARRIED:
        return Match.OWNS if is_itself else None  # who else points there is not meant
    if field is None:
        return Match.OWNS if is_itself else None
    is_reference = locator.system == scope.system and field.references == (scope.collection, scope.field)
    names = {f"{scope.system}.{scope.collection}.{scope.field}"}
    if locator.system == scope.system:
        names.add(f"{scope.collection}.{scope.field}")
    if not (is_itself or is_reference or names & set(field.same_as)):
        return None
    owns = not field.is_actor and (is_itself or field.selects is not None)
    return Match.OWNS if owns else Match.MENTIONS


def _hit(unit: Unit, selector: Selector, form: str, confidence: Confidence) -> Hit:
    category = unit.field.category if unit.field else None
    return Hit(
        place=unit.place,
        category=category or CATEGORIES.get(selector.kind, _ANY_ID),
        selector=selector.id,
        kind=selector.kind,
        form=form,
        confidence=confidence,
        field=_field_name(unit),
        is_rewritable=not unit.is_opaque,
        role=unit.role,
    )


def _field_name(unit: Unit) -> str:
    return unit.field.name if unit.field else unit.place.rsplit("/", 1)[-1]


def _finding(record: Record, case: str, inside: str, claims: list[_Claim]) -> Finding:
    hits = _agreed(claims)
    fields = {
        _field_name(unit): unit.field.category
        for unit in record.units
        if unit.inside == inside and unit.field and unit.field.category and not unit.field.is_actor  # who acted is somebody else
    }
    fields.update({hit.field: hit.category for hit in hits if hit.field not in fields})
    return Finding(
        case=case,
        locator=replace(record.locator, inside=inside) if inside else record.locator,
        match=Match.OWNS if any(claim.owns for claim in claims) else Match.MENTIONS,
        confidence=_confidence(claims, hits),
        hits=hits,
        server=record.server,
        fields=fields,
        facts=record.facts,
        created=record.created,
    )


def _confidence(claims: list[_Claim], hits: tuple[Hit, ...]) -> Confidence:
    """How sure the finding is as a whole.

    Whose record it is must be as sure as the hits that say so: a husband's record with the shared telephone in it does not become the person's by
    naming her elsewhere. Nor is a household's number that fills another field cut because a text beside it names the person.
    """
    owning = [hit.confidence for claim, hit in zip(claims, hits, strict=True) if claim.owns]
    best = max(owning or [hit.confidence for hit in hits], key=lambda each: each.rank)
    told = [claim.is_value for claim, hit in zip(claims, hits, strict=True) if hit.confidence is not Confidence.POSSIBLE]
    fills = any(claim.is_value and hit.kind in HOUSEHOLD and hit.confidence is Confidence.POSSIBLE for claim, hit in zip(claims, hits, strict=True))
    return Confidence.POSSIBLE if not owning and fills and not any(told) else best


def _agreed(claims: list[_Claim]) -> tuple[Hit, ...]:
    """The hits, with weak ones that agree made likely: two verified identifiers of different kinds in one record, not both of a household."""
    weak = [claim for claim in claims if claim.selector.verified and claim.selector.is_weak and not claim.is_guess]
    agreeing = {claim.hit.kind for claim in weak if claim.hit.form not in _LOOSE}
    does_agree = len(agreeing) > 1 and not agreeing <= HOUSEHOLD
    return tuple(
        replace(claim.hit, confidence=Confidence.LIKELY)
        if does_agree
        and not claim.is_guess
        and claim.hit.kind in agreeing
        and claim.hit.confidence is Confidence.POSSIBLE
        and claim.selector.verified
        else claim.hit
        for claim in claims
    )
