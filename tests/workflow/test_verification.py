"""Who asked: what is enough for which data, what the engine finds out by itself, and that nothing that was shown stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.parcel import Parcel
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.identity.adding import add_claims
from dsr_engine.workflow.identity.matching_points import match_points
from dsr_engine.workflow.identity.one_time_code import MOST_TRIES, PURPOSE, answer_code, send_code
from dsr_engine.workflow.identity.showing import paper_of, show_paper
from dsr_engine.workflow.intake import Claim, open_case
from dsr_engine.workflow.verify_identity import confirm_identity, not_identified
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, Company
from tests.workflow.journeys import NOON, WORKER, carried_through, request_of, statement_of, waits_for, working

CONNECTOR = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name}
      phone:     {category: user.contact.phone_number, selects: phone}
      postcode:  {category: user.contact.address.postal_code, selects: postcode}
  orders:
    key: [id]
    fields:
      id:          {category: user.unique_id, selects: order_id}
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
  diagnoses:
    key: [id]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
      text:        {category: user.health_and_medical}
discover: rest
"""
SHOP = f"""\
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL, full_name TEXT NOT NULL, phone TEXT, postcode TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), note TEXT);
CREATE TABLE diagnoses (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), text TEXT);
INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}', '{PHONE}', '10115'), (18, '{BOB}', 'Bob Marsh', '+49 30 5550', '10117'),
  (19, 'home@example.org', 'Kim Marsh', '+49 30 7770', '10119'), (20, 'home@example.org', 'Lou Marsh', '+49 30 7770', '10119');
INSERT INTO orders VALUES (17101, 17, 'leave it at the door'), (18101, 18, 'ring twice');
"""
PAPER = b"%PDF-1.4 identity card of Ida Lindqvist, number T22000129"


@pytest.fixture
def shop(shop: Company) -> Company:
    shop.shop.unlink()
    shop.add_shop(SHOP, CONNECTOR)
    return shop


class Letterbox:
    """A way of sending mail that works, and that nobody uses here: what is to be sent is read from the outbox."""

    def send(self, parcel: Parcel) -> str:
        raise AssertionError(parcel.id)

    def close(self) -> None:
        pass


def _with_mail(house: House) -> House:
    return replace(house, open_post=Letterbox)


def _asked(house: House, *claims: tuple[str, str]) -> Case:
    case = open_case(house, request_of(house, *claims, vouched=False))
    case = run_case(house, case.id, WORKER)
    assert waits_for(case) == "identity_unverified"
    return case


def _points(*points: tuple[str, str]) -> tuple[Claim, ...]:
    return tuple(Claim(kind, Secret(value)) for kind, value in points)


def _refused(act: Callable[[], object]) -> DsrError:
    with pytest.raises(DsrError) as refused:
        act()
    return refused.value


def _code_in(house: House, case: Case) -> str:
    with house.store.snapshot() as tx:
        (posted,) = [entry for entry in tx.outbox.of(case.id) if entry.purpose == PURPOSE and entry.state.value == "queued"][-1:]
        text = tx.outbox.parcel(posted.id).text
    return next(line.strip() for line in text.splitlines() if line.startswith("    "))


def _raw(company: Company) -> bytes:
    return b"".join(path.read_bytes() for path in company.home.glob("dsr.db*"))


# --- data points -----------------------------------------------------------------------------------------------------


