"""Where the requester of a case is answered, sealed; until the correspondence about the case is over."""

import json
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select

from dsr_engine.domain.request import Contact
from dsr_engine.domain.selector import Secret
from dsr_engine.store import tables
from dsr_engine.store.outbox_tables import contacts
from dsr_engine.store.post_key import PostKeys
from dsr_engine.store.upsert import upsert

_PURPOSE = "contact"


def is_ended(case_id: ColumnElement[str], before: datetime) -> ColumnElement[bool]:
    """True of a row's case if its own key was shredded, or if it was closed before that moment."""
    is_shredded = exists().where(tables.shredded.c.case_id == case_id)
    return or_(is_shredded, exists().where(tables.cases.c.id == case_id, tables.cases.c.closed_at <= before))


class Contacts:
    def __init__(self, connection: Connection, keys: PostKeys) -> None:
        self._connection = connection
        self._keys = keys

    def put(self, case: str, contact: Contact) -> None:
        """Sets the address, or replaces it. Raises `Conflict` (`post.over`) where nothing may be kept for the case any more."""
        body = json.dumps({"email": contact.email.reveal(), "language": contact.language}).encode()
        upsert(self._connection, contacts, [{"case_id": case, "sealed": self._keys.made(case).seal(body, purpose=_PURPOSE)}])

    def of(self, case: str) -> Contact | None:
        """The address; None where none was given, or where it is forgotten."""
        sealed = self._connection.scalar(select(contacts.c.sealed).where(contacts.c.case_id == case))
        if sealed is None:
            return None
        body = json.loads(self._keys.of(case).unseal(sealed, purpose=_PURPOSE))
        return Contact(Secret(body["email"]), body["language"])

    def is_known(self, case: str) -> bool:
        """True if there is an address; nothing is unsealed for it."""
        return bool(self._connection.scalar(select(exists().where(contacts.c.case_id == case))))

    def cases(self) -> tuple[str, ...]:
        """The cases whose requester can be reached."""
        return tuple(self._connection.scalars(select(contacts.c.case_id).order_by(contacts.c.case_id)))

    def of_ended_cases(self, before: datetime) -> tuple[str, ...]:
        """Those of them whose own key was shredded, or that were closed before that moment."""
        return tuple(self._connection.scalars(select(contacts.c.case_id).where(is_ended(contacts.c.case_id, before)).order_by(contacts.c.case_id)))

    def is_case_forgotten(self, case: str) -> bool:
        """True if the case's own key was shredded: what is left of the person is this address, and letters."""
        return bool(self._connection.scalar(select(exists().where(tables.shredded.c.case_id == case))))

    def forget(self, case: str) -> None:
        """Removes the address; may be repeated."""
        self._connection.execute(delete(contacts).where(contacts.c.case_id == case))
