"""What an archive may cost is counted against its own size, and waiting for others is no work; files are laid aside once."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import BinaryIO

import pytest

from dsr_engine.content.containers.held import Held, at_hand, view_of
from dsr_engine.content.containers.metered import metered, resting
from dsr_engine.content.files import read_file
from dsr_engine.content.format import Budget, Limits, Reading, Unreadable
from dsr_engine.content.stream import flowing
from dsr_engine.domain.record import Gap
from tests.content.plain_words import WordGate, opener


def _counting(data: bytes, opened: list[int]) -> Callable[[], BinaryIO]:
    """A file that can only be read forward and notes each time that it is opened."""

    def open_file() -> BinaryIO:
        opened.append(1)
        return opener(data, can_seek=False)()

    return open_file


def test_how_far_a_file_was_read_is_noted_once_however_often_it_is_read() -> None:
    budget = Budget(Limits())
    open_file = metered(opener(b"x" * 1000), budget)
    for _ in range(3):
        with open_file() as source:
            source.seek(400)
            assert len(source.read(100)) == 100
    assert budget.stored == 500
    with open_file() as source:
        source.seek(0, io.SEEK_END)
        assert budget.stored == 500
        assert source.read(1) == b""


def test_a_metered_file_on_disk_keeps_its_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with metered(lambda: path.open("rb"), Budget(Limits()))() as source:
        assert source.fileno() >= 0
        buffer = bytearray(4)
        assert source.readinto(buffer) == 4  # type: ignore[attr-defined]  # raw files have it
        assert bytes(buffer) == b"cont"
        assert source.tell() == 4


def test_the_time_of_who_takes_what_was_found_is_no_work() -> None:
    budget = Budget(Limits())
    taken = resting(iter("abc"), budget)
    assert next(taken) == "a"
    budget.began -= 5.0
    before = budget.idle
    assert list(taken) == ["b", "c"]
    assert budget.idle >= before


def test_time_is_counted_against_size() -> None:
    budget = Budget(Limits(seconds=10.0, pace=100), began=monotonic() - 15.0)
    assert budget.used > 1.0
    assert budget.left == 0.0
    with pytest.raises(Unreadable) as late:
        budget.check()
    assert late.value.code == "archive.too_long"
    budget.stored = 100_000
    budget.check()
    assert budget.left > 900.0


def test_a_file_that_is_no_container_ends_as_a_gap_where_it_takes_far_too_long() -> None:
    began = monotonic() - 15.0
    budget = Budget(Limits(seconds=10.0, pace=1000, patience=5), began=began)
    with metered(opener(b"<html>jane"), budget)() as source, pytest.raises(Unreadable) as late:
        source.read(4)
    assert late.value.code == "file.too_long"
    budget.stored = 10_000
    with metered(opener(b"<html>jane"), budget)() as source:
        assert source.read(4) == b"<htm"


@pytest.mark.parametrize(
    "start", [b"<html><p>", b"<?xml version='1.0'?><a>", b"{\\rtf1 ", b"id,name\n", b"{", b"From: a@x.org\nTo: b@x.org\n\n", b"\0\1\2"]
)
def test_files_of_any_format_end_where_there_is_no_time_left(start: bytes) -> None:
    found = list(read_file(opener(start + b"jane " * 500_000), Reading("files", WordGate("jane"), limits=Limits(seconds=0.0, patience=0))))
    assert "file.too_long" in {got.code for got in found if isinstance(got, Gap)}


def test_what_may_be_unpacked_grows_with_size() -> None:
    budget = Budget(Limits(decoded_bytes=1000, growth=2), decoded=1500)
    with pytest.raises(Unreadable) as large:
        budget.check()
    assert large.value.code == "archive.too_large"
    budget.stored = 300
    budget.check()


@pytest.mark.parametrize("size", [10, 20_000_000])
def test_a_file_that_cannot_go_back_is_opened_once_while_it_is_held(size: int) -> None:
    opened: list[int] = []
    data = bytes(range(250)) * (size // 250) + b"end"
    with Held(_counting(data, opened)) as held:
        for at in (size // 2, 0, size // 3):
            with held.open() as view:
                view.seek(at)
                assert view.read(5) == data[at : at + 5]
        with held.open() as one, held.open() as other:
            assert (one.read(3), other.read(3), one.read(3)) == (data[:3], data[:3], data[3:6])
            assert one.seek(-3, io.SEEK_END) == len(data) - 3
            assert one.read() == b"end"
    assert len(opened) == 1
    with held.open() as again:
        assert again.read(2) == data[:2]
    assert len(opened) == 2


def test_a_file_that_breaks_off_while_it_is_laid_aside_says_so() -> None:
    def broken() -> Iterator[bytes]:
        yield b"start"
        raise Unreadable("archive.damaged", "it is damaged")

    with pytest.raises(Unreadable), Held(lambda: flowing(broken())):
        pass
    with at_hand(lambda: flowing(broken()))() as source:
        assert source.read(1000) == b"start"
        with pytest.raises(Unreadable):
            source.read(1000)


def test_small_files_that_cannot_go_back_are_opened_once_more_and_kept() -> None:
    opened: list[int] = []
    kept = at_hand(_counting(b"small", opened))
    assert [kept().read(), kept().read()] == [b"small", b"small"]
    assert len(opened) == 1
    large = at_hand(_counting(b"x" * 1_000_000, opened))
    assert len(large().read()) == 1_000_000
    assert len(opened) == 3
    here = opener(b"it can go back")
    assert at_hand(here) is here


def test_closing_a_view_leaves_the_file_open() -> None:
    source = io.BytesIO(b"content")
    with view_of(source) as view:
        assert view.read() == b"content"
    assert not source.closed
