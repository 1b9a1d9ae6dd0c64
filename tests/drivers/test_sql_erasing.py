"""Foreseeing and changing: exactly what was planned, and everybody else's rows byte for byte as they were."""

import json
import threading

import pytest
from sqlalchemy import event

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.plan import Delete, Dependent, DropPart, Edit, Fence, RedactSpans, Rewrite, SetValue
from dsr_engine.domain.record import Locator
from dsr_engine.domain.system import FieldMap
from dsr_engine.drivers.driver import Absent, Change, Done, Drifted, Failed, Watched
from tests.drivers.sql_database import (
    BLOB,
    JANE,
    JSON,
    MOMENT,
    REWRITER,
    SqlDatabase,
    about,
    erase,
    is_absent,
    locator,
    mapped,
    planned,
    search,
    selector,
    state,
)

TOMBSTONE = Method(MethodName.TOMBSTONE)
NULL = Method(MethodName.NULL)
PSEUDONYM = Method(MethodName.PSEUDONYM)


def set_to(place: str, method: Method) -> Edit:
    return Edit(place, SetValue(method, "user"))


def people(database: SqlDatabase, count: int = 5) -> None:
    database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), note VARCHAR(200))")
    database.insert("people", [{"id": number, "email": f"p{number}@example.com", "note": f"note {number}  "} for number in range(1, count + 1)])


def family(database: SqlDatabase, on_delete: str) -> None:
    """Two parents, of which 1 has two children and one grandchild; children follow `on_delete`, grandchildren always cascade."""
    database.run(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, email VARCHAR(100))",
        f"CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER, FOREIGN KEY (parent_id) REFERENCES parents (id) ON DELETE {on_delete})",
        "CREATE TABLE grandchildren (id INTEGER PRIMARY KEY, child_id INTEGER, FOREIGN KEY (child_id) REFERENCES children (id) ON DELETE CASCADE)",
        "INSERT INTO parents VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO children VALUES (1, 1), (2, 1), (3, 2), (4, NULL)",
        "INSERT INTO grandchildren VALUES (1, 1), (2, 3)",
    )


def test_a_deleted_row_is_gone_and_all_others_are_as_they_were(sql_database: SqlDatabase) -> None:
    people(sql_database)
    before = sql_database.dump("people")
    driver = sql_database.driver()
    assert erase(driver, locator("people", 3)) == [Done(None)]
    assert is_absent(driver, locator("people", 3))
    del before[3]
    assert sql_database.dump("people") == before


def test_a_row_that_changed_since_the_plan_is_left_untouched(sql_database: SqlDatabase) -> None:
    people(sql_database)
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", 1), locator("people", 2)])
    sql_database.run("UPDATE people SET note = 'moved on' WHERE id = 1")
    assert driver.change(changes, REWRITER) == [Drifted("changed"), Done(None)]
    assert set(sql_database.dump("people")) == {1, 3, 4, 5}


def test_a_row_that_somebody_else_deleted_is_reported_as_absent(sql_database: SqlDatabase) -> None:
    people(sql_database)
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", 1)])
    sql_database.run("DELETE FROM people WHERE id = 1")
    assert driver.change(changes, REWRITER) == [Drifted("absent")]


def test_a_field_that_nobody_watches_may_change(sql_database: SqlDatabase) -> None:
    people(sql_database)
    driver = sql_database.driver(mapped("people", FieldMap("email", selects="email")))
    changes, _ = planned(driver, [locator("people", 1), locator("people", 2)], fields=("email",))
    sql_database.run("UPDATE people SET note = 'moved on' WHERE id = 1", "UPDATE people SET email = 'other@example.com' WHERE id = 2")
    assert driver.change(changes, REWRITER) == [Done(None), Drifted("changed")]


def test_an_owning_field_is_watched_even_where_it_is_not_named(sql_database: SqlDatabase) -> None:
    people(sql_database)
    driver = sql_database.driver(mapped("people", FieldMap("email", selects="email")))
    changes, _ = planned(driver, [locator("people", 1)], fields=("note",))
    sql_database.run("UPDATE people SET email = 'somebody.else@example.com' WHERE id = 1")
    assert driver.change(changes, REWRITER) == [Drifted("changed")]


