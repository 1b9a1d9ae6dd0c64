"""Links that nobody declared: which are proposed, on what evidence, and which coincidences are none."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.workflow.drafting.draft import Draft, Standing
from dsr_engine.workflow.drafting.keynames import ends_like, is_called_after, is_short_for, part_of, singular, stem, thing, words
from dsr_engine.workflow.drafting.survey import MOST_QUESTIONS
from tests.workflow.drafting_samples import build_file
from tests.workflow.drafts import drafted, link, reason, suggested, written

Rows = Iterable[tuple[str, Iterable[tuple[object, ...]]]]


def _uuid(number: int) -> str:
    return f"{number * 7919:08x}-0000-4000-8000-{number * 104729:012x}"


def _draft(folder: Path, schema: str, rows: Rows = ()) -> Draft:
    return drafted(build_file(folder / f"db{len(schema)}.sqlite", schema, rows))


def _references(draft: Draft) -> dict[tuple[str, str], str]:
    return {
        (entry.name, found.link.fields[0]): f"{found.link.to_collection}.{found.link.to_fields[0]}"
        for entry in draft.collections
        for found in entry.links
    }


def test_small_numbers_that_exist_everywhere_are_no_link(tmp_path: Path) -> None:
    schema = "".join(
        f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, rating INTEGER, floor INTEGER, rank INTEGER);" for name in ("rooms", "songs", "boats")
    )
    rows = [(name, [(n, n, 1 + n % 5, 21 - n) for n in range(1, 21)]) for name in ("rooms", "songs", "boats")]
    assert _references(_draft(tmp_path, schema, rows)) == {}


def test_a_name_with_agreeing_values_is_a_link_and_says_on_what_evidence(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE tbl_products (id INTEGER PRIMARY KEY, title TEXT);
    CREATE TABLE stock (id INTEGER PRIMARY KEY, product_id INTEGER, productID2 INTEGER, last_product_id INTEGER);
    """
    draft = _draft(tmp_path, schema, [("tbl_products", [(n, "x") for n in range(1, 31)]), ("stock", [(n, n, n, 31 - n) for n in range(1, 31)])])
    assert _references(draft) == {("stock", "product_id"): "tbl_products.id", ("stock", "last_product_id"): "tbl_products.id"}
    assert written(draft, "stock", "product_id") == {"references": "tbl_products.id"}
    assert "30 of 30" in reason(draft, "stock", "product_id", "references")


def test_a_name_whose_values_do_not_agree_is_no_link(tmp_path: Path) -> None:
    schema = "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE stock (id INTEGER PRIMARY KEY, product_id INTEGER);"
    draft = _draft(tmp_path, schema, [("products", [(n, "x") for n in range(1, 31)]), ("stock", [(n, n + 1000) for n in range(1, 31)])])
    assert _references(draft) == {}


def test_a_few_orphans_make_it_a_suggestion(tmp_path: Path) -> None:
    schema = "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE stock (id INTEGER PRIMARY KEY, product_id INTEGER);"
    draft = _draft(tmp_path, schema, [("products", [(n, "x") for n in range(1, 31)]), ("stock", [(n, n + 3) for n in range(1, 31)])])
    assert written(draft, "stock", "product_id") == {}
    assert suggested(draft, "stock", "product_id") == [{"references": "products.id"}]
    assert "27 of 30" in reason(draft, "stock", "product_id", "references")


def test_without_any_value_a_clear_name_is_a_suggestion(tmp_path: Path) -> None:
    schema = "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE stock (id INTEGER PRIMARY KEY, product_id INTEGER);"
    draft = _draft(tmp_path, schema)
    assert suggested(draft, "stock", "product_id") == [{"references": "products.id"}]
    assert "no values" in reason(draft, "stock", "product_id", "references")


