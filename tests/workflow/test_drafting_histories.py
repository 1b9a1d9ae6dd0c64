"""Where old values are kept, from which date a period may run, and which flags only pretend that a record is gone."""

from pathlib import Path

import pytest

from dsr_engine.workflow.drafting.draft import Draft, Role
from tests.workflow.drafting_samples import build_file
from tests.workflow.drafts import drafted, reason, suggested, written

CUSTOMERS = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, phone TEXT);"


def _draft(folder: Path, schema: str) -> Draft:
    return drafted(build_file(folder / "db.sqlite", schema))


def _notes(draft: Draft, collection: str) -> str:
    entry = draft.collection_named(collection)
    assert entry is not None
    return "; ".join(entry.notes)


def _role(draft: Draft, collection: str) -> Role:
    entry = draft.collection_named(collection)
    assert entry is not None
    return entry.role


@pytest.mark.parametrize(
    "name", ["customers_hist", "customer_history", "customers_audit", "customers_old", "customers_backup", "customers_20230105", "customersArchive"]
)
def test_a_table_called_after_another_with_a_mark_is_its_history(tmp_path: Path, name: str) -> None:
    draft = _draft(tmp_path, CUSTOMERS + f"CREATE TABLE {name} (seq INTEGER PRIMARY KEY, customer_id INTEGER, email TEXT);")
    assert _role(draft, name) is Role.HISTORY
    assert "customers" in _notes(draft, name)
    assert "selects" not in written(draft, name, "email")
    assert {"category": "user.unique_id", "selects": "customer_id", "references": "customers.id"} in suggested(draft, name, "customer_id")


def test_a_history_with_all_fields_holds_the_key_of_its_person(tmp_path: Path) -> None:
    draft = _draft(tmp_path, CUSTOMERS + "CREATE TABLE customers_hist (id INTEGER, email TEXT, full_name TEXT, phone TEXT, changed_at TIMESTAMP);")
    assert written(draft, "customers_hist", "id") == {"category": "user.unique_id", "selects": "customer_id", "references": "customers.id"}


def test_a_historys_own_number_is_not_taken_for_the_persons(tmp_path: Path) -> None:
    draft = _draft(tmp_path, CUSTOMERS + "CREATE TABLE customers_copy (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, phone TEXT);")
    assert "selects" not in written(draft, "customers_copy", "id")
    assert "a number of its own" in reason(draft, "customers_copy", "id", "selects")


def test_an_unlike_name_with_all_fields_is_only_pointed_out(tmp_path: Path) -> None:
    draft = _draft(
        tmp_path, CUSTOMERS + "CREATE TABLE prospects (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, phone TEXT, source TEXT);"
    )
    assert _role(draft, "prospects") is Role.SUBJECT
    assert "all fields of customers" in _notes(draft, "prospects")


def test_a_log_of_nothing_in_particular_is_a_history(tmp_path: Path) -> None:
    draft = _draft(tmp_path, CUSTOMERS + "CREATE TABLE audit_log (id INTEGER PRIMARY KEY, at TIMESTAMP, statement TEXT);")
    assert _role(draft, "audit_log") is Role.HISTORY


def test_what_a_trigger_writes_is_history_whatever_it_is_called(tmp_path: Path) -> None:
    schema = (
        CUSTOMERS + "CREATE TABLE traces (id INTEGER, email TEXT, full_name TEXT, phone TEXT, at_time TEXT);"
        "CREATE TRIGGER kept BEFORE DELETE ON customers BEGIN INSERT INTO traces VALUES (OLD.id, OLD.email, OLD.full_name, OLD.phone, 'now'); END;"
        "CREATE TABLE counters (n INTEGER); CREATE TRIGGER counted AFTER INSERT ON customers BEGIN INSERT INTO counters VALUES (1); END;"
    )
    draft = _draft(tmp_path, schema)
    assert _role(draft, "traces") is Role.HISTORY
    assert "a trigger of customers writes into it" in _notes(draft, "traces")
    assert written(draft, "traces", "id")["references"] == "customers.id"
    assert _role(draft, "counters") is Role.OTHER
    assert "a trigger of customers writes into it" in _notes(draft, "counters")


DATES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, date_of_birth DATE, created_at TIMESTAMP, updated_at TIMESTAMP,
  last_login_at TIMESTAMP, deleted_at TIMESTAMP, is_blocked BOOLEAN, status TEXT, password_reset_expires TIMESTAMP);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), created_at TIMESTAMP,
  issued_on DATE, due_on DATE, modified TIMESTAMP, note TEXT);
CREATE TABLE notes (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), written TEXT, lastupdate TEXT);
"""


@pytest.fixture
def dated(tmp_path: Path) -> Draft:
    moment = "2024-03-05 10:00:00"
    rows: list[tuple[str, list[tuple[object, ...]]]] = [
        (
            "customers",
            [
                (n, f"c{n}@mail.example", "Ann Abel", "1980-02-03", moment, moment, moment if n % 2 else None, None, False, "active", None)
                for n in range(1, 31)
            ],
        ),
        ("invoices", [(n, n, moment, "2024-03-05", "2024-04-05", moment, None) for n in range(1, 31)]),
        ("notes", [(n, n, "2024-03-05T10:00:00Z", moment) for n in range(1, 31)]),
    ]
    return drafted(build_file(tmp_path / "db.sqlite", DATES, rows))


def test_a_persons_period_rather_runs_from_what_happened_last(dated: Draft) -> None:
    assert "the one to prefer" in reason(dated, "customers", "last_login_at", "starts")
    assert "empty in 15 of 30" in reason(dated, "customers", "last_login_at", "starts")
    assert written(dated, "customers", "created_at")["starts"] == "retention"


def test_a_records_period_rather_runs_from_its_own_date(dated: Draft) -> None:
    assert "the one to prefer" in reason(dated, "invoices", "issued_on", "starts")
    assert "the one to prefer" not in reason(dated, "invoices", "created_at", "starts")


def test_no_period_runs_from_a_birth_a_deadline_a_deletion_or_any_change(dated: Draft) -> None:
    for collection, field in (("customers", "date_of_birth"), ("customers", "updated_at"), ("customers", "deleted_at"), ("invoices", "due_on")):
        assert "starts" not in written(dated, collection, field), field
    for collection, field in (("customers", "password_reset_expires"), ("invoices", "modified")):
        assert "starts" not in written(dated, collection, field), field
        assert not suggested(dated, collection, field)
    assert "updated_at is no start" in _notes(dated, "customers")


def test_a_date_that_is_kept_as_text_counts_where_every_value_is_one(dated: Draft) -> None:
    assert written(dated, "notes", "written")["starts"] == "retention"
    assert "a sweep cannot judge by it" in reason(dated, "notes", "written", "starts")
    assert "a text" not in reason(dated, "invoices", "issued_on", "starts")


def test_flags_of_deletion_and_fences_are_pointed_out(dated: Draft) -> None:
    notes = _notes(dated, "customers")
    assert "deleted_at marks rows as deleted that are still there" in notes
    assert "restrict: {set: {is_blocked: true}}" in notes
    assert "status tells the state" in notes
