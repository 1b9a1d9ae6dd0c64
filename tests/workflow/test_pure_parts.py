"""The parts of the workflow that ask nobody: judgement, disposal, batching, ageing. Whatever they are given, some things always hold."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.anonymize import FieldFacts, Method, MethodName
from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.period import Period, PeriodUnit
from dsr_engine.domain.plan import Delete, DropPart, Edit, Fence, PlanItem, RedactSpans, Rewrite, SetValue
from dsr_engine.domain.policy import KEEPING, Keep, Pick, Policy, Rule, Start, Then, Treatment, When
from dsr_engine.domain.record import Locator
from dsr_engine.domain.system import CollectionMap, FieldMap
from dsr_engine.drivers.driver import CollectionFacts, Link
from dsr_engine.workflow.batching import MOST_RECORDS, Draft, Ranks, batched
from dsr_engine.workflow.disposal import Disposal, Part, Shape, dispose, shell
from dsr_engine.workflow.judgement import Judgement, held, judge
from dsr_engine.workflow.sweeps.ageing import cutoff_of

TODAY = date(2026, 3, 1)
_CATEGORIES = ("user", "user.name", "user.contact.email", "user.unique_id", "user.content")

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2060, 12, 31))
periods = st.builds(Period, st.integers(1, 40), st.sampled_from(PeriodUnit))
keeps = st.builds(
    Keep,
    period=periods,
    start=st.just(Start(("began",))),
    because=st.sampled_from(("purpose", "legal_obligation")),
    to_year_end=st.booleans(),
)
maybe_kept = st.none() | keeps
grounds = keeps.map(lambda keep: replace(keep, because="legal_obligation", law="§ 1"))
treatments = st.sampled_from((Treatment.DELETE, Treatment.REDACT, Treatment.ANONYMIZE, Treatment.RESTRICT, Treatment.RETAIN))
methods = st.dictionaries(st.sampled_from(_CATEGORIES), st.sampled_from([Method(name) for name in MethodName]), max_size=2)
thens = st.builds(Then, treatments, methods)
whens = st.builds(
    When,
    category=st.sampled_from(_CATEGORIES),
    match=st.sampled_from((None, Match.OWNS, Match.MENTIONS)),
    field=st.sampled_from((None, "email", "name", "note")),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    count = draw(st.integers(0, 5))
    rules = [Rule(f"rule {number}", draw(whens), draw(thens), draw(st.none() | keeps)) for number in range(count)]
    return Policy("p", tuple(rules))


@st.composite
def whole_policies(draw: st.DrawFn, keep: st.SearchStrategy[Keep | None] = maybe_kept) -> Policy:
    """Policies that decide about everything: the tests' rules, and one each for what is owned and what is a mention."""
    rest = [Rule(f"other {match.value}", When(category="user", match=match), draw(thens), draw(keep)) for match in Match]
    return Policy("p", (*draw(policies()).rules, *rest))


@st.composite
def hits(draw: st.DrawFn) -> Hit:
    field = draw(st.sampled_from(("email", "name", "note")))
    category = {"email": "user.contact.email", "name": "user.name", "note": "user.content"}[field]
    return Hit(field, category, "selector", "email", "plain", Confidence.CERTAIN, field, draw(st.booleans()))


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """A row with up to three hits, and fields of which nobody looked inside."""
    found = tuple(draw(st.lists(hits(), min_size=1, max_size=3, unique_by=lambda hit: hit.place)))
    rest = draw(st.dictionaries(st.sampled_from(("id", "birthday", "city")), st.sampled_from(_CATEGORIES), max_size=3))
    fields = {**rest, **{hit.field: hit.category for hit in found}}
    facts = {"began": draw(st.none() | days.map(date.isoformat))}
    match = draw(st.sampled_from(Match))
    return Finding("case", Locator("shop", "customers", ("17",)), match, Confidence.CERTAIN, found, "server", fields, facts)


_FIELDS = ("id", "email", "name", "note", "birthday", "city", "blocked")
_FACTS = CollectionFacts(
    "customers",
    key=("id",),
    fields=tuple(
        FieldFacts(name, is_nullable=name not in ("id", "name", "city")) for name in ("id", "email", "name", "note", "birthday", "city", "blocked")
    ),
    links=(Link(("city",), "cities", ("id",), "restrict"),),
)
_MAP = CollectionMap("customers", ("id",), (FieldMap("email", "user.contact.email"), FieldMap("name", "user.name")), (("blocked", True),))
TABLE = Shape(_FACTS, _MAP, is_table=True)
FILE = Shape(None, None, is_table=False)


# --- ageing ----------------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(keeps, days, days)
def test_a_record_is_due_if_and_only_if_nothing_holds_it(keep: Keep, start: date, today: date) -> None:
    is_due = start <= cutoff_of(keep, today)
    assert is_due == (held(keep, {"began": start.isoformat()}, today) is None)