def test_two_points_of_one_record_verify_and_only_their_kinds_are_kept(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = _asked(house)
        matched = match_points(house, case.id, _points(("postcode", "10115")), "officer")
        assert (matched.kinds, matched.case.identity) == (("email", "postcode"), "data_points_matched")
        with house.store.snapshot() as tx:
            (done,) = tx.verifications.of(case.id)
            told = [data for _, data in tx.ledger.find("case.identity", case=case.id)]
        assert (done.kinds, told[0]["matched"]) == (("email", "postcode"), ["email", "postcode"])
        assert shop.everything() == before
        assert carried_through(house, case).outcome is Outcome.FULFILLED
        assert statement_of(house, case).identity == "data_points_matched"
    assert b"10115" not in _raw(shop)
    assert {key for key, value in shop.everything().items() if before.get(key) == value} >= {"customers 18", "customers 19", "orders 18101"}


def test_a_point_in_a_record_that_is_joined_by_a_key_counts(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house)
        matched = match_points(house, case.id, _points(("order_id", "17101")), "officer")
        assert (matched.kinds, matched.case.identity) == (("email", "order_id"), "data_points_matched")


@pytest.mark.parametrize(
    "point",
    [("order_id", "18101"), ("postcode", "10117"), ("name", "Bob Marsh"), ("postcode", "1011"), ("order_id", "1710"), ("email", EMAIL.upper())],
)
def test_a_point_of_somebody_else_or_a_part_of_one_or_the_identifier_again_counts_for_nothing(shop: Company, point: tuple[str, str]) -> None:
    with working(shop) as house:
        case = _asked(house)
        matched = match_points(house, case.id, _points(point), "officer")
        assert (matched.kinds, matched.case.identity) == (("email",), "")
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "identity_incomplete"
        assert "1 matched so far" in (case.wait.needs if case.wait else "")


def test_points_of_two_looks_are_not_added_up(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, ("phone", PHONE))
        assert match_points(house, case.id, (), "officer").kinds == ("phone",)
        assert match_points(house, case.id, _points(("postcode", "10117")), "officer").case.identity == ""


def test_points_that_two_people_share_verify_neither_and_a_further_one_tells_them_apart(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, ("email", "home@example.org"))
        both = match_points(house, case.id, _points(("phone", "+49 30 7770"), ("postcode", "10119")), "officer")
        assert (both.is_ambiguous, both.kinds, both.case.identity) == (True, (), "")
        one = match_points(house, case.id, _points(("phone", "+49 30 7770"), ("name", "Kim Marsh")), "officer")
        assert (one.is_ambiguous, one.kinds) == (False, ("email", "name", "phone"))
        after = run_case(house, case.id, WORKER)
        assert waits_for(after) == "identity_shared", "the shared address still leads to both, and a person decides about that"


def test_only_the_identifiers_that_stand_in_the_persons_records_become_verified(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, ("email", EMAIL), ("phone", "+49 30 5550"))
        match_points(house, case.id, _points(("postcode", "10115")), "officer")
        with house.store.snapshot() as tx:
            assert {selector.kind: selector.verified for selector in tx.selectors.of(case.id)} == {"email": True, "phone": False}


# --- codes -----------------------------------------------------------------------------------------------------------


def test_a_code_to_the_address_on_file_verifies_who_answers_it(shop: Company) -> None:
    with working(shop) as house:
        house = _with_mail(house)
        case = _asked(house)
        send_code(house, case.id, "officer")
        code = _code_in(house, case)
        assert code.replace("-", "").encode() not in _raw(shop)
        after = answer_code(house, case.id, f" {code.lower()} ", "officer")
        assert after.identity == "code_to_known_address"
        assert _refused(lambda: answer_code(house, case.id, code, "officer")).code == "case.stage"


def test_a_code_goes_to_no_address_that_is_not_on_file_or_that_two_customers_share(shop: Company) -> None:
    with working(shop) as house:
        house = _with_mail(house)
        for address, code in (("stranger@example.org", "code.unknown_address"), ("home@example.org", "code.shared_address")):
            case = _asked(house, ("email", address))
            refused = _refused(lambda case=case: send_code(house, case.id, "officer"))  # type: ignore[misc]  # bound at once
            assert (refused.code, address in str(refused)) == (code, False)
            with house.store.snapshot() as tx:
                assert tx.outbox.of(case.id) == ()


def test_without_mail_no_code_is_sent_and_it_is_said_so(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house)
        assert _refused(lambda: send_code(house, case.id, "officer")).code == "mail.not_configured"


@pytest.mark.parametrize("text", ["Hello\n\n{code} {name}\n", "Hello\n\nno code\n", "Hello\n\n{code} {\n", "Hello\n\n{code.x}\n"])
def test_a_mail_whose_text_is_wrong_is_not_sent(shop: Company, text: str) -> None:
    folder = shop.home / "templates" / "messages" / "en"
    folder.mkdir(parents=True)
    (folder / "code.txt").write_text(text, encoding="utf-8")
    with working(shop) as house:
        house = _with_mail(house)
        case = _asked(house)
        assert _refused(lambda: send_code(house, case.id, "officer")).code == "code.template"
        with house.store.snapshot() as tx:
            assert (tx.outbox.of(case.id), tx.verifications.code_of(case.id)) == ((), None)


def test_a_code_dies_of_wrong_answers_and_of_age_and_of_a_newer_one(shop: Company) -> None:
    clock = FixedClock(NOON)
    with working(shop, clock) as house:
        house = _with_mail(house)
        case = _asked(house)
        send_code(house, case.id, "officer")
        first = _code_in(house, case)
        for _ in range(MOST_TRIES):
            assert _refused(lambda: answer_code(house, case.id, "WRONGONE", "officer")).code == "code.wrong"
        assert _refused(lambda: answer_code(house, case.id, first, "officer")).code == "code.over"
        send_code(house, case.id, "officer")
        assert _refused(lambda: answer_code(house, case.id, first, "officer")).code == "code.wrong"
        second = _code_in(house, case)
        clock.at += timedelta(hours=73)
        assert _refused(lambda: answer_code(house, case.id, second, "officer")).code == "code.over"


# --- how sure one must be --------------------------------------------------------------------------------------------


def test_sensitive_data_that_was_found_is_not_erased_on_a_code_alone(shop: Company) -> None:
    shop.sql("INSERT INTO diagnoses VALUES (1, 17, 'hay fever'), (2, 18, 'a broken toe')")
    with working(shop) as house:
        case = _asked(house)
        assert "sensitive data" in (case.wait.reason if case.wait else ""), "said early, so that the person is written to once"
        assert confirm_identity(house, case.id, "code_to_known_address", "officer").identity == "code_to_known_address"
        case = run_case(house, case.id, WORKER)
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "identity_too_weak")
        assert match_points(house, case.id, _points(("postcode", "10115")), "officer").case.identity == "code_to_known_address"
        assert waits_for(run_case(house, case.id, WORKER)) == "identity_too_weak"
        after = match_points(house, case.id, _points(("postcode", "10115"), ("phone", PHONE)), "officer")
        assert after.case.identity == "data_points_matched"
        assert carried_through(house, case).outcome is Outcome.FULFILLED
    assert shop.rows("SELECT id FROM diagnoses") == [(2,)]


