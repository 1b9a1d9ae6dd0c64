"""What a regime's file says is read whole, and what it cannot mean is refused at its line and column."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.domain.deadline import ClockUnit, Limit
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.regime import (
    Appeal,
    Assurance,
    Backups,
    Duty,
    Entitlement,
    Metrics,
    Notify,
    Pause,
    PauseEffect,
    PauseWhy,
    Regime,
    StayErased,
    Verification,
)
from dsr_engine.spec.grounds import ground_problems
from dsr_engine.spec.policy_file import policy_from
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.spec.regime_file import regime_from, regimes_from
from tests.spec.files import REGIMES, document, policy_text

HEAD = """regime: x
title: X
version: "1"
valid_from: 2026-01-01
checked_on: 2026-01-01
sources: a law
log_keep_months: 12
clock: {answer: 45 days, erase: 15 days, ends: as_counted, counts_first_day: true}
"""
GROUNDS = "grounds: {contract: {cite: Art. 1}}\n"

WHOLE = """
valid_to: 2027-12-31
scope: from_the_person
to_check: [one thing, another]
own_measures: [clock.erase]
pauses:
  identity: {effect: shown, cite: Art. 2}
  clarification: {effect: adds, rights: [access], cite: Art. 3}
entitlements:
  unlawful: {cite: Art. 4, about: it was never lawful}
  marketing: {cite: Art. 5, absolute: true}
verification:
  points: {reasonable: 2, high: 3}
  declared: high
  sensitive: [user.financial]
  reauthenticate: false
  permission: false
  confirm: false
  attorney: false
  only_on_doubt: true
  guardian_below: 13
  cite: Art. 6
