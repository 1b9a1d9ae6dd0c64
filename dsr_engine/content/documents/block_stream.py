"""A document that is read block by block and told in pieces: what a further byte could still change waits for the next block."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from typing import BinaryIO, Generic, TypeVar

from dsr_engine.content.stream import BLOCK

Told = TypeVar("Told")


class BlockStream(ABC, Generic[Told]):
    """Reads one file. `offset` is where the bytes begin of which nothing was told yet; behind a fault they can be searched as bytes."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._data = b""
        self._is_last = False
        self.offset = 0

    def _told(self) -> Iterator[Told]:
        """All there is to tell, in its order."""
        while not self._is_last:
            self._read()
            at = yield from self._complete()
            self._data = self._data[at:]
            self.offset += at

    def _read(self) -> int:
        """Reads a block behind what waits. Gives its length; none is the end."""
        piece = self._source.read(BLOCK)
        self._is_last = not piece
        self._data += piece
        return len(piece)

    @abstractmethod
    def _complete(self) -> Generator[Told, None, int]:
        """Tells what is complete in `_data`; gives where the rest begins. At the end of the file everything is complete."""
