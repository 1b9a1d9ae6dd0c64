"""Databases that make trouble: odd names, odd values, other people at work in them, and ends in the middle."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.drivers.sql.server import sessions
from dsr_engine.workflow.engine import run_case
from tests.samples.carrying import assert_closed, assert_forgotten, carry, company_of
from tests.samples.picture import Database, Outcome, assert_pictures
from tests.workflow.journeys import WORKER, approved, carried_through, opened_for, plan_of, waits_for, working

ANN = "ann.o'rowe@mail.example"
TRACES = (ANN, "ann.o'rowe")
_DROPPED = "DROP TABLE letter"
KINDS = ("sqlite", "postgres", "mariadb")
BARE = "connector: odd\ndriver: sql\n"


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database on each kind of server in turn."""
    if request.param == "sqlite":
        yield Database("sqlite", f"sqlite:///{tmp_path / 'odd.db'}")
        return
    server = request.getfixturevalue(f"{request.param}_server")
    yield Database(request.param, server.url(request.getfixturevalue(f"{request.param}_database")))


def _quoted(database: Database, name: str) -> str:
    return f"`{name.replace('`', '``')}`" if database.kind == "mariadb" else '"' + name.replace('"', '""') + '"'


ODD_TABLE, ODD_COLUMN, BROKEN_COLUMN = 'Robert"); --% :x ü', "per%cent (s) :bind ' é", "line\nfeed `"


def test_odd_names_of_tables_and_columns_and_odd_values_are_only_names_and_values(empty_home: Path, tmp_path: Path, database: Database) -> None:
    table, column, broken = (_quoted(database, name) for name in (ODD_TABLE, ODD_COLUMN, BROKEN_COLUMN))
    database.run(
        f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} VARCHAR(190) UNIQUE, {broken} VARCHAR(190))",
        f"CREATE TABLE note (id INTEGER PRIMARY KEY, {table} INTEGER REFERENCES {table} (id), body VARCHAR(500))",
    )
    odd = ("100% 'sure' \"yes\" \\ \n\t:x ?", "Ünïcödé 漢字 😀 \u202e", "'; DROP TABLE note; --")
    rows = [(1, ANN, odd[0]), (2, "jo" + ANN, odd[1]), (3, "%", f"{odd[2]} {ANN}"), (4, None, None), (5, "ann.o''rowe@mail.example", "x")]
    database.insert_rows(ODD_TABLE, ("id", ODD_COLUMN, BROKEN_COLUMN), rows)
    database.insert_rows("note", ("id", ODD_TABLE, "body"), [(1, 2, f"{odd[0]}{ANN}, {odd[1]}"), (2, 3, odd[2]), (3, None, f"jo{ANN}")])
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    carried = carry(company, database, ("email", ANN))
    assert_closed(carried)
    became = {
        "note": {_key(database, 1): {"body": f"{odd[0]}[redacted], {odd[1]}"}},
        ODD_TABLE: {_key(database, 3): {BROKEN_COLUMN: f"{odd[2]} [redacted]"}},
    }
    assert_pictures(carried.after, Outcome({ODD_TABLE: [_key(database, 1)]}, became).of(carried.before))
    assert_forgotten(company, TRACES)


def _key(database: Database, number: int) -> object:
    return str(number) if database.kind == "postgres" else number


def _two_rows(database: Database) -> None:
    database.run("CREATE TABLE person (id INTEGER PRIMARY KEY, email VARCHAR(190) UNIQUE, note VARCHAR(200))")
    database.run("CREATE TABLE letter (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES person (id), body VARCHAR(200))")
    database.insert("person", [{"id": 1, "email": ANN, "note": "a"}, {"id": 2, "email": "bo@mail.example", "note": "b"}])
    database.insert("letter", [{"id": 1, "person_id": 2, "body": f"To {ANN}."}, {"id": 2, "person_id": 2, "body": "To all."}])


