"""A private link shows where a request stands. For everything else a fresh code is asked for, because a link alone may lie in somebody's mailbox.

Who answered a code lately in this browser is a visitor; that ends after half an hour.
"""

import secrets
from datetime import datetime, timedelta

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.network import network_of
from dsr_engine.domain.portal import Link, Part
from dsr_engine.domain.selector import Secret
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.portal.asking import CODE_LIVES, MOST_TRIES, PER_ANSWERER, refuse_without_mail, slow_down
from dsr_engine.workflow.portal.mailing import CODE, mail_of, spaced, time_of
from dsr_engine.workflow.portal.secret import code_digest, digest_of, is_secret, new_code, new_secret

#: How long a browser counts after a code was answered in it.
LASTS = timedelta(minutes=30)
#: How long a link shows a closed case whose requester gave no address.
STAYS = timedelta(days=60)
#: How long a link counts after it was made, or after a code was last answered by it; then a new one is sent for (`renewing.py`).
LINK_LIVES = timedelta(days=120)
#: So many codes by one link in a day, and so many addresses that are no links from one visitor in an hour.
PER_LINK, PER_STRANGER = 10, 30
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def link_of(house: House, text: str, address: str, part: Part = Part.REQUESTER) -> Link:
    """The link with this secret. Raises `InputWrong` (`link.unknown`) for what is none, or none any more, and `NotAllowed` for guessing."""
    if is_secret(text):
        with house.store.snapshot() as tx:
            found = tx.portal.link(digest_of(Secret(text)))
            now = house.clock.now()
            is_open = found is not None and now < found.made_at + LINK_LIVES and not tx.portal.is_over(found.case, now - STAYS)
        if found is not None and found.part is part and is_open:
            return found
    slow_down(house, "portal stranger", network_of(address), PER_STRANGER, _HOUR)
    raise InputWrong("there is no such link, or it has ended", code="link.unknown")


def send_visit_code(house: House, link: Link, secret: Secret) -> datetime:
    """Sends a code to the address that letters of the case go to; gives until when it counts. Raises `Conflict` (`portal.no_address`)."""
    slow_down(house, "portal link", secret.reveal(), PER_LINK, _DAY)
    refuse_without_mail(house)
    code, until = new_code(), house.clock.now() + CODE_LIVES
    with house.store.transaction() as tx:
        contact = tx.contacts.of(link.case)
        if contact is None:
            raise Conflict("no address of the requester is known", code="portal.no_address")
        for posted in tx.outbox.of(link.case):
            if posted.purpose == CODE:
                tx.outbox.drop(posted.id, "superseded")
        language = contact.language or house.settings.letters.language
        tx.outbox.add(link.case, CODE, mail_of(house, "enter", contact.email, language, code=spaced(code), until=time_of(house, until)))
        tx.portal.put_link_code(link.digest, code_digest(secret, code), until)
    return until


def enter(house: House, link: Link, secret: Secret, text: str, address: str) -> Secret:
    """Begins a visit if the text is the code; gives what the browser keeps. Raises `Conflict` (`portal.wrong`, `portal.code_over`)."""
    slow_down(house, "portal answer", network_of(address), PER_ANSWERER, _HOUR)
    with house.store.transaction() as tx:
        code = tx.portal.link_code(link.digest, is_locked=True)
        if code is None or house.clock.now() >= code.until or code.tries >= MOST_TRIES:
            raise Conflict("the code does not count any more", code="portal.code_over")
        is_right = secrets.compare_digest(code.digest, code_digest(secret, text))
        if is_right:
            tx.portal.drop_link_code(link.digest)
            tx.portal.prolong_link(link.digest, house.clock.now())
            visit = begin_visit(tx, house, link)
        else:
            tx.portal.count_link_try(link.digest)
    if not is_right:
        raise Conflict("that is not the code", code="portal.wrong")
    return visit


def begin_visit(tx: Transaction, house: House, link: Link) -> Secret:
    """A new visit; gives the secret that the browser keeps."""
    value = new_secret()
    tx.portal.end_visits(house.clock.now())
    tx.portal.add_visit(digest_of(value), link.digest, house.clock.now() + LASTS)
    return value


def first_visit(house: House, secret: Secret) -> Secret:
    """The visit of whoever answered the code with which the case was opened."""
    with house.store.transaction() as tx:
        link = tx.portal.link(digest_of(secret))
        assert link is not None
        return begin_visit(tx, house, link)


def is_visitor(house: House, link: Link, kept: object) -> bool:
    """True if a code for this link was answered lately in the browser that keeps this value."""
    if not isinstance(kept, str) or not is_secret(kept):
        return False
    with house.store.snapshot() as tx:
        return tx.portal.is_visit(digest_of(Secret(kept)), link.digest, house.clock.now())


def waits_for_code(tx: Transaction, house: House, link: Link) -> bool:
    """True if a code was sent that can be answered now."""
    code = tx.portal.link_code(link.digest)
    return code is not None and house.clock.now() < code.until and code.tries < MOST_TRIES


def revoke(house: House, case_id: str, by: str) -> int:
    """Ends every private link of the case; gives how many there were."""
    with house.store.transaction() as tx:
        count = tx.portal.end_links(tx.cases.get(case_id).id)
        if count:
            key = f"{case_id}:{secrets.token_hex(8)}"
            tx.ledger.append(leaf(house.clock, "portal.links_ended", key, case=case_id, count=count, by=tx.people.id_of(by)))
    return count
