"""The cheap first look: may these bytes hold one of the subjects? Wrong answers are allowed in one direction only."""

from typing import Protocol


class Gate(Protocol):
    """Refuses what holds none of the selectors. It may let too much through and never too little: gate ⊇ match (a property test holds it)."""

    def passes(self, data: bytes) -> bool:
        """True if the bytes, in any encoding that `forms` knows, may hold a selector."""

    def passes_text(self, text: str) -> bool:
        """The same for text that is already decoded."""
