"""How sure it is whose a record is: a record must not become the person's by what merely stands in it."""

from dsr_engine.content.match import Matcher
from dsr_engine.domain.finding import KEY, Confidence, Finding, Match
from dsr_engine.domain.record import Locator, Record, Unit
from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.domain.system import FieldMap

ANN, PHONE = "ann.rowe@mail.example", "+49 40 5551234"
_SELECTORS = (
    Selector("mail", "email", Secret(ANN), verified=True),
    Selector("phone", "phone", Secret(PHONE), verified=True),
    Selector("number", "customer_id", Secret("10023456"), verified=True),
    Selector("small", "customer_number", Secret("10023"), verified=True),
    Selector("key", "employee_id", Secret("7"), verified=True, scope=Scope("shop", "employees", "id"), via="mail"),
)


def _found(*units: Unit, collection: str = "people") -> Finding:
    (finding,) = Matcher({"case": _SELECTORS}).findings(Record(Locator("shop", collection, ("1",)), units, "server"))
    return finding


def _value(place: str, text: str, field: FieldMap | None = None, *, is_unique: bool = False) -> Unit:
    return Unit(place, text, field=field, is_value=field is None or not field.search_text, is_unique=is_unique)


_PHONE = FieldMap("phone", "user.contact.phone_number", selects="phone")
_NOTE = FieldMap("note", "user.content", search_text=True)


def test_a_record_with_a_shared_telephone_that_names_the_person_waits_for_somebody_to_say_whose_it_is() -> None:
    finding = _found(_value("phone", PHONE, _PHONE), _value("note", f"married to {ANN}", _NOTE))
    assert (finding.match, finding.confidence) == (Match.OWNS, Confidence.POSSIBLE)


def test_a_record_whose_own_address_is_the_persons_is_theirs_whatever_else_is_only_possible() -> None:
    email = FieldMap("email", "user.contact.email", selects="email")
    finding = _found(_value("email", ANN, email), _value("phone", PHONE, _PHONE))
    assert (finding.match, finding.confidence) == (Match.OWNS, Confidence.CERTAIN)


def test_a_household_number_in_a_field_of_its_own_is_not_made_sure_by_a_text_beside_it() -> None:
    beside = _found(_value("phone", PHONE), Unit("note", f"married to {ANN}", is_value=False))
    together = _found(_value("phone", PHONE), _value("mail", ANN))
    within = _found(Unit("note", f"{ANN}, {PHONE}", is_value=False))
    assert [finding.confidence for finding in (beside, together, within)] == [Confidence.POSSIBLE, Confidence.CERTAIN, Confidence.CERTAIN]


def test_a_number_that_is_the_key_of_a_table_nobody_mapped_is_no_proof() -> None:
    finding = _found(_value("id", "10023456", is_unique=True), collection="invoices")
    assert (finding.match, finding.confidence) == (Match.MENTIONS, Confidence.POSSIBLE)


def test_a_short_number_that_fills_a_field_nobody_mapped_is_only_possible_and_a_mapped_one_is_certain() -> None:
    assert _found(_value("sku", "10023")).confidence is Confidence.POSSIBLE
    mapped = _found(_value("customer", "10023", FieldMap("customer", "user.unique_id", selects="customer_number")))
    assert (mapped.match, mapped.confidence) == (Match.OWNS, Confidence.CERTAIN)


def test_who_acted_is_no_field_of_the_persons_record() -> None:
    actor = FieldMap("approved_by", "user.contact.email", is_actor=True)
    email = FieldMap("email", "user.contact.email", selects="email")
    finding = _found(_value("email", ANN, email), _value("approved_by", "boss@shop.example", actor))
    assert finding.fields == {"email": "user.contact.email"}


def test_a_link_to_the_person_is_found_by_its_key_and_is_a_mention() -> None:
    link = FieldMap("support", "user.unique_id", is_actor=True, references=("employees", "id"))
    finding = _found(_value("support", "7", link), collection="customers")
    assert (finding.match, [hit.form for hit in finding.hits]) == (Match.MENTIONS, [KEY])
