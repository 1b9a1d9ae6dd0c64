"""Scanned papers of the person are found; they wait for a person, or go as wholes where the policy says so. Those of others stay."""

from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.workflow.engine import run_case
from tests.content.seen_words import drawn, needs_ocr, paged, saved
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import WORKER, carried_through, opened_for, plan_of, waits_for, working

pytestmark = needs_ocr

_THEIRS = ("passport.png", "contract.pdf")


@pytest.fixture
def files(empty_home: Path, tmp_path: Path) -> Company:
    """A folder with scans of the person's papers and, beside each, the same paper of somebody else."""
    company = founded(empty_home, tmp_path / "company", ("files",))
    for who, prefix in ((EMAIL, ""), (BOB, "other-")):
        words = drawn(("Signed on Monday", f"E-mail: {who}", "Thank you very much"))
        (company.files / f"{prefix}passport.png").write_bytes(saved(words))
        (company.files / f"{prefix}contract.pdf").write_bytes(paged(([words], ("Page one",))))
    return company


def test_scans_wait_for_a_person_where_the_policy_says_nothing(files: Company) -> None:
    before = files.everything()
    with working(files) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.stage is Stage.APPROVE
        assert waits_for(case) == "place.fixed"
    assert files.everything() == before


def test_scans_of_the_person_go_as_wholes_and_those_of_others_stay(files: Company) -> None:
    files.request("approval: one_person, unwritable: delete")
    before = files.everything()
    with working(files) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED
        assert "file.whole" in {notice.code for notice in plan_of(house, case).notices}
    after = files.everything()
    assert set(before) - set(after) == {f"files/{name}" for name in _THEIRS}
    assert {name for name in after if after[name] != before[name]} <= {"files/people.csv"}
    assert after["files/other-passport.png"] == before["files/other-passport.png"]
