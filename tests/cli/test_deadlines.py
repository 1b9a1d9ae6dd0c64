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
    assert (said.code, [row["case"] for row in rows]) == (3, [old, fresh])
    assert [(row["urgency"], row["limit"]) for row in rows] == [("overdue", "erase"), ("later", "erase")]
    assert "dsr case verify" in rows[0]["needs"]
    assert dsr("--home", home, "case", "withdraw", old, "--by", "officer").code == 0
    assert [row["case"] for row in json.loads(dsr("--home", home, "case", "due", "--json").out)] == [fresh]
