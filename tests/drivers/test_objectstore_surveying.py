"""What a bucket or folder is seen to hold: which collections its files make, their columns, what stands in texts, what was not looked at."""

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dsr_engine.drivers.objectstore.grouping import SPREAD, Group, groups_of
from dsr_engine.drivers.objectstore.shelf import Stored
from dsr_engine.drivers.objectstore.surveying import ObjectstoreSurveyor, full_surveyor
from dsr_engine.drivers.objectstore.tracing import place_pattern
from dsr_engine.drivers.survey import Sample, Traces
from tests.drivers.file_benches import file_system

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
ROWS = "".join(f"{number},c{number}@mail.example,+49 30 9018{number:02}\n" for number in range(60))
TABLE = f"id,email,tel\n{ROWS}".encode()


def lay(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def surveyed(root: Path, *, is_full: bool = False) -> dict[str, Sample]:
    surveyor = (full_surveyor if is_full else ObjectstoreSurveyor)(file_system(url=f"folder:{root}"))
    try:
        return {facts.name: surveyor.sample(facts.name, 100) for facts in surveyor.describe()}
    finally:
        surveyor.close()


def seen(sample: Sample) -> dict[tuple[str, str], Traces]:
    return {(trace.place, trace.kind): trace for trace in sample.traces}


def grouped(paths: Sequence[str]) -> dict[str, str]:
    grouping = groups_of(paths)
    return {path: grouping.collection_of(path) for path in paths}


def test_tables_are_collections_by_what_they_are_called() -> None:
    assert grouped(["exports/customers-2024-01.csv", "exports/customers-2024-02.csv", "exports/products.csv", "exports/readme.txt"]) == {
        "exports/customers-2024-01.csv": "exports/customers*.csv",
        "exports/customers-2024-02.csv": "exports/customers*.csv",
        "exports/products.csv": "exports/products.csv",
        "exports/readme.txt": "exports",
    }


def test_shares_of_a_table_are_one_collection() -> None:
    paths = [f"lake/orders/dt=2024-01-{day:02}/part-0.parquet" for day in range(1, 9)]
    assert set(grouped(paths).values()) == {"lake/orders/*.parquet"}


@pytest.mark.parametrize("name", ["jane-doe", "Doe_Jane", "4711042", "a@b.example", "anna2"])
def test_a_file_that_is_called_after_somebody_lends_no_name_to_its_collection(name: str) -> None:
    assert set(grouped([f"people/{name}.json"]).values()) == {"people/*.json"}
    assert set(grouped([f"{name}/letters.json"]).values()) <= {name, "*", f"{name}/letters.json"}


def test_many_names_in_one_folder_are_names_of_single_things() -> None:
    paths = [f"cases/{first}{second}.csv" for first in "bcdfghk" for second in ("olt", "arn", "esk", "ulm", "ind", "ord")]
    assert set(grouped(paths).values()) == {"cases/*.csv"}


def test_folders_of_many_folders_are_not_told_apart() -> None:
    paths = [f"users/{first}{second}/orders.csv" for first in "bcdfghk" for second in ("olt", "arn", "esk", "ulm", "ind", "ord")]
    assert set(grouped([*paths, "users/all.csv"]).values()) == {"users/*.csv", "users/all.csv"}


def test_each_file_is_in_the_collection_that_a_manifest_of_these_names_would_put_it_in(tmp_path: Path) -> None:
    paths = ["exports/customers-1.csv", "exports/customers-2.csv", "exports/x/customers-3.csv", "a.csv", "logs/b.log", "c.txt", "exports/d.parquet"]
    root = lay(tmp_path, dict.fromkeys(paths, b"id,email\n1,a@b.example\n2,c@d.example\n"))
    assert sum(int(sample.extent.split()[2]) for sample in surveyed(root).values()) == len(paths)


def test_columns_values_and_counts_come_from_rows_of_all_formats(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": number, "user": {"mail": f"u{number}@mail.example"}}) + "\n" for number in range(30)).encode()
    root = lay(tmp_path, {"a/people.csv": TABLE, "b/people.csv.gz": gzip.compress(TABLE), "c/events.jsonl": lines})
    samples = surveyed(root)
    for name in ("a/people.csv", "b/people.csv.gz"):
        assert samples[name].rows == 60
        assert [facts.name for facts in samples[name].fields] == ["id", "email", "tel"]
        assert samples[name].distinct["email"] == 60
    assert [facts.name for facts in samples["c/events.jsonl"].fields] == ["id", "user.mail"]
    trace = seen(samples["a/people.csv"])["row:*/email", "email"]
    assert (trace.format, trace.field, trace.texts, trace.holding, trace.files) == ("csv", "email", 60, 60, 1)


def test_what_stands_in_texts_is_told_by_place(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("notes.txt", "one\nwrite to ann@mail.example\n")
    mail = b"From: Ann <ann@mail.example>\nTo: bob@mail.example\nSubject: x\n\ncall +49 30 901820\n"
    root = lay(tmp_path, {"logs/a.log": b"from 203.0.113.9 ok\nno\n" * 20, "zips/a.zip": packed.getvalue(), "mails/a.eml": mail})
    samples = surveyed(root)
    log = seen(samples["logs"])["line:*", "ip"]
    assert (log.texts, log.holding, log.found, log.clear, log.field) == (40, 20, 20, 20, "")
    assert ("member:*/line:*", "email") in seen(samples["zips"])
    assert {("header:from", "email"), ("header:to", "email"), ("part:*/line:*", "phone")} <= set(seen(samples["mails"]))


def test_the_name_of_a_column_counts_as_a_word_near_its_values(tmp_path: Path) -> None:
    rows = "".join(f"{number},111222333\n" for number in range(20))
    samples = surveyed(lay(tmp_path, {"a.csv": f"nr,bsn\n{rows}".encode(), "b.csv": f"nr,amount\n{rows}".encode()}))
    assert seen(samples["a.csv"])["row:*/bsn", "Dutch BSN"].clear == 20
    assert not any(trace.clear for trace in samples["b.csv"].traces)


def test_a_sample_says_what_it_left_out_and_full_reads_it(tmp_path: Path) -> None:
    files = {f"logs/{number:03}.log": b"quiet\n" for number in range(60)}
    lay(tmp_path, files)
    sample = surveyed(tmp_path)["logs"]
    assert "of 60 files looked at" in sample.extent
    assert "were not" in sample.extent
    assert not sample.is_whole
    whole = surveyed(tmp_path, is_full=True)["logs"]
    assert whole.extent.startswith("all of 60 files looked at")
    assert whole.is_whole


def test_the_files_that_are_picked_are_the_same_ones_again_and_both_ends_of_size_and_age_are_among_them() -> None:
    stored = [Stored(f"a/{number}.csv", None, f"a/{number}.csv", number * 7 % 91, EPOCH + timedelta(days=number * 13 % 97)) for number in range(80)]
    one, other = Group("a"), Group("a")
    for found in stored:
        one.take(found)
    for found in reversed(stored):
        other.take(found)
    picked = [found.path for found in one.picked]
    assert picked == [found.path for found in other.picked]
    assert SPREAD <= len(picked) <= SPREAD + 3
    by_size, by_age = sorted(stored, key=lambda found: found.size), sorted(stored, key=lambda found: found.modified)
    assert {by_size[-1].path, by_age[0].path, by_age[-1].path} <= set(picked)


def test_full_finds_what_a_sample_passes_over(tmp_path: Path) -> None:
    lines = b"nothing here at all to see, my friend\n" * 25_000
    lay(tmp_path, {"logs/a.log": lines + b"ann@mail.example\n"})
    sample = surveyed(tmp_path)["logs"]
    assert not sample.traces
    assert "not to the end" in sample.extent
    assert seen(surveyed(tmp_path, is_full=True)["logs"])["line:*", "email"].found == 1


@pytest.mark.parametrize("is_full", [False, True])
def test_every_file_is_looked_at_whatever_makes_its_collection(tmp_path: Path, is_full: bool) -> None:
    table = b"id,email\n1,ann@mail.example\n2,bea@mail.example\n"
    names = ["customers.csv", "logs/a.log", "lake/people.csv", "lake/orders-01.csv", "lake/orders-02.csv", "readme.txt", "deep/er/staff.csv"]
    crowd = {f"many/part-{number:02}.csv": table for number in range(SPREAD + 9)}
    samples = surveyed(lay(tmp_path, dict.fromkeys(names, table) | crowd), is_full=is_full)
    assert set(samples) == {"customers.csv", "logs", "lake/people.csv", "lake/orders*.csv", ".", "deep/er/staff.csv", "many/part*.csv"}
    assert all(sample.traces for sample in samples.values())
    assert all(sample.is_whole for name, sample in samples.items() if is_full or name != "many/part*.csv")


def test_what_cannot_be_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    root = lay(
        tmp_path, {"a/x.bin": bytes(range(256)) * 40, "a/broken.gz": gzip.compress(bytes(range(256)) * 9)[:90], "a/y.txt": b"ann@mail.example\n"}
    )
    sample = surveyed(root)["a"]
    assert len(sample.gaps) >= 2
    assert not sample.is_whole
    assert ("line:*", "email") in seen(sample)


def test_no_value_stands_in_traces_gaps_places_or_names_of_fields(tmp_path: Path) -> None:
    people = {f"jdoe{letter}{other}": {"mail": f"{letter}{other}@mail.example"} for letter in "abcdefgh" for other in "ijklmnop"}
    named = {"jane": {"mail": "jane@mail.example"}, "ann@mail.example": "x", "users": people}
    root = lay(tmp_path, {"a/people.json": json.dumps(named).encode(), "a/jane.doe@mail.example.txt": b"+49 30 901820\n"})
    samples = surveyed(root).values()
    assert samples
    for sample in samples:
        told = repr((sample.fields, sample.traces, sample.gaps, sample.extent, sample.collection)) + repr(list(sample.values))
        assert not any(secret in told for secret in ("jane", "jdoe", "mail.example", "901820"))
        assert sample.traces


def test_wide_records_keep_their_fields(tmp_path: Path) -> None:
    lines = "".join(json.dumps({f"field_{first}{second}": row for first in "abcdefgh" for second in "ijklmn"}) + "\n" for row in range(20))
    assert len(surveyed(lay(tmp_path, {"a.jsonl": lines.encode()}))["a.jsonl"].fields) == 48


@pytest.mark.parametrize(
    ("place", "pattern"),
    [
        ("row:17/email", "row:*/email"),
        ("gz/row:2/email", "gz/row:*/email"),
        ("$.customers[3].tags[0]", "$.customers[*].tags[*]"),
        ("part:1/line:5-6", "part:*/line:*"),
        ("line:3/$.jane.email", "line:*/${*}.email"),
        ("$.grace_period", "$.grace_period"),
    ],
)
def test_places_are_told_without_numbers_and_names(place: str, pattern: str) -> None:
    assert place_pattern(place) == pattern


def test_key_names_are_looked_at(tmp_path: Path) -> None:
    sample = surveyed(lay(tmp_path, {"up/ann@mail.example.txt": b"x\n"}))["up"]
    assert seen(sample)["key", "email"].format == "name"


def test_a_column_of_many_rows_is_as_distinct_as_its_first_ones(tmp_path: Path) -> None:
    rows = "".join(f"{number},{number % 7}\n" for number in range(12_000))
    sample = surveyed(lay(tmp_path, {"a.csv": f"nr,kind\n{rows}".encode()}))["a.csv"]
    assert sample.rows > 5_000
    assert sample.distinct["nr"] == sample.rows - sample.nulls["nr"]
    assert sample.distinct["kind"] == 7
