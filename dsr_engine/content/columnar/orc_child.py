"""ORC files in the child that reads them. It knows nothing of any person.

Apache ORC, *ORCv1.md*. The library holds a stripe's columns whole, so a column of a stripe has to fit into the child's memory.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow.orc

from dsr_engine.content.columnar.arrow_answers import FAILURES, Said, answered
from dsr_engine.content.columnar.arrow_spread import paths
from dsr_engine.content.format import Unreadable
from dsr_engine.content.pread_file import Seekable

#: Rows that one batch may have.
_ROWS = 64 * 1024


def _prepare() -> None:
    """Has the library read its files of time zones now: a child can open none. Files that were written elsewhere name their zone."""
    times = pyarrow.table({"at": pyarrow.array([0], pyarrow.timestamp("ns"))})
    out = io.BytesIO()
    pyarrow.orc.write_table(times, out)
    pyarrow.orc.ORCFile(io.BytesIO(out.getvalue())).read()


_prepare()


def read(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Said:  # noqa: ARG001  # the protocol of children
    """What the request asks for; the file's own metadata go before."""
    opened = Opened(source)
    yield from answered(opened, request)


class Opened:
    """A file that pyarrow could open. Raises `Unreadable` where it could not."""

    def __init__(self, source: BinaryIO) -> None:
        try:
            self._file = pyarrow.orc.ORCFile(Seekable(source))
            schema = self._file.schema
            self.paths = list(paths(schema))
            self._names = list(schema.names)
            self.groups = self._rows()
        except FAILURES:
            raise Unreadable("orc.damaged", "") from None
        if len(set(self._names)) != len(self._names) or any("." in name for name in self._names):
            raise Unreadable("orc.unknown", "")
        self.uuids = [False] * len(self.paths)

    def _rows(self) -> list[int]:
        """Rows of each stripe. Their numbers are in the footer, which pyarrow does not show, so the first column says them."""
        counts = []
        for stripe in range(self._file.nstripes):
            counts.append(self._file.read_stripe(stripe, columns=self._names[:1]).num_rows if self._file.nstripes > 1 else self._file.nrows)
        return counts

    def batches(self, group: int, leaves: Sequence[int]) -> Iterator[Any]:
        """The batches of these columns of a stripe."""
        wanted = dict.fromkeys(self.paths[leaf][0][0][1] for leaf in leaves)
        whole = self._file.read_stripe(group, columns=list(wanted))
        if whole.num_rows != self.groups[group] or list(whole.schema.names) != list(wanted):
            raise ValueError
        for start in range(0, whole.num_rows, _ROWS):
            yield whole.slice(start, _ROWS)

    def is_sealed(self, group: int, leaf: int) -> bool:  # noqa: ARG002  # the protocol of tables
        """Encrypted columns of ORC come as nothing; `orc_file` looks for them itself."""
        return False


def tail(source: BinaryIO, request: dict[str, Any], files: Sequence[BinaryIO], sink: BinaryIO | None) -> Said:  # noqa: ARG001  # the protocol of children
    """The file's footer with its metadata and statistics, decompressed (`FileTail` in *orc_proto.proto*)."""
    try:
        yield {}, bytes(pyarrow.orc.ORCFile(Seekable(source)).reader.serialized_file_tail())
    except FAILURES:
        raise Unreadable("orc.damaged", "") from None
