"""Findings as people decide about them: by id, and a page at a time. They are written by `store/findings.py`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from dsr_engine.domain.finding import Finding
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.finding_text import read
from dsr_engine.store.findings import is_for_people
from dsr_engine.store.tables import findings

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one collection that people decide about: how many there are, and how many of them wait for a person."""

    system: str
    collection: str
    total: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Possible:
    """A finding that a person decides about, with what they decided (empty: nothing yet). `is_asked`: a rule of the policy leaves it to them."""

    id: str
    finding: Finding
    verdict: str = ""
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class KindFound:
    """A combination of categories that was found in a collection."""

    system: str
    collection: str
    categories: tuple[str, ...]


class Reviews:
    """Where a finding is and what was hit is sealed; the rest can be asked for."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def chosen(self, case: str, ids: Iterable[str]) -> Mapping[str, Finding]:
        """The findings of the case with these ids; an id that is not the case's is not in the answer."""
        wanted = tuple(dict.fromkeys(ids))
        found: dict[str, Finding] = {}
        for start in range(0, len(wanted), _CHUNK):
            query = select(findings).where(findings.c.case_id == case, findings.c.id.in_(wanted[start : start + _CHUNK]))
            found |= {row.id: self._finding(row) for row in self._connection.execute(query)}
        return {id_: found[id_] for id_ in wanted if id_ in found}

    def there(self, case: str, round: int, phase: str, ids: Iterable[str]) -> frozenset[str]:
        """Which of these ids are findings of this round. Works without the key."""
        wanted = tuple(dict.fromkeys(ids))
        place = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        parts = (wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK))
        return frozenset(id_ for part in parts for id_ in self._connection.scalars(select(findings.c.id).where(*place, findings.c.id.in_(part))))

    def groups(self, case: str, round: int, phase: str) -> tuple[Group, ...]:
        """The collections with findings for people, in the order of their names. Works without the key."""
        by = (findings.c.system, findings.c.collection)
        waiting = func.count().filter(findings.c.verdict.is_(None))
        query = select(*by, func.count(), waiting).where(*_possible(case, round, phase)).group_by(*by).order_by(*by)
        return tuple(Group(*row) for row in self._connection.execute(query))

    def page(
        self, case: str, round: int, phase: str, *, place: tuple[str, str] | None = None, is_decided: bool = False, after: str = "", most: int = 50
    ) -> Sequence[Possible]:
        """Findings for people after the one with this id, in the order of their ids; those that wait, or those that were decided."""
        verdict = findings.c.verdict.is_not(None) if is_decided else findings.c.verdict.is_(None)
        query = select(findings).where(*_possible(case, round, phase), verdict, findings.c.id > after)
        if place is not None:
            query = query.where(findings.c.system == place[0], findings.c.collection == place[1])
        rows = self._connection.execute(query.order_by(findings.c.id).limit(most))
        return [Possible(row.id, self._finding(row), row.verdict or "", row.asked) for row in rows]

    def kinds(self, case: str, round: int, phase: str) -> frozenset[KindFound]:
        """Which categories were found where, each combination once. Works without the key."""
        columns = (findings.c.system, findings.c.collection, findings.c.categories)
        query = select(*columns).where(findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        rows = self._connection.execute(query)
        return frozenset(KindFound(row.system, row.collection, tuple(row.categories)) for row in rows)

    def _finding(self, row: Row[Any]) -> Finding:
        plain = self._key_of(row.case_id).unseal(row.sealed, purpose="finding", row=row.id)
        return read(plain, case=row.case_id, system=row.system, collection=row.collection, match=row.match, confidence=row.confidence)


def _possible(case: str, round: int, phase: str) -> tuple[ColumnElement[bool], ...]:
    return (
        findings.c.case_id == case,
        findings.c.round == round,
        findings.c.phase == phase,
        is_for_people(),
    )
