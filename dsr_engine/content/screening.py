"""Many small texts are asked about at once: the gate takes a good part of a millisecond for any text, and little more for a hundred short ones.

A file is read once with a gate that refuses everything and notes what it was asked: these are all the texts that a file without the person is asked
about. They are joined, far enough apart that what two of them say together means nothing, and the true gate is asked about all of them. What it
refuses holds nobody; else the file is read again in earnest. So nothing is refused that the gate itself would not refuse.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from dsr_engine.content.charset_guess import is_utf8
from dsr_engine.content.gate import Gate

#: Between two texts. Nothing that is looked for reaches across it.
_APART = "\n\n \n\n"
#: What is noted before it is asked about, so that memory stays bounded. Bytes or characters.
_MOST = 4 * 1024 * 1024
#: So many contents are remembered.
_MOST_KEYS = 50_000
#: A group in which something passes is parted so.
_PARTS = 8
#: What must stand alone: zeros give wide characters a place, and an escape changes the charset of all that follows.
_ALONE = (b"\0", b"\x1b")

_T = TypeVar("_T", bytes, str)


class Noting:
    """A gate that refuses everything. `size` is how much was noted; `passed` True: some of it would have passed."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._bytes: list[bytes] = []
        self._texts: list[str] = []
        self._held = self._flushed = 0
        self.size = 0
        self.passed = False

    @property
    def reach(self) -> int:
        return self._gate.reach

    def passes(self, data: bytes) -> bool:
        self._bytes.append(data)
        self._note(len(data))
        return False

    def passes_text(self, text: str) -> bool:
        self._texts.append(text)
        self._note(len(text))
        return False

    def hits(self, data: bytes) -> Sequence[int]:
        self.passes(data)
        return ()

    def mark(self) -> tuple[int, int, int]:
        """How far the notes have come."""
        return self._flushed, len(self._bytes), len(self._texts)

    def since(self, mark: tuple[int, int, int]) -> tuple[list[bytes], list[str]] | None:
        """What was noted since then; None: some of it was asked about meanwhile and is not at hand any more."""
        flushed, first, other = mark
        return (self._bytes[first:], self._texts[other:]) if flushed == self._flushed else None

    def note_again(self, noted: tuple[list[bytes], list[str]]) -> None:
        """Notes what is held in other notes already."""
        self._bytes += noted[0]
        self._texts += noted[1]

    def _note(self, size: int) -> None:
        self.size += size
        self._held += size
        if self._held > _MOST:
            self.passed = self.passed or passes_any(self._gate, (self,))
            self._bytes, self._texts, self._held = [], [], 0
            self._flushed += 1

    @property
    def noted(self) -> tuple[list[bytes], list[str]]:
        """What was noted and not asked about yet."""
        return self._bytes, self._texts


class Memory:
    """Which contents were read and refused, so that a file that is sent around with a hundred mails is read once.

    What was read since the last judgement is noted again for each mail that has it: if somebody is in it, she is in all of them.
    """

    def __init__(self) -> None:
        self._clean: set[bytes] = set()
        self._open: dict[bytes, tuple[list[bytes], list[str]]] = {}

    def is_known(self, key: bytes, note: Noting) -> bool:
        """True if the content with this key was read; what it holds is noted then, unless it was refused."""
        if key in self._clean:
            return True
        noted = self._open.get(key)
        if noted is not None:
            note.note_again(noted)
        return noted is not None

    def learn(self, key: bytes, note: Noting, begun: tuple[int, int, int]) -> None:
        """The content was read to its end, what was noted since `begun` is all that it holds, and nothing of it is unread."""
        noted = note.since(begun)
        if noted is not None and not note.passed:
            self._open[key] = noted

    def judged(self, *, is_refused: bool) -> None:
        """All notes so far were judged together."""
        if is_refused:
            if len(self._clean) > _MOST_KEYS:
                self._clean.clear()
            self._clean.update(self._open)
        self._open.clear()


def passes_any(gate: Gate, notes: Sequence[Noting]) -> bool:
    """True if anything that was noted passes the gate."""
    if any(note.passed for note in notes):
        return True
    texts, buffers = _distinct(notes)
    return any(gate.passes_text(_joined(group)) for group in _texts(texts)) or any(gate.passes(_joined_bytes(group)) for group in _buffers(buffers))


def passing(gate: Gate, notes: Sequence[Noting]) -> frozenset[int]:
    """Which of the notes, by their place, hold something that passes the gate."""
    texts, buffers = _distinct(notes)
    found_texts = {text for group in _texts(texts) for text in _narrowed(group, lambda some: gate.passes_text(_joined(some)))}
    found_bytes = {data for group in _buffers(buffers) for data in _narrowed(group, lambda some: gate.passes(_joined_bytes(some)))}
    return frozenset(
        place
        for place, note in enumerate(notes)
        if note.passed or not found_bytes.isdisjoint(note.noted[0]) or not found_texts.isdisjoint(note.noted[1])
    )


def _narrowed(group: Sequence[_T], passes: Callable[[Sequence[_T]], bool]) -> Iterator[_T]:
    """Those that pass: found by eighths, for each is then asked about again little more than once."""
    if not passes(group):
        return
    if len(group) == 1:
        yield group[0]
        return
    size = -(-len(group) // _PARTS)
    for start in range(0, len(group), size):
        yield from _narrowed(group[start : start + size], passes)


def _distinct(notes: Sequence[Noting]) -> tuple[list[str], list[bytes]]:
    texts = list(dict.fromkeys(text for note in notes for text in note.noted[1] if text))
    return texts, list(dict.fromkeys(data for note in notes for data in note.noted[0] if data))


def _joined(texts: Sequence[str]) -> str:
    return _APART.join(texts)


def _joined_bytes(buffers: Sequence[bytes]) -> bytes:
    return _APART.encode().join(buffers)


def _texts(texts: Sequence[str]) -> list[list[str]]:
    """The texts in groups that may be joined: plain ASCII is searched fastest by itself."""
    alone = [[text] for text in texts if "\0" in text or "\x1b" in text]
    rest = [text for text in texts if "\0" not in text and "\x1b" not in text]
    ascii_ones, others = [text for text in rest if text.isascii()], [text for text in rest if not text.isascii()]
    return [*alone, *(group for group in (ascii_ones, others) if group)]


def _buffers(buffers: Sequence[bytes]) -> list[list[bytes]]:
    """The same for bytes. UTF-8 by itself: one byte that is none would have all of them tried as other charsets."""
    alone: list[list[bytes]] = []
    groups: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])
    for data in buffers:
        if any(byte in data for byte in _ALONE):
            alone.append([data])
        else:
            groups[0 if data.isascii() else 1 if is_utf8(data) else 2].append(data)
    return [*alone, *(group for group in groups if group)]
