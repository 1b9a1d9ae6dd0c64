"""Puts a draft together: from the survey over guesses, links, people, histories and owners to proposals for each field."""

from collections.abc import Mapping
from dataclasses import replace

from dsr_engine.domain.system import Manifest, Residual, System
from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.drivers.survey import Surveyor
from dsr_engine.workflow.drafting.carrying import find_carried
from dsr_engine.workflow.drafting.categories import Guess, guess
from dsr_engine.workflow.drafting.dates import find_dates
from dsr_engine.workflow.drafting.declared import declared
from dsr_engine.workflow.drafting.draft import CollectionDraft, Draft, FieldDraft, LinkDraft, Proposal, one_line
from dsr_engine.workflow.drafting.histories import find_histories, own_histories
from dsr_engine.workflow.drafting.holding import find_held
from dsr_engine.workflow.drafting.links import Inferred, inferred_links, is_polymorphic
from dsr_engine.workflow.drafting.outline import Outline, Tie
from dsr_engine.workflow.drafting.ownership import find_owners
from dsr_engine.workflow.drafting.people import find_people
from dsr_engine.workflow.drafting.survey import Survey, surveyed
from dsr_engine.workflow.house import Progress

#: The driver whose collections are files.
FILES = "objectstore"


def draft_from(surveyor: Surveyor, system: System, most: int, progress: Progress) -> Draft:
    """A draft of a manifest for the live system. Raises `Unreachable` if it goes away meanwhile; what it refuses to show is a gap of the draft."""
    survey = surveyed(surveyor, most, progress)
    progress.begin("comparing fields", None)
    drafted = draft_of(survey, system.name, system.manifest.driver, system.manifest.residuals)
    progress.end("comparing fields")
    return drafted


def draft_of(survey: Survey, name: str, driver: str, residuals: tuple[Residual, ...] = ()) -> Draft:
    """The draft that a survey gives rise to."""
    outline = Outline(name, survey, _guesses(survey))
    is_of_files = driver == FILES
    if not is_of_files:  # files that are alike are shares of one table
        find_histories(outline)
    identifying = [place for place, found in outline.guesses.items() if found.selects is not None and not _is_number(survey, *place)]
    inferred = inferred_links(survey, identifying, outline.histories)
    outline.ties = tuple(sorted((*_declared(survey), *map(_tie, inferred)), key=lambda tie: (tie.collection, tie.link.fields, tie.target)))
    find_people(outline)
    _categories(outline)
    find_owners(outline)
    own_histories(outline)
    if is_of_files:
        find_held(outline)
    else:
        find_carried(outline)
        find_dates(outline)  # the only date of a file is its own
    _references(outline)
    for entry in survey.facts:
        if entry.made_from:
            outline.sheet.note(entry.name, f"computed from {', '.join(entry.made_from)}: it follows them when it is refreshed")
    collections = tuple(_collection(outline, entry) for entry in survey.facts if entry.name not in survey.unread)
    unread = tuple(f"{collection}: {reason}" for collection, reason in sorted(survey.unread.items()))
    about = f"Drafted from the files of {name}." if is_of_files else f"Drafted from the live database {name}."
    return Draft(name, driver, about, collections, residuals, (*unread, *survey.told()))


def _guesses(survey: Survey) -> Mapping[tuple[str, str], Guess]:
    found = {}
    for entry in survey.facts:
        for field in entry.fields if entry.name not in survey.unread else ():
            share = survey.distinct_share(entry.name, field.name)
            found[entry.name, field.name] = guess(entry.name, field, survey.values(entry.name, field.name), share)
    return found


def _is_number(survey: Survey, collection: str, name: str) -> bool:
    """True for a guess by name alone (`customer_id`): whose key it is, the links tell better."""
    field = survey.field(collection, name)
    return field is not None and name.lower().endswith(("id", "no", "nr", "number", "key"))


def _declared(survey: Survey) -> tuple[Tie, ...]:
    return tuple(
        Tie(entry.name, link, True, True, "the server declares it")
        for entry in survey.facts
        if entry.name not in survey.unread
        for link in entry.links
        if survey.collection(link.to_collection) is not None
    )


def _tie(found: Inferred) -> Tie:
    return Tie(found.collection, found.link, False, found.is_sure, found.evidence)