def test_where_nothing_sensitive_is_held_of_the_person_no_more_is_asked(shop: Company) -> None:
    shop.sql("INSERT INTO diagnoses VALUES (2, 18, 'a broken toe')")
    with working(shop) as house:
        case = _asked(house)
        confirm_identity(house, case.id, "code_to_known_address", "officer")
        assert carried_through(house, case).outcome is Outcome.FULFILLED


def test_california_wants_a_signed_declaration_for_sensitive_data(shop: Company) -> None:
    shop.sql("INSERT INTO diagnoses VALUES (1, 17, 'hay fever')")
    with working(shop) as house:
        request = replace(request_of(house, vouched=False), regimes=("gdpr", "ccpa"))
        case = run_case(house, open_case(house, request).id, WORKER)
        three = _points(("postcode", "10115"), ("phone", PHONE))
        assert match_points(house, case.id, three, "officer").case.identity == "data_points_matched"
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "identity_too_weak"
        assert "declaration" in (case.wait.needs if case.wait else "")
        signed = {"paper": b"I declare under penalty of perjury", "signed_on": date(2026, 1, 1)}
        after = confirm_identity(house, case.id, "signed_declaration", "officer", **signed)  # type: ignore[arg-type]  # the keys are parameters
        assert after.identity == "data_points_and_declaration"
        assert waits_for(run_case(house, case.id, WORKER)) == "approval.missing"


@pytest.mark.parametrize(
    ("method", "more", "code"),
    [
        ("agent_with_permission", {}, "verification.paper"),
        ("guardian", {"paper": b"x", "signed_on": date(2026, 1, 1)}, "verification.age"),
        ("guardian", {"paper": b"x", "signed_on": date(2026, 1, 1), "age": 13}, "verification.of_age"),
        ("agent_with_permission", {"paper": b"x", "signed_on": date(2126, 1, 1)}, "verification.signed"),
        ("looked_honest", {}, "verification.method"),
    ],
)
def test_what_the_law_does_not_know_verifies_nobody(shop: Company, method: str, more: dict[str, object], code: str) -> None:
    with working(shop) as house:
        case = open_case(house, replace(request_of(house, vouched=False), regimes=("ccpa",), grounds={}))
        refused = _refused(lambda: confirm_identity(house, case.id, method, "officer", **more))  # type: ignore[arg-type]  # as above
        assert (refused.code, isinstance(refused, InputWrong)) == (code, True)
        with house.store.snapshot() as tx:
            assert tx.verifications.of(case.id) == ()


@pytest.mark.parametrize(
    ("method", "age", "identity"),
    [
        ("agent_with_permission", None, "agent_with_permission"),
        ("agent_with_power_of_attorney", None, "agent_with_power_of_attorney"),
        ("guardian", 12, "guardian"),
    ],
)
def test_who_acts_for_the_person_shows_a_signed_paper_of_which_no_copy_stays(shop: Company, method: str, age: int | None, identity: str) -> None:
    with working(shop) as house:
        case = open_case(house, replace(request_of(house, vouched=False), regimes=("ccpa",), grounds={}))
        assert confirm_identity(house, case.id, method, "officer", paper=PAPER, signed_on=date(2026, 1, 1), age=age).identity == identity
        assert carried_through(house, case).outcome is Outcome.FULFILLED
        assert statement_of(house, case).identity == identity
    assert PAPER not in _raw(shop)