def test_a_thousand_rows_are_erased_in_at_most_five_statements(sql_database: SqlDatabase) -> None:
    family(sql_database, "CASCADE")
    sql_database.insert("parents", [{"id": number, "email": f"{number}"} for number in range(1000, 2000)])
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("parents", number) for number in range(1000, 2000)])
    statements: list[str] = []
    event.listen(driver._database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert set(driver.change(changes, REWRITER)) == {Done(None)}
    assert len(statements) <= 5
    assert set(sql_database.dump("parents")) == {1, 2}


def test_a_thousand_rows_are_rewritten_in_at_most_five_statements(sql_database: SqlDatabase) -> None:
    people(sql_database, 1200)
    before = sql_database.dump("people")
    driver = sql_database.driver()
    effect = Rewrite((set_to("email", PSEUDONYM), set_to("note", TOMBSTONE)))
    changes, foreseen = planned(driver, [locator("people", number) for number in range(1, 1001)], effect, ("email", "note"))
    statements: list[str] = []
    event.listen(driver._database.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    assert len(statements) <= 5
    after = sql_database.dump("people")
    assert {key: row for key, row in after.items() if key > 1000} == {key: row for key, row in before.items() if key > 1000}
    assert len({row[2] for row in after.values()}) == 1200


@pytest.mark.parametrize(
    ("rule", "on_delete"), [("CASCADE", "cascade"), ("SET NULL", "set_null"), ("RESTRICT", "restrict"), ("NO ACTION", "restrict")]
)
def test_dependents_are_foreseen_with_what_the_server_would_do(sql_database: SqlDatabase, rule: str, on_delete: str) -> None:
    family(sql_database, rule)
    _, (one, two) = planned(sql_database.driver(), [locator("parents", 1), locator("parents", 2)])
    grand = {Dependent("grandchildren", "cascade", 1)} if on_delete == "cascade" else set()
    assert set(one.dependents) == {Dependent("children", on_delete, 2)} | grand
    assert set(two.dependents) == {Dependent("children", on_delete, 1)} | grand


def test_dependents_that_go_themselves_are_not_counted(sql_database: SqlDatabase) -> None:
    family(sql_database, "RESTRICT")
    driver = sql_database.driver()
    wheres = [locator("parents", 1), locator("children", 1), locator("children", 2), locator("grandchildren", 1)]
    changes, foreseen = planned(driver, wheres)
    assert [one.dependents for one in foreseen] == [(), (), (), ()]
    assert driver.change(changes, REWRITER) == [Done(None)] * 4
    assert set(sql_database.dump("children")) == {3, 4}
    assert set(sql_database.dump("grandchildren")) == {2}


def test_a_planned_cascade_is_taken_and_nothing_else(sql_database: SqlDatabase) -> None:
    family(sql_database, "CASCADE")
    driver = sql_database.driver()
    assert erase(driver, locator("parents", 1)) == [Done(None)]
    assert (set(sql_database.dump("parents")), set(sql_database.dump("children")), set(sql_database.dump("grandchildren"))) == ({2}, {3, 4}, {2})


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL", "RESTRICT"])
def test_a_dependent_that_appears_after_the_plan_stops_the_deletion(sql_database: SqlDatabase, rule: str) -> None:
    family(sql_database, rule)
    sql_database.run("INSERT INTO parents VALUES (3, 'c'), (4, 'd')")
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("parents", 3), locator("parents", 4)])
    sql_database.run("INSERT INTO children VALUES (9, 3)")
    before = sql_database.dump("children")
    assert driver.change(changes, REWRITER) == [Drifted("dependents"), Done(None)]
    assert sql_database.dump("children") == before
    assert set(sql_database.dump("parents")) == {1, 2, 3}


def test_a_grandchild_that_appears_after_the_plan_stops_the_cascade(sql_database: SqlDatabase) -> None:
    family(sql_database, "CASCADE")
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("parents", 1)])
    sql_database.run("INSERT INTO grandchildren VALUES (9, 2)")
    assert driver.change(changes, REWRITER) == [Drifted("dependents")]
    assert 9 in sql_database.dump("grandchildren")


