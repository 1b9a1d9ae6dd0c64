"""Who received what, whom the law wants told, and when silence is pointed out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.recipient import ANY, AWAITED, Awaits, Channel, Notice, NoticeState, Recipient, Role, Touched, What, duty_of, received
from dsr_engine.domain.regime import Duty, Notify, Regime

_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
_REGIME = Regime("gdpr", "GDPR", "1", date(2018, 5, 25), date(2026, 1, 1), (), (), 36)


def _recipient(*receives: str) -> Recipient:
    return Recipient("it", "It Ltd", Role.CONTROLLER, Channel.MANUAL, receives, ("email",), Awaits.RECEIPT)


def _touched(collection: str = "customers", *categories: str, what: What = What.ERASE) -> Touched:
    return Touched("shop", collection, categories, what)


@pytest.mark.parametrize(
    ("receives", "touched", "expected"),
    [
        ("shop.customers", _touched(), True),
        ("shop.*", _touched(), True),
        ("shop.orders", _touched(), False),
        ("shop.customer", _touched(), False),
        ("crm.customers", _touched(), False),
        ("user.contact", _touched("customers", "user.contact.email"), True),
        ("user.contact.email", _touched("customers", "user.contact"), False),
        ("user.cont", _touched("customers", "user.contact"), False),
        ("user", _touched("customers", "user.name"), True),
        ("user", _touched("customers"), False),
        ("shop.payslips", Touched("shop", ANY, (), What.ERASE), True),
        ("shop.*", Touched("shop", ANY, (), What.ERASE), True),
        ("shopping.*", Touched("shop", ANY, (), What.ERASE), False),
        ("user.name", Touched("shop", ANY, (), What.ERASE), False),
    ],
)
def test_a_recipient_received_what_its_entry_covers(receives: str, touched: Touched, expected: bool) -> None:
    assert bool(received(_recipient(receives), [touched])) is expected


def test_what_was_done_is_told_once_and_in_one_order() -> None:
    done = [_touched(what=What.RESTRICT), _touched(), _touched("orders"), _touched(what=What.RESTRICT)]
    assert received(_recipient("shop.*"), done) == (What.ERASE, What.RESTRICT)
    assert received(_recipient("shop.*"), []) == ()


def _under(**duties: Duty) -> Regime:
    return replace(_REGIME, notify=Notify(**duties, cite="Art. 19"))  # type: ignore[arg-type]  # the keys are duties


@given(st.lists(st.sampled_from(Duty), min_size=1, max_size=4))
def test_of_several_laws_the_strictest_counts_and_those_that_ask_are_cited(duties: list[Duty]) -> None:
    regimes = [replace(_under(public=duty), title=f"Law {number}") for number, duty in enumerate(duties)]
    duty, law = duty_of(Role.PUBLIC, regimes)
    expected = Duty.REQUIRED if Duty.REQUIRED in duties else Duty.UNLESS_DISPROPORTIONATE if Duty.UNLESS_DISPROPORTIONATE in duties else Duty.NONE
    assert duty is expected
    assert law == "; ".join(f"Law {number}, Art. 19" for number, each in enumerate(duties) if each is not Duty.NONE)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_a_duty_of_its_own_and_something_that_is_awaited(role: Role) -> None:
    regime = _under(processors=Duty.REQUIRED, recipients=Duty.UNLESS_DISPROPORTIONATE, public=Duty.NONE)
    expected = {Role.PROCESSOR: Duty.REQUIRED, Role.PUBLIC: Duty.NONE}.get(role, Duty.UNLESS_DISPROPORTIONATE)
    assert duty_of(role, [regime])[0] is expected
    assert role in AWAITED


def test_without_a_law_nobody_must_be_told() -> None:
    assert duty_of(Role.PROCESSOR, []) == (Duty.NONE, "")


def _notice(state: NoticeState, awaits: Awaits = Awaits.DELETION, **changes: object) -> Notice:
    made = Notice("id", "case", "it", "It", Role.PROCESSOR, Channel.MAIL, awaits, Duty.REQUIRED, "", "erase", state, _NOON, _NOON)
    return replace(made, **changes)  # type: ignore[arg-type]  # the keys are the fields


@pytest.mark.parametrize(
    ("awaits", "enough"),
    [
        (Awaits.NOTHING, {"sent", "acknowledged", "confirmed"}),
        (Awaits.RECEIPT, {"acknowledged", "confirmed"}),
        (Awaits.DELETION, {"confirmed"}),
    ],
)
def test_a_notice_is_open_until_what_is_awaited_came_or_a_person_decided(awaits: Awaits, enough: set[str]) -> None:
    settled = enough | {"impossible", "disproportionate", "not_required"}
    assert {state.value for state in NoticeState if not _notice(state, awaits).is_open} == settled


def test_silence_is_pointed_out_after_7_14_and_30_days_and_then_no_more() -> None:
    sent = _notice(NoticeState.SENT, sent_at=_NOON)
    days = [(replace(sent, reminded=count).next_reminder or _NOON) - _NOON for count in range(4)]
    assert days == [timedelta(days=7), timedelta(days=14), timedelta(days=30), timedelta()]
    assert _notice(NoticeState.PENDING).next_reminder is None
    assert _notice(NoticeState.CONFIRMED, sent_at=_NOON).next_reminder is None