def test_an_agents_permission_is_enough_for_sensitive_data_once_the_person_confirmed_it(shop: Company) -> None:
    shop.sql("INSERT INTO diagnoses VALUES (1, 17, 'hay fever')")
    with working(shop) as house:
        case = _asked(house)
        confirm_identity(house, case.id, "agent_with_permission", "officer", paper=PAPER, signed_on=date(2026, 1, 1))
        assert waits_for(run_case(house, case.id, WORKER)) == "identity_too_weak"
        assert confirm_identity(house, case.id, "person_confirmed_agent", "officer").identity == "agent_confirmed_by_person"


def test_points_that_an_officer_compared_count_by_their_kinds(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house)
        assert confirm_identity(house, case.id, "data_points_matched", "officer").identity == "", "one identifier is one kind"
        assert confirm_identity(house, case.id, "data_points_matched", "officer", ("email", "phone")).identity == "data_points_matched"


def test_that_the_person_confirmed_an_agent_who_showed_nothing_verifies_nobody(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house)
        assert confirm_identity(house, case.id, "person_confirmed_agent", "officer").identity == ""


# --- papers ----------------------------------------------------------------------------------------------------------


def _shown(house: House, case: Case) -> bytes:
    """Shows a paper and gives its sealed bytes as they lie in the store."""
    paper_id = show_paper(house, case.id, PAPER, "sender_unknown", "officer")
    with house.store.snapshot() as tx:
        assert paper_of(tx, case.id, paper_id) == PAPER
        sealed = tx.connection.exec_driver_sql("SELECT sealed FROM evidence").scalar_one()
    assert isinstance(sealed, bytes)
    return sealed


@pytest.mark.parametrize("decision", ["verified", "refused", "withdrawn", "cannot_identify"])
def test_a_paper_is_sealed_and_gone_to_the_last_byte_when_the_case_is_decided(shop: Company, decision: str) -> None:
    with working(shop) as house:
        case = _asked(house)
        sealed = _shown(house, case)
        assert sealed in _raw(shop)
        assert PAPER not in _raw(shop)
        match decision:
            case "verified":
                match_points(house, case.id, _points(("postcode", "10115")), "officer")
            case "cannot_identify":
                not_identified(house, case.id, "officer")
            case _:
                close_unfulfilled(house, case.id, Outcome(decision), "other", "officer")
                house.store.scrub()
        with house.store.snapshot() as tx:
            assert tx.verifications.shown(case.id) == ()
    assert not [piece for piece in (sealed, sealed[13:45], sealed[-32:]) if piece in _raw(shop)]


def test_a_paper_is_asked_for_on_a_recorded_doubt_only_where_the_law_says_so(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house)
        assert _refused(lambda: show_paper(house, case.id, PAPER, "", "officer")).code == "evidence.no_doubt"
        other = open_case(house, replace(request_of(house, vouched=False), regimes=("ccpa",), grounds={}))
        show_paper(house, other.id, PAPER, "", "officer")
        confirm_identity(house, other.id, "reauthenticated_account", "officer")
        assert _refused(lambda: show_paper(house, other.id, PAPER, "sender_unknown", "officer")).code == "case.stage"


# --- nobody can tell -------------------------------------------------------------------------------------------------


def test_a_case_that_cannot_tell_whose_data_it_is_waits_for_more_and_goes_on_with_it(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, ("name", "I. Lindqvist"))
        assert not_identified(house, case.id, "officer").wait is not None
        assert waits_for(run_case(house, case.id, WORKER)) == "cannot_identify"
        assert add_claims(house, case.id, _points(("email", EMAIL), ("name", "I. Lindqvist")), "officer") == 1
        assert match_points(house, case.id, _points(("postcode", "10115")), "officer").case.identity == "data_points_matched"
        after = carried_through(house, case)
        assert (after.stage, waits_for(after)) != (Stage.VERIFY_IDENTITY, "cannot_identify")


def test_who_gives_nothing_more_by_the_limit_is_not_identified_which_is_no_refusal(shop: Company) -> None:
    clock = FixedClock(NOON)
    before = shop.everything()
    with working(shop, clock) as house:
        case = _asked(house, ("name", "I. Lindqvist"))
        wait = not_identified(house, case.id, "officer").wait
        assert wait is not None
        assert wait.wake_at is not None
        clock.at = wait.wake_at - timedelta(minutes=1)
        assert waits_for(run_case(house, case.id, WORKER)) == "cannot_identify"
        clock.at = wait.wake_at + timedelta(minutes=1)
        after = run_case(house, case.id, WORKER)
        assert (after.stage, after.outcome) == (Stage.CLOSED, Outcome.CANNOT_IDENTIFY)
        with house.store.snapshot() as tx:
            assert tx.ledger.find("case.refused") == ()
            with pytest.raises(Conflict):
                tx.selectors.of(case.id)
            entry = tx.request_log.of(case.id)
        assert entry is not None
        assert entry.basis == ("cannot_identify",)
    assert shop.everything() == before
