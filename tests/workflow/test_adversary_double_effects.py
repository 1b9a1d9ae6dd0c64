"""Two of them at once: nobody gets two cases, and no figure counts a person twice."""

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.system import System
from dsr_engine.drivers.columns import Columns
from dsr_engine.drivers.registry import open_columns
from dsr_engine.workflow.dropping.matching import match
from dsr_engine.workflow.records.figures import figures_of
from tests.servers.drop_platform import FakePlatform
from tests.workflow.brokerage import (
    CONNECTOR,
    KEEPING,
    all_closed,
    brokering,
    email_hash,
    item,
    later,
    matched,
    phone_hash,
    pulled,
    reported,
    run_all,
)
from tests.workflow.company import Company
from tests.workflow.journeys import NOON

IDA = "(17, 'ida@example.org', '+1 (415) 555-9317', 'Ida', 'Lindqvist', '1985-07-04', '02139')"


@pytest.fixture
def broker(broker: Company) -> Company:
    broker.sql(f"INSERT INTO consumers VALUES {IDA};")
    return broker


def test_two_comparisons_at_once_open_one_case_for_each_consumer(broker: Company, platform: FakePlatform) -> None:
    platform.publish({"Email": [(item(), email_hash("ida@example.org"))], "Phone": [(item(), phone_hash("+1 (415) 555-9317"))]})
    with brokering(broker) as house, brokering(broker) as other:
        pulled(house)
        quicker: list[tuple[str, ...]] = []

        def overtaken(system: System) -> Columns | None:
            if not quicker:
                quicker.append(())
                quicker[0] = match(other, open_columns, by="colleague").cases
            return open_columns(system)

        slower = match(house, overtaken, by="officer").cases
        assert (len(quicker[0]), slower) == (1, ())
        with house.store.snapshot() as tx:
            assert len(tx.cases.list()) == 1


def test_a_consumer_whose_data_are_judged_anew_is_one_request_in_the_figures(broker: Company, platform: FakePlatform) -> None:
    broker.connector(CONNECTOR.replace("      first:   {", "      since:   {starts: retention}\n      first:   {"))
    broker.policy(KEEPING)
    broker.sql(f"ALTER TABLE consumers ADD COLUMN since DATE; UPDATE consumers SET since = '{NOON:%Y-%m-%d}';")
    platform.publish({"Email": [(item(), email_hash("ida@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        assert all_closed(run_all(house))
        reported(house)
    for days in (44, 88):
        with brokering(broker, FixedClock(later(days))) as house:
            assert len(matched(house).cases) == 1
            assert all_closed(run_all(house))
    with brokering(broker, FixedClock(later(90))) as house, house.store.snapshot() as tx:
        received = sum(figures_of(tx, house, year).rights[-1].received for year in {NOON.year, later(90).year})
    assert received == 1
