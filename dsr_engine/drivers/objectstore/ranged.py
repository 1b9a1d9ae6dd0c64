"""One stored object as a seekable file that holds one block at a time, so that archives can be read from their end and memory stays bounded."""

from collections.abc import Callable

from dsr_engine.content.stream import Positioned

#: Bytes of one request: one for most objects, and what one open object keeps in memory.
BLOCK = 4 * 1024 * 1024


class RangedFile(Positioned):
    """Reads an object of `size` bytes by ranges. `fetch` gives the bytes from one offset up to another, all of one and the same content."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__(size)
        self._fetch = fetch
        self._block_at = 0
        self._block = b""

    def bytes_at(self, offset: int, count: int) -> bytes:
        if not self._block_at <= offset < self._block_at + len(self._block):
            self._block = self._fetch(offset, min(offset + BLOCK, self.size))
            self._block_at = offset
        start = offset - self._block_at
        return self._block[start : start + count]
