"""`dsr find`: what it says of a person, what it never says, and how it tells "nothing found" from "not looked"."""

import json
import os
import re
from pathlib import Path

import boto3
import psycopg
import pytest

from tests.cli.company import EMAIL, NAME, PHONE, Company, snapshot, traces_in
from tests.cli.conftest import Dsr
from tests.servers.dovecot import DovecotServer
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.servers.s3_server import S3Server

WHO = ("--email", EMAIL, "--phone", PHONE, "--name", NAME)


def test_it_finds_the_person_in_every_system_and_leaves_all_as_it_is(dsr: Dsr, company: Company) -> None:
    before = snapshot(company)
    said = dsr("find", *WHO, *company.urls(), "--json")
    assert said.code == 0
    found = {(row["system"], row["locator"].partition("/")[0]) for row in json.loads(said.out)["findings"]}
    assert {("shop", "77"), ("shop", "1"), ("files", "customers.csv"), ("files", "customers.csv.gz"), ("files", "quarter.zip")} <= found
    assert sum(1 for system, _ in found if system == "mail") == 2
    assert snapshot(company) == before


def test_its_json_has_exactly_the_published_shape(dsr: Dsr, company: Company) -> None:
    document = json.loads(dsr("find", *WHO, *company.urls(), "--json").out)
    assert list(document) == ["findings", "coverage", "next_to", "not_counted"]
    for row in document["findings"]:
        assert list(row) == ["system", "collection", "locator", "categories", "selector", "match", "confidence", "message", "roles"]
        assert bool(row["message"]) == bool(row["roles"]) == (row["system"] == "mail")
        assert row["match"] in ("owns", "mentions")
        assert row["confidence"] in ("certain", "likely", "possible")
        assert row["selector"] in ("email", "phone", "name")
    for row in document["coverage"]:
        assert list(row) == ["system", "collection", "extent", "reason"]
        assert row["extent"] == "full"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_value_of_the_person_is_printed_also_not_in_names_of_folders_files_and_tables(dsr: Dsr, company: Company, form: tuple[str, ...]) -> None:
    folder = company.files / EMAIL
    folder.mkdir()
    (folder / "Roe, Jane.txt").write_text("her letters", encoding="utf-8")
    (company.files / f"{EMAIL}.csv").write_text(f"id,email\n1,{EMAIL}\n", encoding="utf-8")
    (company.files / f"call {PHONE}.txt").write_text("a note", encoding="utf-8")
    (company.mail / f".{EMAIL}").mkdir()
    for part in ("cur", "new", "tmp"):
        (company.mail / f".{EMAIL}" / part).mkdir()
    said = dsr("find", *WHO, *company.urls(), *form)
    assert traces_in(said.all) == []
    assert "•••" in said.out


def test_nobody_found_and_everything_looked_at_is_exit_code_0(dsr: Dsr, company: Company) -> None:
    said = dsr("find", "--email", "nobody@example.net", *company.urls())
    assert said.code == 0
    assert "nothing was found" in said.out


def test_a_file_that_cannot_be_read_is_exit_code_3_and_a_reason_never_silence(dsr: Dsr, company: Company) -> None:
    (company.files / "broken.zip").write_bytes(b"PK\x03\x04" + os.urandom(2000))
    said = dsr("find", *WHO, *company.urls(), "--json")
    assert said.code == 3
    partial = [row for row in json.loads(said.out)["coverage"] if row["extent"] != "full"]
    assert [row["system"] for row in partial] == ["files"]
    assert partial[0]["reason"]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:1/till",
        "mysql://root@127.0.0.1:1/till",
        "imap://somebody:geheim@127.0.0.1:1",
        "maildir:{plain}",
        "sqlite:///{garbage}",
    ],
)
def test_a_system_that_cannot_be_read_is_a_coverage_row_and_the_others_are_searched(dsr: Dsr, company: Company, tmp_path: Path, url: str) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "garbage").write_bytes(os.urandom(5000))
    said = dsr("find", *WHO, "--in", url.format(plain=tmp_path / "plain", garbage=tmp_path / "garbage"), "--in", company.shop, "--json")
    assert said.code == 3
    document = json.loads(said.out)
    assert [row["extent"] for row in document["coverage"] if row["system"] != "shop"][:1] == ["none"]
    assert any(row["system"] == "shop" for row in document["findings"])
    assert "geheim" not in said.all


