"""What a sweep asks the server for is what its rules say of each record: nothing that a rule keeps, and everything that all rules let go."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.finding import Confidence, Finding, Match
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.policy import Keep, Pick, Policy, Rule, Start, Then, Treatment, When
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest, System
from dsr_engine.drivers.sql.driver import SqlDriver
from dsr_engine.workflow.judgement import judge
from dsr_engine.workflow.sweeps.ageing import ageings

_TODAY = date(2026, 5, 5)
_FIELDS = {"email": "user.contact.email", "phone": "user.contact.phone_number"}
_DAYS = st.sampled_from(["2016-12-31", "2017-01-01", "2024-02-29", "2024-05-04", "2024-05-05", "2025-05-04", "2026-05-05", None, "soon", ""])
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "email": st.sampled_from(["a", None]),
            "phone": st.sampled_from(["1", None]),
            "seen": _DAYS,
            "called": _DAYS,
            "state": st.sampled_from(["open", "won", None]),
        }
    ),
    min_size=1,
    max_size=8,
)
_WHENS = st.sampled_from(
    [
        When(collection="shop.leads"),
        When(system="shop"),
        When(collection="shop.*"),
        When(category="user"),
        When(category="user.contact.email"),
        When(collection="shop.leads", field="phone"),
        When(category="user.financial"),
        When(collection="shop.orders"),
        When(category="user", match=Match.MENTIONS),
    ]
)
_KEEPS = st.one_of(
    st.none(),
    st.builds(lambda states: Keep(while_={"state": states}), st.sampled_from([("open",), ("open", "won")])),
    st.builds(
        lambda count, fields, pick, to_year_end, because: Keep(
            Period(count, PeriodUnit.YEARS), Start(fields, pick), because=because, to_year_end=to_year_end
        ),
        st.integers(1, 8),
        st.sampled_from([("seen",), ("called",), ("seen", "called"), ("leads.seen",)]),
        st.sampled_from(Pick),
        st.booleans(),
        st.sampled_from(["purpose", "legal_obligation"]),
    ),
)
_POLICIES = st.lists(st.tuples(_WHENS, _KEEPS), min_size=1, max_size=4).map(
    lambda rules: Policy("p", tuple(Rule(f"r{number}", when, Then(Treatment.DELETE), keep) for number, (when, keep) in enumerate(rules)))
)
_LEADS = CollectionMap(
    "leads",
    ("id",),
    (
        *(FieldMap(name, category=category) for name, category in _FIELDS.items()),
        *(FieldMap(name, starts_retention=True) for name in ("seen", "called")),
    ),
)


def _system(path: Path) -> System:
    return System("shop", Manifest("shop", "sql", collections=(_LEADS,)), {"url": Secret(f"sqlite:///{path}")})


def _written(path: Path, rows: list[dict[str, str | None]]) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, phone TEXT, seen DATE, called DATE, state TEXT)")
        connection.executemany("INSERT INTO leads (email, phone, seen, called, state) VALUES (:email, :phone, :seen, :called, :state)", rows)


def _is_outlived(policy: Policy, row: Mapping[str, str | None]) -> bool:
    facts = {name: row[name] for name in ("seen", "called", "state")}
    held = {name: category for name, category in _FIELDS.items() if row[name] is not None}
    finding = Finding("case", Locator("shop", "leads", ("1",)), Match.OWNS, Confidence.CERTAIN, (), "server", held, facts)
    judgement = judge(finding, Match.OWNS, policy, _TODAY, is_sweep=True)
    return judgement.is_outlived


@given(_POLICIES, _ROWS)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_server_finds_what_the_rules_let_go_and_nothing_else(tmp_path: Path, policy: Policy, rows: list[dict[str, str | None]]) -> None:
    path = tmp_path / "shop.db"
    _written(path, rows)
    system = _system(path)
    wanted = list(ageings(policy, system, _TODAY))
    driver = SqlDriver(system)
    try:
        for ageing in wanted:
            found = {
                int(event.locator.key[0])
                for part in driver.slices(ageing.due)
                for event in driver.find(ageing.due, part)
                if isinstance(event, Record)
            }
            assert found == {number for number, row in enumerate(rows, start=1) if _is_outlived(policy, row)}
            assert driver.count("leads", (ageing.due,)).found == (len(found),)
    finally:
        driver.close()
    assert len(wanted) <= 1


@pytest.mark.parametrize("when", [When(collection="shop.orders"), When(category="user.financial"), When(category="user", match=Match.MENTIONS)])
def test_a_rule_that_reaches_nothing_in_a_collection_asks_nothing_of_it(tmp_path: Path, when: When) -> None:
    rule = Rule("r", when, Then(Treatment.DELETE), Keep(Period(1, PeriodUnit.YEARS), Start(("no_such_field",))))
    assert list(ageings(Policy("p", (rule,)), _system(tmp_path / "shop.db"), _TODAY)) == []
