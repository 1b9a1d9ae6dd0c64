"""What drivers and formats need to replace a person's data while they hold it: the redactor and the keyed methods."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from dsr_engine.domain.anonymize import FieldFacts, anonymized
from dsr_engine.domain.plan import SetValue

if TYPE_CHECKING:  # a parser in a child knows the protocol, and has no use for a matcher
    from dsr_engine.content.match import Matcher


class Rewriter(Protocol):
    """Pure for one case: the same text gives the same result, today and after a crash."""

    @property
    def reference(self) -> str:
        """The public reference of the case, for formats that say who rewrote them; random, and empty where there is none."""

    def redacted(self, text: str) -> str:
        """The text with every span of the subject replaced by the redaction mark; everything else unchanged."""

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Start and end of each span that `redacted` replaces, ascending: for formats in which text is no string of characters."""

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        """The value that stands in for `value`. Raises `domain.anonymize.Misfit` where the field cannot hold one."""


class CaseRewriter:
    """Implements `Rewriter` for one case. `key` is the case's key; `mark` stands where a span was; `reference` is the public name of the case."""

    def __init__(self, matcher: "Matcher", case: str, key: bytes, mark: str = "[redacted]", *, reference: str = "") -> None:
        self._matcher = matcher
        self._case = case
        self._key = key
        self._mark = mark
        self._reference = reference

    @property
    def reference(self) -> str:
        return self._reference

    def redacted(self, text: str) -> str:
        parts = []
        done = 0
        for span in self._matcher.spans(text):
            if span.case == self._case:
                parts += [text[done : span.start], self._mark]
                done = span.end
        return "".join((*parts, text[done:]))

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        return tuple((span.start, span.end) for span in self._matcher.spans(text) if span.case == self._case)

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        return anonymized(how.method, value, facts, key=self._key, category=how.category, counter=how.counter)