def _categories(outline: Outline) -> None:
    """What each field may hold. A reference is judged by what it points at, so a guess from its name alone says nothing."""
    for entry in outline.collections:
        tied = {name for tie in outline.out_of(entry.name) for name in tie.link.fields}
        for field in entry.fields:
            found = outline.guess(entry.name, field.name)
            if is_polymorphic(entry, field.name):
                outline.sheet.note(entry.name, f"{field.name} points at one collection or another, row by row: no manifest can say so")
            if found.search_text:
                outline.sheet.write(entry.name, field.name, found.reason, category=found.category or "user.content", search="text")
            elif found.category is not None and field.name not in tied:
                outline.sheet.write(entry.name, field.name, f"{found.reason} ({found.confidence:.0%} sure)", category=found.category)


def _references(outline: Outline) -> None:
    """Links that no constraint declares, in the manifest's words: the sure ones are written, so that dependents are counted through them."""
    for tie in outline.ties:
        if (
            not tie.is_declared
            and tie.is_single
            and not any(entry.words.get("references") == tie.reference for entry in outline.sheet.proposals(tie.collection, tie.field))
        ):
            outline.sheet.propose(tie.is_sure, tie.collection, tie.field, f"no constraint declares it, but {tie.evidence}", references=tie.reference)


def _collection(outline: Outline, entry: CollectionFacts) -> CollectionDraft:
    sheet = outline.sheet
    fields = tuple(
        FieldDraft(field.name, field.type.value, _useful(sheet.proposals(entry.name, field.name)), sheet.notes(entry.name, field.name))
        for field in entry.fields
    )
    links = tuple(
        LinkDraft(tie.link, tie.is_declared, one_line(tie.evidence), sheet.standing(entry.name, tie.link), tie.is_sure)
        for tie in outline.out_of(entry.name)
    )
    return CollectionDraft(
        entry.name,
        entry.key,
        outline.survey.rows(entry.name),
        outline.role(entry.name),
        fields,
        links,
        sheet.notes(entry.name),
        entry.reason,
        traces=outline.survey.sample(entry.name).traces,
        extent=outline.survey.sample(entry.name).extent,
    )


def _useful(proposals: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    """Without suggestions that only repeat what is written anyway."""
    written: dict[str, str] = {}
    for entry in proposals:
        written.update(entry.words if entry.is_written else {})
    suggested = [entry.words.items() for entry in proposals if not entry.is_written]
    return tuple(
        entry
        for entry in proposals
        if entry.is_written or not (entry.words.items() <= written.items() or any(entry.words.items() < other for other in suggested))
    )


def merged(first: Draft, second: Draft) -> Draft:
    """`first` with what `second` knows more: its collections, fields and links that the first does not speak of."""
    names = [entry.name for entry in first.collections]
    both = tuple(_merged(entry, second.collection_named(entry.name)) for entry in first.collections)
    others = (entry for entry in second.collections if entry.name not in names)
    return replace(
        second,
        about=first.about or second.about,
        collections=(*both, *others),
        residuals=first.residuals or second.residuals,
        gaps=(*first.gaps, *second.gaps),
        discover=first.discover,
    )


def continued(manifest: Manifest, live: Draft) -> Draft:
    """The draft of a system that has a connector of its own: what that says stays, and what it does not speak of is drafted."""
    if not manifest.collections:
        return live
    return replace(merged(declared(manifest, f"{manifest.source.file or 'the connector'} says so"), live), name=manifest.name)


def _merged(first: CollectionDraft, second: CollectionDraft | None) -> CollectionDraft:
    if second is None:
        return replace(first, notes=(*first.notes, "the live database has no such collection, so `dsr check` will refuse it"))
    fields = tuple(_merged_field(first.field_named(field.name), field) for field in second.fields)
    known = {field.name for field in second.fields}
    missing = tuple(
        replace(field, notes=(*field.notes, "the live database has no such field, so `dsr check` will refuse it"))
        for field in first.fields
        if field.name not in known
    )
    return replace(second, key=second.key or first.key, fields=(*fields, *missing), notes=(*first.notes, *second.notes), fence=first.fence)


def _merged_field(first: FieldDraft | None, second: FieldDraft) -> FieldDraft:
    """What the first says holds; what the second would say otherwise or besides is a suggestion."""
    if first is None or not first.written:
        return second
    written = first.written
    others = tuple(
        replace(entry, is_written=False, reason=f"the live database suggests: {entry.reason}")
        for entry in second.proposals
        if any(written.get(key) != value for key, value in entry.words.items())
    )
    return replace(second, proposals=(*first.proposals, *others), notes=(*first.notes, *second.notes))
