"""What a search could not read has a name that an officer can go and look for: sealed in the store, masked on a page, gone with the case's key."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dsr_engine.domain.case import Stage
from dsr_engine.store.unread_tables import unread_records
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.looking import FOUND, MOST_EXAMPLES
from dsr_engine.workflow.masking import MASK, mask_of
from dsr_engine.workflow.report import unread_rows
from tests.workflow.company import EMAIL, Company, founded
from tests.workflow.journeys import WORKER, opened_for, working

#: Begins like a compressed file and is none.
_BROKEN = b"\x1f\x8b\x08\x00 and no more of it"


@pytest.fixture
def files(empty_home: Path, tmp_path: Path) -> Company:
    company = founded(empty_home, tmp_path / "company", ("files",))
    (company.files / "locked.gz").write_bytes(_BROKEN)
    (company.files / f"{EMAIL}.gz").write_bytes(_BROKEN)
    return company


def _rows(house: House, case_id: str) -> list[dict[str, str | int | bool | None]]:
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        return unread_rows(tx, case, FOUND, mask_of(tx, case))


@pytest.fixture
def house(files: Company) -> Iterator[House]:
    with working(files) as open_house:
        yield open_house


def test_a_gap_names_its_file_and_hides_the_person_in_the_name(files: Company, house: House) -> None:
    case = run_case(house, opened_for(house).id, WORKER)
    shown = {str(row["locator"]) for row in _rows(house, case.id)}
    assert "locked.gz" in shown
    assert any(MASK in name and name.endswith(".gz") for name in shown)
    assert not any(EMAIL in name or "jane" in name.lower() for name in shown)
    assert len(shown) == 2


def test_no_name_of_a_file_stands_in_the_store_in_the_clear(files: Company, house: House) -> None:
    case = run_case(house, opened_for(house).id, WORKER)
    assert _rows(house, case.id)
    stored = b"".join(path.read_bytes() for path in files.home.rglob("*") if path.is_file())
    assert b"locked.gz" not in stored
    assert EMAIL.encode() not in stored


def test_a_hundred_unreadable_files_are_five_examples(files: Company, house: House) -> None:
    for number in range(100):
        (files.files / f"more-{number}.gz").write_bytes(_BROKEN)
    case = run_case(house, opened_for(house).id, WORKER)
    rows = _rows(house, case.id)
    assert 0 < len([row for row in rows if row["reason"] == rows[0]["reason"]]) <= MOST_EXAMPLES


def test_a_forgotten_case_names_nothing(files: Company, house: House) -> None:
    case = run_case(house, opened_for(house).id, WORKER)
    assert case.stage is Stage.APPROVE
    with house.store.transaction() as tx:
        house.store.vault.shred(tx, case.id)
    assert _rows(house, case.id) == []
    with house.store.snapshot() as tx, closing(tx.connection.execute(select(func.count()).select_from(unread_records))) as counted:
        assert counted.scalar() == 0
