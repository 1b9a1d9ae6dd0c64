"""What was found comes back whole, a slice that is done again counts once, and nobody else's findings move."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.finding import Confidence, Coverage, Extent, Finding, Match
from dsr_engine.domain.selector import Selector
from dsr_engine.store.finding_text import read, written
from dsr_engine.store.store import Store
from tests.store.samples import NOON, a_case, finding, selectors


@given(st.from_type(Finding))
@settings(deadline=None)
def test_every_finding_survives_its_text(found: Finding) -> None:
    place = found.locator
    assert (
        read(written(found), case=found.case, system=place.system, collection=place.collection, match=found.match, confidence=found.confidence)
        == found
    )


def test_selectors_come_back_in_their_order_and_can_be_replaced(store: Store, case: str) -> None:
    first, second = selectors()
    with store.transaction() as tx:
        tx.selectors.add(case, first)
        tx.selectors.add(case, second)
    verified = Selector(first.id, first.kind, first.value, verified=False)
    with store.transaction() as tx:
        assert tx.selectors.of(case) == (first, second)
        tx.selectors.add(case, verified)
        assert tx.selectors.of(case) == (verified, second)
        assert tx.selectors.count(case) == 2


def test_a_slice_that_is_done_again_replaces_what_it_wrote(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.findings.put_slice(case, 1, "discover", "customers/0", [finding(number) for number in range(5)])
        tx.findings.put_slice(case, 1, "discover", "customers/1", [finding(9)])
    with store.transaction() as tx:
        tx.findings.put_slice(case, 1, "discover", "customers/0", [finding(1), finding(2)])
    with store.transaction() as tx:
        assert [found for _, found in tx.findings.of(case, 1, "discover")] == [finding(1), finding(2), finding(9)]
        tx.findings.put_slice(case, 1, "discover", "customers/0", [])
        assert [found for _, found in tx.findings.of(case, 1, "discover")] == [finding(9)]


def test_rounds_phases_and_cases_are_kept_apart(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.cases.add(a_case("case-2"))
        store.vault.create(tx, "case-2")
        tx.findings.put_slice(case, 1, "discover", "s", [finding(1)])
        tx.findings.put_slice(case, 2, "discover", "s", [finding(2)])
        tx.findings.put_slice(case, 1, "verify", "s", [finding(3)])
        tx.findings.put_slice("case-2", 1, "discover", "s", [finding(4, case="case-2")])
        tx.findings.put_slice(case, 1, "discover", "s", [])
        assert list(tx.findings.of(case, 1, "discover")) == []
        assert [found for _, found in tx.findings.of(case, 2, "discover")] == [finding(2)]
        assert [found for _, found in tx.findings.of(case, 1, "verify")] == [finding(3)]
        assert [found for _, found in tx.findings.of("case-2", 1, "discover")] == [finding(4, case="case-2")]


def test_findings_are_counted_without_their_key(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.findings.put_slice(case, 1, "discover", "s", [finding(number) for number in range(5)])
        counts = tx.findings.counts(case, 1, "discover")
    assert counts == {
        ("shop", "customers", Match.MENTIONS, Confidence.CERTAIN): 3,
        ("shop", "customers", Match.OWNS, Confidence.CERTAIN): 2,
    }


def test_a_verdict_is_kept_with_its_finding(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.findings.put_slice(case, 1, "discover", "s", [finding(1), finding(2)])
        first, second = (finding_id for finding_id, _ in tx.findings.of(case, 1, "discover"))
        tx.findings.decide(second, "theirs", "person-1", NOON)
        assert tx.findings.verdicts(case) == {second: "theirs"}
        tx.findings.decide(second, "not_theirs", "person-1", NOON)
        assert tx.findings.verdicts(case) == {second: "not_theirs"}
        assert first not in tx.findings.verdicts(case)
        with pytest.raises(InputWrong) as refused:
            tx.findings.decide("nothing", "theirs", "person-1", NOON)
    assert refused.value.code == "finding.unknown"


def test_findings_of_a_case_that_does_not_exist_are_refused(store: Store) -> None:
    with pytest.raises(Conflict) as refused, store.transaction() as tx:
        tx.findings.put_slice("nobody", 1, "discover", "s", [finding()])
    assert refused.value.code == "vault.no_key"


def test_slices_are_done_once_and_can_be_forgotten(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.slices.done(case, 1, "discover", "a")
        tx.slices.done(case, 1, "discover", "a")
        tx.slices.done(case, 2, "discover", "b")
        assert tx.slices.is_done(case, 1, "discover", "a")
        assert not tx.slices.is_done(case, 1, "discover", "b")
        assert not tx.slices.is_done(case, 1, "verify", "a")
        assert tx.slices.all_done(case, 1, "discover") == {"a"}
        tx.slices.forget(case, 1, "discover")
        assert not tx.slices.is_done(case, 1, "discover", "a")
        assert tx.slices.is_done(case, 2, "discover", "b")


def test_coverage_has_one_row_for_each_collection(store: Store, case: str) -> None:
    partly = Coverage("shop", "files", Extent.PARTIAL, "encrypted", "zip.encrypted", True, 7)
    with store.transaction() as tx:
        tx.coverage.put(case, 1, "discover", Coverage("shop", "files", Extent.NONE))
        tx.coverage.put(case, 1, "discover", partly)
        tx.coverage.put(case, 1, "discover", Coverage("mail", "INBOX", Extent.FULL, looked=2**40))
        tx.coverage.put(case, 1, "verify", Coverage("mail", "INBOX", Extent.NONE))
        assert tx.coverage.of(case, 1, "discover") == (Coverage("mail", "INBOX", Extent.FULL, looked=2**40), partly)


def test_what_a_rule_leaves_to_people_is_listed_with_what_is_possible(store: Store, case: str) -> None:
    with store.transaction() as tx:
        tx.findings.put_slice(case, 1, "discover", "s", [finding(number) for number in range(4)])
        first, second, *_ = [id_ for id_, _ in tx.findings.of(case, 1, "discover")]
        assert tx.reviews.groups(case, 1, "discover") == ()
        tx.findings.decide(first, "theirs", "officer", NOON)
        tx.findings.ask([first, second])
        assert tx.findings.asked(case, 1, "discover") == {first, second}
        assert tx.findings.verdicts(case) == {}
        assert {(entry.id, entry.is_asked) for entry in tx.reviews.page(case, 1, "discover")} == {(first, True), (second, True)}
        assert tx.case_lists.undecided(case, 1, "discover") == 2
        tx.findings.decide(second, "redact", "officer", NOON)
        assert [(group.total, group.waiting) for group in tx.reviews.groups(case, 1, "discover")] == [(2, 1)]
        assert [id_ for id_, _, _ in tx.findings.page(case, 1, "discover", is_waiting=True)] == [first]
        assert tx.findings.asked(case, 2, "discover") == frozenset()
