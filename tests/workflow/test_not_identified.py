"""Who cannot be told from others is written to once, and the letter invites them to say more."""

from dataclasses import replace
from datetime import timedelta

from dsr_engine.domain.case import Outcome
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.verify_identity import not_identified
from tests.workflow.company import Company
from tests.workflow.correspondence import at, letters, posted_of
from tests.workflow.journeys import WORKER, request_of


def test_the_letter_is_written_when_it_is_found_out_and_not_again_when_the_case_ends(writing: Company) -> None:
    with at(writing) as house:
        request = replace(request_of(house, ("name", "I. Lindqvist"), vouched=False), contact=Contact(Secret("ida@example.org")))
        case = open_case(house, request)
        wait = not_identified(house, case.id, "officer").wait
        not_identified(house, case.id, "officer")
        assert [kind for kind, _ in letters(house, case)].count("cannot_identify") == 1
        with house.store.snapshot() as tx:
            text = tx.outbox.parcel(posted_of(house, case, LetterKind.CANNOT_IDENTIFY).id).text
        assert "If you tell us more" in text
    assert wait is not None
    assert wait.wake_at is not None
    with at(writing, (wait.wake_at - case.opened_at) / timedelta(days=1) + 0.1) as house:
        assert run_case(house, case.id, WORKER).outcome is Outcome.CANNOT_IDENTIFY
        assert [kind for kind, _ in letters(house, case)].count("cannot_identify") == 1
