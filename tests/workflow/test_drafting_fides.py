"""A draft that begins with a fides dataset file: it loads as a connector, says what the file says, and names what was lost on the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.domain.source import NOWHERE
from dsr_engine.domain.system import CollectionMap, Manifest
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.loader import parse_document
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.workflow.drafting.fides import fides_draft, read_fides
from dsr_engine.workflow.drafting.yaml_text import yaml_of
from tests.spec.test_fides_file import SHOP

LOSSY = """\
dataset:
  - fides_key: help_desk
    description: "Tickets: and who wrote them"
    collections:
      - name: requester
        fields:
          - name: id
            data_categories: [user.unique_id]
            fides_meta: {primary_key: true}
          - name: mail
            data_categories: [user.contact.email, user.name]
            fides_meta: {identity: email, masking_strategy_override: {strategy: hash, configuration: {algorithm: SHA-512}}}
      - name: ticket
        fides_meta: {after: [help_desk.requester], skip_processing: true}
        fields:
          - name: requester_id
            fides_meta: {references: [{dataset: help_desk, field: requester.id, direction: from}]}
          - name: thread
            fields:
              - name: author
                data_categories: [user.name]
              - name: mail
                fides_meta: {identity: email}
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "desk.yml"
    path.write_text(text, encoding="utf-8")
    return path


def _placeless(manifest: Manifest) -> list[CollectionMap]:
    """Its collections without places, and without those that say nothing about a field."""
    bare = [replace(entry, source=NOWHERE, fields=tuple(replace(one, source=NOWHERE) for one in entry.fields)) for entry in manifest.collections]
    return [entry for entry in bare if entry.fields]


@pytest.mark.parametrize("text", [SHOP, LOSSY], ids=["shop", "help desk"])
def test_the_draft_loads_as_a_connector_that_says_the_same(tmp_path: Path, text: str) -> None:
    path = _file(tmp_path, text)
    written = yaml_of(fides_draft(path))
    assert _placeless(manifest_from(parse_document(written.encode(), "desk.yaml"))) == _placeless(read_fides(path).manifest)


def test_what_was_lost_stands_in_the_draft_with_its_line(tmp_path: Path) -> None:
    draft = fides_draft(_file(tmp_path, LOSSY))
    assert [gap.split(": ")[0] for gap in draft.gaps] == ["desk.yml:12:43", "desk.yml:14:22", "desk.yml:14:52", "desk.yml:23:30"]
    written = yaml_of(draft)
    assert all(gap.split(": ")[0] in written for gap in draft.gaps)


def test_a_category_that_is_not_word_for_word_has_its_reason(tmp_path: Path) -> None:
    written = yaml_of(fides_draft(_file(tmp_path, LOSSY)))
    assert "one for user.contact.email, user.name" in written
    assert "mail: {category: user, selects: email}" in written


def test_a_file_that_is_nothing_of_fides_is_refused_and_so_is_none(tmp_path: Path) -> None:
    with pytest.raises(SpecWrong, match="no `dataset`"):
        fides_draft(_file(tmp_path, "connector: shop\ndriver: sql\n"))
    with pytest.raises(SpecWrong, match="cannot be read") as caught:
        fides_draft(tmp_path / "nothing.yml")
    assert str(tmp_path) not in str(caught.value)


def test_a_mistake_in_the_file_ends_the_draft(tmp_path: Path) -> None:
    with pytest.raises(SpecWrong, match=r"desk.yml:7:13: dataset.0.collections.0.fields"):
        fides_draft(
            _file(tmp_path, LOSSY.replace("          - name: id\n", "          - nme: id\n").replace("        fields:\n", "        fields:\n", 1))
        )
