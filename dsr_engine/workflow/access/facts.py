"""What the law wants a copy to say beside the data (GDPR Art. 15(1)(a) to (h), (2)), as far as policies, connectors and the register know it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsr_engine.domain.case import Case
from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.domain.recipient import Touched, What, received
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.access.wording import CopyWords
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import FOUND
from dsr_engine.workflow.records.keeping import OTHERS, kept_data, policies_at_work
from dsr_engine.workflow.records.retention import Wording, retention_languages, wording


@dataclass(frozen=True, slots=True)
class Period:
    """How long one kind of data is kept, in words; `then` is what happens afterwards (empty: nobody decided)."""

    what: str
    how_long: str
    why: str
    then: str


@dataclass(frozen=True, slots=True)
class Facts:
    """In words, in the requester's language. `gaps` are collections that were not searched in full, with the reason."""

    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]
    periods: tuple[Period, ...]
    period_columns: tuple[str, ...]
    rights: str
    complaint: str
    searched: int
    gaps: tuple[tuple[str, str, str], ...]


def facts_of(tx: Transaction, house: House, case: Case, words: CopyWords) -> Facts:
    """What is known today of the processing of the data that were found."""
    found: dict[tuple[str, str], set[str]] = {}
    for kind in tx.reviews.kinds(case.id, case.round, FOUND):
        found.setdefault((kind.system, kind.collection), set()).update(kind.categories)
    categories = sorted({category for entries in found.values() for category in entries})
    coverage = tuple(tx.coverage.of(case.id, case.round, FOUND))
    settings = house.settings
    return Facts(
        purposes=tuple(dict.fromkeys(policy.about for policy in policies_at_work(house) if policy.about)),
        categories=tuple(dict.fromkeys(words.words.category(category) for category in categories)),
        recipients=tuple(_recipients(house, found, words)),
        periods=tuple(_periods(house, found, words)),
        period_columns=tuple(_retention(house, words).document["columns"]),
        rights=words["rights_text"].format(contact=settings.controller.get("contact") or settings.controller.get("name", "")),
        complaint=words["complaint"].format(authority=settings.letters.authority or words["any_authority"]),
        searched=len(coverage),
        gaps=tuple(_gaps(coverage)),
    )


def _recipients(house: House, found: Mapping[tuple[str, str], set[str]], words: CopyWords) -> Iterable[str]:
    places = [Touched(system, collection, tuple(sorted(categories)), What.ERASE) for (system, collection), categories in sorted(found.items())]
    for recipient in house.recipients.values():
        if received(recipient, places):
            where = words["countries"].format(countries=", ".join(recipient.countries)) if recipient.countries else ""
            yield f"{recipient.title}, {where}" if where else recipient.title


def _periods(house: House, found: Mapping[tuple[str, str], set[str]], words: CopyWords) -> Iterable[Period]:
    """The lines of the retention table that are about what was found."""
    text = _retention(house, words)
    systems = {system for system, _ in found}
    lines: dict[Period, None] = {}
    for kept in kept_data(house):
        is_meant = kept.system.name in systems if kept.collection == OTHERS else (kept.system.name, kept.collection) in found
        if is_meant:
            lines[Period(words.words.category(kept.category), *text.line_of(kept))] = None
    return sorted(lines, key=lambda line: (line.what, line.how_long))


def _retention(house: House, words: CopyWords) -> Wording:
    """The words of the retention table; English ones where it has none of this language."""
    language = words.language if words.language in retention_languages(house.settings.home) else "en"
    return wording(house.settings, language)


def _gaps(coverage: Iterable[Coverage]) -> Iterable[tuple[str, str, str]]:
    return ((row.system, row.collection, row.reason) for row in coverage if row.extent is not Extent.FULL)
