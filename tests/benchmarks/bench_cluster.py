"""Two worker processes against one, on a folder of 1,000 mixed files: `pytest -m benchmark tests/benchmarks/bench_cluster.py`.

Both are measured one after the other, as fast as the best of three, over the same cluster software; the second has one worker more.
"""

import gzip
import io
import json
import random
import time
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from dsr_engine.cluster.searching import ClusterSearchers
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers.registry import open_driver
from dsr_engine.settings import ClusterSettings
from dsr_engine.spec.url import system_from_url
from dsr_engine.workflow.find import Found, find_person
from dsr_engine.workflow.house import Silence
from tests.servers.cluster import cluster_of

_FILES = 1000
_PERSON = "ida.lindqvist@example.org"


def _text(chance: random.Random, lines: int, who: str) -> bytes:
    words = [f"{chance.choice('bcdfgh')}{chance.choice('aeiou')}{chance.randrange(999)}" for _ in range(400)]
    rows = [" ".join(chance.choices(words, k=12)) for _ in range(lines)]
    rows[chance.randrange(lines)] += f" {who}"
    return "\n".join(rows).encode()


def _mail(body: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.net", "b@example.net", "what there is"
    mail.set_content(body.decode())
    mail.add_attachment(body, maintype="text", subtype="csv", filename="rows.csv")
    return mail.as_bytes()


def _zipped(body: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("one.txt", body)
        zipped.writestr("two.csv", body)
    return archive.getvalue()


def _rows(body: bytes) -> bytes:
    return b"".join(json.dumps({"number": number, "text": line.decode()}).encode() + b"\n" for number, line in enumerate(body.split(b"\n")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text, CSV, mail, gzip, zip and JSON lines, about a megabyte of text each; the person is in every tenth."""
    root = tmp_path_factory.mktemp("mixed")
    chance = random.Random(6)
    kinds = (
        (".txt", bytes),
        (".csv", lambda body: body.replace(b" ", b",")),
        (".eml", _mail),
        (".gz", gzip.compress),
        (".zip", _zipped),
        (".jsonl", _rows),
    )
    for number in range(_FILES):
        ending, made = kinds[number % len(kinds)]
        body = _text(chance, 2000, _PERSON if number % 10 == 0 else "somebody.else@example.net")
        (root / f"{number:04}{ending}").write_bytes(made(body))
    return root


def _search(folder: Path, searchers: ClusterSearchers) -> Found:
    selectors = (Selector("s1", "email", Secret(_PERSON), verified=True),)
    return find_person(selectors, (system_from_url(str(folder)),), open_driver, searchers, Silence())


def _fastest(folder: Path, workers: int) -> Iterator[float]:
    with cluster_of(workers) as cluster:
        searchers = ClusterSearchers(ClusterSettings(cluster.address))
        try:
            for _ in range(3):
                begin = time.perf_counter()
                found = _search(folder, searchers)
                yield time.perf_counter() - begin
                assert len({entry.locator.key for entry in found.findings}) == _FILES // 10
                assert all(row.extent is Extent.FULL for row in found.coverage)
        finally:
            searchers.close()


@pytest.mark.benchmark
def test_two_processes_search_a_folder_faster_than_one(folder: Path) -> None:
    one, two = (min(_fastest(folder, workers)) for workers in (1, 2))
    print(f"\n1,000 mixed files: one process {one:.1f} s, two {two:.1f} s: {one / two:.2f} × (wanted: 1.7)")
    assert one / two >= 1.7
