"""fides dataset files: what a connector can say as well arrives, and what it cannot is named with its line."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.system import CollectionMap, FieldMap, Manifest
from dsr_engine.spec.categories import categories
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.fides_categories import joined, translated
from dsr_engine.spec.fides_file import FidesFile, fides_from, is_fides
from dsr_engine.spec.home import load_home
from dsr_engine.spec.problems import SpecWrong
from tests.spec.files import document, policy_text, write

SHOP = """\
dataset:
  - fides_key: web_shop
    organization_fides_key: default_organization
    name: Web shop
    description: Customers, their addresses and orders
    meta: null
    collections:
      - name: address
        fields:
          - name: id
            data_categories: [system.operations]
            fides_meta: {primary_key: True}
          - name: street
            data_categories: [user.contact.address.street]
          - name: zip
            data_categories: [user.contact.address.postal_code]
      - name: customer
        description: null
        data_categories: null
        fields:
          - name: id
            data_categories: [user.unique_id]
            fidesops_meta: {primary_key: True}
          - name: email
            data_categories: [user.contact.email]
            fides_meta: {identity: email, data_type: string, length: 40}
            fields: null
          - name: mobile
            data_categories: [user.contact.phone_number, user.contact]
            fides_meta: {identity: phone_number, references: null}
          - name: address_id
            data_categories: [system.operations]
            fides_meta:
              references:
                - {dataset: web_shop, field: address.id, direction: to}
          - name: created
            data_categories: [system.operations]
      - name: orders
        fides_meta: {after: null, skip_processing: false}
        fields:
          - name: id
            data_categories: [system.operations]
            fides_meta: {primary_key: yes}
          - name: customer_id
            data_categories: [user.unique_id]
            fidesops_meta:
              references:
                - dataset: web_shop
                  field: customer.id
                  direction: from
      - name: order_item
        fields:
          - name: order_id
            fides_meta: {primary_key: True, references: [{dataset: web_shop, field: orders.id, direction: from}]}
          - name: product_id
            fides_meta: {primary_key: True, references: [{dataset: web_shop, field: product.id, direction: to}]}
      - name: product
        fields:
          - name: id
            data_categories: [system.operations]
          - name: name
            data_categories: [system.operations]
"""


def _read(text: str) -> FidesFile:
    return fides_from(document(text, "connectors/shop.yml"))


def _gaps(text: str) -> list[str]:
    return [str(gap) for gap in _read(text).gaps]


def _mistakes(text: str) -> list[str]:
    with pytest.raises(SpecWrong) as caught:
        _read(text)
    return [str(problem) for problem in caught.value.problems if not problem.is_gap]


def _field(found: FidesFile, place: str) -> FieldMap:
    collection, _, name = place.partition(".")
    entry = found.manifest.collection_named(collection)
    assert entry is not None
    field = entry.field_named(name)
    assert field is not None
    return field


def _dataset(fields: str, *, collection: str = "", top: str = "") -> str:
    """A dataset with one collection `person`, whose fields are these lines."""
    lines = [f"  - fides_key: one\n{_indented(top, 4)}    collections:\n      - name: person\n{_indented(collection, 8)}        fields:\n"]
    return "dataset:\n" + lines[0] + _indented(fields, 10)


def _indented(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}\n" for line in text.splitlines())


def test_what_a_connector_says_as_well_is_taken_over() -> None:
    found = _read(SHOP)
    assert found.gaps == ()
    manifest = found.manifest
    assert (manifest.name, manifest.driver, manifest.about) == ("web_shop", "sql", "Customers, their addresses and orders")
    assert [(entry.name, entry.key) for entry in manifest.collections] == [
        ("address", ("id",)),
        ("customer", ("id",)),
        ("orders", ("id",)),
        ("order_item", ("order_id", "product_id")),
        ("product", ()),
    ]
    assert (_field(found, "customer.email").category, _field(found, "customer.email").selects) == ("user.contact.email", "email")
    assert (_field(found, "customer.mobile").category, _field(found, "customer.mobile").selects) == ("user.contact.phone_number", "phone")
    assert found.reasons["customer", "mobile"] == "one for user.contact, user.contact.phone_number"


def test_rows_found_by_a_person_s_number_are_theirs() -> None:
    found = _read(SHOP)
    link, key = _field(found, "orders.customer_id"), _field(found, "customer.id")
    assert (link.references, link.selects, link.carries) == (("customer", "id"), "customer_id", False)
    assert (key.category, key.selects, key.identifies) == ("user.unique_id", "customer_id", True)


def test_rows_that_hold_personal_data_are_carried_and_products_are_not() -> None:
    found = _read(SHOP)
    assert (_field(found, "customer.address_id").references, _field(found, "customer.address_id").carries) == (("address", "id"), True)
    assert (_field(found, "order_item.product_id").references, _field(found, "order_item.product_id").carries) == (("product", "id"), False)


def test_rows_found_by_a_number_of_nobody_are_not_said_to_be_somebody_s() -> None:
    found = _read(SHOP)
    assert (_field(found, "order_item.order_id").references, _field(found, "order_item.order_id").selects) == (("orders", "id"), None)
    orders = found.manifest.collection_named("orders")
    assert orders is not None
    assert orders.field_named("id") is None


def test_a_field_stands_where_it_stood_in_the_file() -> None:
    source = _field(_read(SHOP), "customer.email").source
    assert (source.file, source.line) == ("connectors/shop.yml", 24)
    assert len(source.digest) == 64


def test_the_same_said_in_a_connector_file_gives_the_same_manifest() -> None:
    text = """\
