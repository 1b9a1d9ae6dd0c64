"""Letters to requesters on their way: written, queued or held for a person, recorded where they went out by other means.

A letter is sealed in the outbox in the transaction that makes it due, so it is neither forgotten nor sent twice. What ends a case is written when the
case ends, because later the engine has forgotten what it would say; by default it then waits for a person to send it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time

from dsr_engine.certificate.letter import as_pdf, as_text, languages
from dsr_engine.delivery.addresses import address_of
from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.incident import IncidentKind, Told
from dsr_engine.domain.letter import Letter, LetterKind
from dsr_engine.domain.parcel import Enclosure, Parcel, Posted, PostState
from dsr_engine.domain.request import Contact, Right
from dsr_engine.domain.selector import Secret
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.letters.writing import composed, is_in_part

#: A ledger leaf for each letter that went out: `{case, letter, on, how}`.
SENT = "letter.sent"
#: How a letter went out that was recorded by a person.
BY_HAND = "by_hand"
#: Letters that end a case: one of them is owed to everybody who asked for something and did not take it back.
ENDING = (LetterKind.COMPLETION, LetterKind.PARTIAL, LetterKind.REFUSAL, LetterKind.CANNOT_IDENTIFY)

#: In these states a letter need not be written once more.
_THERE = (PostState.WAITING, PostState.QUEUED, PostState.SENT)


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """A letter that somebody wants sent. `said` is what the engine cannot know. `to` replaces the requester's address.

    `is_again`: also if one of this kind went out already.
    """

    kind: LetterKind
    said: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    to: Secret | None = None
    is_again: bool = False


def purpose_of(kind: LetterKind) -> str:
    """How the outbox calls letters of this kind."""
    return f"letter:{kind.value}"


def kind_of(posted: Posted) -> LetterKind | None:
    """Which letter a message is; None for one that is no letter."""
    what, _, kind = posted.purpose.partition(":")
    return LetterKind(kind) if what == "letter" and kind in set(LetterKind) else None


def checked_contact(house: House, address: str, language: str) -> Contact:
    """Where a requester is answered, and in which language. Raises `InputWrong` for what cannot be written to, or in."""
    address_of(address)
    known = languages(house.settings.home)
    if language and language not in known:
        raise InputWrong(f"there are no letters in {language}", code="letter.language", hint=f"languages are {', '.join(known)}")
    return Contact(Secret(address), language)


def send_letter(house: House, case_id: str, order: Order) -> Posted:
    """Queues the letter, and gives up a draft of the same kind.

    Raises `InputWrong` where something demanded is missing, where no mail is set up or no address is known, and `Conflict` for a letter that went out
    already or that the case is not ready for.
    """
    if house.settings.mail is None:
        raise InputWrong(
            "dsr.toml has no [mail]: nothing can be sent from here",
            code="letter.no_mail",
            hint="set it up, or save the letter with --out, send it yourself and record it with --record-sent DATE",
        )
    with house.store.transaction() as tx:
        case = tx.cases.get(case_id)
        if order.to is not None:
            known = tx.contacts.of(case_id)
            tx.contacts.put(case_id, checked_contact(house, order.to.reveal(), known.language if known else ""))
        contact = tx.contacts.of(case_id)
        if contact is None:
            raise InputWrong("no address of the requester is known", code="letter.no_address", hint="name it with --to ADDRESS")
        _refuse_repetition(tx, case, order)
        letter = composed(tx, house, case, order.kind, order.said, order.language or contact.language)
        _give_up_drafts(tx, case, order.kind)
        return tx.outbox.get(_queue(tx, house, case, letter, contact, is_held=False))


def _refuse_repetition(tx: Transaction, case: Case, order: Order) -> None:
    of_kind = [posted for posted in tx.outbox.of(case.id) if posted.purpose == purpose_of(order.kind)]
    if any(posted.state is PostState.QUEUED for posted in of_kind):
        raise Conflict("this letter is on its way already", code="letter.queued", hint="`dsr post list` shows how it fares")
    if not order.is_again and any(posted.state is PostState.SENT for posted in of_kind):
        raise Conflict("this letter went out already", code="letter.twice", hint="with --again it is sent once more")


def _give_up_drafts(tx: Transaction, case: Case, kind: LetterKind) -> None:
    for posted in tx.outbox.of(case.id):
        if posted.purpose == purpose_of(kind) and posted.state in (PostState.WAITING, PostState.FAILED):
            tx.outbox.drop(posted.id, "replaced")


def _queue(tx: Transaction, house: House, case: Case, letter: Letter, contact: Contact, *, is_held: bool) -> str:
    parcel_id = secrets.token_hex(16)
    subject = f"{letter.subject} [{case.subject_ref[:12]}]"
    enclosed = Enclosure("letter.pdf", "application/pdf", pdf_of(house, letter))
    tx.outbox.add(case.id, purpose_of(letter.kind), Parcel(parcel_id, contact.email, subject, as_text(letter), (enclosed,)), is_held=is_held)
    return parcel_id


def pdf_of(house: House, letter: Letter) -> bytes:
    """The letter under the controller's letterhead. Raises `InputWrong` for a character that no font can draw."""
    look, controller = house.paper.look, house.paper.controller
    return as_pdf(letter, look.lines or tuple(controller[key] for key in ("name", "address") if key in controller), look)


