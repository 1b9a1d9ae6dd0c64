"""The text of a draft: it loads whatever tables are called, stays under the size that the engine reads, and never holds a value."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import NotSupported
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.source import NOWHERE
from dsr_engine.domain.system import CollectionMap, Manifest, Residual
from dsr_engine.drivers.driver import Link
from dsr_engine.spec.loader import MOST_BYTES
from dsr_engine.workflow.drafting.declared import declared
from dsr_engine.workflow.drafting.draft import CollectionDraft, Draft, FieldDraft, LinkDraft, Proposal, Role, one_line
from dsr_engine.workflow.drafting.drafting import continued, merged
from dsr_engine.workflow.drafting.json_form import as_document
from dsr_engine.workflow.drafting.picture import svg_of
from dsr_engine.workflow.drafting.yaml_text import quoted, yaml_of
from tests.workflow.drafting_samples import build_file
from tests.workflow.drafts import drafted, followed, loaded

CANARY = "Xylophania"
NAMES = st.text(min_size=1, max_size=40)


def _draft(*collections: CollectionDraft) -> Draft:
    return Draft("shop", "sql", "A shop.", collections)


def _collection(name: str, *fields: FieldDraft, key: tuple[str, ...] = ("id",)) -> CollectionDraft:
    return CollectionDraft(name, key, 3, Role.OTHER, fields)


def _field(name: str, **words: str) -> FieldDraft:
    return FieldDraft(name, "text", (Proposal(words or {"category": "user.name"}, "its name says so", True),))


@given(NAMES, NAMES, st.text(max_size=60))
@settings(deadline=None)
def test_a_draft_loads_whatever_its_tables_and_fields_are_called(collection: str, field: str, reason: str) -> None:
    proposals = (Proposal({"category": "user.name"}, reason, True), Proposal({"selects": "name"}, reason, False))
    entry = CollectionDraft(collection, (field,), 3, Role.OTHER, (FieldDraft(field, "text", proposals, (reason,)),), notes=(reason,))
    manifest = loaded(yaml_of(_draft(entry)))
    if collection.isprintable() and field.isprintable():
        (found,) = manifest.collections
        assert (found.name, found.fields[0].name, found.key) == (collection, field, (field.strip(),) if field.strip() else found.key)
    else:
        assert manifest.collections == ()


@given(st.text(max_size=60))
def test_a_name_in_yaml_reads_as_itself(text: str) -> None:
    if text.isprintable():
        assert yaml.load(quoted(text), Loader=yaml.BaseLoader) == text


@given(st.text(max_size=200))
def test_a_reason_never_ends_its_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_words_that_yaml_reads_otherwise_are_quoted() -> None:
    for word in ("yes", "No", "null", "~", "true", "1", "0x1F", "1_000", "a: b", "#x", "{", "a b", "-", "*a", "&a", "!t", "'", '"', "key:", ""):
        assert yaml.safe_load(f"{{k: {quoted(word)}}}") == {"k": word}


CANARIES = f"""
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, phone TEXT, city TEXT, status TEXT,
  note TEXT, born TEXT, profile JSON);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, code TEXT, seller TEXT, placed_on DATE);
