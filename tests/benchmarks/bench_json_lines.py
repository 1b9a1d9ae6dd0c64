"""How fast JSON lines are searched and rewritten, beside a program that reads the object into memory and each line with `json.loads`.

`python -m tests.benchmarks.bench_json_lines [megabytes]`. A rewrite must be at least 20 times as fast, and its memory must not grow with the file.
"""

import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.content.format import Reading
from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Locator, Record, Unit
from tests.content.people import EMAIL, JANE

_HITS = 100
_MATCHER = Matcher({"case": JANE})
_REWRITER = CaseRewriter(_MATCHER, "case", b"k" * 32)
_READING = Reading("files", _MATCHER.gate, name="events.jsonl")


def _line(number: int, address: str) -> bytes:
    event = {
        "id": number,
        "at": "2026-01-01T00:00:00Z",
        "kind": "order.paid",
        "customer": {"email": address, "name": f"Someone {number % 977}", "city": "Oslo"},
        "items": [{"sku": f"A-{number % 613}", "price": 12.5, "count": 2}, {"sku": "B-7", "price": 3.25, "count": 1}],
        "note": "left at the door, as agreed " * 3,
    }
    return json.dumps(event).encode() + b"\n"


def _written(path: Path, megabytes: int) -> None:
    """Events of other people, and `_HITS` of Jane's spread evenly over them."""
    piece = b"".join(_line(number, f"someone{number}@example.org") for number in range(2000))
    count = max(_HITS, megabytes * 1024 * 1024 // len(piece))
    with path.open("wb") as sink:
        for number in range(count):
            sink.write(piece)
            if number % (count // _HITS) == 0:
                sink.write(_line(number, EMAIL))


def _naive(path: Path, target: Path) -> float:
    """Seconds in which the object is read as a whole and every line is loaded, changed where it has to be, and dumped."""
    target.unlink(missing_ok=True)  # to empty a large file takes time of its own
    start = time.perf_counter()
    lines = path.read_bytes().split(b"\n")
    target.write_bytes(b"\n".join(json.dumps(_cut(json.loads(line))).encode() if line else b"" for line in lines))
    return time.perf_counter() - start


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(EMAIL, "[redacted]")
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in value.items()}
    return [_cut(inner) for inner in value] if isinstance(value, list) else value


def _ours(path: Path, target: Path, *, drops: bool) -> tuple[float, float]:
    """Seconds for the search, and for the rewrite of what it found."""

    def open_file() -> BinaryIO:
        return path.open("rb")

    start = time.perf_counter()
    edits = [Edit(place, DropPart() if drops else RedactSpans()) for place in _found(open_file, drops=drops)]
    searched = time.perf_counter() - start
    assert len(edits) >= _HITS
    target.unlink(missing_ok=True)
    start = time.perf_counter()
    with target.open("wb") as sink:
        rewrite_file(open_file, sink, edits, _REWRITER, _READING)
    return searched, time.perf_counter() - start


def _found(open_file: Any, *, drops: bool) -> Iterator[str]:
    units = [got for got in read_file(open_file, _READING) if isinstance(got, Unit)]
    if drops:
        yield from dict.fromkeys(unit.inside for unit in units)
        return
    for finding in _MATCHER.findings(Record(Locator("s", "files", ("x",)), tuple(units), "server")):
        yield from dict.fromkeys(hit.place for hit in finding.hits)


def _lines(megabytes: int) -> Iterator[tuple[str, float, float, float]]:
    """What was done, and the seconds of the naive program, of the search and of the rewrite."""
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder) / "events.jsonl", Path(folder) / "after.jsonl"
        _written(path, megabytes)
        naive = min(_naive(path, target) for _ in range(2))
        for name, drops in (("redact", False), ("drop", True)):
            searched, rewrote = min((_ours(path, target, drops=drops) for _ in range(4)), key=lambda both: both[1])
            assert EMAIL.encode() not in target.read_bytes()
            yield name, naive, searched, rewrote


def _peak(megabytes: int) -> int:
    """Most bytes that Python held while such a file was searched and rewritten."""
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder) / "events.jsonl", Path(folder) / "after.jsonl"
        _written(path, megabytes)
        tracemalloc.start()
        try:
            _ours(path, target, drops=False)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.benchmark
def test_a_rewrite_is_twenty_times_as_fast_as_loading_each_line() -> None:
    for name, naive, searched, rewrote in _lines(200):
        sys.stdout.write(f"\n{name}: {naive / rewrote:.0f} × json.loads; search and rewrite together {naive / (searched + rewrote):.1f} ×")
        assert naive >= 20 * rewrote


@pytest.mark.benchmark
def test_memory_does_not_grow_with_the_file() -> None:
    small, large = _peak(60), _peak(240)
    sys.stdout.write(f"\n{small / 2**20:.1f} MiB for 60 MiB, {large / 2**20:.1f} MiB for 240 MiB")
    assert large < 1.5 * small


def main(megabytes: int) -> None:
    for name, naive, searched, rewrote in _lines(megabytes):
        sys.stdout.write(
            f"{name:7} json.loads {naive:6.2f} s   search {searched:6.2f} s   rewrite {rewrote:6.2f} s   "
            f"rewrite {naive / rewrote:5.1f} ×   both {naive / (searched + rewrote):5.1f} ×\n"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