def test_a_link_that_only_the_manifest_knows_counts_as_a_dependent(sql_database: SqlDatabase) -> None:
    people(sql_database)
    sql_database.run("CREATE TABLE visits (id INTEGER PRIMARY KEY, person INTEGER)", "INSERT INTO visits VALUES (1, 1), (2, 1), (3, 2)")
    driver = sql_database.driver(mapped("visits", FieldMap("person", references=("people", "id"))))
    changes, (seen,) = planned(driver, [locator("people", 1)])
    assert seen.dependents == (Dependent("visits", "none", 2),)
    sql_database.run("INSERT INTO visits VALUES (4, 1)")
    assert driver.change(changes, REWRITER) == [Drifted("dependents")]


def test_a_restricted_row_fails_alone(sql_database: SqlDatabase) -> None:
    family(sql_database, "RESTRICT")
    sql_database.run("INSERT INTO parents VALUES (3, 'c')")
    driver = sql_database.driver()
    first, second = erase(driver, locator("parents", 1), locator("parents", 3))
    assert isinstance(first, Failed)
    assert first.code == "sql.restricted"
    assert second == Done(None)


def staff(database: SqlDatabase, on_delete: str) -> None:
    database.run(
        f"CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER, FOREIGN KEY (boss) REFERENCES staff (id) ON DELETE {on_delete})",
        "INSERT INTO staff VALUES (1, NULL)",
        "INSERT INTO staff VALUES (2, 1)",
        "INSERT INTO staff VALUES (3, 2)",
        "INSERT INTO staff VALUES (4, NULL)",
        "INSERT INTO staff VALUES (5, 5)",
    )


@pytest.mark.parametrize("rule", ["RESTRICT", "CASCADE", "SET NULL"])
def test_a_chain_inside_one_table_is_erased_from_its_end(sql_database: SqlDatabase, rule: str) -> None:
    staff(sql_database, rule)
    driver = sql_database.driver()
    # MariaDB refuses to delete a row that points at itself under RESTRICT
    numbers = (1, 2, 3) if sql_database.kind == "mariadb" and rule == "RESTRICT" else (1, 2, 3, 5)
    changes, foreseen = planned(driver, [locator("staff", number) for number in numbers])
    assert {one.dependents for one in foreseen} == {()}
    assert set(driver.change(changes, REWRITER)) == {Done(None)}
    assert set(sql_database.dump("staff")) == {1, 2, 3, 4, 5} - set(numbers)


def test_a_cascade_inside_one_table_is_followed_to_its_end(sql_database: SqlDatabase) -> None:
    staff(sql_database, "CASCADE")
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("staff", 1)])
    assert seen.dependents == (Dependent("staff", "cascade", 2),)
    sql_database.run("INSERT INTO staff VALUES (6, 3)")
    assert driver.change(changes, REWRITER) == [Drifted("dependents")]
    assert erase(driver, locator("staff", 1)) == [Done(None)]
    assert set(sql_database.dump("staff")) == {4, 5}


