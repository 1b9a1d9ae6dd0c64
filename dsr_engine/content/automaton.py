"""Finds thousands of literals in one pass over bytes. Hyperscan where it is installed (`pip install dsr-engine[fast]`), else Aho-Corasick.

Both look at *compact* bytes: without punctuation, white space and zeros. So `+49 (170) 123-45`, `Doe, Jane` and UTF-16 need no patterns of their own,
which would compile for seconds and scan many times slower.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, Protocol

import ahocorasick_rs

from dsr_engine.content.forms import UNSEEN
from dsr_engine.domain.errors import InputWrong

try:
    import hyperscan
except ImportError:  # the extra `fast` is not installed, or there is no wheel for this machine
    hyperscan = None  # type: ignore[assignment]  # a module, or the absence of one

ENGINES = ("hyperscan", "ahocorasick")
_BLOCK = 1024


class Literals(Protocol):
    """A compiled set of literals."""

    def any(self, data: bytes) -> bool:
        """True if one of the literals is in the (compact) bytes."""

    def find(self, data: bytes) -> list[tuple[int, int]]:
        """(index of the literal, offset behind it) of every occurrence, by offset; overlapping ones too."""


def compact(data: bytes) -> bytes:
    """The bytes without what the automaton does not see. ASCII case stays."""
    return data.translate(None, UNSEEN)


def compile_literals(literals: Sequence[bytes], engine: str | None = None) -> Literals:
    """The literals as one automaton. `engine` (or the variable DSR_MATCH_ENGINE) is `hyperscan` or `ahocorasick`; by default the first that is there.

    Raises `InputWrong` (`match.engine`) for an engine that is unknown or not installed.
    """
    wanted = engine or os.environ.get("DSR_MATCH_ENGINE") or ("hyperscan" if hyperscan else "ahocorasick")
    if wanted not in ENGINES or (wanted == "hyperscan" and hyperscan is None):
        raise InputWrong(
            f"the match engine {wanted!r} is not available",
            code="match.engine",
            hint=f"use {' or '.join(ENGINES)}; hyperscan comes with dsr-engine[fast]",
        )
    if not literals:
        return _Nothing()
    return Hyperscan(literals) if wanted == "hyperscan" else _AhoCorasick(literals)


class _Nothing:
    def any(self, _data: bytes) -> bool:
        return False

    def find(self, _data: bytes) -> list[tuple[int, int]]:
        return []


class _AhoCorasick:
    def __init__(self, literals: Sequence[bytes]) -> None:
        self._automaton = ahocorasick_rs.BytesAhoCorasick(list(literals))

    def any(self, data: bytes) -> bool:
        return bool(self._automaton.find_matches_as_indexes(data.lower()))

    def find(self, data: bytes) -> list[tuple[int, int]]:
        found = self._automaton.find_matches_as_indexes(data.lower(), overlapping=True)
        return sorted(((index, end) for index, _, end in found), key=lambda hit: (hit[1], hit[0]))


class Database:
    """A Hyperscan database that threads share: each gets its own scratch space.

    It is compiled when it is first asked, which takes some hundredths of a second: many a search, plan or rewrite of a few records never asks.
    """

    def __init__(self, expressions: Sequence[bytes], *, is_literal: bool, is_caseless: bool = True) -> None:
        self._expressions, self._is_literal, self._is_caseless = list(expressions), is_literal, is_caseless
        self._database: Any = None
        self._compiling = threading.Lock()
        self._scratches = threading.local()

    def scan(self, data: bytes | memoryview, *, only_first: bool = False, most: int = sys.maxsize) -> list[tuple[int, int]]:
        """(index of the expression, offset behind it), by offset; it stops after the first one, or after `most`."""
        limit = 1 if only_first else most
        found: list[tuple[int, int]] = []

        def note(index: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            found.append((index, end))
            return len(found) >= limit

        with suppress(hyperscan.ScanTerminated):  # our own wish: so many hits are enough
            self._compiled().scan(data, match_event_handler=note, scratch=self._scratch())
        return found

    def first(self, data: bytes) -> int:
        """The offset behind the first match; -1 without one. As `scan`, with less work for short data."""
        found: list[int] = []

        def note(_index: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            found.append(end)
            return True

        try:
            self._compiled().scan(data, match_event_handler=note, scratch=self._scratch())
        except hyperscan.ScanTerminated:
            return found[0]
        return -1

    def _compiled(self) -> Any:
        if self._database is None:
            with self._compiling:
                if self._database is None:
                    database: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
                    database.compile(
                        expressions=self._expressions,
                        ids=list(range(len(self._expressions))),
                        elements=len(self._expressions),
                        flags=hyperscan.HS_FLAG_CASELESS if self._is_caseless else 0,
                        literal=self._is_literal,
                    )
                    self._database = database
        return self._database

    def _scratch(self) -> Any:
        scratch = getattr(self._scratches, "own", None)
        if scratch is None:
            scratch = self._scratches.own = hyperscan.Scratch(self._compiled())
        return scratch


class Hyperscan:
    """Literals in a Hyperscan database."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        self._database = Database(literals, is_literal=True)

    def any(self, data: bytes) -> bool:
        return bool(self._database.scan(data, only_first=True))

    def find(self, data: bytes) -> list[tuple[int, int]]:
        return sorted(self._database.scan(data), key=lambda hit: (hit[1], hit[0]))


def expanded(data: bytes, offsets: Sequence[int]) -> list[int]:
    """For ascending offsets into the compact bytes, the offsets in `data` of the bytes that they point at."""
    places: list[int] = []
    wanted = iter(offsets)
    offset = next(wanted, None)
    for start, kept, count, block in _blocks(data):
        if offset is None:
            break
        if offset >= kept + count:
            continue
        inside = [index for index, byte in enumerate(block) if byte not in UNSEEN]
        while offset is not None and offset < kept + count:
            places.append(start + inside[offset - kept])
            offset = next(wanted, None)
    if offset is not None:
        places.extend(len(data) for _ in (offset, *wanted))
    return places


def _blocks(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """(offset, compact offset, compact length, bytes) of blocks of the data."""
    kept = 0
    edges = [*range(0, len(data), _BLOCK), len(data)]
    for start, end in pairwise(edges):
        block = data[start:end]
        count = len(compact(block))
        yield start, kept, count, block
        kept += count