@pytest.mark.parametrize("database", ["mariadb"], indirect=True)
def test_a_row_that_changes_between_plan_and_effect_is_looked_at_anew(empty_home: Path, tmp_path: Path, database: Database) -> None:
    _two_rows(database)
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)

    def meanwhile() -> None:
        quote = ANN.replace("'", "''")
        database.run(f"UPDATE letter SET body = 'Now: {quote} and more' WHERE id = 1")

    carried = carry(company, database, ("email", ANN), meanwhile=meanwhile)
    assert_closed(carried)
    expected = Outcome({"person": [_key(database, 1)]}, {"letter": {_key(database, 1): {"body": "Now: [redacted] and more"}}})
    assert_pictures(carried.after, expected.of(carried.before))


@pytest.mark.parametrize("database", ["postgres", "mariadb"], indirect=True)
def test_a_child_that_arrives_between_plan_and_effect_is_neither_taken_nor_cut_loose(empty_home: Path, tmp_path: Path, database: Database) -> None:
    _two_rows(database)
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    carried = carry(company, database, ("email", ANN), meanwhile=lambda: database.run("INSERT INTO letter VALUES (3, 1, 'mine')"))
    letters = {str(key): row["body"] for key, row in carried.after["letter"].items()}
    assert letters == {"1": "To [redacted].", "2": "To all.", "3": "mine"}
    assert [row["person_id"] for key, row in carried.after["letter"].items() if str(key) == "3"] == [_key(database, 1)]
    assert carried.statement is None


@pytest.mark.parametrize(
    ("database", "how"),
    [("sqlite", _DROPPED), ("postgres", "ALTER TABLE letter DROP COLUMN body"), ("mariadb", "ALTER TABLE letter RENAME TO letters")],
    indirect=["database"],
)
def test_a_table_that_goes_or_changes_between_plan_and_effect_stops_the_case_or_is_planned_anew(
    how: str, empty_home: Path, tmp_path: Path, database: Database
) -> None:
    _two_rows(database)
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    carried = carry(company, database, ("email", ANN), meanwhile=lambda: database.run(how))
    told = json.dumps(carried.after, default=str)
    assert "bo@mail.example" in told
    if carried.statement is not None:  # who certifies has looked at what there is now
        assert f': "{ANN}"' not in told
        assert f"To {ANN}." not in told
    assert_forgotten(company, TRACES)


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_two_cases_about_one_person_end_both_and_erase_once(empty_home: Path, tmp_path: Path, database: Database) -> None:
    _two_rows(database)
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    before = database.picture()
    with working(company) as house:
        first, second = opened_for(house, ("email", ANN)), opened_for(house, ("email", ANN))
        cases = [run_case(house, case.id, WORKER) for case in (first, second)]
        assert {waits_for(case) for case in cases} == {"approval.missing"}
        for case in cases:
            assert plan_of(house, case).items
            approved(house, case)
        ends = [carried_through(house, case) for case in cases]
        assert [waits_for(case) for case in ends] == ["", ""]
    expected = Outcome({"person": [_key(database, 1)]}, {"letter": {_key(database, 1): {"body": "To [redacted]."}}})
    assert_pictures(database.picture(), expected.of(before))


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgres", "mariadb"], indirect=True)
def test_a_row_that_somebody_else_holds_is_waited_for_and_nothing_is_half_done(
    empty_home: Path, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOCK_WAIT", 1)
    _two_rows(database)
    company = company_of(empty_home, tmp_path / "company", "odd", database, BARE)
    before = database.picture()
    with working(company) as house:
        case = run_case(house, opened_for(house, ("email", ANN)).id, WORKER)
        approved(house, case)
        with database.holding("SELECT * FROM letter WHERE id = 1 FOR UPDATE"):
            stands = run_case(house, case.id, WORKER)
            assert stands.stage is not Stage.CLOSED
        assert_pictures(database.picture(), before)
        assert_forgotten(company, TRACES, repr(stands))
        for _ in range(4):
            ended = carried_through(house, stands)
        assert ended.stage is Stage.CLOSED, ended.wait
    expected = Outcome({"person": [_key(database, 1)]}, {"letter": {_key(database, 1): {"body": "To [redacted]."}}})
    assert_pictures(database.picture(), expected.of(before))
