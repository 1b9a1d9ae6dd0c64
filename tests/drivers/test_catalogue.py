"""Every file is in exactly one collection, and every collection's listing finds it."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.record import Gap
from dsr_engine.domain.system import CollectionMap, Manifest
from dsr_engine.drivers.objectstore.catalogue import Catalogue, segment_collection
from dsr_engine.drivers.objectstore.folder import FolderShelf
from dsr_engine.drivers.objectstore.shelf import Stretch
from tests.drivers.file_benches import file_system

_PART = st.sampled_from(["a", "b.csv", "exports", "jane@example.org", "1234567", ".x", "-", "ü", "a b"])
_KEYS = st.text(st.characters(codec="utf-8"))
_PATHS = st.lists(st.lists(_PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8, unique=True)
_GLOBS = st.lists(st.sampled_from(["*.csv", "exports/*", "a", "exports", "*", ".", "a/*.csv", "[ab]*", "?/a"]), max_size=3, unique=True)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=_PATHS, globs=_GLOBS)
def test_no_file_is_left_out_and_none_is_in_two_collections(tmp_path_factory: pytest.TempPathFactory, paths: list[str], globs: list[str]) -> None:
    root = tmp_path_factory.mktemp("files")
    there = {path for path in paths if _made(root / path)}
    catalogue = Catalogue(Manifest("folder", "objectstore", collections=tuple(map(CollectionMap, globs))))
    shelf = FolderShelf(file_system(url=str(root)))
    names = catalogue.names(shelf)
    found = [(name, one.key) for name in names for one in catalogue.files(shelf, name) if not isinstance(one, Gap) and one.bare is None]
    assert sorted(key for _, key in found) == sorted(there)
    assert all(catalogue.collection_of(key) == name for name, key in found)
    assert len(names) == len(set(names))


def _made(path: Path) -> bool:
    """Makes the file, unless a file stands where it needs a folder, or the other way round."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            return False
        path.write_bytes(b"x")
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("segment", "collection"),
    [("exports", "exports"), ("2026-01", "2026-01"), ("", "."), (".", "."), ("jane@example.org", "*"), ("4711042", "*"), ("x" * 80, "*"), ("-", "*")],
)
def test_a_first_part_that_may_name_a_person_names_no_collection(segment: str, collection: str) -> None:
    assert segment_collection(segment) == collection


@settings(deadline=None)
@given(key=_KEYS, shares=st.integers(1, 16))
def test_a_key_is_in_one_share_only(key: str, shares: int) -> None:
    assert sum(Stretch(share=share, shares=shares).holds(key) for share in range(shares)) == 1


@settings(deadline=None)
@given(key=_KEYS.filter(bool), borders=st.lists(_KEYS.filter(bool), max_size=6, unique=True))
def test_a_key_is_in_one_range_only(key: str, borders: list[str]) -> None:
    ends = ["", *sorted(borders, key=str.encode), ""]
    assert sum(Stretch(after, upto).holds(key) for after, upto in pairwise(ends)) == 1
