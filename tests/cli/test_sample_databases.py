"""A privacy officer at the command line, with databases that nobody made for this program."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Dsr
from tests.samples import chinook, crm, pagila
from tests.samples.carrying import POLICY, assert_gone_from
from tests.samples.picture import Database, Outcome, assert_pictures
from tests.servers.postgres import PostgresServer


@pytest.fixture
def rental_shop(postgres_server: PostgresServer, postgres_database: str) -> Database:
    database = Database("postgres", postgres_server.url(postgres_database))
    pagila.build(database)
    return database


def _declare(home: Path, name: str, url: str, connector: str) -> None:
    (home / "connectors" / f"{name}.yaml").write_text(connector, encoding="utf-8")
    (home / "policies" / "ours.yaml").write_text(POLICY, encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  {name}: {{connector: {name}, owner: dba@example.com, url: "{url}"}}\n', encoding="utf-8")


def test_a_database_that_nobody_described_is_searched_and_nothing_of_it_is_printed(dsr: Dsr, rental_shop: Database) -> None:
    before = rental_shop.picture()
    said = dsr("find", "--email", pagila.ANN, "--name", "Ann Rowe", "--in", rental_shop.url, "--json")
    assert said.code == 3, said.all  # the picture of a member of the staff cannot be read
    answer = json.loads(said.out)
    found = {(entry["collection"], entry["match"], entry["confidence"]) for entry in answer["findings"]}
    assert found == {("customer", "mentions", "certain"), ("customer", "mentions", "possible")}
    assert {row["collection"] for row in answer["coverage"] if row["extent"] != "full"} == {"staff"}
    assert {"payment", "rental", "film"} <= {row["collection"] for row in answer["coverage"]}
    assert_gone_from(said.all, pagila.TRACES)
    assert_pictures(rental_shop.picture(), before)


def test_an_officer_checks_finds_plans_approves_and_erases(dsr: Dsr, home: Path, rental_shop: Database) -> None:
    _declare(home, "pagila", rental_shop.url, pagila.CONNECTOR)
    before = rental_shop.picture()
    checked = dsr("--home", home, "check", "--allow-gaps")
    assert checked.code == 0, checked.all
    opened = dsr("--home", home, "case", "open", "--email", pagila.ANN, "--policy", "ours", "--ground", "purpose_over", "--by", "officer", "--json")
    assert opened.code in (0, 3), opened.all
    case = json.loads(opened.out)["case"]
    assert dsr("--home", home, "case", "verify", case, "--method", "code_to_known_address", "--by", "officer").code in (0, 3)
    dsr("--home", home, "case", "run", case)
    shown = dsr("--home", home, "case", "show", case, "--json")
    plan = json.loads(shown.out)["plan"]
    approved = dsr("--home", home, "case", "approve", case, "--digest", plan["digest"][:8], "--by", "approver", "--accept-gaps")
    assert approved.code in (0, 3), approved.all
    ran = dsr("--home", home, "case", "run", case)
    assert ran.code == 0, ran.all
    mine = pagila.rentals_of(7)
    gone: dict[str, list[Any]] = {"customer": ["7"], "address": ["7"], "rental": [str(number) for number in mine]}
    assert_pictures(rental_shop.picture(), Outcome(gone | pagila.payments_by_table(mine)).of(before))
    for said in (checked, opened, shown, approved, ran):
        assert_gone_from(said.all, pagila.TRACES)


@pytest.mark.parametrize("sample", ["chinook", "crm"])
def test_the_drafted_map_changes_nothing_and_holds_no_value(
    sample: str, dsr: Dsr, home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if sample == "chinook":
        database = Database("sqlite", f"sqlite:///{tmp_path / 'chinook.db'}")
        chinook.build(database)
    else:
        server = request.getfixturevalue("postgres_server")
        database = Database("postgres", server.url(request.getfixturevalue("postgres_database")))
        {"pagila": pagila.build, "crm": crm.build}[sample](database)
    _declare(home, "drafted", database.url, "connector: drafted\ndriver: sql\n")
    before = database.picture()
    said = dsr("--home", home, "map", "drafted")
    assert said.code in (0, 3), said.all
    assert_pictures(database.picture(), before)
    for traces in (pagila.TRACES, chinook.TRACES, crm.TRACES):
        assert_gone_from(said.all, traces)
    for text in ("@mail.example", "@shop.example", "Lindenhof", "+49 40"):
        assert text not in said.all
