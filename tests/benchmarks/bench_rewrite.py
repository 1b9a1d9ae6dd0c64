"""How fast a long file is rewritten, compared with only reading it: `python -m tests.benchmarks.bench_rewrite [megabytes]`.

Removing 100 records must take at most twice as long as looking for them, because all the rest is copied as it is.
"""

import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from dsr_engine.content.files import read_file, rewrite_file
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from dsr_engine.domain.record import Unit
from tests.content.plain_words import WordGate, WordRewriter, reading

_ROWS = 100


class _Nowhere(io.RawIOBase):
    """A sink that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def write(self, data: object) -> int:
        self.size += len(cast(bytes, data))
        return len(cast(bytes, data))


def _record(number: int, name: str) -> dict[str, object]:
    return {
        "id": number,
        "name": name,
        "mail": f"{name}{number}@example.org",
        "address": {"street": "Long Road 17", "city": "Oslo"},
        "note": "x" * 120,
    }


def _jsonl(number: int, name: str) -> bytes:
    return json.dumps(_record(number, name)).encode() + b"\n"


def _json(number: int, name: str) -> bytes:
    return json.dumps(_record(number, name)).encode() + b",\n"


def _csv(number: int, name: str) -> bytes:
    return f"{number},{name},{name}{number}@example.org,Long Road 17,Oslo,{'x' * 120}\n".encode()


def _quoted(number: int, name: str) -> bytes:
    return f'"{number}","{name}","{name}{number}@example.org","Long Road 17","Oslo ""N""","{"x" * 120}"\n'.encode()


_KINDS: dict[str, tuple[bytes, Callable[[int, str], bytes], bytes]] = {
    "jsonl": (b"", _jsonl, b""),
    "csv": (b"id,name,mail,street,city,note\n", _csv, b""),
    "csv, quoted": (b"id,name,mail,street,city,note\n", _quoted, b""),
    "json": (b"[", _json, b"{}]"),
    "text": (b"# log\n", lambda number, name: b"2026-01-01 " + _jsonl(number, name).replace(b",", b" "), b""),
}


def _written(path: Path, size: int, kind: tuple[bytes, Callable[[int, str], bytes], bytes]) -> None:
    start, record, end = kind
    piece = b"".join(record(number, "someone") for number in range(2000))
    count = max(1, size // len(piece))
    with path.open("wb") as sink:
        sink.write(start)
        for number in range(count):
            sink.write(piece)
            if number % max(1, count // _ROWS) == 0:
                sink.write(record(number, "jane"))
        sink.write(end)


def _measured(path: Path) -> Iterator[float]:
    """Seconds for reading, then for rewriting."""

    def open_file() -> BinaryIO:
        return path.open("rb")

    how = reading(WordGate("jane"))
    start = time.perf_counter()
    inside = {got.inside or got.place for got in read_file(open_file, how) if isinstance(got, Unit)}
    yield time.perf_counter() - start
    how_edited = RedactSpans() if "text" in path.name else DropPart()
    edits = [Edit(one, how_edited) for one in inside]
    start = time.perf_counter()
    rewrite_file(open_file, cast(BinaryIO, _Nowhere()), edits, WordRewriter("jane"), how)
    yield time.perf_counter() - start


def main(megabytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in _KINDS.items():
            path = Path(folder) / f"{name.split(',')[0]}.data"
            _written(path, megabytes * 1024 * 1024, kind)
            size = path.stat().st_size / 1024 / 1024
            read, rewrite = _measured(path)
            path.unlink()
            sys.stdout.write(
                f"{name:12} {size:5.0f} MiB   read {size / read:6.0f} MiB/s   rewrite {size / rewrite:6.0f} MiB/s   ratio {read / rewrite:.2f}\n"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
