"""Real servers, connected through the pages from the first step to the last; a case that is opened then looks into them."""

import imaplib
import mailbox
from collections.abc import Mapping
from pathlib import Path

import boto3
import psycopg
import pymysql
import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.user import Role
from dsr_engine.web.bench import bench
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.looking import FOUND
from tests.drivers.mailstore_scripted import served
from tests.drivers.test_mailstore_login import Granting
from tests.servers.dovecot import DovecotServer
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.servers.recipient_server import RecipientServer
from tests.servers.s3_server import S3Server
from tests.servers.scripted_imap import EXCHANGE, Manner
from tests.web.conftest import Doors
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL
from tests.workflow.journeys import plan_of, request_of

_TABLES = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200) NOT NULL UNIQUE, full_name VARCHAR(200) NOT NULL)",
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES people (id), seen_by VARCHAR(200))",
    f"INSERT INTO people VALUES (1, '{EMAIL}', 'Ida Lindqvist'), (2, 'omar.lund@example.org', 'Omar Lund')",
    "INSERT INTO visits VALUES (1, 1, 'amy@corp.example'), (2, 2, 'amy@corp.example')",
)
#: A password that is wrong, and must be nowhere.
_CANARY = "hunter2-canary"
_MAIL = f"From: {EMAIL}\r\nTo: shop@example.com\r\nSubject: Tea\r\nMessage-ID: <one@example.org>\r\n\r\nPlease send tea.\r\n"


def _rested(doors: Doors) -> None:
    with doors.app.app_context():
        bench().rest()


def _tested(doors: Doors, kind: str, **values: str) -> Visitor:
    """The page of the new system after its test."""
    visitor = doors.signed_in(Role.ADMINISTRATOR).go(f"/connecting/new/{kind}")
    visitor.send("Go on to the test", name="new", owner="team", **values)
    assert visitor.path == "/connecting/to/new", visitor.text
    visitor.send("Test it")
    assert visitor.status == 200
    _rested(doors)
    return visitor.go("/connecting/to/new")


def _saved(doors: Doors, visitor: Visitor) -> None:
    assert "cannot be used" not in visitor.text, visitor.text
    visitor.send("Save new")
    assert visitor.path == "/systems/new", visitor.text
    visitor.send("Check now")
    _rested(doors)
    assert "cannot be used" not in visitor.go("/systems/new").text, visitor.text


def _found(doors: Doors) -> Mapping[str, int]:
    """How many records of the person a new case found in each collection of the new system; it looked at all of them."""
    house = doors.keeper.house()
    case = run_case(house, open_case(house, request_of(house)).id, "worker")
    with house.store.snapshot() as tx:
        seen = [entry for entry in tx.coverage.of(case.id, 1, FOUND) if entry.system == "new"]
    assert seen
    assert {entry.extent for entry in seen} == {Extent.FULL}, seen
    found: dict[str, int] = {}
    for item in plan_of(house, case).items:
        if item.system == "new":
            found[item.collection] = found.get(item.collection, 0) + len(item.records)
    return found


def _mapped(doors: Doors, visitor: Visitor) -> Visitor:
    visitor.send("Draft it")
    _rested(doors)
    assert "drafted" in visitor.go("/connecting/to/new").text
    return visitor


def test_a_postgresql_database_is_connected_mapped_and_searched(doors: Doors, postgres_server: PostgresServer, postgres_database: str) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        for statement in _TABLES:
            connection.execute(statement.encode())
    url = f"postgresql://127.0.0.1:{postgres_server.port}/{postgres_database}"
    strict = _tested(doors, "postgresql", url=f"{url}?sslmode=verify-full", user="test", inside="1")
    assert "the server offers no TLS" in strict.text
    strict.send("Forget it")
    _saved(doors, _mapped(doors, _tested(doors, "postgresql", url=url, user="test", inside="1")))
    assert _found(doors) == {"people": 1, "visits": 1}


