"""The suite of readers on every driver and every server that is here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.reading import Reader
from dsr_engine.drivers.registry import open_reader
from dsr_engine.drivers.wrapped import guarded_reader
from tests.drivers.conformance import Bench
from tests.drivers.file_benches import BucketBench, FolderBench, file_system
from tests.drivers.mailstore_boxes import DovecotBox, EmlBox, MaildirBox, MboxBox
from tests.drivers.memory_bench import MemoryBench
from tests.drivers.memory_reading import MemoryReader
from tests.drivers.reader_conformance import OpenReader, ReaderConformance
from tests.drivers.sql_bench import SqlBench
from tests.drivers.sql_database import SqlDatabase
from tests.drivers.test_mailstore_conformance import MailBench
from tests.servers.dovecot import DovecotServer
from tests.servers.s3_server import S3Server


@pytest.fixture
def opening() -> Iterator[Callable[[System], Reader]]:
    """Opens readers, and closes them when the test is over."""
    opened: list[Reader] = []

    def open_one(system: System) -> Reader:
        reader = open_reader(system)
        assert reader is not None
        opened.append(reader)
        return reader

    yield open_one
    for reader in opened:
        reader.close()


class TestMemory(ReaderConformance):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()

    @pytest.fixture
    def open_it(self, bench: MemoryBench) -> OpenReader:
        return lambda: guarded_reader(lambda system: MemoryReader(system, bench.memory), System("fake", Manifest("memory", "memory")))


class TestFolder(ReaderConformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return FolderBench(tmp_path)

    @pytest.fixture
    def open_it(self, bench: FolderBench, opening: Callable[[System], Reader]) -> OpenReader:
        return lambda: opening(file_system(url=f"folder:{bench.root}"))


class _Bucket(ReaderConformance):
    versions = False

    @pytest.fixture
    def open_it(self, bench: BucketBench, opening: Callable[[System], Reader]) -> OpenReader:
        return lambda: opening(bucket_system(bench))


class _Moto(_Bucket):
    @pytest.fixture
    def bench(self, moto_s3: S3Server) -> Iterator[Bench]:
        bench = BucketBench(moto_s3, versions=self.versions)
        yield bench
        bench.close()


class _Seaweed(_Bucket):
    @pytest.fixture
    def bench(self, seaweedfs: S3Server) -> Iterator[Bench]:
        bench = BucketBench(seaweedfs, versions=self.versions)
        yield bench
        bench.close()


class TestMotoPlain(_Moto): ...


class TestMotoVersions(_Moto):
    versions = True


class TestSeaweedPlain(_Seaweed): ...


class TestSeaweedVersions(_Seaweed):
    versions = True


class TestSql(ReaderConformance):
    """On SQLite, PostgreSQL and MariaDB in turn."""

    @pytest.fixture
    def bench(self, sql_database: SqlDatabase) -> Bench:
        return SqlBench(sql_database)

    @pytest.fixture
    def open_it(self, bench: Bench, sql_database: SqlDatabase, opening: Callable[[System], Reader]) -> OpenReader:
        assert bench.can_rewrite  # its tables are there
        return lambda: opening(System("shop", Manifest("shop", "sql"), {"url": Secret(sql_database.url)}))


class _Mail(ReaderConformance):
    has_originals = True

    @pytest.fixture
    def open_it(self, bench: MailBench, opening: Callable[[System], Reader]) -> OpenReader:
        return lambda: opening(bench.box.system())


class TestMaildir(_Mail):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = MailBench(MaildirBox(tmp_path / "Maildir"))
        yield bench
        bench.close()


class TestMbox(_Mail):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = MailBench(MboxBox(tmp_path / "mail"))
        yield bench
        bench.close()


class TestEml(_Mail):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Iterator[Bench]:
        bench = MailBench(EmlBox(tmp_path / "exported"))
        yield bench
        bench.close()


class TestDovecot(_Mail):
    @pytest.fixture
    def bench(self, dovecot: DovecotServer) -> Iterator[Bench]:
        bench = MailBench(DovecotBox(dovecot))
        yield bench
        bench.close()


def bucket_system(bench: BucketBench) -> System:
    server = bench.server
    settings = {"endpoint_url": server.endpoint, "region": "us-east-1", "access_key": server.access_key, "secret_key": server.secret_key}
    return file_system(None, url=f"s3://{bench.bucket}/", **settings)
