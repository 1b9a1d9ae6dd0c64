"""The engine erases its own records when their time is over; certificates stay good, and serial numbers stay accounted for."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from dsr_engine.bootstrap import BUNDLE
from dsr_engine.certificate.check import check
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.incident import Incident, IncidentKind
from dsr_engine.workflow.chores import CHORES, do_chores
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.records.outliving import keep_records
from tests.workflow.company import Company, founded
from tests.workflow.journeys import carried_through, opened_for, request_of, working

_DAY = datetime(2026, 3, 9, 12, tzinfo=UTC)
#: The last day of a record that was closed in 2026, where the period begins with the year's end.
_LAST = datetime(2029, 12, 31, 12, tzinfo=UTC)
_OVER = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop(older_home: Path, tmp_path: Path) -> Company:
    return founded(older_home, tmp_path / "company")


def _closed(company: Company) -> Case:
    with working(company, FixedClock(_DAY)) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED, case.wait
        return case


def _chores_at(company: Company, at: datetime) -> list[str]:
    with working(company, FixedClock(at)) as house:
        return [line for line in do_chores(house) if "record" in line or "rows" in line]


def _rows_of(company: Company, case: str) -> dict[str, int]:
    """Table → how many rows name the case, whatever the column is called; the ledger's leaves are left out."""
    engine = create_engine(f"sqlite:///{company.home / 'dsr.db'}")
    found = {}
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            columns = [column["name"] for column in inspect(engine).get_columns(table)]
            if table == "leaf":
                continue
            where = " OR ".join(f'CAST("{name}" AS TEXT) LIKE :case' for name in columns)
            count = connection.scalar(text(f'SELECT count(*) FROM "{table}" WHERE {where}'), {"case": f"{case}%"})
            if count:
                found[table] = int(count)
    engine.dispose()
    return found


def _is_genuine(company: Company, number: int = 1) -> bool:
    pdf = (company.home / "certificates" / f"certificate-{number:06d}.pdf").read_bytes()
    return check(pdf, read_bundle(company.home / BUNDLE)).is_genuine


def test_when_its_time_is_over_the_record_is_gone_and_the_certificate_still_verifies(shop: Company) -> None:
    case = _closed(shop)
    _chores_at(shop, _LAST)
    assert "request_log" in _rows_of(shop, case.id)
    lines = _chores_at(shop, _OVER)
    assert lines == [
        f"case {case.id}: its record is over and erased; nobody can link its certificate to a person any more",
        f"case {case.id}: its rows are erased; its certificate stays good",
    ]
    assert _rows_of(shop, case.id) == {}
    assert _is_genuine(shop)
    with working(shop, FixedClock(_OVER)) as house, house.store.snapshot() as tx:
        assert [data["case"] for _, data in tx.ledger.find("certificate.issued")] == [case.id]
        assert [data["received"] for _, data in tx.ledger.find("log.ended")] == [2026]
        assert [(spent.serial, spent.path) for spent in tx.certificates.spent()] == [(1, "certificate-000001.pdf")]
        assert tx.connection.scalar(text("SELECT count(*) FROM results")) == 0


def test_a_period_that_counts_from_the_closing_ends_to_the_day(shop: Company) -> None:
    shop.policy((shop.home / "policies" / "ours.yaml").read_text().replace("regimes: [gdpr]", "regimes: [ccpa]"))
    case = _closed(shop)
    _chores_at(shop, datetime(2028, 3, 9, 12, tzinfo=UTC))
    assert "request_log" in _rows_of(shop, case.id)
    assert _chores_at(shop, datetime(2028, 3, 10, 12, tzinfo=UTC))
    assert "request_log" not in _rows_of(shop, case.id)


