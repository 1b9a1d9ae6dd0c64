"""What sampled values of one field say about what it holds, counted; no value leaves here."""

import re
from dataclasses import dataclass
from functools import cached_property

from dsr_engine.content.discovery.discovering import CLEAR as CLEAR_INSIDE
from dsr_engine.content.discovery.discovering import discovered
from dsr_engine.content.discovery.identity_numbers import PLAIN
from dsr_engine.content.discovery.national_numbers import PLAIN_ELSEWHERE
from dsr_engine.content.discovery.people_words import words_for
from dsr_engine.content.discovery.person_shapes import is_given_name, spans_ages
from dsr_engine.content.discovery.recognizers import CLEAR, RECOGNIZERS, recognized, recognizer
from dsr_engine.content.email_shape import holds_email
from dsr_engine.content.fold import folded

#: Fewer values than this show nothing.
FEWEST = 3
#: Values that are looked at.
MOST = 100
#: Characters of a list that is taken apart.
_LONGEST_LIST = 10_000
#: This share of the values makes a shape the field's own; below `STRAY` they are strays.
MOSTLY = 0.8
STRAY = 0.2
#: One plain number in ten passes such a check by chance.
_DOCUMENT = re.compile(r'\s*(?:\{\s*"[^"]{0,200}"\s*:|\[\s*\{\s*"[^"]{0,200}"\s*:)')
_BY_CHANCE = frozenset(name for name, _ in (*PLAIN, *PLAIN_ELSEWHERE)) | {"card"}


@dataclass(frozen=True, repr=False)
class Evidence:
    """Sampled values, distinct, without empty ones. `distinct_share`: distinct values for each row looked at."""

    values: tuple[str, ...]
    distinct_share: float

    @classmethod
    def of(cls, values: tuple[str, ...], distinct_share: float) -> "Evidence":
        """Lists (`{a,b}` of PostgreSQL, `["a", "b"]`) count as what stands in them."""
        flat = (element for value in values[:MOST] for element in _elements(value))
        return cls(tuple(value for value in flat if value.strip())[:MOST], distinct_share)

    @property
    def total(self) -> int:
        return len(self.values)

    @property
    def is_enough(self) -> bool:
        return self.total >= FEWEST

    @cached_property
    def _clear(self) -> tuple[frozenset[str], ...]:
        """For each value the recognisers that are clear about it."""
        return tuple(frozenset(found.name for found in recognized(value) if found.confidence >= CLEAR) for value in self.values)

    def count(self, *shapes: str) -> int:
        """How many values one of these recognisers is clear about."""
        return sum(not found.isdisjoint(shapes) for found in self._clear)

    def share(self, *shapes: str) -> float:
        return self.count(*shapes) / self.total if self.total else 0.0

    def says(self, shape: str) -> str:
        """`98 of 100 sampled values are e-mail addresses`."""
        verb = "look like" if not recognizer(shape).is_validated else "are"
        return f"{self.count(shape)} of {self.total} sampled values {verb} {recognizer(shape).says}"

    @cached_property
    def strongest(self) -> tuple[str, float] | None:
        """The recogniser that knows most of the values, and their share; validated ones first. None where none knows `MOSTLY` all of them."""
        best: tuple[str, float] | None = None
        for one in RECOGNIZERS:
            share = self.share(one.name) if self.is_enough else 0.0
            is_chance = one.name in _BY_CHANCE and (self.total < 10 or share < 0.95)
            if share >= MOSTLY and not is_chance and (best is None or share > best[1]):
                best = (one.name, share)
        return best

    @cached_property
    def lettered(self) -> float:
        """The share of values with a letter."""
        return sum(any(character.isalpha() for character in value[:500]) for value in self.values) / self.total if self.total else 0.0

    @cached_property
    def given_names(self) -> float:
        """The share of values that are frequent given names."""
        return sum(is_given_name(value) for value in self.values) / self.total if self.total else 0.0

    @cached_property
    def is_titles(self) -> bool:
        """True if most values are forms of address: `Mr.`, `Frau`, `Dr.`."""
        titles = words_for("titles")
        return self.total > 0 and sum(folded(value[:20]).strip(" .") in titles for value in self.values) >= self.total * 0.6

    @cached_property
    def are_birthdays(self) -> bool:
        """True if the values are days that are spread as birthdays are."""
        return spans_ages(self.values)

    @cached_property
    def dialable(self) -> float:
        """The share of values that could be telephone numbers: five digits or more, and hardly a letter."""
        return sum(map(_could_be_dialled, self.values)) / self.total if self.total else 0.0

    @cached_property
    def is_prose(self) -> bool:
        """True if half of the values or more are longer texts, and they are not a handful that repeat."""
        return self.is_enough and self.share("text") >= 0.5 and self.distinct_share > 0.1

    @cached_property
    def is_list_of_words(self) -> bool:
        """True if the values are few short words that repeat: a status, not a text."""
        return self.is_enough and self.distinct_share < 0.3 and all(len(value) <= 20 for value in self.values)

    @cached_property
    def mentions(self) -> int:
        """How many values hold an e-mail address somewhere inside."""
        return sum(holds_email(value[:100_000]) for value in self.values)

    @cached_property
    def inside(self) -> tuple[tuple[str, int], ...]:
        """What stands somewhere in the values besides e-mail addresses: kind and how many hold it, most first. Only what is clear counts."""
        counts: dict[str, int] = {}
        for value in self.values:
            kinds = {found.kind for found in discovered(value[:_LONGEST_LIST]) if found.confidence >= CLEAR_INSIDE and found.kind != "email"}
            for kind in kinds:
                counts[kind] = counts.get(kind, 0) + 1
        return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    @property
    def told_inside(self) -> str:
        """`40 of 40 sampled values hold an e-mail address, 3 telephone numbers`; empty where nothing was seen."""
        parts = [f"{self.mentions} of {self.total} sampled values hold an e-mail address"] if self.mentions else []
        parts += [f"{count} of {self.total} hold {says(kind)}" for kind, count in self.inside if count >= FEWEST or count == self.total]
        return ", ".join(parts)

    @cached_property
    def are_documents(self) -> bool:
        """True if the values are documents of JSON, whatever the column's type says."""
        return self.is_enough and sum(map(_is_document, self.values)) >= self.total * MOSTLY


def says(kind: str) -> str:
    """What a kind of finding is called, in the plural."""
    try:
        return recognizer(kind).says
    except KeyError:
        return f"numbers like a {kind}"


def _is_document(value: str) -> bool:
    """True for an object or a list of objects; one that was cut off by its beginning."""
    return _DOCUMENT.match(value) is not None


def _elements(value: str) -> tuple[str, ...]:
    """What stands in a list of plain values; the value itself where it is none."""
    inside = value[1:-1]
    if len(value) > _LONGEST_LIST or value[:1] + value[-1:] not in ("{}", "[]") or any(sign in inside for sign in "{}[]:"):
        return (value,)
    return tuple(part.strip().strip('"') for part in inside.split(","))


def _could_be_dialled(value: str) -> bool:
    text = value[:60]
    digits = sum(character.isdigit() for character in text)
    return digits >= 5 and sum(character.isalpha() for character in text) <= 4
