"""What a letter must not say: that nothing was kept where something was, and that nothing was found where something was."""

import secrets

import pytest

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.letter import LetterKind
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.placing import place_hold
from dsr_engine.workflow.house import House
from dsr_engine.workflow.letters.corresponding import ending_of
from dsr_engine.workflow.letters.writing import compose
from dsr_engine.workflow.notices.answering import close_recipients
from tests.workflow.company import Company
from tests.workflow.journeys import WORKER, approved, carried_through, opened_for, planned, working

_SAID = {"recipients": "Nobody else had received them."}


@pytest.fixture
def lettered(shop: Company) -> Company:
    settings = shop.home / "dsr.toml"
    settings.write_text(settings.read_text() + '\n[letters]\nauthority = "the authority"\ncourt = "the court"\n')
    return shop


def _held_after_approval(house: House, collection: str | None) -> Case:
    case = planned(house)
    approved(house, case)
    with house.store.transaction() as tx:
        person = tx.people.id_of("counsel")
    hold = Hold(secrets.token_hex(6), "M-17", person, house.clock.now(), system="shop", collection=collection)
    place_hold(house, hold, patience_seconds=0.1, sleep=lambda _: None)
    return carried_through(house, run_case(house, case.id, WORKER))


def _text(house: House, case: Case, kind: LetterKind) -> str:
    letter = compose(house, case.id, kind, _SAID)
    return "\n".join(paragraph for section in letter.sections for paragraph in section.paragraphs)


def test_a_letter_says_that_not_everything_could_be_looked_at(lettered: Company) -> None:
    lettered.declare("old", f'connector: shop, owner: shop@example.com, url: "sqlite:///{lettered.folder}/old.db", disabled: true')
    with working(lettered) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        approved(house, case, accept_gaps=True)
        case = carried_through(house, case)
        with house.store.snapshot() as tx:
            assert ending_of(tx, case) is LetterKind.PARTIAL
        assert "we could not look in every place" in _text(house, case, LetterKind.PARTIAL)
        with pytest.raises(Conflict):
            compose(house, case.id, LetterKind.COMPLETION, _SAID)


def test_who_is_left_with_nothing_but_a_silent_recipient_is_told_that_all_is_erased(lettered: Company) -> None:
    (lettered.home / "recipients.yaml").write_text(
        "recipients:\n  printer:\n    title: Printer Ltd\n    role: processor\n    receives: [shop.customers]\n"
        "    identify_by: [email]\n    channel: manual\n    owner: office@example.com\n    instructions: Telephone them.\n",
        encoding="utf-8",
    )
    with working(lettered) as house:
        case = carried_through(house, opened_for(house))
        close_recipients(house, case.id, "They have not answered for weeks, and we go on.", "officer")
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        with house.store.snapshot() as tx:
            assert ending_of(tx, case) is LetterKind.COMPLETION
        assert "We kept none" in _text(house, case, LetterKind.COMPLETION)


@pytest.mark.parametrize("collection", [None, "shop.orders", "shop.customers"])
def test_what_a_hold_kept_after_the_approval_stands_in_the_letter(lettered: Company, collection: str | None) -> None:
    with working(lettered) as house:
        case = _held_after_approval(house, collection)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert "legal proceeding" in _text(house, case, LetterKind.PARTIAL)
        with pytest.raises(Conflict):
            compose(house, case.id, LetterKind.COMPLETION, _SAID)
