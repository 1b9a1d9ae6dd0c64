"""Digests of who was erased: why they are made, that they end, that the law's intervals are kept, and that nobody can be read out of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.regime import StayErased
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.suppression import Basis
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from dsr_engine.workflow.law.entitling import name_grounds
from dsr_engine.workflow.staying_erased.screening import is_listed
from dsr_engine.workflow.staying_erased.suppressing import activity, destroy_keys, lift, rotate_key
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, Company
from tests.workflow.journeys import NOON, carried_through, journey, opened_for, working

_AGAIN = f"INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}')"


@contextmanager
def _under(company: Company, stay: StayErased, at: datetime = NOON) -> Iterator[House]:
    """The company's house under a law that says this of staying erased."""
    with working(company, FixedClock(at)) as house:
        regimes = {name: replace(regime, stay_erased=stay) for name, regime in house.regimes.items()}
        yield replace(house, regimes=regimes)


def _bases(house: House) -> dict[str, tuple[int, str]]:
    with house.store.snapshot() as tx:
        return {basis.value: (count, f"{last:%Y-%m-%d}") for basis, (count, last) in tx.suppression.counts().items()}


def test_a_plain_erasure_is_remembered_only_while_a_backup_may_bring_it_back(shop: Company) -> None:
    journey(shop, ("email", EMAIL), ("phone", PHONE), ("name", NAME))
    with working(shop) as house:
        # The address, its mailbox, and the number that the shop knew the person by; neither the name nor the telephone.
        assert _bases(house) == {"replay": (3, f"{NOON + timedelta(days=90):%Y-%m-%d}")}
        assert is_listed(house, {"email": EMAIL.upper()}, "import")
    with working(shop, FixedClock(NOON + timedelta(days=92))) as house:
        assert not is_listed(house, {"email": EMAIL}, "import")
        said = list(do_chores(house))
        assert any("came to their end" in line for line in said)
        assert _bases(house) == {}


def test_the_longest_backup_that_a_connector_declares_sets_the_end(shop: Company) -> None:
    connector = shop.home / "connectors" / "shop.yaml"
    connector.write_text(
        connector.read_text() + "residuals:\n  - {what: nightly backups, gone_after: 35 days}\n  - {what: tapes, gone_after: 1 year}\n"
    )
    case = journey(shop)
    with working(shop) as house:
        assert _bases(house)["replay"][1] == f"{NOON.replace(year=NOON.year + 1):%Y-%m-%d}"
        with house.store.snapshot() as tx:
            end = tx.backup_ends.of(case.id)
        assert end is not None
    with working(shop, FixedClock(end.due + timedelta(hours=1))) as house:
        assert any("the last backup" in line for line in do_chores(house))
        assert not any("the last backup" in line for line in do_chores(house))
        with house.store.snapshot() as tx:
            assert len(tx.ledger.find("backups.expired", case=case.id)) == 1


def test_a_law_that_lets_the_controller_remember_is_followed_and_cited(shop: Company) -> None:
    with _under(shop, StayErased(by_default=True, months=24, cite="11 CCR § 7022(e)")) as house:
        carried_through(house, opened_for(house))
        assert set(_bases(house)) == {"replay", "stay_erased"}
        with house.store.snapshot() as tx:
            (cite,) = {entry.cite for entry in tx.suppression.live() if entry.basis is Basis.STAY_ERASED}
        assert cite == "11 CCR § 7022(e)"


def test_who_was_not_there_leaves_no_digest(shop: Company) -> None:
    journey(shop, ("email", "nobody.known@example.org"))
    with working(shop) as house:
        assert _bases(house) == {}


