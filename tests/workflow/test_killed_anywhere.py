"""`kill -9` at every border of a journey, then the same journey again: nothing is done twice, nothing is left out, nobody else is touched.

A plain run takes a seeded sample, DSR_ALL_TESTS=1 one border of each passage, DSR_ALL_KILL_POINTS=1 every border. What lies on disks and what
lies in a bucket are two worlds, for a journey through a bucket takes three times as long.
"""

import functools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.plan import ResultState
from dsr_engine.drivers.objectstore.s3_probe import SCRATCH
from dsr_engine.workflow.house import House
from tests.servers.postgres import PostgresServer
from tests.servers.s3_server import S3Server
from tests.thoroughness import ALL_TESTS, EVERY_KILL_POINT
from tests.workflow.company import EMAIL, Company, founded, of_any_case
from tests.workflow.journeys import NOON, carried_through, ledger_of, opened_for, plan_of, results_of, statement_of, working
from tests.workflow.killing import borders_of, killed_at, passages

_WORLDS = {"disk": ("shop", "mail", "files"), "bucket": ("bucket",)}
_SAMPLE = {"disk": 16, "bucket": 9}
#: Tests that share the borders of a world among them, so that several processes can take part.
_CHUNKS = 12 if ALL_TESTS else 3
#: Everything that is somebody else's.
_CONTROLS = {"customers 18", "orders 181", "tickets 2", "mail/cur/3.mail.host:2,S", "files/readme.txt", "object readme.txt -0"}
_LATER = NOON + timedelta(minutes=10)
#: Borders that matter to the store: a sample of the journeys on PostgreSQL is killed at these.
_OF_THE_STORE = ("transaction", "commit", "claim", "release", "change in sql")

Founding = Callable[[str, str], Company]


@dataclass(frozen=True)
class Undisturbed:
    """What a journey without a kill crosses, and what it leaves behind."""

    borders: list[str]
    everything: dict[str, bytes]


@pytest.fixture(scope="session")
def founding(empty_home: Path, tmp_path_factory: pytest.TempPathFactory, moto_s3: S3Server) -> Founding:
    """Founds a company of a world under a name of its own."""
    place = tmp_path_factory.mktemp("killed")

    def found(world: str, name: str) -> Company:
        company = founded(empty_home, place / world / name, _WORLDS[world], s3=moto_s3, bucket=f"{place.name}-{name}")
        if "shop" in company.systems:  # where nothing may be left on the disk either
            company.declare("shop", f'{company.systems["shop"]}, level: C1, maintenance: run, window: "00:00-23:59"')
        return company

    return found


@pytest.fixture(scope="session")
def undisturbed(founding: Founding) -> Callable[[str], Undisturbed]:
    """The journey without a kill, walked once for each world."""

    @functools.cache
    def walked(world: str) -> Undisturbed:
        company = founding(world, "undisturbed")
        before = company.everything()
        borders, after = borders_of(company), company.everything()
        assert {place: before[place] for place in _CONTROLS & set(before)} == {place: after[place] for place in _CONTROLS & set(after)}
        assert EMAIL.encode() not in b"".join(after.values())
        return Undisturbed(borders, _comparable(after))

    return walked


def _chosen(borders: list[str], world: str, seed: int) -> list[int]:
    """The numbers of the borders to be killed at: those of all passages, or a sample of which half stand where something was just changed."""
    if ALL_TESTS:
        return passages(borders)
    numbers = list(range(len(borders)))
    chance = random.Random(seed)
    changing = [number for number in numbers if any(word in borders[number] for word in ("commit", "os.", "S3", "change"))]
    half = chance.sample(changing, _SAMPLE[world] // 2)
    rest = [number for number in numbers if number not in half]
    return sorted(half + chance.sample(rest, _SAMPLE[world] - len(half)))


def _seed(config: pytest.Config) -> int:
    seed = config.getoption("randomly_seed", default=None)
    return seed if isinstance(seed, int) else 2026


def _goes_on(company: Company, everything: dict[str, bytes]) -> None:
    """Runs what was killed as anybody would, by the ordinary path, and compares the end with that of an undisturbed run."""
    with working(company, FixedClock(_LATER)) as house:
        with house.store.snapshot() as tx:
            begun = tx.cases.list()
        assert len(begun) <= 1
        case = carried_through(house, begun[0] if begun else opened_for(house), worker="next")
        assert _comparable(company.everything()) == everything
        assert EMAIL.encode() not in b"".join(path.read_bytes() for path in company.folder.glob("shop.db*"))
        _assert_one_of_each(house, case)


def _comparable(everything: dict[str, bytes]) -> dict[str, bytes]:
    """Without what a killed probe of a bucket leaves behind: five bytes that say nothing, under a name that says what they are."""
    return {place: of_any_case(data) for place, data in everything.items() if not (SCRATCH in place and data == b"probe")}


def _assert_one_of_each(house: House, case: Case) -> None:
    assert (case.stage, case.outcome, case.round) == (Stage.CLOSED, Outcome.FULFILLED, 1)
    assert {result.state for result in results_of(house, case)} <= {ResultState.DONE, ResultState.ABSENT_AFTER_INTERRUPTION}
    leaves = ledger_of(house)
    items = [item.id for item in plan_of(house, case).items]
    for kind in ("effect.intended", "effect.done"):
        assert Counter(data["item"] for name, data in leaves if name == kind) == Counter(items)
    crossed = [(data["left"], data["to"]) for name, data in leaves if name == "case.stage"]
    assert len(crossed) == len(set(crossed)) == len(Stage) - 1
    statement = statement_of(house, case)
    assert (statement.serial, statement.verdict, statement.exceptions) == (1, "fulfilled", ())
    assert [path.name for path in house.paper.folder.iterdir()] == ["certificate-000001.pdf"]


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(_CHUNKS))
@pytest.mark.parametrize("world", _WORLDS)
def test_a_journey_that_was_killed_at_any_border_goes_on_to_the_same_end(
    world: str, chunk: int, founding: Founding, undisturbed: Callable[[str], Undisturbed], pytestconfig: pytest.Config
) -> None:
    plain, seed = undisturbed(world), _seed(pytestconfig)
    for number in _chosen(plain.borders, world, seed)[chunk::_CHUNKS]:
        print(f"killed at border {number} of {len(plain.borders)}: {plain.borders[number]} (seed {seed})")
        company = founding(world, f"{number}")
        killed_at(company, number)
        _goes_on(company, plain.everything)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(3))
def test_a_journey_whose_store_is_postgresql_goes_on_from_each_kind_of_border_of_the_store(
    chunk: int, founding: Founding, undisturbed: Callable[[str], Undisturbed], postgres_server: PostgresServer, pytestconfig: pytest.Config
) -> None:
    plain = undisturbed("disk")
    numbers = list(range(len(plain.borders)))
    random.Random(_seed(pytestconfig)).shuffle(numbers)
    of_kind = {plain.borders[number]: number for number in numbers}
    kinds = sorted(kind for kind in of_kind if EVERY_KILL_POINT or kind.endswith(_OF_THE_STORE))
    for kind in kinds[chunk::3]:
        number = of_kind[kind]
        print(f"killed at border {number}: {kind}")
        company, database = founding("disk", f"pg-{number}"), f"killed_{number}"
        postgres_server.run(f"CREATE DATABASE {database}")
        company.keep_store_in(postgres_server.url(database))
        killed_at(company, number)
        _goes_on(company, plain.everything)
        postgres_server.run(f"DROP DATABASE {database} WITH (FORCE)")