def test_values_that_nobody_meets_by_chance_need_no_name_but_stay_a_suggestion(tmp_path: Path) -> None:
    schema = "CREATE TABLE boats (code TEXT PRIMARY KEY, title TEXT); CREATE TABLE trips (id INTEGER PRIMARY KEY, what TEXT, zone TEXT);"
    rows: Rows = [("boats", [(_uuid(n), "x") for n in range(1, 41)]), ("trips", [(n, _uuid(n), _uuid(n + 900)) for n in range(1, 41)])]
    draft = _draft(tmp_path, schema, rows)
    assert _references(draft) == {("trips", "what"): "boats.code"}
    assert written(draft, "trips", "what") == {}
    assert "nothing in its name says so" in reason(draft, "trips", "what", "references")


def test_numbers_of_another_type_are_not_compared(tmp_path: Path) -> None:
    schema = "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE stock (id INTEGER PRIMARY KEY, product_id TEXT);"
    draft = _draft(tmp_path, schema, [("products", [(n, "x") for n in range(1, 31)]), ("stock", [(n, str(n)) for n in range(1, 31)])])
    assert _references(draft) == {}


def test_a_link_to_one_table_or_another_is_said_and_not_guessed(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT);
    CREATE TABLE comments (id INTEGER PRIMARY KEY, customer_id INTEGER, customer_type TEXT, body TEXT);
    """
    rows: Rows = [
        ("customers", [(n, f"c{n}@mail.example", "Ann Abel") for n in range(1, 31)]),
        ("comments", [(n, n, "customers", "well") for n in range(1, 31)]),
    ]
    draft = _draft(tmp_path, schema, rows)
    assert link(draft, "comments", "customer_id") is None
    comments = draft.collection_named("comments")
    assert comments is not None
    assert any("row by row" in note for note in comments.notes)


def test_history_is_never_what_a_link_points_at(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, phone TEXT);
    CREATE TABLE customers_backup (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, phone TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL);
    """
    people = [(n, f"c{n}@mail.example", "Ann Abel", f"+49 30 12345{n:02}") for n in range(1, 31)]
    draft = _draft(tmp_path, schema, [("customers", people), ("customers_backup", people), ("orders", [(100 + n, n) for n in range(1, 31)])])
    assert _references(draft)["orders", "customer_id"] == "customers.id"


def test_two_links_to_people_leave_the_decision_to_a_human(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT);
    CREATE TABLE messages (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id),
      friend_id INTEGER NOT NULL REFERENCES users (id), body TEXT);
    """
    rows: Rows = [
        ("users", [(n, f"c{n}@mail.example", "Ann Abel") for n in range(1, 31)]),
        ("messages", [(n, n, 31 - n, "hello") for n in range(1, 31)]),
    ]
    draft = _draft(tmp_path, schema, rows)
    for field in ("user_id", "friend_id"):
        assert "selects" not in written(draft, "messages", field)
        found = link(draft, "messages", field)
        assert found is not None
        assert found.standing is Standing.PERHAPS
    assert "friend_id, user_id" in reason(draft, "messages", "user_id", "selects")


def test_who_created_or_approved_is_an_actor_beside_the_owner(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT);
    CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), created_by INTEGER REFERENCES users (id),
      approved_by TEXT);
    """
    rows: Rows = [
        ("customers", [(n, f"c{n}@mail.example", "Ann Abel") for n in range(1, 31)]),
        ("users", [(n, f"u{n}@shop.example", "Bela Berg") for n in range(1, 4)]),
        ("orders", [(n, n, 1 + n % 3, f"u{1 + n % 3}@shop.example") for n in range(1, 31)]),
    ]
    draft = _draft(tmp_path, schema, rows)
    assert written(draft, "orders", "customer_id")["selects"] == "customer_id"
    assert written(draft, "orders", "created_by")["role"] == "actor"
    assert written(draft, "orders", "approved_by")["role"] == "actor"
    assert "selects" not in written(draft, "users", "email")


def test_a_referrer_among_customers_owns_nothing(tmp_path: Path) -> None:
    schema = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, referred_by INTEGER REFERENCES customers (id));"
    draft = _draft(tmp_path, schema, [("customers", [(n, f"c{n}@mail.example", "Ann Abel", None if n == 1 else 1) for n in range(1, 31)])])
    assert written(draft, "customers", "referred_by")["role"] == "actor"


