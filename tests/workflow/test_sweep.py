"""A sweep in tranches: bounded cases one after the other, killed at any border, with holds, gaps, unknown starts and what others keep."""

import functools
import json
import mailbox
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.case import Case, CaseKind, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.finding import Extent
from dsr_engine.domain.hold import Hold
from dsr_engine.store.sweep_marks import BEGIN
from dsr_engine.workflow.discover import FOUND, VERIFIED
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.placing import place_hold
from dsr_engine.workflow.house import House
from dsr_engine.workflow.sweeps.sweep import Swept, sweep
from dsr_engine.workflow.sweeps.tranche import TRANCHE
from tests.thoroughness import ALL_TESTS
from tests.workflow.company import Company, founded
from tests.workflow.journeys import WORKER, approved, ledger_of, statement_of, waits_for, working
from tests.workflow.killing import Borders, bordered, in_child, passages

_TODAY = datetime(2026, 5, 5, 3, tzinfo=UTC)
_CONNECTOR = """\
connector: shop
driver: sql
collections:
  leads:
    key: [id]
    fields:
      email: {category: user.contact.email, selects: email}
      seen:  {starts: retention}
  calls:
    key: [lead, number]
    fields:
      lead: {references: leads.id}
      said: {category: user.content}
      at:   {starts: retention}
discover: none
"""
_TABLES = """\
CREATE TABLE leads (id INTEGER PRIMARY KEY, email TEXT, seen DATE, state TEXT);
CREATE TABLE calls (lead INTEGER REFERENCES leads (id), number TEXT, said TEXT, at DATE, PRIMARY KEY (lead, number));
"""
_POLICY = """\
policy: ours
about: Leads and calls, two years.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: leads
    when: {{collection: shop.leads}}
    keep: {{for: 2 years, from: seen}}
    then: delete
  - name: leads that are open
    when: {{collection: shop.leads, field: email}}
    keep: {{while: {{state: [open]}}}}
    then: delete
  - name: calls
    when: {{collection: shop.calls}}
    keep: {{for: 2 years, from: at}}
    then: delete
sweep: {{schedule: "0 3 * * *", approval: {approval}, max_affected: {most}, max_share: {share}, first_runs_dry: 0, tranche: {tranche}}}
"""


def _policy(*, approval: str = "automatic", most: int = 100, share: str = "100%", tranche: int = 3) -> str:
    return _POLICY.format(approval=approval, most=most, share=share, tranche=tranche)


@pytest.fixture(scope="session")
def founding(older_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Company]:
    """Founds a shop under a name of its own with ten leads and two calls that are due, and as many that are not."""
    place = tmp_path_factory.mktemp("swept")

    def found(name: str) -> Company:
        company = founded(older_home, place / name, ())
        company.add_shop(_TABLES, _CONNECTOR)
        company.policy(_policy())
        _add_leads(company, range(1, 20, 2), "2001-01-01")
        _add_leads(company, range(2, 21, 2), "2026-01-01")
        company.sql("INSERT INTO calls VALUES (1, 'a', 'hello', '2001-01-01'), (1, 'b', 'hello', '2002-01-01'), (2, 'a', 'still', '2026-01-01')")
        return company

    return found


@pytest.fixture
def shop(founding: Callable[[str], Company], tmp_path: Path) -> Company:
    return founding(tmp_path.name)


def _add_leads(company: Company, numbers: range, seen: str, state: str = "won") -> None:
    rows = ", ".join(f"({number}, 'lead{number}@example.org', '{seen}', '{state}')" for number in numbers)
    company.sql(f"INSERT INTO leads VALUES {rows}")


def _leads(company: Company) -> list[int]:
    return [number for (number,) in company.rows("SELECT id FROM leads ORDER BY id")]


def _swept(company: Company, *, dry_run: bool = False, at: datetime = _TODAY) -> Swept:
    with working(company, FixedClock(at)) as house:
        return sweep(house, house.policies["ours"], by="officer", worker=WORKER, dry_run=dry_run)


def _tranches(house: House, sweep_id: str) -> tuple[Case, ...]:
    with house.store.snapshot() as tx:
        return tx.cases.of_sweep(sweep_id)


def _control(company: Company) -> dict[str, bytes]:
    """The rows that no sweep of these tests may touch."""
    return {place: row for place, row in company.everything().items() if b"2026-01-01" in row}


def _sweep_of(swept: Swept) -> str:
    assert swept.case.tranche is not None
    return swept.case.tranche.sweep


