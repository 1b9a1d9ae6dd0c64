"""What a plan knows before anything is written: constraints, triggers, indexes that are missing, transactions that are open."""

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.plan import Delete, Edit, Fence, Point, Rewrite, SetValue
from dsr_engine.domain.system import CollectionMap, Discover
from dsr_engine.drivers.driver import Change, Done, Foreseen
from dsr_engine.drivers.sql.effects.burdens import long_transactions
from dsr_engine.drivers.sql.schema.sqltext import MARIADB, PLAIN, SQLITE, Kind, Style, checks_in, tokens, writes_of
from tests.drivers.sql_database import JANE, REWRITER, SqlDatabase, locator, planned
from tests.servers.mariadb import MariadbServer

TOMBSTONE = Method(MethodName.TOMBSTONE)


def set_to(place: str, method: Method = TOMBSTONE) -> Rewrite:
    return Rewrite((Edit(place, SetValue(method, "user")),))


def codes(seen: Foreseen) -> list[str]:
    return [problem.code for problem in seen.warnings]


@pytest.mark.parametrize(
    ("effect", "is_accepted"),
    [
        (set_to("name"), False),
        (Rewrite((Edit("name", Fence("nobody")),)), True),
        (Rewrite((Edit("score", Fence(-1)),)), False),
        (Rewrite((Edit("score", Fence(7)),)), True),
        (set_to("note", Method(MethodName.NULL)), True),
        (Rewrite((Edit("note", Fence("50% (a) ')' :b")),)), True),
        (Rewrite((Edit("note", Fence("forbidden")),)), False),
    ],
)
def test_a_constraint_is_asked_before_anything_is_written(sql_database: SqlDatabase, effect: Rewrite, is_accepted: bool) -> None:
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), score INTEGER CHECK (score >= 0), note VARCHAR(30), "
        "CONSTRAINT plain CHECK (name NOT LIKE '%[%' AND name <> ') OR (1=1'), CHECK (note IS NULL OR note <> 'forbidden' OR score > 100))",
        "INSERT INTO people VALUES (1, 'Jane', 5, 'x'), (2, 'John', 6, NULL), (3, 'Joe', 200, 'x')",
    )
    before = sql_database.dump("people")
    driver = sql_database.driver()
    changes, foreseen = planned(driver, [locator("people", 1), locator("people", 2)], effect, ("name", "score", "note"))
    assert [one.refusal is None for one in foreseen] == [is_accepted] * 2
    if not is_accepted:
        assert {one.refusal.code for one in foreseen if one.refusal} == {"sql.check"}
        assert sql_database.dump("people") == before
        return
    assert driver.change(changes, REWRITER) == [Done(one.becomes) for one in foreseen]
    assert sql_database.dump("people")[3] == before[3]


def test_only_the_rows_that_a_constraint_refuses_are_refused(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY, kind VARCHAR(5), name VARCHAR(20), CHECK (kind <> 'vip' OR name <> 'fenced'))")
    sql_database.insert("people", [{"id": number, "kind": "vip" if number % 50 == 7 else "x", "name": "n"} for number in range(500)])
    _, foreseen = planned(
        sql_database.driver(), [locator("people", number) for number in range(500)], Rewrite((Edit("name", Fence("fenced")),)), ("name",)
    )
    refused = [number for number, one in enumerate(foreseen) if one.refusal is not None]
    assert refused == list(range(7, 500, 50))


def test_a_domain_of_postgresql_is_asked_as_well(sql_database: SqlDatabase) -> None:
    if sql_database.kind != "postgres":
        pytest.skip("domains are PostgreSQL's")
    sql_database.run(
        "CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%')",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email mail, small NUMERIC(4,2))",
        f"INSERT INTO people VALUES (1, '{JANE}', 1), (2, 'b@x', 2)",
    )
    driver = sql_database.driver()
    for effect, code in ((set_to("email"), "sql.value"), (Rewrite((Edit("small", Fence(1000)),)), "sql.value")):
        _, foreseen = planned(driver, [locator("people", 1), locator("people", 2)], effect, ("email", "small"))
        assert {one.refusal.code for one in foreseen if one.refusal} == {code}
    changes, (seen,) = planned(driver, [locator("people", 1)], set_to("email", Method(MethodName.PSEUDONYM)), ("email",))
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]