def test_composite_keys_are_erased_exactly(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE seats (plane VARCHAR(10), row_no INTEGER, who VARCHAR(100), PRIMARY KEY (plane, row_no))")
    sql_database.insert("seats", [{"plane": plane, "row_no": row, "who": "x"} for plane in "AB" for row in (1, 2)])
    driver = sql_database.driver()
    assert erase(driver, locator("seats", "A", 2), locator("seats", "B", 1)) == [Done(None)] * 2
    assert set(sql_database.rows("SELECT plane, row_no FROM seats")) == {("A", 1), ("B", 2)}


@pytest.mark.parametrize(
    ("type_", "one", "two"), [("VARCHAR(50)", "'Ä b/c'", "'ä B/C'"), ("DECIMAL(10,2)", "1.50", "1.51"), ("DATE", "'2020-02-29'", "'2020-03-01'")]
)
def test_keys_of_many_types_name_their_row_only(sql_database: SqlDatabase, type_: str, one: str, two: str) -> None:
    collation = " COLLATE utf8mb4_bin" if sql_database.kind == "mariadb" and type_.startswith("VARCHAR") else ""
    sql_database.run(
        f"CREATE TABLE things (k {type_}{collation} NOT NULL PRIMARY KEY, v VARCHAR(20))",
        f"INSERT INTO things VALUES ({one}, 'mine'), ({two}, 'theirs')",
    )
    driver = sql_database.driver()
    (record,) = search(driver, about(selector("mine", "word"))).records
    assert erase(driver, record.locator) == [Done(None)]
    assert sql_database.rows("SELECT v FROM things") == [("theirs",)]


def test_a_key_in_another_letter_case_is_another_record(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE accounts (name VARCHAR(50) NOT NULL PRIMARY KEY)", "INSERT INTO accounts VALUES ('Jane')")
    driver = sql_database.driver()
    assert is_absent(driver, locator("accounts", "jane"))
    changes, (seen,) = planned(driver, [locator("accounts", "jane")])
    assert seen.state is None
    assert driver.change(changes, REWRITER) == [Drifted("absent")]
    assert sql_database.rows("SELECT name FROM accounts") == [("Jane",)]


def test_identical_rows_without_a_key_go_together_and_similar_ones_stay(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE log (who VARCHAR(100), what VARCHAR(100), n INTEGER)",
        f"INSERT INTO log VALUES ('{JANE}', 'in', NULL), ('{JANE}', 'in', NULL), ('{JANE.upper()}', 'in', NULL), ('x', 'in', NULL), ('x', NULL, 1)",
    )
    driver = sql_database.driver()
    lower = [record for record in search(driver, about()).records if record.units[0].text == JANE]
    assert erase(driver, *(record.locator for record in lower)) == [Done(None)]
    assert sorted(sql_database.rows("SELECT who FROM log")) == sorted([(JANE.upper(),), ("x",), ("x",)])
    assert is_absent(driver, lower[0].locator)


def test_a_row_without_a_key_cannot_be_rewritten(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE log (who VARCHAR(100))", f"INSERT INTO log VALUES ('{JANE}')")
    driver = sql_database.driver()
    (record,) = search(driver, about()).records
    _, (seen,) = planned(driver, [record.locator], Rewrite((set_to("who", TOMBSTONE),)))
    assert seen.refusal is not None
    assert seen.refusal.code == "sql.no_key"


def test_spans_are_cut_from_text_and_json_and_the_rest_stays(sql_database: SqlDatabase) -> None:
    profile = {"a": f"mail {JANE} now", "n": 1.50, "list": ["x", JANE], "big": 12345678901234567890, JANE: True}
    sql_database.run(f"CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, profile {JSON[sql_database.kind]})")
    sql_database.run(f"INSERT INTO notes VALUES (1, 'Hi {JANE}, bye ', '{json.dumps(profile)}'), (2, 'Hi {JANE}', NULL)")
    before = sql_database.dump("notes")
    driver = sql_database.driver()
    effect = Rewrite((Edit("body", RedactSpans()), Edit("profile/$", RedactSpans())))
    changes, (seen,) = planned(driver, [locator("notes", 1)], effect, ("body", "profile"))
    assert seen.refusal is None
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    after = sql_database.dump("notes")
    assert after[2] == before[2]
    assert after[1][2] == "Hi [redacted], bye "
    stored = after[1][3] if isinstance(after[1][3], dict) else json.loads(after[1][3])
    assert stored == {"a": "mail [redacted] now", "n": 1.5, "list": ["x", "[redacted]"], "big": 12345678901234567890, "[redacted]": True}


def test_a_rewrite_becomes_what_was_foreseen_for_every_type(sql_database: SqlDatabase) -> None:
    kind = sql_database.kind
    sql_database.run(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, name CHAR(30) NOT NULL, born DATE, seen {MOMENT[kind]}, age INTEGER, "
        f"score DECIMAL(10,2), ok BOOLEAN, photo {BLOB[kind]}, profile {JSON[kind]}, note VARCHAR(40))",
        "INSERT INTO people (id, name, born, seen, age, score, ok, profile, note) "
        "VALUES (1, 'Jane', '1980-05-06', '2020-01-02 03:04:05', 40, 1.50, TRUE, '{\"a\": 1}', 'x'), "
        "(2, 'John', '1981-05-06', '2021-01-02 03:04:05', 41, 2.50, FALSE, '{\"a\": 2}', NULL)",
    )
    before = sql_database.dump("people")
    driver = sql_database.driver()
    year = Method(MethodName.GENERALIZE, "year")
    methods = {
        "name": TOMBSTONE,
        "born": year,
        "seen": year,
        "age": TOMBSTONE,
        "score": TOMBSTONE,
        "ok": TOMBSTONE,
        "photo": TOMBSTONE,
        "profile": TOMBSTONE,
        "note": NULL,
    }
    effect = Rewrite(tuple(set_to(place, method) for place, method in methods.items()))
    changes, (seen,) = planned(driver, [locator("people", 1)], effect, tuple(methods))
    assert seen.refusal is None
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    assert state(driver, locator("people", 1), tuple(methods)).state == seen.becomes
    assert sql_database.dump("people")[2] == before[2]
    ((name, note),) = sql_database.rows("SELECT name, note FROM people WHERE id = 1")
    assert (str(name).rstrip(), note) == ("[erased]", None)


def test_unique_replacements_avoid_live_values_and_each_other(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, code VARCHAR(1) UNIQUE)")
    sql_database.insert("people", [{"id": number, "code": code} for number, code in enumerate("abcdefgh")])
    before = sql_database.dump("people")
    driver = sql_database.driver()
    effect = Rewrite((set_to("code", Method(MethodName.FAKE)),))
    changes, foreseen = planned(driver, [locator("people", 0), locator("people", 1)], effect, ("code",))
    assert [one.refusal for one in foreseen] == [None, None]
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    after = sql_database.dump("people")
    assert len({row[2] for row in after.values()}) == 8
    assert all(after[number] == before[number] for number in range(2, 8))


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (set_to("name", NULL), "sql.not_null"),
        (set_to("id", TOMBSTONE), "sql.key"),
        (set_to("born", PSEUDONYM), "sql.misfit"),
        (set_to("boss", TOMBSTONE), "sql.foreign_key"),
        (set_to("doubled", TOMBSTONE), "sql.generated"),
        (Edit("short", Fence("longer than five")), "sql.too_long"),
        (Edit("name", DropPart()), "sql.part"),
        (Edit("photo/row:1/email", RedactSpans()), "sql.file"),
    ],
)
def test_what_the_server_would_refuse_is_refused_before_anything_is_written(sql_database: SqlDatabase, edit: Edit, code: str) -> None:
    sql_database.run(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, born DATE, boss INTEGER, short VARCHAR(5), "
        f"photo {BLOB[sql_database.kind]}, doubled INTEGER GENERATED ALWAYS AS (boss * 2) STORED, FOREIGN KEY (boss) REFERENCES people (id))",
        "INSERT INTO people (id, name, born, boss, short) VALUES (1, 'Jane', '1980-01-01', 1, 'abc')",
    )
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("people", 1)], Rewrite((edit,)), ("name",))
    assert seen.refusal is not None
    assert seen.refusal.code == code
    assert seen.becomes is None
    before = sql_database.dump("people")
    (outcome,) = driver.change(changes, REWRITER)
    assert isinstance(outcome, Failed)
    assert sql_database.dump("people") == before