@settings(deadline=None)
@given(keeps, days)
def test_the_cutoff_is_the_very_last_start_that_is_due(keep: Keep, today: date) -> None:
    cutoff = cutoff_of(keep, today)
    assert held(keep, {"began": cutoff.isoformat()}, today) is None
    assert held(keep, {"began": (cutoff + timedelta(days=1)).isoformat()}, today) is not None


@settings(deadline=None)
@given(keeps, days, days, st.integers(1, 4000))
def test_what_is_due_stays_due(keep: Keep, start: date, today: date, later: int) -> None:
    assume(held(keep, {"began": start.isoformat()}, today) is None)
    assert held(keep, {"began": start.isoformat()}, today + timedelta(days=later)) is None


@settings(deadline=None)
@given(keeps, days, days)
def test_the_end_that_is_named_is_the_last_day_on_which_a_ground_holds(keep: Keep, start: date, today: date) -> None:
    facts = {"began": start.isoformat()}
    ground = held(keep, facts, today)
    assume(ground is not None)
    assert ground is not None
    assert ground.until is not None
    assert held(keep, facts, ground.until) is not None
    assert held(keep, facts, ground.until + timedelta(days=1)) is None


@settings(deadline=None)
@given(keeps, days, st.sampled_from((None, "", "yesterday", "0000-00-00", "31.12.1999", "20")))
def test_an_unknown_start_holds_without_end(keep: Keep, today: date, start: str | None) -> None:
    ground = held(keep, {"began": start}, today)
    assert ground is not None
    assert (ground.until, ground.is_unknown) == (None, True)


@settings(deadline=None)
@given(keeps, days, days, days)
def test_of_several_starts_the_policy_picks(keep: Keep, one: date, other: date, today: date) -> None:
    for pick, chosen in ((Pick.LATEST, max(one, other)), (Pick.EARLIEST, min(one, other))):
        both = replace(keep, start=Start(("one", "other"), pick))
        alone = replace(keep, start=Start(("one",), pick))
        assert held(both, {"one": one.isoformat(), "other": other.isoformat()}, today) == held(alone, {"one": chosen.isoformat()}, today)


@settings(deadline=None)
@given(keeps, days, st.sampled_from(("open", "shipped", "closed", None)))
def test_a_state_holds_as_long_as_it_lasts(keep: Keep, today: date, state: str | None) -> None:
    while_open = Keep(while_={"status": ("open", "shipped")}, because=keep.because)
    assert (held(while_open, {"status": state}, today) is not None) == (state in ("open", "shipped"))


# --- judgement -------------------------------------------------------------------------------------------------------------


def _places(finding: Finding, judgement: Judgement) -> Iterator[str]:
    yield from (entry.field for entry in judgement.judged)
    yield from (datum.field for datum in judgement.uncovered)


@settings(deadline=None)
@given(findings(), policies())
def test_every_field_is_either_judged_or_said_to_be_uncovered(finding: Finding, policy: Policy) -> None:
    judgement = judge(finding, finding.match, policy, TODAY)
    expected = [hit.field for hit in finding.hits]
    if finding.match is Match.OWNS:
        expected += [name for name in finding.fields if name not in expected]
    assert Counter(_places(finding, judgement)) == Counter(expected)


@settings(deadline=None)
@given(findings(), policies())
def test_of_a_mention_nothing_but_the_places_where_the_person_stands_is_judged(finding: Finding, policy: Policy) -> None:
    judgement = judge(finding, Match.MENTIONS, policy, TODAY)
    assert all(entry.hit is not None for entry in judgement.judged)


@settings(deadline=None)
@given(findings(), policies(), grounds)
def test_a_ground_of_the_law_that_holds_beats_every_other_rule(finding: Finding, policy: Policy, keep: Keep) -> None:
    finding = replace(finding, match=Match.OWNS, facts={"began": TODAY.isoformat()})
    ground = Rule("ground", When(category="user"), Then(Treatment.DELETE), keep)
    judgement = judge(finding, Match.OWNS, replace(policy, rules=(*policy.rules, ground)), TODAY)
    assert judgement.judged
    assert all(entry.then.treatment in KEEPING for entry in judgement.judged)
    assert all(entry.reason.until is not None and entry.reason.until >= TODAY for entry in judgement.judged if entry.reason.because)


@settings(deadline=None)
@given(findings(), policies())
def test_a_purpose_keeps_nothing_from_a_person_who_asks(finding: Finding, policy: Policy) -> None:
    purposes = [replace(rule, keep=replace(rule.keep, because="purpose")) if rule.keep else rule for rule in policy.rules]
    without = [replace(rule, keep=None) for rule in policy.rules]
    one, other = (judge(finding, finding.match, replace(policy, rules=tuple(rules)), TODAY) for rules in (purposes, without))
    assert [entry.then for entry in one.judged] == [entry.then for entry in other.judged]


