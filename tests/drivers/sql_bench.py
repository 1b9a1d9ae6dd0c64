"""The bench of the SQL driver: two tables with a primary key."""

from collections.abc import Mapping

from dsr_engine.drivers.sql.driver import SqlDriver
from tests.drivers.sql_database import SqlDatabase


class SqlBench:
    can_rewrite = True

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database
        database.run(
            *(
                f"CREATE TABLE {name} (id VARCHAR(20) PRIMARY KEY, email VARCHAR(100) NOT NULL, note VARCHAR(200) NOT NULL)"
                for name in ("orders", "notes")
            )
        )

    def driver(self) -> SqlDriver:
        return self._database.driver()

    def put(self, name: str, email: str) -> None:
        self._database.insert("notes" if name.startswith("n") else "orders", [{"id": name, "email": email, "note": f"from {email}, by post"}])

    def spoil(self, name: str) -> None:
        self._database.run(
            f"UPDATE orders SET note = note || ' again' WHERE id = '{name}'"
            if self._database.kind != "mariadb"
            else f"UPDATE orders SET note = CONCAT(note, ' again') WHERE id = '{name}'"
        )

    def dump(self) -> Mapping[str, bytes]:
        return {str(row[0]): repr(row).encode() for table in ("orders", "notes") for row in self._database.rows(f"SELECT * FROM {table}")}

    def close(self) -> None:
        """The fixture closes its database."""