def audited(database: SqlDatabase) -> None:
    """Every change and deletion of a person leaves the old row in `audit`; `stamp` only sets a date."""
    database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), seen VARCHAR(20))",
        "CREATE TABLE audit (id INTEGER, email VARCHAR(100))",
        f"INSERT INTO people VALUES (1, '{JANE}', NULL), (2, 'bob@example.com', NULL)",
    )
    keeps = {
        "sqlite": [
            f"CREATE TRIGGER keep_{event} AFTER {event} ON people BEGIN INSERT INTO audit VALUES (OLD.id, OLD.email); END"
            for event in ("UPDATE", "DELETE")
        ]
        + ["CREATE TRIGGER stamp AFTER INSERT ON people BEGIN UPDATE people SET seen = 'x' WHERE id = NEW.id; END"],
        "mariadb": [
            f"CREATE TRIGGER keep_{event} AFTER {event} ON people FOR EACH ROW INSERT INTO audit VALUES (OLD.id, OLD.email)"
            for event in ("UPDATE", "DELETE")
        ]
        + ["CREATE TRIGGER stamp BEFORE INSERT ON people FOR EACH ROW SET NEW.seen = 'x'"],
        "postgres": [
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN /* INSERT INTO nowhere */ INSERT INTO public.audit SELECT OLD.id, OLD.email; RETURN NULL; END'",
            "CREATE TRIGGER keep AFTER UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION keep()",
            "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.seen = ''x''; RETURN NEW; END'",
            "CREATE TRIGGER stamp BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION stamp()",
        ],
    }
    database.run(*keeps[database.kind])


@pytest.mark.parametrize("effect", [None, set_to("email")])
def test_a_trigger_that_copies_old_values_is_named_with_where_it_writes(sql_database: SqlDatabase, effect: Rewrite | None) -> None:
    audited(sql_database)
    driver = sql_database.driver()
    changes, (seen,) = planned(driver, [locator("people", 1)], effect, ("email",))
    assert seen.refusal is None
    (told,) = seen.warnings
    assert told.code == "sql.trigger_copies"
    assert "audit" in told.message
    assert "keep" in told.message
    assert JANE not in told.message
    assert driver.change(changes, REWRITER) == [Done(seen.becomes)]
    assert len(sql_database.rows("SELECT * FROM audit")) == 1


def test_a_copy_that_nobody_would_look_for_is_in_the_way(sql_database: SqlDatabase) -> None:
    audited(sql_database)
    driver = sql_database.driver(CollectionMap("people", ("id",)), discover=Discover.NONE)
    _, (seen,) = planned(driver, [locator("people", 1)])
    assert seen.refusal is not None
    assert seen.refusal.code == "sql.trigger_unsearched"


def test_triggers_that_the_server_hides_are_not_taken_for_none(mariadb_server: MariadbServer, mariadb_database: str) -> None:
    url = mariadb_server.url(mariadb_database)
    database = SqlDatabase("mariadb", url, sa.create_engine(url.replace("mysql:", "mysql+pymysql:"), poolclass=sa.pool.NullPool))
    audited(database)
    user = f"blind_{mariadb_database}"[:30]
    mariadb_server.run(f"CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY 'test'")
    mariadb_server.run(f"GRANT SELECT, UPDATE, DELETE ON `{mariadb_database}`.* TO '{user}'@'127.0.0.1'")
    _, (seen,) = planned(database.driver(user=user), [locator("people", 1)])
    _, (told,) = planned(database.driver(), [locator("people", 1)])
    database.close()
    mariadb_server.run(f"DROP USER '{user}'@'127.0.0.1'")
    assert codes(seen) == ["sql.trigger_unread"]
    assert codes(told) == ["sql.trigger_copies"]


