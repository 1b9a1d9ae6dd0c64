"""Whatever a parser comes to do with a crafted file, it does it in a child that can do nothing, and the engine goes on."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dsr_engine.content.sandbox import AT_ONCE, WAITING, Limits, apart
from dsr_engine.domain.errors import InputWrong

_WORK = "tests.content.hostile_parsers"
_TIGHT = Limits(cpu=1, seconds=3.0, answer=1024**2)


def test_a_parser_gets_the_bytes_and_gives_bytes_back() -> None:
    data = os.urandom(3 * 1024**2)
    assert apart(f"{_WORK}:upper", data) == data.upper()
    assert apart(f"{_WORK}:upper", b"") == b""


@pytest.mark.parametrize(
    "deed",
    [
        "loops",
        "sleeps",
        "eats",
        "talks",
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
def test_what_a_parser_may_not_do_ends_as_a_file_that_cannot_be_read(deed: str) -> None:
    with pytest.raises(InputWrong) as refused:
        apart(f"{_WORK}:{deed}", b"jane@example.test", _TIGHT)
    assert refused.value.code == "sandbox.unreadable"
    assert "jane" not in str(refused.value)


def test_a_parser_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    with pytest.raises(InputWrong):
        apart(f"{_WORK}:writes_a_file", str(tmp_path / "left").encode(), _TIGHT)
    assert list(tmp_path.iterdir()) == []


def test_a_parser_knows_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSR_PASSWORD", "hunter2")
    assert b"DSR_PASSWORD" not in apart(f"{_WORK}:environment", b"")


def test_an_answer_that_ends_too_soon_is_none() -> None:
    assert apart(f"{_WORK}:upper", b"a", _TIGHT) == b"A"
    with pytest.raises(InputWrong):
        apart(f"{_WORK}:shouts_before", b"", _TIGHT)


def test_many_at_a_time_are_served_one_after_the_other() -> None:
    most = AT_ONCE + WAITING
    with ThreadPoolExecutor(most) as callers:
        assert list(callers.map(lambda number: apart(f"{_WORK}:upper", b"%d" % number), range(most))) == [b"%d" % number for number in range(most)]


def test_who_comes_when_too_many_wait_is_sent_away_at_once() -> None:
    with ThreadPoolExecutor(AT_ONCE + WAITING + 1) as callers:
        answers = [callers.submit(apart, f"{_WORK}:sleeps", b"", _TIGHT) for _ in range(AT_ONCE + WAITING + 1)]
        codes = [answer.exception().code for answer in answers]  # type: ignore[union-attr]  # each of them is refused
    assert codes.count("sandbox.busy") == 1
    assert codes.count("sandbox.unreadable") == AT_ONCE + WAITING


def test_a_parser_of_a_server_that_is_root_is_nobody() -> None:
    assert apart(f"{_WORK}:account", b"") == (b"65534" if os.geteuid() == 0 else b"%d" % os.geteuid())
