"""The outermost file with a meter on it: how far it has been read, and how long its source let us wait.

What a hostile archive may cost depends on its own size, and neither a slow store nor a slow reader of the findings is the archive's fault.
"""

import io
from collections.abc import Iterator
from time import monotonic
from typing import Any, BinaryIO, TypeVar, cast

from dsr_engine.content.format import Budget, Opener, Unreadable

_Item = TypeVar("_Item")


class _Metered(io.RawIOBase):
    """Passes everything on. A real file keeps its descriptor."""

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        super().__init__()
        self._source = source
        self._budget = budget
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._source.seekable()

    def fileno(self) -> int:
        return self._source.fileno()

    def read(self, size: int = -1) -> bytes:
        if self._budget.is_overdue:
            raise Unreadable("file.too_long", "reading a file took more time than its size justifies; the rest was not read")
        began = monotonic()
        data = self._source.read(size)
        self._budget.idle += monotonic() - began
        self._at += len(data)
        self._budget.stored = max(self._budget.stored, self._at)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = self._source.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._source.tell()

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def metered(open_file: Opener, budget: Budget) -> Opener:
    """The file; what is read of it is noted in the budget."""
    return lambda: cast(BinaryIO, _Metered(open_file(), budget))


def resting(found: Iterator[_Item], budget: Budget) -> Iterator[_Item]:
    """The items; the time until the next one is asked for does not count as work."""
    for item in found:
        began = monotonic()
        yield item
        budget.idle += monotonic() - began
