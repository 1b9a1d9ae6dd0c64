"""What stays of a case that was forgotten: how far it was searched, and under no name of the person."""

import pytest

from dsr_engine.domain.finding import Coverage, Extent
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.forgetting import forget
from dsr_engine.workflow.masking import MASK
from tests.workflow.company import EMAIL, NAME, Company
from tests.workflow.journeys import opened_for, working


@pytest.mark.parametrize("times", [1, 2])
def test_folders_named_after_the_person_stay_as_many_rows_under_masks(company: Company, times: int) -> None:
    names = ("INBOX", f"Clients/{NAME}", f"Clients/{EMAIL}", f"{EMAIL}", "Clients/Ida Berg")
    with working(company) as house:
        case = opened_for(house, ("email", EMAIL), ("name", NAME))
        with house.store.transaction() as tx:
            for round_ in (1, 2):
                for number, name in enumerate(names):
                    tx.coverage.put(case.id, round_, FOUND, Coverage("mail", name, Extent.FULL, looked=number))
        for _ in range(times):
            with house.store.transaction() as tx:
                forget(tx, house, case.id)
        with house.store.snapshot() as tx:
            rows = [tx.coverage.of(case.id, round_, FOUND) for round_ in (1, 2)]
    assert rows[0] == rows[1]
    assert sorted(row.collection for row in rows[0]) == sorted(("INBOX", "Clients/Ida Berg", MASK, f"Clients/{MASK}", f"Clients/{MASK} (2)"))
    assert sorted(row.looked for row in rows[0]) == list(range(len(names)))
