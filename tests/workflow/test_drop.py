"""From the platform's list to its statuses, with people beside the consumers whose records have to stay byte for byte."""

import sqlite3
from contextlib import closing

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.drop import Access, DropStatus
from dsr_engine.domain.errors import Conflict, NotAllowed, Unreachable
from dsr_engine.domain.request import Manner
from dsr_engine.workflow.dropping.matching import accept_gaps
from dsr_engine.workflow.dropping.pulling import take
from dsr_engine.workflow.dropping.standing import noticed, standing, tend_drop
from tests.servers.drop_platform import KEY, FakePlatform, archive
from tests.servers.postgres import PostgresServer
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

IDA = "(17, 'Ida.Lindqvist@example.org', '+1 (415) 555-9317', 'Ida', 'Lindqvist', '1985-07-04', '02139')"
BOB = "(18, 'bob.marsh@example.net', '+1 (415) 555-0001', 'Bob', 'Marsh', '1970-01-31', '91790-3771')"
CAT = "(19, 'cat@example.net', '+1 (415) 555-0001', 'Cat', 'Marsh', '1972-02-28', '91790')"


@pytest.fixture
def broker(broker: Company) -> Company:
    broker.sql(f"INSERT INTO consumers VALUES {IDA}, {BOB}, {CAT}; INSERT INTO purchases VALUES (1, 17, 'a lamp'), (2, 18, 'tea');")
    return broker


def names(company: Company) -> list[str]:
    return [row[0] for row in company.rows("SELECT first FROM consumers ORDER BY id")]


def test_who_is_on_a_list_is_deleted_and_everybody_else_stays_as_they_were(broker: Company, platform: FakePlatform) -> None:
    ida, nobody = item(), item()
    platform.publish({"Email": [(ida, email_hash("ida.lindqvist@example.org")), (nobody, email_hash("nobody@example.org"))]})
    before = broker.everything()
    with brokering(broker) as house:
        assert pulled(house).outcome is Access.RECEIVED
        done = matched(house)
        assert (done.matched, len(done.cases), done.not_found) == (1, 1, 1)
        cases = run_all(house)
        assert all_closed(cases)
        reported(house)
    after = broker.everything()
    assert {name for name, data in before.items() if after.get(name) != data} == {"consumers 17", "purchases 1"}
    assert platform.current is not None
    assert platform.current.answers == {ida: 3, nobody: 5}


