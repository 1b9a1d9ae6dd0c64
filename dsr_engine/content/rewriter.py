"""What drivers and formats need to replace a person's data while they hold it: the redactor and the keyed methods."""

from typing import Protocol

from dsr_engine.content.match import Matcher
from dsr_engine.domain.anonymize import FieldFacts, anonymized
from dsr_engine.domain.plan import SetValue


class Rewriter(Protocol):
    """Pure for one case: the same text gives the same result, today and after a crash."""

    def redacted(self, text: str) -> str:
        """The text with every span of the subject replaced by the redaction mark; everything else unchanged."""

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        """The value that stands in for `value`. Raises `domain.anonymize.Misfit` where the field cannot hold one."""


class CaseRewriter:
    """Implements `Rewriter` for one case. `key` is the case's key; `mark` stands where a span was."""

    def __init__(self, matcher: Matcher, case: str, key: bytes, mark: str = "[redacted]") -> None:
        self._matcher = matcher
        self._case = case
        self._key = key
        self._mark = mark

    def redacted(self, text: str) -> str:
        parts = []
        done = 0
        for span in self._matcher.spans(text):
            if span.case == self._case:
                parts += [text[done : span.start], self._mark]
                done = span.end
        return "".join((*parts, text[done:]))

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        return anonymized(how.method, value, facts, key=self._key, category=how.category, counter=how.counter)
