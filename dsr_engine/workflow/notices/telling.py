"""Tells recipients, asks how they stand, and reminds those that are silent: once for each notice that is due, whoever calls.

Told first, written down afterwards: killed in between, the same message goes out once more under the same id. A mail goes into the outbox in the
transaction that writes it down, so there is one of it. Identifiers are read when the message is made and stand on the wire, or sealed in the outbox.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

from dsr_engine.delivery.wording import notice_text, words_of
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong, NotSupported, Unreachable
from dsr_engine.domain.parcel import Parcel, Posted, PostState
from dsr_engine.domain.recipient import Channel, Notice, NoticeState, Recipient, What
from dsr_engine.domain.selector import CARRIED, Secret, Selector
from dsr_engine.domain.telling import Answer, Identifier, Message
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.notices.recipients import QUEUED, changed

Begin = Callable[[], AbstractContextManager[Transaction]]

#: How long a message that did not get through rests before it is sent again, by the number of tries.
RETRY_AFTER = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=6), timedelta(days=1))
#: How often a recipient that can be asked is asked how it stands, and how often the outbox is looked at.
ASK_AFTER = timedelta(hours=6)
LOOK_AFTER = timedelta(minutes=5)
#: A mail that cannot be delivered comes back after five days at the latest, as mail servers are set.
BOUNCES_WITHIN = timedelta(days=7)
#: Channels on which saying it again tells the recipient something.
_REMINDABLE = frozenset({Channel.MAIL, Channel.WEBHOOK})
#: Code of a notice for which the case knows no identifier that the recipient needs.
NO_IDENTIFIER = "recipient.no_identifier"


def attend_notices(case: Case, house: House, begin: Begin) -> tuple[Notice, ...]:
    """Does for every notice of the case what is due now; gives them as they then are."""
    with begin() as tx:
        notices = tx.notices.of(case.id)
    for notice in notices:
        if is_due(notice, house.clock.now()):
            _attend(case, notice, house, begin)
    with begin() as tx:
        return tx.notices.of(case.id)


def is_due(notice: Notice, now: datetime) -> bool:
    """True if there is something to do for it: to send it, to ask how it stands, to remind."""
    moment = next_moment(notice)
    return moment is not None and moment <= now


def next_moment(notice: Notice) -> datetime | None:
    """When something is due for it next; None where only the recipient or a person can go on.

    After a reminder that did not get through the next try decides, not the reminder, which is due all the time.
    """
    if notice.channel is Channel.MANUAL:
        return None
    if notice.state is NoticeState.PENDING:
        return notice.next_try or notice.made_at
    may_return = notice.channel is Channel.MAIL and notice.state is NoticeState.SENT
    if not (notice.is_open or may_return):
        return None
    reminder = notice.next_reminder if notice.channel in _REMINDABLE else None
    if notice.next_try is None or reminder is None:
        return notice.next_try or reminder
    return notice.next_try if reminder <= notice.next_try or may_return else reminder


def _attend(case: Case, notice: Notice, house: House, begin: Begin) -> None:
    recipient = house.recipients.get(notice.recipient)
    if recipient is None or recipient.channel is not notice.channel:
        code = "recipient.gone" if recipient is None else "recipient.channel_changed"
        _write(notice, replace(notice, state=NoticeState.FAILED, code=code, next_try=None), house, begin)
    elif notice.channel is Channel.MAIL:
        _by_mail(case, notice, recipient, house, begin)
    else:
        _over_the_net(case, notice, recipient, house, begin)


def _write(before: Notice, after: Notice, house: House, begin: Begin) -> None:
    """Writes the notice down, unless somebody decided about it meanwhile."""
    with begin() as tx:
        if tx.notices.get(before.case, before.recipient) == before:
            changed(tx, house, before, after)


def message_of(tx: Transaction, case: Case, notice: Notice, recipient: Recipient, house: House, reminder: int = 0) -> Message:
    """What this recipient is told, with the identifiers that it needs and no other.

    Raises `Conflict`: `recipient.no_identifier` where the case knows none of them, `vault.shredded` where it was forgotten.
    """
    identifiers = _identifiers(tx.selectors.of(case.id), recipient)
    if not identifiers:
        raise Conflict(f"the case knows no {' or '.join(recipient.identify_by)} of the person", code=NO_IDENTIFIER)
    return Message(
        id=notice.id,
        reference=case.subject_ref[:12],
        what=tuple(What(part) for part in notice.what.split(",")),
        law=notice.law,
        regulation=case.regimes[0] if case.regimes else "",
        requested_at=case.received_at or case.opened_at,
        answer_by=notice.answer_by.date(),
        identifiers=identifiers,
        controller=house.settings.controller,
        reminder=reminder,
    )


def _identifiers(selectors: tuple[Selector, ...], recipient: Recipient) -> tuple[Identifier, ...]:
    """What somebody verified, or a system told of the person; a claim that nobody checked may be another person's."""
    sure = [entry for entry in selectors if (entry.verified or entry.scope is not None) and entry.kind != CARRIED]
    wanted = [(kind, entry.value.reveal()) for kind in recipient.identify_by for entry in sure if entry.kind == kind]
    return tuple(Identifier(kind, Secret(value)) for kind, value in dict.fromkeys(wanted))


# --- mail --------------------------------------------------------------------------------------------------------------


