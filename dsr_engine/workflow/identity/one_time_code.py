"""A code to an address that is on file: who can read it there is who the systems know by that address.

The engine looks whether the claimed address stands in a record of its systems, and of one person only: a code to an address that two customers share
verifies neither. Of the code only a digest under the case's key stays, for a while and for few tries.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.parcel import Parcel, Posted
from dsr_engine.domain.selector import Selector
from dsr_engine.domain.verification import CODE, Verified
from dsr_engine.shipped import shipped
from dsr_engine.workflow.house import House
from dsr_engine.workflow.identity.candidates import candidates_for
from dsr_engine.workflow.leaves import leaf
from dsr_engine.workflow.verify_identity import mark_verified, note_verified, open_question

#: How long a code can be answered, and how often a wrong one is let pass.
LIVES = timedelta(hours=72)
MOST_TRIES = 5
#: Letters and digits that nobody takes for one another; eight of them are 40 bits.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 8
PURPOSE = "code"


@dataclass(frozen=True, slots=True)
class Sent:
    """A code is on its way: the message, and until when it can be answered."""

    until: datetime
    posted: tuple[Posted, ...]


def send_code(house: House, case_id: str, by: str, *, language: str = "") -> Sent:
    """Sends a code to the claimed e-mail address of the case that is on file. One that was sent before does not count any more.

    Raises `InputWrong` where no mail is configured, `Conflict` where no claimed address is on file, or where it is several people's.
    """
    if (post := house.open_post()) is None:
        raise InputWrong(
            "no mail is configured, so no code can be sent",
            code="mail.not_configured",
            hint="add [mail] to dsr.toml; or verify the requester in another way: `dsr case match`, `dsr case verify`",
        )
    post.close()
    with house.store.snapshot() as tx:
        case = open_question(tx, case_id)
        contact = tx.contacts.of(case_id)
        claimed = tuple(selector for selector in tx.selectors.of(case_id) if selector.kind == "email" and selector.scope is None)
    address = address_on_file(house, case, claimed)
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    now = house.clock.now()
    spoken = language or (contact.language if contact else "") or house.settings.letters.language
    parcel = _parcel(house, case, address, code, now + LIVES, spoken)
    with house.store.transaction() as tx:
        open_question(tx, case_id)
        key = f"{case_id}:{secrets.token_hex(8)}"
        tx.ledger.append(leaf(house.clock, "case.code_sent", key, case=case_id, by=tx.people.id_of(by)))
        tx.verifications.put_code(case_id, code, address.id, now, now + LIVES)
        for posted in tx.outbox.of(case_id):
            if posted.purpose == PURPOSE:
                tx.outbox.drop(posted.id, "superseded")  # an older code that nobody could answer any more
        tx.outbox.add(case_id, PURPOSE, parcel)
        return Sent(now + LIVES, (tx.outbox.get(parcel.id),))


def address_on_file(house: House, case: Case, claimed: tuple[Selector, ...]) -> Selector:
    """The first claimed address that stands in records of one person. Raises `Conflict` where there is none, `Unreachable` for a silent system."""
    if not claimed:
        raise Conflict("the case has no e-mail address", code="code.no_address", hint="add the one that the requester names: `dsr case more --email`")
    looked_for = tuple(replace(selector, verified=True) for selector in claimed)
    found = candidates_for(house, case, looked_for, frozenset(selector.id for selector in claimed))
    known = [selector for selector in claimed if any(selector.id in person.selectors for person in found.people)]
    own = [selector for selector in known if selector.id not in found.shared]
    if own:
        return own[0]
    if known:
        raise Conflict(
            "the address stands in the records of several people: a code to it verifies none of them",
            code="code.shared_address",
            hint="ask for something that only one of them knows, and use `dsr case match`",
        )
    raise Conflict(
        "the address stands in no record of a declared collection: a code to it proves nothing about anybody's data",
        code="code.unknown_address",
        hint="ask for an address or a number that the person used with you, and use `dsr case more` or `dsr case match`",
    )


def _parcel(house: House, case: Case, address: Selector, code: str, until: datetime, language: str) -> Parcel:
    subject, _, text = _template(house, language).partition("\n")
    reference = case.subject_ref[:12]
    local = until.astimezone(house.calendar.zone)
    values = {
        "code": f"{code[:4]}-{code[4:]}",
        "until": f"{local:%Y-%m-%d %H:%M}",
        "controller": house.settings.controller.get("name", ""),
        "reference": reference,
    }
    try:
        subject, text = subject.format_map(values), text.lstrip("\n").format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError):
        raise _wrong_template("it names a value that there is not") from None
    if values["code"] not in text:
        raise _wrong_template("the code does not stand in it")
    return Parcel(f"code-{secrets.token_hex(16)}", address.value, subject, text)


def _wrong_template(why: str) -> InputWrong:
    return InputWrong(
        f"the text of the mail with the code cannot be used: {why}",
        code="code.template",
        hint="templates/messages/LANGUAGE/code.txt knows {code}, {until}, {controller} and {reference}",
    )


def _template(house: House, language: str) -> str:
    """The text of the mail: the home's own before the shipped one, and English where there is none in the language."""
    roots = (house.settings.home / "templates", shipped("templates"))
    for name in (language, "en"):
        for root in roots:
            path = Path(root) / "messages" / name / "code.txt"
            if path.is_file():
                return path.read_text(encoding="utf-8")
    raise InputWrong("the text of the mail with the code is gone", code="code.template", hint="install the program anew")


def answer_code(house: House, case_id: str, text: str, by: str) -> Case:
    """Holds what the requester answered against the code. The right one verifies them; a wrong one is counted.

    Raises `Conflict` for a wrong answer, and where there is no code that could be answered.
    """
    given = "".join(character for character in text.upper() if character.isalnum())
    with house.store.transaction() as tx:
        case = open_question(tx, case_id)
        code = tx.verifications.code_of(case_id)
        if code is None:
            raise Conflict("no code was sent that could be answered", code="code.none", hint=f"dsr case code {case_id} sends one")
        if house.clock.now() > code.until or code.tries >= MOST_TRIES:
            why = "its time is over" if code.tries < MOST_TRIES else "it was answered wrongly too often"
            raise Conflict(f"the code does not count any more: {why}", code="code.over", hint=f"dsr case code {case_id} sends a new one")
        is_right = tx.verifications.is_code(case_id, given)
        if is_right:
            tx.verifications.drop_code(case_id)
            case = note_verified(tx, house, case, Verified(CODE, tx.people.id_of(by), house.clock.now(), ("email",)))
            if case.identity:
                mark_verified(tx, case_id, {code.selector})
    if not is_right:  # counted in a transaction that was committed
        left = MOST_TRIES - code.tries - 1
        raise Conflict(
            "that is not the code", code="code.wrong", hint=f"{left} further tries; then a new one has to be sent" if left else "send a new one"
        )
    return case
