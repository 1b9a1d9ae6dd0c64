"""Documents that people read: paragraphs as they are seen, whatever elements their letters are spread over.

A paragraph is `p:3`, numbered as paragraphs begin. Corrections give it two texts, as it is and as it was (`p:3/before`); field
instructions (`p:3/field`) and readings (`p:3/phonetic`) are read apart. Attributes, comments and instructions have numbers of their own, and so have
the rows of tables (`row:2`), for what several of their cells say only together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dsr_engine.content.documents.markup_words import Role, Roles, Vocabulary
from dsr_engine.content.documents.passages import Passage
from dsr_engine.content.documents.runs import Joined, Run
from dsr_engine.content.documents.xml_runs import XmlRun, addressed, xml_run
from dsr_engine.content.documents.xml_stream import Event, Start, Text

_TEXTS = frozenset({"text", "cdata", "html", "raw"})
#: Characters of a cell that may say something together with its neighbours, and cells that are held; rows of more are given in pieces.
LONGEST_CELL, MOST_CELLS = 200, 1000
#: What is held of a longer cell: nothing that is looked for reaches across it.
_LONG = "\u00a7\u00a7"
#: Cells that two pieces of a row share.
_SHARED_CELLS = 3
#: Characters that two pieces of an overlong paragraph share.
_OVERLAP = 8192


@dataclass(slots=True)
class Paragraph:
    """A paragraph that is open: its pieces with the stream that each belongs to. `depth` is where the element is that closes it."""

    number: int
    depth: int = 0
    pieces: list[tuple[str, Run | str]] = field(default_factory=list)
    size: int = 0
    is_cut: bool = False

    @property
    def is_going_on(self) -> bool:
        """True if something was said that a line break would part from what follows."""
        return bool(self.pieces) and self.pieces[-1][1] != "\n"

    def add(self, label: str, piece: Run | str) -> None:
        self.pieces.append((label, piece))
        self.size += len(piece if isinstance(piece, str) else piece.text)

    def text(self, *labels: str) -> Joined:
        return Joined(tuple(piece for label, piece in self.pieces if label in labels))

    def passages(self) -> Iterator[Passage]:
        labels = {label for label, piece in self.pieces if not isinstance(piece, str)}
        if not labels:
            return
        place = f"p:{self.number}"
        yield Passage(place, self.text("", "ins"), is_cut=self.is_cut)
        if "del" in labels:
            yield Passage(f"{place}/before", self.text("", "del"), is_cut=self.is_cut)
        for label in sorted(labels - {"", "ins", "del"}):
            yield Passage(f"{place}/{label}", self.text(label), is_cut=self.is_cut)

    def shortened(self) -> None:
        """Keeps only what the next piece of an overlong paragraph has to begin with."""
        kept = 0
        for index in range(len(self.pieces) - 1, -1, -1):
            piece = self.pieces[index][1]
            kept += len(piece if isinstance(piece, str) else piece.text)
            if kept >= _OVERLAP:
                del self.pieces[:index]
                break
        self.size = 0


@dataclass(slots=True)
class _Row:
    """A row that is open, and the cells that were begun in it."""

    number: int
    depth: int
    cells: list[list[Run | str]] = field(default_factory=list)
    #: Where the element of the cell is that is open; 0: none is.
    within: int = 0
    size: int = 0

    def begin(self, depth: int) -> None:
        self.cells.append([])
        self.within, self.size = depth, 0

    def add(self, piece: Run | str) -> None:
        """A piece of the cell that is open. A long cell says what it says alone."""
        if self.within:
            self.size += len(piece if isinstance(piece, str) else piece.text)
            if self.size <= LONGEST_CELL:
                self.cells[-1].append(piece)
            else:
                self.cells[-1] = [_LONG]

    def passages(self) -> Iterator[Passage]:
        cells = tuple(joined for cell in self.cells if (joined := Joined(tuple(cell))).text.strip())
        if len(cells) > 1:
            text = ", ".join(cell.text.strip() for cell in cells)
            yield Passage(f"row:{self.number}", Joined((text,)), cells=cells)


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is open."""

    role: Role
    words: Vocabulary
    label: str


