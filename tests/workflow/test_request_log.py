"""One row for each request: written when it is opened, filled when it ends, and nothing of the person in it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import CaseKind, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import Decision, LogEntry
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, open_case
from dsr_engine.workflow.records.doubles import open_doubles
from dsr_engine.workflow.records.replying import Reply, correct_receipt, replied
from tests.workflow.company import EMAIL, NAME, PHONE, POLICY, Company, founded
from tests.workflow.journeys import WORKER, carried_through, opened_for, request_of, waits_for, working

_KEEP_OPEN = """\
  - name: open orders
    when: {collection: shop.orders}
    keep: {while: {note: [leave it at the door]}, because: contract}
    then: delete
"""
_RECEIVED = datetime(2026, 3, 5, 12, tzinfo=UTC)


def _row(house: House, case: str) -> LogEntry:
    with house.store.snapshot() as tx:
        entry = tx.request_log.of(case)
    assert entry is not None
    return entry


def _asked(house: House, right: Right, *claims: tuple[str, str]) -> Request:
    return Request(
        request_of(house, *claims).claims,
        house.policies["ours"],
        "officer",
        received_at=_RECEIVED,
        right=right,
        manner=Manner.POST,
    )


@pytest.fixture
def shop_then(older_home: Path, tmp_path: Path) -> Company:
    return founded(older_home, tmp_path / "company")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 9, 12, tzinfo=UTC))


def test_a_request_has_its_row_from_the_moment_in_which_it_is_opened(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = open_case(house, _asked(house, Right.ERASURE))
        row = _row(house, case.id)
    assert (row.received, row.right, row.manner, row.regimes) == (date(2026, 3, 5), Right.ERASURE, Manner.POST, (("gdpr", row.regimes[0][1]),))
    assert (row.decision, row.decided, row.answered, row.keep_until, row.subject_ref) == (None, None, None, None, case.subject_ref)


def test_what_the_engine_did_is_the_decision_and_the_last_days_stand_in_the_row(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = carried_through(house, open_case(house, request_of(house)))
        assert case.stage is Stage.CLOSED, case.wait
        row = _row(house, case.id)
        with house.store.snapshot() as tx:
            issued = tx.certificates.of(case.id)
    assert issued is not None
    assert (row.decision, row.decided, row.basis, row.certificate) == (Decision.FULFILLED, date(2026, 3, 9), (), issued.id)
    assert (row.limits["answer"], row.limits["acknowledge"]) == ("2026-04-09", "2026-03-19")


def test_a_refusal_names_its_ground_and_a_withdrawal_none(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        refused, withdrawn = opened_for(house), opened_for(house)
        close_unfulfilled(house, refused.id, Outcome.REFUSED, "excessive", "officer")
        close_unfulfilled(house, withdrawn.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        rows = [_row(house, case.id) for case in (refused, withdrawn)]
    assert [(row.decision, row.basis, row.days) for row in rows] == [(Decision.REFUSED, ("excessive",), 0), (Decision.WITHDRAWN, (), None)]


def test_what_is_kept_on_a_ground_makes_a_request_denied_in_part(shop_then: Company, clock: FixedClock) -> None:
    shop_then.policy(POLICY.replace("rules:\n", f"rules:\n{_KEEP_OPEN}"))
    with working(shop_then, clock) as house:
        case = carried_through(house, opened_for(house))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS, case.wait
        row = _row(house, case.id)
    assert (row.decision, row.basis) == (Decision.PARTLY, ("contract",))


def test_a_sweep_is_no_request_and_has_no_row(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = open_case(house, Request((), house.policies["ours"], "officer", kind=CaseKind.SWEEP))
        with house.store.snapshot() as tx:
            assert tx.request_log.of(case.id) is None


@pytest.mark.parametrize("right", [right for right in Right if right is not Right.ERASURE])
def test_another_right_is_counted_and_never_carried_out(right: Right, shop_then: Company, clock: FixedClock) -> None:
    before = shop_then.everything()
    with working(shop_then, clock) as house:
        case = open_case(house, _asked(house, right))
        for _ in range(2):  # running it again changes nothing
            assert waits_for(case) == "answer_by_hand"  # from the beginning, so that no worker takes it up
            assert case.id not in house.store.claimable(clock.now())
            case = run_case(house, case.id, WORKER)
            assert (case.stage, waits_for(case), case.systems) == (Stage.INTAKE, "answer_by_hand", ())
        replied(house, case.id, Reply(Decision.PARTLY, date(2026, 3, 9), "legal_claims"), "officer")
        with house.store.snapshot() as tx:
            closed = tx.cases.get(case.id)
            kinds = {kind for kind in ("case.opened", "case.answered", "effect.intended", "plan.made") if tx.ledger.find(kind, case=case.id)}
            assert (closed.stage, closed.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS)
        row = _row(house, case.id)
    assert kinds == {"case.opened", "case.answered"}
    assert (row.right, row.decision, row.basis, row.answered, row.answer, row.days) == (
        right,
        Decision.PARTLY,
        ("legal_claims",),
        date(2026, 3, 9),
        "by_hand",
        4,
    )
    assert row.limits["answer"] == "2026-04-06"  # the 5th is a Sunday
    assert "erase" not in row.limits
    assert shop_then.everything() == before


def test_the_identifiers_of_an_answered_request_are_forgotten(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = open_case(house, _asked(house, Right.ACCESS))
        replied(house, case.id, Reply(Decision.FULFILLED, date(2026, 3, 9)), "officer")
        with pytest.raises(Conflict) as forgotten, house.store.snapshot() as tx:
            tx.selectors.of(case.id)
    assert forgotten.value.code == "vault.shredded"


def test_the_answer_to_an_erasure_is_what_the_engine_did_and_only_its_day_is_recorded(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = opened_for(house)
        with pytest.raises(Conflict) as early:
            replied(house, case.id, Reply(Decision.FULFILLED, date(2026, 3, 9)), "officer")
        carried_through(house, case)
        with pytest.raises(Conflict) as other:
            replied(house, case.id, Reply(Decision.REFUSED, date(2026, 3, 9), "excessive"), "officer")
    with working(shop_then, FixedClock(clock.now() + timedelta(days=3))) as house:
        row = replied(house, case.id, Reply(Decision.FULFILLED, date(2026, 3, 11)), "officer")
    assert (early.value.code, other.value.code) == ("answer.early", "answer.other")
    assert (row.decided, row.answered, row.days) == (date(2026, 3, 9), date(2026, 3, 11), 2)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply(Decision.FULFILLED, date(2026, 3, 10)), "answer.day"),
        (Reply(Decision.FULFILLED, date(2026, 3, 4)), "answer.day"),
        (Reply(Decision.REFUSED, date(2026, 3, 9)), "answer.because"),
        (Reply(Decision.REFUSED, date(2026, 3, 9), "because_we_say_so"), "answer.because"),
        (Reply(Decision.FULFILLED, date(2026, 3, 9), "excessive"), "answer.because"),
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_the_case_stays_open(answer: Reply, code: str, shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = open_case(house, _asked(house, Right.ACCESS))
        with pytest.raises(InputWrong) as refused:
            replied(house, case.id, answer, "officer")
        with house.store.snapshot() as tx:
            assert tx.cases.get(case.id).outcome is None
    assert refused.value.code == code


def test_a_date_of_receipt_is_mended_with_a_reason_and_the_ledger_keeps_both(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case = open_case(house, _asked(house, Right.ACCESS))
        correct_receipt(house, case.id, date(2026, 3, 2), "arrived_elsewhere_first", "officer")
        row = _row(house, case.id)
        with house.store.snapshot() as tx:
            ((_, leaf),) = tx.ledger.find("case.received", case=case.id)
            assert house.calendar.day_of(tx.cases.get(case.id).received_at or _RECEIVED) == date(2026, 3, 2)
        with pytest.raises(InputWrong):
            correct_receipt(house, case.id, date(2026, 3, 2), "it looked better", "officer")
        with pytest.raises(InputWrong):
            correct_receipt(house, case.id, date(2026, 3, 10), "typing_error", "officer")
        replied(house, case.id, Reply(Decision.FULFILLED, date(2026, 3, 9)), "officer")
        with pytest.raises(Conflict):
            correct_receipt(house, case.id, date(2026, 3, 1), "typing_error", "officer")
    assert row.received == date(2026, 3, 2)
    assert (leaf["before"], leaf["now"], leaf["reason"]) == ("2026-03-05", "2026-03-02", "arrived_elsewhere_first")


def test_the_same_request_is_pointed_out_also_in_another_spelling(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        first = open_case(house, _asked(house, Right.ERASURE, ("email", EMAIL), ("phone", PHONE)))
        open_case(house, _asked(house, Right.ACCESS, ("email", EMAIL)))

        def same(*claims: tuple[str, str]) -> list[str]:
            return [case.id for case in open_doubles(house, request_of(house, *claims).claims, Right.ERASURE)]

        assert same(("email", f" {EMAIL.upper()} ")) == [first.id]
        assert same(("phone", PHONE)) == []  # a household shares it
        assert same(("email", "somebody.else@example.org"), ("name", NAME)) == []
        close_unfulfilled(house, first.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        assert same(("email", EMAIL)) == []


def test_nothing_of_the_person_stands_in_the_log(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        carried_through(house, opened_for(house, ("email", EMAIL), ("name", NAME), ("phone", PHONE)))
        with house.store.snapshot() as tx:
            rows = repr([repr(entry) for entry in tx.request_log.list()])
    assert "gdpr" in rows
    assert not any(part in rows for part in (EMAIL, NAME, PHONE, EMAIL.split("@")[0]))
