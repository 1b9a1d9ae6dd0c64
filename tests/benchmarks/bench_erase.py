"""The whole engine: 10,000 rows of one person in PostgreSQL, from the approved plan to the results, with the store on SQLite."""

import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from dsr_engine.bootstrap import create_home, opened, pin_policy, read_home
from dsr_engine.domain.case import Stage
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.reviewing import attest
from dsr_engine.workflow.intake import Claim, Request, open_case
from tests.servers.postgres import PostgresServer

ROWS = 10_000
_CONNECTOR = """\
connector: events
driver: sql
collections:
  events:
    key: [id]
    fields:
      email: {category: user.contact.email, selects: email}
discover: none
"""


@pytest.mark.benchmark
def test_rows_erased_by_the_engine_per_second(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres_server.url(postgres_database)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE events (id BIGINT PRIMARY KEY, email TEXT, what TEXT)")
        connection.exec_driver_sql(
            "INSERT INTO events SELECT n, CASE WHEN mod(n, 2) = 0 THEN 'jane@example.com' ELSE 'bob' || n || '@example.com' END, 'click'"
            f" FROM generate_series(1, {2 * ROWS}) n"
        )
    home_path = tmp_path / "home"
    create_home(home_path, "Example Ltd")
    (home_path / "connectors" / "events.yaml").write_text(_CONNECTOR, encoding="utf-8")
    (home_path / "systems.yaml").write_text(f'systems:\n  events: {{connector: events, url: "{url}"}}\n', encoding="utf-8")
    home = read_home(home_path, os.environ, allow_gaps=True)
    policy = home.declared.policies["one-shot"]
    pin_policy(home, policy)
    with opened(home) as house:
        attest(house, "counsel", "the list of matters")
        claim = Claim("email", Secret("jane@example.com"))
        case = open_case(house, Request((claim,), policy, "officer", vouched=True, grounds={"user": "purpose_over"}))
        assert run_case(house, case.id, "bench").stage is Stage.APPROVE
        with house.store.snapshot() as tx:
            plan = tx.plans.latest(case.id)
        assert plan is not None
        give_approval(house, case.id, plan.digest(), "approver")
        assert run_case(house, case.id, "bench", until=Stage.EXECUTE).stage is Stage.EXECUTE
        begin = time.perf_counter()
        assert run_case(house, case.id, "bench", until=Stage.VERIFY_ABSENCE).stage is Stage.VERIFY_ABSENCE
        seconds = time.perf_counter() - begin
    with engine.begin() as connection:
        left = connection.exec_driver_sql("SELECT count(*), count(DISTINCT email) FROM events").one()
    engine.dispose()
    with capsys.disabled():
        print(f"\nPostgreSQL, whole engine: {ROWS / seconds:,.0f} rows/s from approved plan to results, {len(plan.items)} batches")
    assert tuple(left) == (ROWS, ROWS)
