"""Restricted rows go to another table: whole, in one transaction, with their keys, and only where nothing is cut by it."""

from dataclasses import replace

import pytest

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.plan import Edit, Relocate, SetValue
from dsr_engine.domain.system import CollectionMap, FieldMap
from dsr_engine.drivers.driver import Done, Drifted, Failed, Moved, Watched
from dsr_engine.drivers.sql.driver import SqlDriver
from tests.drivers.sql_database import BLOB, JANE, JSON, MOMENT, REWRITER, SqlDatabase, about, is_absent, locator, planned, search

_FIELDS = (FieldMap("email", "user.contact.email", selects="email"), FieldMap("phone", "user.contact.phone_number"))
INVOICES = CollectionMap("invoices", ("id",), _FIELDS, move_to="kept_invoices")
KEPT = CollectionMap("kept_invoices", ("id",), _FIELDS, moved_from="invoices")
MOVE = Relocate((), "kept_invoices")


def _tables(database: SqlDatabase, *, kept: str = "", key: str = "id INTEGER PRIMARY KEY") -> None:
    body = (
        f"email VARCHAR(100) NOT NULL, phone VARCHAR(40), amount NUMERIC(10,2), issued DATE, at {MOMENT[database.kind]}, "
        f"body {JSON[database.kind]}, scan {BLOB[database.kind]}"
    )
    database.run(
        f"CREATE TABLE invoices ({key}, {body})",
        f"CREATE TABLE kept_invoices ({kept or f'{key}, {body}'})",
        "CREATE TABLE marks (id INTEGER PRIMARY KEY, text VARCHAR(40))",
    )
    rows = [(1, JANE), (2, "bob@example.net"), (3, JANE), (4, "ann@example.net")]
    for number, email in rows:
        database.insert(
            "invoices",
            [
                {
                    "id": number,
                    "email": email,
                    "phone": "+49 30 1",
                    "amount": "12.50",
                    "issued": "2024-02-29",
                    "at": "2024-02-29 12:30:00",
                    "body": '{"a": [1, 2.50, "x"]}',
                    "scan": bytes(range(8)),
                }
            ],
        )


def _driver(database: SqlDatabase) -> SqlDriver:
    return database.driver(INVOICES, KEPT)


def test_a_row_is_moved_whole_and_is_found_again_by_its_key(sql_database: SqlDatabase) -> None:
    _tables(sql_database)
    before, driver = sql_database.dump("invoices"), _driver(sql_database)
    changes, foreseen = planned(driver, [locator("invoices", 1), locator("invoices", 3)], MOVE)
    assert [one.refusal for one in foreseen] == [None, None]
    assert all(one.becomes not in (None, one.state) for one in foreseen)
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    assert sql_database.dump("invoices") == {number: before[number] for number in (2, 4)}
    assert sql_database.dump("kept_invoices") == {number: before[number] for number in (1, 3)}
    for one, number in zip(foreseen, (1, 3), strict=True):
        (seen,) = driver.observe([Watched(locator("invoices", number))])
        assert isinstance(seen, Moved)
        assert (seen.to, seen.state) == (locator("kept_invoices", number), one.becomes)
    found = search(driver, about())
    assert {("kept_invoices", ("1",)), ("kept_invoices", ("3",))} <= found.keys
    assert not {("invoices", ("1",)), ("invoices", ("3",))} & found.keys


def test_what_else_is_to_change_changes_on_the_way(sql_database: SqlDatabase) -> None:
    _tables(sql_database)
    driver = _driver(sql_database)
    effect = Relocate((Edit("phone", SetValue(Method(MethodName.NULL), "user.contact.phone_number")),), "kept_invoices")
    changes, foreseen = planned(driver, [locator("invoices", 1)], effect, ("phone",))
    assert driver.change(changes, REWRITER) == [Done(foreseen[0].becomes)]
    assert sql_database.rows("SELECT id, email, phone FROM kept_invoices") == [(1, JANE, None)]
    assert sql_database.rows("SELECT id, phone FROM invoices ORDER BY id") == [(number, "+49 30 1") for number in (2, 3, 4)]


def test_doing_it_again_after_an_answer_was_lost_does_nothing(sql_database: SqlDatabase) -> None:
    _tables(sql_database)
    driver = _driver(sql_database)
    changes, _ = planned(driver, [locator("invoices", 1)], MOVE)
    driver.change(changes, REWRITER)
    after = sql_database.dump("kept_invoices")
    assert driver.change(changes, REWRITER) == [Drifted("absent")]
    assert sql_database.dump("kept_invoices") == after


def test_a_row_that_changed_since_the_plan_stays_where_it_is(sql_database: SqlDatabase) -> None:
    _tables(sql_database)
    driver = _driver(sql_database)
    changes, _ = planned(driver, [locator("invoices", 1), locator("invoices", 3)], MOVE)
    sql_database.run("UPDATE invoices SET phone = 'new' WHERE id = 1")
    assert [type(one) for one in driver.change(changes, REWRITER)] == [Drifted, Done]
    assert set(sql_database.dump("kept_invoices")) == {3}
    assert set(sql_database.dump("invoices")) == {1, 2, 4}