def test_two_systems_of_one_name_are_told_apart(dsr: Dsr, company: Company, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    twin = other / "shop.db"
    twin.write_bytes(company.shop.read_bytes())
    document = json.loads(dsr("find", *WHO, "--in", company.shop, "--in", twin, "--json").out)
    assert {row["system"] for row in document["coverage"]} == {"shop", "shop-2"}


def test_without_in_the_declared_systems_are_searched(dsr: Dsr, company: Company, home: Path) -> None:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    document = json.loads(dsr("--home", home, "find", *WHO, "--json").out)
    assert {row["system"] for row in document["coverage"]} == {"shop"}
    assert document["findings"]


def test_a_file_whose_name_is_no_text_is_a_gap_and_not_an_error(dsr: Dsr, company: Company) -> None:
    with open(os.path.join(os.fsencode(company.files), b"caf\xe9.txt"), "wb") as file:  # noqa: PTH118, PTH123  # a name that is not text
        file.write(EMAIL.encode())
    said = dsr("find", *WHO, "--in", company.files, "--json")
    assert said.code == 3
    assert "UTF-8" in json.loads(said.out)["coverage"][0]["reason"]


def test_it_finds_in_an_s3_bucket(dsr: Dsr, moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto_s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto_s3.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3 = boto3.client("s3", endpoint_url=moto_s3.endpoint)
    s3.create_bucket(Bucket="cli-finding")
    s3.put_object(Bucket="cli-finding", Key=f"exports/{EMAIL}/letters.txt", Body=f"Dear {NAME}".encode())
    s3.put_object(Bucket="cli-finding", Key="exports/others.txt", Body=b"Dear Zoe")
    said = dsr("find", *WHO, "--in", "s3://cli-finding/exports", "--endpoint-url", moto_s3.endpoint, "--json")
    assert said.code == 0
    assert len(json.loads(said.out)["findings"]) >= 1
    assert traces_in(said.all) == []


def test_it_finds_in_postgresql_by_user_and_password_of_the_url(dsr: Dsr, postgres_server: PostgresServer, postgres_database: str) -> None:
    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (id int PRIMARY KEY, email text)")
        connection.execute("INSERT INTO customers VALUES (1, 'zoe@example.org'), (2, %s)", (EMAIL.upper(),))
    said = dsr("find", *WHO, "--in", postgres_server.url(postgres_database), "--json")
    assert said.code == 0
    assert [row["locator"] for row in json.loads(said.out)["findings"]] == ["2"]


def test_a_password_is_taken_from_the_environment_and_never_printed(
    dsr: Dsr, mariadb_server: MariadbServer, mariadb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb_server.run(f"CREATE TABLE {mariadb_database}.customers (id INT PRIMARY KEY, email VARCHAR(80))")
    mariadb_server.run(f"INSERT INTO {mariadb_database}.customers VALUES (1, 'zoe@example.org'), (2, '{EMAIL.upper()}')")
    mariadb_server.run("CREATE OR REPLACE USER reader@'127.0.0.1' IDENTIFIED BY 'ge@heim'")
    mariadb_server.run(f"GRANT SELECT ON {mariadb_database}.* TO reader@'127.0.0.1'")
    url = f"mysql://reader:${{SHOP_PASSWORD}}@127.0.0.1:{mariadb_server.port}/{mariadb_database}"
    monkeypatch.setenv("SHOP_PASSWORD", "ge@heim")
    said = dsr("find", *WHO, "--in", url, "--json")
    assert said.code == 0, said.all
    assert [row["locator"] for row in json.loads(said.out)["findings"]] == ["2"]
    monkeypatch.setenv("SHOP_PASSWORD", "geheimer")
    refused = dsr("find", *WHO, "--in", url, "--json")
    assert refused.code == 3
    assert "geheim" not in refused.all
    assert [row["extent"] for row in json.loads(refused.out)["coverage"]] == ["none"]
    monkeypatch.delenv("SHOP_PASSWORD")
    assert "SHOP_PASSWORD" in dsr("find", *WHO, "--in", url).err


def test_it_finds_in_a_mailbox_over_imap(dsr: Dsr, dovecot: DovecotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    user, password = dovecot.new_user()
    session = dovecot.login(user, password)
    for number, sender in enumerate((EMAIL, "zoe@example.org")):
        mail = f"From: {sender}\r\nTo: a@example.org\r\nSubject: Tea\r\nMessage-ID: <{number}@x>\r\n\r\nhello\r\n"
        session.append("INBOX", "", "", mail.encode())
    session.logout()
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    monkeypatch.setenv("DSR_IMAP_PASSWORD", password)
    said = dsr("find", *WHO, "--in", f"imaps://{user}@localhost:{dovecot.tls_port}", "--json")
    assert said.code == 0, said.all
    assert len(json.loads(said.out)["findings"]) == 1
    monkeypatch.setenv("DSR_IMAP_PASSWORD", "geheim")
    refused = dsr("find", *WHO, "--in", f"imaps://{user}@localhost:{dovecot.tls_port}", "--json")
    assert refused.code == 3
    assert "geheim" not in refused.all


def test_mails_of_an_mbox_are_told_by_when_they_came_and_not_by_digests(dsr: Dsr, tmp_path: Path) -> None:
    mail = f"From shop@example.com Thu Mar  4 05:06:07 2021\nFrom: {EMAIL}\nMessage-ID: <1@x>\n\nhello\n\n"
    (tmp_path / "old.mbox").write_text(mail + mail.replace("hello", "again"), encoding="utf-8")
    rows = json.loads(dsr("find", "--email", EMAIL, "--in", f"mbox:{tmp_path / 'old.mbox'}", "--json").out)["findings"]
    names = [re.fullmatch(r"mail ([0-9a-f]{8}) of 2021-03-04 05:06 UTC", row["locator"]) for row in rows]
    assert len({found[1] for found in names if found}) == 2, rows
