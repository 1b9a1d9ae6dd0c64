"""Data points held against PostgreSQL and MariaDB, and an invoice that keeps some of its fields there: whole cases with controls."""

import pytest

from dsr_engine.domain.case import Outcome
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.identity.matching_points import match_points
from dsr_engine.workflow.intake import Claim, open_case
from tests.workflow.company import BOB, EMAIL, NAME, POLICY, Company
from tests.workflow.journeys import WORKER, carried_through, request_of, statement_of, working
from tests.workflow.test_entitlements import INVOICES, RULES
from tests.workflow.test_keys_on_servers import Server, connected, server

__all__ = ["server"]


@pytest.fixture
def company(shop: Company, server: Server) -> Company:
    server.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, full_name VARCHAR(80) NOT NULL)",
        "CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER, name VARCHAR(80), address VARCHAR(80), notes TEXT, phone VARCHAR(40), "
        "issued_on DATE, FOREIGN KEY (customer_id) REFERENCES customers (id))",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, note TEXT, status VARCHAR(20), "
        "FOREIGN KEY (customer_id) REFERENCES customers (id))",
        f"INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}'), (18, '{BOB}', 'Bob Marsh')",
        f"INSERT INTO invoices VALUES (1, 17, '{NAME}', '1 Tea Street', 'was grumpy', '+49 30 901820', '2026-03-01'), "
        "(2, 18, 'Bob Marsh', '2 Tea Street', 'cheerful', '+49 30 5550', '2026-03-01')",
        "INSERT INTO orders VALUES (171, 17, 'first', 'closed'), (172, 17, 'second', 'warranty'), (181, 18, 'his', 'closed')",
    )
    head, mark, rest = POLICY.partition("rules:\n")
    shop.policy(head + mark + RULES + rest)
    return connected(shop, server, INVOICES)


def test_a_requester_is_verified_by_points_and_an_invoice_keeps_what_the_law_wants_of_it(company: Company, server: Server) -> None:
    with working(company) as house:
        case = run_case(house, open_case(house, request_of(house, vouched=False)).id, WORKER)
        others = [Claim("phone", Secret("+49 30 5550")), Claim("name", Secret("Bob Marsh"))]
        assert match_points(house, case.id, others, "officer").kinds == ("email",)
        own = [Claim("phone", Secret("+49 30 901820")), Claim("address", Secret("1 Tea Street"))]
        assert match_points(house, case.id, own, "officer").kinds == ("address", "email", "phone")
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert {row["provision"] for row in statement_of(house, case).systems[0].kept} == {"Art. 17(3)(b) GDPR", "Art. 6(1)(b) GDPR"}
    assert server.rows("SELECT id, customer_id, name, address, notes, phone FROM invoices ORDER BY id") == [
        (1, 17, NAME, "1 Tea Street", None, None),
        (2, 18, "Bob Marsh", "2 Tea Street", "cheerful", "+49 30 5550"),
    ]
    assert server.rows("SELECT id, customer_id, note FROM orders ORDER BY id") == [(172, 17, "second"), (181, 18, "his")]
    assert server.rows("SELECT id, email, full_name FROM customers WHERE id = 18") == [(18, BOB, "Bob Marsh")]
    assert not [row for row in server.rows("SELECT email, full_name FROM customers WHERE id = 17") if EMAIL in row or NAME in row]
