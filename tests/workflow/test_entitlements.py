"""Why what a person asks for is due, and why some of it stays: grounds and exemptions, by category, as far as single fields."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.entitled import Entitled, without_ground
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.order import Order
from dsr_engine.domain.regime import Entitlement, Regime
from dsr_engine.domain.selector import Secret
from dsr_engine.spec.categories import categories
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.law.attention import Urgency, alarms
from dsr_engine.workflow.law.entitling import name_grounds
from dsr_engine.workflow.law.ordering import end_order
from dsr_engine.workflow.report import case_report
from tests.workflow.company import BOB, EMAIL, NAME, PHONE, POLICY, Company
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, plan_of, request_of, statement_of, waits_for, working

INVOICES = """\
connector: shop
driver: sql
collections:
  customers:
    key: [id]
    fields:
      id:        {category: user.unique_id, selects: customer_id, identifies: true}
      email:     {category: user.contact.email, selects: email}
      full_name: {category: user.name}
  invoices:
    key: [id]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
      name:        {category: user.name}
      address:     {category: user.contact.address}
      notes:       {category: user.content}
      phone:       {category: user.contact.phone_number}
      issued_on:   {starts: retention}
  orders:
    key: [id]
    fields:
      customer_id: {category: user.unique_id, selects: customer_id, references: customers.id}
      note:        {category: user.content}
discover: rest
"""
ROWS = f"""\
CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, full_name TEXT NOT NULL);
CREATE TABLE invoices (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), name TEXT, address TEXT, notes TEXT, phone TEXT,
  issued_on TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), note TEXT, status TEXT);
INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}'), (18, '{BOB}', 'Bob Marsh');
INSERT INTO invoices VALUES (1, 17, '{NAME}', '1 Tea Street', 'was grumpy', '{PHONE}', '2026-03-01'),
  (2, 18, 'Bob Marsh', '2 Tea Street', 'cheerful', '+49 30 5550', '2026-03-01');
INSERT INTO orders VALUES (171, 17, 'first', 'closed'), (172, 17, 'second', 'open'), (173, 17, 'third', 'chargeback'),
  (174, 17, 'fourth', 'warranty'), (181, 18, 'his', 'closed');
"""
RULES = """\
  - name: notes and telephones on invoices serve nothing
    when: {collection: shop.invoices, category: user.content}
    then: {anonymize: {user.content: null}}
  - name: telephones on invoices serve nothing
    when: {collection: shop.invoices, category: user.contact.phone_number}
    then: {anonymize: {user.contact.phone_number: null}}
  - name: who was billed, and where
    when: {collection: shop.invoices, category: user.name}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: where was billed
    when: {collection: shop.invoices, category: user.contact.address}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: whom an invoice is for
    when: {collection: shop.invoices, category: user.unique_id}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: contracts that run, disputed payments, warranties
    when: {collection: shop.orders}
    keep: {while: {status: [open, chargeback, warranty]}, because: contract}
    then: delete
