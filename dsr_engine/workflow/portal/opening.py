"""A request that came through the portal becomes a case: by the same functions as an officer's, in one transaction with its private link.

A code to an address that only the requester named proves who reads that address and no more. Whether it is an address on file is looked up later, by
the worker (`judging.py`), so that nobody learns from the time that an answer takes.
"""

from dataclasses import replace
from datetime import datetime

from dsr_engine.certificate.letter import languages
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.portal import Asked, Link, NoteKind, Part, Pending, Who
from dsr_engine.domain.request import Contact, Manner, Right
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.verification import NAMED, Verified
from dsr_engine.store.outbox import BEFORE_CASE
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim, Request, drafted, opened
from dsr_engine.workflow.portal.forms import letters_language
from dsr_engine.workflow.portal.laws import default_policy, laws_for
from dsr_engine.workflow.portal.mailing import AGENT, LINK, address_of_link, mail_of
from dsr_engine.workflow.portal.secret import digest_of, new_secret
from dsr_engine.workflow.verify_identity import note_verified

#: Under which name the portal acts: an id of its own in the ledger, and nobody's account.
PORTAL = "requester portal"


def request_for(house: House, asked: Asked, received_at: datetime) -> Request:
    """The request as an officer would open it."""
    policy = default_policy(house)
    to = asked.answer_to
    return Request(
        claims=tuple(Claim(kind, value) for kind, value in asked.identifiers),
        policy=policy,
        opened_by=PORTAL,
        regimes=laws_for(house, policy, asked.place).regimes,
        received_at=received_at,
        right=asked.right,
        manner=Manner.WEB,
        contact=Contact(to, letters_language(asked, languages(house.settings.home))) if to.reveal() else None,
    )


def drafted_for(house: House, asked: Asked, received_at: datetime) -> Case:
    """The case that this would become; nothing is written. Raises `InputWrong` where the house cannot take it."""
    return drafted(house, request_for(house, asked, received_at))


def open_asked(house: House, asked: Asked, received_at: datetime, *, pending: Pending | None = None) -> Secret:
    """Opens the case and gives the secret of its private link. With `pending`, the code was right, and the request that waited ends with this.

    Raises `InputWrong` (`portal.over`) if it became a case meanwhile: one who presses twice opens one case.
    """
    request, secret = request_for(house, asked, received_at), new_secret()
    draft = drafted(house, request)
    with house.store.transaction() as tx:
        if pending is not None:
            if tx.portal.request(pending.digest, is_locked=True) is None:
                raise InputWrong("no request waits under this address", code="portal.over", hint="send the request again")
            tx.portal.end_request(pending.digest)
            tx.outbox.end(f"{BEFORE_CASE}{pending.id}")
        case = opened(tx, house, replace(draft, opened_by=tx.people.id_of(PORTAL)), request)
        now, is_confirmed = house.clock.now(), pending is not None
        is_own = asked.who is Who.SELF and is_confirmed
        tx.portal.add_link(Link(digest_of(secret), case.id, Part.REQUESTER, now, now if is_own else None))
        if is_own:
            note_verified(tx, house, case, Verified(NAMED, case.opened_by, now, ("email",)))
        _note(tx, house, case, asked)
        if request.contact is not None:
            link = address_of_link(house, asked.language, secret)
            if house.settings.mail is not None:
                tx.outbox.add(case.id, LINK, mail_of(house, "link", asked.answer_to, asked.language, link=link, reference=reference_of(case)))
            if asked.who is Who.AGENT:
                _ask_person(tx, house, case, asked)
    return secret


def reference_of(case: Case) -> str:
    """How a requester and the controller speak of the case."""
    return case.subject_ref[:12]


def _note(tx: Transaction, house: House, case: Case, asked: Asked) -> None:
    """What an officer has to read that is no identifier: the requester's own words, who acts for whom, a law that does not apply."""
    now = house.clock.now()
    if asked.more.reveal():
        tx.portal.add_note(case.id, NoteKind.ASKED, asked.more, now)
    if asked.who is not Who.SELF:
        text = f"{asked.who.value}: {asked.own_name.reveal()} <{asked.own_email.reveal()}>"
        tx.portal.add_note(case.id, NoteKind.ACTS_FOR, Secret(text), now)
    left_out = laws_for(house, default_policy(house), asked.place).left_out
    if left_out:
        tx.portal.add_note(case.id, NoteKind.LAW_LEFT_OUT, Secret(left_out), now)


def _ask_person(tx: Transaction, house: House, case: Case, asked: Asked) -> None:
    """Asks the person whether the agent acts for them, where every law of the case lets that be asked (11 CCR § 7063(a))."""
    may_ask = all(regime.verification.confirm for regime in house.regimes_of(case))
    if not (may_ask and asked.email.reveal() and house.settings.mail is not None) or asked.right is Right.OPT_OUT:
        return
    secret = new_secret()
    tx.portal.add_link(Link(digest_of(secret), case.id, Part.PERSON, house.clock.now()))
    link = address_of_link(house, asked.language, secret, "agent")
    parcel = mail_of(house, "agent", asked.email, asked.language, link=link, agent=asked.own_name.reveal(), reference=reference_of(case))
    tx.outbox.add(case.id, AGENT, parcel)
