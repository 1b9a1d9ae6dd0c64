"""A company as small as can be: one record of the person, and some of other people, in a database, a Maildir, a folder and a bucket.

Everything in it is written and read here by other means than the engine's: the standard library, and boto3 for the bucket.
"""

import mailbox
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from tests.servers.s3_server import S3Server

EMAIL = "ida.lindqvist@example.org"
NAME = "Ida Lindqvist"
PHONE = "+49 30 901820"
BOB = "bob.marsh@example.net"

SHOP_CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name}
  orders:
    key: [id]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
  tickets:
    key: [id]
    fields:
      body: {category: user.content, search: text}
discover: rest
"""
FILES_CONNECTOR = """\
connector: files
driver: objectstore
collections:
  "*.csv":
    fields:
      email: {category: user.contact.email, selects: email}
discover: rest
"""
POLICY = """\
policy: ours
about: The tests' policy.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: mentions
    when: {category: user, match: mentions}
    then: redact
  - name: what is theirs
    when: {category: user}
    then: delete
request: {approval: one_person, superseded: delete}
"""
SHOP = f"""\
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), note TEXT);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}'), (18, '{BOB}', 'Bob Marsh');
INSERT INTO orders VALUES (171, 17, 'leave it at the door'), (181, 18, 'ring twice');
INSERT INTO tickets VALUES (1, 'Please call {EMAIL} about tea.'), (2, 'The lamp is broken.');
"""
_CSV = f"number,email\n17,{EMAIL}\n18,{BOB}\n"
_BUCKET = "exports"


@dataclass(frozen=True)
class Company:
    """`folder` holds the home and the data. `systems` are the entries of systems.yaml by name."""

    folder: Path
    bucket: str = ""
    s3: S3Server | None = None
    systems: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def shop(self) -> Path:
        return self.folder / "shop.db"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"S3_KEY": self.s3.access_key, "S3_SECRET": self.s3.secret_key} if self.s3 else {}

    @cached_property
    def client(self) -> Any:
        assert self.s3 is not None
        return boto3.client(
            "s3",
            endpoint_url=self.s3.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.s3.access_key,
            aws_secret_access_key=self.s3.secret_key,
        )

    # --- declaring ---------------------------------------------------------------------------------------------------

    def declare(self, name: str, entry: str) -> None:
        """Adds a system to systems.yaml, or replaces it."""
        self.systems[name] = entry
        text = "systems:\n" + "".join(f"  {key}: {{{value}}}\n" for key, value in self.systems.items())
        (self.home / "systems.yaml").write_text(text, encoding="utf-8")

    def connector(self, text: str) -> None:
        name = text.partition("\n")[0].removeprefix("connector: ")
        (self.home / "connectors" / f"{name}.yaml").write_text(text, encoding="utf-8")

    def policy(self, text: str) -> None:
        (self.home / "policies" / "ours.yaml").write_text(text, encoding="utf-8")

    def request(self, terms: str) -> None:
        """The tests' policy with these terms in `request`."""
        self.policy(POLICY.replace("approval: one_person, superseded: delete", terms))

    def keep_store_in(self, url: str) -> None:
        """Has the home keep its store in the PostgreSQL database of this URL instead of a file."""
        settings = self.home / "dsr.toml"
        text = settings.read_text(encoding="utf-8")
        assert "sqlite:///dsr.db" in text
        settings.write_text(text.replace("sqlite:///dsr.db", url), encoding="utf-8")

    # --- filling -----------------------------------------------------------------------------------------------------

    def add_shop(self, script: str = SHOP, connector: str = SHOP_CONNECTOR) -> None:
        self.sql(script)
        self.connector(connector)
        self.declare("shop", f'connector: shop, owner: shop@example.com, url: "sqlite:///{self.shop}"')

    def add_mail(self) -> None:
        """A mail of the person's, one of somebody else that names her, and one that does not."""
        mailbox.Maildir(self.mail, create=True).close()
        for number, (sender, named) in enumerate(((EMAIL, EMAIL), (BOB, EMAIL), (BOB, BOB)), start=1):
            self.deliver(f"From: {sender}\nTo: shop@example.com\nSubject: Order {number}\n\nPlease answer {named} soon.\n", f"{number}.mail.host")
        self.declare("mail", f'connector: maildir, owner: office@example.com, url: "maildir:{self.mail}"')

    def deliver(self, text: str, name: str) -> Path:
        path = self.mail / "cur" / f"{name}:2,S"
        path.write_bytes(text.encode())
        return path

    def add_files(self) -> None:
        self.files.mkdir()
        (self.files / "people.csv").write_text(_CSV, encoding="utf-8")
        (self.files / "readme.txt").write_text("Nothing personal.\n", encoding="utf-8")
        self.connector(FILES_CONNECTOR)
        self.declare("files", f'connector: files, owner: office@example.com, url: "folder:{self.files}"')

    def add_bucket(self) -> None:
        """One object with an older version that holds the person too, and one of somebody else."""
        assert self.s3 is not None
        self.client.create_bucket(Bucket=self.bucket)
        self.client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        for key, body in (("people.csv", _CSV.replace("17", "16")), ("people.csv", _CSV), ("readme.txt", "Nothing personal.\n")):
            self.put(key, body)
        self.connector(FILES_CONNECTOR)
        keys = 'access_key: "${S3_KEY}", secret_key: "${S3_SECRET}"'
        entry = f'connector: files, owner: data@example.com, bucket: {self.bucket}, endpoint_url: "{self.s3.endpoint}", region: us-east-1, {keys}'
        self.declare("bucket", entry)

    def put(self, key: str, body: str) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body.encode())

    # --- looking -----------------------------------------------------------------------------------------------------

    def sql(self, script: str) -> None:
        with closing(sqlite3.connect(self.shop)) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # no test cuts the power
            connection.executescript(script)
            connection.commit()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.shop)) as connection:
            return connection.execute(query).fetchall()

    def everything(self) -> dict[str, bytes]:
        """Every row, mail, file and object version of the company; also drafts and temporary files, were some left behind."""
        found = dict(self._rows())
        for root in (self.mail, self.files):
            if root.exists():
                found |= {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
        return found | dict(self._objects())

    def _rows(self) -> Iterator[tuple[str, bytes]]:
        if self.shop.exists():
            for (table,) in self.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"):
                for row in self.rows(f'SELECT rowid, * FROM "{table}" ORDER BY rowid'):
                    yield f"{table} {row[0]}", repr(row[1:]).encode()

    def _objects(self) -> Iterator[tuple[str, bytes]]:
        """Object versions by key and age in steps (0 is the newest): their ids differ from run to run."""
        if self.s3 is None:
            return
        listing = self.client.list_object_versions(Bucket=self.bucket)
        seen: dict[str, int] = {}
        for version in listing.get("Versions", []):
            age = seen[version["Key"]] = seen.get(version["Key"], -1) + 1
            body = self.client.get_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
            yield f"object {version['Key']} -{age}", body
        for marker in listing.get("DeleteMarkers", []):
            yield f"marker {marker['Key']}", b""


def founded(home: Path, folder: Path, kinds: Sequence[str] = ("shop",), *, s3: S3Server | None = None, bucket: str = _BUCKET) -> Company:
    """A company in the new folder with a copy of an empty home, and data in systems of these kinds (`shop`, `mail`, `files`, `bucket`)."""
    folder.mkdir(parents=True, exist_ok=True)
    company = Company(folder, bucket, s3 if "bucket" in kinds else None)
    shutil.copytree(home, company.home)
    for kind in kinds:
        {"shop": company.add_shop, "mail": company.add_mail, "files": company.add_files, "bucket": company.add_bucket}[kind]()
    company.policy(POLICY)
    return company


def of_any_case(data: bytes) -> bytes:
    """A file without what is of one case only: a rewritten mail bears the reference of its case, which chance makes for each."""
    return re.sub(rb"X-DSR-Redacted: [0-9a-f]{12}", b"X-DSR-Redacted: reference", data)