def test_lines_that_may_stand_alone_are_a_suggestion(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id));
    CREATE TABLE stock_moves (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), sku TEXT);
    CREATE TABLE order_items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), sku TEXT);
    CREATE TABLE order_item_notes (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES order_items (id) ON DELETE CASCADE, note TEXT);
    """
    draft = _draft(tmp_path, schema)
    assert "selects" not in written(draft, "stock_moves", "order_id")
    assert any(words_.get("selects") == "order_id" for words_ in suggested(draft, "stock_moves", "order_id"))
    assert written(draft, "order_items", "order_id")["selects"] == "order_id"
    assert written(draft, "orders", "id")["identifies"] == "true"
    assert written(draft, "order_items", "id")["identifies"] == "true"
    assert written(draft, "order_item_notes", "item_id")["selects"] == "order_item_id"


def _homes(number: int, shared: int) -> Rows:
    yield "addresses", [(n, f"{n} Mill Road", f"{10000 + n}") for n in range(1, number + 1)]
    yield "customers", [(n, f"c{n}@mail.example", "Ann Abel", n if n > shared else 1) for n in range(1, number + 1)]


_HOMES = """
CREATE TABLE addresses (id INTEGER PRIMARY KEY, street TEXT, postcode TEXT);
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, address_id INTEGER REFERENCES addresses (id));
"""


def test_an_address_that_only_one_customer_can_have_is_carried(tmp_path: Path) -> None:
    draft = _draft(tmp_path, _HOMES, _homes(40, 0))
    assert written(draft, "customers", "address_id") == {"references": "addresses.id", "carries": "true"}
    assert "nothing else points there" in reason(draft, "customers", "address_id", "carries")


def test_an_address_that_some_share_is_a_suggestion_with_the_numbers(tmp_path: Path) -> None:
    draft = _draft(tmp_path, _HOMES, _homes(40, 3))
    assert written(draft, "customers", "address_id") == {}
    assert "1 are pointed at by several records, at most 3" in reason(draft, "customers", "address_id", "carries")


def test_an_address_that_most_share_stays(tmp_path: Path) -> None:
    rows: Rows = [
        ("addresses", [(n, f"{n} Mill Road", f"{10000 + n}") for n in range(1, 11)]),
        ("customers", [(n, f"c{n}@mail.example", "Ann Abel", 1 + n % 10) for n in range(1, 41)]),
    ]
    draft = _draft(tmp_path, _HOMES, rows)
    assert suggested(draft, "customers", "address_id") == []
    customers = draft.collection_named("customers")
    assert customers is not None
    field = customers.field_named("address_id")
    assert field is not None
    assert any("addresses stays" in note for note in field.notes)


def test_a_few_customers_are_no_proof_that_addresses_are_not_shared(tmp_path: Path) -> None:
    draft = _draft(tmp_path, _HOMES, _homes(5, 0))
    assert "carries" not in written(draft, "customers", "address_id")


def test_questions_are_bounded_and_what_was_not_asked_is_said(tmp_path: Path) -> None:
    count = MOST_QUESTIONS // 20 + 4
    schema = "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT);" + "".join(
        f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, {', '.join(f'x{k}_product_id INTEGER' for k in range(20))});" for n in range(count)
    )
    draft = _draft(tmp_path, schema)
    assert any("comparisons of fields were not made" in gap for gap in draft.gaps)


@pytest.mark.parametrize(
    ("field", "collection"),
    [
        ("customer_id", "customers"),
        ("CustomerId", "Customer"),
        ("customerid", "shop.customer"),
        ("fk_person", "people"),
        ("companyNo", "companies"),
        ("address", "addresses"),
    ],
)
def test_a_field_is_called_after_a_collection(field: str, collection: str) -> None:
    assert is_called_after(field, collection)


@pytest.mark.parametrize(
    ("field", "collection"), [("id", "ids"), ("paid", "pa"), ("order_id", "orderlines"), ("status", "states"), ("billing_address_id", "addresses")]
)
def test_a_field_is_not_called_after_what_only_looks_alike(field: str, collection: str) -> None:
    assert not is_called_after(field, collection)


def test_other_ways_in_which_names_agree() -> None:
    assert ends_like("billing_address_id", "addresses")
    assert is_short_for("cust_id", "customers")
    assert is_short_for("emp_no", "employees")
    assert not is_short_for("id", "ideas")
    assert part_of("order_items", "orders")
    assert not part_of("orders", "orders")
    assert thing("public.tbl_order_items") == ("order", "item")
    assert stem("id") == ()
    assert singular("statuses") == "statuse"  # a wrong guess finds nothing, and harms nothing


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_names_can_be_compared(one: str, other: str) -> None:
    words(one)
    assert thing(one) is not None
    assert is_called_after(one, other) in (True, False)
    assert ends_like(one, other) in (True, False)
    assert part_of(one, other) in (True, False)


def test_as_much_evidence_for_two_targets_is_evidence_for_neither(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE cart_items (id INTEGER PRIMARY KEY, sku TEXT); CREATE TABLE order_items (id INTEGER PRIMARY KEY, sku TEXT);
    CREATE TABLE labels (id INTEGER PRIMARY KEY, item_id INTEGER);
    """
    rows: Rows = [(name, [(n, "x") for n in range(1, 31)]) for name in ("cart_items", "order_items")]
    draft = _draft(tmp_path, schema, [*rows, ("labels", [(n, n) for n in range(1, 31)])])
    assert written(draft, "labels", "item_id") == {}
    assert "as much speaks for" in reason(draft, "labels", "item_id", "references")