def test_the_longest_period_of_the_laws_that_apply_counts(shop: Company) -> None:
    with working(shop, FixedClock(_DAY)) as house:
        from dataclasses import replace  # noqa: PLC0415

        from dsr_engine.workflow.intake import open_case  # noqa: PLC0415

        case = open_case(house, replace(request_of(house), regimes=("ccpa", "gdpr")))
        close_unfulfilled(house, case.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        with house.store.snapshot() as tx:
            entry = tx.request_log.of(case.id)
    assert entry is not None
    assert entry.keep_until == date(2029, 12, 31)


def test_a_serial_number_is_never_given_twice(shop: Company) -> None:
    _closed(shop)
    _chores_at(shop, _OVER)
    shop.sql("INSERT INTO customers VALUES (17, 'ida.lindqvist@example.org', 'Ida')")
    with working(shop, FixedClock(_DAY + timedelta(days=1))) as house:  # the home's signing certificate is good until 2028
        carried_through(house, opened_for(house))
        with house.store.snapshot() as tx:
            assert [issued.serial for issued in tx.certificates.list()] == [2]
    assert _is_genuine(shop, 2)


def _hold(house: House, case: str) -> None:
    with house.store.transaction() as tx:
        tx.holds.add(Hold("hold-1", "a dispute", "person-1", _DAY, case=case))


def _incident(house: House, case: str) -> None:
    with house.store.transaction() as tx:
        tx.incidents.put(Incident("incident-1", next(iter(IncidentKind)), case, _DAY, _DAY, "person-1", {"shop.customers": 1}))


@pytest.mark.parametrize("dispute", [_hold, _incident])
def test_the_record_stays_while_a_dispute_needs_it(dispute: object, shop: Company) -> None:
    case = _closed(shop)
    with working(shop, FixedClock(_OVER)) as house:
        dispute(house, case.id)  # type: ignore[operator]  # one of the two above
    assert _chores_at(shop, _OVER) == []
    with working(shop, FixedClock(_OVER)) as house, house.store.snapshot() as tx:
        assert tx.request_log.of(case.id) is not None
        assert tx.cases.get(case.id).outcome is Outcome.FULFILLED


def test_a_case_that_is_not_forgotten_yet_keeps_its_rows_but_loses_its_record(shop: Company) -> None:
    case = _closed(shop)
    with working(shop, FixedClock(_OVER)) as house:
        lines = list(keep_records(house))  # without the chore that forgets
        assert [line.partition(": ")[2][:10] for line in lines] == ["its record"]
        with house.store.snapshot() as tx:
            assert (tx.request_log.of(case.id), tx.cases.get(case.id).id) == (None, case.id)
        list(do_chores(house, [chore for chore in CHORES if chore is not keep_records]))
        assert [line.partition(": ")[2][:8] for line in keep_records(house) if line.startswith("case ")] == ["its rows"]
        assert list(keep_records(house)) == []


def test_a_case_of_an_earlier_version_gets_its_row_and_its_end(shop: Company) -> None:
    case = _closed(shop)
    with working(shop, FixedClock(_DAY)) as house:
        with house.store.transaction() as tx:
            tx.connection.execute(text("DELETE FROM request_log"))
            tx.connection.execute(text("DELETE FROM followups WHERE what = 'log'"))
        assert list(keep_records(house)) == []
        with house.store.snapshot() as tx:
            entry = tx.request_log.of(case.id)
    assert entry is not None
    assert (entry.decided, entry.keep_until) == (date(2026, 3, 9), date(2029, 12, 31))


def test_killed_between_the_record_and_the_rows_the_next_round_does_the_rest(shop: Company) -> None:
    case = _closed(shop)
    with working(shop, FixedClock(_OVER)) as house:
        list(do_chores(house, [chore for chore in CHORES if chore is not keep_records]))
        with house.store.transaction() as tx:
            tx.request_log.end([case.id])
    _chores_at(shop, _OVER)
    assert _rows_of(shop, case.id) == {}


def test_nothing_of_another_case_goes_with_it(shop: Company) -> None:
    first = _closed(shop)
    with working(shop, FixedClock(_DAY + timedelta(days=400))) as house:
        second = opened_for(house, ("email", "bob.marsh@example.net"))
        close_unfulfilled(house, second.id, Outcome.REFUSED, "excessive", "officer")
    before = _rows_of(shop, second.id)
    _chores_at(shop, _OVER)
    assert _rows_of(shop, first.id) == {}
    assert _rows_of(shop, second.id) == before
    with working(shop, FixedClock(_OVER)) as house, house.store.snapshot() as tx, pytest.raises(DsrError):
        tx.cases.get(first.id)
