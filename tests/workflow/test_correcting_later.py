"""What was taken out of a plan stays also later: in what repeats the case, after a kill, and whatever else was corrected beside it."""

import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.correction import GRAVITY, Correction, Kind
from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.plan import Delete, PlanItem
from dsr_engine.domain.policy import Policy, Rule, Then, Treatment, When
from dsr_engine.domain.record import Locator
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.correcting.correct import Targets, exclude, undo
from dsr_engine.workflow.correcting.permitting import Permits, Wanted
from dsr_engine.workflow.disposal import Part
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.judgement import judge
from dsr_engine.workflow.staying_erased.replaying import note_restore, open_replays, readiness
from tests.workflow.company import EMAIL, Company, founded
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, plan_of, planned, waits_for, working
from tests.workflow.killing import Borders, bordered, in_child

_EARLIER = NOON - timedelta(hours=1)
_TICKET = "SELECT body FROM tickets WHERE id = 1"


def _corrected_journey(company: Company, collection: str = "tickets") -> Case:
    with working(company) as house:
        case = planned(house)
        exclude(house, case.id, Targets(collections=(f"shop.{collection}",)), "unclear", "corrector")
        return carried_through(house, run_case(house, case.id, WORKER))


def _corrections(house: House, case: Case) -> tuple[Correction, ...]:
    with house.store.snapshot() as tx:
        return tx.corrections.of(case.id)


def _replay(house: House) -> Case:
    done = open_replays(house, note_restore(house, "shop", _EARLIER, "restorer"))
    with house.store.snapshot() as tx:
        return tx.cases.get(done.cases[0])


# --- cases that repeat it ---------------------------------------------------------------------------------------------------------------


def test_a_later_look_finds_what_stayed_and_calls_it_no_residue(shop: Company) -> None:
    case = _corrected_journey(shop)
    for day in (1.1, 7.1, 30.1):
        with working(shop, FixedClock(NOON + timedelta(days=day))) as house:
            list(do_chores(house))
            with house.store.snapshot() as tx:
                assert tx.sequels.after(case.id) == ()
    assert EMAIL in shop.rows(_TICKET)[0][0]


@pytest.mark.parametrize("approval", ["one_person", "automatic"])
def test_a_replay_leaves_alone_what_was_taken_out(shop: Company, approval: str) -> None:
    copy = shop.folder / "backup.db"
    shutil.copy(shop.shop, copy)
    _corrected_journey(shop)
    after = shop.everything()
    shutil.copy(copy, shop.shop)
    shop.request(f"approval: {approval}, superseded: delete")
    with working(shop) as house:
        case = carried_through(house, _replay(house))
        assert case.outcome is Outcome.FULFILLED_WITH_EXCEPTIONS
        assert [entry.carried_from for entry in _corrections(house, case)] != [""]
        assert readiness(house, "shop").is_ready
    assert shop.everything() == after


def test_what_is_somebody_elses_is_told_to_nobody_and_left_alone_by_a_replay(shop: Company) -> None:
    copy = shop.folder / "backup.db"
    shutil.copy(shop.shop, copy)
    before = shop.everything()
    shop.request("approval: one_person, superseded: delete")
    with working(shop) as house:
        case = planned(house)
        exclude(house, case.id, Targets(collections=("shop.tickets",)), "not_theirs", "corrector")
        case = run_case(house, case.id, WORKER)
        assert not any(item.collection == "tickets" for item in plan_of(house, case).items)
        case = carried_through(house, case)
        assert case.outcome is Outcome.FULFILLED
    assert shop.everything()["tickets 1"] == before["tickets 1"]
    shutil.copy(copy, shop.shop)
    shop.request("approval: automatic, superseded: delete")
    with working(shop) as house:
        assert carried_through(house, _replay(house)).stage is Stage.CLOSED
    after = shop.everything()
    assert {name: after[name] for name in ("tickets 1", "tickets 2")} == {name: before[name] for name in ("tickets 1", "tickets 2")}
    assert "customers 17" not in after


def test_a_replay_whose_corrections_are_forgotten_waits_for_a_person(shop: Company) -> None:
    copy = shop.folder / "backup.db"
    shutil.copy(shop.shop, copy)
    _corrected_journey(shop)
    for day in (1.1, 7.1, 31):
        with working(shop, FixedClock(NOON + timedelta(days=day))) as house:
            list(do_chores(house))
    shutil.copy(copy, shop.shop)
    with working(shop, FixedClock(NOON + timedelta(days=32))) as house:
        case = run_case(house, _replay(house).id, WORKER)
        assert waits_for(case) == "correction.forgotten"
        (entry,) = _corrections(house, case)
        exclude(house, case.id, Targets(collections=("shop.tickets",)), "unclear", "second corrector")
        undo(house, case.id, entry.id, "second corrector")
        case = carried_through(house, run_case(house, case.id, WORKER))
        assert case.stage is Stage.CLOSED
    assert EMAIL in shop.rows(_TICKET)[0][0]
    assert shop.rows("SELECT count(*) FROM customers WHERE id = 17") == [(0,)]


