"""Which cases were opened under which text of a policy or of a law."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select

from dsr_engine.store.tables import cases


@dataclass(frozen=True, slots=True)
class TextUse:
    """One text, by its SHA-256 (hex): how many cases cite it, and when the first and the last of them were opened."""

    digest: str
    cases: int
    first: datetime
    last: datetime


class PolicyUses:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def texts_of(self, policy: str) -> tuple[TextUse, ...]:
        """The texts of this policy that cases cite, the newest first."""
        return self._texts(cases.c.digests["policy"].as_string(), cases.c.policy == policy)

    def texts_of_law(self, regime: str) -> tuple[TextUse, ...]:
        """The texts of this law that cases cite, the newest first."""
        digest = _of_law(regime)
        return self._texts(digest, digest.is_not(None))

    def last_cases(self, policy: str, most: int) -> tuple[str, ...]:
        """The last cases under this policy, in any text of it, the newest first."""
        return tuple(self._connection.scalars(select(cases.c.id).where(cases.c.policy == policy).order_by(cases.c.opened_at.desc()).limit(most)))

    def citing(self, digest: str, regimes: tuple[str, ...], most: int) -> tuple[tuple[str, datetime], ...]:
        """The last cases that cite this text, as a policy or as one of these laws: id and when it was opened."""
        those = or_(*(column == digest for column in (cases.c.digests["policy"].as_string(), *map(_of_law, regimes))))
        wanted = select(cases.c.id, cases.c.opened_at).where(those).order_by(cases.c.opened_at.desc()).limit(most)
        return tuple((row.id, row.opened_at) for row in self._connection.execute(wanted))

    def _texts(self, digest: ColumnElement[str], those: ColumnElement[bool]) -> tuple[TextUse, ...]:
        wanted = select(digest, func.count(), func.min(cases.c.opened_at), func.max(cases.c.opened_at)).where(those).group_by(digest)
        found = (TextUse(row[0], row[1], row[2], row[3]) for row in self._connection.execute(wanted) if row[0])
        return tuple(sorted(found, key=lambda use: use.last, reverse=True))


def _of_law(regime: str) -> ColumnElement[str]:
    found: ColumnElement[str] = cases.c.digests[f"regime:{regime}"].as_string()
    return found
