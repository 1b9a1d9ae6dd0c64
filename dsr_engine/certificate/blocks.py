"""What a page is made of: blocks of plain text, without any typography.

The page is drawn from blocks and a verifier compares the page with the same blocks. So a block knows its texts in the order in which
they are drawn, and nothing of fonts, line breaks or pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text. `heads` are the texts that a page may repeat before it: the head of the table that it stands in."""

    text: str
    heads: tuple[str, ...] = ()


@runtime_checkable
class HasPieces(Protocol):
    def pieces(self) -> Iterator[Piece]:
        """The block's texts in the order in which they are drawn."""


@dataclass(frozen=True, slots=True)
class Title:
    text: str
    subtitle: str

    def pieces(self) -> Iterator[Piece]:
        yield from (Piece(self.text), Piece(self.subtitle))


@dataclass(frozen=True, slots=True)
class Summary:
    """The box at the top. `is_clean` chooses its colour; the words say the same."""

    verdict: str
    sentences: tuple[str, ...]
    is_clean: bool

    def pieces(self) -> Iterator[Piece]:
        yield Piece(self.verdict)
        yield from (Piece(sentence) for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Heading:
    """`rank` 1 opens a chapter, 2 a system, 3 a table. `aside` stands below it in a quieter type; `room` is what it wants below it, in mm."""

    text: str
    rank: int = 1
    aside: str = ""
    room: int = 20

    def pieces(self) -> Iterator[Piece]:
        yield Piece(self.text)
        if self.aside:
            yield Piece(self.aside)


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    is_quiet: bool = False

    def pieces(self) -> Iterator[Piece]:
        yield Piece(self.text)


@dataclass(frozen=True, slots=True)
class Points:
    texts: tuple[str, ...]

    def pieces(self) -> Iterator[Piece]:
        yield from (Piece(text) for text in self.texts)


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values."""

    rows: tuple[tuple[str, str], ...]

    def pieces(self) -> Iterator[Piece]:
        yield from (Piece(text) for row in self.rows for text in row)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head that is repeated on every page."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def pieces(self) -> Iterator[Piece]:
        yield from (Piece(text) for text in self.head)
        for first, *rest in self.rows:
            yield Piece(first, self.head)
            yield from (Piece(text) for text in rest)


Block: TypeAlias = Title | Summary | Heading | Paragraph | Points | Facts | Table
