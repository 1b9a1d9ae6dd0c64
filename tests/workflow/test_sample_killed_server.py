"""The database server dies in the middle of a case: the case waits, and goes on where it was when the server is back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.engine import run_case
from tests.samples import pagila
from tests.samples.carrying import assert_forgotten, company_of
from tests.samples.mortal import MortalServer, mortal_server
from tests.samples.picture import Database, Outcome, assert_pictures
from tests.workflow.company import POLICY
from tests.workflow.journeys import NOON, WORKER, approved, opened_for, statement_of, waits_for, working
from tests.workflow.meddling import Once, meddled

POINTS = ("before find", "after change")


@pytest.fixture(scope="module")
def server() -> Iterator[MortalServer]:
    with mortal_server() as started:
        yield started


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_server_that_is_killed_is_waited_for_and_nothing_is_done_twice_or_left(
    point: str, empty_home: Path, tmp_path: Path, server: MortalServer
) -> None:
    database = Database("postgres", server.url)
    database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    pagila.build(database)
    before = database.picture()
    company = company_of(empty_home, tmp_path / "company", "pagila", database, pagila.CONNECTOR, POLICY)
    once = Once("pagila", point, server.kill)
    with working(company, drivers=meddled(once)) as house:
        case_id = opened_for(house, ("email", pagila.ANN)).id
        for _ in range(12):
            case = run_case(house, case_id, WORKER)
            if waits_for(case) in ("approval.missing", "coverage.gap"):
                approved(house, case, accept_gaps=True)
            elif waits_for(case) == "system_down":
                assert once.has_happened
                server.start()
                assert isinstance(house.clock, FixedClock)
                house.clock.at = max(house.clock.at, NOON)
            elif case.stage is Stage.CLOSED:
                break
        assert once.has_happened
        assert case.stage is Stage.CLOSED, case.wait
        statement_of(house, case)
    mine = pagila.rentals_of(7)
    gone: dict[str, list[Any]] = {"customer": ["7"], "address": ["7"], "rental": [str(number) for number in mine]}
    assert_pictures(database.picture(), Outcome(gone | pagila.payments_by_table(mine)).of(before))
    assert_forgotten(company, pagila.TRACES)