CREATE TABLE orders_audit (id INTEGER, customer_id INTEGER, code TEXT, seller TEXT, placed_on DATE);
CREATE TABLE odd (what TEXT DEFAULT '{CANARY}');
"""


def _with_canaries(folder: Path) -> Path:
    customers = [
        (
            *(
                700_001_234 + n,
                f"{CANARY}{n}@mail.example",
                f"{CANARY} Abel{n}",
                f"+49 30 98765{n:03}",
                f"{CANARY}burg",
                f"{CANARY}ed",
                f"{CANARY} was here {n}",
            ),
            *(f"19{50 + n % 50}-02-03", json.dumps({"nick": CANARY})),
        )
        for n in range(60)
    ]
    orders = [(n, 700_001_234 + n, f"{CANARY}-{n:05}", f"{CANARY} Berg", f"2024-01-{1 + n % 28:02}") for n in range(60)]
    return build_file(folder / "db.sqlite", CANARIES, [("customers", customers), ("orders", orders), ("orders_audit", orders), ("odd", [(CANARY,)])])


def test_no_value_that_was_seen_stands_in_text_picture_or_json(tmp_path: Path) -> None:
    draft = drafted(_with_canaries(tmp_path))
    for text in (yaml_of(draft), svg_of(draft), json.dumps(as_document(draft)), repr(draft)):
        lowered = text.lower()
        for trace in (CANARY.lower(), "98765", "700001", "700_001", "mail.example", "berg", "2024-01"):
            assert trace not in lowered
    assert len(draft.collections) == 4


def test_a_draft_that_would_be_too_large_loses_its_comments_first(tmp_path: Path) -> None:
    many = _draft(*(_collection(f"table_{n}", *(_field(f"field_{k}") for k in range(8))) for n in range(500)))
    text = yaml_of(many)
    assert len(text.encode()) <= MOST_BYTES
    assert len(loaded(text).collections) == 500
    with pytest.raises(NotSupported) as refused:
        yaml_of(_draft(*(_collection(f"table_{n}", *(_field(f"field_{k}") for k in range(40))) for n in range(500))))
    assert refused.value.code == "map.too_large"
    assert "schema" in refused.value.hint


def test_suggestions_alone_are_a_block_of_comments(tmp_path: Path) -> None:
    field = FieldDraft("a", "integer", (Proposal({"references": "b.id"}, "perhaps", False),))
    text = yaml_of(_draft(_collection("first", field), _collection("second", _field("x"))))
    assert [entry.name for entry in loaded(text).collections] == ["second"]
    assert [entry.name for entry in loaded(followed(text)).collections] == ["first", "second"]
    lonely = yaml_of(_draft(_collection("first", field)))
    assert loaded(lonely).collections == ()
    assert loaded(followed(lonely)).collections[0].fields[0].references == ("b", "id")


def test_what_fields_refer_to_is_listed_so_that_the_loader_does_not_take_it_for_a_mistake() -> None:
    item = CollectionDraft("item", ("id",), 1, Role.OTHER, (_field("name"),))
    items = CollectionDraft("items", ("id",), 1, Role.OTHER, (FieldDraft("id", "integer"),))
    lines = CollectionDraft("lines", ("id",), 1, Role.OTHER, (_field("item_id", references="items.id"),))
    manifest = loaded(yaml_of(_draft(item, items, lines)))
    assert [entry.name for entry in manifest.collections] == ["item", "items", "lines"]
    hinted = FieldDraft("item_id", "integer", (Proposal({"references": "items.id"}, "perhaps", False),))
    text = yaml_of(_draft(item, items, CollectionDraft("lines", ("id",), 1, Role.OTHER, (hinted,))))
    assert loaded(followed(text)).collection_named("lines") is not None


def test_nothing_to_draft_still_gives_a_connector_that_loads() -> None:
    assert loaded(yaml_of(_draft())).collections == ()
    assert loaded(yaml_of(_draft(CollectionDraft("t", (), None, Role.OTHER)))).collections == ()


def test_residuals_of_the_kind_of_system_are_kept() -> None:
    draft = Draft("shop", "sql", "A shop.", (), (Residual('old "rows": kept', None), Residual("backups", Period(35, PeriodUnit.DAYS))))
    assert loaded(yaml_of(draft)).residuals == draft.residuals


def test_an_actor_that_is_followed_as_an_owner_is_no_actor_any_more() -> None:
    field = FieldDraft(
        "user_id",
        "integer",
        (
            Proposal({"category": "user.unique_id", "role": "actor"}, "a", True),
            Proposal({"selects": "user_id", "references": "users.id"}, "b", False),
        ),
    )
    assert field.with_suggestion(field.suggested[0]) == {"category": "user.unique_id", "selects": "user_id", "references": "users.id"}


def test_what_a_file_declares_wins_over_what_the_database_suggests() -> None:
    given_ = _draft(_collection("customers", _field("email", category="user.contact.email")), _collection("gone", _field("x")))
    seen = (
        FieldDraft("email", "text", (Proposal({"category": "user.contact.email"}, "n", True), Proposal({"selects": "email"}, "unique", True))),
        FieldDraft("city", "text", (Proposal({"category": "user.contact.address.city"}, "n", True),)),
    )
    live = _draft(CollectionDraft("customers", ("id",), 9, Role.SUBJECT, seen), _collection("orders", _field("note")))
    both = merged(given_, live)
    assert [entry.name for entry in both.collections] == ["customers", "gone", "orders"]
    customers = both.collections[0]
    assert customers.fields[0].written == {"category": "user.contact.email"}
    assert [dict(entry.words) for entry in customers.fields[0].suggested] == [{"selects": "email"}]
    assert customers.fields[1].written == {"category": "user.contact.address.city"}
    assert any("no such collection" in note for note in both.collections[1].notes)
    assert loaded(yaml_of(both)).collection_named("orders") is not None


def test_links_are_told_with_what_they_mean() -> None:
    link = LinkDraft(Link(("customer_id",), "customers", ("id",), "set_null"), True, "the server declares it")
    entry = CollectionDraft("orders", ("id",), None, Role.OTHER, (_field("note"),), (link,))
    assert re.search(r"# customer_id → customers.id: declared, on delete set null$", yaml_of(_draft(entry)), re.MULTILINE)


def _plain(manifest: Manifest) -> list[CollectionMap]:
    """What a manifest says of its collections, wherever it says so."""
    return [replace(entry, source=NOWHERE, fields=tuple(replace(field, source=NOWHERE) for field in entry.fields)) for entry in manifest.collections]


def test_a_connector_that_somebody_wrote_comes_through_a_draft_unchanged() -> None:
    ours = loaded(OURS)
    again = loaded(yaml_of(declared(ours, "ours says so")))
    assert _plain(again) == _plain(ours)
    assert (again.discover, again.residuals, again.about) == (ours.discover, ours.residuals, ours.about)


OURS = """
connector: ours
driver: sql
about: "Ours: by hand."
collections:
  customers:
    key: [id]
    fields:
      id: {category: user.unique_id, selects: customer_id, identifies: true, same_as: [crm.leads.customer_id, shop.visits.customer_no]}
      region_id: {references: regions.id, neutral: 0}
      kind: {references: kinds.code, neutral: "0"}
      seen_by: {role: actor}
      note: {search: text}
      address_id: {references: addresses.id, carries: true}
      created_at: {starts: retention}
    restrict: {set: {blocked: true, level: 3, state: "true"}}
  regions:
    key: [id]
  kinds:
    key: [code]
  addresses:
    key: [id]
  kept:
    key: [id]
    restrict: {set: {blocked: true}}
discover: none
residuals:
  - {what: backups, gone_after: 35 days}
"""


def test_what_a_connector_says_already_stays_when_the_database_is_drafted_again() -> None:
    ours = loaded(OURS)
    live = _draft(
        _collection("customers", _field("id", category="user.unique_id", selects="person_id"), _field("city", category="user.contact.address.city")),
        _collection("orders", _field("note")),
    )
    both = continued(ours, live)
    again = loaded(yaml_of(both))
    assert again.name == "ours"
    assert again.discover is ours.discover
    customers = again.collection_named("customers")
    assert customers is not None
    identifier = customers.field_named("id")
    assert identifier is not None
    assert (identifier.selects, identifier.identifies) == ("customer_id", True)
    assert customers.field_named("city") is not None
    assert customers.fence == (("blocked", True), ("level", 3), ("state", "true"))
    assert again.collection_named("orders") is not None
    assert continued(Manifest("sqlite", "sql"), live) == live
