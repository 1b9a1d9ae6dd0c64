"""`dsr replay` and `dsr ready`, as an officer uses them after a restore; and `dsr check` on backups that live too long."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Dsr, Said

_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:    {category: user.unique_id, selects: customer_id, identifies: true}
      email: {category: user.contact.email, selects: email}
residuals:
  - {what: nightly backup, gone_after: 35 days}
  - {what: tapes in the vault, gone_after: 2 years}
"""
_POLICY = """\
policy: ours
about: The tests' policy.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
request: {approval: automatic}
"""


@pytest.fixture
def shop(home: Path, tmp_path: Path) -> Path:
    """A shop with two customers, declared in the home."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);")
        connection.executescript("INSERT INTO customers VALUES (1, 'jane.roe@example.com'), (2, 'bob@example.net');")
    (home / "connectors" / "shop.yaml").write_text(_CONNECTOR)
    (home / "policies" / "ours.yaml").write_text(_POLICY)
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: shop, owner: shop@example.com, url: "sqlite:///{path}"}}\n')
    return path


def _customers(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT email FROM customers ORDER BY id")]


def _erased(dsr: Dsr, home: Path) -> Said:
    dsr("--home", home, "hold", "attest", "--looked-at", "the list of disputes", "--by", "lawyer")
    opened = dsr("--home", home, "case", "open", "--email", "jane.roe@example.com", "--policy", "ours", "--vouch", "--by", "officer", "--json")
    case = json.loads(opened.out)["case"]
    dsr("--home", home, "case", "ground", case, "--ground", "purpose_over", "--by", "officer")
    return dsr("--home", home, "case", "run", case)


def test_a_restored_system_is_not_ready_until_the_replay_is_done(dsr: Dsr, home: Path, shop: Path) -> None:
    backup = shutil.copy(shop, shop.with_name("backup.db"))
    assert _erased(dsr, home).code == 0
    assert (_customers(shop), dsr("--home", home, "ready").code) == (["bob@example.net"], 0)
    shutil.copy(backup, shop)
    unready = dsr("--home", home, "ready", "--system", "shop")
    assert (unready.code, "shop: not ready" in unready.out, "dsr replay" in unready.out) == (3, True, True)
    said = dsr("--home", home, "replay", "--since", "2020-01-01", "--system", "shop")
    assert (said.code, "1 person(s) to be erased again" in said.out) == (0, True)
    assert (_customers(shop), dsr("--home", home, "ready").code) == (["bob@example.net"], 0)
    assert "jane" not in (unready.all + said.all).lower()


def test_a_moment_that_is_none_or_lies_ahead_is_refused(dsr: Dsr, home: Path, shop: Path) -> None:
    assert dsr("--home", home, "replay", "--since", "yesterday").code == 2
    assert dsr("--home", home, "replay", "--since", "2999-01-01").code == 2
    assert dsr("--home", home, "replay", "--since", "2020-01-01", "--system", "shops").code == 2


def test_a_case_tells_what_comes_after_it(dsr: Dsr, home: Path, shop: Path) -> None:
    said = _erased(dsr, home)
    assert "Afterwards" in said.out
    assert [look["look"] for look in json.loads(_shown(dsr, home))["after"]["looks"]] == ["1", "7", "30"]


def _shown(dsr: Dsr, home: Path) -> str:
    case = json.loads(dsr("--home", home, "case", "list", "--json").out)[0]["case"]
    return dsr("--home", home, "case", "show", case, "--json").out


def test_check_warns_of_a_backup_that_lives_longer_than_a_law_allows(dsr: Dsr, home: Path, shop: Path) -> None:
    strict = dsr("--home", home, "regimes", "gdpr")
    assert strict.code == 0
    law = (Path(__file__).parents[2] / "policies" / "regimes" / "gdpr.yaml").read_text(encoding="utf-8")
    assert "backups" in law
    (home / "policies" / "regimes").mkdir(exist_ok=True)
    (home / "policies" / "regimes" / "gdpr.yaml").write_text(_with_limit(law), encoding="utf-8")
    said = dsr("--home", home, "check", "--allow-gaps")
    assert "tapes in the vault" in said.all
    assert "nightly backup" not in said.all


def _with_limit(law: str) -> str:
    """The law with half a year for backups."""
    head, _, tail = law.partition("\nbackups:")
    rest = tail[tail.index("\n") :].split("\n")
    following = next((number for number, line in enumerate(rest) if line and not line.startswith((" ", "#"))), len(rest))
    return head + "\nbackups: {may_wait: true, most_days: 183, cite: RCW 19.373.040}\n" + "\n".join(rest[following:])
