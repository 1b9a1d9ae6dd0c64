"""A name that stands in two columns: who stays as an anonymous shell is done after one round, without a second approval."""

import sqlite3
from contextlib import closing

from dsr_engine.domain.case import Stage
from tests.workflow.company import EMAIL, NAME, SHOP_CONNECTOR, Company
from tests.workflow.journeys import approved, carried_through, planned, working

_FIELDS = "      full_name: {category: user.name}\n"
_POLICY = """\
policy: ours
about: Tax.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: orders stay
    when: {collection: shop.orders}
    then: retain
  - name: what is theirs
    when: {category: user}
    then: delete
request: {approval: one_person}
"""


def test_a_shell_whose_name_stood_in_two_columns_is_no_residue(shop: Company) -> None:
    with closing(sqlite3.connect(shop.shop)) as database, database:
        database.execute("ALTER TABLE customers ADD COLUMN first_name TEXT")
        database.execute("ALTER TABLE customers ADD COLUMN last_name TEXT")
        database.execute("UPDATE customers SET first_name = 'Ida', last_name = 'Lindqvist', full_name = 'K. 17' WHERE id = 17")
        database.execute("DELETE FROM tickets")
    names = "      first_name: {category: user.name.first}\n      last_name: {category: user.name.last}\n"
    shop.connector(SHOP_CONNECTOR.replace(_FIELDS, _FIELDS + names))
    shop.policy(_POLICY)
    with working(shop) as house:
        case = planned(house, ("email", EMAIL), ("name", NAME))
        approved(house, case)
        done = carried_through(house, case)
    with closing(sqlite3.connect(shop.shop)) as database:
        assert database.execute("SELECT first_name, last_name FROM customers WHERE id = 17").fetchone() == (None, None)
    assert (done.stage, done.round) == (Stage.CLOSED, 1)
