"""A retention sweep of a hundred thousand and of a million rows in PostgreSQL: rows a second, peak memory, and what the store grows by.

Each sweep runs in a process of its own, so that its peak memory is its own. Smaller: DSR_SWEEP_ROWS=20000,60000.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from dsr_engine.bootstrap import create_home, opened, pin_policy, read_home
from dsr_engine.domain.case import Outcome
from dsr_engine.workflow.holds.reviewing import attest
from dsr_engine.workflow.sweeps.sweep import sweep
from tests.servers.postgres import PostgresServer

ROWS = tuple(int(rows) for rows in os.environ.get("DSR_SWEEP_ROWS", "100000,1000000").split(","))
#: Peak memory of the large sweep over that of the small one: constant, with room for what the allocator does.
MOST_GROWTH = 1.25
_CONNECTOR = """\
connector: events
driver: sql
collections:
  events:
    key: [id]
    fields:
      email: {category: user.contact.email}
      what:  {category: user.behavior}
      at:    {starts: retention}
discover: none
"""
_POLICY = """\
policy: retention
about: Events, two years.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: events
    when: {collection: events.events}
    keep: {for: 2 years, from: at}
    then: delete
sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 1000000000, max_share: 100%, first_runs_dry: 0, tranche: 20000}
"""


def carried(home_path: str) -> None:
    """Runs the sweep to its end and prints what it took; called in a process of its own."""
    home = read_home(Path(home_path), os.environ, allow_gaps=True)
    policy = home.declared.policies["retention"]
    pin_policy(home, policy)
    with opened(home) as house:
        attest(house, "counsel", "the list of matters")
        begin = time.perf_counter()
        swept = sweep(house, policy, by="officer", worker="bench")
        seconds = time.perf_counter() - begin
    assert swept.case.outcome is Outcome.FULFILLED, swept.case.wait
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "tranches": len(swept.carried), "affected": sum(done.affected for done in swept.carried)}))


def _filled(engine: sa.Engine, rows: int) -> None:
    """So many rows that are due, and as many that are not."""
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS events")
        connection.exec_driver_sql("CREATE TABLE events (id BIGINT PRIMARY KEY, email TEXT, what TEXT, at DATE)")
        connection.exec_driver_sql(
            "INSERT INTO events SELECT n, 'lead' || n || '@example.com', 'click', CASE WHEN mod(n, 2) = 0 THEN DATE '2001-01-01'"
            f" ELSE current_date END FROM generate_series(1, {2 * rows}) n"
        )
        connection.exec_driver_sql("ANALYZE events")


@pytest.mark.benchmark
def test_a_sweep_of_a_million_rows_takes_no_more_memory_than_one_of_a_hundred_thousand(
    postgres_server: PostgresServer, postgres_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres_server.url(postgres_database)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.pool.NullPool)
    peaks = []
    for rows in ROWS:
        _filled(engine, rows)
        home = tmp_path / f"home-{rows}"
        create_home(home, "Example Ltd")
        (home / "connectors" / "events.yaml").write_text(_CONNECTOR, encoding="utf-8")
        (home / "policies" / "retention.yaml").write_text(_POLICY, encoding="utf-8")
        (home / "systems.yaml").write_text(f'systems:\n  events: {{connector: events, url: "{url}"}}\n', encoding="utf-8")
        call = f"from tests.benchmarks.bench_sweep import carried; carried({str(home)!r})"
        done = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        store = sum(path.stat().st_size for path in home.glob("dsr.db*"))
        paper = sum(path.stat().st_size for path in (home / "certificates").iterdir())
        peaks.append(said["peak"])
        with capsys.disabled():
            print(
                f"\nPostgreSQL, sweep of {rows:,} rows: {rows / said['seconds']:,.0f} rows/s, {said['tranches']} tranches, peak memory"
                f" {said['peak'] / 1024**2:.0f} MiB, store {store / 1024**2:.1f} MiB ({store / rows:.0f} bytes/row),"
                f" certificates {paper / 1024**2:.1f} MiB"
            )
        with engine.connect() as connection:
            assert tuple(connection.exec_driver_sql("SELECT count(*), min(mod(id, 2)) FROM events").one()) == (rows, 1)
        assert said["affected"] == rows
    engine.dispose()
    assert peaks[-1] <= MOST_GROWTH * peaks[0]