def _by_mail(case: Case, notice: Notice, recipient: Recipient, house: House, begin: Begin) -> None:
    with begin() as tx:
        if tx.notices.get(case.id, notice.recipient) != notice:
            return
        posted = tx.outbox.find(parcel_id(notice))
        reminder = notice.next_reminder
        if notice.state is NoticeState.PENDING and notice.code != QUEUED:
            changed(tx, house, notice, _queued(tx, case, notice, recipient, house, 0))
        elif posted is not None and (notice.state is NoticeState.PENDING or posted.state in (PostState.BOUNCED, PostState.FAILED)):
            changed(tx, house, notice, _as_posted(notice, posted, house.clock.now()))
        elif reminder is not None and reminder <= house.clock.now():
            changed(tx, house, notice, _queued(tx, case, notice, recipient, house, notice.reminded + 1))
        else:
            changed(tx, house, notice, replace(notice, next_try=_next_look(notice, house.clock.now())))


def _next_look(notice: Notice, now: datetime) -> datetime | None:
    """When the outbox is looked at again for a mail that came back; most do within days."""
    return now + ASK_AFTER if now < (notice.sent_at or now) + BOUNCES_WITHIN else None


def purpose_of(notice: Notice) -> str:
    """How the outbox calls mails for this notice."""
    return f"notice:{notice.id}"


def parcel_id(notice: Notice) -> str:
    """The id of the mail that was sent last for this notice."""
    return f"{notice.id}-{notice.tries}"


def _queued(tx: Transaction, case: Case, notice: Notice, recipient: Recipient, house: House, reminder: int) -> Notice:
    """The notice with one more mail in the outbox. A reminder leaves its state as it is."""
    after = replace(notice, tries=notice.tries + 1, reminded=max(notice.reminded, reminder))
    try:
        message = message_of(tx, case, notice, recipient, house, reminder)
        subject, text = notice_text(message, words_of(recipient.language or house.settings.letters.language, house.settings.home))
        tx.outbox.add(case.id, purpose_of(notice), Parcel(parcel_id(after), Secret(recipient.setting("to")), subject, text))
    except (Conflict, InputWrong) as error:
        return _refused(notice, error, house.clock.now())
    if reminder:
        return replace(after, next_try=house.clock.now() + ASK_AFTER)
    return replace(after, code=QUEUED, next_try=house.clock.now() + LOOK_AFTER)


def _as_posted(notice: Notice, posted: Posted, now: datetime) -> Notice:
    """The notice as its mail fares."""
    match posted.state:
        case PostState.SENT:
            return replace(notice, state=NoticeState.SENT, sent_at=posted.sent_at or now, code="", next_try=now + ASK_AFTER)
        case PostState.FAILED | PostState.BOUNCED:
            return replace(notice, state=NoticeState.FAILED, code=f"mail_{posted.state.value}", next_try=None)
        case _:
            return replace(notice, next_try=now + LOOK_AFTER)


# --- webhook, OpenDSR, IAB ---------------------------------------------------------------------------------------------


def _over_the_net(case: Case, notice: Notice, recipient: Recipient, house: House, begin: Begin) -> None:
    now = house.clock.now()
    try:
        teller = house.open_teller(recipient)
        if teller is None:
            raise NotSupported("nobody can tell it over the net", code="recipient.channel")
        if notice.state is not NoticeState.PENDING and notice.channel not in _REMINDABLE:
            found = teller.ask(notice.id)
            after = replace(notice, next_try=None) if found is None else answered(notice, found, now)
        else:
            reminder = 0 if notice.state is NoticeState.PENDING else notice.reminded + 1
            with begin() as tx:
                message = message_of(tx, case, notice, recipient, house, reminder)
            after = answered(replace(notice, tries=notice.tries + 1, reminded=reminder), teller.tell(message, now), now)
    except DsrError as error:
        if error.code == "store.lease_lost":
            raise
        after = _refused(notice, error, now)
    _write(notice, after, house, begin)


def answered(notice: Notice, answer: Answer, now: datetime) -> Notice:
    """The notice after its recipient's system said something. An answer never takes back what is known: a receipt does not undo a confirmation."""
    if notice.state is NoticeState.CONFIRMED:
        return notice
    again = now + ASK_AFTER if notice.channel is Channel.OPENDSR and answer.state is NoticeState.ACKNOWLEDGED else None
    return replace(
        notice,
        state=answer.state,
        code=answer.code,
        sent_at=notice.sent_at or now,
        answered_at=notice.answered_at if answer.state is notice.state else now,
        expected_at=answer.expected_at or notice.expected_at,
        next_try=again,
    )


def _refused(notice: Notice, error: DsrError, now: datetime) -> Notice:
    """The notice after a try that failed. What was sent before stays sent: only the first telling can fail."""
    if notice.state is not NoticeState.PENDING:
        reminded = notice.reminded + 1 if notice.channel in _REMINDABLE and not isinstance(error, Unreachable) else notice.reminded
        return replace(notice, code=error.code, reminded=reminded, next_try=now + ASK_AFTER)
    if isinstance(error, Unreachable):
        pause = RETRY_AFTER[min(notice.tries, len(RETRY_AFTER) - 1)]
        return replace(notice, tries=notice.tries + 1, code=error.code, next_try=now + pause)
    return replace(notice, state=NoticeState.FAILED, tries=notice.tries + 1, code=error.code, next_try=None)