class Blocks:
    """Makes the passages of one document of its events. `limit`: characters of a paragraph that are held."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._roles = Roles()
        self._open: list[_Open] = []
        self._blocks: list[Paragraph] = []
        self._rows: list[_Row] = []
        self._numbers: Counter[str] = Counter()

    def passages(self, events: Iterable[Event]) -> Iterator[Passage]:
        for event in events:
            if isinstance(event, Start):
                yield from self._started(event)
            elif isinstance(event, Text):
                yield from self._said(event.run)
            else:
                yield from self._ended()
        while self._open:
            yield from self._ended()
        while self._blocks:
            yield from self._blocks.pop().passages()

    def _numbered(self, word: str) -> str:
        return f"{word}:{self._number(word)}"

    def _number(self, word: str) -> int:
        self._numbers[word] += 1
        return self._numbers[word]

    def _started(self, event: Start) -> Iterator[Passage]:
        for attribute in event.attributes:
            text = Joined((addressed(attribute.name.local, attribute.value),))
            yield Passage(self._numbered("attribute"), text, is_fixed=attribute.name.declares)
        role = self._roles.of(event.name)
        label = role.label or (self._open[-1].label if self._open and not role.is_block else "")
        self._open.append(_Open(role, self._roles.words(event.name.namespace), label))
        if role.is_block:
            self._begin(len(self._open))
        elif role.stands_for and self._blocks:
            self._blocks[-1].add(label, role.stands_for)
        yield from self._tabled(role)

    def _tabled(self, role: Role) -> Iterator[Passage]:
        """Takes note of rows, cells, and what parts the text of a cell."""
        if role.is_row:
            self._rows.append(_Row(self._number("row"), len(self._open)))
        elif self._rows and role.is_cell:
            row = self._rows[-1]
            if len(row.cells) >= MOST_CELLS:
                yield from row.passages()
                row.number = self._number("row")
                del row.cells[:-_SHARED_CELLS]
            row.begin(len(self._open))
        elif self._rows and (role.is_block or role.stands_for):
            self._rows[-1].add(role.stands_for or " ")

    def _begin(self, depth: int) -> None:
        self._blocks.append(Paragraph(self._number("p"), depth))

    def _said(self, run: XmlRun) -> Iterator[Passage]:
        if run.kind not in _TEXTS:
            yield Passage(self._numbered(run.kind), Joined((run,)))
            return
        here = self._open[-1] if self._open else None
        is_space = not run.text or run.text.isspace()
        if is_space and (not self._blocks or here is None or not (here.role.has_text or here.words.is_spaced)):
            return
        if not self._blocks:
            # A piece of a page begins with a word in bold as well as with a paragraph: what formats does not part.
            self._begin(0 if here is None or here.words.is_apart else len(self._open))
        block = self._blocks[-1]
        if here is not None and here.words.collapses and run.kind == "text":
            run = xml_run(run.start, run.raw, "html", run.how)
        block.add(here.label if here else "", run)
        if self._rows and (here is None or here.label in ("", "ins")):
            self._rows[-1].add(run)
        if block.size > self._limit:
            block.is_cut = True
            yield from block.passages()
            block.shortened()

    def _ended(self) -> Iterator[Passage]:
        if not self._open:
            return
        ended = self._open.pop()
        if self._rows:
            row, depth = self._rows[-1], len(self._open)
            row.within = row.within if row.within <= depth else 0
            if row.depth > depth:
                yield from self._rows.pop().passages()
        if self._blocks and self._blocks[-1].depth > len(self._open):
            yield from self._blocks.pop().passages()
            if self._blocks and ended.words.is_apart and self._blocks[-1].is_going_on:
                self._blocks[-1].add("", "\n")
