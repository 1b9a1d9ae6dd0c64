"""Whole cases under every shipped law, opened at awkward moments; and what a law refuses, pauses, moves and never moves in a case."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dsr_engine.bootstrap import opened, pin_policy, read_home
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import Punctuality, punctuality
from dsr_engine.shipped import shipped
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request, open_case
from dsr_engine.workflow.law.acknowledging import acknowledge
from dsr_engine.workflow.law.attention import Urgency, alarms
from dsr_engine.workflow.law.extending import extend
from dsr_engine.workflow.law.pausing import pause, unpause
from dsr_engine.workflow.law.standing import standing
from dsr_engine.workflow.report import case_report
from dsr_engine.workflow.verify_identity import confirm_identity
from tests.workflow.company import BOB, EMAIL, NAME, POLICY, Company, founded
from tests.workflow.journeys import carried_through, request_of, statement_of, working

MOMENTS: Mapping[str, datetime] = {
    "gdpr": datetime(2028, 2, 29, 12, tzinfo=UTC),
    "uk-gdpr": datetime(2026, 3, 29, 0, 59, tzinfo=UTC),  # a minute before summer time
    "ccpa": datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
    "us-va": datetime(2028, 2, 29, 12, tzinfo=UTC),
    "us-ut": datetime(2026, 7, 4, 12, tzinfo=UTC),
    "us-ia": datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
    "us-fl": datetime(2026, 11, 1, 5, 59, tzinfo=UTC),
    "us-co": datetime(2027, 1, 31, 12, tzinfo=UTC),
    "us-wa": datetime(2026, 3, 8, 9, 59, tzinfo=UTC),
    "lgpd": datetime(2028, 2, 15, 12, tzinfo=UTC),
    "pipl": datetime(2026, 9, 30, 15, 59, tzinfo=UTC),
    "quebec-25": datetime(2026, 12, 24, 12, tzinfo=UTC),
    "india-dpdp": datetime(2027, 5, 13, 0, 0, tzinfo=UTC),
    "ca-delete-act": datetime(2026, 8, 1, 0, 0, tzinfo=UTC),
}


@pytest.fixture
def shop_then(older_home: Path, tmp_path: Path) -> Company:
    return founded(older_home, tmp_path / "company")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 9, 12, tzinfo=UTC))


def _under(company: Company, *regimes: str) -> Company:
    company.policy(POLICY.replace("[gdpr]", f"[{', '.join(regimes)}]"))
    return company


def _open(house: House, *regimes: str, received: datetime | None = None, right: Right = Right.ERASURE, vouched: bool = True) -> Case:
    asked = request_of(house, vouched=vouched)
    request = Request(asked.claims, asked.policy, "officer", regimes, received_at=received, right=right, vouched=vouched, grounds=asked.grounds)
    return open_case(house, request)


def _answer(house: House, case: Case) -> date:
    with house.store.snapshot() as tx:
        found = standing(tx, house, tx.cases.get(case.id))
    assert found is not None
    return found.limits.answer


@pytest.mark.parametrize("name", MOMENTS)
def test_a_case_under_each_law_goes_from_the_request_to_the_certificate(name: str, shop_then: Company) -> None:
    company = _under(shop_then, name)
    others = {place: data for place, data in company.everything().items() if BOB.encode() in data or b"lamp" in data}
    with working(company, FixedClock(MOMENTS[name])) as house:
        case = carried_through(house, _open(house))
        assert case.stage is Stage.CLOSED, case.wait
        assert [entry["name"] for entry in statement_of(house, case).regimes] == [house.regimes[name].title]
    after = company.everything()
    assert {place: after.get(place) for place in others} == others
    assert not any(text.encode() in data for text in (EMAIL, NAME) for data in after.values())


def test_a_law_that_was_not_in_force_on_the_day_of_receipt_is_refused(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "india-dpdp"), clock) as house:
        with pytest.raises(InputWrong, match="applies from 2027-05-13 on, and the request arrived on 2026-03-09") as early:
            _open(house)
        clock.at = datetime(2027, 5, 20, tzinfo=UTC)
        with pytest.raises(InputWrong, match="arrived on 2027-05-12"):
            _open(house, received=datetime(2027, 5, 12, 12, tzinfo=UTC))
        assert _open(house, received=datetime(2027, 5, 13, 12, tzinfo=UTC)).regimes == ("india-dpdp",)
    assert early.value.code == "regime.not_yet"


def test_a_law_that_has_ended_is_refused_for_what_came_afterwards(shop_then: Company, clock: FixedClock) -> None:
    text = (shipped("policies") / "regimes" / "gdpr.yaml").read_text(encoding="utf-8")
    folder = shop_then.home / "policies" / "regimes"
    folder.mkdir()
    (folder / "gdpr.yaml").write_text(text.replace("valid_from: 2018-05-25", "valid_from: 2018-05-25\nvalid_to: 2026-03-08"), encoding="utf-8")
    with working(shop_then, clock) as house:
        with pytest.raises(InputWrong, match="applied until 2026-03-08") as over:
            _open(house)
        assert _open(house, received=datetime(2026, 3, 8, 12, tzinfo=UTC)).regimes == ("gdpr",)
    assert over.value.code == "regime.over"


def test_a_law_that_does_not_know_the_grounds_of_the_policy_is_refused(shop_then: Company, clock: FixedClock) -> None:
    kept = "  - name: open orders\n    when: {collection: shop.orders}\n    keep: {while: {note: [x]}, because: contract}\n    then: delete\n"
    shop_then.policy(POLICY.replace("rules:\n", f"rules:\n{kept}"))
    with working(shop_then, clock) as house:
        with pytest.raises(InputWrong, match=r"policies/ours.yaml:6 keeps data on the ground `contract`, which us-wa does not know") as refused:
            _open(house, "gdpr", "us-wa")
        assert _open(house, "gdpr", "us-va").regimes == ("gdpr", "us-va")
    assert refused.value.code == "regime.ground"


def test_an_open_case_keeps_the_law_that_it_was_opened_under_and_a_new_one_gets_the_new_law(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        before = _open(house, "gdpr")
        assert _answer(house, before) == date(2026, 4, 9)
    folder = shop_then.home / "policies" / "regimes"
    folder.mkdir()
    text = (shipped("policies") / "regimes" / "gdpr.yaml").read_text(encoding="utf-8")
    changed = text.replace("answer: 1 month ", "answer: 20 days ").replace("extended: 3 months", "extended: 40 days").replace('"2026.1"', '"2026.2"')
    (folder / "gdpr.yaml").write_text(changed, encoding="utf-8")
    with working(shop_then, clock) as house:
        after = _open(house, "gdpr")
        assert (_answer(house, before), _answer(house, after)) == (date(2026, 4, 9), date(2026, 3, 30))
        assert (before.digests["regime_version:gdpr"], after.digests["regime_version:gdpr"]) == ("2026.1", "2026.2")


def test_one_of_many_laws_in_a_file_stays_pinned_too(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "us-ia"), clock) as house:
        before = _open(house)
        assert _answer(house, before) == date(2026, 6, 6)
    folder = shop_then.home / "policies" / "regimes"
    folder.mkdir()
    text = (shipped("policies") / "regimes" / "us-states.yaml").read_text(encoding="utf-8")
    (folder / "us-states.yaml").write_text(text.replace("{answer: 90 days, refusal: 90 days", "{answer: 60 days, refusal: 60 days"), encoding="utf-8")
    with working(shop_then, clock) as house:
        after = _open(house)
        assert (_answer(house, before), _answer(house, after)) == (date(2026, 6, 6), date(2026, 5, 7))


def test_a_pause_says_for_each_law_what_it_does_and_ends_when_the_person_is_verified(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "gdpr", "uk-gdpr", "ccpa"), clock) as house:
        case = _open(house, "gdpr", "uk-gdpr", "ccpa", vouched=False)
        told = pause(house, case.id, Stop(PauseWhy.IDENTITY, date(2026, 3, 9), doubt=Doubt.SENDER_UNKNOWN), "officer")
        assert [line.split(" (")[0] for line in told] == [
            "gdpr: its limit stays where it is; a later day is shown beside it",
            "uk-gdpr: its clock starts when that has come",
            "ccpa: knows no pause for identity; the limit runs on whether or not the person answers",
        ]
        with pytest.raises(Conflict, match="waits for this already"):
            pause(house, case.id, Stop(PauseWhy.IDENTITY, date(2026, 3, 9), doubt=Doubt.SENDER_UNKNOWN), "officer")
        clock.at += timedelta(days=5)
        confirm_identity(house, case.id, "vouched_by_operator", "officer")
        with house.store.snapshot() as tx:
            (stop,) = (entry.stop for entry in tx.pauses.of(case.id))
            leaves = [body for kind in ("case.paused", "case.unpaused") for _, body in tx.ledger.find(kind, case=case.id)]
        assert (stop.ended, stop.doubt) == (date(2026, 3, 14), Doubt.SENDER_UNKNOWN)
        assert [leaf.get("on") for leaf in leaves] == [None, "2026-03-14"]
        assert unpause(house, case.id, date(2026, 3, 12), "officer").ended == date(2026, 3, 12)  # the letter had lain on a desk


@pytest.mark.parametrize(
    ("regimes", "stop", "right", "code", "says"),
    [
        (("ccpa",), Stop(PauseWhy.IDENTITY, date(2026, 3, 9)), Right.ERASURE, "pause.unknown", "ccpa: knows no pause for identity"),
        (("gdpr",), Stop(PauseWhy.FEE, date(2026, 3, 9)), Right.ERASURE, "pause.unknown", "gdpr: knows no pause for fee"),
        (("uk-gdpr",), Stop(PauseWhy.CLARIFICATION, date(2026, 3, 9)), Right.ERASURE, "pause.unknown", "for requests of access and not of erasure"),
        (("gdpr",), Stop(PauseWhy.IDENTITY, date(2026, 3, 9)), Right.ERASURE, "pause.doubt", "on reasonable doubts only"),
        (("gdpr",), Stop(PauseWhy.CLARIFICATION, date(2026, 3, 10)), Right.ACCESS, "pause.day", "lies outside"),
        (("gdpr",), Stop(PauseWhy.CLARIFICATION, date(2026, 3, 1)), Right.ACCESS, "pause.day", "lies outside"),
    ],
)
def test_a_pause_that_cannot_be_is_refused_with_its_reason(
    shop_then: Company, clock: FixedClock, regimes: tuple[str, ...], stop: Stop, right: Right, code: str, says: str
) -> None:
    with working(_under(shop_then, *regimes), clock) as house:
        case = _open(house, *regimes, right=right, vouched=False)
        with pytest.raises(InputWrong, match=says) as refused:
            pause(house, case.id, stop, "officer")
        with house.store.snapshot() as tx:
            assert tx.pauses.of(case.id) == ()
    assert refused.value.code == code


def test_a_limit_that_is_over_is_not_saved_by_asking_afterwards(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "uk-gdpr"), clock) as house:
        case = _open(house, "uk-gdpr", vouched=False)
        clock.at += timedelta(days=40)
        with pytest.raises(InputWrong, match=r"the limit of 2026-04-09 \(uk-gdpr\) was over"):
            pause(house, case.id, Stop(PauseWhy.IDENTITY, date(2026, 4, 15), doubt=Doubt.SENDER_UNKNOWN), "officer")
        pause(house, case.id, Stop(PauseWhy.IDENTITY, date(2026, 4, 8), doubt=Doubt.SENDER_UNKNOWN), "officer")
        with pytest.raises(InputWrong, match="lies outside"):
            unpause(house, case.id, date(2026, 4, 1), "officer")


def test_who_asks_late_is_told_that_it_has_to_be_without_undue_delay(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "uk-gdpr"), clock) as house:
        first, second = (_open(house, "uk-gdpr", vouched=False) for _ in range(2))
        clock.at += timedelta(days=8)
        prompt = pause(house, first.id, Stop(PauseWhy.IDENTITY, date(2026, 3, 16), doubt=Doubt.SENDER_UNKNOWN), "officer")
        late = pause(house, second.id, Stop(PauseWhy.IDENTITY, date(2026, 3, 17), doubt=Doubt.SENDER_UNKNOWN), "officer")
    assert (len(prompt), late[1:]) == (
        1,
        ("it was asked for 8 days after the request arrived; that has to be without undue delay, so be ready to say why",),
    )


def test_receipt_has_an_alarm_of_its_own_until_somebody_confirmed_it(shop_then: Company, clock: FixedClock) -> None:
    def limits(house: House) -> list[tuple[str, Urgency]]:
        with house.store.snapshot() as tx:
            return [(alarm.limit, alarm.urgency) for alarm in alarms(tx, house)]

    with working(shop_then, clock) as house:
        case = _open(house, vouched=False)
        assert limits(house) == [("acknowledge", Urgency.LATER)]
        clock.at += timedelta(days=10)
        assert limits(house) == [("acknowledge", Urgency.TODAY), ("erase", Urgency.SOON)]
        with pytest.raises(InputWrong, match="lies outside"):
            acknowledge(house, case.id, date(2026, 3, 20), "officer")
        acknowledge(house, case.id, date(2026, 3, 10), "officer")
        assert limits(house) == [("erase", Urgency.SOON)]
        with house.store.snapshot() as tx:
            ((_, body),) = tx.ledger.find("letter.sent", case=case.id)
            entry = tx.request_log.of(case.id)
        assert (body["letter"], body["on"]) == ("acknowledgement", "2026-03-10")
        assert entry is not None
        assert entry.acknowledged == date(2026, 3, 10)


def test_a_question_that_nobody_answers_comes_back_to_the_desk(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "uk-gdpr"), clock) as house:
        case = _open(house, "uk-gdpr", vouched=False)
        acknowledge(house, case.id, date(2026, 3, 9), "officer")
        pause(house, case.id, Stop(PauseWhy.IDENTITY, date(2026, 3, 9), doubt=Doubt.SENDER_UNKNOWN), "officer")
        clock.at += timedelta(days=31)
        with house.store.snapshot() as tx:
            found = {alarm.limit: alarm for alarm in alarms(tx, house)}
        assert (found["question"].urgency, found["question"].day) == (Urgency.OVERDUE, date(2026, 4, 8))
        assert "answer" not in found  # the clock has not started


def test_a_refusal_after_its_limit_is_possible_and_everybody_can_see_that_it_was_late(shop_then: Company, clock: FixedClock) -> None:
    with working(shop_then, clock) as house:
        case, timely = _open(house, vouched=False), _open(house, vouched=False)
        extend(house, case.id, "complexity", date(2026, 3, 9), "officer")
        assert _answer(house, case) == date(2026, 6, 9)
        assert close_unfulfilled(house, timely.id, Outcome.REFUSED, "excessive", "officer") == 0
        clock.at = datetime(2026, 4, 5, 12, tzinfo=UTC)
        with house.store.snapshot() as tx:
            (warned,) = (alarm for alarm in alarms(tx, house) if alarm.limit == "refusal")
        assert (warned.day, warned.urgency) == (date(2026, 4, 9), Urgency.SOON)
        clock.at = datetime(2026, 4, 20, 12, tzinfo=UTC)
        assert close_unfulfilled(house, case.id, Outcome.REFUSED, "excessive", "officer") == 11
        with house.store.snapshot() as tx:
            ((_, body),) = tx.ledger.find("case.refused", case=case.id)
            entry = tx.request_log.of(case.id)
            other = tx.request_log.of(timely.id)
        assert entry is not None
        assert other is not None
        assert (body["late_days"], entry.limits["refusal"], entry.decided) == (11, "2026-04-09", date(2026, 4, 20))
        assert punctuality(entry, date(2026, 5, 1))["refusal"] is Punctuality.LATE
        assert punctuality(other, date(2026, 5, 1))["refusal"] is Punctuality.NOT_RECORDED
        assert [case_report(house, each.id)["late_days"] for each in (case, timely)] == [11, 0]


def test_nothing_of_what_stopped_a_clock_or_was_asked_leaves_a_trace_of_the_person(shop_then: Company, clock: FixedClock) -> None:
    with working(_under(shop_then, "uk-gdpr"), clock) as house:
        case = _open(house, "uk-gdpr", vouched=False)
        pause(house, case.id, Stop(PauseWhy.IDENTITY, date(2026, 3, 9), doubt=Doubt.AGENT_UNPROVEN), "officer")
        close_unfulfilled(house, case.id, Outcome.REFUSED, "unverified", "officer")
        house.store.scrub()
    stored = b"".join(path.read_bytes() for path in shop_then.home.glob("dsr.db*"))
    assert b"agent_unproven" in stored
    assert not any(word.encode() in stored for word in (EMAIL, NAME))


def test_a_home_may_mend_a_single_state_and_leaves_the_others_as_shipped(shop_then: Company, clock: FixedClock) -> None:
    folder = shop_then.home / "policies" / "regimes"
    folder.mkdir()
    own = 'regime: us-tx\ntitle: Ours\nversion: "9"\nvalid_from: 2024-07-01\nchecked_on: 2026-11-21\nsources: the act\nlog_keep_months: 24\n'
    (folder / "texas.yaml").write_text(own + "grounds: {contract: {cite: x}}\n", encoding="utf-8")
    home = read_home(shop_then.home, {}, allow_gaps=True)
    pin_policy(home, home.declared.policies["ours"])
    with opened(home, clock) as house:
        assert (house.regimes["us-tx"].version, house.regimes["us-va"].version) == ("9", "2026.1")
