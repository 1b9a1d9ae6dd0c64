"""Messages are kept sealed until they are sent, go to one worker at a time, and outlive what a case forgets."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.parcel import Enclosure, Parcel, PostState
from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.store import tables
from dsr_engine.store.store import Store
from tests.store.samples import CANARY, NOON
from tests.store.test_canary import _forms, written  # noqa: F401  # a fixture

PARCEL = Parcel("parcel-1", Secret(f"{CANARY}@example.org"), "Your request", f"Dear {CANARY}", (Enclosure("letter.pdf", "application/pdf", b"%PDF"),))
LATER = NOON + timedelta(minutes=10)


def _revealed(parcel: Parcel) -> tuple[object, ...]:
    return parcel.id, parcel.to.reveal(), parcel.subject, parcel.text, parcel.enclosures


def test_a_message_comes_back_as_it_was_and_is_queued_once(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.outbox.add(case, "letter:acknowledgement", PARCEL)
        tx.outbox.add(case, "letter:acknowledgement", PARCEL)
    with store.snapshot() as tx:
        (posted,) = tx.outbox.of(case)
        assert tx.outbox.due(NOON) == (posted,)
        assert _revealed(tx.outbox.parcel("parcel-1")) == _revealed(PARCEL)
    assert (posted.id, posted.case, posted.purpose, posted.state, posted.queued_at, posted.tries) == (
        "parcel-1",
        case,
        "letter:acknowledgement",
        PostState.QUEUED,
        NOON,
        0,
    )


def test_only_one_worker_gets_a_message_until_its_time_is_over(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.outbox.add(case, "letter:refusal", PARCEL)
        (posted,) = tx.outbox.due(NOON)
    with store.transaction() as tx:
        assert tx.outbox.claim(posted, LATER)
    with store.transaction() as tx:
        assert not tx.outbox.claim(posted, LATER)
        assert tx.outbox.due(NOON) == ()
        (again,) = tx.outbox.due(LATER)
        assert (again.tries, tx.outbox.claim(again, LATER + timedelta(hours=1))) == (1, True)


def test_a_sent_message_is_emptied_and_how_it_fared_stays(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.outbox.add(case, "letter:refusal", PARCEL)
        tx.outbox.settle("parcel-1", PostState.SENT, "250", digest="ab")
    with store.transaction() as tx:
        posted = tx.outbox.get("parcel-1")
        assert (posted.state, posted.sent_at, posted.code, posted.digest, posted.next_try) == (PostState.SENT, NOON, "250", "ab", None)
        with pytest.raises(Conflict) as refused:
            tx.outbox.parcel("parcel-1")
        with pytest.raises(Conflict):
            tx.outbox.release("parcel-1")
        tx.outbox.drop("parcel-1")
        assert tx.outbox.get("parcel-1").state is PostState.SENT
    assert refused.value.code == "post.empty"


def test_a_held_message_goes_when_a_person_says_so_and_a_failed_one_may_be_tried_anew(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.outbox.add(case, "letter:refusal", PARCEL, is_held=True)
        assert (tx.outbox.due(LATER), tx.outbox.get("parcel-1").state) == ((), PostState.WAITING)
        tx.outbox.release("parcel-1")
        tx.outbox.claim(tx.outbox.get("parcel-1"), LATER)
        tx.outbox.settle("parcel-1", PostState.FAILED, "550")
        assert (tx.outbox.due(LATER), [each.id for each in tx.outbox.list(PostState.FAILED)]) == ((), ["parcel-1"])
        tx.outbox.release("parcel-1")
        (again,) = tx.outbox.due(NOON)
        assert (again.tries, again.code) == (0, "")
        tx.outbox.drop("parcel-1")
        assert (tx.outbox.get("parcel-1").code, tx.outbox.find("parcel-9")) == ("dropped", None)
        with pytest.raises(InputWrong):
            tx.outbox.get("parcel-9")


def test_a_message_is_not_released_while_it_is_sent_and_is_once_its_sender_died(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.outbox.add(case, "letter:refusal", PARCEL)
        assert tx.outbox.claim(tx.outbox.get("parcel-1"), LATER)
        with pytest.raises(Conflict) as refused:
            tx.outbox.release("parcel-1")
        assert refused.value.code == "post.under_way"
        tx.outbox.settle("parcel-1", PostState.QUEUED, "mail.unreachable", next_try=LATER)
        tx.outbox.release("parcel-1")
        assert tx.outbox.claim(tx.outbox.get("parcel-1"), NOON)
        tx.outbox.release("parcel-1")
        assert [(each.id, each.tries) for each in tx.outbox.due(NOON)] == [("parcel-1", 0)]


def test_a_message_about_no_case_needs_no_key(store: Store) -> None:
    with store.transaction() as tx:
        tx.outbox.add("", "alarm", PARCEL)
    with store.transaction() as tx:
        (posted,) = tx.outbox.of("")
        assert (posted.case, _revealed(tx.outbox.parcel(posted.id))) == ("", _revealed(PARCEL))
        tx.outbox.settle(posted.id, PostState.SENT, "250")
        assert tx.outbox.get(posted.id).state is PostState.SENT


def test_letter_and_address_outlive_the_case_and_are_noise_once_they_are_forgotten(
    store: Store,
    case: str,
    clock: FixedClock,
    written: Callable[[], bytes],  # noqa: F811  # the fixture
) -> None:
    with store.transaction() as tx:
        tx.contacts.put(case, Contact(PARCEL.to, "de"))
        tx.outbox.add(case, "letter:refusal", PARCEL)
        tx.outbox.add(case, "letter:completion", Parcel("parcel-2", PARCEL.to, "s", "t"))
        tx.outbox.settle("parcel-2", PostState.SENT, "250")
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    with store.transaction() as tx:
        contact = tx.contacts.of(case)
        assert contact is not None
        assert (contact.email.reveal(), contact.language, tx.contacts.cases()) == (PARCEL.to.reveal(), "de", (case,))
        assert tx.outbox.parcel("parcel-1").text == PARCEL.text
    seen = written()
    assert [form for form in _forms(CANARY) | _forms(PARCEL.to.reveal()) if form in seen] == []
    with store.transaction() as tx:
        tx.contacts.forget(case)
        tx.outbox.forget(case)
    store.scrub()
    with store.transaction() as tx:
        assert (tx.contacts.of(case), [(each.state, each.code) for each in tx.outbox.of(case)]) == (
            None,
            [(PostState.FAILED, "forgotten"), (PostState.SENT, "250")],
        )
        with pytest.raises(Conflict) as refused:
            tx.outbox.add(case, "letter:refusal", Parcel("parcel-3", PARCEL.to, "s", "t"))
    assert refused.value.code == "post.over"


def test_no_letter_keeps_the_key_of_the_identifiers_of_that_day_alive(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.contacts.put(case, Contact(PARCEL.to))
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    with store.snapshot() as tx:
        left = tx.contacts.of(case)
    assert left is not None
    with store.transaction() as tx:
        assert [epoch.split("-")[0] for epoch in tx.connection.scalars(select(tables.epochs.c.id))] == ["post"]
