"""Which records a list leads to: of one consumer or of two, with keys or without, in tables and in files."""

import pytest

from dsr_engine.domain.suppression import Basis
from tests.servers.drop_platform import FakePlatform
from tests.workflow.brokerage import all_closed, brokering, email_hash, item, matched, ndz_hash, phone_hash, pulled, reported, run_all
from tests.workflow.company import Company

PEOPLE = """\
INSERT INTO consumers VALUES
  (17, 'Ida.Lindqvist@example.org', '+1 (415) 555-9317', 'Ida', 'Lindqvist', '1985-07-04', '02139'),
  (18, 'bob.marsh@example.net', '+1 (415) 555-0001', 'Bob', 'Marsh', '1970-01-31', '91790-3771'),
  (19, 'cat@example.net', '+1 (415) 555-0001', 'Cat', 'Marsh', '1972-02-28', '91790');
INSERT INTO purchases VALUES (1, 17, 'a lamp'), (2, 18, 'tea');
"""


@pytest.fixture
def broker(broker: Company) -> Company:
    broker.sql(PEOPLE)
    return broker


def names(company: Company) -> list[str]:
    return [row[0] for row in company.rows("SELECT first FROM consumers ORDER BY id")]


def test_a_whole_name_with_birth_date_and_zip_leads_to_the_person(broker: Company, platform: FakePlatform) -> None:
    found = item()
    platform.publish({"NDZ": [(found, ndz_hash("IDA", "Lindqvist", "1985-07-04", "2139"))]})
    with brokering(broker) as house:
        pulled(house)
        assert len(matched(house).cases) == 1
        run_all(house)
        reported(house)
    assert platform.current is not None
    assert (platform.current.answers, names(broker)) == ({found: 3}, ["Bob", "Cat"])


def test_an_identifier_of_two_consumers_deletes_nobody_and_opts_both_out(broker: Company, platform: FakePlatform) -> None:
    shared = item()
    platform.publish({"Phone": [(shared, phone_hash("4155550001"))]})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        done = matched(house)
        assert (done.cases, done.opted_out) == ((), 1)
        with house.store.snapshot() as tx:
            assert all(tx.suppression.is_suppressed("email", address) for address in ("bob.marsh@example.net", "cat@example.net"))
            assert not tx.suppression.is_suppressed("email", "ida.lindqvist@example.org")
            assert set(tx.suppression.counts()) == {Basis.OPT_OUT}
        reported(house)
    assert broker.everything() == before
    assert platform.current is not None
    assert platform.current.answers == {shared: 4}


def test_one_person_on_three_lists_is_one_case(broker: Company, platform: FakePlatform) -> None:
    items = {"Email": item(), "Phone": item(), "NDZ": item()}
    platform.publish(
        {
            "Email": [(items["Email"], email_hash("Ida.Lindqvist@example.org"))],
            "Phone": [(items["Phone"], phone_hash("4155559317"))],
            "NDZ": [(items["NDZ"], ndz_hash("Ida", "Lindqvist", "19850704", "02139"))],
        }
    )
    with brokering(broker) as house:
        pulled(house)
        assert len(matched(house).cases) == 1
        run_all(house)
        reported(house)
    assert platform.current is not None
    assert platform.current.answers == dict.fromkeys(items.values(), 3)


def test_two_accounts_of_one_person_go_together(broker: Company, platform: FakePlatform) -> None:
    broker.sql("INSERT INTO consumers VALUES (20, 'ida.lindqvist@EXAMPLE.org', NULL, 'Ida', 'Lindqvist', NULL, NULL);")
    found = item()
    platform.publish({"Email": [(found, email_hash("ida.lindqvist@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        assert len(matched(house).cases) == 1
        assert all_closed(run_all(house))
        reported(house)
    assert platform.current is not None
    assert (platform.current.answers, names(broker)) == ({found: 3}, ["Bob", "Cat"])


def test_a_record_that_has_nothing_but_the_telephone_goes_and_its_neighbour_stays(broker: Company, platform: FakePlatform) -> None:
    broker.sql("INSERT INTO leads VALUES (1, 'Lee', '(212) 555-1212'), (2, 'Lee', '(212) 555-1213');")
    found = item()
    platform.publish({"Phone": [(found, phone_hash("12125551212"))]})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        assert len(matched(house).cases) == 1
        assert all_closed(run_all(house))
        reported(house)
    after = broker.everything()
    assert {name for name, data in before.items() if after.get(name) != data} == {"leads 1"}
    assert platform.current is not None
    assert platform.current.answers == {found: 3}


def test_rows_of_files_are_compared_as_well(broker: Company, platform: FakePlatform) -> None:
    broker.add_files()
    found = item()
    platform.publish({"Email": [(found, email_hash("Ida.Lindqvist@example.org")), (item(), email_hash("no@example.org"))]})
    broker.sql("DELETE FROM purchases; DELETE FROM consumers")
    with brokering(broker) as house:
        pulled(house)
        done = matched(house)
        assert {(place.system, place.collection) for place in done.compared} == {("shop", "consumers"), ("files", "*.csv")}
        assert (done.gaps, len(done.cases)) == ((), 1)
        run_all(house)
        reported(house)
    assert (broker.files / "people.csv").read_text(encoding="utf-8") == "number,email\n18,bob.marsh@example.net\n"
    assert platform.current is not None
    assert platform.current.answers[found] == 3
