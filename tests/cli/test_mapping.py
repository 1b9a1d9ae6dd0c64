"""`dsr map`: a draft that `dsr check` accepts, from a database, a declared system or a fides file, and what it refuses to do."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from dsr_engine.domain.system import Discover
from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.workflow.drafting_samples import build
from tests.workflow.drafts import loaded

POLICY = """
policy: everything
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: everything that belongs to the person
    when: {category: user}
    then: delete
"""


@pytest.fixture
def rentals(tmp_path: Path) -> Path:
    return build("sakila", tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Customers with a unique e-mail, their orders, lines of those, and a shared region."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE regions (id INTEGER PRIMARY KEY, name TEXT);
            CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, region_id INTEGER REFERENCES regions (id));
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), ordered_on DATE);
            CREATE TABLE order_items (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders (id), sku TEXT);
            INSERT INTO regions VALUES (1, 'North'), (2, 'South');
            """
        )
        for number in range(1, 31):
            connection.execute("INSERT INTO customers VALUES (?, ?, 'Ann Abel', ?)", (number, f"c{number}@mail.example", 1 + number % 2))
            connection.execute("INSERT INTO orders VALUES (?, ?, '2024-03-05')", (100 + number, number))
            connection.execute("INSERT INTO order_items VALUES (?, ?, 'tea')", (1000 + number, 100 + number))
    return path


def _home_with(home: Path, draft: str, url: str) -> Path:
    (home / "connectors").mkdir(exist_ok=True)
    (home / "connectors" / "drafted.yaml").write_text(draft.replace("connector: ", "connector: drafted-", 1), encoding="utf-8")
    name = next(line for line in draft.splitlines() if line.startswith("connector: ")).partition(": ")[2]
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: drafted-{name}, url: "{url}", owner: it@example.com}}\n', encoding="utf-8")
    (home / "policies").mkdir(exist_ok=True)
    (home / "policies" / "everything.yaml").write_text(POLICY, encoding="utf-8")
    return home


def test_the_draft_is_printed_and_dsr_check_accepts_it(dsr: Dsr, home: Path, rentals: Path) -> None:
    said = dsr("map", "--in", f"sqlite:///{rentals}")
    assert said.code == 0
    manifest = loaded(said.out)
    assert manifest.discover is Discover.REST
    assert manifest.residuals
    _home_with(home, said.out, f"sqlite:///{rentals}")
    checked = dsr("--home", home, "check", "--allow-gaps", "--json")
    assert checked.code == 0, checked.all
    assert json.loads(checked.out)["ok"] is True


@pytest.mark.parametrize("server", ["postgres", "mariadb"])
def test_dsr_check_accepts_the_draft_of_a_server(
    dsr: Dsr, home: Path, server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: PostgresServer | MariadbServer = request.getfixturevalue(f"{server}_server")
    url = made.url(request.getfixturevalue(f"{server}_database"))
    _fill(url)
    said = dsr("map", "--in", url)
    assert said.code == 0, said.all
    manifest = loaded(said.out)
    orders = manifest.collection_named("orders")
    assert orders is not None
    owner = orders.field_named("customer_id")
    assert owner is not None
    assert (owner.selects, owner.references) == ("customer_id", ("customers", "id"))
    monkeypatch.setenv("SHOP_URL", url)
    _home_with(home, said.out, "${SHOP_URL}")
    checked = dsr("--home", home, "check", "--allow-gaps")
    assert checked.code == 0, checked.all


def _fill(url: str) -> None:
    import sqlalchemy as sa  # noqa: PLC0415  # only here

    engine = sa.create_engine(
        url.replace("postgresql://", "postgresql+psycopg://").replace("mysql://", "mysql+pymysql://"), poolclass=sa.pool.NullPool
    )
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(120) UNIQUE, full_name VARCHAR(120), created_at TIMESTAMP NULL)",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, ordered_on DATE,"
            " FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE)",
        ):
            connection.execute(sa.text(statement))
        for number in range(1, 31):
            connection.execute(sa.text(f"INSERT INTO customers VALUES ({number}, 'c{number}@mail.example', 'Ann Abel', NULL)"))
            connection.execute(sa.text(f"INSERT INTO orders VALUES ({100 + number}, {number}, '2024-03-05')"))
    engine.dispose()


