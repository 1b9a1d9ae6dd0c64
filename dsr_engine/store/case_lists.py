"""Long lists of cases and figures about them, read a page at a time and counted by the database."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, extract, func, or_, select, tuple_
from sqlalchemy import case as case_of

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.plan import ItemState
from dsr_engine.domain.request import Right
from dsr_engine.store.cases import read_case
from dsr_engine.store.findings import is_for_people
from dsr_engine.store.progress_tables import passes
from dsr_engine.store.request_log_tables import request_log
from dsr_engine.store.tables import cases, coverage, findings, plan_items, plans, results, slices, tasks
from dsr_engine.store.upsert import upsert

#: SQLite takes 32,766 values in a statement.
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases a list shows. `state` is `open`, `waiting`, `closed` or empty for all; every other field empty: it does not matter.

    `number` is the beginning of a case's number. `opened_from` and `opened_before` are the moments of a period. `ids` None: whichever.
    """

    state: str = ""
    kind: CaseKind | None = None
    right: Right | None = None
    stage: Stage | None = None
    outcome: Outcome | None = None
    policy: str = ""
    number: str = ""
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends, in the order of a list: when a case was opened, and its id."""

    opened_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Share:
    """How far a piece of work is: `done` of `total`; `total` None: nobody knows yet how much it is."""

    what: str
    done: int
    total: int | None


class CaseLists:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, wanted: Wanted, size: int, *, after: Place | None = None, before: Place | None = None) -> tuple[Case, ...]:
        """The newest cases first; `after` gives the page of older ones behind that place, `before` the page of newer ones in front of it."""
        by = (cases.c.opened_at, cases.c.id)
        found = select(cases).where(*_terms(wanted))
        if before is not None:
            rows = self._connection.execute(found.where(tuple_(*by) > (before.opened_at, before.id)).order_by(*by).limit(size)).all()
            return tuple(read_case(row) for row in reversed(rows))
        if after is not None:
            found = found.where(tuple_(*by) < (after.opened_at, after.id))
        return tuple(read_case(row) for row in self._connection.execute(found.order_by(*(column.desc() for column in by)).limit(size)))

    def count(self, wanted: Wanted) -> int:
        return int(self._connection.scalar(select(func.count()).select_from(cases).where(*_terms(wanted))) or 0)

    def policies(self) -> tuple[str, ...]:
        """The policies that there are cases of."""
        return tuple(self._connection.scalars(select(cases.c.policy).distinct().order_by(cases.c.policy)))

    def by_stage(self) -> Mapping[Stage, int]:
        """How many cases stand at each stage."""
        rows = self._connection.execute(select(cases.c.stage, func.count()).group_by(cases.c.stage))
        return {Stage(stage): int(count) for stage, count in rows}

    def waits(self) -> Mapping[str, int]:
        """How many open cases wait for what, by code; the most frequent first."""
        wanted = select(cases.c.wait_code, func.count()).where(cases.c.stage != Stage.CLOSED, cases.c.wait_code.is_not(None))
        rows = self._connection.execute(wanted.group_by(cases.c.wait_code).order_by(func.count().desc(), cases.c.wait_code))
        return {code: int(count) for code, count in rows}

    def waiting_for(self, codes: Iterable[str], most: int, after: tuple[datetime, str] | None = None) -> tuple[Case, ...]:
        """Open cases that wait for one of these, the longest first; those `after` the one with this id that waits since then."""
        wanted = select(cases).where(cases.c.stage != Stage.CLOSED, cases.c.wait_code.in_(list(codes))).order_by(cases.c.wait_since, cases.c.id)
        if after is not None:
            wanted = wanted.where(or_(cases.c.wait_since > after[0], and_(cases.c.wait_since == after[0], cases.c.id > after[1])))
        return tuple(read_case(row) for row in self._connection.execute(wanted.limit(most)))

    def waiting(self, but: Iterable[str], most: int) -> tuple[Case, ...]:
        """Open cases that wait for a person or a system and for none of `but`, the longest first."""
        terms = (cases.c.stage != Stage.CLOSED, cases.c.wait_code.is_not(None), cases.c.wait_code.not_in(list(but)))
        wanted = select(cases).where(*terms).order_by(cases.c.wait_since, cases.c.id)
        return tuple(read_case(row) for row in self._connection.execute(wanted.limit(most)))

    def those(self, ids: Sequence[str]) -> tuple[Case, ...]:
        """These cases, by id, in any order; what is gone is left out."""
        found: list[Case] = []
        for start in range(0, len(ids), _AT_ONCE):
            found += map(read_case, self._connection.execute(select(cases).where(cases.c.id.in_(ids[start : start + _AT_ONCE]))))
        return tuple(found)

    def months(self, since: datetime) -> tuple[Mapping[tuple[int, int], int], Mapping[tuple[int, int], int]]:
        """How many cases were opened and how many closed in each month (UTC) since then, by (year, month)."""
        return self._monthly(cases.c.opened_at, since), self._monthly(cases.c.closed_at, since)

    def answers(self, since: date) -> tuple[tuple[date, date, str], ...]:
        """Day of receipt, day of the answer and the last day for it (ISO; empty: none) of requests that were answered since then."""
        done = func.coalesce(request_log.c.answered, request_log.c.decided)
        rows = self._connection.execute(select(request_log.c.received, done, request_log.c.limits).where(done >= since))
        return tuple((received, answered, str(limits.get("answer", ""))) for received, answered, limits in rows)

    def recent(self, most: int) -> tuple[str, ...]:
        """The cases that were opened last and have searched, the newest first."""
        searched = [stage for stage in Stage if stage not in (Stage.INTAKE, Stage.VERIFY_IDENTITY, Stage.RESOLVE_IDENTITIES)]
        wanted = select(cases.c.id).where(cases.c.stage.in_(searched), cases.c.right_asked == Right.ERASURE)
        return tuple(self._connection.scalars(wanted.order_by(cases.c.opened_at.desc(), cases.c.id.desc()).limit(most)))

    def treated(self, ids: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """How many records of each system came to which end in these cases, as far as their plans are not forgotten: (system, state) → records."""
        joined = results.join(plan_items, and_(plan_items.c.id == results.c.item_id, plan_items.c.plan_id == results.c.plan_id))
        joined = joined.join(plans, plans.c.id == results.c.plan_id)
        by = (plan_items.c.system, results.c.state)
        wanted = select(*by, func.sum(results.c["count"])).select_from(joined).where(plans.c.case_id.in_(list(ids))).group_by(*by).order_by(*by)
        return {(system, state): int(count) for system, state, count in self._connection.execute(wanted)}

    def extents(self, ids: Sequence[str], phase: str) -> Mapping[tuple[str, str], int]:
        """How far the collections of each system were looked at in these cases: (system, extent) → collections."""
        by = (coverage.c.system, coverage.c.extent)
        wanted = select(*by, func.count()).where(coverage.c.case_id.in_(list(ids)), coverage.c.phase == phase).group_by(*by).order_by(*by)
        return {(system, extent): int(count) for system, extent, count in self._connection.execute(wanted)}

    def open_tasks(self, most: int) -> tuple[tuple[str, str, datetime, str], ...]:
        """Case, system, last day and owner of tasks that nobody has done, the most urgent first."""
        wanted = select(tasks.c.case_id, tasks.c.system, tasks.c.due, tasks.c.owner).join(cases, cases.c.id == tasks.c.case_id)
        wanted = wanted.where(tasks.c.done_at.is_(None), cases.c.stage != Stage.CLOSED)
        rows = self._connection.execute(wanted.order_by(tasks.c.due, tasks.c.id).limit(most))
        return tuple((case, system, due, owner) for case, system, due, owner in rows)

    # --- one case ----------------------------------------------------------------------------------------------------

    def begin_pass(self, case: str, round: int, phase: str, system: str, total: int) -> None:
        """Writes down in how many slices a system is searched for the case."""
        upsert(self._connection, passes, [{"case_id": case, "round": round, "phase": phase, "system": system, "total": total}])

    def searched(self, case: str, round: int, phase: str) -> tuple[Share, ...]:
        """How many slices of each system are searched, by system."""
        those = (passes.c.case_id == case, passes.c.round == round, passes.c.phase == phase)
        known = {system: int(total) for system, total in self._connection.execute(select(passes.c.system, passes.c.total).where(*those))}
        mine = (slices.c.case_id == case, slices.c.round == round, slices.c.phase == phase)
        done = dict.fromkeys(known, 0)
        for key in self._connection.scalars(select(slices.c.slice).where(*mine)):
            system = str(json.loads(key)[0])
            done[system] = done.get(system, 0) + 1
        return tuple(Share(system, count, known.get(system)) for system, count in sorted(done.items()))

    def changed(self, case: str, round: int) -> tuple[Share, ...]:
        """How many batches of the round's plan are settled, by system; none where there is no plan, or none any more."""
        settled = func.sum(case_of((plan_items.c.state.in_([ItemState.DONE, ItemState.BLOCKED]), 1), else_=0))
        wanted = select(plan_items.c.system, settled, func.count()).join(plans, plans.c.id == plan_items.c.plan_id)
        wanted = wanted.where(plans.c.case_id == case, plans.c.round == round).group_by(plan_items.c.system).order_by(plan_items.c.system)
        return tuple(Share(system, int(done), int(total)) for system, done, total in self._connection.execute(wanted))

    def ends(self, case: str, round: int) -> Mapping[tuple[str, str, str, str], int]:
        """How many records of the round's plan came to which end: (system, collection, treatment, state) → records. Works without the key."""
        joined = results.join(plan_items, and_(plan_items.c.id == results.c.item_id, plan_items.c.plan_id == results.c.plan_id))
        joined = joined.join(plans, plans.c.id == results.c.plan_id)
        by = (plan_items.c.system, plan_items.c.collection, plan_items.c.treatment, results.c.state)
        wanted = select(*by, func.sum(results.c["count"])).select_from(joined).where(plans.c.case_id == case, plans.c.round == round)
        rows = self._connection.execute(wanted.group_by(*by).order_by(*by))
        return {(system, collection, treatment, state): int(count) for system, collection, treatment, state, count in rows}

    def categories(self, case: str, round: int, phase: str) -> Mapping[str, int]:
        """How many findings hold data of each category; a finding may count for several. Works without the key."""
        those = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        counts: dict[str, int] = {}
        # PostgreSQL cannot compare values of the type json.
        written = cast(findings.c.categories, Text)
        for text, count in self._connection.execute(select(written, func.count()).where(*those).group_by(written)):
            for name in json.loads(text):
                counts[name] = counts.get(name, 0) + int(count)
        return dict(sorted(counts.items()))

    def undecided(self, case: str, round: int, phase: str) -> int:
        """How many findings that are for people nobody has decided about."""
        those = (findings.c.case_id == case, findings.c.round == round, findings.c.phase == phase)
        wanted = select(func.count()).select_from(findings).where(*those, is_for_people(), findings.c.verdict.is_(None))
        return int(self._connection.scalar(wanted) or 0)

    def plan_of(self, case: str) -> tuple[str, int] | None:
        """Digest and round of the case's last plan, read without its key; None where there is none."""
        wanted = select(plans.c.digest, plans.c.round).where(plans.c.case_id == case).order_by(plans.c.round.desc()).limit(1)
        row = self._connection.execute(wanted).one_or_none()
        return None if row is None else (row.digest, row.round)

    def _monthly(self, column: ColumnElement[Any], since: datetime) -> Mapping[tuple[int, int], int]:
        by = (extract("year", column), extract("month", column))
        rows = self._connection.execute(select(*by, func.count()).where(column >= since).group_by(*by))
        return {(int(year), int(month)): int(count) for year, month, count in rows}


_STATES: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "": (),
    "open": (cases.c.stage != Stage.CLOSED,),
    "waiting": (cases.c.stage != Stage.CLOSED, cases.c.wait_code.is_not(None)),
    "closed": (cases.c.stage == Stage.CLOSED,),
}


def _terms(wanted: Wanted) -> list[ColumnElement[bool]]:
    terms = list(_STATES[wanted.state])
    equal = (
        (cases.c.kind, wanted.kind),
        (cases.c.right_asked, wanted.right),
        (cases.c.stage, wanted.stage),
        (cases.c.outcome, wanted.outcome),
        (cases.c.policy, wanted.policy or None),
    )
    terms += [column == value for column, value in equal if value is not None]
    if wanted.number:
        terms.append(cases.c.id.startswith(wanted.number, autoescape=True))
    if wanted.opened_from is not None:
        terms.append(cases.c.opened_at >= wanted.opened_from)
    if wanted.opened_before is not None:
        terms.append(cases.c.opened_at < wanted.opened_before)
    if wanted.ids is not None:
        ids = sorted(wanted.ids)
        terms.append(or_(*(cases.c.id.in_(ids[start : start + _AT_ONCE]) for start in range(0, max(len(ids), 1), _AT_ONCE))))
    return terms
