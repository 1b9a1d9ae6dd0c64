"""The first runs of a sweep are dry, and a run that could look at nothing is none of them."""

from datetime import timedelta

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.sweeps.sweep import dry_runs, sweep
from tests.workflow.company import Company
from tests.workflow.journeys import NOON, WORKER, working

_CONNECTOR = """\
connector: shop
driver: sql
collections:
  leads:
    key: [id]
    fields:
      email: {category: user.contact.email, selects: email}
      seen:  {starts: retention}
"""
_POLICY = """\
policy: ours
about: Leads, two years.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: leads
    when: {collection: shop.leads}
    keep: {for: 2 years, from: seen}
    then: delete
sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 100, max_share: 100%, first_runs_dry: 2}
"""


@pytest.mark.parametrize(("kind", "counted"), [("DATE", [1, 2, 2, 2]), ("TEXT", [0, 0, 0, 0])])
def test_only_runs_that_looked_count_as_the_first_ones(shop: Company, kind: str, counted: list[int]) -> None:
    shop.sql(f"CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, seen {kind}); INSERT INTO leads VALUES (1, 'lead@example.org', '2001-01-01')")
    shop.connector(_CONNECTOR)
    shop.policy(_POLICY)
    seen = []
    for number in range(4):
        with working(shop, FixedClock(NOON + timedelta(days=number))) as house:
            sweep(house, house.policies["ours"], by="officer", worker=WORKER)
            with house.store.snapshot() as tx:
                seen.append(dry_runs(tx, house.policies["ours"]))
    assert seen == counted
    assert (shop.rows("SELECT id FROM leads") == []) is (kind == "DATE")