# --- tranches -----------------------------------------------------------------------------------------------------------------


def test_all_that_is_due_goes_in_tranches_each_with_plan_approval_and_certificate(shop: Company) -> None:
    control = _control(shop)
    swept = _swept(shop)
    assert (swept.case.stage, swept.case.outcome) == (Stage.CLOSED, Outcome.FULFILLED)
    assert [done.affected for done in swept.carried] == [3, 3, 3, 3]
    assert _leads(shop) == list(range(2, 21, 2))
    assert shop.rows("SELECT lead, number FROM calls") == [(2, "a")]
    assert _control(shop) == control
    with working(shop, FixedClock(_TODAY)) as house:
        cases = _tranches(house, _sweep_of(swept))
        assert [case.tranche.number for case in cases if case.tranche] == [1, 2, 3, 4]
        assert len({case.id for case in cases} | {case.subject_ref for case in cases}) == 8
        for case in cases:
            statement = statement_of(house, case)
            assert (statement.verdict, statement.exceptions) == ("fulfilled", ())
            with house.store.snapshot() as tx:
                assert [entry.manner for entry in tx.approvals.of(case.id)] == ["automatic"]
        assert [name for name, data in ledger_of(house) if name == "case.opened" and data["sweep"] == _sweep_of(swept)] == ["case.opened"] * 4


@pytest.mark.slow
def test_a_tranche_says_of_every_collection_what_another_one_looks_at(shop: Company) -> None:
    swept = _swept(shop)
    with working(shop, FixedClock(_TODAY)) as house, house.store.snapshot() as tx:
        first, *_, last = tx.cases.of_sweep(_sweep_of(swept))
        seen = {row.collection: row for row in tx.coverage.of(first.id, 1, VERIFIED)}
        assert (seen["calls"].extent, seen["calls"].code) == (Extent.FULL, "")
        assert (seen["leads"].extent, seen["leads"].code) == (Extent.PARTIAL, TRANCHE)
        assert "the next tranche" in seen["leads"].reason
        seen = {row.collection: row for row in tx.coverage.of(last.id, 1, VERIFIED)}
        assert (seen["calls"].extent, seen["calls"].code) == (Extent.NONE, TRANCHE)
        assert "an earlier tranche" in seen["leads"].reason


@pytest.mark.slow
def test_children_go_before_the_parents_that_they_would_turn_into_shells(shop: Company) -> None:
    shop.policy(_policy(tranche=1))
    swept = _swept(shop)
    assert len(swept.carried) == 12
    assert _leads(shop) == list(range(2, 21, 2))


def test_a_tranche_that_takes_exactly_what_is_due_is_the_last_one(shop: Company) -> None:
    shop.policy(_policy(tranche=12))
    assert len(_swept(shop).carried) == 1
    assert _leads(shop) == list(range(2, 21, 2))


def test_nothing_due_is_one_tranche_that_looked_and_found_nothing(shop: Company) -> None:
    _swept(shop)
    swept = _swept(shop, at=_TODAY + timedelta(days=1))
    assert [done.affected for done in swept.carried] == [0]
    assert swept.case.outcome is Outcome.FULFILLED


def test_what_was_swept_leaves_a_bounded_trace_in_the_store(shop: Company) -> None:
    swept = _swept(shop)
    with working(shop, FixedClock(_TODAY)) as house, house.store.snapshot() as tx:
        *earlier, last = tx.cases.of_sweep(_sweep_of(swept))
        for case in earlier:
            assert tx.plans.latest(case.id) is None
            assert tx.findings.counts(case.id, 1, FOUND) == {}
        assert tx.plans.latest(last.id) is not None
        assert tx.certificates.of(earlier[0].id) is not None


# --- caps ---------------------------------------------------------------------------------------------------------------------


def test_caps_are_held_against_the_whole_and_not_against_a_tranche(shop: Company) -> None:
    shop.policy(_policy(most=11))
    swept = _swept(shop)
    assert (swept.case.stage, waits_for(swept.case)) == (Stage.APPROVE, "approval.over_cap")
    assert swept.case.wait is not None
    assert "12 records" in swept.case.wait.reason
    assert len(_leads(shop)) == 20
    shop.policy(_policy(most=12))
    assert _swept(shop).case.outcome is Outcome.FULFILLED