@settings(deadline=None)
@given(findings(), whole_policies(keeps))
def test_a_sweep_never_treats_what_a_rule_still_keeps(finding: Finding, policy: Policy) -> None:
    judgement = judge(finding, Match.OWNS, policy, TODAY, is_sweep=True)
    for entry in judgement.judged if judgement.is_outlived else ():
        rule = next(rule for rule in policy.rules if rule.name == entry.reason.rule)
        assert rule.keep is not None
        assert held(rule.keep, finding.facts, TODAY) is None


# --- disposal ----------------------------------------------------------------------------------------------------------------


def _disposed(finding: Finding, policy: Policy, shape: Shape) -> tuple[Judgement, Disposal]:
    judgement = judge(finding, finding.match, policy, TODAY)
    return judgement, dispose(finding.locator, [Part("id", finding, finding.match, judgement)], shape)


@settings(deadline=None)
@given(findings(), whole_policies(), st.sampled_from((TABLE, FILE)))
def test_a_record_that_only_mentions_the_person_loses_nothing_but_the_spans(finding: Finding, policy: Policy, shape: Shape) -> None:
    _, disposal = _disposed(replace(finding, match=Match.MENTIONS), policy, shape)
    assert disposal.treatment is not Treatment.DELETE
    assert not isinstance(disposal.effect, Delete)
    if isinstance(disposal.effect, Rewrite):
        hit_places = {hit.place for hit in finding.hits}
        spans = [edit for edit in disposal.effect.edits if not isinstance(edit.how, Fence)]
        assert all(isinstance(edit.how, RedactSpans) and edit.place in hit_places for edit in spans)


@settings(deadline=None)
@given(findings(), whole_policies(), st.sampled_from((TABLE, FILE)))
def test_a_record_is_deleted_only_if_every_field_of_it_is_to_be_deleted(finding: Finding, policy: Policy, shape: Shape) -> None:
    judgement, disposal = _disposed(finding, policy, shape)
    if isinstance(disposal.effect, Delete):
        assert finding.match is Match.OWNS
        assert not judgement.uncovered
        assert {entry.then.treatment for entry in judgement.judged} == {Treatment.DELETE}


@settings(deadline=None)
@given(findings(), whole_policies())
def test_what_a_rule_keeps_is_edited_by_nobody(finding: Finding, policy: Policy) -> None:
    judgement, disposal = _disposed(finding, policy, TABLE)
    kept = {entry.place for entry in judgement.judged if entry.is_kept}
    assert not (kept and isinstance(disposal.effect, Delete))
    if isinstance(disposal.effect, Rewrite):
        assert not kept & {edit.place for edit in disposal.effect.edits}


@settings(deadline=None)
@given(findings(), whole_policies())
def test_keys_and_links_that_must_name_something_are_emptied_by_nobody(finding: Finding, policy: Policy) -> None:
    judgement, disposal = _disposed(finding, policy, TABLE)
    if isinstance(disposal.effect, Rewrite) and all(not entry.then.methods for entry in judgement.judged):
        assert not {"id", "city"} & {edit.place for edit in disposal.effect.edits if isinstance(edit.how, SetValue)}


@settings(deadline=None)
@given(findings(), whole_policies())
def test_the_fingerprint_covers_all_that_is_judged_and_all_that_is_set(finding: Finding, policy: Policy) -> None:
    judgement, disposal = _disposed(finding, policy, TABLE)
    edited = {edit.place for edit in disposal.effect.edits} if isinstance(disposal.effect, Rewrite) else set()
    assert {entry.place for entry in judgement.judged} | edited <= {*disposal.fields, ""}


@settings(deadline=None)
@given(findings(), whole_policies())
def test_a_place_that_cannot_be_rewritten_is_left_to_a_person_and_not_passed_over(finding: Finding, policy: Policy) -> None:
    judgement, disposal = _disposed(finding, policy, TABLE)
    fixed = [entry for entry in judgement.judged if entry.hit and not entry.hit.is_rewritable and not entry.is_kept]
    assert bool(disposal.stuck) == bool(fixed and not isinstance(disposal.effect, Delete))
    if disposal.stuck:
        assert disposal.effect is None


@settings(deadline=None)
@given(findings(), whole_policies())
def test_the_same_findings_and_rules_give_the_same_disposal(finding: Finding, policy: Policy) -> None:
    assert _disposed(finding, policy, TABLE) == _disposed(finding, policy, TABLE)


