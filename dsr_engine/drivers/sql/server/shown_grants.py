"""What a MariaDB or MySQL account may do, as SHOW GRANTS says it: with the privileges of its roles, which information_schema leaves out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

_NAME = r"(?:\*|`(?:[^`]|``)*`|[^\s.`]+)"
_GRANT = re.compile(rf"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) TO ", re.DOTALL)
#: The columns behind a privilege that does not hold for the whole table.
_COLUMNS = re.compile(r"\s*\((?:`(?:[^`]|``)*`|[^`()])*\)")


@dataclass(frozen=True, slots=True)
class Shown:
    """One line. `schema` may hold the wildcards % and _, or be `*`; `table` is a name or `*`."""

    rights: frozenset[str]
    schema: str
    table: str

    def gives(self, right: str, schema: str = "*") -> bool:
        """True if it gives the privilege on the whole server, or on every table of the database that is named."""
        if self.table != "*" or not self.rights & {right, "ALL PRIVILEGES"}:
            return False
        return self.schema == "*" or (schema != "*" and re.fullmatch(_pattern(self.schema), schema) is not None)


def shown(connection: sa.Connection) -> Iterator[Shown]:
    for row in connection.execute(sa.text("SHOW GRANTS")):
        if (match := _GRANT.match(str(row[0]))) is not None:
            rights = frozenset(right.strip() for right in _COLUMNS.sub("", match["rights"]).split(","))
            yield Shown(rights, _unquoted(match["schema"]), _unquoted(match["table"]))


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _pattern(schema: str) -> str:
    r"""The regular expression of a database's name with LIKE's wildcards; `\_` and `\%` are themselves."""
    found = []
    for part in re.findall(r"\\.|.", schema, re.DOTALL):
        found.append({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]))
    return "".join(found)