@pytest.mark.parametrize("on_delete", ["CASCADE", "SET NULL", "NO ACTION"])
def test_a_row_that_others_point_at_is_refused_beforehand_and_under_the_lock(sql_database: SqlDatabase, on_delete: str) -> None:
    _tables(sql_database)
    sql_database.run(
        f"CREATE TABLE items (id INTEGER PRIMARY KEY, invoice INTEGER, FOREIGN KEY (invoice) REFERENCES invoices (id) ON DELETE {on_delete})",
        "INSERT INTO items VALUES (1, 1), (2, 2)",
    )
    driver = _driver(sql_database)
    changes, foreseen = planned(driver, [locator("invoices", 1), locator("invoices", 3)], MOVE)
    assert [one.refusal.code if one.refusal else "" for one in foreseen] == ["sql.move_dependents", ""]
    sql_database.run("INSERT INTO items VALUES (3, 3)")
    before = {table: sql_database.dump(table) for table in ("invoices", "items")}
    assert driver.change([changes[1]], REWRITER) == [Drifted("dependents")]
    assert {table: sql_database.dump(table) for table in ("invoices", "items")} == before
    assert sql_database.dump("kept_invoices") == {}


def test_rows_that_move_with_what_they_point_at_keep_nothing_back(sql_database: SqlDatabase) -> None:
    """Children go first; their new table has no constraint, for a restricted row never changes."""
    _tables(sql_database)
    sql_database.run(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, invoice INTEGER, FOREIGN KEY (invoice) REFERENCES invoices (id))",
        "CREATE TABLE kept_items (id INTEGER PRIMARY KEY, invoice INTEGER)",
        "INSERT INTO items VALUES (1, 1), (2, 2)",
    )
    items = CollectionMap("items", ("id",), (), move_to="kept_items")
    driver = sql_database.driver(INVOICES, KEPT, items, CollectionMap("kept_items", ("id",), (), moved_from="items"))
    draft_items, _ = planned(driver, [locator("items", 1)], Relocate((), "kept_items"))
    draft, _ = planned(driver, [locator("invoices", 1)], MOVE)
    both = [replace(one, expect=b"", server="") for one in (*draft_items, *draft)]
    both[1] = replace(both[1], effect=MOVE)
    foreseen = driver.foresee(both, REWRITER)
    assert [one.refusal for one in foreseen] == [None, None]
    for one, seen in zip(both, foreseen, strict=True):
        assert driver.change([replace(one, expect=seen.state or b"", server=seen.server)], REWRITER) == [Done(seen.becomes)]
    assert (sql_database.rows("SELECT id FROM kept_items"), sql_database.rows("SELECT id FROM items")) == ([(1,)], [(2,)])


_BODY = "email VARCHAR(100) NOT NULL, phone VARCHAR(40), amount NUMERIC(10,2), issued DATE, at {at}, body {body}, scan {scan}"


@pytest.mark.parametrize(
    ("kept", "code"),
    [
        ("id INTEGER PRIMARY KEY, email VARCHAR(100)", "sql.move_columns"),
        ("id INTEGER PRIMARY KEY, " + _BODY.replace("VARCHAR(100)", "VARCHAR(20)"), "sql.move_columns"),
        ("id INTEGER PRIMARY KEY, " + _BODY.replace("amount NUMERIC(10,2)", "amount INTEGER"), "sql.move_columns"),
        ("id INTEGER PRIMARY KEY, " + _BODY.replace("phone VARCHAR(40)", "phone VARCHAR(40) NOT NULL"), "sql.move_columns"),
        ("id INTEGER PRIMARY KEY, clerk VARCHAR(9) NOT NULL, " + _BODY, "sql.move_columns"),
        ("id INTEGER, other INTEGER PRIMARY KEY, " + _BODY, "sql.move_key"),
    ],
    ids=["a column is missing", "too short", "another type", "may not be empty", "demands more", "another key"],
)
def test_what_does_not_fit_is_told_before_anybody_approves(sql_database: SqlDatabase, kept: str, code: str) -> None:
    kind = sql_database.kind
    _tables(sql_database, kept=kept.format(at=MOMENT[kind], body=JSON[kind], scan=BLOB[kind]))
    before = sql_database.dump("invoices")
    driver = _driver(sql_database)
    changes, foreseen = planned(driver, [locator("invoices", 1)], MOVE)
    assert foreseen[0].refusal is not None
    assert (foreseen[0].refusal.code, bool(foreseen[0].refusal.hint)) == (code, True)
    assert [type(one) for one in driver.change([replace(changes[0], effect=MOVE)], REWRITER)] == [Failed]
    assert sql_database.dump("invoices") == before


def test_a_place_that_is_not_there_or_taken_is_told(sql_database: SqlDatabase) -> None:
    _tables(sql_database)
    sql_database.run("INSERT INTO kept_invoices (id, email) VALUES (1, 'old@example.net')")
    driver = sql_database.driver(replace(INVOICES, move_to="nowhere"))
    _, foreseen = planned(driver, [locator("invoices", 1)], Relocate((), "nowhere"))
    assert foreseen[0].refusal is not None
    assert foreseen[0].refusal.code == "sql.move_target"
    changes, foreseen = planned(_driver(sql_database), [locator("invoices", 1)], MOVE)
    assert foreseen[0].refusal is not None
    assert foreseen[0].refusal.code == "sql.move_taken"
    before = sql_database.dump("invoices")
    assert [type(one) for one in _driver(sql_database).change([replace(changes[0], effect=MOVE)], REWRITER)] == [Failed]
    assert sql_database.dump("invoices") == before


def test_a_moved_row_that_was_deleted_there_is_absent(sql_database: SqlDatabase) -> None:
    _tables(sql_database)
    driver = _driver(sql_database)
    changes, _ = planned(driver, [locator("invoices", 1)], MOVE)
    driver.change(changes, REWRITER)
    sql_database.run("DELETE FROM kept_invoices WHERE id = 1")
    assert is_absent(driver, locator("invoices", 1))
