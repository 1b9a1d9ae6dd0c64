"""A gate and a rewriter that know plain words only: formats are tested apart from matching."""

import io
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, cast

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.domain.anonymize import FieldFacts
from dsr_engine.domain.plan import Edit, SetValue
from dsr_engine.domain.record import Gap, Unit

MARK = "[erased]"


class WordGate:
    """Passes what holds one of the words."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self._bytes = tuple(word.encode() for word in words)

    @property
    def reach(self) -> int:
        return 256

    def passes(self, data: bytes) -> bool:
        return any(word in data for word in self._bytes)

    def passes_text(self, text: str) -> bool:
        return any(word in text for word in self._words)

    def hits(self, data: bytes) -> Sequence[int]:
        return sorted({at + len(word) for word in self._bytes for at in _starts(data, word)})


class FoldedGate(WordGate):
    """Passes two words also when a line end stands between them."""

    def hits(self, data: bytes) -> Sequence[int]:
        return super().hits(_unfolded(data))

    def passes(self, data: bytes) -> bool:
        return super().passes(_unfolded(data))


def _unfolded(data: bytes) -> bytes:
    return data.replace(b"\n", b" ")


def _starts(data: bytes, word: bytes) -> Iterator[int]:
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + 1)


def _starts_of(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


class WordRewriter:
    """Cuts the words out; a value is replaced by the method's argument."""

    reference = ""

    def __init__(self, *words: str) -> None:
        self._words = words

    def redacted(self, text: str) -> str:
        for word in self._words:
            text = text.replace(word, MARK)
        return text

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        return sorted((at, at + len(word)) for word in self._words for at in _starts_of(text, word))

    def replaced(self, how: SetValue, value: object, facts: FieldFacts) -> object:
        return None if how.method.argument == "null" else how.method.argument


class OneWay(io.BytesIO):
    """A stream that cannot seek, as an object store gives it."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        raise io.UnsupportedOperation


def opener(data: bytes, *, can_seek: bool = True) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, io.BytesIO(data) if can_seek else OneWay(data))


def reading(gate: WordGate | None = None, name: str = "") -> Reading:
    return Reading("files", gate, name=name)


def read(data: bytes, how: Reading | None = None, *, can_seek: bool = True) -> list[Unit | Gap]:
    return list(read_file(opener(data, can_seek=can_seek), how or reading()))


def units(data: bytes, how: Reading | None = None) -> list[Unit]:
    return [got for got in read(data, how) if isinstance(got, Unit)]


def texts(data: bytes, how: Reading | None = None) -> dict[str, str]:
    """Text by place. Places are unique, or this fails."""
    found = units(data, how)
    assert len({unit.place for unit in found}) == len(found)
    return {unit.place: unit.text for unit in found}


def gaps(data: bytes, how: Reading | None = None) -> list[str]:
    return [got.code for got in read(data, how) if isinstance(got, Gap)]


def rewritten(data: bytes, edits: Sequence[Edit], *words: str, name: str = "") -> bytes:
    sink = io.BytesIO()
    rewrite_file(opener(data), sink, edits, WordRewriter(*words), reading(name=name))
    return sink.getvalue()