"""


@pytest.fixture
def shop(shop: Company) -> Company:
    shop.shop.unlink()
    shop.add_shop(ROWS, INVOICES)
    return shop


def _asked(house: House, **changes: object) -> Case:
    case = open_case(house, replace(request_of(house), **changes))  # type: ignore[arg-type]  # the keys are the fields
    return run_case(house, case.id, WORKER)


# --- grounds to erase ------------------------------------------------------------------------------------------------


def test_a_case_waits_until_somebody_says_why_the_data_have_to_go(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, grounds={})
        assert (case.stage, waits_for(case)) == (Stage.APPROVE, "ground.missing")
        assert case.wait is not None
        assert f"dsr case ground {case.id}" in case.wait.needs
        assert "purpose_over" in case.wait.needs
        with pytest.raises(Conflict, match="cannot be approved"):
            approved(house, case)
        name_grounds(house, case.id, {"user": "consent_withdrawn"}, "officer", "seen_in_records")
        assert carried_through(house, case).outcome is Outcome.FULFILLED
        (ground,) = statement_of(house, case).grounds
        assert (ground["category"], ground["ground"], ground["reason"]) == ("user", "consent_withdrawn", "seen_in_records")
        assert "17(1)(b)" in ground["law"]
        assert ground["by"].startswith("person-")


def test_a_ground_for_some_data_leaves_the_rest_without_one_and_the_wait_names_it(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, grounds={"user.contact": "purpose_over", "user.unique_id": "purpose_over"})
        assert case.wait is not None
        assert (waits_for(case), "user.content, user.name" in case.wait.reason, "user.contact" in case.wait.reason) == ("ground.missing", True, False)
        name_grounds(house, case.id, {"user.name": "unlawful", "user.content": "consent_withdrawn"}, "officer")
        assert carried_through(house, case).outcome is Outcome.FULFILLED
        assert {row["category"]: row["ground"] for row in statement_of(house, case).grounds}["user.name"] == "unlawful"


def test_who_changes_their_mind_about_a_ground_leaves_one_and_the_ledger_keeps_both(shop: Company) -> None:
    with working(shop) as house:
        case = _asked(house, grounds={"user": "unlawful"})
        name_grounds(house, case.id, {"user": "consent_withdrawn"}, "officer")
        with house.store.snapshot() as tx:
            assert [entry.entitlement for entry in tx.case_grounds.of(case.id)] == ["consent_withdrawn"]
            assert [told["ground"] for _, told in tx.ledger.find("case.ground", case=case.id)] == ["unlawful", "consent_withdrawn"]
        name_grounds(house, case.id, {}, "officer", take_back=["user"])
        assert waits_for(run_case(house, case.id, WORKER)) == "ground.missing"


def test_no_ground_is_named_where_the_law_asks_for_none(shop: Company) -> None:
    with working(shop) as house:
        with pytest.raises(InputWrong) as refused:
            open_case(house, replace(request_of(house), regimes=("ccpa",)))
        assert refused.value.code == "ground.not_asked"
        case = _asked(house, grounds={}, regimes=("ccpa",))
        assert waits_for(case) == "approval.missing"
        assert carried_through(house, case).outcome is Outcome.FULFILLED
        assert statement_of(house, case).grounds == ()


@pytest.mark.parametrize(
    ("grounds", "code"),
    [({"user": "they_asked"}, "ground.name"), ({"user.nmae": "unlawful"}, "ground.category"), ({"username": "unlawful"}, "ground.category")],
)
def test_that_somebody_asked_is_no_ground_and_a_misspelt_one_opens_no_case(shop: Company, grounds: dict[str, str], code: str) -> None:
    with working(shop) as house:
        with pytest.raises(InputWrong) as refused:
            open_case(house, replace(request_of(house), grounds=grounds))
        assert refused.value.code == code
        with house.store.snapshot() as tx:
            assert tx.cases.list() == ()


def test_a_plan_that_was_approved_keeps_the_grounds_that_it_was_approved_on(shop: Company) -> None:
    shop.request("approval: two_people")
    with working(shop) as house:
        case = _asked(house)
        approved(house, case, "approver")
        with pytest.raises(Conflict) as refused:
            name_grounds(house, case.id, {"user": "unlawful"}, "officer")
        assert refused.value.code == "ground.approved"


def test_a_marketing_objection_does_not_cool_off_and_no_exemption_is_held_against_it(shop: Company) -> None:
    shop.request("approval: one_person, cool_off: 3 days")
    with working(shop) as house:
        waiting = carried_through(house, _asked(house))
        assert waits_for(waiting) == "cooling_off"
        close_unfulfilled(house, waiting.id, Outcome.WITHDRAWN, "withdrawn", "officer")
        objecting = _asked(house, grounds={"user": "marketing_objection"})
        with pytest.raises(Conflict, match="no exemption is held against that"):
            close_unfulfilled(house, objecting.id, Outcome.REFUSED, "exempt", "officer")
        assert carried_through(house, objecting).outcome is Outcome.FULFILLED


_NAMES = sorted(name for name in categories() if name.split(".")[0] == "user")


@given(st.sets(st.sampled_from(_NAMES), min_size=1, max_size=6), st.sets(st.sampled_from(_NAMES), max_size=4))
def test_a_category_has_a_ground_exactly_where_one_is_named_for_it_or_above_it(wanted: set[str], named: set[str]) -> None:
    gdpr = _regime((Entitlement("purpose_over", "Art. 17(1)(a)"),))
    entries = [Entitled(category, "purpose_over", "assessed", "person-1", NOON) for category in named]
    lacking = {category for _, category in without_ground([gdpr, _regime(())], entries, wanted)}
    assert lacking == {category for category in wanted if not any(category == one or category.startswith(f"{one}.") for one in named)}


def _regime(entitlements: tuple[Entitlement, ...]) -> Regime:
    return Regime("law", "A law", "1", date(2026, 1, 1), date(2026, 1, 1), ("a text",), (), 24, entitlements=entitlements)


# --- what stays ------------------------------------------------------------------------------------------------------


def _with_rules(shop: Company, rules: str = RULES, regimes: str = "gdpr") -> None:
    head, mark, rest = POLICY.partition("rules:\n")
    shop.policy(head.replace("[gdpr]", f"[{regimes}]") + mark + rules + rest)


def test_an_invoice_keeps_name_and_address_and_loses_notes_and_telephone(shop: Company) -> None:
    _with_rules(shop)
    before = shop.everything()
    with working(shop) as house:
        case = carried_through(house, _asked(house))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        (system,) = statement_of(house, case).systems
        kept = [row for row in system.kept if row["collection"] == "invoices"]
        assert {(row["because"], row["law"], row["provision"], row["until"]) for row in kept} == {
            ("legal_obligation", "§ 147 AO", "Art. 17(3)(b) GDPR", "2034-12-31")
        }
        assert all(str(row["approved_by"]).startswith("person-") for row in kept)
    assert shop.rows("SELECT id, name, address, notes, phone, issued_on FROM invoices") == [
        (1, NAME, "1 Tea Street", None, None, "2026-03-01"),
        (2, "Bob Marsh", "2 Tea Street", "cheerful", "+49 30 5550", "2026-03-01"),
    ]
    after = shop.everything()
    assert {key for key in before if after.get(key) != before[key]} == {"customers 17", "invoices 1", "orders 171"}


def test_open_contracts_disputed_payments_and_warranties_stay_and_what_is_over_goes(shop: Company) -> None:
    _with_rules(shop)
    with working(shop) as house:
        case = _asked(house)
        rows = {row["collection"]: row for row in case_report(house, case.id)["exemptions"] if row["ground"] == "contract"}  # type: ignore[attr-defined]  # rows
        assert (rows["orders"]["records"], rows["orders"]["provision"], rows["orders"]["approved_by"]) == (3, "Art. 6(1)(b) GDPR", "")
        carried_through(house, case)
        rows = {row["collection"]: row for row in case_report(house, case.id)["exemptions"]}  # type: ignore[attr-defined]  # as above
        assert str(rows["orders"]["approved_by"]).startswith("person-")
    assert shop.rows("SELECT id FROM orders ORDER BY id") == [(172,), (173,), (174,), (181,)]


def test_what_one_law_of_the_case_does_not_know_keeps_nothing_against_it(shop: Company) -> None:
    _with_rules(shop)
    with working(shop) as house:
        case = open_case(house, request_of(house))
        ccpa = house.regimes["ccpa"]
        poorer = replace(ccpa, name="poorer", grounds=tuple(ground for ground in ccpa.grounds if ground.name != "contract"))
        house = replace(house, regimes={**house.regimes, "poorer": poorer})
        with house.store.transaction() as tx:
            digests = {**case.digests, "regime:poorer": poorer.source.digest}
            tx.cases.save(replace(case, regimes=("gdpr", "poorer"), digests=digests))
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "ground.unknown"
        (obstacle,) = [entry for entry in plan_of(house, case).obstacles if entry.code == "ground.unknown"]
        assert (obstacle.collection, obstacle.count) == ("orders", 3)
        assert "which poorer does not know" in obstacle.message
        with pytest.raises(Conflict) as refused:
            approved(house, case)
        assert refused.value.code == "ground.unknown"


def test_a_rule_that_keeps_without_a_ground_is_pointed_out_to_the_approver(shop: Company) -> None:
    _with_rules(shop, "  - name: just because\n    when: {collection: shop.orders}\n    then: retain\n")
    with working(shop) as house:
        notices = [entry for entry in plan_of(house, _asked(house)).notices if entry.code == "keeps.without_ground"]
        assert [entry.collection for entry in notices] == ["orders"]
        assert "just because" in notices[0].message


# --- orders of authorities -------------------------------------------------------------------------------------------


def _ordered(house: House, due: date) -> Case:
    request = replace(request_of(house, vouched=False), grounds={}, kind=CaseKind.SUPERVISORY_ORDER, order=Order(Secret("DSB 17/2026 Marsh"), due))
    return open_case(house, request)


def test_an_order_is_carried_out_without_asking_who_asked_or_why(shop: Company) -> None:
    with working(shop, FixedClock(NOON)) as house:
        case = _ordered(house, NOON.date() + timedelta(days=20))
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "approval.missing"
        assert case_report(house, case.id)["order"] == {"reference": "DSB 17/2026 Marsh", "due": str(NOON.date() + timedelta(days=20))}
        assert carried_through(house, case).outcome is Outcome.FULFILLED
        statement = statement_of(house, case)
        assert (statement.identity, statement.case["kind"]) == ("named_by_authority", "supervisory_order")
    assert b"DSB 17/2026" not in b"".join(path.read_bytes() for path in shop.home.glob("dsr.db*"))


def test_an_order_can_be_neither_refused_nor_withdrawn_and_ends_only_when_it_does_not_bind_any_more(shop: Company) -> None:
    before = shop.everything()
    with working(shop) as house:
        case = _ordered(house, NOON.date())
        for outcome in (Outcome.REFUSED, Outcome.WITHDRAWN):
            with pytest.raises(Conflict) as refused:
                close_unfulfilled(house, case.id, outcome, "other", "officer")
            assert refused.value.code == "order.binding"
        end_order(house, case.id, "annulled_by_court", b"judgment", "officer")
        with house.store.snapshot() as tx:
            assert tx.cases.get(case.id).outcome is Outcome.WITHDRAWN
            ((_, told),) = tx.ledger.find("case.withdrawn", case=case.id)
            assert (told["reason"], len(str(told["evidence"]))) == ("annulled_by_court", 64)
        other = open_case(house, request_of(house))
        with pytest.raises(Conflict):
            end_order(house, other.id, "annulled_by_court", b"judgment", "officer")
    assert shop.everything() == before


@pytest.mark.parametrize(
    ("days", "urgency"), [(-1, Urgency.OVERDUE), (0, Urgency.TODAY), (5, Urgency.SOON), (40, Urgency.LATER)], ids=lambda value: str(value)
)
def test_an_order_stands_on_the_desk_with_its_own_day(shop: Company, days: int, urgency: Urgency) -> None:
    with working(shop, FixedClock(NOON)) as house:
        today = house.calendar.day_of(NOON)
        case = _ordered(house, today + timedelta(days=days))
        with house.store.snapshot() as tx:
            (alarm,) = alarms(tx, house)
        assert (alarm.case.id, alarm.limit, alarm.day, alarm.urgency) == (case.id, "order", today + timedelta(days=days), urgency)


def test_an_order_without_a_reference_and_a_day_is_not_opened(shop: Company) -> None:
    with working(shop) as house, pytest.raises(InputWrong) as refused:
        open_case(house, replace(request_of(house), grounds={}, kind=CaseKind.SUPERVISORY_ORDER))
    assert refused.value.code == "order.incomplete"
