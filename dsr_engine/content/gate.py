"""The cheap first look: may these bytes hold one of the subjects? Wrong answers are allowed in one direction only.

`content.automaton` holds the implementation; drivers and formats know this protocol only.
"""

from collections.abc import Sequence
from typing import Protocol


class Gate(Protocol):
    """Refuses what holds none of the selectors. It may let too much through and never too little: gate ⊇ match (a property test holds it).

    `reach` is a number of bytes: whoever cuts a long stream into buffers lets each one begin `reach` bytes before the end of the one before, so that
    nothing which lies across a cut is missed. Instances may be shared between threads.
    """

    @property
    def reach(self) -> int:
        """How many bytes two neighbouring buffers must share."""

    def passes(self, data: bytes) -> bool:
        """True if the bytes, in any encoding that `forms` knows, may hold a selector."""

    def passes_text(self, text: str) -> bool:
        """The same for text that is already decoded."""

    def hits(self, data: bytes) -> Sequence[int]:
        """Where in the bytes a selector may be: an offset inside or just behind each candidate place, ascending, without repetition.

        Empty exactly where `passes` is False. A place lies within `reach` bytes of its offset, on either side; a caller that works by line judges
        the line of the byte before the offset, and the neighbouring ones where a record spans lines.
        """
