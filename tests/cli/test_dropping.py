"""The Delete Act from the command line, as a broker's officer uses it every 45 days."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Dsr
from tests.servers.drop_platform import BROKER, KEY, FakePlatform, archive, running
from tests.workflow.brokerage import CONNECTOR, POLICY, SCHEMA, email_hash, item, phone_hash

PEOPLE = (
    "INSERT INTO consumers VALUES (17, 'ida@example.org', '415 555 9317', 'Ida', 'Lindqvist', '1985-07-04', '02139'),"
    " (18, 'bob@example.net', '415 555 0001', 'Bob', 'Marsh', '1970-01-31', '91790'),"
    " (19, 'cat@example.net', '415 555 0001', 'Cat', 'Marsh', '1972-02-28', '91790');"
)


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with running() as found:
        yield found


@pytest.fixture
def broker(home: Path, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> Path:
    database = home.parent / "broker.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(SCHEMA + PEOPLE)
    (home / "connectors" / "shop.yaml").write_text(CONNECTOR, encoding="utf-8")
    (home / "policies" / "ours.yaml").write_text(POLICY, encoding="utf-8")
    (home / "systems.yaml").write_text(
        f'systems:\n  shop: {{connector: shop, owner: a@example.com, url: "sqlite:///{database}"}}\n', encoding="utf-8"
    )
    with (home / "dsr.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[drop]\nkey = "${{DROP_KEY}}"\nbroker = "{BROKER}"\nurl = "{platform.url}"\npolicy = "ours"\n')
    monkeypatch.setenv("DROP_KEY", KEY)
    return home


def test_the_whole_way_by_the_platforms_interface(dsr: Dsr, broker: Path, platform: FakePlatform) -> None:
    ida, nobody, shared = item(), item(), item()
    platform.publish(
        {"Email": [(ida, email_hash("IDA@example.org")), (nobody, email_hash("no@example.org"))], "Phone": [(shared, phone_hash("4155550001"))]}
    )
    pull = dsr("--home", broker, "drop", "pull")
    assert (pull.code, "3 work item(s)" in pull.out) == (0, True)
    match = dsr("--home", broker, "drop", "match")
    assert match.code == 0
    assert "1 case(s) opened, 1 item(s) opted" in match.out
    early = dsr("--home", broker, "drop", "report")
    assert (early.code, "1 work item(s) have no status yet" in early.err) == (3, True)
    assert dsr("--home", broker, "worker", "--once").code == 0
    done = dsr("--home", broker, "drop", "report")
    assert done.code == 0, done.all
    assert platform.current is not None
    assert platform.current.answers == {ida: 3, nobody: 5, shared: 4}
    status = json.loads(dsr("--home", broker, "drop", "status", "--json").out)
    assert [(batch["deleted"], batch["not_found"], batch["opted_out"], batch["complete"]) for batch in status["batches"]] == [(1, 1, 1, True)]
    assert all(word not in match.all + done.all for word in ("ida@", "Lindqvist", KEY))


def test_the_whole_way_by_hand(dsr: Dsr, broker: Path, platform: FakePlatform, tmp_path: Path) -> None:
    platform.refuses = 1
    refused = dsr("--home", broker, "drop", "pull")
    assert (refused.code, "the platform refuses" in refused.err) == (3, True)
    file = tmp_path / "downloaded.zip"
    nobody = item()
    file.write_bytes(archive({"Email": [(nobody, email_hash("no@example.org"))]}))
    taken = dsr("--home", broker, "drop", "pull", "--zip", file)
    assert taken.code == 0
    assert "delete the archive now" in taken.out
    assert "7612(b)(1)" in taken.out
    assert dsr("--home", broker, "drop", "noticed", "--by", "officer").code == 0
    assert "was taken in before" in dsr("--home", broker, "drop", "pull", "--zip", file).out
    dsr("--home", broker, "drop", "match")
    written = dsr("--home", broker, "drop", "report", "--to", tmp_path / "out")
    assert written.code == 0
    assert (tmp_path / "out" / f"20260801_{BROKER}_Email.csv").read_bytes() == f"Id,Status\r\n{nobody},5\r\n".encode()
    assert "1 file(s)" in dsr("--home", broker, "drop", "report", "--handed-in").out
    status = json.loads(dsr("--home", broker, "drop", "status", "--json").out)
    assert (status["notice_by"], status["batches"][0]["complete"]) == (None, True)


def test_what_is_missing_is_said_in_words(dsr: Dsr, home: Path, tmp_path: Path) -> None:
    assert "no section [drop]" in dsr("--home", home, "drop", "status").err
    with (home / "dsr.toml").open("a", encoding="utf-8") as file:
        file.write("\n[drop]\n")
    assert "names no key" in dsr("--home", home, "drop", "pull").err
    assert "nothing to compare" in dsr("--home", home, "drop", "match").out
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no archive")
    assert "it is no ZIP archive" in dsr("--home", home, "drop", "pull", "--zip", bad).err


@pytest.mark.parametrize("line", ['key = "written-out"', "every_days = 60", 'broker = "4 8"', 'since = "soon"', "url = 1", "keys = 1"])
def test_a_wrong_setting_is_told_with_its_line(dsr: Dsr, home: Path, line: str) -> None:
    with (home / "dsr.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[drop]\n{line}\n")
    said = dsr("--home", home, "drop", "status")
    assert said.code == 2
    assert "dsr.toml:" in said.err
    assert "written-out" not in said.err
