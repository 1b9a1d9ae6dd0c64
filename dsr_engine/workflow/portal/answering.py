"""Messages between a requester and an officer: sealed, read behind a code; a mail says that there is one and nothing of what it says.

The message and its mail are written in one transaction: neither is there without the other.
"""

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.portal import Link, Note, NoteKind
from dsr_engine.domain.selector import Secret
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.portal.mailing import MESSAGE, address_of, mail_of
from dsr_engine.workflow.portal.opening import reference_of
from dsr_engine.workflow.portal.texts import LONGEST, plain

#: What both sides see of what was written.
THREAD = (NoteKind.ASKED, NoteKind.MORE, NoteKind.OBJECTION, NoteKind.ANSWER)


def refusal(tx: Transaction, house: House, case_id: str) -> str:
    """Why no message can be sent to the requester; empty if one can."""
    if not house.settings.web.has_portal:
        return "the portal is closed in dsr.toml"
    if house.settings.mail is None:
        return "no mail is configured, so the requester can be sent no code to read it with"
    return "" if tx.contacts.is_known(case_id) else "no address of the requester is known"


def answer(house: House, case_id: str, text: str, by: str) -> None:
    """Sends a message to the requester. It is no letter: it stops no clock and ends no case.

    Raises `InputWrong` (`message.empty`, `message.long`) for what cannot be sent, `Conflict` (`message.unreadable`) where nobody could read it.
    """
    text = plain(text)
    if not text:
        raise InputWrong("nothing was written", code="message.empty", hint="write what the requester should read")
    if len(text) > LONGEST:
        raise InputWrong("the message is too long", code="message.long", hint=f"{LONGEST} characters at the most; enclose the rest in a letter")
    with house.store.transaction() as tx:
        case, now = tx.cases.get(case_id), house.clock.now()
        why = refusal(tx, house, case_id)
        contact = tx.contacts.of(case_id)
        if why or contact is None:
            raise Conflict(f"the requester could not read it: {why}", code="message.unreadable", hint="write a letter instead")
        note = tx.portal.add_note(case_id, NoteKind.ANSWER, Secret(text), now, is_read=True)
        tx.portal.read_notes(case_id, now)
        language = contact.language or house.settings.letters.language
        values = {"reference": reference_of(case), "renew": address_of(house, language, "renew")}
        tx.outbox.add(case_id, MESSAGE, mail_of(house, "message", contact.email, language, **values))
        tx.ledger.append(leaf(house.clock, "portal.answered", note, case=case_id, by=tx.people.id_of(by)))


def thread_of(tx: Transaction, link: Link) -> tuple[Note, ...]:
    """What was written about the link's case from either side, the oldest first. Only for who answered a code."""
    return tuple(note for note in tx.portal.notes_of(link.case) if note.kind in THREAD)
