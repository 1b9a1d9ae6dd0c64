"""How fast a Parquet file of 20 row groups is rewritten, beside pyarrow reading and writing all of it: `python -m tests.benchmarks.bench_parquet
[rows]`.

Two groups with a hit must go at least 6 times as fast, hits in all groups at least 1.2 times, whether values change or rows go. Both are seconds on
the clock in one run, the best of three each, with everything that belongs to a rewrite: the child that writes, the one that reads the new file, and
the copy of what did not change. pyarrow reads with a thread for each core and writes with one; we have two children at work. On cores that others
use as well threads and children help neither, and the ratio comes down to that of the work. The last line is what a search costs.
"""

import io
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow
import pyarrow.parquet
import pytest

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import WordGate, WordRewriter, reading

_GROUPS = 20
_CITIES = ("Oslo", "Bergen", "Trondheim", "Stavanger", "Drammen", "Tromsø")


def written(path: Path, rows: int) -> None:
    """A table of customers, 20 row groups of `rows` rows, each with one row of Jane's."""
    chance = random.Random(7)
    with pyarrow.parquet.ParquetWriter(path, _group(chance, 0, 1).schema, compression="zstd") as writer:
        for number in range(_GROUPS):
            writer.write_table(_group(chance, number * rows, rows), row_group_size=rows)


def _group(chance: random.Random, first: int, rows: int) -> pyarrow.Table:
    numbers = range(first, first + rows)
    names = [f"someone{chance.randrange(10**7)}" for _ in numbers]
    names[rows // 2] = "jane"
    return pyarrow.table(
        {
            "id": pyarrow.array(numbers, pyarrow.int64()),
            "name": names,
            "email": [f"{name}@example.org" for name in names],
            "city": [chance.choice(_CITIES) for _ in numbers],
            "amount": [chance.random() * 1000 for _ in numbers],
            "quantity": [chance.randrange(100) for _ in numbers],
            "at": pyarrow.array([1_700_000_000_000 + chance.randrange(10**9) for _ in numbers], pyarrow.timestamp("ms", "UTC")),
            "note": [f"order {chance.randrange(10**9)} was sent to the address on file" for _ in numbers],
            "is_paid": [chance.random() < 0.9 for _ in numbers],
            "tags": [["a", "b"][: chance.randrange(3)] for _ in numbers],
        }
    )


def by_pyarrow(path: Path) -> float:
    """Seconds in which pyarrow reads and writes the whole file."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as sink:
        table = pyarrow.parquet.read_table(path)
        pyarrow.parquet.write_table(table, sink, compression="zstd", row_group_size=max(1, table.num_rows // _GROUPS))
    return time.perf_counter() - start


def by_us(path: Path, edits: Sequence[Edit]) -> float:
    """Seconds in which we rewrite the file."""

    def open_file() -> BinaryIO:
        return path.open("rb")

    start = time.perf_counter()
    with tempfile.TemporaryFile() as sink:
        rewrite_file(open_file, sink, edits, WordRewriter("jane"), reading())
        sink.seek(0, io.SEEK_END)
        assert sink.tell() > path.stat().st_size // 2
    return time.perf_counter() - start


def edits_of(rows: int, groups: int, how: Callable[[int], Edit]) -> list[Edit]:
    """One edit in each of the first row groups."""
    return [how(group * rows + rows // 2 + 1) for group in range(groups)]


def redacts(row: int) -> Edit:
    return Edit(f"row:{row}/email", RedactSpans())


def drops(row: int) -> Edit:
    return Edit(f"row:{row}", DropPart())


CASES = (
    ("2 of 20, rows go", 2, drops, 6.0),
    ("2 of 20, values", 2, redacts, 6.0),
    ("all 20, rows go", 20, drops, 1.2),
    ("all 20, values", 20, redacts, 1.2),
)


@pytest.mark.benchmark
@pytest.mark.parametrize(("name", "groups", "how", "least"), CASES)
def test_a_rewrite_is_faster_than_pyarrow_by_what_is_not_touched(
    tmp_path: Path, name: str, groups: int, how: Callable[[int], Edit], least: float
) -> None:
    path, rows = tmp_path / "customers.parquet", 100_000
    written(path, rows)
    edits = edits_of(rows, groups, how)
    by_us(path, edits)
    theirs, ours = min(by_pyarrow(path) for _ in range(3)), min(by_us(path, edits) for _ in range(3))
    assert theirs / ours >= least, name


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.parquet"
        written(path, rows)
        by_us(path, edits_of(rows, 1, redacts))
        size = path.stat().st_size / 1024**2
        for name, groups, how, least in CASES:
            edits = edits_of(rows, groups, how)
            theirs = min(by_pyarrow(path) for _ in range(3))
            ours = min(by_us(path, edits) for _ in range(3))
            line = f"{name:18} {size:5.0f} MiB   pyarrow {theirs:5.2f} s   ours {ours:5.2f} s   {theirs / ours:5.2f} x (at least {least})\n"
            sys.stdout.write(line)
        start = time.perf_counter()
        found = {got.inside for got in read_file(lambda: path.open("rb"), reading(WordGate("jane"))) if isinstance(got, Unit)}
        seconds = time.perf_counter() - start
        sys.stdout.write(f"search: {len(found)} rows, {seconds:.2f} s, {size / seconds:.0f} MiB/s stored\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
