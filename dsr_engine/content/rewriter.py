"""What drivers and formats need to replace a person's data while they hold it: the redactor and the keyed methods."""

from typing import Protocol

from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.plan import SetValue


class Rewriter(Protocol):
    """Pure for one case: the same text gives the same result, today and after a crash."""

    def redacted(self, text: str) -> str:
        """The text with every span of the subject replaced by the redaction mark; everything else unchanged."""

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        """The value that stands in for `value`. Raises `domain.anonymize.Misfit` where the field cannot hold one."""