def test_a_batch_that_a_constraint_stops_leaves_nothing_half_done(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, state VARCHAR(20), CONSTRAINT no_ghosts CHECK (id <> 3 OR state <> 'fenced'))",
        "INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    before = sql_database.dump("people")
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", number) for number in (1, 2, 3)], Rewrite((Edit("state", Fence("fenced")),)), ("state",))
    outcomes = driver.change(changes, REWRITER)
    assert all(isinstance(one, Failed) and one.code == "sql.constraint" for one in outcomes)
    assert sql_database.dump("people") == before


def test_a_part_of_a_record_is_never_taken_for_the_whole(sql_database: SqlDatabase) -> None:
    people(sql_database)
    part = Locator("shop", "people", ("1",), "content/row:2")
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [part])
    assert seen.refusal is not None
    assert isinstance(driver.change(changes, REWRITER)[0], Failed)
    assert len(sql_database.dump("people")) == 5


def test_a_plan_made_against_another_database_changes_nothing(sql_database: SqlDatabase) -> None:
    people(sql_database)
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", 1)])
    other = [Change(one.locator, Delete(), (), one.expect, one.server + "0") for one in changes]
    assert driver.change(other, REWRITER) == [Drifted("server")]
    assert len(sql_database.dump("people")) == 5


