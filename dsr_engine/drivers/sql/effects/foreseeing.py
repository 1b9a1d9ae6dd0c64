"""What changes would do, found out without writing: states before and after, dependents, and what the database would refuse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from dsr_engine.content.rewriter import Rewriter
from dsr_engine.domain.plan import Delete, Edit, Point, Relocate, Rewrite, SetValue
from dsr_engine.drivers.driver import Change, Foreseen, Link, Problem
from dsr_engine.drivers.sql.effects.dependents import Dependents, dependents
from dsr_engine.drivers.sql.effects.knots import Knots, cut_links
from dsr_engine.drivers.sql.effects.moving import misfits, pointing, state_there, taken
from dsr_engine.drivers.sql.effects.observing import column_of, columns_of, covered, state_of
from dsr_engine.drivers.sql.effects.preflight import Preflight
from dsr_engine.drivers.sql.effects.rewriting import Refused, new_values
from dsr_engine.drivers.sql.effects.snapshots import is_snapshot, refresh_refused, refresh_statement
from dsr_engine.drivers.sql.schema.catalogue import Catalogue, Table
from dsr_engine.drivers.sql.schema.columns import Column, Value, as_value
from dsr_engine.drivers.sql.server.database import Database
from dsr_engine.drivers.sql.values.canonical import canonical_text, digest
from dsr_engine.drivers.sql.values.rows import BATCH, Key, Row, batches, fetch, key_of

_NO_KEY = "decide about these findings: *theirs* (the row goes as a whole) or *stays*; or give the table a primary key, then open a new case"

#: How often another counter is tried before a value counts as not to be made unique.
_TRIES = 16


@dataclass(slots=True, repr=False)
class _Draft:
    """A rewrite while its counters are still being chosen."""

    number: int
    row: Row
    effect: Rewrite
    values: Mapping[str, Value]


class Foresight:
    """All changes of a plan that concern one database, taken together."""

    def __init__(self, database: Database, catalogue: Catalogue, changes: Sequence[Change], rewriter: Rewriter) -> None:
        self._database, self._catalogue, self._changes, self._rewriter = database, catalogue, changes, rewriter
        self._found: dict[int, Foreseen] = {}
        self._leaving: dict[str, set[Key]] = {}
        self._rewritten: dict[str, set[Key]] = {}
        self._cut: dict[tuple[str, Link], set[Key]] = {}
        for change in changes:
            if isinstance(change.effect, Rewrite):
                self._rewritten.setdefault(change.locator.collection, set()).add(change.locator.key)
                for link in cut_links(catalogue, change):
                    self._cut.setdefault((change.locator.collection, link), set()).add(change.locator.key)
            elif not change.locator.inside:
                self._leaving.setdefault(change.locator.collection, set()).add(change.locator.key)
        self._server = ""
        self._knots = Knots(catalogue)

    def run(self) -> Sequence[Foreseen]:
        groups: dict[tuple[str, bool, tuple[str, ...]], list[int]] = {}
        for number, change in enumerate(self._changes):
            groups.setdefault((change.locator.collection, isinstance(change.effect, Delete), change.fields), []).append(number)
        with self._database.reading("foreseeing") as connection:
            self._server = self._database.identity(connection)
            self._preflight = Preflight(self._database.dialect, connection, self._catalogue)
            for (collection, is_delete, fields), numbers in groups.items():
                self._group(connection, self._catalogue.table(collection), is_delete, fields, numbers)
            self._found |= self._knots.tied(connection.dialect.name, self._found)
        return [self._found[number] for number in range(len(self._changes))]

    def _group(self, connection: sa.Connection, table: Table, is_delete: bool, fields: tuple[str, ...], numbers: Sequence[int]) -> None:
        if is_snapshot(table):
            self._snapshot(connection, table, fields, numbers)
            return
        columns = covered(table, fields)
        edited = self._knots.columns(table) if is_delete else self._edited_columns(table, numbers)
        by_key: dict[Key, list[int]] = {}
        for number in numbers:
            by_key.setdefault(self._changes[number].locator.key, []).append(number)
        told = self._preflight.problems(table, is_delete=is_delete, count=len(numbers)) if self._is_changed(numbers) else ()
        fatal = next((problem for problem in told if problem.is_fatal), None)
        refusal = self._refusal(connection, table, is_delete) or fatal
        rows: dict[Key, Row] = {}
        for batch in batches(by_key):
            fetched = fetch(self._database.dialect, connection, table, batch, (*columns, *edited))
            for key in batch:
                self._note(table, columns, by_key[key], fetched.get(key, ()), refusal)
            rows |= {key: same[0] for key, same in fetched.items()}
        warnings = tuple(problem for problem in told if not problem.is_fatal)
        if warnings:
            self._found |= {number: replace(self._found[number], warnings=warnings) for number in numbers}
        live = {key: [number for number in by_key[key] if self._found[number].refusal is None] for key in rows}
        if is_delete:
            self._knots.add(table, {key: rows[key] for key, those in live.items() if those}, by_key)
            self._add_dependents(connection, table, [key for key in rows if live[key]], by_key)
        else:
            self._add_rewrites(connection, table, columns, [(number, rows[key]) for key, those in live.items() for number in those])
            self._add_moves(connection, table, numbers)

    def _snapshot(self, connection: sa.Connection, table: Table, fields: tuple[str, ...], numbers: Sequence[int]) -> None:
        """Rows of a materialized view, whatever is to become of them: a refresh takes them away."""
        columns = covered(table, fields)
        rows = fetch(self._database.dialect, connection, table, [self._changes[number].locator.key for number in numbers], columns)
        refusal = refresh_refused(connection, table) if self._is_changed(numbers) else None
        told = Problem("sql.snapshot", f"{table.collection} is a materialized view: {refresh_statement(connection, table)}", is_fatal=False)
        for number in numbers:
            same = rows.get(self._changes[number].locator.key)
            state = state_of(columns, same) if same else None
            self._found[number] = Foreseen(state, None, Delete(), self._server, refusal=refusal, warnings=(told,))

    def _is_changed(self, numbers: Sequence[int]) -> bool:
        """False for records that are asked about only because they stay: a rewrite without an edit."""
        return any(self._changes[number].effect != Rewrite(()) for number in numbers)

    def _note(self, table: Table, columns: Sequence[Column], numbers: Sequence[int], same: Sequence[Row], refusal: Problem | None) -> None:
        """What is known before any effect is computed: the state now, and what forbids every effect."""
        state = state_of(columns, same) if same else None
        if len(same) > 1 and table.key:
            refusal = Problem("sql.ambiguous_key", f"a key of {table.collection} names more than one row", "give the table a primary key")
        for number in numbers:
            change = self._changes[number]
            part = (
                Problem("sql.part", "a part of a record cannot be treated by itself here", "treat the whole record")
                if change.locator.inside
                else None
            )
            self._found[number] = Foreseen(state, None, change.effect, self._server, refusal=part or refusal)

    def _refusal(self, connection: sa.Connection, table: Table, is_delete: bool) -> Problem | None:
        relation = table.relation
        if relation.fixed or relation.reason:
            return Problem("sql.fixed", f"{table.collection}: {relation.fixed or relation.reason}", "treat it by hand")
        if not table.key and not is_delete:
            why = f"{table.collection} has no key, so a changed row could not be found again"
            return Problem("sql.no_key", why, _NO_KEY)
        if not table.key and self._catalogue.inbound(table.collection):
            return Problem("sql.no_key", f"{table.collection} has no key, and other collections point at it", _NO_KEY)
        # MariaDB locks rows for whoever may delete them; PostgreSQL wants the right to update one column.
        ignored = ("sql.missing_delete",) if not is_delete else ("sql.missing_update",) if self._database.dialect.name == "mariadb" else ()
        problems = self._database.dialect.permissions(connection, (relation,)) if connection.dialect.name != "sqlite" else ()
        return next((problem for problem in problems if problem.is_fatal and problem.code not in ignored), None)

    def _add_dependents(self, connection: sa.Connection, table: Table, keys: Sequence[Key], by_key: Mapping[Key, Sequence[int]]) -> None:
        if not table.key:
            return
        counted = Dependents(self._database.dialect, connection, self._catalogue, self._leaving, self._cut, self._rewritten)
        for key, tally in counted.walked(table, keys).items():
            for number in by_key[key]:
                self._found[number] = replace(self._found[number], dependents=dependents(tally), staying=counted.staying[key])

    def _edited_columns(self, table: Table, numbers: Sequence[int]) -> tuple[Column, ...]:
        effects = (self._changes[number].effect for number in numbers)
        return columns_of(table, (edit.place for effect in effects if isinstance(effect, Rewrite) for edit in effect.edits))

    def _add_rewrites(self, connection: sa.Connection, table: Table, columns: Sequence[Column], wanted: Sequence[tuple[int, Row]]) -> None:
        drafts = [draft for number, row in wanted if (draft := self._draft(table, number, row, self._effect(number))) is not None]
        drafts = self._with_neutral_targets(connection, table, drafts)
        for draft in self._accepted(table, self._made_unique(connection, table, drafts)):
            after = [(column, draft.values.get(column.name, draft.row.values[column.name])) for column in columns]
            self._found[draft.number] = replace(self._found[draft.number], becomes=digest(after), effect=draft.effect)

    def _add_moves(self, connection: sa.Connection, table: Table, numbers: Sequence[int]) -> None:
        """Rows that go to another table: what they become there, or why they cannot go."""
        going: dict[str, dict[Key, list[int]]] = {}
        for number in numbers:
            found = self._found[number]
            if isinstance(found.effect, Relocate) and found.refusal is None and found.becomes is not None:
                going.setdefault(found.effect.to, {}).setdefault(self._changes[number].locator.key, []).append(number)
        for to, by_key in going.items():
            refused = self._unmovable(connection, table, to, tuple(by_key))
            for key, those in by_key.items():
                for number in those:
                    found = self._found[number]
                    after = state_there(found.becomes or b"", to)
                    self._found[number] = replace(found, becomes=after) if key not in refused else replace(found, refusal=refused[key])

    def _unmovable(self, connection: sa.Connection, table: Table, to: str, keys: Sequence[Key]) -> Mapping[Key, Problem]:
        problem = next(misfits(connection, self._catalogue, table, to), None)
        if problem is not None:
            return dict.fromkeys(keys, problem)
        dialect = self._database.dialect
        # Rows of other tables that are moved as well leave them before this one does.
        leaving = {name: frozenset(found) for name, found in self._leaving.items()}
        for change in self._changes:
            if isinstance(change.effect, Relocate):
                leaving[change.locator.collection] = leaving.get(change.locator.collection, frozenset()) | {change.locator.key}
        hint = "restrict those rows, too, or fence these by a mark instead of moving them (`restrict: {set: …}`)"
        refused = {
            key: Problem("sql.move_dependents", f"{others} points at rows of {table.collection} that should be moved, and would be cut", hint)
            for key, others in pointing(dialect, connection, self._catalogue, table, keys, leaving).items()
        }
        text = f"another row of {to} has the key of a row of {table.collection} that should go there"
        there = taken(dialect, connection, self._catalogue.table(to), keys)
        return refused | {key: Problem("sql.move_taken", text, "look which of them is right") for key in there}

    def _effect(self, number: int) -> Rewrite:
        effect = self._changes[number].effect
        assert isinstance(effect, Rewrite)
        return effect

    def _draft(self, table: Table, number: int, row: Row, effect: Rewrite) -> _Draft | None:
        try:
            return _Draft(number, row, effect, new_values(self._catalogue, table, row.values, effect, self._rewriter))
        except Refused as refused:
            self._found[number] = replace(self._found[number], refusal=refused.problem)
            return None

    def _accepted(self, table: Table, drafts: list[_Draft]) -> list[_Draft]:
        """The drafts that the server's own constraints accept."""
        after = {draft.row.key: {name: value for name, value in draft.values.items() if value != draft.row.values[name]} for draft in drafts}
        refused = dict(self._preflight.checks(table).refusals(after)) if table.key else {}
        for draft in drafts:
            if draft.row.key in refused:
                self._found[draft.number] = replace(self._found[draft.number], refusal=refused[draft.row.key])
        return [draft for draft in drafts if draft.row.key not in refused]

    def _with_neutral_targets(self, connection: sa.Connection, table: Table, drafts: list[_Draft]) -> list[_Draft]:
        """The drafts whose links are pointed at records that are there and stay as they are."""
        problems: dict[str, Problem | None] = {}
        for name in {column_of(table, edit.place).name for draft in drafts for edit in draft.effect.edits if isinstance(edit.how, Point)}:
            problems[name] = self._neutral_problem(connection, table, name, next(draft.values[name] for draft in drafts if name in draft.values))
        for draft in drafts:
            refusal = next((problems[name] for name in draft.values if problems.get(name)), None)
            if refusal is not None:
                self._found[draft.number] = replace(self._found[draft.number], refusal=refusal)
        return [draft for draft in drafts if self._found[draft.number].refusal is None]

    def _neutral_problem(self, connection: sa.Connection, table: Table, name: str, value: Value) -> Problem | None:
        hint = "make one, and give its key as `neutral` in the connector"
        for link in table.links:
            if link.fields != (name,):
                continue
            parent = self._catalogue.table(link.to_collection)
            column = parent.columns[link.to_fields[0]]
            bound = self._database.dialect.parameter(column.type, str(value))
            query = sa.select(*(key.read for key in (*parent.key, column))).select_from(parent.element).where(column.element == bound)
            row = connection.execute(query).first()
            if row is None:
                return Problem("sql.neutral_missing", f"the neutral record that {name} is to point at is not in {parent.collection}", hint)
            key = key_of(parent, {one.name: as_value(part) for one, part in zip(parent.key, row, strict=False)}) if parent.key else None
            if key in self._leaving.get(parent.collection, ()) or key in self._rewritten.get(parent.collection, ()):
                return Problem("sql.neutral_erased", f"the neutral record that {name} is to point at is itself one of the person's", hint)
        return None

    def _made_unique(self, connection: sa.Connection, table: Table, drafts: Sequence[_Draft]) -> list[_Draft]:
        """The drafts with counters under which no unique column meets a live value or another draft."""
        kept = list(drafts)
        for column in table.columns.values():
            if column.is_in_unique:
                kept = self._unique_in(connection, table, column, kept)
        return kept

    def _unique_in(self, connection: sa.Connection, table: Table, column: Column, drafts: list[_Draft]) -> list[_Draft]:
        settled: list[_Draft] = []
        taken: set[str] = set()
        pending = drafts
        for _ in range(_TRIES):
            live = self._live(connection, column, table, pending)
            colliding = []
            for draft in pending:
                value = _unique_value(column, draft)
                if value is None or (value not in taken and value not in live):
                    taken |= {value} if value is not None else set()
                    settled.append(draft)
                else:
                    colliding.append(draft)
            if not colliding:
                return settled
            pending = [
                again
                for draft in colliding
                if (again := self._draft(table, draft.number, draft.row, _counted(table, draft.effect, column))) is not None
            ]
        for draft in pending:
            problem = Problem("sql.not_unique", f"no unique value was found for {column.name}", "use pseudonym or fake")
            self._found[draft.number] = replace(self._found[draft.number], refusal=problem)
        return settled

    def _live(self, connection: sa.Connection, column: Column, table: Table, drafts: Sequence[_Draft]) -> set[str]:
        """Which of the drafts' new values are in the table already, compared by the server: its collation decides what is equal."""
        wanted = sorted({value for draft in drafts if (value := _unique_value(column, draft)) is not None})
        found: set[str] = set()
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            bound = [self._database.dialect.parameter(column.type, value) for value in part]
            query = sa.select(column.read).select_from(table.element).where(column.element.in_(bound))
            found |= {canonical_text(column, str(value)) for value in connection.scalars(query)}
        folded = {value.casefold() for value in found}
        return {value for value in wanted if value in found or value.casefold() in folded}


def _unique_value(column: Column, draft: _Draft) -> str | None:
    """The new value of the column, if it is new at all."""
    value = draft.values.get(column.name)
    if not isinstance(value, str) or value == draft.row.values.get(column.name):
        return None
    return canonical_text(column, value)


def _counted(table: Table, effect: Rewrite, column: Column) -> Rewrite:
    def next_one(edit: Edit) -> Edit:
        if isinstance(edit.how, SetValue) and column in columns_of(table, (edit.place,)):
            return replace(edit, how=replace(edit.how, counter=edit.how.counter + 1))
        return edit

    return replace(effect, edits=tuple(next_one(edit) for edit in effect.edits))
