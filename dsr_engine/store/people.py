"""People who act, as random ids. Forgetting the name leaves the id in every row and in the ledger, where it means nobody."""

import secrets

from sqlalchemy import Connection, delete, select

from dsr_engine.store.tables import people
from dsr_engine.store.upsert import insert_if_absent


class People:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def id_of(self, name: str) -> str:
        """The id of this name; made at first use."""
        # Held until the commit, so that a name is never forgotten between this look and the row that names its id.
        known = select(people.c.id).where(people.c.name == name).with_for_update(read=True, key_share=True)
        found = self._connection.scalar(known)
        if found is None:
            insert_if_absent(self._connection, people, {"id": f"person-{secrets.token_hex(8)}", "name": name})
            found = self._connection.scalars(known).one()
        return str(found)

    def name_of(self, person_id: str) -> str | None:
        """The name, or None where it was forgotten or there never was one."""
        return self._connection.scalar(select(people.c.name).where(people.c.id == person_id))

    def known(self, name: str) -> str | None:
        """The id of this name; None where there is none."""
        return self._connection.scalar(select(people.c.id).where(people.c.name == name))

    def hold(self, person_id: str) -> None:
        """Keeps everybody from naming this person until the transaction ends. On SQLite nobody else writes anyway."""
        self._connection.execute(select(people.c.id).where(people.c.id == person_id).with_for_update())

    def forget(self, person_id: str) -> None:
        self._connection.execute(delete(people).where(people.c.id == person_id))
