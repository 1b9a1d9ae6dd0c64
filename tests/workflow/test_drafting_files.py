"""Drafts of buckets and folders: collections as globs, columns with categories, what stands in texts; and texts of databases that hold people."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dsr_engine.drivers.objectstore.catalogue import Catalogue
from dsr_engine.workflow.drafting.json_form import as_document
from dsr_engine.workflow.drafting.yaml_text import yaml_of
from tests.workflow.drafts import drafted, followed, loaded, suggested, written

PEOPLE = "".join(f"{number},c{number}@mail.example,Ann Abel,+49 30 9018{number:02}\n" for number in range(60))
NOTES = "".join(f"{number},{'call +49 30 90182' + str(number % 10) if number % 5 == 0 else 'nothing'},{number}.50\n" for number in range(60))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two months of customers, orders with a note, events, a log, a folder of private letters."""
    root = tmp_path / "lake"
    events = "".join(json.dumps({"id": number, "user": {"mail": f"u{number}@mail.example"}}) + "\n" for number in range(30))
    files = {
        "exports/customers-2024-01.csv": f"customer_id,email,full_name,phone\n{PEOPLE}",
        "exports/orders.csv": f"order_id,note,total\n{NOTES}",
        "exports/products.csv": "sku,label\n" + "".join(f"{number},Tea\n" for number in range(9)),
        "events/today.jsonl": events,
        "logs/app.log": "login from 203.0.113.9\n" * 30,
        "misc/read.txt": "nothing at all\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def test_tables_of_a_folder_are_drafted_with_categories_and_whose_they_are(lake: Path) -> None:
    draft = drafted(lake)
    assert draft.driver == "objectstore"
    assert written(draft, "exports/customers*.csv", "email") == {"category": "user.contact.email", "selects": "email"}
    assert written(draft, "exports/customers*.csv", "full_name") == {"category": "user.name"}
    assert written(draft, "exports/customers*.csv", "phone") == {"category": "user.contact.phone_number"}
    assert {"category", "selects"} <= {key for words in suggested(draft, "exports/customers*.csv", "phone") for key in ("category", *words)}
    assert written(draft, "events/today.jsonl", "user.mail") == {"category": "user.contact.email"}


def test_a_column_in_which_people_stand_here_and_there_is_looked_into(lake: Path) -> None:
    draft = drafted(lake)
    assert written(draft, "exports/orders.csv", "note") == {"category": "user.content", "search": "text"}
    assert written(draft, "exports/orders.csv", "total") == {}


def test_the_draft_loads_as_it_stands_and_with_every_suggestion_followed(lake: Path) -> None:
    text = yaml_of(drafted(lake))
    assert loaded(text).driver == "objectstore"
    assert loaded(followed(text)).collection_named("exports/customers*.csv") is not None


def test_the_drafted_collections_cover_the_files_that_they_were_drafted_from(lake: Path) -> None:
    manifest = loaded(yaml_of(drafted(lake)))
    catalogue = Catalogue(manifest)
    assert catalogue.collection_of("exports/customers-2024-01.csv") == "exports/customers*.csv"
    assert catalogue.collection_of("exports/customers-2031-12.csv") == "exports/customers*.csv"
    assert catalogue.collection_of("exports/orders.csv") == "exports/orders.csv"
    assert catalogue.collection_of("logs/app.log") == "logs"


def test_the_narrower_glob_stands_first_because_the_first_that_covers_counts(tmp_path: Path) -> None:
    for name in ("data/customers-1.csv", "data/customers-eu-1.csv", "data/sub/customers-1.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"customer_id,email,full_name,phone\n{PEOPLE}", encoding="utf-8")
        (tmp_path / name.replace("1", "2")).write_text(f"customer_id,email,full_name,phone\n{PEOPLE}", encoding="utf-8")
    manifest = loaded(yaml_of(drafted(tmp_path)))
    catalogue = Catalogue(manifest)
    assert catalogue.collection_of("data/customers-eu-1.csv") == "data/customers-eu*.csv"
    assert catalogue.collection_of("data/customers-1.csv") == "data/customers*.csv"
    assert catalogue.collection_of("data/sub/customers-1.csv") == "data/sub/customers*.csv"


def test_a_single_file_is_not_swallowed_by_a_wider_glob(tmp_path: Path) -> None:
    names = [f"data/{first}{second}.csv" for first in "bcdfghk" for second in ("olt", "arn", "esk", "ulm", "ind", "ord")]
    for name in (*names, "data/sub/customers.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"customer_id,email,full_name,phone\n{PEOPLE}", encoding="utf-8")
    catalogue = Catalogue(loaded(yaml_of(drafted(tmp_path))))
    assert catalogue.collection_of("data/sub/customers.csv") == "data/sub/customers.csv"
    assert catalogue.collection_of(names[0]) == "data/*.csv"


def test_texts_that_hold_people_are_told_apart_from_files_in_which_nothing_was_seen(lake: Path) -> None:
    text = yaml_of(drafted(lake))
    held, nothing = text.partition("Nothing personal was seen")[0], text.partition("Nothing personal was seen")[2]
    assert "text, line:*: IP addresses in 30 of 30 texts" in held
    assert "misc" in nothing
    assert "logs" not in nothing


def test_a_draft_of_files_says_nothing_that_files_cannot_keep(lake: Path) -> None:
    text = yaml_of(drafted(lake))
    for word in ("identifies:", "references:", "carries:", "starts:", "key:"):
        assert word not in "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_the_json_tells_every_place_with_counts_and_no_value(lake: Path) -> None:
    document = as_document(drafted(lake))
    collections = document["collections"]
    assert isinstance(collections, list)
    logs = next(entry for entry in collections if entry["name"] == "logs")
    assert logs["looked_at"].startswith("all of 1 file looked at")
    assert logs["seen"][0] | {"format": "text", "place": "line:*", "kind": "ip", "holding": 30} == logs["seen"][0]
    assert not any(secret in json.dumps(document) for secret in ("mail.example", "Abel", "203.0.113", "9018"))


def test_no_value_stands_in_the_text_of_the_draft(lake: Path) -> None:
    text = yaml_of(drafted(lake))
    assert "collections:" in text
    assert not any(secret in text for secret in ("mail.example", "Abel", "203.0.113", "9018"))


def test_documents_and_texts_of_a_table_that_hold_people_are_looked_into(tmp_path: Path) -> None:
    """A column of plain text that holds JSON, one with telephone numbers here and there, and control columns in which nobody stands."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE webhook_calls (id INTEGER PRIMARY KEY, payload TEXT, settings TEXT, remark TEXT, state TEXT)")
        for number in range(40):
            payload = json.dumps({"n": number, "who": {"mail": f"u{number}@mail.example"}})
            remark = f"call +49 30 9018{number:02}" if number % 4 == 0 else f"fine {number}"
            connection.execute("INSERT INTO webhook_calls VALUES (?, ?, ?, ?, 'done')", (number, payload, json.dumps({"limit": number}), remark))
    draft = drafted(path)
    assert written(draft, "webhook_calls", "payload") == {"category": "user", "search": "text"}
    assert written(draft, "webhook_calls", "remark")["search"] == "text"
    assert written(draft, "webhook_calls", "state") == {}
    assert "Nothing personal" not in yaml_of(draft)
    assert "mail.example" not in yaml_of(draft)
