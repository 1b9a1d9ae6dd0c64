"""What is looked for in one pass: the forms of all subjects behind one automaton, and the digests by which others may know them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dsr_engine.content.automaton import compact, compile_literals, expanded
from dsr_engine.content.digit_runs import START, run_digests
from dsr_engine.content.fold import Ruler, exact
from dsr_engine.content.forms import Form, digests, written
from dsr_engine.content.spelt import starts_of
from dsr_engine.domain.selector import Selector

#: In a pass over more subjects than this, an initial and a surname say nothing: `J. Smith` would be a possible finding of hundreds of cases.
CROWD = 200


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One form of one selector of one case."""

    case: str
    selector: Selector
    form: Form


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """Where the automaton saw an anchor of a form: offsets into the folded text, before anything is confirmed."""

    entry: Entry
    start: int
    end: int


@dataclass(frozen=True, slots=True, repr=False)
class DigestHit:
    """A digest of a person's identifier: offsets into the text of the view."""

    case: str
    selector: Selector
    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, repr=False)
class _Anchor:
    """A literal in compact bytes, what must follow it, and the forms that it stands for."""

    literal: bytes
    follows: bytes
    entries: tuple[Entry, ...]


class Vocabulary:
    """The forms of all subjects. Immutable and shared between threads.

    Of anchors that end alike only the shortest is in the automaton (one literal for a number with and without its country code); the longer ones are
    compared where it was seen.
    """

    def __init__(self, subjects: Mapping[str, Sequence[Selector]], engine: str | None = None) -> None:
        found: dict[tuple[bytes, bytes], list[Entry]] = {}
        self._digests: dict[bytes, list[tuple[str, Selector, str]]] = {}
        self.scoped: dict[str, list[tuple[str, Selector]]] = {}
        self._is_crowd = len(subjects) > CROWD
        values = (selector.value.reveal() for selectors in subjects.values() for selector in selectors)
        #: Identifiers with letters beyond ASCII, as they were given.
        self.foreign = frozenset(value for value in values if not value.isascii())
        self.longest = 0
        for case, selectors in subjects.items():
            for selector in selectors:
                self._add(case, selector, found)
        self._digest_starts = starts_of(self._digests, START)
        anchors = [_Anchor(literal, follows, tuple(entries)) for (literal, follows), entries in found.items()]
        self._anchors = _by_ending(anchors)
        self.is_ascii = all(anchor.literal.isascii() for anchor in anchors)
        self.automaton = compile_literals([group[0].literal for group in self._anchors], engine)

    def _add(self, case: str, selector: Selector, found: dict[tuple[bytes, bytes], list[Entry]]) -> None:
        for form in written(selector):
            if self._is_crowd and form.name == "initials":
                continue
            self.longest = max(self.longest, len(form.text))
            for literal, follows in form.anchors:
                found.setdefault((literal.encode(), follows.encode()), []).append(Entry(case, selector, form))
        for name, digest in digests(selector):
            self._digests.setdefault(digest, []).append((case, selector, name))
        if selector.scope is not None:
            self.scoped.setdefault(exact(selector.value.reveal().strip()), []).append((case, selector))

    @property
    def window(self) -> int:
        """How many characters around an escape may belong to one identifier, separators included."""
        return 4 * self.longest + 80

    @property
    def reach(self) -> int:
        """The longest stretch of bytes that one encoded identifier takes, with room for line breaks and nesting."""
        return max(1024, 16 * self.longest)

    @property
    def is_plain(self) -> bool:
        """True if every identifier is ASCII."""
        return not self.foreign

    @property
    def known_digests(self) -> Collection[bytes]:
        """The digests by which the subjects may be known."""
        return self._digests.keys()

    def forms(self) -> Iterator[Form]:
        """Every form once."""
        entries = (entry for group in self._anchors for anchor in group for entry in anchor.entries)
        return iter({(entry.form.shape, entry.form.text): entry.form for entry in entries}.values())

    def candidates(self, loose: str) -> Iterator[Candidate]:
        """The candidates in a loosely folded text."""
        is_ascii = loose.isascii()
        ruler = None
        for anchor, start, end in self.found(loose.encode("utf-8", "surrogatepass")):
            ruler = ruler or (None if is_ascii else Ruler(loose, "surrogatepass"))
            first, last = (ruler.character(start), ruler.character(end)) if ruler else (start, end)
            for entry in anchor.entries:
                yield Candidate(entry, first, last)

    def found(self, data: bytes) -> list[tuple["_Anchor", int, int]]:
        """(anchor, start, end) of each candidate in the bytes, by end."""
        squeezed = compact(data)
        hits = [(anchor, end) for index, end in self.automaton.find(squeezed) for anchor in self._anchors[index] if _is_at(squeezed, anchor, end)]
        if not hits:
            return []
        offsets = sorted({offset for anchor, end in hits for offset in (end - len(anchor.literal), end - 1)})
        place = dict(zip(offsets, expanded(data, offsets), strict=True))
        return [(anchor, place[end - len(anchor.literal)], place[end - 1] + 1) for anchor, end in hits]

    def digest_hits(self, text: str) -> Iterator[DigestHit]:
        """The known digests in a text, as hex or base64."""
        if not self._digests:
            return
        for digest, start, end in run_digests(text, self._digest_starts):
            for case, selector, form in self._digests.get(digest, ()):
                yield DigestHit(case, selector, form, start, end)


def _by_ending(anchors: list[_Anchor]) -> tuple[tuple[_Anchor, ...], ...]:
    """Groups of anchors that end with the first of their group."""
    groups: list[list[_Anchor]] = []
    for anchor in sorted(anchors, key=lambda each: each.literal[::-1]):
        if groups and anchor.literal.endswith(groups[-1][0].literal):
            groups[-1].append(anchor)
        else:
            groups.append([anchor])
    return tuple(tuple(group) for group in groups)


def _is_at(squeezed: bytes, anchor: _Anchor, end: int) -> bool:
    """True if the anchor ends here. The end of the buffer may stand for what follows."""
    start = end - len(anchor.literal)
    if start < 0 or squeezed[start:end].lower() != anchor.literal:
        return False
    follows = squeezed[end : end + len(anchor.follows)].lower()
    return anchor.follows.startswith(follows)
