"""What named people say about recipients: that one was told, answered, cannot be told, and that a case goes on without it.

A reason stands on the certificate, so it may not name the person: what holds an identifier of the case is refused. Disproportionate effort takes two
people and a detailed explanation (11 CCR § 7022(b)(3): a bare statement is not enough), and only where a law knows that excuse.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.recipient import Channel, Notice, NoticeState
from dsr_engine.domain.regime import Duty
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.masking import mask_of
from dsr_engine.workflow.notices.recipients import changed
from dsr_engine.workflow.notices.telling import answered, purpose_of
from dsr_engine.workflow.notify import OPEN

#: How many characters a reason has at least: why something is impossible, why its effort would be out of proportion, why a case goes on.
LEAST = {"impossible": 40, "disproportionate": 120, "close": 20}
MOST = 2_000
PROPOSED = "disproportionate_proposed"
#: What a person may say that a recipient did.
SAYABLE = {"sent": NoticeState.SENT, "received": NoticeState.ACKNOWLEDGED, "deleted": NoticeState.CONFIRMED}
_ORDER = (NoticeState.PENDING, NoticeState.FAILED, NoticeState.SENT, NoticeState.ACKNOWLEDGED, NoticeState.CONFIRMED)


def acknowledge(
    house: House, case_id: str, recipient: str, said: str, by: str, *, on: date | None = None, evidence: Path | bytes | None = None
) -> Notice:
    """Records what a recipient said or what a person did: `sent`, `received` or `deleted`; of the evidence only its SHA-256 is kept.

    Raises `Conflict` where that was known already or was decided otherwise, `InputWrong` for a day that lies in the future or before the case.
    """
    digest = _digest(evidence) if evidence is not None else ""
    with house.store.transaction() as tx:
        case, notice = tx.cases.locked(case_id), tx.notices.get(case_id, recipient)
        at = _moment(house, case, on)
        state = SAYABLE[said]
        if notice.state not in _ORDER or _ORDER.index(state) <= _ORDER.index(notice.state):
            raise Conflict(
                f"recipient {recipient} is {notice.state.value} already", code="recipient.state", hint=f"`dsr recipients show {case_id}` tells more"
            )
        after = replace(
            notice,
            state=state,
            sent_at=notice.sent_at or at,
            answered_at=notice.answered_at if state is NoticeState.SENT else at,
            code="",
            next_try=None,
            decided_by=tx.people.id_of(by),
            evidence=digest or notice.evidence,
        )
        changed(tx, house, notice, after)
        _take_back_mail(tx, notice)
        _wake(tx, case)
    return after


def declare_impossible(house: House, case_id: str, recipient: str, reason: str, by: str) -> Notice:
    """Records that this recipient cannot be told, and why. Raises `InputWrong` for a reason that says too little or names the person."""
    with house.store.transaction() as tx:
        case, notice = tx.cases.locked(case_id), _untold(tx, case_id, recipient)
        _check_reason(tx, case, reason, "impossible")
        after = replace(notice, state=NoticeState.IMPOSSIBLE, reason=reason.strip(), decided_by=tx.people.id_of(by), next_try=None, code="")
        changed(tx, house, notice, after)
        _take_back_mail(tx, notice)
        _wake(tx, case)
    return after


def propose_disproportionate(house: House, case_id: str, recipient: str, reason: str, by: str) -> Notice:
    """Records the explanation; the notice stays open until somebody else approves it. Raises `Conflict` where no law knows the excuse."""
    with house.store.transaction() as tx:
        case, notice = tx.cases.locked(case_id), _untold(tx, case_id, recipient)
        if notice.duty is not Duty.UNLESS_DISPROPORTIONATE:
            raise Conflict(
                f"a {notice.role.value.replace('_', ' ')} must be told whatever the effort ({notice.law})",
                code="recipient.duty",
                hint="tell it, or say why that is impossible: `dsr recipients impossible`",
            )
        _check_reason(tx, case, reason, "disproportionate")
        after = replace(notice, reason=reason.strip(), decided_by=tx.people.id_of(by), code=PROPOSED)
        changed(tx, house, notice, after)
    return after


def approve_disproportionate(house: House, case_id: str, recipient: str, by: str) -> Notice:
    """Approves what somebody else explained. Raises `Conflict` where nothing is proposed, or for who proposed it."""
    with house.store.transaction() as tx:
        case, notice = tx.cases.locked(case_id), _untold(tx, case_id, recipient)
        person = tx.people.id_of(by)
        if notice.code != PROPOSED:
            raise Conflict("nobody has explained why the effort would be disproportionate", code="recipient.proposal", hint="give --reason first")
        if person == notice.decided_by:
            raise Conflict("who explains it cannot approve it", code="recipient.four_eyes", hint="somebody else has to read the explanation")
        after = replace(notice, state=NoticeState.DISPROPORTIONATE, approved_by=person, code="", next_try=None)
        changed(tx, house, notice, after)
        _take_back_mail(tx, notice)
        _wake(tx, case)
    return after


def close_recipients(house: House, case_id: str, reason: str, by: str) -> tuple[Notice, ...]:
    """Lets the case go on although recipients are open; its certificate names them and the reason. They are followed up all the same."""
    with house.store.transaction() as tx:
        case = tx.cases.locked(case_id)
        still_open = [notice for notice in tx.notices.of(case_id) if notice.is_open and notice.closed_at is None]
        if case.stage is not Stage.NOTIFY or not still_open:
            raise Conflict("the case waits for no recipient", code="recipient.none_open", hint=f"`dsr case show {case_id}` tells what it waits for")
        _check_reason(tx, case, reason, "close")
        person = tx.people.id_of(by)
        now = house.clock.now()
        after = tuple(replace(notice, closed_at=now, reason=reason.strip(), decided_by=person) for notice in still_open)
        for before, notice in zip(still_open, after, strict=True):
            changed(tx, house, before, notice)
        _wake(tx, case)
    return after


def resend(house: House, case_id: str, recipient: str) -> Notice:
    """Lets the notice go out again, with the identifiers and the address of today. Raises `Conflict` for one that needs it no longer."""
    with house.store.transaction() as tx:
        case, notice = tx.cases.locked(case_id), tx.notices.get(case_id, recipient)
        if not notice.is_open:
            raise Conflict(f"recipient {recipient} is {notice.state.value}: there is nothing to send", code="recipient.state")
        tx.selectors.of(case_id)  # raises where the case was forgotten: nobody knows any more whom the notice is about
        known = house.recipients.get(recipient)
        if known is None:
            raise InputWrong(f"recipients.yaml has no {recipient} any more", code="recipient.gone", hint="put it back, or say that it is impossible")
        after = replace(notice, state=NoticeState.PENDING, channel=known.channel, code="", next_try=None, sent_at=None, reminded=0)
        changed(tx, house, notice, after)
        _take_back_mail(tx, notice)
        _wake(tx, case)
    return after


def cancel(house: House, case_id: str, recipient: str, by: str) -> Notice:
    """Takes back a request that was made over OpenDSR and is still pending. Raises what the channel says."""
    with house.store.snapshot() as tx:
        notice = tx.notices.get(case_id, recipient)
    known = house.recipients.get(recipient)
    teller = house.open_teller(known) if known is not None else None
    if teller is None or notice.channel not in (Channel.OPENDSR, Channel.WEBHOOK, Channel.IAB_DDR):
        raise Conflict("what was said by mail or by a person cannot be taken back", code="recipient.no_cancel", hint="write to the recipient")
    if notice.state is not NoticeState.ACKNOWLEDGED:
        raise Conflict(f"recipient {recipient} is {notice.state.value}: there is nothing to take back", code="recipient.state")
    answer = teller.cancel(notice.id)
    with house.store.transaction() as tx:
        case, before = tx.cases.locked(case_id), tx.notices.get(case_id, recipient)
        after = replace(answered(before, answer, house.clock.now()), decided_by=tx.people.id_of(by))
        changed(tx, house, before, after)
        _wake(tx, case)
    return after


def _untold(tx: Transaction, case_id: str, recipient: str) -> Notice:
    notice = tx.notices.get(case_id, recipient)
    if notice.state not in (NoticeState.PENDING, NoticeState.FAILED, NoticeState.SENT):
        raise Conflict(f"recipient {recipient} is {notice.state.value}", code="recipient.state", hint=f"`dsr recipients show {case_id}` tells more")
    return notice


def _check_reason(tx: Transaction, case: Case, reason: str, purpose: str) -> None:
    text = reason.strip()
    if len(" ".join(text.split())) < LEAST[purpose]:
        raise InputWrong(
            f"the reason has fewer than {LEAST[purpose]} characters", code="recipient.reason", hint="say in detail why; it stands on the certificate"
        )
    if len(text) > MOST or not text.isprintable():
        raise InputWrong(f"the reason is longer than {MOST} characters or cannot be printed", code="recipient.reason", hint="write one paragraph")
    if mask_of(tx, case).text(text) != text:
        raise InputWrong(
            "the reason holds an identifier of the person", code="recipient.reason", hint="it stands on the certificate: name nobody in it"
        )


def _take_back_mail(tx: Transaction, notice: Notice) -> None:
    """What still lies in the outbox for a notice that a person settled must not go out: it holds identifiers that nobody there needs any more."""
    for posted in tx.outbox.of(notice.case):
        if posted.purpose == purpose_of(notice) and posted.state in (PostState.QUEUED, PostState.WAITING):
            tx.outbox.drop(posted.id)


def _wake(tx: Transaction, case: Case) -> None:
    """Lets a case that waits for recipients be looked at again."""
    if case.wait is not None and case.wait.code == OPEN:
        tx.cases.save(replace(case, wait=None))


def _moment(house: House, case: Case, on: date | None) -> datetime:
    now = house.clock.now()
    if on is None:
        return now
    opened = house.calendar.day_of(case.opened_at)
    if not opened <= on <= house.calendar.day_of(now):
        raise InputWrong(f"{on} is not between {opened}, when the case was opened, and today", code="recipient.day", hint="look at --on")
    return min(now, datetime.combine(on, time(12), house.calendar.zone).astimezone(UTC))


def _digest(evidence: Path | bytes) -> str:
    if isinstance(evidence, bytes):
        return hashlib.sha256(evidence).hexdigest()
    with evidence.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
