"""Asking: a request is sealed and waits for the code that was sent to its requester; nothing of it becomes a case before.

What is said and how long it takes does not depend on whether the person is known: nothing is looked up here. Killed between the form and the answer:
the request waits, or it does not; a browser that sends it again makes another one, and the code of either counts for its own.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.network import network_of
from dsr_engine.domain.parcel import PostState
from dsr_engine.domain.portal import Asked, Pending
from dsr_engine.domain.selector import Secret
from dsr_engine.store.outbox import BEFORE_CASE
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.portal.forms import from_bytes, to_bytes
from dsr_engine.workflow.portal.laws import default_policy, is_unverified
from dsr_engine.workflow.portal.mailing import mail_of, spaced, time_of
from dsr_engine.workflow.portal.opening import drafted_for, open_asked
from dsr_engine.workflow.portal.secret import code_digest, digest_of, new_code, new_secret, seal, unseal
from dsr_engine.workflow.users.signing_in import throttle

#: How long a code counts (mail servers that do not know us yet let us wait for up to half an hour), how often a wrong one is let pass, how many are
#: sent for one request, how long a request waits for its code.
CODE_LIVES, MOST_TRIES, MOST_SENT, WAITS = timedelta(minutes=60), 5, 4, timedelta(hours=24)
#: So many requests from one address of the network in an hour, about one identifier in a day, and so many answered codes from an address in an hour.
PER_ADDRESS, PER_IDENTIFIER, PER_ANSWERER = 12, 4, 60
#: So many codes to one e-mail address in a day, whatever for and whoever asks: nobody's mailbox is filled from here.
PER_MAILBOX = 12
_SUPERSEDED = "superseded"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, repr=False)
class Received:
    """A request was taken. `ticket` is the secret of one that waits for its code, `link` of one that is a case already; the other is None."""

    ticket: Secret | None
    link: Secret | None


def has_mail(house: House) -> bool:
    """True if codes can be sent at all."""
    return house.settings.mail is not None


def receive(house: House, asked: Asked, address: str) -> Received:
    """Takes a request that was checked. `address` is the visitor's in the network.

    Raises `NotAllowed` (`sign_in.often`) for too many, `InputWrong` (`mail.not_configured`) where no code can be sent, and what `drafted` refuses.
    """
    slow_down(house, "portal address", network_of(address), PER_ADDRESS, _HOUR)
    # A name is nobody's alone, and an agent asks for many: neither is counted.
    for value in sorted({value.reveal().casefold() for kind, value in asked.identifiers if kind != "name"}):
        slow_down(house, "portal identifier", value, PER_IDENTIFIER, _DAY)
    drafted_for(house, asked, house.clock.now())  # what could not become a case is refused now, before anybody waits for a code
    if is_unverified(house, default_policy(house), asked):
        return Received(None, open_asked(house, asked, house.clock.now()))
    refuse_without_mail(house)
    slow_down_mail(house, asked.answer_to.reveal())
    ticket = new_secret()
    with house.store.transaction() as tx:
        now = house.clock.now()
        pending = Pending(digest_of(ticket), secrets.token_hex(12), now, now + WAITS, seal(ticket, to_bytes(asked)), None)
        tx.portal.add_request(pending)
        _send(tx, house, pending, asked, ticket)
    return Received(ticket, None)


def send_again(house: House, ticket: Secret) -> None:
    """Sends a new code for the request; the one before is void. Raises `InputWrong` (`portal.over`) and `Conflict` (`portal.sent`)."""
    refuse_without_mail(house)
    with house.store.snapshot() as tx:
        asked = from_bytes(unseal(ticket, waiting(tx, house, ticket).sealed))
    slow_down_mail(house, asked.answer_to.reveal())
    with house.store.transaction() as tx:
        pending = waiting(tx, house, ticket, is_locked=True)
        if pending.code is not None and pending.code.sent >= MOST_SENT:
            raise Conflict("no more codes are sent for this request", code="portal.sent")
        _send(tx, house, pending, asked, ticket)


def confirm(house: House, ticket: Secret, text: str, address: str) -> Secret:
    """Opens the case if the text is the code; gives the secret of its private link. The time of receipt is that of the form.

    Raises `InputWrong` (`portal.over`) for a request that does not wait, `Conflict` (`portal.wrong`, `portal.code_over`) for what is not its code.
    """
    slow_down(house, "portal answer", network_of(address), PER_ANSWERER, _HOUR)
    with house.store.transaction() as tx:
        pending = waiting(tx, house, ticket, is_locked=True)
        is_right = answered(tx, house, pending, ticket, text)
    if not is_right:  # counted in a transaction that was committed
        raise Conflict("that is not the code", code="portal.wrong")
    return open_asked(house, from_bytes(unseal(ticket, pending.sealed)), pending.received_at, pending=pending)


def waiting(tx: Transaction, house: House, ticket: Secret, *, is_locked: bool = False) -> Pending:
    """The request that waits under this ticket. Raises `InputWrong` (`portal.over`) where none does, whatever the reason."""
    found = tx.portal.request(digest_of(ticket), is_locked=is_locked)
    if found is None or house.clock.now() >= found.ends_at:
        raise InputWrong("no request waits under this address", code="portal.over", hint="send the request again")
    return found


class Mail(StrEnum):
    """How the mail with the code fares: it went out (or is about to), no server took it yet, or it was refused for good."""

    FINE = ""
    LATE = "late"
    REFUSED = "refused"


def mail_state(tx: Transaction, pending: Pending) -> Mail:
    """How the newest mail with a code for this request fares."""
    posted = [entry for entry in tx.outbox.before_case(f"{BEFORE_CASE}{pending.id}") if entry.code != _SUPERSEDED][-1:]
    if not posted or posted[0].state is PostState.SENT:
        return Mail.FINE
    if posted[0].state in (PostState.FAILED, PostState.BOUNCED):
        return Mail.REFUSED
    return Mail.LATE if posted[0].tries and posted[0].code else Mail.FINE


def answered(tx: Transaction, house: House, pending: Pending, ticket: Secret, text: str) -> bool:
    """True if the text is the code of what waits; a wrong one is counted. Raises `Conflict` (`portal.code_over`)."""
    code = pending.code
    if code is None or house.clock.now() >= code.until or code.tries >= MOST_TRIES:
        raise Conflict("the code does not count any more", code="portal.code_over")
    if secrets.compare_digest(code.digest, code_digest(ticket, text)):
        return True
    tx.portal.count_request_try(pending.digest)
    return False


def _send(tx: Transaction, house: House, pending: Pending, asked: Asked, ticket: Secret) -> None:
    code, until = new_code(), house.clock.now() + CODE_LIVES
    tx.portal.put_request_code(pending.digest, code_digest(ticket, code), until)
    for posted in tx.outbox.before_case(f"{BEFORE_CASE}{pending.id}"):
        tx.outbox.drop(posted.id, _SUPERSEDED)
    parcel = mail_of(house, "code", asked.answer_to, asked.language, code=spaced(code), until=time_of(house, until))
    tx.outbox.add("", f"{BEFORE_CASE}{pending.id}", parcel)


def refuse_without_mail(house: House) -> None:
    """Raises `InputWrong` (`mail.not_configured`) where no code can be sent."""
    if not has_mail(house):
        raise InputWrong("no mail is configured, so no code can be sent", code="mail.not_configured", hint="add [mail] to dsr.toml")


def slow_down_mail(house: House, mailbox: str) -> None:
    """Counts a mail with a code to this address. Raises `NotAllowed` (`sign_in.often`) for too many."""
    slow_down(house, "portal mailbox", mailbox.casefold(), PER_MAILBOX, _DAY)


def slow_down(house: House, what: str, value: str, most: int, window: timedelta) -> None:
    """Counts a try under a keyed digest. Raises `NotAllowed` (`sign_in.often`) beyond `most` in the window."""
    throttle(house, what, value, most, window)
