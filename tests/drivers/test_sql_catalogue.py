"""What the catalogue says of links, in whatever way they were written."""

import pytest
import sqlalchemy as sa

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


@pytest.mark.parametrize(("parent", "key", "field"), [("pa`rent", "id", "parent_id"), ("parent", "i(d)", "p (s)"), ("order's", "a`b", 'c"d')])
def test_a_foreign_key_is_seen_whatever_its_names_hold(sql_database: SqlDatabase, parent: str, key: str, field: str) -> None:
    tables = sa.MetaData()
    above = sa.Table(parent, tables, sa.Column(key, sa.Integer, primary_key=True))
    link = sa.ForeignKey(above.c[key], ondelete="CASCADE")
    sa.Table("child", tables, sa.Column("id", sa.Integer, primary_key=True), sa.Column(field, sa.Integer, link))
    tables.create_all(sql_database.engine)
    driver = sql_database.driver()
    try:
        (child,) = [entry for entry in driver.describe() if entry.name == "child"]
    finally:
        driver.close()
    assert [(found.fields, found.to_collection, found.to_fields, found.on_delete) for found in child.links] == [((field,), parent, (key,), "cascade")]
