"""Whoever opens the desk sees what is due, what is overdue, and by which calendar."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr


def _declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    return home


def _open(dsr: Dsr, home: Path, received: str, *more: str) -> str:
    said = dsr("--home", home, "case", "open", "--email", EMAIL, "--received", received, "--by", "officer", *more, "--json")
    assert said.code == 0, said.all
    return str(json.loads(said.out)["case"])


def test_a_case_shows_its_limits_counted_from_the_day_on_which_the_request_arrived(dsr: Dsr, home: Path, company: Company) -> None:
    case = _open(dsr, _declared(home, company), "2026-03-05")
    due = json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]
    assert (due["answer"], due["refusal"], due["extended"]) == ("2026-04-06", "2026-04-06", "2026-06-05")


def test_the_holidays_of_the_controllers_region_move_the_last_day(dsr: Dsr, home: Path, company: Company) -> None:
    settings = home / "dsr.toml"
    settings.write_text(settings.read_text().replace('# holidays = "DE-BY"', 'holidays = "DE-BY"'), encoding="utf-8")
    case = _open(dsr, _declared(home, company), "2026-03-05")
    assert json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]["answer"] == "2026-04-07"  # after Easter Monday


def test_another_regime_counts_in_its_own_way(dsr: Dsr, home: Path, company: Company) -> None:
    case = _open(dsr, _declared(home, company), "2026-11-21", "--regime", "ccpa")
    due = json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]
    assert (due["answer"], due["extended"], due["acknowledge"]) == ("2027-01-04", "2027-02-18", "2026-11-30")


def test_the_list_tells_how_many_days_are_left_and_the_story_says_what_is_overdue(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    case = _open(dsr, _declared(home, company), (today - timedelta(days=100)).isoformat())
    (row,) = json.loads(dsr("--home", home, "case", "list", "--json").out)
    assert row["days_left"] < -60
    assert row["answer"] in dsr("--home", home, "case", "list").out
    assert f"{-row['days_left']} days overdue" in dsr("--home", home, "case", "show", case).out


def test_a_closed_case_has_no_limit_any_more(dsr: Dsr, home: Path, company: Company) -> None:
    case = _open(dsr, _declared(home, company), "2026-03-05")
    assert dsr("--home", home, "case", "withdraw", case, "--by", "officer").code == 0
    assert json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"] == {}


def test_a_region_whose_holidays_nobody_knows_is_named_before_anything_is_done(dsr: Dsr, home: Path, company: Company) -> None:
    settings = home / "dsr.toml"
    settings.write_text(settings.read_text().replace('# holidays = "DE-BY"', 'holidays = "XX"'), encoding="utf-8")
    said = dsr("--home", _declared(home, company), "case", "list")
    assert (said.code, "the holidays of XX are not known" in said.err) == (2, True)


def test_a_regime_that_nobody_looked_at_for_half_a_year_is_pointed_out(dsr: Dsr, home: Path, company: Company) -> None:
    folder = home / "policies" / "regimes"
    folder.mkdir()
    text = (Path(__file__).parents[2] / "policies" / "regimes" / "gdpr.yaml").read_text(encoding="utf-8")
    (folder / "gdpr.yaml").write_text(text.replace("checked_on: 2026-11-21", "checked_on: 2020-01-01"), encoding="utf-8")
    said = dsr("--home", _declared(home, company), "check", "--allow-gaps")
    assert "policies/regimes/gdpr.yaml: nobody held it against the law since 2020-01-01" in " ".join(said.out.split())


def test_an_extension_moves_the_answer_and_never_a_refusal_under_the_gdpr(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    case = _open(dsr, _declared(home, company), today.isoformat())
    before = json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]
    said = dsr("--home", home, "case", "extend", case, "--reason", "complexity", "--notified", today, "--by", "officer")
    assert said.code == 0, said.all
    after = json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]
    assert after["answer"] == before["extended"] > before["answer"]
    assert after["refusal"] == before["refusal"]


def test_an_extension_is_refused_when_it_comes_too_late_or_twice_or_from_the_future(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    late = _open(dsr, _declared(home, company), (today - timedelta(days=50)).isoformat())
    fresh = _open(dsr, home, today.isoformat())

    def extend(case: str, notified: object) -> str:
        said = dsr("--home", home, "case", "extend", case, "--reason", "complexity", "--notified", notified, "--by", "officer")
        return said.err if said.code else ""

    assert "came after the first limit" in extend(late, today)
    assert "lies in the future" in extend(fresh, today + timedelta(days=1))
    assert "is not a date" in extend(fresh, "tomorrow")
    assert extend(fresh, today) == ""
    assert "extended already" in extend(fresh, today)


def test_the_desk_lists_what_is_due_first_and_what_is_needed_for_it(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    fresh = _open(dsr, _declared(home, company), today.isoformat())
    assert dsr("--home", home, "case", "due").code == 0
    old = _open(dsr, home, (today - timedelta(days=100)).isoformat())
    assert dsr("--home", home, "case", "run", old).code == 3
    said = dsr("--home", home, "case", "due", "--json")
    rows = json.loads(said.out)
    assert (said.code, [row["case"] for row in rows]) == (3, [old, old, old, fresh])
    assert [(row["urgency"], row["limit"], row["set_by"]) for row in rows] == [
        ("overdue", "acknowledge", "gdpr"),
        ("overdue", "erase", "gdpr"),
        ("overdue", "answer", "gdpr"),
        ("later", "acknowledge", "gdpr"),
    ]
    assert "dsr case acknowledge" in rows[0]["needs"]
    assert "dsr case verify" in rows[1]["needs"]
    assert dsr("--home", home, "case", "withdraw", old, "--by", "officer").code == 0
    assert [row["case"] for row in json.loads(dsr("--home", home, "case", "due", "--json").out)] == [fresh]


def test_where_several_laws_apply_the_page_says_which_one_sets_each_limit(dsr: Dsr, home: Path, company: Company) -> None:
    case = _open(dsr, _declared(home, company), "2026-11-21", "--regime", "ccpa", "--regime", "gdpr", "--regime", "us-ia")
    due = json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]
    assert (due["answer"], due["answer_by"]) == ("2026-12-21", "gdpr")
    assert (due["acknowledge"], due["acknowledge_by"], due["extended"], due["extended_by"]) == ("2026-11-30", "ccpa", "2027-02-18", "ccpa")
    story = " ".join(dsr("--home", home, "case", "show", case).out.split())
    assert "answer by 2026-12-21 (gdpr, " in story
    assert "acknowledge by 2026-11-30 (ccpa)" in story
    (row,) = json.loads(dsr("--home", home, "case", "list", "--json").out)
    assert (row["answer"], row["set_by"]) == ("2026-12-21", "gdpr")


def test_a_law_that_is_not_in_force_yet_is_refused_before_anything_is_written(dsr: Dsr, home: Path, company: Company) -> None:
    said = dsr("--home", _declared(home, company), "case", "open", "--email", EMAIL, "--regime", "india-dpdp", "--received", "2026-11-01")
    assert (said.code, "india-dpdp applies from 2027-05-13 on, and the request arrived on 2026-11-01" in said.err) == (2, True)
    assert json.loads(dsr("--home", home, "case", "list", "--json").out) == []


def test_a_policy_for_a_law_that_is_not_in_force_yet_is_pointed_out(dsr: Dsr, home: Path, company: Company) -> None:
    text = "policy: ours\nowner: a\nregimes: [india-dpdp]\nrules:\n  - {name: all, when: {category: user}, then: delete}\n"
    (_declared(home, company) / "policies" / "ours.yaml").write_text(text, encoding="utf-8")
    said = " ".join(dsr("--home", home, "check", "--allow-gaps").out.split())
    assert "policies/ours.yaml: india-dpdp applies from 2027-05-13 on; no case is opened under it for a request from before" in said


def test_a_pause_is_told_for_each_law_and_the_story_remembers_it(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    asked, received = today - timedelta(days=2), today - timedelta(days=5)
    case = _open(dsr, _declared(home, company), received.isoformat(), "--regime", "uk-gdpr", "--regime", "ccpa")
    said = dsr("--home", home, "case", "pause", case, "--for", "identity", "--asked", asked, "--doubt", "sender_unknown", "--by", "officer")
    told = " ".join(said.out.split())
    assert said.code == 0, said.all
    assert "uk-gdpr: its clock starts when that has come (Art. 12A, 12(6))" in told
    assert "ccpa: knows no pause for identity; the limit runs on whether or not the person answers (11 CCR § 7021(b))" in told
    assert f"asked for identity on {asked} (sender unknown): has not come yet" in " ".join(dsr("--home", home, "case", "show", case).out.split())
    assert dsr("--home", home, "case", "unpause", case, "--on", today, "--by", "officer").code == 0
    (stop,) = json.loads(dsr("--home", home, "case", "show", case, "--json").out)["pauses"]
    assert stop == {"why": "identity", "asked": asked.isoformat(), "ended": today.isoformat(), "doubt": "sender_unknown"}


def test_california_has_no_pause_and_the_refusal_says_why(dsr: Dsr, home: Path, company: Company) -> None:
    case = _open(dsr, _declared(home, company), datetime.now(UTC).date().isoformat(), "--regime", "ccpa")
    said = dsr("--home", home, "case", "pause", case, "--for", "identity", "--asked", datetime.now(UTC).date())
    assert said.code == 2
    assert "ccpa: knows no pause for identity; the limit runs on whether or not the person answers (11 CCR § 7021(b))" in said.err
    assert dsr("--home", home, "case", "pause", case, "--for", "identity", "--asked", "soon").code == 2


def test_a_late_refusal_is_told_of_at_once_and_in_the_story(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    case = _open(dsr, _declared(home, company), (today - timedelta(days=60)).isoformat())
    said = dsr("--home", home, "case", "refuse", case, "--reason", "excessive", "--by", "officer")
    assert (said.code, "the limit for saying no was over for" in said.out) == (0, True)
    assert "day(s) after its limit, which no extension moves" in " ".join(dsr("--home", home, "case", "show", case).out.split())
    timely = _open(dsr, home, today.isoformat())
    assert "was over for" not in dsr("--home", home, "case", "refuse", timely, "--reason", "excessive", "--by", "officer").out


def test_an_appeal_goes_from_its_arrival_to_a_new_case(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    old = _open(dsr, _declared(home, company), today.isoformat(), "--regime", "us-va")
    assert dsr("--home", home, "case", "refuse", old, "--reason", "unverified", "--by", "officer").code == 0
    said = dsr("--home", home, "case", "appeal", old, "--received", today, "--by", "officer")
    assert (said.code, f"has to be answered by {today + timedelta(days=59)} (us-va)" in said.out) == (0, True)
    (row,) = json.loads(dsr("--home", home, "case", "due", "--json").out)
    assert (row["case"], row["limit"], row["set_by"]) == (old, "appeal", "us-va")
    assert dsr("--home", home, "case", "extend-appeal", old, "--notified", today).code == 2
    said = dsr("--home", home, "case", "grant-appeal", old, "--on", today, "--email", EMAIL, "--by", "head")
    assert said.code == 0, said.all
    (told,) = json.loads(dsr("--home", home, "case", "show", old, "--json").out)["appeals"]
    assert (told["decision"], told["new_case"] in said.out) == ("granted", True)
    assert f"opened because of an appeal against case {old}" in dsr("--home", home, "case", "show", told["new_case"]).out
    assert EMAIL not in said.all


def test_a_denied_appeal_says_where_the_person_may_turn(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    case = _open(dsr, _declared(home, company), today.isoformat(), "--regime", "us-tx")
    assert dsr("--home", home, "case", "refuse", case, "--reason", "unverified", "--by", "officer").code == 0
    assert dsr("--home", home, "case", "appeal", case, "--received", today).code == 0
    said = dsr("--home", home, "case", "deny-appeal", case, "--on", today, "--by", "head")
    assert (said.code, "the person may turn to the attorney general of the state" in " ".join(said.out.split())) == (0, True)
    assert f"denied on {today}" in dsr("--home", home, "case", "show", case).out


def test_receipt_that_was_confirmed_by_hand_is_taken_off_the_desk(dsr: Dsr, home: Path, company: Company) -> None:
    today = datetime.now(UTC).date()
    case = _open(dsr, _declared(home, company), today.isoformat())
    assert [row["limit"] for row in json.loads(dsr("--home", home, "case", "due", "--json").out)] == ["acknowledge"]
    assert dsr("--home", home, "case", "acknowledge", case, "--on", today, "--by", "officer").code == 0
    assert [row["limit"] for row in json.loads(dsr("--home", home, "case", "due", "--json").out)] == ["erase"]


def test_a_changed_law_counts_for_new_cases_only(dsr: Dsr, home: Path, company: Company) -> None:
    before = _open(dsr, _declared(home, company), "2026-03-05")
    folder = home / "policies" / "regimes"
    folder.mkdir()
    text = (Path(__file__).parents[2] / "policies" / "regimes" / "gdpr.yaml").read_text(encoding="utf-8")
    (folder / "gdpr.yaml").write_text(text.replace("answer: 1 month ", "answer: 2 months "), encoding="utf-8")
    after = _open(dsr, home, "2026-03-05")
    answers = [json.loads(dsr("--home", home, "case", "show", case, "--json").out)["due"]["answer"] for case in (before, after)]
    assert answers == ["2026-04-06", "2026-05-05"]


def test_the_laws_can_be_read_without_opening_a_file(dsr: Dsr, home: Path) -> None:
    listed = {row["regime"]: row for row in json.loads(dsr("--home", home, "regimes", "--json").out)}
    assert (listed["us-ia"]["answer"], listed["us-ia"]["extended"], listed["us-ut"]["appeal"]) == ("90 days", "135 days", "")
    page = " ".join(dsr("--home", home, "regimes", "uk-gdpr").out.split())
    for sentence in (
        "the latest of receipt, requested proof of identity and fee",
        "the days from asking to receiving do not count, both included (for requests of access only)",
        "1 month; a last day on a weekend or holiday gives way to the next working day; an extension does not move it",
        "a day before the corresponding date",
        "10 days; a last day on a weekend or holiday gives way to the next working day (your own measure: the law names none)",
        "to whom the person may complain",
        "To be checked before you rely on it",
    ):
        assert sentence in page
    sections = json.loads(dsr("--home", home, "regimes", "ccpa", "--json").out)["sections"]
    assert sections["pauses"] == [{"what": "none", "says": "the clock runs on, whether or not the person answers", "cite": "11 CCR § 7021(b)"}]
    assert "It applies from 2027-05-13 on" in dsr("--home", home, "regimes", "india-dpdp").out
    said = dsr("--home", home, "regimes", "ccpaa")
    assert (said.code, "no such regime: ccpaa (did you mean ccpa?)" in said.err) == (2, True)


def test_a_stale_law_is_marked_in_the_list_and_on_its_page(dsr: Dsr, home: Path) -> None:
    folder = home / "policies" / "regimes"
    folder.mkdir()
    text = (Path(__file__).parents[2] / "policies" / "regimes" / "ccpa.yaml").read_text(encoding="utf-8")
    (folder / "ccpa.yaml").write_text(text.replace("checked_on: 2026-11-21", "checked_on: 2020-01-01"), encoding="utf-8")
    listed = {row["regime"]: row["checked"] for row in json.loads(dsr("--home", home, "regimes", "--json").out)}
    assert (listed["ccpa"], "stale" in listed["gdpr"]) == ("2020-01-01 (stale)", False)
    assert "Nobody held it against the law since 2020-01-01" in dsr("--home", home, "regimes", "ccpa").out


def test_a_policy_that_leans_on_the_law_of_another_country_is_refused_at_its_place(dsr: Dsr, home: Path, company: Company) -> None:
    rule = "{name: tax, when: {category: user}, keep: {for: 7 years, from: a, because: legal_obligation, law: 26 U.S.C. § 6001}, then: delete}"
    (_declared(home, company) / "policies" / "ours.yaml").write_text(
        f"policy: ours\nowner: a\nregimes: [ccpa, gdpr]\nrules:\n  - {rule}\n", encoding="utf-8"
    )
    said = dsr("--home", home, "check", "--allow-gaps")
    (problem,) = said.err.splitlines()
    assert said.code == 2
    assert problem.startswith("policies/ours.yaml:5:103: rules.0.keep.law: no law that counts as `legal_obligation` under gdpr (Art. 17(3)(b) GDPR)")
    assert "6001" not in said.all
