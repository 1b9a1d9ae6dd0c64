"""How well a field's content is guessed on databases that nobody prepared, and that no guess says of a record whose it is without reason."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.anonymize import FieldFacts, ValueType
from dsr_engine.domain.errors import InputWrong
from dsr_engine.spec.categories import categories
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.workflow.drafting.categories import THRESHOLD, Guess, guess
from dsr_engine.workflow.drafting.collection_words import Nature, kind_of
from dsr_engine.workflow.drafting.concepts import CONCEPTS
from dsr_engine.workflow.drafting.field_words import NOTHING, PHRASES
from dsr_engine.workflow.drafting.naming import raw_words, words_among
from dsr_engine.workflow.drafting.reading import read_words
from tests.workflow import further_schemas, known_schemas, other_schemas
from tests.workflow.known_schemas import Known

ADDRESSES = tuple(f"person{number}@example.com" for number in range(20))
PEOPLE = ("Maria Anders", "Hans Müller", "Laura Callahan", "Thomas Hardy", "Ana Trujillo", "Martin Sommer")
FIELDS = (*known_schemas.FIELDS, *other_schemas.FIELDS, *further_schemas.FIELDS)
SCHEMAS = {known.schema for known in FIELDS}


def _guess(place: str, values: tuple[str, ...] = (), share: float = 1.0, kind: ValueType = ValueType.TEXT, **facts: bool) -> Guess:
    collection, _, field = place.rpartition(".")
    return guess(collection, FieldFacts(field, kind, is_key=facts.get("is_key", False), is_unique=facts.get("is_unique", False)), values, share)


def _fields(schema: str) -> list[Known]:
    return [known for known in FIELDS if known.schema == schema]


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_of_a_database_nobody_prepared_95_in_100_fields_are_guessed_right(schema: str) -> None:
    fields = _fields(schema)
    wrong = []
    for known in fields:
        found = guess(known.collection, known.facts, known.values, 1.0)
        if (found.category, found.selects, found.is_actor) != (known.category, known.selects, known.is_actor):
            wrong.append(f"{known.collection}.{known.facts.name}: {found.category} {found.selects}")
    assert len(wrong) <= len(fields) * 0.05, wrong


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_nothing_says_whose_a_record_is_that_does_not(schema: str) -> None:
    """Also without any value to look at, and where values repeat."""
    for known in _fields(schema):
        for values, share in ((known.values, 1.0), ((), 0.0), (known.values[:1], 0.01)):
            found = guess(known.collection, known.facts, values, share)
            assert found.selects in (None, known.selects), f"{known.collection}.{known.facts.name}"
            assert not (found.is_actor and found.selects)


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_personal_data_is_not_missed_where_there_are_no_values(schema: str) -> None:
    personal = [known for known in _fields(schema) if known.category is not None]
    found = [guess(known.collection, known.facts, (), 0.0).category is not None for known in personal]
    assert sum(found) >= len(personal) * 0.9


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_a_guess_keeps_to_its_contract_and_tells_no_value(schema: str) -> None:
    for known in _fields(schema):
        _check(known, guess(known.collection, known.facts, known.values, 1.0))


def _check(known: Known, found: Guess) -> None:
    assert 0 <= found.confidence < 1
    assert found.reason
    assert found.category is None or found.category in categories()
    assert found.category is None or found.confidence >= THRESHOLD
    if found.selects is not None:
        assert check_kind(found.selects) == found.selects
    said = " ".join(re.findall(r"\w+", found.reason.casefold()))
    for value in known.values:
        if len(value) > 6 and not value.isdigit():
            assert " ".join(re.findall(r"\w+", value.casefold())) not in said


@pytest.mark.parametrize(
    ("place", "category", "selects"),
    [
        ("customers.email", "user.contact.email", "email"),
        ("customers.eMail", "user.contact.email", "email"),
        ("customers.EMAILADDRESS", "user.contact.email", "email"),
        ("orders.customerEmail", "user.contact.email", "email"),
        ("suppliers.email", "user.contact.email", None),
        ("products.support_email", "user.contact.email", None),
        ("customers.emergency_contact_email", "user.contact.email", None),
        ("orders.recipient_email", "user.contact.email", None),
        ("customers.emergency_contact_number", "user.contact.phone_number", None),
        ("customers.caller_number", "user.contact.phone_number", None),
        ("invitations.invited_by_email", "user.contact.email", None),
        ("customers.email_verified_at", None, None),
        ("customers.is_email_confirmed", None, None),
        ("customers.email_count", None, None),
        ("customers.phone", "user.contact.phone_number", "phone"),
        ("orders.phone", "user.contact.phone_number", None),
        ("customers.name", "user.name", None),
        ("company.name", None, None),
        ("cities.name", None, None),
        ("products.name", None, None),
        ("customer_types.name", None, None),
        ("customers.company_name", "user.contact.organization", None),
        ("customers.fname", "user.name.first", None),
        ("customers.password_hash", "user.authorization.password", None),
        ("customers.reset_token", "user.authorization.credentials", None),
        ("settings.api_key", None, None),
    ],
)
def test_names_and_tables_decide_together(place: str, category: str | None, selects: str | None) -> None:
    found = _guess(place)
    assert (found.category, found.selects) == (category, selects)


@pytest.mark.parametrize(
    "place",
    [
        *("orders.created_by", "orders.approved_by", "orders.sales_rep", "orders.staff_id", "employees.manager_id", "orders.salesperson"),
        *("customer.support_rep_id", "tickets.assigned_to", "employees.reports_to", "orders.employee_id", "bestellungen.erstellt_von"),
        *(
            "commandes.cree_par",
            "pedidos.creado_por",
            "ordini.creato_da",
            "orders.aangemaakt_door",
            "tickets.last_modified_by_id",
            "store.manager_staff_id",
        ),
    ],
)
def test_who_only_acted_is_no_owner(place: str) -> None:
    for values in ((), ADDRESSES, PEOPLE):
        found = _guess(place, values)
        assert found.is_actor
        assert found.selects is None
        assert "not theirs" in found.reason


@pytest.mark.parametrize("place", ["orders.ordered_by", "jobs.sort_by", "invoices.paid_by"])
def test_what_the_person_did_is_no_deed_of_a_colleague(place: str) -> None:
    assert not _guess(place).is_actor


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        *(("orders.customer_id", "customer_id"), ("orders.cust_no", "customer_id"), ("bestellungen.kundennummer", "customer_id")),
        *(
            ("commandes.id_client", "customer_id"),
            ("sessions.userId", "user_id"),
            ("visits.patient_id", "patient_id"),
            ("salaries.emp_no", "employee_id"),
        ),
    ],
)
def test_the_number_of_a_person_says_whose_a_record_is(place: str, kind: str) -> None:
    found = _guess(place, kind=ValueType.INTEGER)
    assert (found.category, found.selects) == ("user.unique_id", kind)


@pytest.mark.parametrize(
    "place",
    [
        *("categories.parent_id", "customers.parent_customer_id", "orders.customer_type_id", "customers.customer_group_id", "oauth_tokens.client_id"),
        *(
            "customers.referred_by_customer_id",
            "accounts.owner_id",
            "projects.contact_id",
            "products.user_id",
            "stores.customer_id",
            "pedidos_cliente.id",
        ),
        *("user_roles.id", "customer_types.id", "order_customers.id", "person_phone.id", "users.store_id", "customers.address_id"),
    ],
)
def test_numbers_beside_people_do_not_say_whose_a_record_is(place: str) -> None:
    for is_key in (True, False):
        if is_key and place.startswith("customers."):
            continue
        assert _guess(place, kind=ValueType.INTEGER, is_key=is_key).selects is None


def test_the_key_of_people_is_theirs_and_a_second_number_is_not_another_key() -> None:
    assert _guess("customers.id", kind=ValueType.INTEGER, is_key=True).selects == "customer_id"
    assert _guess("customers.customer_number", is_unique=True).selects is None
    assert _guess("customers.customer_number", is_unique=True).category == "user.unique_id"


def test_values_confirm_a_name_contradict_it_or_speak_alone() -> None:
    sure, unseen = _guess("customers.email", ADDRESSES), _guess("customers.email")
    assert sure.confidence > unseen.confidence
    assert "20 of 20 sampled values are e-mail addresses" in sure.reason
    refuted = _guess("customers.email", ("yes", "no", "maybe", "never"))
    assert refuted.category is None
    assert "0 of 4 sampled values are e-mail addresses" in refuted.reason
    alone = _guess("x.c17", ADDRESSES)
    assert (alone.category, alone.selects) == ("user.contact.email", None)
    assert _guess("customers.login", ADDRESSES, is_unique=True).selects == "email"
    assert _guess("customers.phone", ("red", "green", "blue", "black")).category is None
    assert _guess("customers.last_name", ("1", "2", "3", "4")).category is None


def test_names_of_people_are_seen_in_a_field_that_does_not_say_so_but_not_among_things() -> None:
    assert _guess("bookings.col3", PEOPLE).category == "user.name"
    assert _guess("products.col3", PEOPLE).category is None


def test_days_spread_as_birthdays_are_seen_where_people_are_and_only_there() -> None:
    days = tuple(f"{year}-05-17" for year in range(1940, 2004, 4))
    assert _guess("customers.c5", days, kind=ValueType.DATE).category == "user.date_of_birth"
    assert _guess("customers.member_since", days, kind=ValueType.DATE).category is None
    assert _guess("customers.c5", tuple(f"2024-05-{day:02}" for day in range(1, 29)), kind=ValueType.DATE).category is None
    assert _guess("products.c5", days, kind=ValueType.DATE).category is None


def test_a_title_is_a_form_of_address_or_a_position_as_its_values_say() -> None:
    assert _guess("customers.title", ("Mr.", "Mrs.", "Dr.", "Ms.")).category == "user.name"
    assert _guess("customers.title", ("Buyer", "Sales Manager", "Owner", "Agent")).category == "user.job_title"


def test_it_is_less_sure_about_what_belongs_to_a_firm() -> None:
    assert _guess("suppliers.email", ADDRESSES).confidence < _guess("customers.email", ADDRESSES).confidence


@pytest.mark.parametrize("kind", [ValueType.OTHER, ValueType.JSON])
def test_a_list_is_what_stands_in_it(kind: ValueType) -> None:
    lists = ("{ann@example.org,bob@example.org}", '["tim@example.org", "kate@example.org"]', "{}")
    found = _guess("customers.emails", lists, kind=kind)
    assert found.category == "user.contact.email"
    assert "4 of 4 sampled values" in found.reason
    assert _guess("x.c3", lists, kind=kind).category == "user.contact.email"


def test_one_value_for_everybody_says_nothing_about_whose_a_record_is() -> None:
    found = _guess("customers.email", ADDRESSES[:3], 0.001)
    assert found.category == "user.contact.email"
    assert found.selects is None
    assert "share" in found.reason


@pytest.mark.parametrize(
    ("place", "category"),
    [
        *(("patients.diagnosis", "user.health_and_medical"), ("employees.religion", "user.demographic.religious_belief")),
        *(("members.ethnicity", "user.demographic.race_ethnicity"), ("users.sexual_orientation", "user.demographic.sexual_orientation")),
        *(("employees.trade_union", "user.demographic"), ("voters.political_party", "user.demographic.political_opinion")),
        *(("users.fingerprint", "user.biometric.fingerprint"), ("mitarbeiter.konfession", "user.demographic.religious_belief")),
    ],
)
def test_what_the_law_protects_most_is_recognised_by_name(place: str, category: str) -> None:
    assert _guess(place).category == category


@pytest.mark.parametrize("values", [("catholic", "jewish", "muslim"), ("HIV", "diabetes", "flu"), ("gay", "straight"), ("m", "f")])
def test_what_the_law_protects_most_is_never_guessed_from_values(values: tuple[str, ...]) -> None:
    assert _guess("users.col5", values).category is None


def test_a_text_is_looked_into_and_a_status_is_not() -> None:
    text = tuple(f"The customer rang on day {number} and asked about the parcel that was lost somewhere." for number in range(9))
    assert _guess("orders.note").search_text
    assert _guess("orders.col9", text).search_text
    assert _guess("products.remark", text).search_text
    assert _guess("products.remark", text).category is None
    status = _guess("orders.comment", ("open", "closed", "lost"), 0.01)
    assert not status.search_text
    assert not _guess("customers.email", ADDRESSES).search_text
    assert "2 of 3 sampled values hold an e-mail address" in _guess("products.note", ("ask a@example.org", "b@example.org", "no"), 1.0).reason


def test_a_document_is_looked_into_and_says_so_if_it_holds_addresses() -> None:
    empty = _guess("events.payload", ('{"a":1}',), kind=ValueType.JSON)
    assert (empty.category, empty.search_text) == (None, True)
    full = _guess("events.payload", ('{"a":"ann@example.org"}',), kind=ValueType.JSON)
    assert (full.category, full.search_text) == ("user", True)


@pytest.mark.parametrize("kind", [ValueType.BOOLEAN, ValueType.TIMESTAMP, ValueType.INTEGER])
def test_a_type_that_cannot_hold_it_speaks_against_a_name(kind: ValueType) -> None:
    found = _guess("customers.email", kind=kind)
    assert found.category is None
    assert "type" in found.reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(("CustomerID", ("customer", "id")), ("customer_id", ("customer", "id")), ("IPAddress2", ("ip", "address")), ("Straße", ("strasse",))),
        *(("eMail", ("e", "mail")), ("  ", ()), ("a__b", ("a", "b")), ("PrénomClient", ("prenom", "client")), ("名前", ("名前",))),
    ],
)
def test_names_are_taken_apart_as_they_are_written(name: str, words: tuple[str, ...]) -> None:
    assert raw_words(name) == words


def test_names_without_gaps_are_taken_apart_by_known_words() -> None:
    known = frozenset({"customer", "id", "email", "address", "phone", "number", "type"})
    assert words_among("customeremailaddress", known) == ("customer", "email", "address")
    assert words_among("phonenumbertypeid", known) == ("phone", "number", "type", "id")
    assert words_among("customerx", known) == ("customerx",)
    assert words_among("eMail", known) == ("email",)


@pytest.mark.parametrize(
    ("collection", "nature"),
    [
        *(("public.tbl_customers", Nature.PERSON), ("HumanResources.Employee", Nature.PERSON), ("sales_person", Nature.PERSON)),
        *(("project_members", Nature.EVENT), ("pedidos_cliente", Nature.EVENT), ("customer_addresses", Nature.ADDRESS), ("user_roles", Nature.THING)),
        *(("orders", Nature.EVENT), ("products", Nature.THING), ("suppliers", Nature.ORGANISATION), ("product_reviews", Nature.TEXT)),
        *(("kunden", Nature.PERSON), ("mitglieder", Nature.PERSON), ("facturas", Nature.EVENT), ("q7", Nature.UNKNOWN), ("", Nature.UNKNOWN)),
    ],
)
def test_a_table_is_what_it_is_called_after(collection: str, nature: Nature) -> None:
    assert kind_of(collection).nature is nature


def test_every_phrase_is_of_a_concept_and_every_concept_of_the_taxonomy() -> None:
    assert set(PHRASES.values()) <= {*CONCEPTS, NOTHING}
    assert {concept.category for concept in CONCEPTS.values()} <= set(categories())
    for concept in CONCEPTS.values():
        if concept.selects is not None:
            assert check_kind(concept.selects)


def test_a_phrase_means_its_concept() -> None:
    for phrase, concept in PHRASES.items():
        assert read_words(phrase).concept == (None if concept == NOTHING else concept), phrase


WORDS = sorted({word for phrase in PHRASES for word in phrase} | {"customer", "user", "id", "no", "by", "created", "order", "product", "verified"})


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(
        ["products", "artikel", "produits", "films", "countries", "categories", "companies", "suppliers", "stores", "departments", "settings"]
    ),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    st.sampled_from(ValueType),
    st.sampled_from([(), ADDRESSES, PEOPLE, ("DE89370400440532013000",) * 3, ("+49 30 901820", "+49 30 901821", "+49 30 901822")]),
    st.booleans(),
)
def test_a_record_of_a_thing_or_a_firm_is_nobody_s(collection: str, words: list[str], kind: ValueType, values: tuple[str, ...], is_key: bool) -> None:
    found = guess(collection, FieldFacts("_".join(words), kind, is_key=is_key, is_unique=is_key), values, 1.0)
    assert found.selects is None


@settings(deadline=None, max_examples=400)
@given(
    st.sampled_from(["customers", "orders", "tickets", "posts", "x"]),
    st.sampled_from(["created", "approved", "last_modified", "erstellt", "signed_off", "verified"]),
    st.sampled_from(["by", "by_id", "by_user", "by_name", "by_email", "von", "By", "ById"]),
    st.sampled_from([ValueType.TEXT, ValueType.INTEGER, ValueType.UUID]),
    st.sampled_from([(), ADDRESSES, PEOPLE]),
)
def test_a_deed_is_never_taken_for_the_owner(collection: str, deed: str, end: str, kind: ValueType, values: tuple[str, ...]) -> None:
    found = guess(collection, FieldFacts(f"{deed}_{end}", kind), values, 1.0)
    assert found.is_actor
    assert found.selects is None


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=200), st.sampled_from(ValueType), st.lists(st.text(max_size=60), max_size=12), st.floats(0, 1))
def test_no_name_and_no_value_makes_a_guess_raise(collection: str, field: str, kind: ValueType, values: list[str], share: float) -> None:
    found = guess(collection, FieldFacts(field, kind), tuple(values), share)
    assert found.category is None or found.category in categories()
    assert not (found.selects and found.is_actor)
    for value in values:
        if len(value) > 12:
            assert value not in found.reason


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted({word for phrase in PHRASES for word in phrase})), min_size=1, max_size=5), st.sampled_from(ValueType))
def test_no_mixture_of_known_words_selects_by_an_unknown_kind(words: list[str], kind: ValueType) -> None:
    found = guess("customers", FieldFacts("_".join(words), kind), (), 0.0)
    if found.selects is not None:
        try:
            check_kind(found.selects)
        except InputWrong:
            pytest.fail(found.selects)
