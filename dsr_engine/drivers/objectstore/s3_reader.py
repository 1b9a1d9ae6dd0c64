"""One object version as a seekable file that holds one block at a time, so that archives can be read from their end and memory stays bounded."""

import io
from collections.abc import Mapping
from typing import Any

from urllib3.exceptions import HTTPError

from dsr_engine.domain.errors import Unreachable
from dsr_engine.drivers.objectstore.s3_errors import asking

#: Bytes per ranged GET: one request for most objects, and what one open object keeps in memory.
BLOCK = 4 * 1024 * 1024


class ObjectReader(io.RawIOBase):
    """Reads by ranged GETs.

    Each names the version and, where given, the ETag, so that all blocks are of one and the same content (`Conflict` otherwise).
    """

    def __init__(self, client: Any, where: Mapping[str, str], size: int) -> None:
        super().__init__()
        self._client = client
        self._where = where
        self._size = size
        self._position = 0
        self._block = b""
        self._block_at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # typeshed's Buffer has no name before 3.12
        if self._position >= self._size:
            return 0
        if not self._block_at <= self._position < self._block_at + len(self._block):
            self._fetch()
        start = self._position - self._block_at
        piece = self._block[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _fetch(self) -> None:
        end = min(self._position + BLOCK, self._size) - 1
        with asking("read an object"):
            answer = self._client.get_object(Range=f"bytes={self._position}-{end}", **self._where)
            try:
                block = answer["Body"].read()
            except (HTTPError, OSError):
                raise Unreachable("the store broke off while an object was read", code="s3.broken_off") from None
        if len(block) != end - self._position + 1:
            raise Unreachable("the store gave fewer bytes than the object has", code="s3.short_read")
        self._block, self._block_at = block, self._position
