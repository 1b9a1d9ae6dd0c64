"""Findings of a case by round and phase. A slice's findings are replaced as a whole, so a slice that is done again counts once."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, tuple_, update

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.finding import Confidence, Finding, Match, Sharing
from dsr_engine.store.case_key import CaseKey
from dsr_engine.store.finding_text import read, written
from dsr_engine.store.pages import paged
from dsr_engine.store.tables import findings

#: Rows of one statement.
_CHUNK = 2_000

#: System, collection, how the person is in it, how sure that is.
Tallied = tuple[str, str, Match, Confidence]


class Findings:
    """Readable without the key: system, collection, match, confidence and categories. Where, and what was hit, is sealed."""

    def __init__(self, connection: Connection, key_of: Callable[[str], CaseKey]) -> None:
        self._connection = connection
        self._key_of = key_of

    def put_slice(self, case: str, round: int, phase: str, slice: str, found: Sequence[Finding]) -> None:
        """Replaces what an earlier try of this slice wrote. `slice` names a part of a collection and holds nothing personal."""
        earlier = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase, findings.c.slice == slice)
        self._connection.execute(delete(findings).where(*earlier))
        if not found:
            return
        key = self._key_of(case)
        place = {"case_id": case, "round": round, "phase": phase, "slice": slice, "verdict": None}
        for start in range(0, len(found), _CHUNK):
            chunk = enumerate(found[start : start + _CHUNK], start)
            self._connection.execute(insert(findings), [{**place, "position": position, **_written(finding, key)} for position, finding in chunk])

    def of(self, case: str, round: int, phase: str, *, place: tuple[str, str] | None = None) -> Iterator[tuple[str, Finding]]:
        """Random id and finding, one at a time, in a stable order; of all systems, or of one `place` (system, collection). To be read before the
        transaction ends.
        """
        key = self._key_of(case)
        wanted = select(findings).where(findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        if place is not None:
            wanted = wanted.where(findings.c.system == place[0], findings.c.collection == place[1])
        shared = Sharing()
        for row in paged(self._connection, wanted, findings.c.slice, findings.c.position):
            plain = key.unseal(row.sealed, purpose="finding", row=row.id)
            yield row.id, shared(read(plain, case=case, system=row.system, collection=row.collection, match=row.match, confidence=row.confidence))

    def page(
        self, case: str, round: int, phase: str, *, after: str = "", is_waiting: bool = False, most: int = 50
    ) -> Sequence[tuple[str, Finding, str]]:
        """Random id, finding and verdict (empty: none) of those behind the finding with this id, in the order of `of`; or only of those that wait.

        Raises `InputWrong` (`finding.gone`) where the finding with this id is not there any more.
        """
        by = (findings.c.slice, findings.c.position)
        mine = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        wanted = select(findings).where(*mine)
        if is_waiting:
            wanted = wanted.where(is_for_people(), findings.c.verdict.is_(None))
        if after:
            place = self._connection.execute(select(*by).where(*mine, findings.c.id == after)).one_or_none()
            if place is None:
                raise InputWrong("the search was made anew meanwhile", code="finding.gone", hint="begin with the first page")
            wanted = wanted.where(tuple_(*by) > tuple(place))
        key, shared, rows = self._key_of(case), Sharing(), []
        for row in self._connection.execute(wanted.order_by(*by).limit(most)):
            plain = key.unseal(row.sealed, purpose="finding", row=row.id)
            found = read(plain, case=case, system=row.system, collection=row.collection, match=row.match, confidence=row.confidence)
            rows.append((row.id, shared(found), row.verdict or ""))
        return rows

    def counts(self, case: str, round: int, phase: str) -> Mapping[Tallied, int]:
        """How many findings there are, for pages; works without the key."""
        by = (findings.c.system, findings.c.collection, findings.c.match, findings.c.confidence)
        wanted = select(*by, func.count()).where(findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        rows = self._connection.execute(wanted.group_by(*by).order_by(*by))
        return {(system, collection, Match(match), Confidence(confidence)): count for system, collection, match, confidence, count in rows}

    def decide(self, finding_id: str, verdict: str, by: str, at: datetime) -> None:
        """Records what a person (a random id) decided about a finding. Raises `InputWrong` if there is no such finding."""
        decided = {"verdict": verdict, "decided_by": by, "decided_at": at}
        if self._connection.execute(update(findings).where(findings.c.id == finding_id).values(decided)).rowcount != 1:
            raise InputWrong(f"there is no finding {finding_id}", code="finding.unknown", hint="it may have been found anew under another id")

    def ask(self, ids: Iterable[str]) -> None:
        """Notes that a rule leaves these findings to a person; what somebody decided about them before, whose they are, is no answer."""
        wanted = tuple(ids)
        for start in range(0, len(wanted), _CHUNK):
            of_chunk = findings.c.id.in_(wanted[start : start + _CHUNK])
            self._connection.execute(update(findings).where(of_chunk).values(asked=True, verdict=None, decided_by=None, decided_at=None))

    def asked(self, case: str, round: int, phase: str) -> frozenset[str]:
        """The ids of the findings that a rule leaves to a person, answered or not."""
        wanted = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase, findings.c.asked)
        return frozenset(self._connection.scalars(select(findings.c.id).where(*wanted)))

    def deciders(self, case: str) -> frozenset[str]:
        """The random ids of the people who decided about findings of the case."""
        wanted = select(findings.c.decided_by).where(findings.c.case_id == case, findings.c.verdict.is_not(None))
        return frozenset(self._connection.scalars(wanted.distinct()))

    def verdicts(self, case: str) -> Mapping[str, str]:
        """Finding id → verdict, of those that were decided."""
        wanted = select(findings.c.id, findings.c.verdict).where(findings.c.case_id == case, findings.c.verdict.is_not(None))
        return {row.id: row.verdict for row in self._connection.execute(wanted)}


def is_for_people() -> ColumnElement[bool]:
    """True of the findings that people decide about: those that are merely possible, and those that a rule leaves to them."""
    return or_(findings.c.confidence == Confidence.POSSIBLE.value, findings.c.asked)


def _written(finding: Finding, key: CaseKey) -> dict[str, object]:
    finding_id = secrets.token_hex(16)
    return {
        "id": finding_id,
        "system": finding.locator.system,
        "collection": finding.locator.collection,
        "match": finding.match,
        "confidence": finding.confidence,
        "categories": list(finding.categories),
        "sealed": key.seal(written(finding), purpose="finding", row=finding_id),
    }