def test_a_trigger_behind_a_cascade_is_seen(sql_database: SqlDatabase) -> None:
    if sql_database.kind == "mariadb":
        pytest.skip("MariaDB does not run triggers for what a cascade takes; they are named all the same")
    audited(sql_database)
    sql_database.run("CREATE TABLE firms (id INTEGER PRIMARY KEY)", "INSERT INTO firms VALUES (7)")
    sql_database.run("ALTER TABLE people ADD COLUMN firm INTEGER REFERENCES firms (id) ON DELETE CASCADE", "UPDATE people SET firm = 7 WHERE id = 1")
    _, (seen,) = planned(sql_database.driver(), [locator("firms", 7)])
    assert "sql.trigger_copies" in codes(seen)


def test_a_link_without_an_index_is_told_with_the_statement_that_makes_one(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY)",
        'CREATE TABLE visits (id INTEGER PRIMARY KEY, "person id" INTEGER, FOREIGN KEY ("person id") REFERENCES people (id))'
        if sql_database.kind != "mariadb"
        else "CREATE TABLE visits (id INTEGER PRIMARY KEY, `person id` INTEGER, FOREIGN KEY (`person id`) REFERENCES people (id))",
        "INSERT INTO people VALUES (1), (2)",
    )
    driver = sql_database.driver()
    _, (seen,) = planned(driver, [locator("people", 1)])
    if sql_database.kind == "mariadb":  # which makes the index by itself
        assert codes(seen) == []
        return
    (told,) = seen.warnings
    assert told.code == "sql.unindexed_link"
    sql_database.engine.dispose()
    with sql_database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(told.message[told.message.index("CREATE INDEX") :])
    _, (seen,) = planned(driver, [locator("people", 1)])
    assert codes(seen) == []


def test_a_transaction_that_has_been_open_for_long_is_told(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE people (id INTEGER PRIMARY KEY)", "INSERT INTO people VALUES (1)")
    driver = sql_database.driver()
    table = driver._catalogue().table("people")
    with sql_database.engine.connect() as other:
        other.execute(sa.text("UPDATE people SET id = 1"))
        with driver._database.reading("looking") as connection:
            found = list(long_transactions(connection, table, -1))
            assert list(long_transactions(connection, table, 3600)) == []
    assert [problem.code for problem in found] == ([] if sql_database.kind == "sqlite" else ["sql.long_transaction"])
    if sql_database.kind == "postgres":  # MariaDB tells of every transaction of the server
        with driver._database.reading("looking") as connection:
            assert list(long_transactions(connection, table, -1)) == []


# --- pointing at a neutral record -----------------------------------------------------------------------------------------


def neutral(database: SqlDatabase) -> None:
    database.run(
        "CREATE TABLE places (id INTEGER PRIMARY KEY, street VARCHAR(20))",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, place INTEGER NOT NULL, FOREIGN KEY (place) REFERENCES places (id))",
        "INSERT INTO places VALUES (0, 'nowhere'), (1, 'Jane'), (2, 'Bob')",
        "INSERT INTO people VALUES (1, 1), (2, 2)",
    )


def test_a_link_is_pointed_at_the_neutral_record_and_its_own_target_is_free(sql_database: SqlDatabase) -> None:
    neutral(sql_database)
    driver = sql_database.driver()
    draft = [
        Change(locator("people", 1), Rewrite((Edit("place", Point(0)),)), ("place",), b"", ""),
        Change(locator("places", 1), Delete(), (), b"", ""),
    ]
    foreseen = driver.foresee(draft, REWRITER)
    assert [(one.dependents, one.refusal) for one in foreseen] == [((), None)] * 2
    changes = [
        Change(one.locator, seen.effect, one.fields, seen.state or b"", seen.server, seen.dependents)
        for one, seen in zip(draft, foreseen, strict=True)
    ]
    assert driver.change(changes, REWRITER) == [Done(foreseen[0].becomes), Done(None)]
    assert sql_database.rows("SELECT id, place FROM people ORDER BY id") == [(1, 0), (2, 2)]
    assert set(sql_database.dump("places")) == {0, 2}


