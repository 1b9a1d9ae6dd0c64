"""A system is connected step by step: no secret is typed, nothing is declared before the last step, and the files keep what people wrote in them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dsr_engine.domain.finding import Extent
from dsr_engine.domain.user import Role
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.loader import parse_document
from dsr_engine.web.bench import bench
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.looking import FOUND
from tests.web.conftest import Doors
from tests.web.visiting import Visitor
from tests.workflow.journeys import opened_for

_CRM = """\
CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE TABLE calls (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL REFERENCES people (id), taken_by TEXT, note TEXT);
INSERT INTO people VALUES (1, 'zoe.quist@example.org', 'Zoe Quist'), (2, 'omar.lund@example.org', 'Omar Lund');
INSERT INTO calls VALUES (1, 1, 'amy@corp.example', 'asked for tea'), (2, 2, 'amy@corp.example', 'asked for milk');
"""


@pytest.fixture
def crm(doors: Doors) -> Path:
    path = doors.company.folder / "crm.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_CRM)
    return path


def _rested(doors: Doors) -> None:
    with doors.app.app_context():
        bench().rest()


def _begun(doors: Doors, crm: Path) -> Visitor:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/sqlite")
    return visitor.send("Go on to the test", name="crm", owner="sales", url=f"sqlite:///{crm}", inside="1")


def _tested(doors: Doors, crm: Path) -> Visitor:
    visitor = _begun(doors, crm).send("Test it")
    _rested(doors)
    return visitor.go("/connecting/to/crm")


def _drafted(doors: Doors, crm: Path) -> Visitor:
    visitor = _tested(doors, crm).send("Draft it")
    _rested(doors)
    return visitor.go("/connecting/to/crm")


def test_a_system_is_connected_from_the_first_step_to_the_last(doors: Doors, crm: Path) -> None:
    systems = doors.company.home / "systems.yaml"
    systems.write_text("# we wrote this\n" + systems.read_text(encoding="utf-8"), encoding="utf-8")
    before = systems.read_text(encoding="utf-8")
    visitor = _drafted(doors, crm)
    assert "2 collections" in visitor.text
    assert systems.read_text(encoding="utf-8") == before
    visitor.go("/connecting/to/crm/fields?of=calls").send("Keep these corrections", **{"whose-2": "actor", "category-2": "user.contact.email"})
    assert "calls is corrected" in visitor.text
    visitor.go("/connecting/to/crm").send("Save crm")
    assert visitor.path == "/systems/crm", visitor.text
    assert systems.read_text(encoding="utf-8").startswith(before)
    manifest = doors.keeper.house().systems["crm"].manifest
    taken_by = manifest.collection_named("calls")
    assert taken_by is not None
    field = taken_by.field_named("taken_by")
    assert field is not None
    assert field.is_actor
    connector = (doors.company.home / "connectors" / "crm.yaml").read_text(encoding="utf-8")
    assert "# A draft by `dsr map`" in connector
    assert "zoe" not in connector.lower()
    assert not list((doors.company.home / "connectors").glob("*.draft"))
    with doors.house.store.snapshot() as tx:
        [(_, connected)] = tx.ledger.find("system.connected")
        assert connected["system"] == "crm"


def test_a_password_that_is_written_out_is_refused_and_never_shown_or_kept(doors: Doors) -> None:
    secret = "hunter2-canary"
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/postgresql")
    for values in (
        {"url": "postgresql://db.example.com/shop", "user": "dsr", "password": secret},
        {"url": f"postgresql://dsr:{secret}@db.example.com/shop"},
        {"url": f"postgresql://db.example.com/shop?password={secret}"},
    ):
        visitor.go("/connecting/new/postgresql").send("Go on to the test", name="web", **values)
        assert visitor.status == 400
        assert secret not in visitor.text
    with doors.house.store.snapshot() as tx:
        assert not tx.inquiries.of_kind("connect.wish")


def test_a_secret_is_named_by_its_variable(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doors.keeper.environment, "CRM_PASSWORD", "x")
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/postgresql")
    visitor.send("Go on to the test", name="web", url="postgresql://db.example.com/shop", user="dsr", password="CRM_PASSWORD")
    assert "${CRM_PASSWORD}" in visitor.text


@pytest.mark.parametrize(
    "values",
    [
        {"url": "postgresql://${HOME}.example.com/shop"},
        {"url": "postgresql://db.example.com/shop", "user": "dsr", "password": "${DSR_SOMETHING}"},
        {"url": "postgresql://db.example.com/shop", "user": "dsr", "password": "file:{home}/keys/log.key"},
        {"url": "file:{home}/keys/log.key"},
    ],
)
def test_a_reference_cannot_carry_the_engines_secrets_elsewhere(doors: Doors, values: dict[str, str]) -> None:
    values = {key: value.replace("{home}", str(doors.company.home)) for key, value in values.items()}
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/postgresql").send("Go on to the test", name="web", **values)
    assert visitor.status in (400, 403)
    assert visitor.path == "/connecting/new/postgresql"


def test_files_of_this_machine_are_for_whoever_says_so_and_never_the_engines_own(doors: Doors, crm: Path) -> None:
    visitor = (
        doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/sqlite").send("Go on to the test", name="crm", url=f"sqlite:///{crm}").send("Test it")
    )
    _rested(doors)
    assert "files of this machine" in visitor.go("/connecting/to/crm").text
    visitor.go("/connecting/new/folder").send("Go on to the test", name="own", url=f"folder:{doors.company.home}", inside="1").send("Test it")
    _rested(doors)
    assert "own files cannot be a system" in visitor.go("/connecting/to/own").text


def test_a_test_that_fails_leads_to_no_saving(doors: Doors, crm: Path) -> None:
    visitor = _begun(doors, crm)
    crm.unlink()
    visitor.send("Test it")
    _rested(doors)
    visitor.go("/connecting/to/crm")
    assert "cannot be used" in visitor.text
    assert "Save crm" not in visitor.text


def test_a_question_is_answered_by_yes(doors: Doors, crm: Path) -> None:
    with closing(sqlite3.connect(crm)) as connection:
        connection.executescript("CREATE TABLE visits (id INTEGER PRIMARY KEY, person_id INTEGER, host INTEGER REFERENCES people (id))")
    visitor = _drafted(doors, crm)
    assert "visits" in visitor.go("/connecting/to/crm/map").text
    asked = visitor.go("/connecting/to/crm/fields?of=visits").text.split('name="follow" value="')[1].split('"')[0].replace("&#35;", "#")
    visitor.send("Keep these corrections", follow=asked)
    assert "answered by yes" in visitor.text
    draft = (doors.company.home / "connectors" / "crm.yaml.draft").read_text(encoding="utf-8")
    manifest = manifest_from(parse_document(draft.encode(), "the map"))
    visits = manifest.collection_named("visits")
    assert visits is not None
    field = visits.field_named(asked.partition("#")[0])
    assert field is not None
    assert field.selects
    visitor.send("Keep these corrections", follow=asked)
    assert visitor.status == 400


def test_a_map_of_another_database_is_never_saved(doors: Doors, crm: Path) -> None:
    other = crm.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE guests (id INTEGER PRIMARY KEY, email TEXT)")
    visitor = _drafted(doors, crm)
    page = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/to/crm")
    visitor.go("/connecting/new/sqlite?again=crm")
    assert f"sqlite:///{crm}" in visitor.text
    visitor.send("Go on to the test", url=f"sqlite:///{other}")
    assert "Save crm" not in visitor.text
    page.send("Save crm")
    assert page.status == 400
    assert "was not tested" in page.text
    assert not (doors.company.home / "connectors" / "crm.yaml.draft").exists()
    visitor.send("Test it")
    _rested(doors)
    visitor.go("/connecting/to/crm").send("Save crm")
    assert doors.keeper.house().systems["crm"].manifest.name == "sqlite"


def test_a_text_that_is_no_map_is_shown_again_with_line_and_column(doors: Doors, crm: Path) -> None:
    visitor = _drafted(doors, crm).go("/connecting/to/crm/text")
    kept = (doors.company.home / "connectors" / "crm.yaml.draft").read_text(encoding="utf-8")
    visitor.send("Keep this text", text="connector: crm\ndriver: sql\ncollections:\n  people:\n    fields:\n      email: {category: user.nonsense}\n")
    assert visitor.status == 400
    assert "line 6, column" in visitor.text
    assert "user.nonsense" in visitor.text
    assert (doors.company.home / "connectors" / "crm.yaml.draft").read_text(encoding="utf-8") == kept


def test_what_would_not_load_is_not_saved(doors: Doors, crm: Path) -> None:
    visitor = _drafted(doors, crm)
    systems = doors.company.home / "systems.yaml"
    before = systems.read_text(encoding="utf-8")
    (doors.company.home / "connectors" / "crm.yaml.draft").write_text("connector: crm\ndriver: nothing\n", encoding="utf-8")
    visitor.go("/connecting/to/crm").send("Save crm")
    assert visitor.status == 400
    assert "nothing was changed" in visitor.text
    assert systems.read_text(encoding="utf-8") == before
    assert not (doors.company.home / "connectors" / "crm.yaml").exists()


def test_the_map_of_a_declared_system_is_corrected_and_its_comments_stay(doors: Doors) -> None:
    path = doors.company.home / "connectors" / "shop.yaml"
    path.write_text("# ours\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/systems/shop").go("/connecting/to/shop").send("Draft it")
    _rested(doors)
    visitor.go("/connecting/to/shop/fields?of=orders").send("Keep these corrections", **{"category-2": "user.content", "search-2": "1"})
    visitor.go("/connecting/to/shop").send("Save shop")
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    assert "note: {category: user.content, search: text}" in text
    assert "customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}" in text


def test_saving_wants_a_second_factor(doors: Doors, crm: Path) -> None:
    _tested(doors, crm)
    visitor = doors.signed_in(Role.ADMINISTRATOR, is_confirmed=False).go("/connecting/to/crm")
    before = (doors.company.home / "systems.yaml").read_text(encoding="utf-8")
    visitor.send("Save crm")
    assert "/account/confirm" in visitor.path
    assert (doors.company.home / "systems.yaml").read_text(encoding="utf-8") == before


def test_a_name_that_is_taken_is_refused_and_what_was_begun_can_be_forgotten(doors: Doors, crm: Path) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/sqlite")
    visitor.send("Go on to the test", name="shop", url=f"sqlite:///{crm}", inside="1")
    assert visitor.status == 409
    _begun(doors, crm)
    visitor.go("/connecting").send("Forget crm")
    assert visitor.go("/connecting/to/crm").status == 404


def test_what_no_driver_reaches_becomes_a_task_in_each_case(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/manual")
    visitor.send("Go on to the test", name="crm", about="The CRM", instructions="Search: by address\r\n# and erase.", due="soon", owner="sales")
    assert visitor.status == 400
    visitor.send("Go on to the test", due="14 days").send("Test it")
    _rested(doors)
    visitor.go("/connecting/to/crm").send("Save crm")
    assert visitor.path == "/systems/crm", visitor.text
    assert "# and erase." in visitor.text
    assert "Only databases, buckets and folders have a map" in doors.signed_in(Role.ADMINISTRATOR).go("/connecting/to/crm").text
    house = doors.keeper.house()
    task = house.systems["crm"].manifest.task
    assert task is not None
    assert (task.instructions, task.owner) == ("Search: by address\n# and erase.", "sales")
    case = run_case(house, opened_for(house).id, "worker")
    with house.store.snapshot() as tx:
        [seen] = [entry for entry in tx.coverage.of(case.id, 1, FOUND) if entry.system == "crm"]
    assert seen.extent is Extent.NONE


def test_the_map_of_a_folder_is_drafted_and_saved(doors: Doors) -> None:
    lake = doors.company.folder / "lake"
    (lake / "exports").mkdir(parents=True)
    rows = "".join(f"{number},zoe{number}@mail.example,Zoe Quist,+49 30 9018{number:02}\n" for number in range(30))
    (lake / "exports" / "customers-2024.csv").write_text(f"customer_id,email,full_name,phone\n{rows}", encoding="utf-8")
    visitor = doors.signed_in(Role.ADMINISTRATOR).go("/connecting/new/folder")
    visitor.send("Go on to the test", name="lake-house", owner="sales", url=f"folder:{lake}", inside="1").send("Test it")
    _rested(doors)
    visitor.go("/connecting/to/lake-house").send("Draft it")
    _rested(doors)
    visitor.go("/connecting/to/lake-house")
    assert "1 collections" in visitor.text, visitor.text
    visitor.go("/connecting/to/lake-house/fields?of=exports/customers*.csv")
    assert "full_name" in visitor.text
    visitor.go("/connecting/to/lake-house").send("Save lake-house")
    assert visitor.path == "/systems/lake-house", visitor.text
    entry = doors.keeper.house().systems["lake-house"].manifest.collection_named("exports/customers*.csv")
    assert entry is not None
    field = entry.field_named("email")
    assert field is not None
    assert field.selects == "email"
    assert "zoe" not in (doors.company.home / "connectors" / "lake-house.yaml").read_text(encoding="utf-8").lower()


def test_the_form_of_a_mail_server_asks_for_tokens_and_says_that_an_account_is_needed(doors: Doors) -> None:
    visitor = doors.signed_in(Role.ADMINISTRATOR)
    text = visitor.go("/connecting/new/imap").text
    assert all(f'name="{key}"' in text for key in ("token_url", "client_id", "client_secret", "scope"))
    assert '<label for="user">Account</label>' in text
    assert '<label for="user">Account <span' in visitor.go("/connecting/new/postgresql").text