@pytest.mark.slow
@pytest.mark.parametrize("days", [41, 127])
def test_where_the_law_wants_it_the_erasure_is_done_anew_at_its_intervals(shop: Company, days: int) -> None:
    """Also when the case is forgotten: then the digest finds who is there again."""
    shop.request("approval: automatic, superseded: delete")
    stay = StayErased(by_default=True, months=24, every_days=45, cite="Civ. Code § 1798.99.86(d)")
    with _under(shop, stay) as house:
        case = carried_through(house, opened_for(house))
    before = shop.everything()
    for day in range(2, days, 7):
        with _under(shop, stay, NOON + timedelta(days=day)) as house:
            list(do_chores(house))
    shop.sql(_AGAIN)
    with _under(shop, stay, NOON + timedelta(days=days)) as house:
        said = list(do_chores(house))
        assert any("there again" in line for line in said), said
        with house.store.snapshot() as tx:
            again = tx.cases.get(tx.sequels.after(case.id)[-1].case)
        assert carried_through(house, again).stage is Stage.CLOSED
        assert not any("there again" in line for line in do_chores(house))
    assert shop.everything() == before


def test_who_came_back_is_let_in_and_not_looked_for_any_more(shop: Company) -> None:
    journey(shop)
    with working(shop) as house:
        assert lift(house, (Claim("email", Secret(EMAIL)),), "came_back", "officer") == 3
        assert not is_listed(house, {"email": EMAIL}, "import")
        assert lift(house, (Claim("email", Secret(BOB)),), "came_back", "officer") == 0
    shop.sql(_AGAIN)
    with working(shop, FixedClock(NOON + timedelta(days=8))) as house:
        list(do_chores(house))
        with house.store.snapshot() as tx:
            assert tx.ledger.find("rescan.found") == ()


def test_a_new_key_serves_what_comes_and_the_old_one_goes_with_its_last_digest(shop: Company) -> None:
    journey(shop)
    with working(shop) as house:
        assert rotate_key(house, "officer") == "2"
        assert is_listed(house, {"email": EMAIL}, "import")
    journey(shop, ("email", BOB))
    with working(shop, FixedClock(NOON + timedelta(days=92))) as house:
        list(do_chores(house))
    assert [path.name for path in (shop.home / "keys").glob("suppression*.key")] == ["suppression-2.key"]


def test_destroying_the_keys_ends_everything(shop: Company) -> None:
    journey(shop)
    with working(shop) as house:
        assert destroy_keys(house, "officer") == 3
        assert not is_listed(house, {"email": EMAIL}, "import")
        assert destroy_keys(house, "officer") == 0
    assert list((shop.home / "keys").glob("suppression*")) == []


def test_what_is_kept_can_be_told_for_the_record_of_processing_and_names_nobody(shop: Company) -> None:
    journey(shop)
    with working(shop) as house, house.store.snapshot() as tx:
        (entry,) = activity(tx)
        assert (entry["digests"], entry["recipients"]) == (3, "none; it is never listed or exported")


def test_an_objection_to_marketing_is_remembered_under_every_law(shop: Company) -> None:
    with working(shop) as house:
        case = opened_for(house)
        name_grounds(house, case.id, {"user": "marketing_objection"}, "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
        assert set(_bases(house)) == {"replay", "objection"}
        assert _bases(house)["objection"][1] > f"{NOON + timedelta(days=3600):%Y-%m-%d}"


def test_a_case_that_repeats_another_leaves_no_second_entry_but_for_later_backups(shop: Company) -> None:
    stay = StayErased(by_default=True, months=24, cite="11 CCR § 7022(e)")
    with _under(shop, stay) as house:
        carried_through(house, opened_for(house))
        before = _bases(house)
    shop.sql(_AGAIN)
    with _under(shop, stay, NOON + timedelta(days=1.1)) as house:
        list(do_chores(house))
        (again,) = house.store.claimable(house.clock.now())
        with house.store.snapshot() as tx:
            case = tx.cases.get(again)
        assert carried_through(house, case).stage is Stage.CLOSED
        after = _bases(house)
    assert (after["stay_erased"], after["replay"][0]) == (before["stay_erased"], 2 * before["replay"][0])
