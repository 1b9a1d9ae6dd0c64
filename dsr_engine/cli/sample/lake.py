"""The sample company's bucket, on an embedded S3: exports as CSV, gzip, JSON lines and zip, with an older version of one of them."""

import gzip
import io
import json
import logging
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import boto3

from dsr_engine.cli.sample.people import SUBJECT, Person
from dsr_engine.domain.errors import NotSupported

BUCKET = "lake"
KEY, SECRET, REGION = "sample", "sample-secret", "us-east-1"


@contextmanager
def embedded_s3() -> Iterator[str]:
    """An S3 in this process, empty and gone at the end; gives its URL. Raises `NotSupported` without the extra `demo`."""
    try:
        from moto.server import ThreadedMotoServer  # noqa: PLC0415  # an optional extra
    except ImportError:
        raise NotSupported("the demo needs its embedded S3", code="extra.demo", hint="pip install 'dsr-engine[demo]'") from None
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would log every request of the demo
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client(endpoint: str) -> Any:
    """A client of the embedded S3."""
    return boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)


def build_lake(endpoint: str, people: Sequence[Person], today: date) -> None:
    """Fills the bucket. The subject is in a CSV, in its older version, in gzip and zip members, in JSON lines and in a chat."""
    s3 = client(endpoint)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def put(key: str, body: bytes) -> None:
        s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata={"made-on": str(today)})

    put("exports/customers.csv", _csv(people[:40]))
    put("exports/customers.csv", _csv(people))
    put("exports/customers-2024.csv.gz", gzip.compress(_csv(people[:60]), mtime=0))
    put("archive/quarter.zip", _zip({"readme.txt": b"Numbers of the quarter.\n", "customers.csv": _csv(people[:30])}))
    put("events/2026-10.jsonl", _events(people))
    chat = "".join(f"{person.name.split()[0]}: thanks!\n" for person in people[3:20])
    put("support/chat.txt", f"{chat}Ida: and {SUBJECT.email.upper()} called again.\n{chat}".encode())
    for person in people[3:83]:
        put(f"letters/{person.number}.txt", f"Dear {person.name},\n\nwelcome.\n".encode())


def _csv(people: Sequence[Person]) -> bytes:
    lines = ["number;name;email;city"] + [f"{person.number};{person.name};{person.email};{person.city}" for person in people]
    return ("\n".join(lines) + "\n").encode()


def _events(people: Sequence[Person]) -> bytes:
    rows = [{"event": "click", "user": {"email": person.email}, "page": index % 9} for index, person in enumerate((*people, *people, *people))]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def versions_of_lake(endpoint: str) -> Iterator[tuple[str, bytes]]:
    """Every object version as (place, bytes), the newest of a key first."""
    s3 = client(endpoint)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
        for age, version in _aged(page.get("Versions", [])):
            body = s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
            yield f"lake {version['Key']} (version {age})", body


def _aged(versions: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Versions with their age in steps: 0 is the current one. S3 lists the versions of a key newest first."""
    seen: dict[str, int] = {}
    for version in versions:
        age = seen.get(version["Key"], 0)
        seen[version["Key"]] = age + 1
        yield age, version
