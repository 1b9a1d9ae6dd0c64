"""`kill -9` in the middle of a replay or of a later look, then the same again: nobody is erased twice, left out, or told of twice."""

import json
import random
import shutil
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.house import House
from dsr_engine.workflow.staying_erased.replaying import note_restore, open_replays, readiness
from dsr_engine.workflow.staying_erased.rescanning import rescan
from tests.workflow.company import EMAIL, NAME, Company, founded
from tests.workflow.journeys import NOON, carried_through, journey, working
from tests.workflow.killing import Borders, bordered, in_child

_EARLIER, _LATER = NOON - timedelta(hours=1), NOON + timedelta(minutes=10)
_SAMPLE = 4


def _replay(house: House) -> None:
    done = open_replays(house, note_restore(house, "shop", _EARLIER, "officer"))
    for id_ in done.cases:
        with house.store.snapshot() as tx:
            case = tx.cases.get(id_)
        carried_through(house, case, "replayer")


def _look(house: House) -> None:
    list(rescan(house))


def _restored(home: Path, folder: Path) -> Company:
    """A shop that erased a person and was restored to what it was before; what it was in between lies in `after.json`."""
    company = founded(home, folder)
    shutil.copy(company.shop, folder / "backup.db")
    journey(company)
    (folder / "after.json").write_text(json.dumps(_rows(company)), encoding="utf-8")
    shutil.copy(folder / "backup.db", company.shop)
    return company


def _imported(home: Path, folder: Path) -> Company:
    """A shop that erased a person whom a late import brought back."""
    company = founded(home, folder)
    journey(company)
    company.sql(f"INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}')")
    return company


def _rows(company: Company) -> dict[str, str]:
    return {name: data.decode() for name, data in company.everything().items()}


def _borders(company: Company, work: Callable[[House], None], at: FixedClock) -> int:
    note = company.folder / "borders.json"

    def count() -> None:
        borders = Borders()
        with bordered(company, borders, at) as house:
            work(house)
        note.write_text(str(len(borders.crossed)), encoding="utf-8")

    assert in_child(count) == 0
    return int(note.read_text(encoding="utf-8"))


def _kill(company: Company, work: Callable[[House], None], at: FixedClock, number: int) -> None:
    def walk() -> None:
        with bordered(company, Borders(number), at) as house:
            work(house)

    assert in_child(walk) == -signal.SIGKILL


@pytest.fixture
def sample() -> random.Random:
    return random.Random(20261121)


@pytest.mark.slow
def test_a_replay_that_was_killed_anywhere_ends_as_if_it_had_not_been(empty_home: Path, tmp_path: Path, sample: random.Random) -> None:
    count = _borders(_restored(empty_home, tmp_path / "whole"), _replay, FixedClock(NOON))
    for number in sample.sample(range(count), _SAMPLE):
        company = _restored(empty_home, tmp_path / str(number))
        _kill(company, _replay, FixedClock(NOON), number)
        with working(company, FixedClock(_LATER)) as house:
            _replay(house)
            with house.store.snapshot() as tx:
                (restore,) = tx.restores.open()
                (sequel,) = tx.sequels.on(f"restore:{restore.id}")
                assert tx.cases.get(sequel.case).stage is Stage.CLOSED, number
                assert len(tx.ledger.find("case.repeats")) == 1
            assert readiness(house, "shop").is_ready, number
        assert _rows(company) == json.loads((company.folder / "after.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_later_look_that_was_killed_anywhere_opens_one_case_and_one_incident(empty_home: Path, tmp_path: Path, sample: random.Random) -> None:
    day = FixedClock(NOON + timedelta(days=1, hours=1))
    count = _borders(_imported(empty_home, tmp_path / "whole"), _look, day)
    for number in sample.sample(range(count), min(count, _SAMPLE)):
        company = _imported(empty_home, tmp_path / str(number))
        _kill(company, _look, day, number)
        with working(company, day) as house:
            _look(house)
            with house.store.snapshot() as tx:
                found = [len(tx.ledger.find(kind)) for kind in ("rescan.found", "case.repeats", "incident.opened")]
            assert found == [1, 1, 1], number