def test_a_prefix_of_an_application_does_not_hide_whose_a_record_is(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE auth_user (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT, last_name TEXT);
    CREATE TABLE shop_customer_entity (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL UNIQUE REFERENCES auth_user (id), phone TEXT);
    CREATE TABLE shop_order (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, placed DATETIME);
    CREATE TABLE admin_log (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES auth_user (id), change_message TEXT);
    """
    rows: Rows = [
        ("auth_user", [(n, f"ann{n}", f"u{n}@mail.example", "Abel") for n in range(1, 31)]),
        ("shop_customer_entity", [(n + 50, n, f"+49 30 12345{n:02}") for n in range(1, 31)]),
        ("shop_order", [(n, n + 50, "2024-03-05 10:00:00") for n in range(1, 31)]),
    ]
    draft = _draft(tmp_path, schema, rows)
    assert written(draft, "shop_customer_entity", "user_id")["references"] == "auth_user.id"
    assert written(draft, "shop_order", "customer_id")["references"] == "shop_customer_entity.id"
    assert written(draft, "shop_order", "customer_id")["selects"] == "customer_id"
    assert "selects" not in written(draft, "admin_log", "user_id")
    assert "a log may name who did something" in reason(draft, "admin_log", "user_id", "selects")


def test_doctors_beside_patients_only_acted(tmp_path: Path) -> None:
    schema = """
    CREATE TABLE patients (id INTEGER PRIMARY KEY, last_name TEXT, email TEXT, doctor_id INTEGER REFERENCES doctors (id));
    CREATE TABLE doctors (id INTEGER PRIMARY KEY, last_name TEXT, email TEXT);
    CREATE TABLE appointments (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients (id),
      doctor_id INTEGER REFERENCES doctors (id));
    """
    draft = _draft(tmp_path, schema)
    assert written(draft, "appointments", "patient_id")["selects"] == "patient_id"
    assert written(draft, "appointments", "doctor_id")["role"] == "actor"
    assert written(draft, "patients", "doctor_id")["role"] == "actor"
    alone = _draft(tmp_path, "CREATE TABLE doctors (id INTEGER PRIMARY KEY, last_name TEXT, email TEXT UNIQUE);".replace("doctors", "physicians"))
    assert written(alone, "physicians", "id")["identifies"] == "true"