@pytest.mark.slow
def test_a_share_of_a_collection_is_a_share_of_what_was_counted_also_on_sqlite(shop: Company) -> None:
    shop.policy(_policy(share="60%"))
    swept = _swept(shop)
    assert waits_for(swept.case) == "sweep.unusual"
    assert swept.case.wait is not None
    assert "2 of 3 records of shop.calls" in swept.case.wait.reason
    shop.policy(_policy(share="70%"))
    assert _swept(shop).case.outcome is Outcome.FULFILLED


@pytest.mark.slow
def test_a_sweep_that_people_approve_asks_for_each_tranche(shop: Company) -> None:
    shop.policy(_policy(approval="one_person", tranche=6))
    for left in (14, 10):
        swept = _swept(shop)
        assert waits_for(swept.case) == "approval.missing"
        with working(shop, FixedClock(_TODAY)) as house:
            approved(house, swept.case)
        swept = _swept(shop)
        assert len(swept.carried) == 1
        assert len(_leads(shop)) == left + (2 if left == 14 else 0)


def test_a_dry_run_shows_the_whole_and_a_plan_of_the_first_tranche(shop: Company) -> None:
    before = shop.everything()
    swept = _swept(shop, dry_run=True)
    assert (swept.is_dry, swept.forced_dry, swept.case.outcome) == (True, False, Outcome.WITHDRAWN)
    assert swept.plan is not None
    assert swept.plan.affected == 3
    assert {(entry.collection, entry.due, entry.total) for entry in swept.counts} == {("leads", 10, 20), ("calls", 2, 3)}
    assert shop.everything() == before


# --- what stays ---------------------------------------------------------------------------------------------------------------


def test_held_records_fill_their_tranches_and_the_sweep_goes_past_them(shop: Company) -> None:
    before = {row[0]: row for row in shop.rows("SELECT * FROM leads")}
    with working(shop, FixedClock(_TODAY)) as house:
        place_hold(house, Hold("hold-1", "M-17", "counsel", _TODAY, collection="shop.leads"))
    swept = _swept(shop)
    assert swept.case.stage is Stage.CLOSED, swept.case.wait
    assert {row[0]: row for row in shop.rows("SELECT * FROM leads")} == before
    assert shop.rows("SELECT lead FROM calls") == [(2,)]
    assert len(swept.carried) == 4


def test_unknown_starts_are_counted_by_rule_and_never_erased(shop: Company) -> None:
    shop.sql("INSERT INTO leads VALUES (100, 'x@example.org', NULL, 'won'), (101, 'y@example.org', 'soon', 'won'), (102, 'z@x.org', NULL, 'open')")
    swept = _swept(shop)
    assert {(entry.collection, entry.rule, entry.unknown) for entry in swept.counts} == {("leads", "leads", 3), ("calls", "calls", 0)}
    assert _leads(shop)[-3:] == [100, 101, 102]


def test_what_is_in_a_state_that_keeps_it_is_neither_due_nor_counted(shop: Company) -> None:
    _add_leads(shop, range(200, 205), "2001-01-01", state="open")
    swept = _swept(shop)
    assert {entry.due for entry in swept.counts if entry.collection == "leads"} == {10}
    assert _leads(shop)[-5:] == list(range(200, 205))


def test_a_record_that_got_a_new_start_after_the_plan_is_left_alone(shop: Company) -> None:
    shop.policy(_policy(approval="one_person", tranche=100))
    swept = _swept(shop)
    with working(shop, FixedClock(_TODAY)) as house:
        approved(house, swept.case)
        shop.sql("UPDATE leads SET seen = '2026-05-04' WHERE id = 5; UPDATE leads SET state = 'open' WHERE id = 7")
        case = run_case(house, swept.case.id, WORKER)
        assert case.stage is Stage.CLOSED, case.wait
    assert _leads(shop) == sorted([5, 7, *range(2, 21, 2)])


def test_an_anonymous_shell_of_an_earlier_sweep_is_left_as_it_is_by_the_next(shop: Company) -> None:
    shop.sql("INSERT INTO calls VALUES (3, 'a', 'still', '2026-01-01')")
    assert _swept(shop).case.stage is Stage.CLOSED
    shell = shop.rows("SELECT * FROM leads WHERE id = 3")
    assert shell == [(3, None, "2001-01-01", "won")]
    swept = _swept(shop, at=_TODAY + timedelta(days=1))
    assert swept.case.stage is Stage.CLOSED, swept.case.wait
    assert shop.rows("SELECT * FROM leads WHERE id = 3") == shell
    shop.sql("DELETE FROM calls WHERE lead = 3")
    _swept(shop, at=_TODAY + timedelta(days=2))
    assert shop.rows("SELECT * FROM leads WHERE id = 3") == []