connector: web_shop
driver: sql
about: Customers, their addresses and orders
collections:
  address: {key: id, fields: {street: {category: user.contact.address.street}, zip: {category: user.contact.address.postal_code}}}
  customer:
    key: id
    fields:
      id: {category: user.unique_id, selects: customer_id, identifies: true}
      email: {category: user.contact.email, selects: email}
      mobile: {category: user.contact.phone_number, selects: phone}
      address_id: {references: address.id, carries: true}
  orders: {key: id, fields: {customer_id: {category: user.unique_id, selects: customer_id, references: customer.id}}}
  order_item: {key: [order_id, product_id], fields: {order_id: {references: orders.id}, product_id: {references: product.id}}}
  product: {key: id}
"""
    ours = _plain(manifest_from(document(text)))
    theirs = _plain(_read(SHOP).manifest)
    assert ours[:3] == theirs[:3]
    assert ours[3][:4] == theirs[3][:4]


def _plain(manifest: Manifest) -> tuple[str, str, str, list[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]]:
    """The manifest without places."""
    return manifest.name, manifest.driver, manifest.about, [_plain_collection(entry) for entry in manifest.collections]


def _plain_collection(entry: CollectionMap) -> tuple[str, tuple[str, ...], list[tuple[object, ...]]]:
    fields = [(one.name, one.category, one.selects, one.identifies, one.references, one.carries, one.search_text) for one in entry.fields]
    return entry.name, entry.key, sorted(fields, key=str)


def test_a_document_inside_a_field_is_one_field_that_is_looked_into() -> None:
    found = _read(
        _dataset(
            "- name: work\n  fields:\n    - {name: employer, data_categories: [user.workplace]}\n    - {name: job, data_categories: [user.job_title]}"
        )
    )
    field = _field(found, "person.work")
    assert (field.category, field.search_text) == ("user", True)
    assert "covers what is inside" in found.reasons["person", "work"]


def test_empty_lists_and_nothings_that_fides_itself_writes_say_nothing() -> None:
    found = _read(
        _dataset("- name: a\n  data_categories: [user.name]\n  fields: []\n  fides_meta: {references: [], identity: null, primary_key: null}")
    )
    assert (found.gaps, _field(found, "person.a").search_text) == ((), False)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (_dataset("- name: a\n  fides_meta: {masking_strategy_override: {strategy: null_rewrite}}"), 7, "said in a policy"),
        (_dataset("- name: a\n  fides_meta: {read_only: True}"), 7, "live system"),
        (_dataset("- name: a\n  fides_meta: {custom_request_field: tenant}"), 7, "kind of one's own"),
        (_dataset("- name: a\n  fides_meta: {redact: name}"), 7, "not hidden"),
        (_dataset("- name: a\n  fides_meta: {identity: shoe}"), 7, "not a kind of selector"),
        (_dataset("- name: a\n  data_categories: [animal.name]"), 7, "not a category"),
        (_dataset("- name: a\n  data_categories: [user.shoe_size]"), 7, "not a category"),
        (_dataset("- name: a", collection="fides_meta: {after: [one.other]}"), 5, "live keys"),
        (_dataset("- name: a", collection="fides_meta: {erase_after: [one.other]}"), 5, "live keys"),
        (_dataset("- name: a", collection="fides_meta: {skip_processing: True}"), 5, "nothing that may hold the person is skipped"),
        (_dataset("- name: a", collection="fides_meta: {masking_strategy_override: {strategy: delete}}"), 5, "said in a policy"),
        (_dataset("- name: a", collection="fides_meta: {partitioning: [{field: a}]}"), 5, "slices"),
        (_dataset("- name: a", collection="data_categories: [user.contact]"), 5, "each field its own"),
        (_dataset("- name: a", top="retention: 30 days"), 3, "said in a policy"),
        (_dataset("- name: a", top="fides_meta: {namespace: {schema: shop}}"), 3, "systems.yaml"),
        (_dataset("- name: a\n  fides_meta: {references: [{dataset: two, field: b.c, direction: from}]}"), 7, "another dataset"),
        (_dataset("- name: a\n- name: b\n  fides_meta: {references: [{dataset: one, field: person.a}]}"), 8, "without a direction"),
        (_dataset("- name: a\n  fields: [{name: b, fides_meta: {identity: email}}]"), 7, "inside a document"),
        (
            _dataset("- name: a\n  fields: [{name: b}]\n- name: c\n  fides_meta: {references: [{dataset: one, field: person.a.b}]}"),
            9,
            "into a document",
        ),
    ],
)
def test_what_a_connector_cannot_say_is_named_with_its_line(text: str, line: int, said: str) -> None:
    (gap,) = _gaps(text)
    assert gap.startswith(f"connectors/shop.yml:{line}:")
    assert said in gap


def test_a_second_reference_is_named_and_the_first_is_kept() -> None:
    both = "{dataset: one, field: person.a, direction: from}, {dataset: one, field: person.b, direction: from}"
    found = _read(_dataset(f"- name: a\n- name: b\n- name: c\n  fides_meta: {{references: [{both}]}}"))
    assert _field(found, "person.c").references == ("person", "a")
    assert ["left out" in gap.message for gap in found.gaps] == [True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dataset: []\n", "missing"),
        ("dataset: shop\n", "must be a list"),
        ("dataset: [shop]\n", "must be a block"),
        ("dataset:\n  - name: x\n    collections: [{name: a, fields: [{name: b}]}]\n", "missing"),
        ("dataset:\n  - fides_key: <instance_fides_key>\n    collections: [{name: a, fields: [{name: b}]}]\n", "template"),
        ("dataset:\n  - fides_key: one\n", "missing"),
        ("dataset:\n  - fides_key: one\n    collections: [{name: a}]\n", "missing"),
        (SHOP + "  - fides_key: two\n    collections: [{name: a, fields: [{name: b}]}]\n", "one connector describes one system"),
        (_dataset("- name: a\n- name: a"), "stands above already"),
        (_dataset("- name: a.b"), "no dot"),
        (_dataset("- name: a\n  data_catgories: [user]"), "did you mean data_categories?"),
        (_dataset("- name: a\n  fides_meta: {primary_key: maybe}"), "true or false"),
        (_dataset("- name: a\n  fides_meta: {data_categories: [user]}"), "unknown key"),
        (_dataset("- name: a\n  fides_meta: {identity: email}\n  fidesops_meta: {identity: email}"), "older name"),
        (_dataset("- name: a\n  fides_meta: {references: [{dataset: one, field: persn.a, direction: to}]}"), "did you mean person?"),
        (_dataset("- name: a\n  fides_meta: {references: [{dataset: one, field: person.z, direction: to}]}"), "no such field"),
        (_dataset("- name: a\n  fides_meta: {references: [{dataset: one, field: person, direction: to}]}"), "not a field of a collection"),
        (_dataset("- name: a\n  fides_meta: {references: [{dataset: one, field: person.a, direction: up}]}"), "from or to"),
        (_dataset("- name: a\n  fides_meta: 5"), "must be a block"),
        (_dataset("- name: [a]"), "not a text"),
        (_dataset("- name: a\n  data_categories: [[user]]"), "not a text"),
        ("dataset:\n  - &a {fides_key: one}\n", "anchors"),
        ("dataset:\n  - !!python/object:os.system {fides_key: one}\n", "tags"),
        ("dataset: []\ndataset: []\n", "given twice"),
        ("dataset: " + "[" * 60 + "]" * 60 + "\n", "deep"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_line(text: str, said: str) -> None:
    found = _mistakes(text)
    assert any(said in message for message in found), found
    assert all(message.startswith("connectors/shop.yml:") for message in found)


def test_a_value_is_never_quoted() -> None:
    assert "hunter2" not in "".join(_mistakes(_dataset("- name: a\n  fides_meta: {primary_key: hunter2, length: 4, data_type: string}")))


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("user.contact.email", "user.contact.email"),
        ("user.contact.email.work", "user.contact.email"),
        ("user.provided.identifiable.contact.email", "user.contact.email"),
        ("user.derived.identifiable.unique_id", "user.unique_id"),
        ("user.biometrics.fingerprint", "user.biometric"),
        ("user.financial.account_number", "user.financial.bank_account"),
        ("user.shoe_size", "user"),
        ("system.operations", None),
        ("systematic", None),
        ("account.contact.email", None),
    ],
)
def test_categories_of_fides_become_ours(name: str, category: str | None) -> None:
    found = translated(name)
    assert found.category == category
    assert found.is_unknown == (name in ("user.shoe_size", "systematic", "account.contact.email"))


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(categories())), min_size=1, max_size=5))
def test_several_categories_become_one_that_covers_them_or_is_the_deepest_of_a_line(names: list[str]) -> None:
    found = joined(names)
    assert found in categories()
    covers = all(name == found or name.startswith(f"{found}.") for name in names)
    line = all(found == name or str(found).startswith(f"{name}.") for name in names)
    assert covers or line


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.sampled_from(["a", "x.y", "user.name", "true"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["dataset", "fides_key", "collections", "fields", "name", "fides_meta", "references", "identity", "data_categories", "field"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=30,
    )
)
def test_nothing_in_a_file_makes_the_reader_raise_anything_else(tree: object) -> None:
    parsed = document(json.dumps({"dataset": tree}))
    assert is_fides(parsed)
    with suppress(SpecWrong):
        assert fides_from(parsed).manifest.collections


def test_a_home_takes_a_fides_file_where_a_connector_is(tmp_path: Path) -> None:
    write(tmp_path, connectors__shop=SHOP, systems='systems: {shop: {connector: web_shop, url: "sqlite:///shop.db"}}\n')
    declared = load_home(tmp_path, {})
    assert declared.systems["shop"].manifest.name == "web_shop"
    assert declared.manifests["web_shop"].source.file == "connectors/shop.yaml"


def test_a_home_names_what_a_fides_file_says_and_nothing_here_can(tmp_path: Path) -> None:
    text = _dataset("- name: a\n  fides_meta: {masking_strategy_override: {strategy: null_rewrite}}")
    write(tmp_path, connectors__shop=text, policies__leads=policy_text())
    with pytest.raises(SpecWrong, match=r"connectors/shop.yaml:7:.*said in a policy"):
        load_home(tmp_path, {})
    declared = load_home(tmp_path, {}, allow_gaps=True)
    assert any("said in a policy" in str(gap) for gap in declared.warnings)


def test_a_mistake_in_a_fides_file_is_not_let_pass(tmp_path: Path) -> None:
    write(tmp_path, connectors__shop=_dataset("- nme: a"))
    with pytest.raises(SpecWrong, match=r"did you mean name\?"):
        load_home(tmp_path, {}, allow_gaps=True)
