"""Every serial number is accounted for, the figures say what they lack, and letters that were sent come into the log by themselves."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.drop import Batch, DropList, DropStatus
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.parcel import Parcel, PostState
from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import Decision
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.records.figures import drop_figures, figures_of, publications
from dsr_engine.workflow.records.outliving import keep_records
from dsr_engine.workflow.records.register import Register, SerialState, register_of
from dsr_engine.workflow.records.replying import Reply, replied
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import carried_through, opened_for, request_of, working

_DAY = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture
def shop(older_home: Path, tmp_path: Path) -> Company:
    return founded(older_home, tmp_path / "company")


def _register(house: House, start: date | None = None, end: date | None = None) -> Register:
    with house.store.snapshot() as tx:
        return register_of(tx, house, start, end)


def _erased(house: House, *claims: tuple[str, str]) -> Case:
    case = carried_through(house, opened_for(house, *claims))
    assert case.stage is Stage.CLOSED, case.wait
    return case


def test_certificates_and_cases_of_a_period_are_counted(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        _erased(house)
    with working(shop, FixedClock(_DAY + timedelta(days=10))) as house:
        _erased(house, ("email", BOB))
        for outcome in (Outcome.REFUSED, Outcome.WITHDRAWN):
            close_unfulfilled(house, opened_for(house).id, outcome, "excessive", "officer")
        access = open_case(house, replace(request_of(house), right=Right.ACCESS))
        replied(house, access.id, Reply(Decision.FULFILLED, date(2026, 3, 19)), "officer")
        opened_for(house)
        whole, later = _register(house), _register(house, date(2026, 3, 10), date(2026, 3, 31))
    assert whole.counts == {"opened": 6, "certified": 2, "refused": 1, "withdrawn": 1, "answered": 1, "still_open": 1}
    assert later.counts == {"opened": 5, "certified": 1, "refused": 1, "withdrawn": 1, "answered": 1, "still_open": 1}
    assert [(serial.number, serial.issued_on, serial.state) for serial in whole.serials] == [
        (1, date(2026, 3, 9), SerialState.ISSUED),
        (2, date(2026, 3, 19), SerialState.ISSUED),
    ]
    assert (whole.is_whole, [serial.number for serial in later.serials]) == (True, [2])


def test_a_store_that_lost_a_certificate_and_a_number_that_nobody_knows_both_show(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        _erased(house)
        _erased(house, ("email", BOB))
        with house.store.transaction() as tx:
            tx.connection.execute(text("DELETE FROM certificates WHERE serial = 1"))
        lost = _register(house)
        with house.store.transaction() as tx:
            tx.connection.execute(text("UPDATE certificates SET serial = 4 WHERE serial = 2"))
        odd = _register(house)
    assert [(serial.number, serial.state) for serial in lost.serials] == [(1, SerialState.MISSING), (2, SerialState.ISSUED)]
    assert "the store has not" in lost.serials[0].amiss
    assert [serial.number for serial in odd.serials] == [1, 2, 3, 4]
    assert "never given" in odd.serials[2].amiss
    assert "the ledger does not know" in odd.serials[3].amiss
    assert not odd.is_whole


def test_figures_say_that_records_of_the_year_are_gone(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        _erased(house)
        with house.store.snapshot() as tx:
            before = figures_of(tx, house, 2026)
    with working(shop, FixedClock(datetime(2030, 1, 2, tzinfo=UTC))) as house:
        list(keep_records(house))
        with house.store.snapshot() as tx:
            after, other = figures_of(tx, house, 2026), figures_of(tx, house, 2026, "ccpa")
            with pytest.raises(InputWrong):
                figures_of(tx, house, 2026, "nowhere")
    assert (before.is_complete, before.rights[-1].received) == (True, 1)
    assert (after.erased, after.rights[-1].received, other.erased) == (1, 0, 0)


def test_only_laws_under_which_somebody_asked_want_their_figures_published(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        open_case(house, replace(request_of(house), regimes=("gdpr", "ccpa")))
        with house.store.snapshot() as tx:
            due = publications(tx, house, 2026)
            none = publications(tx, house, 2025)
            (named,) = publications(tx, house, 2025, "ccpa")
    assert [(each.regime, each.by) for each in due] == [("ccpa", date(2027, 7, 1))]
    assert (none, named.by) == ((), date(2026, 7, 1))


def test_letters_that_were_sent_are_the_days_of_acknowledgement_and_answer(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        case = opened_for(house)
        _sent(house, case, "acknowledgement")
        list(keep_records(house))
        with house.store.snapshot() as tx:
            entry = tx.request_log.of(case.id)
        assert entry is not None
        assert (entry.acknowledged, entry.answered) == (date(2026, 3, 9), None)
        carried_through(house, case)
    with working(shop, FixedClock(_DAY + timedelta(days=3))) as house:
        _sent(house, case, "completion")
        list(keep_records(house))
        list(keep_records(house))
        with house.store.snapshot() as tx:
            entry = tx.request_log.of(case.id)
    assert entry is not None
    assert (entry.acknowledged, entry.answered, entry.answer, entry.days) == (date(2026, 3, 9), date(2026, 3, 12), "completion", 3)


def _sent(house: House, case: Case, kind: str) -> None:
    with house.store.transaction() as tx:
        tx.outbox.add(case.id, f"letter:{kind}", Parcel(f"{case.id}-{kind}", Secret(EMAIL), "Your request", "Dear Ida"))
        tx.outbox.settle(f"{case.id}-{kind}", PostState.SENT, digest="00")


def test_entries_of_deletion_lists_are_counted_by_what_became_of_them(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        with house.store.transaction() as tx:
            tx.drop.add(Batch("batch-1", "2026.zip", _DAY, False, 3, 1), "00", {DropList.EMAIL: "email.csv"})
            tx.drop.add_items("batch-1", [(f"item-{number}", DropList.EMAIL, bytes([number]) * 32) for number in range(3)])
            tx.drop.settle(["item-0"], DropStatus.DELETED)
            tx.drop.settle(["item-1"], DropStatus.NOT_FOUND)
        with house.store.snapshot() as tx:
            found, none = drop_figures(tx, house, 2026), drop_figures(tx, house, 2025)
    assert found == {"received": 3, "removed": 1, "deleted": 1, "opted_out": 0, "exempted": 0, "not_found": 1, "unanswered": 1}
    assert none == {}