def test_a_case_of_a_match_is_of_the_platform_and_runs_from_the_day_of_receipt(broker: Company, platform: FakePlatform) -> None:
    platform.publish({"Email": [(item(), email_hash("ida.lindqvist@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
    with brokering(broker, FixedClock(later(10))) as house:
        (case_id,) = matched(house).cases
        with house.store.snapshot() as tx:
            case, entry = tx.cases.get(case_id), tx.request_log.of(case_id)
    assert (case.identity, case.regimes, case.received_at) == ("drop_platform", ("ca-delete-act",), NOON)
    assert entry is not None
    assert entry.manner is Manner.DROP


def test_what_the_law_lets_a_broker_keep_is_reported_as_exempt(broker: Company, platform: FakePlatform) -> None:
    broker.connector(CONNECTOR.replace("      first:   {", "      since:   {starts: retention}\n      first:   {"))
    broker.policy(KEEPING)
    broker.sql(f"ALTER TABLE consumers ADD COLUMN since DATE; UPDATE consumers SET since = '{NOON:%Y-%m-%d}'; DELETE FROM purchases;")
    found = item()
    platform.publish({"Email": [(found, email_hash("ida.lindqvist@example.org"))]})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        assert all_closed(run_all(house))
        reported(house)
        assert matched(house).cases == ()
    assert broker.everything() == before
    assert platform.current is not None
    assert platform.current.answers == {found: 2}
    with brokering(broker, FixedClock(later(44))) as house:
        assert len(matched(house).cases) == 1  # judged anew before 45 days are over


def test_a_list_without_statuses_for_all_is_not_handed_in(broker: Company, platform: FakePlatform) -> None:
    ida, nobody = item(), item()
    platform.publish({"Email": [(ida, email_hash("ida.lindqvist@example.org")), (nobody, email_hash("nobody@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        with pytest.raises(Conflict) as refused:
            reported(house)
        assert refused.value.code == "drop.open"
        assert platform.seen.count("POST /data/upload") == 0
        assert reported(house, partial=True).open_items == 1
        assert platform.current is not None
        assert platform.current.answers == {nobody: 5}
        run_all(house)
        reported(house)
    assert platform.current.answers == {ida: 3, nobody: 5}
    assert platform.current.files == {"20260801_4821_Email.csv", "20260801_4821_Email_part01.csv"}


def test_while_statuses_are_missing_the_platform_hands_out_nothing_and_it_is_said_why(broker: Company, platform: FakePlatform) -> None:
    platform.publish({"Email": [(item(), email_hash("nobody@example.org"))]})
    platform.publish({"Email": []}, day="20260901")
    with brokering(broker) as house:
        pulled(house)
        with pytest.raises(Conflict) as refused:
            pulled(house)
        assert refused.value.code == "drop.unfinished"
        matched(house)
        reported(house)
        assert pulled(house).outcome is Access.RECEIVED
        assert pulled(house).outcome is Access.NOTHING_NEW


def test_an_archive_that_is_being_made_and_a_busy_platform_are_waited_for(broker: Company, platform: FakePlatform) -> None:
    platform.publish({"Email": [(item(), email_hash("nobody@example.org"))]})
    platform.prepares, platform.busy = 2, 1
    with brokering(broker) as house:
        assert pulled(house).outcome is Access.RECEIVED
        matched(house)
        platform.busy = 2
        assert reported(house).files


def test_an_answer_that_arrived_without_our_knowing_is_not_an_error_the_second_time(broker: Company, platform: FakePlatform) -> None:
    platform.publish({"Email": [(item(), email_hash("nobody@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        platform.drops = 1
        with pytest.raises(Unreachable):
            reported(house)
    with brokering(broker) as house:
        reported(house)
        assert standing(house).batches[0].batch.complete_at is not None
    assert platform.current is not None
    assert list(platform.current.answers.values()) == [5]


def test_an_item_that_is_found_later_is_deleted_and_its_status_corrected(broker: Company, platform: FakePlatform) -> None:
    found = item()
    platform.publish({"Email": [(found, email_hash("new@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        reported(house)
    assert platform.current is not None
    assert platform.current.answers == {found: 5}
    broker.sql("INSERT INTO consumers (id, email, first) VALUES (20, 'NEW@example.org', 'New')")
    with brokering(broker, FixedClock(later(40))) as house:
        assert len(matched(house).cases) == 1
        run_all(house)
        (done,) = reported(house).files
    assert (done.manner, platform.amended) == ("amend", {found: 3})
    assert names(broker) == ["Ida", "Bob", "Cat"]


def test_a_consumer_who_cancelled_is_left_alone_from_then_on(broker: Company, platform: FakePlatform) -> None:
    ida, bob = item(), item()
    hashes = {ida: email_hash("ida.lindqvist@example.org"), bob: email_hash("bob.marsh@example.net")}
    platform.publish({"Email": list(hashes.items())})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        assert len(matched(house).cases) == 2
        take(house, "20260802_4821_DROP.zip", archive({}, [(bob, hashes[bob], "Email")]), by_hand=True)
        matched(house)  # it settles first
        run_all(house)
        reported(house)
        assert matched(house).cases == ()
    after = broker.everything()
    assert {name for name, data in before.items() if after.get(name) != data} == {"consumers 17", "purchases 1"}
    assert platform.current is not None
    assert platform.current.answers == {ida: 3}


def test_nobody_counts_as_not_found_while_something_was_not_compared(broker: Company, platform: FakePlatform) -> None:
    broker.add_mail()
    found = item()
    platform.publish({"Email": [(found, email_hash("nobody@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        done = matched(house)
        assert [(gap.system, gap.code) for gap in done.gaps] == [("mail", "drop.no_fields")]
        with pytest.raises(Conflict):
            reported(house)
        assert accept_gaps(house, "officer") == 1
        assert matched(house).gaps[0].accepted_by
        reported(house)
    assert platform.current is not None
    assert platform.current.answers == {found: 5}


def test_a_failed_fetch_is_told_of_until_the_agency_knows(broker: Company, platform: FakePlatform) -> None:
    platform.refuses = 1
    with brokering(broker, FixedClock(later(0))) as house:
        with pytest.raises(NotAllowed):
            pulled(house)
        assert standing(house).notice_by is not None
        take(house, "20260801_4821_DROP.zip", archive({"Email": [(item(), email_hash("nobody@example.org"))]}), by_hand=True)
        assert standing(house).notice_by is not None
        noticed(house, "officer")
        assert standing(house).notice_by is None


def test_alarms_ring_once_at_thirty_and_at_forty_days(broker: Company, platform: FakePlatform) -> None:
    with brokering(broker) as house:
        pulled(house)
    said = []
    for day in (29, 30, 31, 40, 41, 46):
        with brokering(broker, FixedClock(later(day))) as house:
            said.append(len(list(tend_drop(house))))
    assert said == [0, 1, 0, 1, 0, 1]


def test_the_same_archive_is_taken_once(broker: Company) -> None:
    data = archive({"Email": [(item(), email_hash("nobody@example.org"))]})
    with brokering(broker) as house:
        first = take(house, "a_DROP.zip", data, by_hand=True)
        again = take(house, "b_DROP.zip", data, by_hand=True)
        assert first.batch is not None
        assert again.batch is not None
        assert again.batch.id == first.batch.id
        with house.store.snapshot() as tx:
            assert len(tx.drop.batches()) == 1


def test_the_store_and_the_logs_hold_neither_the_hashes_nor_the_people(
    broker: Company, platform: FakePlatform, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = [email_hash("ida.lindqvist@example.org"), phone_hash("4155550001"), email_hash("nobody@example.org")]
    platform.publish({"Email": [(item(), hashes[0]), (item(), hashes[2])], "Phone": [(item(), hashes[1])]})
    with caplog.at_level("DEBUG"), brokering(broker) as house:
        pulled(house)
        matched(house)
        run_all(house)
        reported(house)
    written = b"".join(path.read_bytes() for path in broker.home.rglob("*") if path.is_file())
    with closing(sqlite3.connect(broker.home / "dsr.db")) as connection:
        written += "\n".join(connection.iterdump()).encode()
    written += caplog.text.encode()
    words = [
        *hashes,
        *(found.rstrip("=") for found in hashes),
        "ida.lindqvist@example.org",
        "Ida.Lindqvist",
        "5550001",
        "Lindqvist",
        KEY,
    ]
    assert [word for word in words if word.encode() in written] == []


def test_every_status_has_the_platforms_number() -> None:
    assert {status.name: int(status) for status in DropStatus} == {"EXEMPTED": 2, "DELETED": 3, "OPTED_OUT": 4, "NOT_FOUND": 5}


def test_a_store_in_postgresql_does_as_well(broker: Company, platform: FakePlatform, postgres_server: PostgresServer, postgres_database: str) -> None:
    broker.keep_store_in(postgres_server.url(postgres_database))
    ida, nobody, shared = item(), item(), item()
    lists = {
        "Email": [(ida, email_hash("ida.lindqvist@example.org")), (nobody, email_hash("no@x.org"))],
        "Phone": [(shared, phone_hash("4155550001"))],
    }
    platform.publish(lists)
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        reported(house, partial=True)
        run_all(house)
        reported(house)
        take(house, "again.zip", archive({}, [(nobody, lists["Email"][1][1], "Email")]), by_hand=True)
        matched(house)
        stand = standing(house)
    assert platform.current is not None
    assert platform.current.answers == {ida: 3, nobody: 5, shared: 4}
    assert [(entry.open, entry.to_amend, entry.is_stale) for entry in stand.batches] == [(0, 0, False)] * 2


def test_a_consumer_who_cancelled_and_asks_again_is_compared_anew(broker: Company, platform: FakePlatform) -> None:
    found, hashed = item(), email_hash("new@example.org")
    platform.publish({"Email": [(found, hashed)]})
    platform.publish({"Email": []}, [(found, hashed, "Email")], day="20260901")
    platform.publish({"Email": [(found, hashed)]}, day="20261001")
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        reported(house)
        pulled(house)
    broker.sql("INSERT INTO consumers (id, email, first) VALUES (20, 'new@example.org', 'New')")
    with brokering(broker, FixedClock(later(30))) as house:
        assert matched(house).cases == ()
        pulled(house)
        with pytest.raises(Conflict):
            reported(house)
        assert len(matched(house).cases) == 1
        run_all(house)
        reported(house)
    assert platform.current is not None
    assert (platform.current.answers, names(broker)) == ({found: 3}, ["Ida", "Bob", "Cat"])