def _unreadable(company: Company, **terms: Any) -> None:
    """Lets calls start at a field that is no date, which only the live database tells."""
    company.connector(_CONNECTOR.replace("said: {category: user.content}", "said: {category: user.content, starts: retention}"))
    company.policy(_policy(**terms).replace("from: at", "from: said"))


def test_a_collection_that_cannot_be_read_is_a_gap_of_the_tranche_that_comes_to_it(shop: Company) -> None:
    _unreadable(shop)
    swept = _swept(shop)
    assert waits_for(swept.case) == "coverage.gap"
    with working(shop, FixedClock(_TODAY)) as house, house.store.snapshot() as tx:
        assert {row.collection for row in tx.coverage.of(swept.case.id, 1, FOUND) if row.extent is Extent.NONE and row.code != TRANCHE} == {"calls"}
    assert len(_leads(shop)) == 20


def test_a_collection_that_was_mended_after_a_gap_is_searched_in_the_next_round(shop: Company) -> None:
    shop.sql("ALTER TABLE calls RENAME TO away")
    swept = _swept(shop)
    assert waits_for(swept.case) == "coverage.gap"
    shop.sql("ALTER TABLE away RENAME TO calls")
    swept = _swept(shop)
    assert swept.case.stage is Stage.CLOSED, swept.case.wait
    assert _leads(shop) == list(range(2, 21, 2))
    assert shop.rows("SELECT lead FROM calls") == [(2,)]


def test_an_accepted_gap_does_not_keep_a_sweep_going_for_ever(shop: Company) -> None:
    _unreadable(shop, approval="one_person", tranche=100)
    swept = _swept(shop)
    with working(shop, FixedClock(_TODAY)) as house:
        approved(house, swept.case, accept_gaps=True)
        case = run_case(house, swept.case.id, WORKER)
        assert (case.stage, case.outcome) == (Stage.CLOSED, Outcome.FULFILLED_WITH_EXCEPTIONS)
        assert any("shop.calls was not searched" in line for line in statement_of(house, case).exceptions)
        with house.store.snapshot() as tx:
            assert tx.cases.list(open_only=True) == ()


# --- whoever runs it ----------------------------------------------------------------------------------------------------------


def test_a_sweep_that_waits_is_gone_on_with_and_not_begun_again(shop: Company) -> None:
    shop.policy(_policy(approval="one_person"))
    first, second = _swept(shop), _swept(shop, at=_TODAY + timedelta(days=3))
    assert first.case.id == second.case.id
    assert waits_for(second.case) == "approval.missing"


@pytest.mark.slow
def test_two_workers_share_a_sweep_and_the_second_is_told(shop: Company) -> None:
    with working(shop, FixedClock(_TODAY)) as house:
        shop_is_busy: list[str] = []

        class Nosy:
            def begin(self, what: str, total: int | None) -> None:
                if what.endswith("acting"):
                    with pytest.raises(Conflict) as refused:
                        sweep(house, house.policies["ours"], by="other", worker="other")
                    shop_is_busy.append(refused.value.code)

            def advance(self, what: str, steps: int = 1) -> None: ...

            def end(self, what: str) -> None: ...

        swept = sweep(replace(house, progress=Nosy()), house.policies["ours"], by="officer", worker=WORKER)
    assert shop_is_busy == ["case.busy"] * 4
    assert (swept.case.stage, len(swept.carried)) == (Stage.CLOSED, 4)


def test_a_worker_that_takes_open_cases_carries_a_sweep_on_to_its_end(shop: Company) -> None:
    shop.policy(_policy(approval="one_person", tranche=6))
    _swept(shop)
    with working(shop, FixedClock(_TODAY)) as house:
        for _ in range(2):
            with house.store.snapshot() as tx:
                (case,) = tx.cases.list(open_only=True)
            run_case(house, case.id, "worker")
            approved(house, case)
            assert run_case(house, case.id, "worker").stage is Stage.CLOSED
    assert _leads(shop) == list(range(2, 21, 2))


@pytest.mark.slow
def test_the_mark_of_a_sweep_stands_sealed_in_the_store_and_goes_with_its_case(shop: Company) -> None:
    swept = _swept(shop)
    with working(shop, FixedClock(_TODAY)) as house, house.store.snapshot() as tx:
        *_, last = tx.cases.of_sweep(_sweep_of(swept))
        assert tx.sweep_marks.of(last.id, 1, BEGIN)["shop", "leads"].key == ("13",)
        first = tx.cases.of_sweep(_sweep_of(swept))[0]
        with pytest.raises(Conflict, match="shredded"):
            tx.sweep_marks.of(first.id, 1, BEGIN)