def test_a_declared_system_is_drafted_by_its_name(dsr: Dsr, home: Path, rentals: Path) -> None:
    (home / "systems.yaml").write_text(f'systems:\n  rentals: {{connector: sqlite, url: "sqlite:///{rentals}"}}\n', encoding="utf-8")
    said = dsr("--home", home, "map", "rentals", "--json")
    assert said.code == 0
    document = json.loads(said.out)
    assert list(document) == ["connector", "driver", "collections", "not_looked_at"]
    assert document["connector"] == "rentals"
    for collection in document["collections"]:
        assert list(collection) == ["name", "rows", "key", "what", "notes", "gap", "links", "fields", "looked_at", "seen"]
        for link in collection["links"]:
            assert list(link) == ["fields", "to", "to_fields", "on_delete", "declared", "sure", "standing", "evidence"]
        for field in collection["fields"]:
            assert list(field) == ["name", "type", "written", "reasons", "suggested", "notes"]
    unknown = dsr("--home", home, "map", "rental")
    assert unknown.code == 2
    assert "rentals" in unknown.err


def test_a_connector_of_ones_own_is_continued_and_not_begun_anew(dsr: Dsr, home: Path, shop: Path) -> None:
    own = "connector: ours\ndriver: sql\ncollections:\n  customers:\n    fields:\n      email: {category: user.contact.email, role: actor}\n"
    own += "    restrict: {set: {region_id: 1}}\ndiscover: rest\n"
    (home / "connectors" / "ours.yaml").write_text(own, encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: ours, url: "sqlite:///{shop}"}}\n', encoding="utf-8")
    said = dsr("--home", home, "map", "shop")
    assert said.code == 0
    manifest = loaded(said.out)
    assert manifest.name == "ours"
    customers = manifest.collection_named("customers")
    assert customers is not None
    email, key = customers.field_named("email"), customers.field_named("id")
    assert email is not None
    assert key is not None
    assert (email.is_actor, email.selects, key.identifies, customers.fence) == (True, None, True, (("region_id", 1),))
    assert "the live database suggests" in said.out
    assert manifest.collection_named("orders") is not None


def test_files_are_written_once_and_not_over_others(dsr: Dsr, tmp_path: Path, rentals: Path) -> None:
    out, svg = tmp_path / "rentals.yaml", tmp_path / "rentals.svg"
    said = dsr("map", "--in", rentals, "--out", out, "--svg", svg)
    assert (said.code, said.out) == (0, "")
    assert "suggestions that need you" in said.err
    first = out.read_bytes()
    ElementTree.fromstring(svg.read_text(encoding="utf-8"))
    for option, path in (("--out", out), ("--svg", svg)):
        refused = dsr("map", "--in", rentals, option, path)
        assert refused.code == 2
        assert "--force" in refused.err
    out.write_text("mine", encoding="utf-8")
    assert dsr("map", "--in", rentals, "--out", out, "--force").code == 0
    assert out.read_bytes() == first


def test_what_was_not_looked_at_is_exit_code_3_and_stands_in_the_draft(dsr: Dsr, postgres_server: PostgresServer, postgres_database: str) -> None:
    _fill(postgres_server.url(postgres_database))
    import psycopg  # noqa: PLC0415  # only here

    with psycopg.connect(postgres_server.url(postgres_database), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS map_guest")
        connection.execute("CREATE ROLE map_guest LOGIN")
        connection.execute("GRANT SELECT ON customers TO map_guest")
    said = dsr("map", "--in", postgres_server.url(postgres_database, "map_guest"))
    assert said.code == 3
    assert "orders: the account may not read it" in said.out
    assert loaded(said.out).collection_named("orders") is None


def test_a_system_whose_driver_has_no_shape_is_refused_in_a_sentence(dsr: Dsr, company: Company) -> None:
    said = dsr("map", "--in", f"maildir:{company.mail}")
    assert said.code == 3
    assert "a connector cannot be drafted from a system of the driver mailstore" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments",
    [(), ("shop", "--in", "x.db"), ("--in", "nothing.db"), ("--in", "shop.db", "--sample", "0"), ("--from-fides", "missing.yaml"), ("--in", "")],
)
def test_wrong_input_is_exit_code_2(dsr: Dsr, arguments: tuple[str, ...]) -> None:
    said = dsr("map", *arguments)
    assert said.code == 2
    assert "Traceback" not in said.all


FIDES = """
dataset:
  - fides_key: shop
    name: The shop
    collections:
      - name: customers
        fields:
          - name: id
            data_categories: [user.unique_id]
            fides_meta: {primary_key: true}
          - name: email
            data_categories: [user.contact.email]
            fides_meta: {identity: email}
      - name: orders
        fields:
          - name: customer_id
            data_categories: [user.unique_id]
            fides_meta:
              references:
                - {dataset: shop, field: customers.id, direction: from}
"""


