"""A private link that was lost or has ended is made anew for whoever reads the address that letters of the request go to.

The code goes to the address that the visitor names, whether or not there is such a request; only who answers it learns whether there is. So nobody
learns anything about anybody else, by the page, the time that it takes, or the number of mails.
"""

import json
import secrets
from datetime import timedelta

from dsr_engine.delivery.addresses import address_of as written
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.network import network_of
from dsr_engine.domain.portal import Link, Part, Pending
from dsr_engine.domain.selector import Secret
from dsr_engine.store.outbox import BEFORE_CASE
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.portal.asking import (
    CODE_LIVES,
    PER_ADDRESS,
    PER_ANSWERER,
    PER_IDENTIFIER,
    answered,
    refuse_without_mail,
    slow_down,
    slow_down_mail,
)
from dsr_engine.workflow.portal.mailing import LINK, address_of_link, mail_of, spaced, time_of
from dsr_engine.workflow.portal.opening import reference_of
from dsr_engine.workflow.portal.secret import code_digest, digest_of, new_code, new_secret, seal, unseal
from dsr_engine.workflow.portal.texts import plain
from dsr_engine.workflow.portal.visiting import STAYS

#: How long the question waits for its code.
_WAITS = timedelta(hours=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: References are hexadecimal; so many characters of one are shown.
_LENGTH = 12
_HEX = frozenset("0123456789abcdef")


def ask_anew(house: House, reference: str, email: str, language: str, address: str) -> Secret:
    """Sends a code to this address; gives the secret under which it is answered. `address` is the visitor's in the network.

    Raises `InputWrong` (`portal.reference`, `post.address`) for what can be neither, `NotAllowed` for too many, `InputWrong` without mail.
    """
    reference, email = plain(reference).replace(" ", "").strip("[]").lower(), plain(email)
    if len(reference) != _LENGTH or not set(reference) <= _HEX:
        raise InputWrong("that is no reference", code="portal.reference", hint="twelve letters and digits; every mail has it")
    written(email)
    refuse_without_mail(house)
    slow_down(house, "portal address", network_of(address), PER_ADDRESS, _HOUR)
    slow_down(house, "portal renewal", email.casefold(), PER_IDENTIFIER, _DAY)
    slow_down_mail(house, email)
    ticket, now, code = new_secret(), house.clock.now(), new_code()
    body = json.dumps({"reference": reference, "email": email}).encode()
    pending = Pending(_place(ticket), secrets.token_hex(12), now, now + _WAITS, seal(ticket, body), None)
    parcel = mail_of(house, "enter", Secret(email), language, code=spaced(code), until=time_of(house, now + CODE_LIVES))
    with house.store.transaction() as tx:
        tx.portal.add_request(pending)
        tx.portal.put_request_code(pending.digest, code_digest(ticket, code), now + CODE_LIVES)
        tx.outbox.add("", f"{BEFORE_CASE}{pending.id}", parcel)
    return ticket


def is_asked(tx: Transaction, house: House, ticket: Secret) -> bool:
    """True if a code is waited for under this secret."""
    found = tx.portal.request(_place(ticket))
    return found is not None and house.clock.now() < found.ends_at


def give_anew(house: House, ticket: Secret, text: str, address: str) -> Secret:
    """A new private link, if the text is the code and the request's letters go to the address that it was sent to; earlier ones end.

    Raises `InputWrong` (`portal.over`) for a question that does not wait, `Conflict` (`portal.wrong`, `portal.code_over`) for what is not its code,
    `Conflict` (`portal.no_request`) where there is no such request.
    """
    slow_down(house, "portal answer", network_of(address), PER_ANSWERER, _HOUR)
    with house.store.transaction() as tx:
        pending = tx.portal.request(_place(ticket), is_locked=True)
        if pending is None or house.clock.now() >= pending.ends_at:
            raise InputWrong("no question waits under this address", code="portal.over", hint="ask for the link again")
        is_right = answered(tx, house, pending, ticket, text)
        secret = _given(tx, house, pending, ticket) if is_right else None
    if not is_right:
        raise Conflict("that is not the code", code="portal.wrong")
    if secret is None:
        raise Conflict("there is no such request", code="portal.no_request")
    return secret


def _given(tx: Transaction, house: House, pending: Pending, ticket: Secret) -> Secret | None:
    """A new link in place of the old ones; None where there is no such request. The question has ended either way."""
    asked, now = json.loads(unseal(ticket, pending.sealed)), house.clock.now()
    tx.portal.end_request(pending.digest)
    tx.outbox.end(f"{BEFORE_CASE}{pending.id}")
    case = tx.portal.case_of(asked["reference"])
    contact = tx.contacts.of(case) if case is not None else None
    if case is None or contact is None or contact.email.reveal().casefold() != asked["email"].casefold() or tx.portal.is_over(case, now - STAYS):
        return None
    secret = new_secret()
    old = next((link for link in tx.portal.links_of(case) if link.part is Part.REQUESTER), None)
    # What an earlier link had proved and the worker had made of it was about this very address; for a case that had none, nobody looks.
    link = Link(digest_of(secret), case, Part.REQUESTER, now, old.confirmed_at if old else None, old.judged if old else "")
    tx.portal.replace_link(link)
    language = contact.language or house.settings.letters.language
    values = {"link": address_of_link(house, language, secret), "reference": reference_of(tx.cases.get(case))}
    tx.outbox.add(case, LINK, mail_of(house, "link", contact.email, language, **values))
    tx.ledger.append(leaf(house.clock, "portal.link_renewed", secrets.token_hex(16), case=case))
    return secret


def _place(ticket: Secret) -> bytes:
    """Another place than that of a request, so that neither is taken for the other."""
    return digest_of(Secret(f"renew {ticket.reveal()}"))
