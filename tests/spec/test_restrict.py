"""How a connector says where restricted records go: a mark, or a collection of their own under the same rules."""

from pathlib import Path

import pytest

from dsr_engine.domain.system import Manifest
from dsr_engine.spec.home import load_manifests
from dsr_engine.spec.problems import SpecWrong

_CONNECTOR = """\
connector: books
driver: {driver}
collections:
  invoices:
    fields:
      email: {{category: user.contact.email, selects: email}}
    restrict: {restrict}
  letters:
    fields:
      body: {{category: user.content}}
    restrict: {other}
"""


def _loaded(folder: Path, restrict: str, other: str = "{set: {closed: true}}", driver: str = "sql") -> Manifest:
    (folder / "books.yaml").write_text(_CONNECTOR.format(restrict=restrict, other=other, driver=driver), encoding="utf-8")
    return load_manifests(folder)["books"]


def test_the_place_of_restricted_records_has_the_fields_and_the_rules_of_where_they_come_from(tmp_path: Path) -> None:
    manifest = _loaded(tmp_path, "{move: restricted.invoices}")
    there = manifest.collection_named("restricted.invoices")
    assert there is not None
    assert (there.fields, there.move_to, there.origin) == (manifest.collections[0].fields, "", "invoices")
    assert [manifest.origin_of(name) for name in ("invoices", "letters", "elsewhere")] == ["invoices", "letters", "elsewhere"]


def test_a_mark_may_say_what_it_is_in_a_free_record(tmp_path: Path) -> None:
    manifest = _loaded(tmp_path, '{set: {state: "R"}, lift: {state: "A"}}')
    assert (manifest.collections[0].fence, manifest.collections[0].unfence) == ((("state", "R"),), (("state", "A"),))


@pytest.mark.parametrize(
    ("restrict", "other", "driver", "said"),
    [
        ("{}", "{set: {closed: true}}", "sql", "takes one of"),
        ("{set: {a: 1}, move: kept}", "{set: {closed: true}}", "sql", "takes one of"),
        ("{set: {a: 1}, lift: {b: 0}}", "{set: {closed: true}}", "sql", "not among what `set` sets"),
        ("{move: letters}", "{set: {closed: true}}", "sql", "leave it out"),
        ("{move: kept}", "{move: kept}", "sql", "two collections"),
        ("{move: kept}", "{set: {closed: true}}", "objectstore", "only a database"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, restrict: str, other: str, driver: str, said: str) -> None:
    with pytest.raises(SpecWrong, match=said):
        _loaded(tmp_path, restrict, other, driver)
