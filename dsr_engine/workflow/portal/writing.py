"""What a requester does with an open or a closed case: gives more, shows a paper, takes the request back, objects to the answer."""

from dataclasses import dataclass

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.portal import Link, NoteKind
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.verification import NAMED, Verified
from dsr_engine.store.transaction import Transaction
from dsr_engine.workflow.claims import claims_of
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.house import House
from dsr_engine.workflow.identity.adding import add_claims
from dsr_engine.workflow.identity.showing import show_paper
from dsr_engine.workflow.law.appealing import AppealDue, appeal
from dsr_engine.workflow.portal.opening import PORTAL
from dsr_engine.workflow.portal.texts import LONGEST, is_strange, plain
from dsr_engine.workflow.verify_identity import note_verified, open_question
from dsr_engine.workflow.wiping import wipe

#: Notes and papers of one case.
MOST_NOTES, MOST_PAPERS = 20, 5
#: What can be added to look for, by kind of selector.
KINDS = ("email", "customer_id", "order_id", "phone", "name")
#: How the files begin that can be shown: PDF, JPEG, PNG. They are not opened here.
_BEGINNINGS = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_UNASKED = "sent_unasked"
_LONGEST_VALUE = 254


@dataclass(frozen=True, slots=True)
class Objected:
    """An objection was recorded. `due` is when an appeal is answered at the latest; None where no law of the case knows an appeal."""

    due: AppealDue | None


def write_more(house: House, link: Link, kind: str, value: str, text: str) -> None:
    """Takes a further identifier, a note, or both. Raises `InputWrong` for what cannot be used, `Conflict` where there are too many notes."""
    text, value = plain(text), " ".join(plain(value).split())
    if not text and not value:
        raise InputWrong("nothing was written", code="portal.empty")
    _refuse_long(text)
    _refuse_long(value, _LONGEST_VALUE)
    claims = claims_of([(kind if kind in KINDS else KINDS[0], value)]) if value else ()
    if text:
        _add_note(house, link, NoteKind.MORE, text)
    if claims:
        try:
            add_claims(house, link.case, claims, PORTAL)
        except Conflict:  # who asked is settled: it is left to the officer whether another identifier is the same person's
            _add_note(house, link, NoteKind.MORE, f"{claims[0].kind}: {value}")


def show(house: House, link: Link, paper: bytes) -> None:
    """Seals a paper for the officer. Raises `InputWrong` for a kind of file that nobody can look at here, `Conflict` once it is settled who asked."""
    if not paper.startswith(_BEGINNINGS):
        raise InputWrong("the file is no PDF, JPEG or PNG", code="portal.file")
    with house.store.snapshot() as tx:
        shown = len(tx.verifications.shown(link.case))
        doubt = next(
            (entry.stop.doubt for entry in tx.pauses.of(link.case) if entry.stop.why is PauseWhy.IDENTITY and entry.stop.ended is None), None
        )
    if shown >= MOST_PAPERS:
        raise Conflict("there are papers enough", code="portal.papers")
    show_paper(house, link.case, paper, doubt.value if doubt else _UNASKED, PORTAL)


def take_back(house: House, link: Link) -> None:
    """Withdraws the request. Raises `Conflict` once something was erased."""
    close_unfulfilled(house, link.case, Outcome.WITHDRAWN, "withdrawn", PORTAL)
    wipe(house)


def object_to(house: House, link: Link, text: str) -> Objected:
    """Records an objection to the answer: as an appeal where a law of the case knows one, as a note to the officer in any case."""
    text = plain(text)
    if not text:
        raise InputWrong("nothing was written", code="portal.empty")
    _refuse_long(text)
    _add_note(house, link, NoteKind.OBJECTION, text)
    today = house.calendar.day_of(house.clock.now())
    try:
        due, _ = appeal(house, link.case, today, PORTAL)
    except DsrError as error:
        if error.code not in ("appeal.unknown", "appeal.outcome", "appeal.open"):
            raise
        return Objected(None)
    return Objected(due)


def answer_for_agent(house: House, link: Link, *, is_agent: bool) -> None:
    """Records whether the person says that the agent acts for them. It verifies something only if their address is on file (`judging.py`)."""
    with house.store.transaction() as tx:
        now = house.clock.now()
        if link.confirmed_at is not None or NoteKind.AGENT_DENIED in tx.portal.kinds_of(link.case):
            raise Conflict("this question was answered already", code="portal.answered")
        kind = NoteKind.AGENT_CONFIRMED if is_agent else NoteKind.AGENT_DENIED
        tx.portal.add_note(link.case, kind, Secret(""), now)
        if is_agent:
            tx.portal.confirm_link(link.digest, now)
            case = _open(tx, link)
            if case is not None:
                note_verified(tx, house, case, Verified(NAMED, tx.people.id_of(PORTAL), now, ("email",)))


def _refuse_long(text: str, most: int = LONGEST) -> None:
    if len(text) > most:
        raise InputWrong("the text is too long", code="portal.long")
    if is_strange(text):
        raise InputWrong("there is something in the text that is no text", code="portal.letters")


def _open(tx: Transaction, link: Link) -> Case | None:
    try:
        return open_question(tx, link.case)
    except Conflict:
        return None


def _add_note(house: House, link: Link, kind: NoteKind, text: str) -> None:
    with house.store.transaction() as tx:
        if sum(kind is not NoteKind.ANSWER for kind in tx.portal.kinds_of(link.case)) >= MOST_NOTES:
            raise Conflict("there are notes enough", code="portal.notes")
        tx.portal.add_note(link.case, kind, Secret(text), house.clock.now())
