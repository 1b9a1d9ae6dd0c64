"""Asks a surveyor a bounded number of questions about a bounded number of rows. What it refuses to answer becomes a sentence, never nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.drivers.driver import CollectionFacts, Link
from dsr_engine.drivers.survey import Containment, Copying, Sample, Sharing, Surveyor
from dsr_engine.workflow.house import Progress

#: Distinct values of a field that are looked at where nobody says otherwise, and at most.
SAMPLE = 200
MOST_SAMPLE = 2_000
#: Questions about containment and about sharing; what is left unasked is said.
MOST_QUESTIONS = 600

_A = TypeVar("_A")


@dataclass(slots=True)
class Survey:
    """What is known of a system so far, and whom to ask for more. `gaps` are sentences about what was not answered."""

    surveyor: Surveyor | None
    most: int
    facts: tuple[CollectionFacts, ...]
    samples: dict[str, Sample] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    copies: tuple[Copying, ...] = ()
    gaps: list[str] = field(default_factory=list)
    questions: int = 0

    def collection(self, name: str) -> CollectionFacts | None:
        return next((entry for entry in self.facts if entry.name == name), None)

    def field(self, collection: str, name: str) -> FieldFacts | None:
        facts = self.collection(collection)
        return next((entry for entry in facts.fields if entry.name == name), None) if facts else None

    def sample(self, collection: str) -> Sample:
        return self.samples.get(collection) or Sample(collection, {}, 0)

    def values(self, collection: str, name: str) -> tuple[str, ...]:
        return self.sample(collection).values.get(name, ())

    def rows(self, collection: str) -> int | None:
        """Rows as the server estimates them; where it does not, those that were looked at, if that was all of them."""
        facts, sample = self.collection(collection), self.samples.get(collection)
        if facts is not None and facts.count is not None:
            return facts.count
        return sample.rows if sample is not None and sample.is_whole else None

    def distinct_share(self, collection: str, name: str) -> float:
        """Distinct values for each row that has one; 0 where none was seen."""
        sample = self.sample(collection)
        filled = sample.rows - sample.nulls.get(name, 0)
        return min(1.0, sample.distinct.get(name, len(sample.values.get(name, ()))) / filled) if filled > 0 else 0.0

    def containment(self, collection: str, link: Link) -> Containment | None:
        """None: not asked, or no answer."""
        return self._asked(
            lambda surveyor: surveyor.containment(collection, link, self.most), f"{collection} was not compared with {link.to_collection}"
        )

    def sharing(self, collection: str, link: Link) -> Sharing | None:
        """None: not asked, or no answer."""
        return self._asked(lambda surveyor: surveyor.sharing(collection, link, self.most), f"who shares {link.to_collection} was not counted")

    def _asked(self, question: Callable[[Surveyor], _A], otherwise: str) -> _A | None:
        if self.surveyor is None:
            return None
        self.questions += 1
        if self.questions > MOST_QUESTIONS:
            return None
        try:
            return question(self.surveyor)
        except Unreachable:
            raise
        except DsrError as error:
            self.gaps.append(f"{otherwise}: {error.message}")
            return None

    def take(self, sample: Sample) -> None:
        """Keeps a sample. What only looking inside could tell of a collection joins its facts."""
        self.samples[sample.collection] = sample
        if sample.fields:
            self.facts = tuple(replace(entry, fields=sample.fields) if entry.name == sample.collection else entry for entry in self.facts)
        self.gaps += (f"{sample.collection}: {gap}" for gap in sample.gaps)

    def told(self) -> tuple[str, ...]:
        """What was not answered, in sentences."""
        unasked = self.questions - MOST_QUESTIONS
        more = [f"{unasked} comparisons of fields were not made, because there would have been more than {MOST_QUESTIONS}"] if unasked > 0 else []
        return tuple(dict.fromkeys((*self.gaps, *more)))


def _order(entry: CollectionFacts) -> tuple[int, str]:
    """By name; globs and paths first, the narrowest before those that cover it too, because the first one that covers a file counts."""
    literal, wild, _ = entry.name.partition("*")
    return (-len(literal) - 1 if wild or "/" in entry.name else 0, entry.name)


def surveyed(surveyor: Surveyor, most: int, progress: Progress) -> Survey:
    """The catalogue and a sample of every collection that can be read. Raises `Unreachable` if the system goes away meanwhile."""
    progress.begin("listing collections", None)
    facts: Sequence[CollectionFacts] = surveyor.describe()
    progress.end("listing collections")
    survey = Survey(surveyor, most, tuple(sorted(facts, key=_order)))
    what = "looking into collections"
    progress.begin(what, len(survey.facts))
    for entry in survey.facts:
        try:
            survey.take(surveyor.sample(entry.name, most))
        except Unreachable:
            raise
        except DsrError as error:
            survey.unread[entry.name] = entry.reason or error.message
        progress.advance(what)
    progress.end(what)
    try:
        survey.copies = tuple(surveyor.copies())
    except Unreachable:
        raise
    except DsrError as error:
        survey.gaps.append(f"triggers were not read: {error.message}")
    return survey
