"""Known records read again, by every driver: all of a row or a mail, of a file only what passes the gate; never another record, never too much."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.domain.errors import DsrError, Unreachable
from dsr_engine.domain.record import Locator, Record
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.system import Manifest, System
from dsr_engine.drivers.driver import Driver
from dsr_engine.drivers.mailstore.driver import MailstoreDriver
from dsr_engine.drivers.mailstore.reading import MailstoreReader
from dsr_engine.drivers.objectstore.reading import ObjectstoreReader
from dsr_engine.drivers.reading import CUT, Bounds, Reader
from dsr_engine.drivers.registry import open_reader
from dsr_engine.drivers.sql.asking.reading import SqlReader
from dsr_engine.drivers.wrapped import guarded_reader
from tests.drivers.file_benches import BucketBench, FolderBench, file_system
from tests.drivers.memory import Memory
from tests.drivers.memory_bench import MemoryBench
from tests.drivers.memory_reading import MemoryReader
from tests.drivers.people import NEIGHBOURS, PERSON, WordGate, about
from tests.drivers.sql_database import BLOB, SqlDatabase
from tests.servers.s3_server import S3Server

WIDE = Bounds(characters=100_000, seconds=30)


def read(reader: Reader, *locators: Locator, bounds: Bounds = WIDE, gate: WordGate | None = None) -> Mapping[Locator, Record | None]:
    try:
        answers = list(reader.read(locators, gate or WordGate(), bounds))
    finally:
        reader.close()
    assert sorted(map(repr, (answer.locator for answer in answers))) == sorted(map(repr, locators)), "one answer for each place"
    return {answer.locator: answer.record for answer in answers}


def found(driver: Driver) -> list[Record]:
    """What a search for the person brings."""
    query = about(PERSON)
    try:
        return [event for part in list(driver.slices(query)) for event in driver.find(query, part) if isinstance(event, Record)]
    finally:
        driver.close()


def texts(record: Record | None) -> str:
    assert record is not None
    return "\n".join(unit.text for unit in record.units)


# --- SQL ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(sql_database: SqlDatabase) -> SqlDatabase:
    kind = BLOB[sql_database.kind]
    sql_database.run(f"CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(100), note VARCHAR(9000), paper {kind})")
    rows = [(1, PERSON, "tea", b"From: x\n"), (2, NEIGHBOURS[0], "coffee", None), (3, PERSON, "x" * 5000, f"one {PERSON}".encode())]
    sql_database.insert("people", [{"id": key, "email": email, "note": note, "paper": paper} for key, email, note, paper in rows])
    return sql_database


def _sql(database: SqlDatabase) -> SqlReader:
    return SqlReader(System("shop", Manifest("shop", "sql"), {"url": Secret(database.url)}))


def test_a_row_comes_whole_and_no_other(table: SqlDatabase) -> None:
    one, gone = Locator("shop", "people", ("1",)), Locator("shop", "people", ("9",))
    answers = read(_sql(table), one, gone)
    assert {unit.place: unit.text for unit in answers[one].units if "/" not in unit.place} == {"id": "1", "email": PERSON, "note": "tea"}  # type: ignore[union-attr]  # it is there
    assert answers[gone] is None
    assert NEIGHBOURS[0] not in texts(answers[one])


def test_what_a_search_finds_in_a_row_is_found_in_it_again(table: SqlDatabase) -> None:
    records = {record.locator: record for record in found(table.driver())}
    answers = read(_sql(table), *records)
    for locator, record in records.items():
        again = answers[locator]
        assert again is not None
        assert {(unit.place, unit.text) for unit in record.units} <= {(unit.place, unit.text) for unit in again.units}
        assert again.server == record.server


def test_a_long_row_is_cut_and_says_so(table: SqlDatabase) -> None:
    place = Locator("shop", "people", ("3",))
    record = read(_sql(table), place, bounds=replace(WIDE, characters=1000))[place]
    assert record is not None
    assert sum(len(unit.text) for unit in record.units) <= 1000
    assert [gap.code for gap in record.gaps] == [CUT]


def test_no_time_is_a_gap_and_no_silence(table: SqlDatabase) -> None:
    places = [Locator("shop", "people", (key,)) for key in ("1", "3")]
    for record in read(_sql(table), *places, bounds=replace(WIDE, seconds=-1)).values():
        assert record is not None
        assert [gap.code for gap in record.gaps] == [CUT]


def test_rows_of_a_table_without_a_key_are_known_by_what_they_hold(sql_database: SqlDatabase) -> None:
    sql_database.run("CREATE TABLE log (who VARCHAR(100), what VARCHAR(100))")
    sql_database.insert("log", [{"who": who, "what": "came"} for who in (PERSON, PERSON, *NEIGHBOURS)])
    (place,) = {record.locator for record in found(sql_database.driver())}
    assert texts(read(_sql(sql_database), place)[place]) == f"{PERSON}\ncame"
    sql_database.run("UPDATE log SET what = 'went'")
    assert read(_sql(sql_database), place)[place] is None


# --- mail --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    root = tmp_path / "mail"
    for name in ("cur", "new", "tmp"):
        (root / name).mkdir(parents=True)
    for number, who in enumerate((PERSON, NEIGHBOURS[0]), start=1):
        (root / "cur" / f"{number}.mail:2,S").write_text(f"From: {who}\nTo: shop@example.com\nSubject: tea\n\nOne line.\nAnother line.\n")
    return root


def _mail(root: Path) -> System:
    return System("mail", Manifest("maildir", "mailstore"), {"url": Secret(f"maildir:{root}")})


def test_a_mail_comes_whole_also_the_lines_that_name_nobody(maildir: Path) -> None:
    (record,) = found(MailstoreDriver(_mail(maildir)))
    again = read(MailstoreReader(_mail(maildir)), record.locator)[record.locator]
    assert "Another line." in texts(again)
    assert NEIGHBOURS[0] not in texts(again)
    (maildir / "cur" / "1.mail:2,S").unlink()
    assert read(MailstoreReader(_mail(maildir)), record.locator)[record.locator] is None


def test_a_mail_that_takes_too_long_or_is_too_long_says_so(maildir: Path) -> None:
    (record,) = found(MailstoreDriver(_mail(maildir)))
    for bounds in (replace(WIDE, seconds=-1), replace(WIDE, characters=3)):
        again = read(MailstoreReader(_mail(maildir)), record.locator, bounds=bounds)[record.locator]
        assert again is not None
        assert CUT in [gap.code for gap in again.gaps]


# --- files -------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["folder", "bucket", "versions"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FolderBench | BucketBench]:
    if request.param == "folder":
        yield FolderBench(tmp_path)
        return
    server: S3Server = request.getfixturevalue("moto_s3")
    bench = BucketBench(server, versions=request.param == "versions")
    yield bench
    bench.close()


def _files(bench: FolderBench | BucketBench) -> ObjectstoreReader:
    if isinstance(bench, FolderBench):
        return ObjectstoreReader(file_system(url=f"folder:{bench.root}"))
    server = bench.server
    return ObjectstoreReader(
        file_system(
            url=f"s3://{bench.bucket}/",
            endpoint_url=server.endpoint,
            region="us-east-1",
            access_key=server.access_key,
            secret_key=server.secret_key,
        )
    )


def test_of_a_file_only_what_passes_the_gate_comes(files: FolderBench | BucketBench) -> None:
    files.put("o1", PERSON)
    files.put("o2", NEIGHBOURS[0])
    (record,) = found(files.driver())
    again = read(_files(files), record.locator)[record.locator]
    assert texts(again) == f"from {PERSON}, by post"
    assert again is not None
    assert again.server == record.server


def test_a_file_or_version_that_is_gone_is_gone(files: FolderBench | BucketBench) -> None:
    files.put("o1", PERSON)
    (record,) = found(files.driver())
    away = Locator(record.locator.system, record.locator.collection, ("orders/none.txt", *record.locator.key[1:]))
    assert read(_files(files), away)[away] is None


def test_a_file_that_takes_too_long_says_so(files: FolderBench | BucketBench) -> None:
    files.put("o1", PERSON)
    (record,) = found(files.driver())
    again = read(_files(files), record.locator, bounds=replace(WIDE, seconds=-1))[record.locator]
    assert again is not None
    assert (again.units, [gap.code for gap in again.gaps]) == ((), [CUT])


# --- in general --------------------------------------------------------------------------------------------------------------------


def test_the_reader_in_memory_reads_what_its_driver_found() -> None:
    bench = MemoryBench()
    bench.put("o1", PERSON)
    bench.put("o2", NEIGHBOURS[0])
    (record,) = found(bench.driver())
    system = System("fake", Manifest("memory", "memory"))
    memory = Memory({"orders": {"o1": {"email": PERSON, "text": "tea"}}})
    assert texts(read(MemoryReader(system, memory), record.locator)[record.locator]) == f"{PERSON}\ntea"
    memory.is_down = True
    with pytest.raises(Unreachable):
        read(MemoryReader(system, memory), record.locator)


def test_a_system_that_no_driver_reads_has_no_reader() -> None:
    assert open_reader(System("paper", Manifest("paper", "manual"))) is None


def test_an_error_of_a_reader_says_no_value(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT)")
    reader = open_reader(System("shop", Manifest("shop", "sql"), {"url": Secret(f"sqlite:///{path}")}))
    assert reader is not None
    with caplog.at_level("DEBUG"), pytest.raises(DsrError) as refused:
        read(reader, Locator("shop", "nowhere", (PERSON,)))
    assert PERSON not in str(refused.value) + caplog.text

    class Clumsy(MemoryReader):
        def close(self) -> None:
            raise_with(PERSON)

    clumsy = guarded_reader(lambda system: Clumsy(system, None), System("fake", Manifest("memory", "memory")))  # type: ignore[arg-type]  # a mistake, as a driver may make one
    with caplog.at_level("DEBUG"), pytest.raises(DsrError) as failed:
        list(clumsy.read((Locator("fake", "orders", (PERSON,)),), WordGate(), WIDE))
    assert PERSON not in str(failed.value) + caplog.text


def raise_with(text: str) -> None:
    raise RuntimeError(text)
