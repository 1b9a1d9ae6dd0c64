"""The record of processing and the retention table say what policies and connectors say, in words, and nothing else."""

import re
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.own_data import KINDS
from dsr_engine.domain.policy import Treatment
from dsr_engine.domain.recipient import AWAITED, Channel, Recipient, Role
from dsr_engine.workflow.house import House
from dsr_engine.workflow.records.retention import Table, as_markdown, retention_table
from dsr_engine.workflow.records.ropa import Entry, RecordOfProcessing, record_of_processing
from tests.workflow.company import BOB, EMAIL, NAME, SHOP_CONNECTOR, Company
from tests.workflow.journeys import opened_for, working

_POLICY = """\
policy: ours
about: Customers of the shop and their orders.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: orders are kept for tax
    when: {collection: shop.orders}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: open orders
    when: {collection: shop.orders, category: user.unique_id}
    keep: {while: {note: [open, shipped]}, because: contract}
    then: delete
  - name: customers
    when: {collection: shop.customers}
    keep: {for: 1 month, from: {latest: [last_contact_at, seen_at]}}
    then: {anonymize: {user.name: tombstone}}
  - name: what is theirs
    when: {category: user.contact}
    then: delete
"""
_CONNECTOR = (
    SHOP_CONNECTOR.replace("discover: rest", "discover: none")
    .replace("      customer_id: {category", "      issued_on: {starts: retention}\n      customer_id: {category")
    .replace("      full_name:", "      last_contact_at: {starts: retention}\n      seen_at: {starts: retention}\n      full_name:")
)


@pytest.fixture
def ours(shop: Company) -> Company:
    shop.connector(_CONNECTOR)
    shop.policy(_POLICY)
    return shop


def _record(house: House) -> RecordOfProcessing:
    with house.store.snapshot() as tx:
        return record_of_processing(tx, house)


def _entries(record: RecordOfProcessing) -> dict[tuple[str, str], Entry]:
    return {(entry.collection, entry.category): entry for entry in record.entries}


def test_each_category_has_its_limit_its_ground_and_what_happens_then(ours: Company) -> None:
    with working(ours) as house:
        found = _entries(_record(house))
    orders, name, text = found["orders", "user.unique_id"], found["customers", "user.name"], found["tickets", "user.content"]
    assert orders.limits == (
        "the longest of: as long as “note” is “open” or “shipped”; 8 years from the end of the calendar year of the day of issue"
    )
    assert orders.grounds == "it is still needed for a contract with you; a law obliges us to keep it (§ 147 AO)"
    assert (name.limits, name.treatment) == (
        "1 month from the latest of: our last contact, “seen at” (a request for erasure ends this sooner)",
        "made anonymous",
    )
    assert (text.limits, text.treatment) == ("", "")
    assert orders.purpose == "Customers of the shop and their orders."
    assert (orders.system, orders.owner, orders.policy) == ("shop", "shop@example.com", "ours")


def test_what_nobody_decided_and_what_only_people_know_is_listed_as_open(ours: Company) -> None:
    with working(ours) as house:
        open_ = "\n".join(_record(house).open)
    assert "what happens to shop.tickets: user.content: no rule covers it" in open_
    assert "Art. 30(1)(c)" in open_
    assert "the register of recipients is empty" in open_


def test_recipients_and_their_countries_stand_with_the_data_that_they_get(ours: Company) -> None:
    post = Recipient(
        "post", "Parcel Post Ltd", Role.PROCESSOR, Channel.MANUAL, ("shop.orders",), ("email",), AWAITED[Role.PROCESSOR], countries=("CH",)
    )
    with working(ours) as house:
        found = _entries(_record(replace(house, recipients={"post": post})))
    assert (found["orders", "user.unique_id"].recipients, found["orders", "user.unique_id"].countries) == (("Parcel Post Ltd (processor)",), ("CH",))
    assert found["customers", "user.name"].recipients == ()


def test_the_engines_own_processing_stands_beside_it(ours: Company) -> None:
    with working(ours) as house:
        opened_for(house)
        own = {each.activity: each for each in _record(house).own}
    assert {"requests", "correspondence", "proofs", "request log", "officers"} <= set(own)
    assert (own["request log"].count, "7101" in own["request log"].basis) == (1, True)


def test_no_value_of_anybody_is_in_the_record(ours: Company) -> None:
    with working(ours) as house:
        opened_for(house)
        text = repr(asdict(_record(house)))
    assert not any(part in text for part in (EMAIL, NAME, BOB))


def _table(house: House, language: str) -> Table:
    return retention_table(house, language)


def test_the_retention_table_names_no_system_no_table_and_no_rule(ours: Company) -> None:
    with working(ours) as house:
        text = as_markdown(_table(house, "en"))
    assert "8 years from the end of the calendar year of the day of issue" in text
    assert not any(word in text for word in ("shop", "orders", "customer_id", "tickets", "ours"))
    assert "not decided yet" in text
    assert text.count("\n|") == text.count(" |\n") + 1  # every line is a whole row; the rule under the head has no blanks


def test_the_table_in_german_says_the_same_lines(ours: Company) -> None:
    with working(ours) as house:
        english, german = _table(house, "en"), _table(house, "de")
    assert (len(english.lines), len(english.own)) == (len(german.lines), len(german.own))
    text = as_markdown(german)
    assert "8 Jahre, gerechnet ab dem Jahresende; maßgeblich: Tag der Ausstellung" in text
    assert "1 Monat, gerechnet ab: was zuletzt kommt: unser letzter Kontakt, „seen at“" in text
    assert "3 Jahre, gerechnet ab dem Jahresende; maßgeblich: Tag, an dem Ihr Antrag abgeschlossen ist" in text


def test_a_home_has_its_own_words_for_its_dates(ours: Company) -> None:
    shipped = Path(__file__).parents[2] / "templates" / "retention" / "en.toml"
    folder = ours.home / "templates" / "retention"
    folder.mkdir(parents=True)
    (folder / "en.toml").write_text(
        shipped.read_text(encoding="utf-8").replace("[dates]\n", '[dates]\nseen_at = "your last visit"\n'), encoding="utf-8"
    )
    with working(ours) as house:
        assert "our last contact, your last visit" in as_markdown(_table(house, "en"))


def test_a_language_without_words_is_refused_by_name(ours: Company) -> None:
    with working(ours) as house, pytest.raises(InputWrong) as refused:
        _table(house, "tlh")
    assert "en" in refused.value.hint


def test_every_language_has_the_same_words_and_places() -> None:
    folder = Path(__file__).parents[2] / "templates" / "retention"
    documents = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.toml")}
    assert {"en", "de"} <= set(documents)

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {name: shape(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [shape(entry) for entry in value]
        return sorted(re.findall(r"\{\w+\}", str(value)))

    assert [name for name, document in documents.items() if shape(document) != shape(documents["en"])] == []
    assert set(documents["en"]["treatments"]) == {treatment.value for treatment in Treatment}
    assert set(documents["en"]["own"]) == set(documents["en"]["bases"]) < {kind.name for kind in KINDS}
