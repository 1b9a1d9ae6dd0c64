"""What may be written to a requester, and which elements of it a law demands. The texts themselves are templates (`templates/letters/`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class LetterKind(StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"
    CLARIFICATION = "clarification"
    EXTENSION = "extension"
    COMPLETION = "completion"
    PARTIAL = "partial"
    REFUSAL = "refusal"
    CANNOT_IDENTIFY = "cannot_identify"
    RESTRICTION_LIFTED = "restriction_lifted"
    CORRECTION = "correction"


#: Element → what it tells the person. A regime names those that its law demands; a letter without one of them is not sent.
ELEMENTS: Mapping[str, str] = {
    "received": "when the request arrived",
    "next_steps": "what happens next, and how the person is verified",
    "expected": "until when the person will have an answer",
    "question": "what the controller needs to know",
    "reasons": "why it takes longer, or why nothing is done",
    "new_limit": "until when the person will have an answer now",
    "erased": "what was erased, and when",
    "kept": "what was not erased, on which ground and until when",
    "recipients": "whether those who had received the data were told, and that the person may ask who they are",
    "record": "that a record of the request is kept, and for how long",
    "match_code": "the code with which the person can show that the certificate is about them",
    "complaint": "to whom the person may complain",
    "remedy": "that the person may go to court",
    "appeal": "how and until when the person may appeal to the controller, and to whom after that",
    "more_data": "which further information would help",
    "opt_out": "whether the person wants to opt out of sale and sharing",
    "lifted": "that the restriction ends, when and why",
    "corrected": "that what was said of an erasure was not right, and what happens now",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a letter: the element that it is, or a frame (`greeting`, `closing`), and its paragraphs."""

    element: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """A letter that is ready to be sent. It may name the person's data in general words; it holds no identifier unless its sender put one in.

    `dated` is its day, written out in its language.
    """

    kind: LetterKind
    language: str
    subject: str
    sections: tuple[Section, ...]
    dated: str = ""

    @property
    def elements(self) -> frozenset[str]:
        return frozenset(section.element for section in self.sections)