# --- letters that the engine writes by itself ------------------------------------------------------------------------------


def acknowledge(tx: Transaction, house: House, case: Case) -> None:
    """Queues the acknowledgement of a request that is being opened (11 CCR § 7021(a)). What cannot be written is left to the alarm about it."""
    _try_to_queue(tx, house, case, LetterKind.ACKNOWLEDGEMENT, is_held=False)


def write_ending(tx: Transaction, house: House, case: Case) -> None:
    """Writes the letter that ends this case, which the caller's transaction closes; it goes out or waits for a person, as dsr.toml says.

    Called before the case's key is shredded. A letter that lacks something stays unwritten, and the case is shown as one that owes a letter.
    """
    kind = ending_of(tx, case)
    if kind is LetterKind.REFUSAL:
        _give_up_drafts(tx, case, LetterKind.CANNOT_IDENTIFY)  # one of the two is the answer, and nobody wants both
    if kind is None or any(posted.purpose == purpose_of(kind) and posted.state in _THERE for posted in tx.outbox.of(case.id)):
        return
    _try_to_queue(tx, house, case, kind, is_held=not house.settings.letters.is_sent_by_itself)


def write_not_identified(tx: Transaction, house: House, case: Case) -> None:
    """Writes to a requester that nobody can tell which data are theirs, and what would help; once, while the case waits for more or when it ends."""
    if not any(kind_of(posted) is LetterKind.CANNOT_IDENTIFY for posted in tx.outbox.of(case.id)):
        _try_to_queue(tx, house, case, LetterKind.CANNOT_IDENTIFY, is_held=not house.settings.letters.is_sent_by_itself)


def write_correction(tx: Transaction, house: House, case: Case) -> None:
    """Writes to a requester that data were found which an earlier letter had called erased; it goes out or waits for a person, as dsr.toml says."""
    _try_to_queue(tx, house, case, LetterKind.CORRECTION, is_held=not house.settings.letters.is_sent_by_itself)


def _try_to_queue(tx: Transaction, house: House, case: Case, kind: LetterKind, *, is_held: bool) -> None:
    contact = tx.contacts.of(case.id)
    if house.settings.mail is None or contact is None:
        return
    try:
        _queue(tx, house, case, composed(tx, house, case, kind, {}, contact.language), contact, is_held=is_held)
    except DsrError:
        return