def test_the_identity_is_the_same_for_every_connection(sql_database: SqlDatabase) -> None:
    people(sql_database)
    servers = {state(sql_database.driver(), locator("people", 1)).server for _ in range(2)}
    assert len(servers) == 1


def test_a_row_that_somebody_deletes_at_the_same_moment_is_absent_and_not_an_error(sql_database: SqlDatabase) -> None:
    people(sql_database, 50)
    first, second = sql_database.driver(), sql_database.driver()
    wheres = [locator("people", number) for number in range(1, 51)]
    changes, _ = planned(first, wheres)
    planned(second, wheres)
    outcomes: list[object] = []
    threads = [threading.Thread(target=lambda driver=driver: outcomes.extend(driver.change(changes, REWRITER))) for driver in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(Done(None)) == 50
    assert outcomes.count(Drifted("absent")) == 50


def test_a_change_made_twice_is_made_once(sql_database: SqlDatabase) -> None:
    people(sql_database)
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("people", 1)], Rewrite((set_to("note", TOMBSTONE),)), ("note",))
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    assert driver.change(changes, REWRITER) == [Drifted("changed")]


def test_padding_scale_and_time_zone_are_no_drift(sql_database: SqlDatabase) -> None:
    sql_database.run(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, code CHAR(10), score DECIMAL(10,2), seen {MOMENT[sql_database.kind]})",
        "INSERT INTO people VALUES (1, 'ab', 1.5, '2020-01-02 03:04:05')",
    )
    driver = sql_database.driver()
    first = state(driver, locator("people", 1)).state
    sql_database.run("UPDATE people SET score = 1.50")
    if sql_database.kind == "postgres":
        sql_database.run("SET TIME ZONE 'Asia/Tokyo'", "UPDATE people SET code = 'ab   '")
    assert state(sql_database.driver(), locator("people", 1)).state == first
    sql_database.run("UPDATE people SET score = 1.51")
    assert state(driver, locator("people", 1)).state != first


def test_observations_come_in_the_order_of_the_questions(sql_database: SqlDatabase) -> None:
    people(sql_database, 2500)
    driver = sql_database.driver()
    seen = driver.observe([Watched(locator("people", number)) for number in (2500, 9999, 1)])
    assert [isinstance(one, Absent) for one in seen] == [False, True, False]
    assert seen[0] != seen[2]


def test_a_trigger_that_undoes_a_rewrite_rolls_it_back(sql_database: SqlDatabase) -> None:
    people(sql_database)
    triggers = {
        "sqlite": [
            "CREATE TRIGGER keep AFTER UPDATE OF note ON people BEGIN UPDATE people SET note = OLD.note WHERE id = NEW.id AND note <> OLD.note; END"
        ],
        "mariadb": ["CREATE TRIGGER keep BEFORE UPDATE ON people FOR EACH ROW SET NEW.note = OLD.note"],
        "postgres": [
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note = OLD.note; RETURN NEW; END'",
            "CREATE TRIGGER keep BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION keep()",
        ],
    }
    sql_database.run(*triggers[sql_database.kind])
    driver = sql_database.driver()
    changes, _ = planned(driver, [locator("people", 1)], Rewrite((set_to("note", TOMBSTONE), set_to("email", TOMBSTONE))), ("note", "email"))
    before = sql_database.dump("people")
    (outcome,) = driver.change(changes, REWRITER)
    assert isinstance(outcome, Failed)
    assert outcome.code == "sql.not_kept"
    assert sql_database.dump("people") == before
