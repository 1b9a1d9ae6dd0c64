"""The request log, figures and the register of certificates, as the officer sees them."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, NAME, PHONE, Company
from tests.cli.conftest import Dsr

_TODAY = datetime.now(UTC).date()
_POLICY = """\
policy: shop
about: Customers of the shop.
owner: us
regimes: [ccpa, gdpr]
rules:
  - name: mentions
    when: {category: user, match: mentions}
    then: redact
  - name: theirs
    when: {category: user}
    then: delete
request: {approval: automatic}
"""


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    (home / "systems.yaml").write_text(f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n', encoding="utf-8")
    (home / "policies" / "shop.yaml").write_text(_POLICY, encoding="utf-8")
    settings = home / "dsr.toml"
    settings.write_text(settings.read_text().replace('policy = "one-shot"', 'policy = "shop"'), encoding="utf-8")
    return home


def _open(dsr: Dsr, home: Path, *more: object) -> str:
    said = dsr("--home", home, "case", "open", "--email", EMAIL, "--vouch", "--by", "officer", *more, "--json")
    assert said.code == 0, said.all
    return str(json.loads(said.out)["case"])


def _erased(dsr: Dsr, home: Path, *more: object) -> str:
    case = _open(dsr, home, *more)
    dsr("--home", home, "hold", "attest", "--looked-at", "the list of disputes", "--by", "officer")
    said = dsr("--home", home, "case", "run", case, "--json")
    assert json.loads(said.out)["stage"] == "closed", said.all
    return case


def _log(dsr: Dsr, home: Path, *more: object) -> list[dict[str, object]]:
    said = dsr("--home", home, "log", "list", *more, "--json")
    assert said.code == 0, said.all
    rows: list[dict[str, object]] = json.loads(said.out)
    return rows


def test_how_a_request_came_in_and_for_what_stands_in_the_log_and_nothing_of_the_person(dsr: Dsr, declared: Path) -> None:
    erasure = _open(dsr, declared, "--by-way", "phone", "--received", _TODAY - timedelta(days=2))
    access = _open(dsr, declared, "--right", "access", "--by-way", "post", "--phone", PHONE, "--name", NAME)
    rows = {row["case"]: row for row in _log(dsr, declared)}
    assert (rows[erasure]["right"], rows[erasure]["manner"], rows[erasure]["received"]) == ("erasure", "phone", str(_TODAY - timedelta(days=2)))
    assert (rows[access]["right"], rows[access]["manner"]) == ("access", "post")
    shown = dsr("--home", declared, "log", "list").out + dsr("--home", declared, "log", "export").out
    assert not any(part in shown for part in (EMAIL, NAME, PHONE))
    assert "erase" in shown  # the limits that run
    assert len(_log(dsr, declared, "--from", _TODAY)) == 1


def test_another_right_is_answered_by_hand_and_the_next_step_says_so(dsr: Dsr, declared: Path) -> None:
    case = _open(dsr, declared, "--right", "correction")
    said = dsr("--home", declared, "case", "run", case)
    assert (said.code, "answer_by_hand" in said.out, f"dsr case answered {case}" in " ".join(said.out.split())) == (3, True, True)
    said = dsr("--home", declared, "case", "answered", case, "--outcome", "refused", "--on", _TODAY, "--because", "nonsense")
    assert (said.code, "no such ground: nonsense" in said.err) == (2, True)
    said = dsr("--home", declared, "case", "answered", case, "--outcome", "refused", "--on", _TODAY, "--because", "unverified")
    assert (said.code, "its record is kept until" in said.out) == (0, True)
    (row,) = _log(dsr, declared)
    assert (row["decision"], row["basis"], row["answered"], row["days"]) == ("refused", ["unverified"], str(_TODAY), 0)
    assert [row["case"] for row in json.loads(dsr("--home", declared, "case", "due", "--json").out)] == []


def test_the_day_of_receipt_moves_with_a_reason_and_the_limits_with_it(dsr: Dsr, declared: Path) -> None:
    case = _open(dsr, declared)
    before = json.loads(dsr("--home", declared, "case", "show", case, "--json").out)["due"]["answer"]
    earlier = _TODAY - timedelta(days=10)
    assert dsr("--home", declared, "case", "received", case, "--on", earlier).code == 2
    said = dsr("--home", declared, "case", "received", case, "--on", earlier, "--because", "arrived_elsewhere_first")
    assert said.code == 0, said.all
    after = json.loads(dsr("--home", declared, "case", "show", case, "--json").out)["due"]["answer"]
    assert date.fromisoformat(before) - date.fromisoformat(after) == timedelta(days=10)
    assert _log(dsr, declared)[0]["received"] == str(earlier)


def test_a_second_request_of_the_same_person_is_pointed_out_and_opened_all_the_same(dsr: Dsr, declared: Path) -> None:
    first = _open(dsr, declared)
    said = dsr("--home", declared, "case", "open", "--email", EMAIL.upper(), "--by", "officer")
    assert (said.code, f"case {first} of" in said.out) == (0, True)
    assert EMAIL not in said.all.lower()


def test_a_request_from_the_future_is_refused(dsr: Dsr, declared: Path) -> None:
    said = dsr("--home", declared, "case", "open", "--email", EMAIL, "--received", _TODAY + timedelta(days=2))
    assert (said.code, "lies in the future" in said.err) == (2, True)


def test_a_day_of_receipt_is_a_day_where_the_controller_is(dsr: Dsr, declared: Path) -> None:
    settings = declared / "dsr.toml"
    settings.write_text(settings.read_text().replace('time_zone = "UTC"', 'time_zone = "America/Los_Angeles"'), encoding="utf-8")
    case = _open(dsr, declared, "--received", "2026-03-05", "--regime", "gdpr")
    assert _log(dsr, declared)[0]["received"] == "2026-03-05"
    assert json.loads(dsr("--home", declared, "case", "show", case, "--json").out)["due"]["answer"] == "2026-04-06"


def test_the_figures_of_a_year_as_a_table_as_json_and_as_csv(dsr: Dsr, declared: Path, tmp_path: Path) -> None:
    _erased(dsr, declared)
    case = _open(dsr, declared)
    assert dsr("--home", declared, "case", "refuse", case, "--reason", "excessive", "--by", "officer").code == 0
    found = json.loads(dsr("--home", declared, "metrics", "--year", _TODAY.year, "--json").out)
    erasure, total = found["rights"]
    complied = erasure["complied_whole"] + erasure["complied_part"]
    assert (erasure["received"], complied, erasure["denied"], erasure["denied_by"]) == (2, 1, 1, {"excessive": 1})
    assert (total["right"], total["median_days"], total["mean_days"], found["complete"]) == ("all", 0.0, 0.0, True)
    assert [(each["regime"], each["by"]) for each in found["publish"]] == [("ccpa", f"{_TODAY.year + 1}-07-01")]
    out = tmp_path / "figures.csv"
    assert dsr("--home", declared, "metrics", "--year", _TODAY.year, "--csv", "--out", out).code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert {"year": str(_TODAY.year), "regime": "", "right": "erasure", "figure": "denied_by", "ground": "excessive", "value": "1"} in rows
    assert dsr("--home", declared, "metrics", "--year", _TODAY.year, "--csv", "--out", out).code == 2
    shown = dsr("--home", declared, "metrics", "--year", _TODAY.year, "--regime", "ccpa").out
    assert "to be published by" in shown
    assert dsr("--home", declared, "metrics", "--year", _TODAY.year, "--regime", "ccpaa").code == 2


def test_a_missing_certificate_shows(dsr: Dsr, declared: Path) -> None:
    assert dsr("--home", declared, "certificates").code == 0
    _erased(dsr, declared)
    said = dsr("--home", declared, "certificates", "--json")
    found = json.loads(said.out)
    assert (said.code, found["whole"], [row["serial"] for row in found["serials"]], found["cases"]["certified"]) == (0, True, [1], 1)
    (declared / "certificates" / "certificate-000001.pdf").unlink()
    said = dsr("--home", declared, "certificates")
    assert (said.code, "its PDF is not in the folder" in " ".join(said.out.split())) == (1, True)


def test_a_certificate_is_matched_by_the_log_and_with_the_code_without_a_home(dsr: Dsr, declared: Path, tmp_path: Path) -> None:
    case = _erased(dsr, declared)
    pdf = declared / "certificates" / "certificate-000001.pdf"
    assert dsr("--home", declared, "match", pdf, "--email", EMAIL.upper()).code == 0
    assert dsr("--home", declared, "match", pdf, "--email", "p1@example.org").code == 1
    letter = dsr("--home", declared, "letter", case, "completion", "--say", "recipients=Nobody had your data.").out
    code = next(line.strip() for line in letter.splitlines() if line.count("-") == 5)
    said = dsr("match", pdf, "--email", EMAIL, "--code", code.lower())
    assert (said.code, said.out.startswith("yes")) == (0, True)
    assert dsr("match", pdf, "--email", "p1@example.org", "--code", code).code == 1
    assert "not a match code" in dsr("match", pdf, "--email", EMAIL, "--code", code[:-1]).err
    altered = tmp_path / "altered.pdf"
    altered.write_bytes(pdf.read_bytes() + b"\n%")
    assert "not an unaltered certificate" in dsr("match", altered, "--email", EMAIL, "--code", code).err
    assert EMAIL not in said.all