def ending_of(tx: Transaction, case: Case) -> LetterKind | None:
    """Which letter ends the case; None for an open one, one that was withdrawn, and for rights that people answer in their own words."""
    if case.outcome is Outcome.REFUSED:
        because = [str(body["reason"]) for _, body in tx.ledger.find("case.refused", case=case.id)]
        return (LetterKind.CANNOT_IDENTIFY if "cannot_identify" in because else LetterKind.REFUSAL) if because else None
    if case.outcome is Outcome.CANNOT_IDENTIFY:
        return LetterKind.CANNOT_IDENTIFY
    if case.right is not Right.ERASURE:
        return None
    if case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS:
        return LetterKind.PARTIAL if is_in_part(tx, case) else LetterKind.COMPLETION
    return LetterKind.COMPLETION if case.outcome is Outcome.FULFILLED else None


# --- what went out -----------------------------------------------------------------------------------------------------------


def went_out(tx: Transaction, house: House, posted: Posted) -> None:
    """Enters a letter that was just sent into the ledger; nothing for other messages."""
    kind = kind_of(posted)
    if kind is not None:
        today = house.calendar.day_of(house.clock.now()).isoformat()
        tx.ledger.append(leaf(house.clock, SENT, posted.id, case=posted.case, letter=kind.value, on=today, how="mail"))
    if kind is LetterKind.CORRECTION:
        _told_of_residue(tx, house, posted.case, house.clock.now())


def _told_of_residue(tx: Transaction, house: House, case_id: str, at: datetime) -> None:
    """The person knows that data of theirs were found again: no open incident of this case owes them that any more."""
    for entry in tx.incidents.of(case_id):
        if entry.kind is IncidentKind.RESIDUE and Told.PEOPLE in entry.owed:
            tx.incidents.put(replace(entry, told={**entry.told, Told.PEOPLE: at}))
            tx.ledger.append(leaf(house.clock, "incident.told_people", f"{entry.id}:letter", incident=entry.id, case=case_id))


def record_sent(house: House, case_id: str, kind: LetterKind, day: date, by: str) -> None:
    """Records a letter that went out by other means, such as post, on that day. A draft of the same kind is given up.

    Raises `InputWrong` for a day that cannot be.
    """
    with house.store.transaction() as tx:
        case = tx.cases.get(case_id)
        if day > house.calendar.day_of(house.clock.now()):
            raise InputWrong("this day lies in the future", code="letter.day", hint="send the letter first, then record the day on which it went out")
        if day < house.calendar.day_of(case.received_at or case.opened_at):
            raise InputWrong("on this day the request had not arrived yet", code="letter.day", hint="write the date as 2026-11-21")
        moment = datetime.combine(day, time(12), house.calendar.zone)
        posted = tx.outbox.record(case_id, purpose_of(kind), moment, BY_HAND)
        _give_up_drafts(tx, case, kind)
        facts = {"letter": kind.value, "on": day.isoformat(), "how": BY_HAND, "by": tx.people.id_of(by)}
        tx.ledger.append(leaf(house.clock, SENT, posted, case=case_id, **facts))
        if kind is LetterKind.CORRECTION:
            _told_of_residue(tx, house, case_id, moment)


def notice_day(house: House, case_id: str, kind: LetterKind) -> date:
    """The first day on which a letter of this kind went out. Raises `Conflict` where none did."""
    with house.store.snapshot() as tx:
        days = [str(body["on"]) for _, body in tx.ledger.find(SENT, case=case_id, letter=kind.value)]
        is_queued = any(posted.purpose == purpose_of(kind) and posted.state is PostState.QUEUED for posted in tx.outbox.of(case_id))
    if days:
        return date.fromisoformat(min(days))
    if is_queued:
        raise Conflict("the notice is queued and has not gone out yet", code="extension.notice", hint="`dsr post list` shows what it met")
    raise Conflict(
        "the requester was not told yet",
        code="extension.notice",
        hint=f"dsr letter {case_id} {kind.value} --say reason=complexity --send; or send it by other means and name the day with --notified DATE",
    )