def test_a_row_of_a_file_goes_and_the_file_stays() -> None:
    locator = Locator("lake", "*.csv", ("people.csv",))
    finding = Finding(
        "case",
        replace(locator, inside="row:2"),
        Match.OWNS,
        Confidence.CERTAIN,
        (Hit("row:2/email", "user.contact.email", "s", "email", "plain", Confidence.CERTAIN, "email"),),
        "server",
        {"email": "user.contact.email"},
    )
    policy = Policy("p", (Rule("all", When(category="user"), Then(Treatment.DELETE)),))
    _, disposal = _disposed(finding, policy, FILE)
    assert disposal.effect == Rewrite((Edit("row:2", DropPart()),))


@settings(deadline=None)
@given(findings(), whole_policies())
def test_a_shell_has_no_personal_field_left_that_can_be_emptied(finding: Finding, policy: Policy) -> None:
    _, disposal = _disposed(finding, policy, TABLE)
    hollow = shell(disposal, TABLE, {"id": "user.unique_id", "email": "user.contact.email", "name": "user.name"})
    assert hollow is not None
    assert isinstance(hollow.effect, Rewrite)
    assert {edit.place for edit in hollow.effect.edits} == {"email", "name"}
    assert hollow.treatment is Treatment.ANONYMIZE


# --- batching ------------------------------------------------------------------------------------------------------------------

_COLLECTIONS = ("customers", "orders", "lines")
_RANKS = Ranks({"lines": 0, "orders": 1, "customers": 2}, {"customers": frozenset({"orders"}), "orders": frozenset({"lines"})}, is_table=True)


@st.composite
def drafts(draw: st.DrawFn) -> list[Draft]:
    """Records of three collections with one of three fates each."""
    found = []
    for number in range(draw(st.integers(0, 60))):
        collection = draw(st.sampled_from(_COLLECTIONS))
        effect = draw(st.sampled_from((None, Delete(), Rewrite((Edit("note", RedactSpans()),)))))
        treatment = Treatment.RETAIN if effect is None else Treatment.DELETE if isinstance(effect, Delete) else Treatment.REDACT
        disposal = Disposal(Locator("shop", collection, (str(number),)), ("id",), treatment, effect, (), ("note",), ())
        found.append(Draft(disposal, b"now", None if isinstance(effect, Delete) else b"then", "server"))
    return found


def _locators(items: list[PlanItem]) -> list[Locator]:
    return [planned.locator for item in items for planned in item.records]


@settings(deadline=None)
@given(drafts(), st.integers(0, 20))
def test_every_record_is_in_exactly_one_item_with_its_own_fate(given_drafts: list[Draft], first: int) -> None:
    items = batched(given_drafts, _RANKS, first_batch=first)
    assert Counter(_locators(items)) == Counter(draft.disposal.locator for draft in given_drafts)
    fates = {draft.disposal.locator: draft.disposal for draft in given_drafts}
    for item in items:
        for planned in item.records:
            fate = fates[planned.locator]
            assert (item.effect, item.treatment, item.collection) == (fate.effect, fate.treatment, planned.locator.collection)


@settings(deadline=None)
@given(drafts(), st.integers(0, 20))
def test_children_go_before_their_parents_and_parents_wait_for_them(given_drafts: list[Draft], first: int) -> None:
    items = batched(given_drafts, _RANKS, first_batch=first)
    ranks = [_RANKS.rank[item.collection] for item in items]
    assert ranks == sorted(ranks)
    position = {item.id: number for number, item in enumerate(items)}
    for number, item in enumerate(items):
        acting = {other.id for other in items if other.collection in _RANKS.children.get(item.collection, ()) and other.effect is not None}
        assert set(item.after) == (acting if isinstance(item.effect, Delete) else set())
        assert all(position[other] < number for other in item.after)


@settings(deadline=None)
@given(drafts(), st.integers(1, 20))
def test_the_first_acting_item_of_a_collection_is_small(given_drafts: list[Draft], first: int) -> None:
    items = batched(given_drafts, _RANKS, first_batch=first)
    for collection in _COLLECTIONS:
        acting = [item for item in items if item.collection == collection and item.effect is not None]
        assert not acting or len(acting[0].records) <= first
        assert all(len(item.records) <= MOST_RECORDS for item in acting)


@settings(deadline=None)
@given(drafts())
def test_files_that_are_rewritten_are_items_of_their_own(given_drafts: list[Draft]) -> None:
    items = batched(given_drafts, replace(_RANKS, is_table=False), first_batch=10)
    assert all(len(item.records) == 1 for item in items if isinstance(item.effect, Rewrite))


def test_a_million_rows_are_a_thousand_items() -> None:
    disposal = Disposal(Locator("shop", "orders", ("0",)), ("id",), Treatment.DELETE, Delete(), (), (), ())
    many = [Draft(replace(disposal, locator=Locator("shop", "orders", (str(number),))), b"now", None, "server") for number in range(10_010)]
    assert [len(item.records) for item in batched(many, _RANKS, first_batch=10)] == [10] + [MOST_RECORDS] * 10
