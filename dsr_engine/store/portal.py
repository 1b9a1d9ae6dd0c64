"""What the requesters' door keeps: requests that wait for their code, private links with visits, notes for officers, letters to download."""

import secrets
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, exists, func, insert, literal, or_, select, update

from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.portal import KeptLetter, Link, Note, NoteKind, Part, Pending, SentCode
from dsr_engine.domain.selector import Secret
from dsr_engine.store import tables
from dsr_engine.store.outbox_tables import contacts, outbox
from dsr_engine.store.portal_tables import portal_letters, portal_links, portal_notes, portal_requests, portal_visits
from dsr_engine.store.post_key import PostKeys, name_of

_NOTE = "portal note"


class Portal:
    def __init__(self, connection: Connection, keys: PostKeys) -> None:
        self._connection = connection
        self._keys = keys

    # --- requests that wait for their code -----------------------------------------------------------------------------

    def add_request(self, pending: Pending) -> None:
        row = {"digest": pending.digest, "id": pending.id, "received_at": pending.received_at, "ends_at": pending.ends_at, "sealed": pending.sealed}
        self._connection.execute(insert(portal_requests), row | {"tries": 0, "sent": 0})

    def request(self, digest: bytes, *, is_locked: bool = False) -> Pending | None:
        """The request; with `is_locked` nobody else changes it before the commit, so that it becomes one case only."""
        wanted = select(portal_requests).where(portal_requests.c.digest == digest)
        row = self._connection.execute(wanted.with_for_update() if is_locked else wanted).one_or_none()
        return None if row is None else Pending(row.digest, row.id, row.received_at, row.ends_at, row.sealed, _code(row))

    def end_request(self, digest: bytes) -> None:
        self._connection.execute(delete(portal_requests).where(portal_requests.c.digest == digest))

    def ended_requests(self, now: datetime) -> tuple[tuple[bytes, str], ...]:
        """Digest and id of the requests whose time is over."""
        wanted = select(portal_requests.c.digest, portal_requests.c.id).where(portal_requests.c.ends_at <= now)
        return tuple((row.digest, row.id) for row in self._connection.execute(wanted.order_by(portal_requests.c.ends_at).limit(500)))

    # --- codes of requests and of links ---------------------------------------------------------------------------------

    def put_request_code(self, digest: bytes, code: bytes, until: datetime) -> None:
        """A new code; one that was sent before does not count any more."""
        self._put_code(portal_requests, digest, code, until)

    def put_link_code(self, digest: bytes, code: bytes, until: datetime) -> None:
        self._put_code(portal_links, digest, code, until)

    def count_request_try(self, digest: bytes) -> None:
        self._connection.execute(update(portal_requests).where(portal_requests.c.digest == digest).values(tries=portal_requests.c.tries + 1))

    def count_link_try(self, digest: bytes) -> None:
        self._connection.execute(update(portal_links).where(portal_links.c.digest == digest).values(tries=portal_links.c.tries + 1))

    def link_code(self, digest: bytes, *, is_locked: bool = False) -> SentCode | None:
        wanted = select(portal_links).where(portal_links.c.digest == digest)
        row = self._connection.execute(wanted.with_for_update() if is_locked else wanted).one_or_none()
        return None if row is None else _code(row)

    def drop_link_code(self, digest: bytes) -> None:
        self._connection.execute(update(portal_links).where(portal_links.c.digest == digest).values(code=None, code_until=None, tries=0))

    def _put_code(self, table: Table, digest: bytes, code: bytes, until: datetime) -> None:
        values = {"code": code, "code_until": until, "tries": 0, "sent": table.c.sent + 1}
        self._connection.execute(update(table).where(table.c.digest == digest).values(**values))

    # --- links -------------------------------------------------------------------------------------------------------------

    def add_link(self, link: Link) -> None:
        row = {"digest": link.digest, "case_id": link.case, "part": link.part.value, "made_at": link.made_at, "confirmed_at": link.confirmed_at}
        self._connection.execute(insert(portal_links), row | {"judged": link.judged, "tries": 0, "sent": 0})

    def link(self, digest: bytes) -> Link | None:
        """The link; None for one that was revoked, or that ended with the correspondence of its case."""
        wanted = select(portal_links).where(portal_links.c.digest == digest)
        row = self._connection.execute(wanted).one_or_none()
        return None if row is None else _link(row)

    def links_of(self, case: str) -> tuple[Link, ...]:
        rows = self._connection.execute(select(portal_links).where(portal_links.c.case_id == case).order_by(portal_links.c.made_at))
        return tuple(_link(row) for row in rows)

    def confirm_link(self, digest: bytes, at: datetime) -> None:
        self._connection.execute(update(portal_links).where(portal_links.c.digest == digest).values(confirmed_at=at))

    def prolong_link(self, digest: bytes, at: datetime) -> None:
        """The link counts as made then."""
        self._connection.execute(update(portal_links).where(portal_links.c.digest == digest).values(made_at=at))

    def replace_link(self, link: Link) -> None:
        """The link, in place of every other one of its case and part; what an earlier one had proved is forgotten."""
        mine = select(portal_links.c.digest).where(portal_links.c.case_id == link.case, portal_links.c.part == link.part.value)
        self._connection.execute(delete(portal_visits).where(portal_visits.c.link.in_(mine)))
        self._connection.execute(delete(portal_links).where(portal_links.c.case_id == link.case, portal_links.c.part == link.part.value))
        self.add_link(link)

    def case_of(self, reference: str) -> str | None:
        """The request under this reference, if its requester has an address; None where there is none, or more than one."""
        begins = tables.cases.c.subject_ref.startswith(reference, autoescape=True)
        wanted = select(contacts.c.case_id).join(tables.cases, tables.cases.c.id == contacts.c.case_id)
        found = self._connection.scalars(wanted.where(begins, tables.cases.c.kind == CaseKind.REQUEST.value).limit(2)).all()
        return found[0] if len(found) == 1 else None

    def judge_link(self, digest: bytes, judged: str) -> None:
        self._connection.execute(update(portal_links).where(portal_links.c.digest == digest).values(judged=judged))

    def unjudged(self) -> tuple[Link, ...]:
        """Links whose address was confirmed and not looked for in the systems yet, the oldest first."""
        wanted = select(portal_links).where(portal_links.c.judged == "", portal_links.c.confirmed_at.is_not(None))
        return tuple(_link(row) for row in self._connection.execute(wanted.order_by(portal_links.c.confirmed_at).limit(50)))

    def end_links(self, case: str) -> int:
        """Revokes every link of the case with the visits by it; gives how many."""
        mine = select(portal_links.c.digest).where(portal_links.c.case_id == case)
        self._connection.execute(delete(portal_visits).where(portal_visits.c.link.in_(mine)))
        return self._connection.execute(delete(portal_links).where(portal_links.c.case_id == case)).rowcount

    def is_over(self, case: str, before: datetime) -> bool:
        """True once the correspondence about the case was forgotten; where there never was an address, once it was closed before that moment."""
        return bool(self._connection.scalar(select(exists().where(tables.cases.c.id == case, _is_over(tables.cases.c.id, before)))))

    def over(self, before: datetime) -> tuple[str, ...]:
        """Cases of which that is true and that have links, notes or letters here."""
        found: set[str] = set()
        for table in (portal_links, portal_notes, portal_letters):
            found |= set(self._connection.scalars(select(table.c.case_id).where(_is_over(table.c.case_id, before)).distinct()))
        return tuple(sorted(found))

    def forget(self, case: str) -> None:
        """Deletes links, visits, notes and letters of the case; may be repeated."""
        self.end_links(case)
        for table in (portal_notes, portal_letters):
            self._connection.execute(delete(table).where(table.c.case_id == case))

    # --- visits ------------------------------------------------------------------------------------------------------------

    def add_visit(self, digest: bytes, link: bytes, ends_at: datetime) -> None:
        self._connection.execute(insert(portal_visits), {"digest": digest, "link": link, "ends_at": ends_at})

    def is_visit(self, digest: bytes, link: bytes, now: datetime) -> bool:
        """True if a code for this link was answered lately in the browser with this secret."""
        wanted = exists().where(portal_visits.c.digest == digest, portal_visits.c.link == link, portal_visits.c.ends_at > now)
        return bool(self._connection.scalar(select(wanted)))

    def end_visits(self, now: datetime) -> int:
        return self._connection.execute(delete(portal_visits).where(portal_visits.c.ends_at <= now)).rowcount

    # --- notes -------------------------------------------------------------------------------------------------------------

    def add_note(self, case: str, kind: NoteKind, text: Secret, at: datetime, *, is_read: bool = False) -> str:
        """Seals the note under the key of the case's correspondence. Raises `Conflict` (`post.over`) where that was forgotten."""
        note_id = secrets.token_hex(8)
        sealed = self._keys.made(case).seal(text.reveal().encode(), purpose=_NOTE, row=note_id)
        row = {"id": note_id, "case_id": case, "kind": kind.value, "at": at, "sealed": sealed, "read_at": at if is_read else None}
        self._connection.execute(insert(portal_notes), row)
        return note_id

    def notes_of(self, case: str) -> tuple[Note, ...]:
        """What was written about this case, the oldest first; nothing once the correspondence was forgotten."""
        rows = self._connection.execute(select(portal_notes).where(portal_notes.c.case_id == case).order_by(portal_notes.c.at, portal_notes.c.id))
        return tuple(self._note(row) for row in rows)

    def kinds_of(self, case: str) -> tuple[NoteKind, ...]:
        """What kinds of notes there are about this case, the oldest first; nothing is unsealed for it."""
        wanted = select(portal_notes.c.kind).where(portal_notes.c.case_id == case).order_by(portal_notes.c.at, portal_notes.c.id)
        return tuple(NoteKind(kind) for kind in self._connection.scalars(wanted))

    def count_unread(self, case: str) -> int:
        mine = (portal_notes.c.case_id == case, portal_notes.c.read_at.is_(None))
        return int(self._connection.scalar(select(func.count()).select_from(portal_notes).where(*mine)) or 0)

    def unread(self, most: int = 200) -> tuple[tuple[str, int, datetime], ...]:
        """Cases with notes that nobody read: the case, how many, since when; the oldest first. Nothing is unsealed for it."""
        wanted = select(portal_notes.c.case_id, func.count(), func.min(portal_notes.c.at)).where(portal_notes.c.read_at.is_(None))
        rows = self._connection.execute(wanted.group_by(portal_notes.c.case_id).order_by(func.min(portal_notes.c.at)).limit(most))
        return tuple((row[0], int(row[1]), row[2]) for row in rows)

    def read_notes(self, case: str, at: datetime) -> None:
        """Notes of the case count as read from now on."""
        mine = (portal_notes.c.case_id == case, portal_notes.c.read_at.is_(None))
        self._connection.execute(update(portal_notes).where(*mine).values(read_at=at))

    def _note(self, row: Row[tuple[object, ...]]) -> Note:
        text = self._keys.of(row.case_id).unseal(row.sealed, purpose=_NOTE, row=row.id)
        return Note(row.id, row.case_id, NoteKind(row.kind), row.at, Secret(text.decode()), row.read_at)

    # --- letters -----------------------------------------------------------------------------------------------------------

    def keep_letter(self, parcel: str, at: datetime) -> None:
        """Keeps a letter of a case with a link for its requester, as it lies sealed in the outbox; called before the outbox empties it."""
        wanted = select(outbox.c.id, outbox.c.case_id, outbox.c.purpose, literal(at, portal_letters.c.sent_at.type), outbox.c.sealed)
        mine = (outbox.c.id == parcel, outbox.c.purpose.startswith("letter:"), outbox.c.sealed.is_not(None))
        wanted = wanted.where(*mine, exists().where(portal_links.c.case_id == outbox.c.case_id))
        wanted = wanted.where(~exists().where(portal_letters.c.id == outbox.c.id))
        self._connection.execute(insert(portal_letters).from_select(["id", "case_id", "purpose", "sent_at", "sealed"], wanted))

    def letters_of(self, case: str) -> tuple[KeptLetter, ...]:
        wanted = select(portal_letters.c.id, portal_letters.c.purpose, portal_letters.c.sent_at).where(portal_letters.c.case_id == case)
        rows = self._connection.execute(wanted.order_by(portal_letters.c.sent_at, portal_letters.c.id))
        return tuple(KeptLetter(row.id, case, row.purpose, row.sent_at) for row in rows)

    def letter(self, case: str, letter: str) -> bytes:
        """The message of this case, sealed as the outbox had it. Raises `InputWrong` (`letter.unknown`)."""
        sealed = self._connection.scalar(select(portal_letters.c.sealed).where(portal_letters.c.case_id == case, portal_letters.c.id == letter))
        if sealed is None:
            raise InputWrong("there is no such letter", code="letter.unknown")
        return bytes(sealed)


def _is_over(case: ColumnElement[str], before: datetime) -> ColumnElement[bool]:
    is_forgotten = exists().where(tables.shredded.c.case_id == case.concat(name_of("")))
    is_closed = exists().where(tables.cases.c.id == case, tables.cases.c.closed_at <= before)
    return or_(is_forgotten, and_(~exists().where(contacts.c.case_id == case), is_closed))


def _code(row: Row[tuple[object, ...]]) -> SentCode | None:
    return None if row.code is None else SentCode(row.code, row.code_until, row.tries, row.sent)


def _link(row: Row[tuple[object, ...]]) -> Link:
    return Link(row.digest, row.case_id, Part(row.part), row.made_at, row.confirmed_at, row.judged)
