"""Appeals against a refusal: a clock of their own, an end on the record, and a new case where the controller was wrong."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.store.appeals import Decision
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.law.appealing import appeal, deny_appeal, extend_appeal, grant_appeal
from dsr_engine.workflow.law.attention import Urgency, alarms
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.report import case_report
from tests.workflow.company import EMAIL, NAME, POLICY, Company, founded
from tests.workflow.journeys import carried_through, opened_for, request_of, working


@pytest.fixture
def shop_then(older_home: Path, tmp_path: Path) -> Company:
    return founded(older_home, tmp_path / "company")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2027, 1, 8, 12, tzinfo=UTC))


def _under(company: Company, *regimes: str) -> Company:
    company.policy(POLICY.replace("[gdpr]", f"[{', '.join(regimes)}]"))
    return company


def _refused(house: House, clock: FixedClock, *regimes: str) -> Case:
    """A case that was refused two days before."""
    asked = request_of(house, vouched=False)
    case = open_case(house, asked)
    close_unfulfilled(house, case.id, Outcome.REFUSED, "unverified", "officer")
    clock.at += timedelta(days=2)
    return case


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("us-va", date(2027, 3, 10)),  # 60 days, the first being that of the appeal
        ("us-co", date(2027, 2, 23)),
        ("us-nj", date(2027, 2, 23)),
        ("us-wa", date(2027, 2, 23)),
        ("uk-gdpr", date(2027, 2, 9)),  # 30 days after it
    ],
)
def test_an_appeal_has_a_limit_of_its_own_and_an_alarm(name: str, day: date, shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, name), clock) as house:
        case = _refused(house, clock)
        due, remark = appeal(house, case.id, date(2027, 1, 10), "officer")
        assert (due.day, due.set_by, remark) == (day, name, "")
        with house.store.snapshot() as tx:
            (alarm,) = alarms(tx, house)
            entry = tx.request_log.of(case.id)
        assert (alarm.limit, alarm.day, alarm.set_by, alarm.urgency) == ("appeal", day, name, Urgency.LATER)
        assert entry is not None
        assert entry.appeal == "open"
        clock.at = datetime.combine(day + timedelta(days=1), clock.at.timetz())
        with house.store.snapshot() as tx:
            assert [alarm.urgency for alarm in alarms(tx, house)] == [Urgency.OVERDUE]


def test_a_law_without_an_appeal_has_none(shop_then: Company, clock: FixedClock) -> None:
    for name in ("us-ut", "gdpr", "ccpa"):
        with working(_under(shop_then, name), clock) as house:
            case = _refused(house, clock)
            with pytest.raises(InputWrong, match=f"{name} knows no appeal") as refused:
                appeal(house, case.id, house.calendar.day_of(clock.now()), "officer")
            assert refused.value.code == "appeal.unknown"


def test_only_what_was_refused_can_be_appealed_against_and_not_before_it_was(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "us-va"), clock) as house:
        still_open = open_case(house, request_of(house))
        with pytest.raises(Conflict, match="in whole or in part"):
            appeal(house, still_open.id, date(2027, 1, 8), "officer")
        case = _refused(house, clock)
        for day in (date(2027, 1, 7), date(2027, 1, 11)):
            with pytest.raises(InputWrong, match="lies outside"):
                appeal(house, case.id, day, "officer")
        appeal(house, case.id, date(2027, 1, 10), "officer")
        with pytest.raises(Conflict, match="open appeal already"):
            appeal(house, case.id, date(2027, 1, 10), "officer")


def test_a_denied_appeal_stands_on_the_record_with_the_day_and_whether_it_was_late(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "us-va"), clock) as house:
        case = _refused(house, clock)
        appeal(house, case.id, date(2027, 1, 10), "officer")
        clock.at = datetime(2027, 3, 12, 12, tzinfo=UTC)
        assert deny_appeal(house, case.id, date(2027, 3, 12), "head").day == date(2027, 3, 10)
        with house.store.snapshot() as tx:
            (entry,) = tx.appeals.of(case.id)
            row = tx.request_log.of(case.id)
            ((_, body),) = tx.ledger.find("appeal.decided", case=case.id)
            assert alarms(tx, house) == ()
        assert (entry.decision, entry.decided_on, entry.new_case, body["late_days"]) == (Decision.DENIED, date(2027, 3, 12), "", 2)
        assert row is not None
        assert row.appeal == "denied"
        with pytest.raises(Conflict, match="no open appeal"):
            deny_appeal(house, case.id, date(2027, 3, 12), "head")


def test_an_appeal_is_extended_only_where_the_law_says_so_and_within_its_limit(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "us-co"), clock) as house:
        case = _refused(house, clock)
        appeal(house, case.id, date(2027, 1, 10), "officer")
        clock.at = datetime(2027, 2, 24, 12, tzinfo=UTC)
        with pytest.raises(InputWrong, match="does not lie between"):
            extend_appeal(house, case.id, date(2027, 2, 24), "officer")
        assert extend_appeal(house, case.id, date(2027, 2, 20), "officer").day == date(2027, 4, 24)  # 45 and 60 days
        with pytest.raises(Conflict, match="possible once"):
            extend_appeal(house, case.id, date(2027, 2, 20), "officer")
    with working(_under(shop_then, "us-va"), clock) as house:
        rigid = _refused(house, clock)
        appeal(house, rigid.id, date(2027, 2, 25), "officer")
        with pytest.raises(InputWrong, match="us-va knows no extension of an appeal"):
            extend_appeal(house, rigid.id, date(2027, 2, 26), "officer")


def test_a_granted_appeal_opens_a_case_that_names_the_old_one_and_carries_the_erasure_out(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "us-va"), clock) as house:
        old = _refused(house, clock)
        appeal(house, old.id, date(2027, 1, 9), "officer")
        new, due = grant_appeal(house, old.id, request_of(house), date(2027, 1, 10))
        assert (new.id != old.id, new.regimes, due.day) == (True, ("us-va",), date(2027, 3, 9))
        with house.store.snapshot() as tx:
            found = standing(tx, house, new)
        assert found is not None
        assert found.limits.answer == date(2027, 2, 22)  # counted from the appeal, so within its own limit
        assert case_report(house, new.id)["appeal_of"] == old.id
        (told,) = cast("list[dict[str, str]]", case_report(house, old.id)["appeals"])
        assert (told["decision"], told["new_case"]) == ("granted", new.id)
        after = carried_through(house, new)
        assert (after.stage, after.outcome) == (Stage.CLOSED, Outcome.FULFILLED), after.wait
        with house.store.snapshot() as tx:
            row = tx.request_log.of(old.id)
        assert row is not None
        assert row.appeal == "granted"
    assert not any(word.encode() in data for word in (EMAIL, NAME) for data in shop_then.everything().values())


def test_an_appeal_that_cannot_be_granted_stays_open(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "us-va"), clock) as house:
        old = _refused(house, clock)
        appeal(house, old.id, date(2027, 1, 9), "officer")
        before = len(_cases(house))
        with pytest.raises(InputWrong, match="cannot be the day of its answer"):
            grant_appeal(house, old.id, request_of(house), date(2027, 1, 8))
        assert len(_cases(house)) == before  # the new case went with the decision
        with house.store.snapshot() as tx:
            assert len(tx.appeals.open()) == 1


def test_what_was_refused_in_part_can_be_appealed_against_too(shop_then: Company, clock: FixedClock) -> None:
    kept = "  - name: open orders\n    when: {collection: shop.orders}\n    keep: {while: {note: [leave it at the door]}, because: contract}\n"
    shop_then.policy(POLICY.replace("[gdpr]", "[us-va]").replace("rules:\n", f"rules:\n{kept}    then: delete\n"))
    with working(shop_then, clock) as house:
        case = carried_through(house, opened_for(house))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        due, _ = appeal(house, case.id, date(2027, 1, 8), "officer")
        assert due.day == date(2027, 3, 8)


def _cases(house: House) -> tuple[Case, ...]:
    with house.store.snapshot() as tx:
        return tuple(tx.cases.list())
