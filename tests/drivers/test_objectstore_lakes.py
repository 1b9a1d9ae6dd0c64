"""Tables of data lakes, made by their own libraries: the person in them is found, and no file of theirs is changed behind their back."""

from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.plan import Effect
from dsr_engine.drivers.driver import Done, Failed
from dsr_engine.drivers.objectstore.driver import ObjectstoreDriver
from tests.drivers.conformance import foreseen, records
from tests.drivers.file_benches import content, file_system
from tests.drivers.objectstore_cases import DELETE, change_of, changed, rewriting
from tests.drivers.people import PERSON

arrow: Any = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'dsr-engine[lake]'")
deltalake: Any = pytest.importorskip("deltalake", reason="deltalake is not installed: pip install 'dsr-engine[lake]'")
catalogs: Any = pytest.importorskip("pyiceberg.catalog.sql", reason="pyiceberg is not installed: pip install 'dsr-engine[lake]'")


def _rows() -> Any:
    return arrow.table({"number": [1, 2], "email": [PERSON, "bob@example.net"]})


def _delta(root: Path) -> None:
    deltalake.write_deltalake(str(root / "lake" / "people"), _rows())


def _iceberg(root: Path) -> None:
    catalog = catalogs.SqlCatalog("ours", uri="sqlite:///:memory:", warehouse=f"file://{root / 'lake'}")
    catalog.create_namespace("hr")
    table = catalog.create_table("hr.people", schema=_rows().schema)
    table.append(_rows())
    catalog.close()


def _dump(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("made", [_delta, _iceberg])
def test_a_file_of_a_table_is_found_and_neither_rewritten_nor_deleted(tmp_path: Path, made: Any) -> None:
    made(tmp_path)
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "note.txt").write_bytes(content(PERSON))
    before = _dump(tmp_path)
    driver = ObjectstoreDriver(file_system(url=f"folder:{tmp_path}"))
    found = {record.locator.key[0]: record for record in records(driver)}
    of_table = [record for key, record in found.items() if key.startswith("lake/")]
    assert any(record.locator.key[0].endswith(".parquet") for record in of_table)
    for record in of_table:
        effects: tuple[Effect, ...] = (DELETE, rewriting(record))
        for effect in effects:
            change = change_of(driver, record, effect)
            refused = foreseen(driver, change).refusal
            assert refused is not None
            assert refused.code == "lake.table"
            (outcome,) = changed(driver, change)
            assert isinstance(outcome, Failed)
    assert _dump(tmp_path) == before
    plain = found["plain/note.txt"]
    assert changed(driver, change_of(driver, plain, DELETE)) == (Done(None),)


def test_a_folder_that_only_looks_like_a_table_is_none(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "readme.json").write_text("{}")
    (tmp_path / "note.txt").write_bytes(content(PERSON))
    driver = ObjectstoreDriver(file_system(url=f"folder:{tmp_path}"))
    (record,) = records(driver)
    assert changed(driver, change_of(driver, record, DELETE)) == (Done(None),)


def test_what_a_table_lies_beside_is_free(tmp_path: Path) -> None:
    _delta(tmp_path)
    (tmp_path / "lake" / "note.txt").write_bytes(content(PERSON))
    driver = ObjectstoreDriver(file_system(url=f"folder:{tmp_path}"))
    (record,) = [one for one in records(driver) if one.locator.key[0].endswith("note.txt")]
    assert changed(driver, change_of(driver, record, DELETE)) == (Done(None),)