def test_what_was_taken_back_in_a_replay_is_not_carried_on(shop: Company) -> None:
    copy = shop.folder / "backup.db"
    shutil.copy(shop.shop, copy)
    _corrected_journey(shop)
    for hour in (0, 1):
        shutil.copy(copy, shop.shop)
        with working(shop, FixedClock(NOON + timedelta(hours=hour))) as house:
            case = run_case(house, _replay(house).id, WORKER) if hour == 0 else _second_replay(house)
            entries = _corrections(house, case)
            if hour == 0:
                undo(house, case.id, entries[0].id, "corrector")
            else:
                assert entries == ()
            carried_through(house, run_case(house, case.id, WORKER))
        assert EMAIL not in shop.rows(_TICKET)[0][0]


def _second_replay(house: House) -> Case:
    done = open_replays(house, note_restore(house, "shop", _EARLIER - timedelta(hours=1), "restorer"))
    with house.store.snapshot() as tx:
        return tx.cases.get(done.cases[-1])


# --- records that moved -----------------------------------------------------------------------------------------------------------------


def test_a_message_that_was_flagged_meanwhile_still_stays(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ("shop", "mail"))
    with working(company) as house:
        case = planned(house)
        mails = {f"mail.{item.collection}" for item in plan_of(house, case).items if item.system == "mail"}
        exclude(house, case.id, Targets(collections=tuple(mails)), "unclear", "corrector")
        case = run_case(house, case.id, WORKER)
        for path in sorted((company.mail / "cur").iterdir()):
            path.rename(path.with_name(path.name.replace(":2,S", ":2,FS")))
        company.sql(f"UPDATE customers SET full_name = 'Ida L.' WHERE email = '{EMAIL}'")
        before = {path.name: path.read_bytes() for path in (company.mail / "cur").iterdir()}
        case = carried_through(house, case)
        assert case.round > 1
        assert case.stage is Stage.CLOSED
    assert {path.name: path.read_bytes() for path in (company.mail / "cur").iterdir()} == before


def test_a_message_that_cannot_be_found_where_it_was_blocks_the_plan(empty_home: Path, tmp_path: Path) -> None:
    company = founded(empty_home, tmp_path / "company", ("shop", "mail"))
    with working(company) as house:
        case = planned(house)
        mails = {f"mail.{item.collection}" for item in plan_of(house, case).items if item.system == "mail"}
        exclude(house, case.id, Targets(collections=tuple(mails)), "unclear", "corrector")
        case = run_case(house, case.id, WORKER)
        approved(house, case)
        for path in sorted((company.mail / "cur").iterdir()):
            copy = company.mail / ".Archive" / "cur" / path.name.replace("mail", "moved")
            copy.parent.mkdir(parents=True, exist_ok=True)
            for name in ("new", "tmp"):
                (company.mail / ".Archive" / name).mkdir(exist_ok=True)
            path.rename(copy)
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "correction.lost"
        archived = [path.read_bytes() for path in sorted((company.mail / ".Archive" / "cur").iterdir())]
    assert sum(EMAIL.encode() in body for body in archived) == 2


# --- killed -----------------------------------------------------------------------------------------------------------------------------


def _corrects(company: Company, case: Case, borders: Borders) -> None:
    with bordered(company, borders) as house:
        exclude(house, case.id, Targets(collections=("shop.tickets",)), "unclear", "corrector")
        run_case(house, case.id, "killed")


@pytest.mark.slow
def test_killed_anywhere_the_correction_is_there_with_its_plan_or_not_at_all(empty_home: Path, tmp_path: Path) -> None:
    number, is_over = 0, False
    while not is_over:
        company = founded(empty_home, tmp_path / f"company-{number}")
        with working(company) as house:
            case = planned(house)
        is_over = in_child(lambda: _corrects(company, case, Borders(number))) != -signal.SIGKILL  # noqa: B023  # done before the next turn
        with working(company, FixedClock(NOON + timedelta(minutes=2))) as house:
            case = carried_through(house, run_case(house, case.id, WORKER))
            is_corrected = bool(_corrections(house, case))
            assert case.stage is Stage.CLOSED
        assert (EMAIL in company.rows(_TICKET)[0][0]) == is_corrected
        assert company.rows("SELECT count(*) FROM customers WHERE id = 17") == [(0,)]
        number += 5
    assert number > 15