def test_a_mariadb_database_is_connected_mapped_and_searched(
    doors: Doors, mariadb_server: MariadbServer, mariadb_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pymysql.connect(
        host="127.0.0.1", port=mariadb_server.port, user="test", password="test", database=mariadb_database, autocommit=True
    ) as made:
        for statement in _TABLES:
            made.cursor().execute(statement)
    monkeypatch.setitem(doors.keeper.environment, "NEW_PASSWORD", _CANARY)
    url = f"mysql://127.0.0.1:{mariadb_server.port}/{mariadb_database}"
    visitor = _tested(doors, "mariadb", url=url, user="test", password="NEW_PASSWORD", inside="1")
    assert "check user and password" in visitor.text
    assert "Save new" not in visitor.text
    assert _CANARY not in visitor.text
    assert _CANARY not in caplog.text
    with doors.house.store.snapshot() as tx:
        assert _CANARY not in str((tx.inquiries.get("connect.wish", "new"), tx.inquiries.get("connect.test", "new")))
    monkeypatch.setitem(doors.keeper.environment, "NEW_PASSWORD", "test")
    visitor.send("Test it again")
    _rested(doors)
    _saved(doors, _mapped(doors, visitor.go("/connecting/to/new")))
    assert _CANARY not in (doors.company.home / "systems.yaml").read_text(encoding="utf-8")
    assert _found(doors) == {"people": 1, "visits": 1}


def test_a_mail_server_is_connected_and_searched(doors: Doors, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    name, password = dovecot.new_user()
    client = dovecot.login(name, password)
    client.append("INBOX", "", imaplib.Time2Internaldate(0), _MAIL.encode())
    client.logout()
    monkeypatch.setitem(doors.keeper.environment, "NEW_PASSWORD", password)
    asked = {"url": f"imaps://127.0.0.1:{dovecot.tls_port}", "user": name, "password": "NEW_PASSWORD", "inside": "1"}
    untrusted = _tested(doors, "imap", **asked)
    assert "certificate is not trusted" in untrusted.text
    assert "Save new" not in untrusted.text
    untrusted.send("Forget it")
    _saved(doors, _tested(doors, "imap", ca_file=str(dovecot.certificate), **asked))
    assert _found(doors) == {"INBOX": 1}


def test_a_bucket_is_connected_and_searched(doors: Doors, seaweedfs: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = (seaweedfs.access_key, seaweedfs.secret_key)
    client = boto3.client("s3", "us-east-1", endpoint_url=seaweedfs.endpoint, aws_access_key_id=keys[0], aws_secret_access_key=keys[1])
    client.create_bucket(Bucket="connected")
    client.put_object(Bucket="connected", Key="people.csv", Body=f"number,email\n1,{EMAIL}\n2,omar@example.org\n".encode())
    monkeypatch.setitem(doors.keeper.environment, "NEW_SECRET", seaweedfs.secret_key)
    asked = {"bucket": "connected", "endpoint_url": seaweedfs.endpoint, "region": "us-east-1", "access_key": seaweedfs.access_key}
    _saved(doors, _tested(doors, "s3", secret_key="NEW_SECRET", inside="1", **asked))
    assert sum(_found(doors).values()) == 1


def test_files_of_this_machine_are_connected_and_searched(doors: Doors) -> None:
    folder = doors.company.folder / "exports"
    folder.mkdir()
    (folder / "people.csv").write_text(f"number,email\n1,{EMAIL}\n", encoding="utf-8")
    _saved(doors, _tested(doors, "folder", url=f"folder:{folder}", inside="1"))
    assert sum(_found(doors).values()) == 1


def test_a_maildir_is_connected_and_searched(doors: Doors) -> None:
    folder = doors.company.folder / "letters"
    with_mail = mailbox.Maildir(folder, create=True)
    with_mail.add(_MAIL.encode())
    with_mail.close()
    _saved(doors, _tested(doors, "maildir", url=f"maildir:{folder}", inside="1"))
    assert sum(_found(doors).values()) == 1


def test_a_mail_server_that_takes_tokens_is_connected_and_searched(
    doors: Doors, imap_certificate: Path, recipient_server: RecipientServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    granting = Granting(recipient_server)
    monkeypatch.setitem(doors.keeper.environment, "APP_SECRET", "hush-hush")
    with served(imap_certificate, Manner(capabilities=EXCHANGE, tokens=("token-1",))) as server:
        server.folders["INBOX"].deliver(_MAIL.encode())
        application = granting.settings(imap_certificate) | {"client_id": "wizard", "client_secret": "APP_SECRET"}
        asked = {"url": f"imaps://127.0.0.1:{server.port}", "user": "jane@example.com", "inside": "1", **application}
        _saved(doors, _tested(doors, "imap", **asked))
        assert _found(doors) == {"INBOX": 1}
    assert granting.count == 1
    assert 'client_secret: "${APP_SECRET}"' in (doors.company.home / "systems.yaml").read_text(encoding="utf-8")
