"""A name that a table keeps in two columns: seen by the gate, found as possible, made likely by a second identifier, cut from both columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.content.match import Matcher
from dsr_engine.content.rewriter import CaseRewriter
from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.plan import Edit, RedactSpans, Rewrite, SetValue
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import FieldMap
from dsr_engine.drivers.driver import AboutSubjects, Change, Done
from dsr_engine.drivers.sql.finding.splitnames import _bare, _parts
from tests.drivers.sql_database import SqlDatabase, locator, mapped, search

NAME = Selector("n", "name", Secret("Jane Doe"), verified=True)
BORN = Selector("b", "date_of_birth", Secret("1984-05-06"), verified=True)
MATCHER = Matcher({"case": (NAME,)})
REWRITER = CaseRewriter(MATCHER, "case", b"k" * 32)


def _found(database: SqlDatabase, *selectors: Selector, fields: tuple[FieldMap, ...] = ()) -> list[Finding]:
    matcher = Matcher({"case": selectors})
    driver = database.driver(*((mapped("people", *fields),) if fields else ()))
    return [finding for record in search(driver, AboutSubjects({"case": selectors}, matcher.gate)).records for finding in matcher.findings(record)]


def _people(database: SqlDatabase, first: str = "first_name", last: str = "last_name") -> None:
    quote = "`" if database.kind == "mariadb" else '"'
    database.run(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, {quote}{last}{quote} VARCHAR(60), note VARCHAR(60), born VARCHAR(20),"
        f" {quote}{first}{quote} VARCHAR(60))"
    )
    rows = [
        ("Jane", "Doe", "1984-05-06"),
        ("Jane", "Roe", "1984-05-06"),
        ("John", "Doe", "1984-05-06"),
        (" JANE ", "doe", "1970-01-01"),
        ("Doe", "Jane", "1970-01-01"),
        (None, "Doe", None),
        ("Janet", "Doerr", None),
    ]
    database.insert(
        "people", [{"id": number, last: family, "note": "Jane", "born": born, first: given} for number, (given, family, born) in enumerate(rows)]
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("first_name", "last_name"),
        ("firstName", "lastName"),
        ("FNAME", "LNAME"),
        ("given", "family"),
        ("Vorname", "Nachname"),
        ("Prénom", "Nom"),
        ("billing_first_name", "billing_last_name"),
        ("contact first name 2", "contact last name 2"),
        ("imię", "nazwisko"),
    ],
)
def test_a_name_in_two_columns_is_a_possible_finding_of_its_row(sql_database: SqlDatabase, first: str, last: str) -> None:
    _people(sql_database, first, last)
    found = _found(sql_database, NAME)
    assert {finding.locator.key[0] for finding in found} == {"0", "3", "4"}
    assert {finding.match for finding in found} == {Match.MENTIONS}
    assert {finding.confidence for finding in found} == {Confidence.POSSIBLE}
    assert {hit.place for finding in found for hit in finding.hits} == {f"{first}+{last}"}


def test_a_second_identifier_in_the_row_makes_the_name_likely(sql_database: SqlDatabase) -> None:
    _people(sql_database)
    found = {finding.locator.key[0]: finding.confidence for finding in _found(sql_database, NAME, BORN)}
    assert found == {
        "0": Confidence.LIKELY,
        "1": Confidence.POSSIBLE,
        "2": Confidence.POSSIBLE,
        "3": Confidence.POSSIBLE,
        "4": Confidence.POSSIBLE,
    }


def test_categories_of_a_connector_tell_what_names_of_columns_do_not(sql_database: SqlDatabase) -> None:
    _people(sql_database, "n1", "n2")
    assert _found(sql_database, NAME) == []
    fields = (FieldMap("n1", category="user.name.first"), FieldMap("n2", category="user.name.last"))
    assert {finding.locator.key[0] for finding in _found(sql_database, NAME, fields=fields)} == {"0", "3", "4"}


def test_two_columns_that_are_no_name_are_not_joined(sql_database: SqlDatabase) -> None:
    sql_database.run(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, first_seen VARCHAR(30), last_seen VARCHAR(30), nom VARCHAR(9), prename VARCHAR(9))"
    )
    sql_database.insert("visits", [{"id": 1, "first_seen": "Jane", "last_seen": "Doe", "nom": "Doe", "prename": "Jane"}])
    assert _found(sql_database, NAME) == []


def test_a_name_beside_files_in_the_row_is_found_too(sql_database: SqlDatabase) -> None:
    blob = {"sqlite": "BLOB", "postgres": "BYTEA", "mariadb": "BLOB"}[sql_database.kind]
    sql_database.run(f"CREATE TABLE people (id INTEGER PRIMARY KEY, last_name VARCHAR(60), photo {blob}, first_name VARCHAR(60))")
    sql_database.insert(
        "people",
        [{"id": 1, "last_name": "Doe", "photo": None, "first_name": "Jane"}, {"id": 2, "last_name": "Doe", "photo": None, "first_name": "Jo"}],
    )
    assert {finding.locator.key for finding in _found(sql_database, NAME)} == {("1",)}


def _changed(database: SqlDatabase, *edits: Edit) -> None:
    driver = database.driver()
    draft = [Change(locator("people", number), Rewrite(edits), ("first_name+last_name",), b"", "") for number in (0, 1)]
    foreseen = driver.foresee(draft, REWRITER)
    changes = [Change(one.locator, seen.effect, one.fields, seen.state or b"", seen.server) for one, seen in zip(draft, foreseen, strict=True)]
    outcomes = driver.change(changes, REWRITER)
    assert outcomes == [Done(seen.becomes) for seen in foreseen]


def test_a_redacted_name_is_cut_from_both_columns_and_nowhere_else(sql_database: SqlDatabase) -> None:
    _people(sql_database)
    before = sql_database.dump("people")
    _changed(sql_database, Edit("first_name+last_name", RedactSpans()))
    after = sql_database.dump("people")
    assert after.pop(0)[1:] == (0, "[redacted]", "Jane", "1984-05-06", "[redacted]")
    before.pop(0)
    assert after == before
    assert {finding.locator.key[0] for finding in _found(sql_database, NAME)} == {"3", "4"}


def test_what_another_edit_does_to_one_of_the_columns_stands(sql_database: SqlDatabase) -> None:
    _people(sql_database)
    _changed(sql_database, Edit("first_name+last_name", RedactSpans()), Edit("first_name", SetValue(Method(MethodName.NULL), "user.name")))
    assert sql_database.dump("people")[0][1:] == (0, "[redacted]", "Jane", "1984-05-06", None)


def test_a_replaced_name_is_replaced_in_both_columns(sql_database: SqlDatabase) -> None:
    _people(sql_database)
    _changed(sql_database, Edit("first_name+last_name", SetValue(Method(MethodName.NULL), "user.name")))
    assert sql_database.dump("people")[0][1:] == (0, None, "Jane", "1984-05-06", None)


def test_a_name_that_changed_in_one_column_since_it_was_planned_is_left(sql_database: SqlDatabase) -> None:
    _people(sql_database)
    driver = sql_database.driver()
    (seen,) = driver.foresee(
        [Change(locator("people", 0), Rewrite((Edit("first_name+last_name", RedactSpans()),)), ("first_name+last_name",), b"", "")], REWRITER
    )
    sql_database.run("UPDATE people SET last_name = 'Moe' WHERE id = 0")
    change = Change(locator("people", 0), seen.effect, ("first_name+last_name",), seen.state or b"", seen.server)
    (outcome,) = driver.change([change], REWRITER)
    assert not isinstance(outcome, Done)
    assert sql_database.rows("SELECT first_name, last_name FROM people WHERE id = 0") == [("Jane", "Moe")]


@given(prefix=st.text("abc_ÄÉ", max_size=5), number=st.sampled_from(["", "2", "17"]))
def test_a_prefix_and_a_number_are_told_from_the_word(prefix: str, number: str) -> None:
    assert _parts(_bare(f"{prefix}First_Name{number}"), "firstname") == (_bare(prefix), "firstname", number)
