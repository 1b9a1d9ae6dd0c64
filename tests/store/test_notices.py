"""Notices keep what became of them, one for each recipient of a case, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.recipient import Awaits, Channel, Notice, NoticeState, Role
from dsr_engine.domain.regime import Duty
from dsr_engine.store.store import Store
from tests.store.samples import NOON


def _notice(recipient: str = "mailer", /, **changes: object) -> Notice:
    given = Notice(
        id=f"id-of-{recipient}",
        case="case-1",
        recipient=recipient,
        title="Mailer Ltd",
        role=Role.PROCESSOR,
        channel=Channel.MAIL,
        awaits=Awaits.DELETION,
        duty=Duty.REQUIRED,
        law="Art. 19 GDPR",
        what="erase",
        state=NoticeState.PENDING,
        made_at=NOON,
        answer_by=NOON + timedelta(days=30),
    )
    return replace(given, **changes)  # type: ignore[arg-type]  # the keys are the fields


def test_a_notice_comes_back_as_it_was_written_and_changes_in_place(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.notices.add(_notice())
        assert tx.notices.of(case) == (_notice(),)
    later = replace(
        _notice(),
        state=NoticeState.CONFIRMED,
        tries=2,
        next_try=NOON,
        sent_at=NOON,
        reminded=1,
        answered_at=NOON,
        expected_at=NOON,
        code="opendsr_completed",
        reason="The reason.",
        decided_by="p-1",
        approved_by="p-2",
        evidence="ab",
        closed_at=NOON,
    )
    with store.transaction() as tx:
        tx.notices.save(later)
    with store.snapshot() as tx:
        assert tx.notices.get(case, "mailer") == later


def test_a_second_notice_to_the_same_recipient_changes_nothing(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.notices.add(_notice())
        tx.notices.add(_notice(id="another", state=NoticeState.FAILED))
        tx.notices.add(_notice("archive"))
        assert [notice.recipient for notice in tx.notices.of(case)] == ["archive", "mailer"]
        assert tx.notices.get(case, "mailer") == _notice()


def test_a_recipient_that_the_case_does_not_know_is_an_error(store: Store, case: str) -> None:
    with store.snapshot() as tx, pytest.raises(InputWrong) as caught:
        tx.notices.get(case, "nobody")
    assert caught.value.code == "recipient.unknown"


@pytest.mark.parametrize(
    ("changes", "has_work"),
    [
        ({}, True),
        ({"next_try": NOON + timedelta(minutes=1)}, False),
        ({"next_try": NOON}, True),
        ({"channel": Channel.MANUAL}, False),
        ({"state": NoticeState.SENT, "sent_at": NOON - timedelta(days=8)}, True),
        ({"state": NoticeState.SENT, "sent_at": NOON - timedelta(days=6)}, False),
        ({"state": NoticeState.SENT, "sent_at": NOON - timedelta(days=8), "next_try": NOON + timedelta(hours=1)}, False),
        ({"state": NoticeState.SENT, "sent_at": NOON - timedelta(days=40), "reminded": 3}, False),
        ({"state": NoticeState.SENT, "sent_at": NOON - timedelta(days=8), "awaits": Awaits.NOTHING}, False),
        ({"state": NoticeState.SENT, "sent_at": NOON, "next_try": NOON, "awaits": Awaits.NOTHING}, True),
        ({"state": NoticeState.ACKNOWLEDGED, "sent_at": NOON - timedelta(days=8)}, True),
        ({"state": NoticeState.ACKNOWLEDGED, "sent_at": NOON - timedelta(days=8), "awaits": Awaits.RECEIPT}, False),
        ({"state": NoticeState.ACKNOWLEDGED, "next_try": NOON}, True),
        ({"state": NoticeState.CONFIRMED}, False),
        ({"state": NoticeState.FAILED}, False),
        ({"state": NoticeState.IMPOSSIBLE}, False),
    ],
)
def test_a_case_has_work_when_a_notice_is_to_be_sent_asked_about_or_reminded_of(
    store: Store, case: str, changes: dict[str, object], has_work: bool
) -> None:
    with store.transaction() as tx:
        tx.notices.add(_notice(**changes))
        assert tx.notices.cases_with_work(NOON) == ((case,) if has_work else ())
