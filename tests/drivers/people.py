"""One person, her neighbours, and the smallest gate and rewriter that know her: the conformance suite must not depend on how well content matches."""

import re
from collections.abc import Sequence

from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.plan import SetValue
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.driver import AboutSubjects

PERSON = "jane.roe@example.org"
NEIGHBOURS = ("jane.roe@example.com", "ann.roe@example.org", "jane@example.org")
#: As long as the person's address, so that a test can tell a cut from a shift.
MARK = "[erased]"


class WordGate:
    """Passes what holds the word as it is written."""

    def __init__(self, word: str = PERSON) -> None:
        self._word = word

    @property
    def reach(self) -> int:
        return len(self._word)

    def hits(self, data: bytes) -> tuple[int, ...]:
        return tuple(found.end() for found in re.finditer(re.escape(self._word.encode()), data))

    def passes(self, data: bytes) -> bool:
        return self._word.encode() in data

    def passes_text(self, text: str) -> bool:
        return self._word in text


class WordRewriter:
    """Replaces the word as it is written, for a case that is called `c4se00000001` in public."""

    reference = "c4se00000001"

    def __init__(self, word: str = PERSON) -> None:
        self._word = word

    def redacted(self, text: str) -> str:
        return text.replace(self._word, MARK)

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        return [(found.start(), found.end()) for found in re.finditer(re.escape(self._word), text)]

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        return MARK


def about(word: str = PERSON, **facts: tuple[str, ...]) -> AboutSubjects:
    """The question for one person. `facts` are by collection."""
    return AboutSubjects({"case-1": (Selector("s1", "email", Secret(word), verified=True),)}, WordGate(word), facts)