def test_a_fides_file_gives_a_connector_alone_and_with_the_live_database(dsr: Dsr, tmp_path: Path, shop: Path) -> None:
    path = tmp_path / "shop_dataset.yml"
    path.write_text(FIDES, encoding="utf-8")
    alone = dsr("map", "--from-fides", path)
    assert alone.code in (0, 3), alone.all
    customers = loaded(alone.out).collection_named("customers")
    assert customers is not None
    email = customers.field_named("email")
    assert email is not None
    assert email.selects == "email"
    both = dsr("map", "--from-fides", path, "--in", shop)
    merged = loaded(both.out)
    assert merged.collection_named("order_items") is not None
    orders = merged.collection_named("orders")
    assert orders is not None
    ordered_on = orders.field_named("ordered_on")
    assert ordered_on is not None
    assert ordered_on.starts_retention
    not_fides = tmp_path / "other.yml"
    not_fides.write_text("a: 1\n", encoding="utf-8")
    assert dsr("map", "--from-fides", not_fides).code == 2


def test_mapping_changes_nothing_and_prints_no_value(dsr: Dsr, company: Company) -> None:
    before = company.shop.read_bytes()
    for form in ((), ("--json",)):
        said = dsr("map", "--in", company.shop, *form)
        assert said.code == 0
        assert EMAIL not in said.all
        assert "person number" not in said.all.lower()
        assert "77000" not in said.all
    assert company.shop.read_bytes() == before


def test_a_picture_of_names_that_mean_something_in_xml_is_still_xml(dsr: Dsr, tmp_path: Path) -> None:
    path, svg = tmp_path / "odd.db", tmp_path / "odd.svg"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "<b>&amp;" (id INTEGER PRIMARY KEY, "e""mail<" TEXT, "a]]>b" TEXT)')
        connection.execute('CREATE TABLE "x\ty" (id INTEGER PRIMARY KEY, "<b>&amp;_id" INTEGER REFERENCES "<b>&amp;" (id))')
    said = dsr("map", "--in", path, "--svg", svg)
    assert said.code == 0
    text = "".join(ElementTree.fromstring(svg.read_text(encoding="utf-8")).itertext())
    assert "<b>&amp;" in text
    yaml.safe_load(said.out)


# What `dsr find` shows next to the person's records.


def test_find_tells_what_is_linked_with_the_persons_records_and_not_theirs(dsr: Dsr, shop: Path) -> None:
    said = dsr("find", "--email", "c7@mail.example", "--in", shop)
    assert said.code == 0
    assert "Next to these records (not theirs)" in said.out
    document = json.loads(dsr("find", "--email", "c7@mail.example", "--in", shop, "--json").out)
    assert [(row["collection"], row["match"]) for row in document["findings"]] == [("customers", "owns")]
    assert document["next_to"] == [
        {"system": "shop", "collection": "orders", "relation": "dependent", "via": "orders.customer_id → customers.id", "count": 1},
        {"system": "shop", "collection": "regions", "relation": "parent", "via": "region_id → regions.id", "count": 1},
    ]
    assert document["not_counted"] == []


def test_find_shows_nothing_beside_records_that_only_mention_the_person(dsr: Dsr, shop: Path) -> None:
    document = json.loads(dsr("find", "--name", "Ann Abel", "--in", shop, "--json").out)
    assert document["findings"]
    assert document["next_to"] == []
    assert "Next to" not in dsr("find", "--email", "nobody@mail.example", "--in", shop).out


# A draft as it stands, used for an erasure: exactly what it says is the person's goes.


Rows = dict[str, set[tuple[object, ...]]]


def _rows(path: Path) -> Rows:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: set(connection.execute(f'SELECT * FROM "{table}"')) for table in tables}


def _erased(dsr: Dsr, home: Path, database: Path, email: str) -> tuple[Rows, Rows]:
    """The rows that are not there any more when the unchanged draft was used, and those that were not there before."""
    drafted = dsr("map", "--in", database)
    connector = drafted.out.replace("connector: ", "connector: drafted-", 1)
    (home / "connectors" / "drafted.yaml").write_text(connector, encoding="utf-8")
    (home / "systems.yaml").write_text(
        f'systems:\n  {database.stem}: {{connector: drafted-{database.stem}, url: "sqlite:///{database}"}}\n', encoding="utf-8"
    )
    before = _rows(database)
    said = dsr("--home", home, "erase", "--email", email, "--policy", "one-shot", "--ground", "purpose_over", "--yes")
    assert said.code == 0, said.all
    after = _rows(database)
    gone = {table: rows for table in before if (rows := before[table] - after[table])}
    return gone, {table: rows for table in before if (rows := after[table] - before[table])}