# --- killed -------------------------------------------------------------------------------------------------------------------


def _walk(company: Company, borders: Borders) -> None:
    with bordered(company, borders, FixedClock(_TODAY)) as house:
        swept = sweep(house, house.policies["ours"], by="officer", worker="killed")
        assert swept.case.stage is Stage.CLOSED


#: Every border takes long, so workers share them.
_PARTS = 8 if ALL_TESTS else 1


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_sweep_that_was_killed_at_any_border_goes_on_to_the_same_end(
    founding: Callable[[str], Company], pytestconfig: pytest.Config, part: int
) -> None:
    plain = founding(f"undisturbed-{part}")
    note = plain.folder / "borders.json"

    def count() -> None:
        borders = Borders()
        _walk(plain, borders)
        note.write_text(json.dumps(borders.crossed), encoding="utf-8")

    assert in_child(count) == 0
    crossed, after = json.loads(note.read_text(encoding="utf-8")), plain.everything()
    assert _leads(plain) == list(range(2, 21, 2))
    seed = pytestconfig.getoption("randomly_seed", default=None)
    numbers = passages(crossed)[part::_PARTS] if ALL_TESTS else sorted(random.Random(seed).sample(range(len(crossed)), 12))
    for number in numbers:
        print(f"killed at border {number} of {len(crossed)} (seed {seed})")
        company = founding(f"killed-{number}")
        assert in_child(functools.partial(_walk, company, Borders(number))) == -signal.SIGKILL
        swept = _swept(company, at=_TODAY + timedelta(minutes=10))
        assert swept.case.stage is Stage.CLOSED, swept.case.wait
        assert company.everything() == after
        _assert_each_effect_once(company)


def _assert_each_effect_once(company: Company) -> None:
    with working(company, FixedClock(_TODAY)) as house:
        leaves = ledger_of(house)
        for kind in ("effect.intended", "effect.done"):
            assert set(Counter(data["item"] for name, data in leaves if name == kind).values()) <= {1}
        done = Counter[str]()
        for name, data in leaves:
            results = data.get("results")
            if name == "effect.done" and isinstance(results, dict):
                done.update(results)
        assert done.total() == 12
        assert set(done) <= {"done", "absent_after_interruption"}
        with house.store.snapshot() as tx:
            cases = [case for case in tx.cases.list() if case.kind is CaseKind.SWEEP]
        assert all(case.stage is Stage.CLOSED for case in cases)
        sweeps = Counter(case.tranche.sweep for case in cases if case.tranche)
        assert max(sweeps.values()) == 4


# --- systems without an order of their own ---------------------------------------------------------------------------------------

_BOX = """\
connector: box
driver: mailstore
collections:
  INBOX:
    fields:
      date: {starts: retention}
discover: none
"""
_MAIL_POLICY = """\
policy: ours
about: Mail, one year.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: mail
    when: {collection: mail.INBOX}
    keep: {for: 1 year, from: date}
    then: delete
sweep: {schedule: "0 3 * * *", approval: automatic, max_affected: 9, max_share: 100%, first_runs_dry: 0, tranche: 2}
"""


def test_mails_are_swept_in_tranches_too_and_young_ones_stay_as_they_are(older_home: Path, tmp_path: Path) -> None:
    company = founded(older_home, tmp_path / "company", ())
    mailbox.Maildir(company.mail, create=True).close()
    for number in range(8):
        path = company.deliver(f"From: {number}@example.org\nSubject: Hello\n\nHello {number}.\n", f"{number}.mail.host")
        moment = datetime(2026 if number in (0, 3, 6) else 2020, 4, 1, tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
    company.connector(_BOX)
    company.declare("mail", f'connector: box, owner: office@example.com, url: "maildir:{company.mail}"')
    company.policy(_MAIL_POLICY)
    before = company.everything()
    swept = _swept(company)
    assert swept.case.stage is Stage.CLOSED, swept.case.wait
    assert [done.affected for done in swept.carried] == [2, 2, 1]
    assert [(entry.due, entry.total) for entry in swept.counts] == [(5, 8)]
    assert company.everything() == {place: data for place, data in before.items() if any(f"{number}.mail" in place for number in (0, 3, 6))}