@pytest.mark.parametrize(("to", "code"), [(77, "sql.neutral_missing"), (2, "sql.neutral_erased")])
def test_a_neutral_record_has_to_be_there_and_to_stay(sql_database: SqlDatabase, to: int, code: str) -> None:
    neutral(sql_database)
    draft = [
        Change(locator("people", 1), Rewrite((Edit("place", Point(to)),)), ("place",), b"", ""),
        Change(locator("places", 2), Delete(), (), b"", ""),
    ]
    seen = sql_database.driver().foresee(draft, REWRITER)[0]
    assert seen.refusal is not None
    assert seen.refusal.code == code


# --- reading SQL that others wrote ----------------------------------------------------------------------------------------

PIECES = st.sampled_from(["'", '"', "`", "[", "]", "(", ")", "CHECK", "check", " ", "--", "\n", "/*", "*/", "$$", "x", "\\", ";", "é", "E'"])


@settings(deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join), st.sampled_from([PLAIN, SQLITE, MARIADB]))
def test_tokens_cover_a_text_without_overlap_and_never_fail(text: str, style: Style) -> None:
    at = 0
    for token in tokens(text, style):
        assert at <= token.start < token.end <= len(text)
        at = token.end
        assert token.kind in Kind
    checks_in(text)
    writes_of(text)


@settings(deadline=None)
@given(st.text(alphabet="ab '()\"-/*\n", max_size=20))
def test_a_check_is_found_whatever_strings_stand_around_it(noise: str) -> None:
    quoted = noise.replace("'", "''")
    create = f"CREATE TABLE t (a TEXT DEFAULT '{quoted}' CHECK (a <> '{quoted}' OR (a = ')')), b TEXT /* CHECK (no) */ -- CHECK (no)\n)"
    assert checks_in(create) == [f"a <> '{quoted}' OR (a = ')')"]


@pytest.mark.parametrize(
    ("body", "targets", "uses_old"),
    [
        ("BEGIN INSERT INTO log SELECT OLD.*; RETURN OLD; END", ("log",), True),
        ('BEGIN INSERT INTO "my log".x VALUES (to_jsonb(old)); END', ("my log.x",), True),
        ("BEGIN REPLACE INTO log VALUES (NEW.id); END", ("log",), False),
        ("SELECT name INTO who FROM people WHERE id = OLD.id", (), True),
        ("-- INSERT INTO log VALUES (OLD.id)\nSET NEW.a = 'INSERT INTO log OLD'", (), False),
        ("UPDATE ONLY counters SET n = n - 1 WHERE id = OLD.firm", ("counters",), True),
        ("IF TG_OP = 'UPDATE' THEN NEW.updated = now(); END IF", (), False),
        ("SELECT 1 FROM x FOR UPDATE", (), False),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET n = 2", ("a",), False),
    ],
)
def test_where_a_trigger_writes_is_read_from_its_body(body: str, targets: tuple[str, ...], uses_old: bool) -> None:
    found = writes_of(body)
    assert (found.targets, found.uses_old) == (targets, uses_old)


@pytest.mark.parametrize(
    ("body", "style", "targets"),
    [
        ("INSERT INTO audit VALUES (1)", PLAIN, ("audit",)),
        ('insert  into "shop"."Old Rows" (a) select 1', PLAIN, ("shop.Old Rows",)),
        ("INSERT IGNORE INTO `a``b` VALUES (1); REPLACE INTO c VALUES (2)", MARIADB, ("a`b", "c")),
        ("INSERT OR REPLACE INTO [x y] VALUES (1)", SQLITE, ("x y",)),
        ("-- INSERT INTO nothing\n/* INSERT INTO neither */ NEW.changed := now();", PLAIN, ()),
    ],
)
def test_the_targets_of_a_trigger_are_read_from_its_statement(body: str, style: Style, targets: tuple[str, ...]) -> None:
    assert writes_of(body, style).targets == targets


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"\0'), min_size=1, max_size=30))
@settings(deadline=None)
def test_any_quoted_name_is_found_as_a_target(name: str) -> None:
    assert writes_of(f'INSERT INTO "{name}" VALUES (1)').targets == (name,)