# --- properties -------------------------------------------------------------------------------------------------------------------------

_TREATMENTS = st.sampled_from([Treatment.DELETE, Treatment.ANONYMIZE, Treatment.REDACT, Treatment.RESTRICT, Treatment.RETAIN])
_CATEGORIES = ("user.contact.email", "user.name", "user.content")
_RULES = st.lists(
    st.builds(
        lambda number, category, match, treatment: Rule(f"rule {number}", When(category=category, match=match), Then(treatment)),
        st.integers(0, 999),
        st.sampled_from(("user", "user.contact", *_CATEGORIES)),
        st.sampled_from([None, Match.MENTIONS]),
        _TREATMENTS,
    ),
    min_size=1,
    max_size=6,
)
_WANTED = st.one_of(
    st.builds(Wanted, st.just(Kind.EXCLUDE), st.just(Treatment.RETAIN), st.just("unclear")),
    st.builds(Wanted, st.just(Kind.MOVE), st.sampled_from([one for one in GRAVITY if one is not Treatment.DELETE])),
    st.builds(Wanted, st.just(Kind.MOVE), st.sampled_from([Treatment.RETAIN, Treatment.RESTRICT]), st.just("legal_claims")),
)


@given(_RULES, st.sampled_from(list(Match)), st.sets(st.sampled_from(_CATEGORIES), min_size=1), _WANTED)
def test_no_correction_makes_anything_harsher_and_taking_out_leaves_nothing_to_do(
    rules: list[Rule], match: Match, categories: set[str], wanted: Wanted
) -> None:
    policy = Policy("p", tuple(rules))
    hits = tuple(Hit(name, name, "s", "email", "plain", Confidence.CERTAIN, name) for name in sorted(categories))
    finding = Finding("c", Locator("shop", "customers", ("1",)), match, Confidence.CERTAIN, hits, "server")
    part = Part("f", finding, match, judge(finding, match, policy, NOON.date()))
    after = Permits(policy, lambda _, collection: collection).corrected(part, wanted)
    if wanted.kind is Kind.EXCLUDE:
        assert after is not None
        assert all(entry.is_kept for entry in after.judgement.judged)
    if after is not None:
        assert len(after.judgement.judged) == len(part.judgement.judged)
        assert after.judgement.uncovered == part.judgement.uncovered
        for new, old in zip(after.judgement.judged, part.judgement.judged, strict=True):
            assert GRAVITY[new.then.treatment] <= GRAVITY[old.then.treatment]
            assert new == old or not old.is_kept
            named = {rule.then.treatment for rule in rules if (rule.when.match or Match.OWNS) is match}
            assert new == old or wanted.because or new.then.treatment in named


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_a_corrected_plan_has_every_record_once_and_touches_none_that_was_taken_out(shared: Company, first: set[int], second: set[int]) -> None:
    with working(shared) as house:
        case = planned(house)
        before = plan_of(house, case)
        ids = _findings(before.items)
        chosen = [{ids[number] for number in numbers if number < len(ids)} for numbers in (first, second - first)]
        for wanted in (one for one in chosen if one):
            exclude(house, case.id, Targets(findings=tuple(sorted(wanted))), "unclear", "corrector")
        case = run_case(house, case.id, WORKER)
        after = plan_of(house, case)
        assert _all_places(after.items) == _all_places(before.items)
        kept = {planned.finding for item in after.items if item.effect is None for planned in item.records}
        assert kept == chosen[0] | chosen[1]
        gone = {planned.locator.collection for item in after.items if isinstance(item.effect, Delete) for planned in item.records}
        assert "customers" not in gone or not any(item.collection == "orders" and item.effect is None for item in after.items)


@pytest.fixture(scope="module")
def shared(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = founded(empty_home, tmp_path_factory.mktemp("shared") / "company")
    company.sql("INSERT INTO orders VALUES (172, 17, 'b'), (173, 17, 'c'), (174, 17, 'd')")
    company.sql(f"INSERT INTO tickets VALUES (3, 'again {EMAIL}'), (4, 'and {EMAIL}')")
    return company


def _findings(items: tuple[PlanItem, ...]) -> list[str]:
    return sorted(planned.finding for item in items for planned in item.records)


def _all_places(items: tuple[PlanItem, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((planned.locator.collection, planned.locator.key) for item in items for planned in item.records)
