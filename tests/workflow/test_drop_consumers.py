"""One consumer or several: what is deleted and who is only opted out hangs on it."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.drop_record import Parts, Role
from dsr_engine.domain.drop import DropList
from dsr_engine.domain.selector import Scope
from dsr_engine.workflow.dropping.consumers import MOST_RECORDS, Trace, Traces, are_several, consumers, selectors_of

PEOPLE, CRM, LEADS = Scope("shop", "consumers", "id"), Scope("crm", "contacts", "id"), Scope("shop", "leads", "id")


def trace(key: str = "", scope: Scope = PEOPLE, own: str = "", **parts: str) -> Trace:
    keys = ((scope, "customer_id", key),) if key else ()
    return Trace(keys, (LEADS, "id", own) if own else None, Parts({Role[name.upper()]: [value] for name, value in parts.items()}))


def several(entry: DropList, *found: Trace) -> bool:
    traces = Traces(entry)
    for one in found:
        traces.add(one)
    return are_several(traces)


@pytest.mark.parametrize(
    ("entry", "found", "wanted"),
    [
        (DropList.EMAIL, (trace("17", email="a@x.org"), trace("17", email="a@x.org")), False),
        (DropList.EMAIL, (trace("17", email="a@x.org"), trace("18", email="a@x.org")), True),
        (DropList.EMAIL, (trace("17", email="a@x.org", name="Jane Doe"), trace("18", email="A@x.org", name="Doe, Jane")), False),
        (DropList.EMAIL, (trace("17", email="a@x.org", name="Jane Doe"), trace("18", email="a@x.org", name="John Doe")), True),
        (DropList.EMAIL, (trace("17", email="a@x.org"), trace("5", CRM, email="a@x.org")), False),
        (DropList.EMAIL, (trace("17", email="a@x.org", name="Jane Doe"), trace(email="a@x.org", name="J. Doe")), False),
        (DropList.PHONE, (trace("17", phone="1"), trace("18", phone="1")), True),
        (DropList.PHONE, (trace("17", phone="1", name="Jane Doe"), trace("18", phone="1", name="Jane Doe")), True),
        (DropList.PHONE, (trace("17", phone="1", name="Jane Doe"), trace(phone="1", name="John Doe")), True),
        (DropList.PHONE, (trace("17", phone="1", name="Jane Doe"), trace(phone="1")), False),
        (DropList.PHONE, (trace("17", phone="1", email="a@x.org"), trace(phone="1", email="b@x.org")), True),
        (DropList.MAID, (trace(device="a", name="Jane"), trace(device="a", name="John")), True),
        (DropList.NDZ, (trace("17", name="Jane Doe"), trace("18", name="Jane Doe")), True),
    ],
)
def test_who_is_one_consumer(entry: DropList, found: Sequence[Trace], wanted: bool) -> None:
    # Two accounts of one name, birth date and postcode are one person.
    assert several(entry, *found) is (wanted and entry is not DropList.NDZ)
    assert several(entry, *reversed(found)) is (wanted and entry is not DropList.NDZ)


def test_records_that_are_linked_by_a_third_are_one_person() -> None:
    device = Scope("shop", "devices", "id")
    both = Trace(((PEOPLE, "customer_id", "17"), (device, "device", "9")), None, Parts({}))
    assert not several(DropList.EMAIL, trace("9", device), trace("17"), both)
    assert several(DropList.EMAIL, trace("8", device), trace("17"), both, trace("18"))


def test_an_identifier_in_very_many_records_is_nobodys_own() -> None:
    assert several(DropList.PHONE, *(trace(own=str(number), phone="0") for number in range(MOST_RECORDS + 2)))


def test_a_person_on_several_lists_is_one_consumer() -> None:
    mail, call = Traces(DropList.EMAIL, [trace("17", email="a@x.org")]), Traces(DropList.PHONE, [trace("17", phone="1")])
    other = Traces(DropList.EMAIL, [trace("18", email="b@x.org")])
    found = consumers([(["A"], mail), (["B"], call), (["C"], other)])
    assert {frozenset(consumer.items) for consumer in found} == {frozenset("AB"), frozenset("C")}


def test_a_telephone_that_two_have_does_not_make_them_one() -> None:
    one, two = Traces(DropList.EMAIL, [trace("17", email="a@x.org", phone="1")]), Traces(DropList.EMAIL, [trace("18", email="b@x.org", phone="1")])
    assert len(consumers([(["A"], one), (["B"], two)])) == 2


def test_a_case_looks_for_keys_and_addresses_and_for_the_record_where_there_is_neither() -> None:
    ids = iter("abcdefghijklmnop")
    known = selectors_of([trace("17", email=" a@x.org ", phone="1", own="3")], ids)
    assert [(entry.kind, entry.value.reveal(), entry.scope) for entry in known] == [("customer_id", "17", PEOPLE), ("email", "a@x.org", None)]
    lead = selectors_of([trace(phone="1", name="Lee", own="3")], ids)
    assert [(entry.kind, entry.scope) for entry in lead] == [("id", LEADS)]
    row = selectors_of([trace(phone="1", name="Lee")], ids)
    assert [(entry.kind, entry.scope) for entry in row] == [("phone", None), ("name", None)]
    assert all(entry.verified for entry in (*known, *lead, *row))


keys = st.lists(st.sampled_from("123456"), min_size=1, max_size=3, unique=True)


@settings(deadline=None)
@given(st.lists(keys, min_size=1, max_size=8))
def test_every_item_is_in_exactly_one_consumer_and_who_shares_a_key_is_together(records: list[list[str]]) -> None:
    matched = [
        ([f"item{number}"], Traces(DropList.EMAIL, [Trace(tuple((PEOPLE, "id", key) for key in held), None, Parts({}))]))
        for number, held in enumerate(records)
    ]
    found = consumers(matched)
    assert sorted(item for consumer in found for item in consumer.items) == sorted(f"item{number}" for number in range(len(records)))
    where = {item: number for number, consumer in enumerate(found) for item in consumer.items}
    for one, held in enumerate(records):
        for other, theirs in enumerate(records):
            assert where[f"item{one}"] == where[f"item{other}"] or not set(held) & set(theirs)
