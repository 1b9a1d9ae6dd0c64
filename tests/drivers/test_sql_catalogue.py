"""What the catalogue says of links, in whatever way they were written."""

import pytest

from tests.drivers.sql_database import SqlDatabase


@pytest.mark.parametrize(
    ("rule", "expected"), [("CASCADE", "cascade"), ("SET NULL", "set_null"), ("RESTRICT", "restrict"), ("NO ACTION", "restrict")]
)
def test_the_delete_rule_of_a_link_is_seen_where_the_server_keeps_it(sql_database: SqlDatabase, rule: str, expected: str) -> None:
    child = f"CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id) ON DELETE {rule})"
    sql_database.run("CREATE TABLE parent (id INTEGER PRIMARY KEY)", child)
    driver = sql_database.driver()
    try:
        facts = {entry.name: entry for entry in driver.describe()}
    finally:
        driver.close()
    assert [link.on_delete for link in facts["child"].links] == [expected]
    assert facts["child"].rank < facts["parent"].rank