def test_the_unchanged_draft_erases_the_customer_with_orders_and_lines_and_nothing_else(dsr: Dsr, home: Path, shop: Path) -> None:
    gone, came = _erased(dsr, home, shop, "c7@mail.example")
    assert came == {}
    assert {table: {row[0] for row in rows} for table, rows in gone.items()} == {"customers": {7}, "orders": {107}, "order_items": {1007}}


def test_the_unchanged_draft_of_a_rental_shop_leaves_address_staff_store_and_films(dsr: Dsr, home: Path, rentals: Path) -> None:
    before = _rows(rentals)
    (customer,) = (row for row in before["customer"] if row[0] == 5)
    gone, came = _erased(dsr, home, rentals, str(customer[4]))
    assert came == {}
    assert set(gone) == {"customer", "rental", "payment"}
    assert gone["customer"] == {customer}
    assert gone["rental"] == {row for row in before["rental"] if row[3] == 5}
    assert gone["payment"] == {row for row in before["payment"] if row[1] == 5}


def test_the_unchanged_draft_finds_a_person_whose_address_stands_apart(dsr: Dsr, home: Path, tmp_path: Path) -> None:
    database = build("adventureworks", tmp_path)
    gone, came = _erased(dsr, home, database, "bela41@adventure.example")
    assert {table: {row[0] for row in rows} for table, rows in gone.items()} == {"person": {41}, "emailaddress": {41}, "personphone": {41}}
    # A customer points at the person, and nothing says that it is the same one: the person's row stays without the person.
    ((number, _, _, first, last, _, _),) = came["person"]
    assert (set(came), number) == ({"person"}, 41)
    assert not {"Bela", "Conti"} & {first, last}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A folder of customers in a table and of a log, and a file that nothing can be read of."""
    root = tmp_path / "lake"
    (root / "exports").mkdir(parents=True)
    (root / "logs").mkdir()
    rows = "".join(f"{number},c{number}@mail.example,Ann Abel,+49 30 9018{number:02}\n" for number in range(30))
    (root / "exports" / "customers-2024.csv").write_text(f"customer_id,email,full_name,phone\n{rows}", encoding="utf-8")
    (root / "logs" / "a.log").write_text("login from 203.0.113.9\n" * 20, encoding="utf-8")
    return root


def test_a_folder_is_drafted_and_the_draft_is_accepted_by_check(dsr: Dsr, home: Path, lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "lake.yaml"
    said = dsr("map", "--in", lake, "--out", out)
    assert said.code == 0, said.err
    text = out.read_text(encoding="utf-8")
    entry = loaded(text).collection_named("exports/customers*.csv")
    assert entry is not None
    assert "text, line:*: IP addresses in 20 of 20 texts" in text
    assert not any(secret in text for secret in ("mail.example", "Abel", "203.0.113"))
    (home / "connectors").mkdir(exist_ok=True)
    (home / "connectors" / "lake.yaml").write_text(text, encoding="utf-8")
    (home / "systems.yaml").write_text(f'systems:\n  lake: {{connector: lake, url: "folder:{lake}"}}\n', encoding="utf-8")
    assert "lake.yaml" not in dsr("--home", home, "check").err


def test_full_reads_every_file_and_is_refused_where_a_sample_is_all_there_is(dsr: Dsr, lake: Path, shop: Path) -> None:
    for number in range(40):
        (lake / "logs" / f"{number}.txt").write_text("quiet\n", encoding="utf-8")
    sampled = json.loads(dsr("map", "--in", lake, "--json").out)["collections"]
    assert any("were not" in entry["looked_at"] for entry in sampled)
    whole = json.loads(dsr("map", "--in", lake, "--full", "--json").out)["collections"]
    assert all(entry["looked_at"].startswith("all of") for entry in whole)
    logs = next(entry for entry in whole if entry["name"] == "logs")
    assert {"format": "text", "place": "line:*", "kind": "ip", "holding": 20, "files": 1}.items() <= logs["seen"][0].items()
    refused = dsr("map", "--in", f"sqlite:///{shop}", "--full")
    assert refused.code != 0
    assert "--full is for buckets and folders" in refused.err


def test_a_file_that_cannot_be_read_is_said_and_the_exit_code_tells(dsr: Dsr, lake: Path) -> None:
    (lake / "logs" / "x.bin").write_bytes(bytes(range(256)) * 20)
    said = dsr("map", "--in", lake)
    assert said.code == 3
    assert "only its bytes were searched" in said.out
