"""Containers in containers: the person goes from the bottom, and on the way back up every byte that is not about them is what it was."""

import bz2
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from time import monotonic
from typing import IO, cast

import pytest

from dsr_engine.content.format import Budget, Limits, Reading
from dsr_engine.domain.plan import DropPart, Edit, RedactSpans
from tests.content.container_samples import SQUEEZED, TABLE, gzipped, tar_of, zip_of
from tests.content.plain_words import WordGate, gaps, reading, rewritten, texts, units

_PEOPLE = json.dumps({"people": [{"id": 1, "name": "jane"}, {"id": 2, "name": "bob"}], "note": "grüße"}, indent=1).encode()


def _outer() -> bytes:
    inner = tar_of((("a.txt", b"bob"), ("people.json.gz", gzipped(_PEOPLE)), ("z.bin", bytes(range(256)) * 9)), tarfile.GNU_FORMAT)
    return zip_of(("readme.txt", b"read me\n" * 40), ("data.tar", inner), ("last.csv", b"id,name\n2,bob\n"))


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def _taped(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: cast(IO[bytes], archive.extractfile(member)).read() for member in archive.getmembers()}


def test_json_in_gzip_in_tar_in_zip_loses_the_person_and_nothing_else() -> None:
    before = _outer()
    (unit,) = (unit for unit in units(before, reading(WordGate("jane"))) if unit.text == "jane")
    assert unit.place == "member:2/member:2/gz/$.people[0].name"
    after = rewritten(before, [Edit(unit.place, RedactSpans())], "jane")
    old, new = _members(before), _members(after)
    assert {name: data for name, data in new.items() if name != "data.tar"} == {name: data for name, data in old.items() if name != "data.tar"}
    old_tape, new_tape = _taped(old["data.tar"]), _taped(new["data.tar"])
    assert list(new_tape) == list(old_tape)
    assert all(new_tape[name] == old_tape[name] for name in ("a.txt", "z.bin"))
    assert gzip.decompress(new_tape["people.json.gz"]) == _PEOPLE.replace(b"jane", b"[erased]")
    # Members that stay are copied as they are stored, headers included.
    first, last = before.index(b"PK\x03\x04", 4), before.index(b"last.csv") - 30
    assert after[:first] == before[:first]
    assert before[last : before.index(b"PK\x01\x02")] in after
    assert not [unit for unit in units(after, reading(WordGate("jane"))) if "jane" in unit.text]


def test_the_same_edits_give_the_same_bytes() -> None:
    edits = [Edit("member:2/member:2/gz/$.people[0].name", RedactSpans()), Edit("member:3/row:2", DropPart())]
    assert rewritten(_outer(), edits, "jane") == rewritten(_outer(), edits, "jane")


@pytest.mark.parametrize(("step", "pack", "unpack"), SQUEEZED, ids=[step for step, *_ in SQUEEZED])
def test_an_archive_that_is_read_from_its_end_is_read_within_a_stream(
    step: str, pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]
) -> None:
    before = pack(zip_of(*((f"{number}.csv", TABLE) for number in range(50))))
    found = texts(before, reading(WordGate("jane")))
    assert [f"{step}/member:{number}/row:2/name" in found for number in range(1, 51)] == [True] * 50
    after = rewritten(before, [Edit(f"{step}/member:{number}/row:2", DropPart()) for number in range(1, 51)])
    assert set(_members(unpack(after)).values()) == {b"id,name\n2,bob\n"}


def test_a_member_larger_than_memory_allows_is_laid_aside() -> None:
    lines = b"".join(b"%d,nobody\n" % number for number in range(700_000)) + b"7,jane\n"
    before = bz2.compress(tar_of((("a.csv", lines), ("b.csv", TABLE))))
    found = texts(before, reading(WordGate("jane")))
    assert "bz2/member:2/row:2/name" in found
    assert sum(place.startswith("bz2/member:1/row:700001/") for place in found) == 2


def test_all_parts_of_a_file_share_one_time() -> None:
    hurried = Limits(seconds=0.0, pace=10**12)
    assert "file.too_long" in gaps(_outer(), Reading("files", WordGate("jane"), limits=hurried))


def test_bytes_of_unknown_shape_leave_time_for_what_stands_behind_them() -> None:
    """Where half the time is used up they are left aside, which is said; everything else is read."""
    budget = Budget(Limits(seconds=100_000.0), began=monotonic() - 60_000.0)
    late = Reading("files", WordGate("jane"), prefix="member:1/", depth=1, budget=budget)
    before = zip_of(("a.bin", bytes(range(256)) * 9), ("b.csv", TABLE))
    assert gaps(before, late) == ["binary.not_searched", "binary.unknown"]
    assert "member:1/member:2/row:2/name" in texts(before, late)
    assert gaps(before, reading(WordGate("jane"))) == ["binary.unknown"]
