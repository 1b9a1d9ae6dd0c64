"""Files out of which nobody can be cut, and files that nobody could read, in the browser: each has a question or a name, and no value."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case
from dsr_engine.domain.user import Role
from dsr_engine.workflow.asking import ERASE, KEEP
from tests.content.outlook_files import tnef
from tests.web.conftest import Doors, doors_of
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import opened_for


@pytest.fixture
def company(empty_home: Path, tmp_path: Path) -> Company:
    made = founded(empty_home, tmp_path / "company", ("files",))
    for who, name in ((EMAIL, "winmail.dat"), (EMAIL, "winmail-2.dat"), (BOB, "other.dat")):
        (made.files / name).write_bytes(tnef((1, 1, 0x8004, b"A word\0"), (1, 2, 0x800C, f"Please call {who} about tea.\0".encode())))
    (made.files / f"scan of {EMAIL}.gz").write_bytes(b"\x1f\x8b\x08\x00 and no more of it")
    return made


@pytest.fixture
def doors(company: Company) -> Iterator[Doors]:
    with doors_of(company) as opened:
        yield opened


def _waiting(doors: Doors, case: Case) -> dict[str, str]:
    with doors.house.store.snapshot() as tx:
        return {entry.finding.locator.key[0]: entry.id for entry in tx.reviews.page(case.id, case.round, "found", most=100)}


def test_each_such_file_is_asked_about_and_goes_or_stays_as_somebody_says(doors: Doors, company: Company) -> None:
    case = doors.work(opened_for(doors.house).id)
    waiting = _waiting(doors, case)
    assert {"winmail.dat", "winmail-2.dat"} <= set(waiting)
    page = doors.signed_in(Role.OFFICER).go(f"/cases/{case.id}/possible")
    assert page.text.count("<fieldset") == len(waiting)
    assert "cannot be cut out" in page.text
    answers = {f"verdict.{id_}": ERASE if name == "winmail.dat" else KEEP for name, id_ in waiting.items()}
    page.send("Keep these decisions", because="rights_of_others", **answers)
    assert f"{len(waiting)} decided." in page.text
    case = doors.work(case.id)
    with doors.house.store.snapshot() as tx:
        plan = tx.plans.latest(case.id)
    assert plan is not None
    assert not {obstacle.code for obstacle in plan.obstacles} & {"place.fixed", "format.cannot_rewrite", "finding.undecided"}
    assert _waiting(doors, case) == {}


def test_the_page_of_a_case_names_what_could_not_be_read_and_hides_the_person(doors: Doors) -> None:
    case = doors.work(opened_for(doors.house).id)
    page = doors.signed_in(Role.AUDITOR).go(f"/cases/{case.id}")
    assert "Which ones" in page.text
    assert "scan of •••" in page.text
    assert EMAIL not in page.text
