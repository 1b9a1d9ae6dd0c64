"""Files of any size are read in a child that can do nothing: what it says comes as a stream, and what it does to itself ends as a gap."""

import gc
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import BinaryIO, cast

import pytest

from dsr_engine import content
from dsr_engine.content.apart import SERVER, Bounds, Frame, on_disk, spoken
from dsr_engine.content.format import Budget, Limits, Opener, Reading, Unreadable
from dsr_engine.content.stream import flowing

_WORK = "tests.content.hostile_parsers"
_TIGHT = Bounds(memory=256 * 1024**2, cpu=1, seconds=3.0)


def _of(data: bytes) -> Opener:
    return lambda: io.BytesIO(data)


def _said(data: bytes, size: int = 100_000) -> bytes:
    return b"".join(frame.body for frame in spoken(f"{_WORK}:blocks", _of(data), {"size": size}, reasons={}))


def test_a_child_reads_the_file_and_answers_as_it_goes() -> None:
    data = os.urandom(3 * 1024**2)
    frames = list(spoken(f"{_WORK}:blocks", _of(data), {"size": 1024**2}, reasons={}))
    assert [frame.head["at"] for frame in frames] == [1024**2, 2 * 1024**2, 3 * 1024**2]
    assert b"".join(frame.body for frame in frames) == data.upper()
    assert _said(b"") == b""


def test_a_stream_that_cannot_seek_and_a_file_on_the_disk_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"jane" * 100_000)
    streams: tuple[Opener, ...] = (lambda: flowing(iter([b"jane"] * 100_000)), lambda: path.open("rb"))
    answers = {b"".join(frame.body for frame in spoken(f"{_WORK}:blocks", each, {"size": 9999}, reasons={})) for each in streams}
    assert answers == {b"JANE" * 100_000}
    with on_disk(lambda: path.open("rb")) as source:
        assert source.name == str(path)


def test_a_child_reads_further_files_and_writes_one() -> None:
    with tempfile.TemporaryFile() as other, tempfile.TemporaryFile() as sink:
        other.write(b"other")
        other.flush()
        other.seek(0)
        frames = list(spoken(f"{_WORK}:blocks", _of(b"jane"), {"size": 2}, reasons={}, files=(cast(BinaryIO, other),), sink=cast(BinaryIO, sink)))
        assert frames[-1] == Frame({"file": 0}, b"other")
        sink.seek(0)
        assert sink.read() == b"JANE"


def test_a_child_writes_no_more_than_it_may() -> None:
    with tempfile.TemporaryFile() as sink, pytest.raises(Unreadable):
        list(
            spoken(
                f"{_WORK}:blocks", _of(bytes(3 * 1024**2)), {"size": 1024**2}, reasons={}, sink=cast(BinaryIO, sink), bounds=Bounds(output=1024**2)
            )
        )


@pytest.mark.parametrize(
    "deed",
    [
        "loops",
        "sleeps",
        "eats",
        "raises",
        "leaves",
        "dies",
        "recurses",
        "reads_a_file",
        "connects",
        "starts_a_program",
        "opens_in_place_of_what_it_closed",
        "takes_its_limits_off",
    ],
)
def test_what_came_before_a_child_died_was_heard_and_its_death_is_told(deed: str) -> None:
    frames: list[Frame] = []
    with pytest.raises(Unreadable) as died:
        frames.extend(_gathered(frames, spoken(f"{_WORK}:misbehaves", _of(b"jane@example.test"), {"deed": deed}, reasons={}, bounds=_TIGHT)))
    assert frames == [Frame({"begun": True})]
    assert died.value.code == "sandbox.died"
    assert "jane" not in str(died.value)


def _gathered(into: list[Frame], frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        into.append(frame)
    yield from ()


def test_a_child_refuses_by_a_known_code_and_in_our_words_only() -> None:
    reasons = {"pdf.encrypted": "the file is encrypted"}
    for code, expected in (("pdf.encrypted", ("pdf.encrypted", "the file is encrypted")), ("jane@example.test", ("sandbox.died", None))):
        with pytest.raises(Unreadable) as refused:
            list(spoken(f"{_WORK}:refuses", _of(b"jane@example.test"), {"code": code}, reasons=reasons))
        assert refused.value.code == expected[0]
        assert "jane" not in refused.value.reason
        assert expected[1] in (None, refused.value.reason)


def test_a_frame_that_claims_too_much_is_no_frame() -> None:
    with pytest.raises(Unreadable, match="failed"):
        list(spoken(f"{_WORK}:shouts", _of(b"x"), {}, reasons={}, bounds=_TIGHT))


def test_a_parser_that_is_not_there_is_told() -> None:
    with pytest.raises(Unreadable) as refused:
        list(spoken("tests.content.no_such_parser:read", _of(b"x"), {}, reasons={}))
    assert refused.value.code == "sandbox.none"


def test_the_time_of_a_child_comes_out_of_what_is_left_to_its_file() -> None:
    budget = Budget(Limits(seconds=30.0), began=monotonic() - 29.0)
    reading = Reading("files", None, budget=budget, depth=1)
    with pytest.raises(Unreadable) as late:
        list(spoken(f"{_WORK}:misbehaves", _of(b"x"), {"deed": "loops"}, reasons={}, reading=reading))
    assert late.value.code == "sandbox.died"
    with pytest.raises(Unreadable):
        list(spoken(f"{_WORK}:blocks", _of(b"abc"), {"size": 1}, reasons={}, reading=reading))


def test_a_file_of_some_size_has_the_time_for_it_unless_it_is_a_part() -> None:
    data = bytes(3 * 1024**2)
    for depth, is_read in ((0, True), (1, False)):
        reading = Reading("files", None, budget=Budget(Limits(seconds=1.0, pace=1024), began=monotonic() - 5.0), depth=depth)
        said = spoken(f"{_WORK}:blocks", _of(data), {"size": 1024**2}, reasons={}, reading=reading)
        if is_read:
            assert len(list(said)) == 3
        else:
            with pytest.raises(Unreadable):
                list(said)


def test_an_answer_that_nobody_hears_out_ends_its_child() -> None:
    for _ in range(20):
        frames = spoken(f"{_WORK}:blocks", _of(bytes(8 * 1024**2)), {"size": 1024**2}, reasons={})
        next(frames)
        del frames
    gc.collect()
    assert _said(b"jane") == b"JANE"


def test_the_server_is_started_anew_when_it_died() -> None:
    assert _said(b"a") == b"A"
    process = SERVER._process
    assert process is not None
    process.kill()
    process.wait()
    assert _said(b"b") == b"B"


def test_many_threads_are_served_at_once_and_each_hears_its_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: _said(f"file {number} ".encode() * 1000, 777), range(40)))
    assert answers == [f"FILE {number} ".encode() * 1000 for number in range(40)]


def test_a_child_within_the_answer_of_another_waits_for_nobody() -> None:
    outer = spoken(f"{_WORK}:blocks", _of(b"abc"), {"size": 1}, reasons={}, bounds=Bounds(seconds=5.0))
    assert [frame.body + _said(b"x") for frame in outer] == [b"AX", b"BX", b"CX"]


def test_no_parser_of_hostile_files_loads_what_matches_people() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(content.__file__).parent.rglob("*.py")]
    works = sorted({name for source in sources for name in re.findall(r'"(dsr_engine\.content[\w.]*):\w+"', source)})
    assert len(works) > 5
    told = f"import sys, {', '.join(works)}; print([name for name in sys.modules if name in ('dsr_engine.content.match', 'phonenumbers')])"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True).stdout.strip() == "[]"
