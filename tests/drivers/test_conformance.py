"""The conformance suite on every driver and every server that is here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.conformance import Bench, Conformance
from tests.drivers.file_benches import BucketBench, FolderBench
from tests.drivers.memory_bench import MemoryBench
from tests.drivers.sql_bench import SqlBench
from tests.drivers.sql_database import SqlDatabase
from tests.servers.s3_server import S3Server


class TestMemory(Conformance):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()


class TestFolder(Conformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return FolderBench(tmp_path)


class TestMotoPlain(Conformance):
    @pytest.fixture
    def bench(self, moto_s3: S3Server) -> Iterator[Bench]:
        bench = BucketBench(moto_s3, versions=False)
        yield bench
        bench.close()


class TestMotoVersions(Conformance):
    @pytest.fixture
    def bench(self, moto_s3: S3Server) -> Iterator[Bench]:
        bench = BucketBench(moto_s3, versions=True)
        yield bench
        bench.close()


class TestSeaweedPlain(Conformance):
    @pytest.fixture
    def bench(self, seaweedfs: S3Server) -> Iterator[Bench]:
        bench = BucketBench(seaweedfs, versions=False)
        yield bench
        bench.close()


class TestSeaweedVersions(Conformance):
    @pytest.fixture
    def bench(self, seaweedfs: S3Server) -> Iterator[Bench]:
        bench = BucketBench(seaweedfs, versions=True)
        yield bench
        bench.close()


class TestSql(Conformance):
    """On SQLite, PostgreSQL and MariaDB in turn. Mail stores run the suite in `test_mailstore_conformance.py`."""

    @pytest.fixture
    def bench(self, sql_database: SqlDatabase) -> Bench:
        return SqlBench(sql_database)
