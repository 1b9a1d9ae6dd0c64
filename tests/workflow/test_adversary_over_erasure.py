"""Over-erasure: what would take the records of people who asked for nothing, with the data that real companies have."""

import sqlite3
from datetime import timedelta

import pytest

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.incident import IncidentKind
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.incidents import open_incident
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.staying_erased.replaying import note_restore, open_replays, readiness
from dsr_engine.workflow.staying_erased.screening import is_listed
from dsr_engine.workflow.staying_erased.suppressing import lift
from tests.servers.drop_platform import FakePlatform
from tests.workflow.brokerage import (
    CONNECTOR,
    brokering,
    email_hash,
    item,
    matched,
    ndz_hash,
    phone_hash,
    pulled,
    run_all,
)
from tests.workflow.company import EMAIL, Company
from tests.workflow.journeys import NOON, carried_through, opened_for, working

_MAILED = CONNECTOR.replace(
    "      phone: {category: user.contact.phone_number, selects: phone}\ndiscover",
    "      phone: {category: user.contact.phone_number, selects: phone}\n      email: {category: user.contact.email, selects: email}\n"
    "      born: {category: user.date_of_birth, selects: date_of_birth}\n"
    "      zip: {category: user.contact.address.postal_code, selects: postcode}\ndiscover",
)


@pytest.fixture
def broker(broker: Company) -> Company:
    broker.connector(_MAILED)
    broker.sql("ALTER TABLE leads ADD COLUMN email TEXT; ALTER TABLE leads ADD COLUMN born TEXT; ALTER TABLE leads ADD COLUMN zip TEXT;")
    return broker


@pytest.mark.parametrize("mail", ["none@none.com", "n/a", "noreply@shop.example.com", "-", "unknown@unknown"])
def test_an_address_that_many_leads_share_takes_nobody_but_who_is_listed(broker: Company, platform: FakePlatform, mail: str) -> None:
    broker.sql(
        "INSERT INTO leads (id, name, phone, email) VALUES "
        + ", ".join(f"({n}, 'Lead {chr(64 + n)} Person', '+1 415 555 {1000 + n}', '{mail}')" for n in range(1, 9))
    )
    platform.publish({"Phone": [(item(), phone_hash("+1 415 555 1003"))]})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        run_all(house)
    after = broker.everything()
    assert {name for name, data in before.items() if after.get(name) != data} <= {"leads 3"}


@pytest.mark.parametrize("mail", ["none@none.com", "n/a"])
def test_the_address_of_a_consumer_by_name_and_birth_date_takes_nobody_else(broker: Company, platform: FakePlatform, mail: str) -> None:
    broker.sql(
        "INSERT INTO consumers VALUES " + ", ".join(f"({n}, '{mail}', NULL, 'Name{chr(64 + n)}', 'Last', '1970-01-01', '90210')" for n in range(1, 9))
    )
    broker.sql(f"INSERT INTO leads (id, name, phone, email) VALUES (50, 'Some Body', '+1 415 555 9999', '{mail}')")
    platform.publish({"NDZ": [(item(), ndz_hash("NameC", "Last", "1970-01-01", "90210"))]})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        run_all(house)
    after = broker.everything()
    assert {name for name, data in before.items() if after.get(name) != data} <= {"consumers 3"}


def test_a_number_that_all_guests_have_takes_no_other_guest(broker: Company, platform: FakePlatform) -> None:
    broker.connector(_MAILED.replace("      note:        {category: user.content}", "      mail: {category: user.contact.email, selects: email}"))
    broker.sql(
        "ALTER TABLE purchases ADD COLUMN mail TEXT; INSERT INTO consumers (id, first, last) VALUES (1, 'Guest', 'Account');"
        "INSERT INTO purchases (id, consumer_id, mail) VALUES " + ", ".join(f"({n}, 1, 'person{n}@example.org')" for n in range(1, 9))
    )
    platform.publish({"Email": [(item(), email_hash("person4@example.org"))]})
    before = broker.everything()
    with brokering(broker) as house:
        pulled(house)
        matched(house)
        run_all(house)
    after = broker.everything()
    assert {name for name, data in before.items() if after.get(name) != data} == {"purchases 4"}


def test_who_was_erased_by_mistake_and_brought_back_is_not_matched_again(broker: Company, platform: FakePlatform) -> None:
    row = "INSERT INTO consumers VALUES (17, 'ida@example.org', NULL, 'Ida', 'Lindqvist', '1985-07-04', '02139')"
    broker.sql(row)
    platform.publish({"Email": [(item(), email_hash("ida@example.org"))]})
    with brokering(broker) as house:
        pulled(house)
        (case,) = matched(house).cases
        run_all(house)
        assert broker.rows("SELECT * FROM consumers") == []
        matched(house)
        open_incident(house, IncidentKind.WRONG_PERSON, case, NOON, "officer")
        broker.sql(row)
        assert matched(house).cases == ()


@pytest.mark.parametrize("reason", ["wrong_person", "came_back", "incident"])
def test_whoever_was_lifted_is_not_erased_again_by_a_replay(shop: Company, reason: str) -> None:
    before = shop.everything()
    copy = sqlite3.connect(":memory:")
    with sqlite3.connect(shop.shop) as source:
        source.backup(copy)
    source.close()
    with working(shop) as house:
        case = carried_through(house, opened_for(house))
        assert case.outcome is not None
    assert shop.everything() != before
    with working(shop, FixedClock(NOON + timedelta(hours=1))) as house:
        if reason == "incident":
            open_incident(house, IncidentKind.WRONG_PERSON, case.id, NOON + timedelta(minutes=30), "officer")
        else:
            assert lift(house, [Claim("email", Secret(EMAIL))], reason, "officer")
    with sqlite3.connect(shop.shop) as target:
        copy.backup(target)
    target.close()
    copy.close()
    with working(shop, FixedClock(NOON + timedelta(hours=2))) as house:
        done = open_replays(house, note_restore(house, "shop", NOON - timedelta(hours=1), "officer"))
        assert (done.cases, done.missing) == ((), [])
        assert readiness(house, "shop").missing == ()
        assert not is_listed(house, {"email": EMAIL}, "officer")
    with working(shop, FixedClock(NOON + timedelta(days=8))) as house:
        list(do_chores(house))
        with house.store.snapshot() as tx:
            assert tx.cases.list(open_only=True) == ()
    assert shop.everything() == before
