"""`dsr export` and `dsr own-data`: what the law wants written down, and what the engine itself holds."""

import csv
import io
import json
from pathlib import Path

import pytest

from dsr_engine.content.spreadsheet import as_csv
from tests.cli.company import EMAIL, NAME, Company
from tests.cli.conftest import Dsr

_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      email: {category: user.contact.email, selects: email}
      full_name: {category: user.name}
  tickets:
    key: [id]
    fields:
      body: {category: user.content, search: text}
discover: none
"""
_POLICY = """\
policy: shop
about: Customers of the shop.
owner: us
regimes: [gdpr]
rules:
  - name: theirs
    when: {category: user.contact}
    then: delete
  - name: names
    when: {category: user.name}
    then: delete
"""


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: shop, owner: us, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    (home / "connectors" / "shop.yaml").write_text(_CONNECTOR, encoding="utf-8")
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    return home


def test_the_record_of_processing_says_what_nobody_decided(dsr: Dsr, declared: Path, tmp_path: Path) -> None:
    said = dsr("--home", declared, "export", "art30", "--json")
    record = json.loads(said.out)
    assert (said.code, {entry["category"]: entry["treatment"] for entry in record["entries"]}) == (
        3,
        {"user.contact.email": "deleted", "user.name": "deleted", "user.content": ""},
    )
    assert any("shop.tickets: user.content" in line for line in record["open"])
    out = tmp_path / "record.csv"
    assert dsr("--home", declared, "export", "art30", "--csv", "--out", out).code == 3
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["collection"] for row in rows] == ["customers", "customers", "tickets"]
    assert "To be added by people" in dsr("--home", declared, "export", "art30").out
    assert dsr("--home", declared, "export", "art30", "--csv", "--json").code == 2


def test_the_retention_table_is_ready_for_a_notice_once_everything_is_decided(dsr: Dsr, declared: Path) -> None:
    assert dsr("--home", declared, "export", "retention").code == 3
    (declared / "policies" / "shop.yaml").write_text(_POLICY.replace("user.name", "user"), encoding="utf-8")
    said = dsr("--home", declared, "export", "retention", "--language", "de")
    assert (said.code, "Ihre E-Mail-Adresse" in said.out, "| gelöscht |" in said.out) == (0, True, True)
    table = json.loads(dsr("--home", declared, "export", "retention", "--json").out)
    assert (len(table["own"]), table["lines"][0]["then"]) == (5, "deleted")
    assert "languages are de, en" in dsr("--home", declared, "export", "retention", "--language", "xx").err


def test_what_the_engine_holds_of_people_is_shown_without_a_value(dsr: Dsr, declared: Path) -> None:
    opened = dsr("--home", declared, "case", "open", "--email", EMAIL, "--name", NAME, "--by", "officer", "--json")
    case = json.loads(opened.out)["case"]
    rows = {row["kind"]: row for row in json.loads(dsr("--home", declared, "own-data", "show", "--json").out)}
    assert (rows["request_log"]["rows"], rows["officers"]["rows"] >= 1) == (1, True)
    found = dsr("--home", declared, "own-data", "find", "--email", EMAIL.upper())
    assert (case in found.out, EMAIL in found.all.lower()) == (True, False)
    said = dsr("--home", declared, "own-data", "erase-requester", "--email", EMAIL)
    assert (said.code, f"case {case} is open" in said.err) == (3, True)
    assert dsr("--home", declared, "own-data", "erase-officer", "officer", "--by", "dpo").code == 3
    assert dsr("--home", declared, "case", "withdraw", case, "--by", "officer").code == 0
    assert dsr("--home", declared, "own-data", "erase-officer", "officer", "--by", "dpo").code == 0
    assert dsr("--home", declared, "own-data", "erase-officer", "officer", "--by", "dpo").code == 2
    assert "nothing of this person is held" in dsr("--home", declared, "own-data", "find", "--email", EMAIL).out


def test_no_cell_of_a_table_is_a_formula() -> None:
    text = as_csv([{"a": "=1+1", "b": -1, "c": None, "d": 'x,"y"'}, {"a": "@SUM(A1)"}], ("a", "b", "c", "d"))
    assert list(csv.reader(io.StringIO(text))) == [["a", "b", "c", "d"], ["'=1+1", "-1", "", 'x,"y"'], ["'@SUM(A1)", "", "", ""]]
