"""`dsr maintenance`: the commands that an administrator runs, and the named person who lets it be."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, Company, others, snapshot
from tests.cli.conftest import Dsr


@pytest.fixture
def waiting(dsr: Dsr, home: Path, company: Company) -> str:
    """A case whose shop has to reach level C1, and whose file holds bytes of rows that an application deleted long ago."""
    with closing(sqlite3.connect(company.shop, isolation_level=None)) as shop:
        shop.execute("PRAGMA secure_delete = OFF")
        shop.execute(f"CREATE TABLE filler AS SELECT '{EMAIL} {'x' * 9000}' AS text")
        shop.execute("DROP TABLE filler")
    entry = f'  shop: {{connector: sqlite, url: "sqlite:///{company.shop}", level: C1}}\n'
    (home / "systems.yaml").write_text(f"systems:\n{entry}", encoding="utf-8")
    opened = dsr("--home", home, "case", "open", "--email", EMAIL, "--policy", "one-shot", "--ground", "purpose_over", "--vouch", "--json")
    case = str(json.loads(opened.out)["case"])
    ran = dsr("--home", home, "case", "run", case, "--json")
    while json.loads(ran.out)["waits_for"] == "approval.missing":
        dsr("--home", home, "case", "approve", case, "--digest", json.loads(ran.out)["plan"]["digest"], "--by", "approver")
        ran = dsr("--home", home, "case", "run", case, "--json")
    assert (ran.code, json.loads(ran.out)["waits_for"]) == (3, "maintenance_open"), ran.all
    return case


def test_the_commands_are_printed_with_their_locks_and_once_they_were_run_the_case_goes_on(
    dsr: Dsr, home: Path, company: Company, waiting: str
) -> None:
    before = others(snapshot(company))
    said = dsr("--home", home, "maintenance", waiting)
    assert said.code == 3
    assert all(words in said.out for words in ("VACUUM;", "PRAGMA secure_delete = ON;", "the whole file", f"dsr case run {waiting}"))
    told = json.loads(dsr("--home", home, "maintenance", waiting, "--json").out)
    (shop,) = told["systems"]
    assert (shop["asked"], [row["channel"] for row in shop["channels"] if row["is_open"]]) == ("C1", ["sqlite.free_space", "sqlite.auto_vacuum"])
    with closing(sqlite3.connect(company.shop, isolation_level=None)) as administrator:
        for work in shop["works"]:
            administrator.execute(work["statement"])
    ran = dsr("--home", home, "case", "run", waiting, "--json")
    assert (ran.code, json.loads(ran.out)["stage"]) == (0, "closed")
    assert EMAIL.encode() not in company.shop.read_bytes()
    assert others(snapshot(company)) == before
    after = dsr("--home", home, "maintenance", waiting)
    assert (after.code, "nothing stands in the way of level C1" in after.out, "next:" in after.out) == (0, True, False)
    assert "sqlite_stat4" in dsr("--home", home, "maintenance", waiting, "--all").out


def test_the_statements_alone_can_be_given_to_the_servers_own_client(dsr: Dsr, home: Path, company: Company, waiting: str) -> None:
    said = dsr("--home", home, "maintenance", waiting, "--sql", "shop")
    assert said.code == 3
    with closing(sqlite3.connect(company.shop, isolation_level=None)) as administrator:
        for statement in said.out.splitlines():
            assert sqlite3.complete_statement(statement)
            administrator.execute(statement)
    assert json.loads(dsr("--home", home, "case", "run", waiting, "--json").out)["stage"] == "closed"
    assert dsr("--home", home, "maintenance", waiting, "--sql", "shpo").code == 2


def test_a_named_person_accepts_the_lower_level_with_a_reason(dsr: Dsr, home: Path, waiting: str) -> None:
    refused = dsr("--home", home, "maintenance", waiting, "--accept-lower", "shop")
    assert (refused.code, "--reason" in refused.err) == (2, True)
    refused = dsr("--home", home, "maintenance", waiting, "--accept-lower", "shpo", "--reason", "no_downtime")
    assert refused.code == 3
    said = dsr("--home", home, "maintenance", waiting, "--accept-lower", "shop", "--reason", "no_downtime", "--by", "officer")
    assert (said.code, "the lower level is accepted: no downtime" in said.out) == (0, True)
    ran = dsr("--home", home, "case", "run", waiting, "--json")
    assert (ran.code, json.loads(ran.out)["outcome"]) == (0, "fulfilled_with_exceptions")


def test_a_case_that_was_not_assessed_yet_has_nothing_to_maintain(dsr: Dsr, home: Path, company: Company) -> None:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    opened = dsr("--home", home, "case", "open", "--email", EMAIL, "--policy", "one-shot", "--ground", "purpose_over", "--json")
    said = dsr("--home", home, "maintenance", json.loads(opened.out)["case"])
    assert (said.code, "no system was assessed yet" in said.out) == (0, True)
