"""Asking: a request is sealed and waits for the code that was sent to its requester; nothing of it becomes a case before.

What is said and how long it takes does not depend on whether the person is known: nothing is looked up here. Killed between the form and the answer:
the request waits, or it does not; a browser that sends it again makes another one, and the code of either counts for its own.
"""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import timedelta

from dsr_engine.domain.errors import Conflict, InputWrong
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

#: How long a code counts, how often a wrong one is let pass, how many are sent for one request, how long a request waits for its code.
CODE_LIVES, MOST_TRIES, MOST_SENT, WAITS = timedelta(minutes=15), 5, 4, timedelta(hours=24)
#: So many requests from one address of the network in an hour, about one identifier in a day, and so many answered codes from an address in an hour.
PER_ADDRESS, PER_IDENTIFIER, PER_ANSWERER = 12, 4, 60
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
    identifiers = {value.reveal().casefold() for _, value in asked.identifiers} | {asked.answer_to.reveal().casefold()}
    for value in sorted(identifiers - {""}):
        slow_down(house, "portal identifier", value, PER_IDENTIFIER, _DAY)
    drafted_for(house, asked, house.clock.now())  # what could not become a case is refused now, before anybody waits for a code
    if is_unverified(house, default_policy(house), asked):
        return Received(None, open_asked(house, asked, house.clock.now()))
    _require_mail(house)
    ticket = new_secret()
    with house.store.transaction() as tx:
        now = house.clock.now()
        pending = Pending(digest_of(ticket), secrets.token_hex(12), now, now + WAITS, seal(ticket, to_bytes(asked)), None)
        tx.portal.add_request(pending)
        _send(tx, house, pending, asked, ticket)
    return Received(ticket, None)


def send_again(house: House, ticket: Secret) -> None:
    """Sends a new code for the request; the one before is void. Raises `InputWrong` (`portal.over`) and `Conflict` (`portal.sent`)."""
    _require_mail(house)
    with house.store.transaction() as tx:
        pending = waiting(tx, house, ticket)
        if pending.code is not None and pending.code.sent >= MOST_SENT:
            raise Conflict("no more codes are sent for this request", code="portal.sent")
        _send(tx, house, pending, from_bytes(unseal(ticket, pending.sealed)), ticket)


def confirm(house: House, ticket: Secret, text: str, address: str) -> Secret:
    """Opens the case if the text is the code; gives the secret of its private link. The time of receipt is that of the form.

    Raises `InputWrong` (`portal.over`) for a request that does not wait, `Conflict` (`portal.wrong`, `portal.code_over`) for what is not its code.
    """
    slow_down(house, "portal answer", network_of(address), PER_ANSWERER, _HOUR)
    with house.store.transaction() as tx:
        pending = waiting(tx, house, ticket)
        is_right = _is_code(tx, house, pending, ticket, text)
    if not is_right:  # counted in a transaction that was committed
        raise Conflict("that is not the code", code="portal.wrong")
    return open_asked(house, from_bytes(unseal(ticket, pending.sealed)), pending.received_at, pending=pending)


def waiting(tx: Transaction, house: House, ticket: Secret) -> Pending:
    """The request that waits under this ticket. Raises `InputWrong` (`portal.over`) where none does, whatever the reason."""
    found = tx.portal.request(digest_of(ticket))
    if found is None or house.clock.now() >= found.ends_at:
        raise InputWrong("no request waits under this address", code="portal.over", hint="send the request again")
    return found


def _is_code(tx: Transaction, house: House, pending: Pending, ticket: Secret, text: str) -> bool:
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
        tx.outbox.drop(posted.id, "superseded")
    parcel = mail_of(house, "code", asked.answer_to, asked.language, code=spaced(code), until=time_of(house, until))
    tx.outbox.add("", f"{BEFORE_CASE}{pending.id}", parcel)


def _require_mail(house: House) -> None:
    if not has_mail(house):
        raise InputWrong("no mail is configured, so no code can be sent", code="mail.not_configured", hint="add [mail] to dsr.toml")


def slow_down(house: House, what: str, value: str, most: int, window: timedelta) -> None:
    """Counts a try under a keyed digest. Raises `NotAllowed` (`sign_in.often`) beyond `most` in the window."""
    throttle(house, what, value, most, window)


def network_of(address: str) -> str:
    """What is counted as one visitor: an IPv4 address, or the /64 network of an IPv6 address, of which one household has them all."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