notify: {processors: none, recipients: required, public: unless_disproportionate, names: true, cite: Art. 7}
appeal: {answer: 60 days, window: 30 days, extended: 90 days, authority: the court, cite: Art. 8}
stay_erased: {by_default: true, months: 24, every_days: 45, cite: Art. 9}
backups: {may_wait: true, most_days: 183, cite: Art. 10}
metrics: {publish_on: "07-01", from_people: 10000000, cite: Art. 11}
letters: {refusal: {reasons: Art. 12, appeal: Art. 13}}
"""


def _regime(text: str) -> Regime:
    return regime_from(document(HEAD + text, "policies/regimes/x.yaml"))


def _problems(text: str) -> list[str]:
    with pytest.raises(SpecWrong) as caught:
        regimes_from(document(text, "policies/regimes/x.yaml"))
    return [str(problem) for problem in caught.value.problems]


def test_everything_that_a_file_says_is_in_the_regime() -> None:
    regime = _regime(GROUNDS + WHOLE)
    assert (regime.valid_to, regime.scope, regime.to_check) == (date(2027, 12, 31), "from_the_person", ("one thing", "another"))
    assert regime.own_measures == {"clock.erase"}
    assert regime.pauses == (
        Pause(PauseWhy.IDENTITY, PauseEffect.SHOWN, (), "Art. 2"),
        Pause(PauseWhy.CLARIFICATION, PauseEffect.ADDS, ("access",), "Art. 3"),
    )
    assert regime.entitlements == (Entitlement("unlawful", "Art. 4", "it was never lawful"), Entitlement("marketing", "Art. 5", absolute=True))
    levels = {Assurance.REASONABLE: 2, Assurance.HIGH: 3}
    assert regime.verification == Verification(
        levels, frozenset({Assurance.HIGH}), ("user.financial",), False, False, False, False, only_on_doubt=True, guardian_below=13, cite="Art. 6"
    )
    assert regime.notify == Notify(Duty.NONE, Duty.REQUIRED, Duty.UNLESS_DISPROPORTIONATE, names=True, cite="Art. 7")
    # The controller's time counts as the clock does; the person's is not cut short.
    counted = [Limit(days, ClockUnit.DAYS, counts_first_day=True) for days in (60, 90)]
    assert regime.appeal == Appeal(counted[0], Limit(30, ClockUnit.DAYS), counted[1], "the court", "Art. 8")
    assert regime.stay_erased == StayErased(by_default=True, months=24, every_days=45, cite="Art. 9")
    assert regime.backups == Backups(may_wait=True, most_days=183, cite="Art. 10")
    assert regime.metrics == Metrics("07-01", 10_000_000, "Art. 11")
    assert regime.letters == {LetterKind.REFUSAL: {"reasons": "Art. 12", "appeal": "Art. 13"}}


def test_what_a_file_does_not_say_is_the_careful_default() -> None:
    regime = _regime(GROUNDS)
    assert (regime.verification, regime.notify, regime.stay_erased, regime.backups) == (Verification(), Notify(), StayErased(), Backups())
    assert (regime.pauses, regime.entitlements, regime.appeal, regime.metrics, regime.scope, regime.valid_to) == ((), (), None, None, "all", None)


MISTAKES = {
    "an unknown key": (GROUNDS + "pause: {}", "10:1: pause: unknown key (did you mean pauses?)"),
    "an unknown key in a block": (GROUNDS + "notify: {processor: none}", "10:10: notify.processor: unknown key (did you mean processors?)"),
    "an effect that no pause has": (
        GROUNDS + "pauses: {identity: {effect: stops, cite: Art. 1}}",
        "10:29: pauses.identity.effect: must be starts, adds or shown",
    ),
    "a reason that no clock waits for": (
        GROUNDS + "pauses: {identiy: {effect: shown, cite: Art. 1}}",
        "10:10: pauses.identiy: nothing that stops a clock (did you mean identity?)",
    ),
    "a right that nobody has": (
        GROUNDS + "pauses: {identity: {effect: shown, rights: acces, cite: Art. 1}}",
        "10:44: pauses.identity.rights: must be erasure, access, correction, restriction, objection, portability, opt_out or limit "
        "(did you mean access?)",
    ),
    "a clock that starts later while it starts at receipt": (
        GROUNDS + "pauses: {fee: {effect: starts, cite: Art. 1}}",
        "10:24: pauses.fee.effect: the clock has to say `starts: relevant_time`; it starts with receipt",
    ),
    "a pattern that is none": (
        "grounds: {contract: {cite: Art. 1, never: ['(tax']}}",
        "9:44: grounds.contract.never.0: not a pattern of RE2: missing ): (tax",
    ),
    "a pattern that matches everything": (
        "grounds: {contract: {cite: Art. 1, never: 'x*'}}",
        "9:43: grounds.contract.never: matches an empty text, and so every law there is",
    ),
    "a pattern that would run for ever elsewhere": (
        "grounds: {contract: {cite: Art. 1, never: '(a+)+\\1'}}",
        "9:43: grounds.contract.never: not a pattern of RE2: invalid escape sequence: \\1",
    ),
    "a level of assurance that is none": (
        GROUNDS + "verification: {points: {hi: 3}}",
        "10:25: verification.points.hi: no such level of assurance (did you mean high?)",
    ),
    "a category that is none": (
        GROUNDS + "verification: {sensitive: [user.finance]}",
        "10:28: verification.sensitive.0: not a category (did you mean user.financial?)",
    ),
    "a block list for ever": (
        GROUNDS + "stay_erased: {by_default: true}",
        "10:14: stay_erased.months: missing: a record that keeps people out for ever needs a law of its own",
    ),
    "a leap day": (GROUNDS + 'metrics: {publish_on: "02-29"}', '10:23: metrics.publish_on: not a day of the year (try "07-01")'),
    "an end before the beginning": (GROUNDS + "valid_to: 2025-01-01", "10:11: valid_to: lies before `valid_from`"),
    "an element of a letter that is none": (
        GROUNDS + "letters: {refusal: {apeal: Art. 1}}",
        "10:21: letters.refusal.apeal: no such element of a letter (did you mean appeal?)",
    ),
    "variants that are none": (GROUNDS + "variants: [a]", "10:11: variants: must be a block of 1 to 200 laws, each with what it has of its own"),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_shown_with_its_line_and_column(text: str, expected: str) -> None:
    assert _problems(HEAD + text) == [f"policies/regimes/x.yaml:{expected}"]


def test_a_right_may_have_a_shorter_limit_and_has_to_be_one() -> None:
    clock = "clock: {answer: 45 days, erase: 15 days, extended: 90 days, ends: as_counted, counts_first_day: true, answers: {%s: 15 days}}\n"
    text = "\n".join(line for line in HEAD.splitlines() if not line.startswith("clock")) + "\n" + GROUNDS
    clocks = regime_from(document(text + clock % "opt_out", "policies/regimes/x.yaml")).clocks
    assert clocks is not None
    own = clocks.for_right("opt_out")
    assert (own.answer, own.refusal, own.extended) == (*[Limit(15, ClockUnit.DAYS, counts_first_day=True)] * 2, None)
    assert clocks.for_right("erasure") == clocks
    assert _problems(text + clock % "optout") == ["policies/regimes/x.yaml:9:113: clock.answers.optout: no such right (did you mean opt_out?)"]


def test_a_pause_without_a_clock_stops_nothing() -> None:
    text = HEAD.replace("clock: {answer: 45 days, erase: 15 days, ends: as_counted, counts_first_day: true}\n", "")
    assert _problems(text + GROUNDS + "pauses: {identity: {effect: shown, cite: Art. 1}}") == [
        "policies/regimes/x.yaml:9:1: pauses: there is no `clock` that they could stop"
    ]


COMMON = """title: Acts
version: "1"
checked_on: 2026-01-01
sources: the act
log_keep_months: 24
clock: {answer: 45 days, erase: 15 days, extended: 90 days, ends: as_counted, cite: "{rights}"}
grounds: {contract: {cite: "{rights}"}, security: {cite: s. 2}}
appeal: {answer: 60 days}
letters: {refusal: {reasons: s. 3, appeal: s. 4}}
variants:
"""


def test_a_file_may_hold_many_laws_that_differ_in_little() -> None:
    text = COMMON + (
        "  us-a: {valid_from: 2026-01-01, title: Act of A, cites: {rights: s. A}}\n"
        "  us-b: {valid_from: 2027-01-01, clock: {answer: 90 days, extended: 135 days}, cites: {rights: s. B},\n"
        "    without: [appeal, letters.refusal.appeal, grounds.security]}\n"
    )
    first, second = regimes_from(document(text, "policies/regimes/states.yaml"))
    assert (first.name, first.title, second.name, second.title) == ("us-a", "Act of A", "us-b", "Acts")
    assert first.source.digest == second.source.digest != ""
    assert (first.source.line, second.source.line) == (11, 12)
    assert first.clocks is not None
    assert second.clocks is not None
    assert (str(first.clocks.answer), str(second.clocks.answer), str(second.clocks.erase)) == ("45 days", "90 days", "15 days")
    assert (first.clocks.cite, second.clocks.cite, first.grounds[0].cite) == ("s. A", "s. B", "s. A")
    assert first.appeal is not None
    assert second.appeal is None
    assert [ground.name for ground in second.grounds] == ["contract"]
    assert second.letters == {LetterKind.REFUSAL: {"reasons": "s. 3"}}
    assert first.letters == {LetterKind.REFUSAL: {"reasons": "s. 3", "appeal": "s. 4"}}


VARIANTS = {
    "a mistake in the common part is shown once, where it is": (
        COMMON.replace("60 days", "sixty days")
        + "  us-a: {valid_from: 2026-01-01, cites: {rights: s. A}}\n  us-b: {valid_from: 2026-01-01, cites: {rights: s. B}}\n",
        ["8:18: appeal.answer: not a limit (try 1 month, 45 days or 15 working days)"],
    ),
    "a mistake in a variant is shown there": (
        COMMON + "  us-a: {valid_from: 2026-01-01, cites: {rights: s. A}, clock: {answer: 45}}\n",
        ["11:73: clock.answer: not a limit (try 1 month, 45 days or 15 working days)"],
    ),
    "nothing can be taken away that is not there": (
        COMMON + "  us-a: {valid_from: 2026-01-01, cites: {rights: s. A}, without: [appeals]}\n",
        ["11:67: variants.us-a.without.0: the common part has no appeals (did you mean appeal?)"],
    ),
    "a citation that a variant does not give": (COMMON + "  us-a: {valid_from: 2026-01-01}\n", None),
    "a variant is no block": (COMMON + "  us-a: 2026\n", ["11:9: variants.us-a: must be a block of keys and values"]),
    "a variant has its name from its key": (
        COMMON + "  us-a: {regime: b, valid_from: 2026-01-01, cites: {rights: s. A}}\n",
        ["11:10: variants.us-a.regime: cannot stand in a variant"],
    ),
    "a name that cannot be": (
        COMMON + "  US A: {valid_from: 2026-01-01, cites: {rights: s. A}}\n",
        ['11:3: variants.US A: not a name of small letters, digits, - and _ (try "us-va")'],
    ),
}


@pytest.mark.parametrize(("text", "expected"), VARIANTS.values(), ids=VARIANTS)
def test_a_mistake_among_variants_is_shown_where_it_was_written(text: str, expected: list[str] | None) -> None:
    found = [problem.removeprefix("policies/regimes/x.yaml:") for problem in _problems(text)]
    if expected is None:
        assert found == ["6:85: cite: a variant has no `rights` in its `cites`", "7:28: cite: a variant has no `rights` in its `cites`"]
    else:
        assert found == expected


def test_the_shipped_laws_are_those_that_the_readme_speaks_of() -> None:
    states = ("va", "co", "ct", "tx", "ut", "ia", "or", "mt", "de", "nh", "nj", "ne", "tn", "mn", "md", "in", "ky", "ri", "fl", "wa")
    others = {"gdpr", "uk-gdpr", "ccpa", "ca-delete-act", "lgpd", "pipl", "quebec-25", "india-dpdp"}
    assert set(REGIMES) == others | {f"us-{state}" for state in states}


@pytest.mark.parametrize("name", sorted(REGIMES))
def test_a_shipped_law_says_everything_that_a_case_under_it_needs(name: str) -> None:
    regime = REGIMES[name]
    assert regime.clocks is not None
    assert regime.clocks.cite
    assert regime.verification.cite
    assert regime.notify.cite
    assert regime.notify.processors is Duty.REQUIRED
    assert regime.to_check
    assert regime.log_keep_months >= 24
    for elements in regime.letters.values():
        assert all(elements.values())
    if name != "ca-delete-act":  # its answers are statuses on the state's platform, not letters
        assert "reasons" in regime.letters[LetterKind.REFUSAL]
        assert ("appeal" in regime.letters[LetterKind.REFUSAL]) == (regime.appeal is not None and name != "uk-gdpr")


def test_only_the_words_of_the_law_stop_a_clock() -> None:
    """California and the other states know no pause; the United Kingdom stops for clarification of access requests only."""
    assert {name for name, regime in REGIMES.items() if regime.pauses} == {"gdpr", "uk-gdpr"}
    uk = {pause.why: (pause.effect, pause.rights) for pause in REGIMES["uk-gdpr"].pauses}
    assert uk[PauseWhy.CLARIFICATION] == (PauseEffect.ADDS, ("access",))
    assert uk[PauseWhy.IDENTITY] == uk[PauseWhy.FEE] == (PauseEffect.STARTS, ())
    assert {pause.effect for pause in REGIMES["gdpr"].pauses} == {PauseEffect.SHOWN}


def test_the_states_differ_where_they_do() -> None:
    appeals = {name: regime.appeal.answer.length if regime.appeal else None for name, regime in REGIMES.items() if name.startswith("us-")}
    assert appeals["us-ut"] is None
    assert (appeals["us-va"], appeals["us-tx"], appeals["us-co"], appeals["us-wa"]) == (60, 60, 45, 45)
    assert (REGIMES["us-va"].scope, REGIMES["us-ut"].scope, REGIMES["ccpa"].scope) == ("obtained_about", "from_the_person", "from_the_person")
    assert REGIMES["us-wa"].backups == Backups(may_wait=True, most_days=183, cite="RCW 19.373.040")
    assert REGIMES["us-co"].backups.may_wait
    assert not REGIMES["us-va"].backups.may_wait
    assert {ground.name for ground in REGIMES["us-wa"].grounds} == {"security", "other_federal_law"}
    assert REGIMES["us-wa"].notify.recipients is Duty.REQUIRED
    assert (REGIMES["ca-delete-act"].stay_erased.every_days, REGIMES["ca-delete-act"].log_keep_months) == (45, 72)


@given(
    st.recursive(
        st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=2), lambda inner: st.dictionaries(st.text("abz_.-{}", max_size=6), inner)
    )
)
def test_whatever_stands_under_variants_is_read_or_refused_at_a_place(value: object) -> None:
    text = COMMON.replace("variants:\n", f"variants: {json.dumps(value)}\n")
    try:
        found = len(regimes_from(document(text, "policies/regimes/x.yaml")))  # JSON is YAML
    except SpecWrong as wrong:
        found = min(problem.source.line for problem in wrong.problems)
    assert found > 0


COUNTS = {
    "gdpr": [
        *(
            "§ 147 AO",
            "§ 257 HGB",
            "Art. L123-22 Code de commerce",
            "Art. 2220 Codice civile",
            "Art. 30 Código de Comercio",
            "§ 132 BAO",
            "§ 212 UGB",
        ),
        *(
            "Art. 52 AWR",
            "Companies Act 2014, s. 285",
            "Data Protection Act 2018",
            "Regulation (EU) 2015/849, Art. 40",
            "Taxes Consolidation Act 1997",
        ),
        *("Loi n° 78-17", "§ 8 GwG", "Bokföringslag (1999:1078) 7 kap. 2 §", "CIR 92, art. 315", "Ordynacja podatkowa, Art. 86", "Art. 6 or Art. 9"),
    ],
    "uk-gdpr": [
        "Companies Act 2006, s. 388",
        "Limitation Act 1980, s. 5",
        "Taxes Management Act 1970, s. 12B",
        "VATA 1994, Sch. 11",
        "MLR 2017, reg. 40",
    ],
    "ccpa": ["26 U.S.C. § 6001", "Cal. Labor Code § 226", "§ 147 AO"],
    "pipl": ["Accounting Law of the People's Republic of China, Art. 23", "E-Commerce Law, Art. 31"],
}
NEVER_COUNTS = {
    "gdpr": [
        *(
            "26 U.S.C. § 6001",
            "26 USC 6001",
            "26 U.S. Code § 6001",
            "29 C.F.R. § 516.5",
            "17 CFR 240.17a-4",
            "Internal Revenue Code § 6001",
            "Sarbanes-Oxley Act, s. 802",
        ),
        *(
            "FRCP 37(e)",
            "Fed. R. Civ. P. 37(e)",
            "Cal. Labor Code § 226",
            "HIPAA § 164.316",
            "SEC Rule 17a-4",
            "Companies Act 2006, s. 388",
            "HMRC notice 700/21",
        ),
        *("Limitation Act 1980, s. 5", "Marco Civil da Internet", "GeBüV, Art. 9"),
    ],
    "uk-gdpr": ["26 U.S.C. § 6001", "§ 147 AO", "§ 257 HGB", "Art. L123-22 Code de commerce"],
    "pipl": ["26 U.S.C. § 6001", "§ 147 AO"],
    "india-dpdp": ["26 U.S.C. § 6001", "Companies Act 2006, s. 388"],
}


def _kept_by(law: str, *regimes: str) -> list[str]:
    """What is wrong with a policy of these regimes that keeps data because of this law."""
    rule = f'name: tax\nwhen: {{category: user}}\nkeep: {{for: 3 years, from: a, because: legal_obligation, law: "{law}"}}\nthen: delete'
    text = document(policy_text(rule).replace("[gdpr]", f"[{', '.join(regimes)}]"))
    return [str(problem) for problem in ground_problems(text, policy_from(text), REGIMES)]


@pytest.mark.parametrize(("regime", "law"), [(regime, law) for regime, laws in COUNTS.items() for law in laws])
def test_a_law_of_the_place_is_an_obligation(regime: str, law: str) -> None:
    assert _kept_by(law, regime) == []


@pytest.mark.parametrize(("regime", "law"), [(regime, law) for regime, laws in NEVER_COUNTS.items() for law in laws])
def test_a_law_of_another_country_is_none_and_the_regime_and_the_reason_are_named(regime: str, law: str) -> None:
    (problem,) = _kept_by(law, regime)
    assert problem.startswith(f"policies/leads.yaml:7:67: rules.0.keep.law: no law that counts as `legal_obligation` under {regime} (")
    assert law not in problem


def test_each_regime_of_a_policy_judges_for_itself() -> None:
    both = _kept_by("26 U.S.C. § 6001", "ccpa", "gdpr", "uk-gdpr")
    assert ["under gdpr" in both[0], "under uk-gdpr" in both[1], len(both)] == [True, True, 2]
    assert "the ground is `legal_claims` (Art. 17(3)(e) GDPR)" in both[0]
