"""Records on the screen and as files: the same rows as on the command line, and nothing of the persons."""

import csv
import io
import json

import pytest

from dsr_engine.domain.case import Outcome
from dsr_engine.domain.user import Role
from dsr_engine.workflow.decide import close_unfulfilled
from tests.web.conftest import Doors
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, opened_for

_PAGES = ("/records", "/records/log", "/records/figures", "/records/processing", "/records/retention", "/records/own-data")
_FILES = ("/records/log", "/records/figures", "/records/processing", "/records/retention", "/records/own-data")


def _csv(visitor: Visitor, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(visitor.client.get(path).get_data(as_text=True), newline="")))


def test_a_house_without_requests_says_so(doors: Doors) -> None:
    visitor = doors.signed_in(Role.AUDITOR)
    assert "No request was recorded yet" in visitor.go("/records/log").text
    assert "No request arrived in this year" in visitor.go("/records/figures?year=2001").text


def test_records_tell_of_requests_and_never_of_persons(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    other = opened_for(doors.house, ("email", "bob@example.test"))
    close_unfulfilled(doors.house, other.id, Outcome.REFUSED, "excessive", "officer")
    visitor = doors.signed_in(Role.AUDITOR)
    assert case.id in visitor.go("/records/log").text
    for path in (*_PAGES, *(f"{path}.{form}" for path in _FILES for form in ("csv", "json"))):
        text = visitor.client.get(path).get_data(as_text=True)
        assert EMAIL not in text, path
        assert "bob@" not in text, path


def test_the_files_hold_what_the_pages_show(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    visitor, year = doors.signed_in(Role.AUDITOR), doors.clock.now().year
    (row,) = _csv(visitor, "/records/log.csv")
    assert (row["case"], row["decision"]) == (case.id, "partly") or row["decision"] == "fulfilled"
    (entry,) = json.loads(visitor.client.get("/records/log.json").data)
    assert entry["case"] == case.id
    figures = json.loads(visitor.client.get(f"/records/figures.json?year={year}").data)
    assert figures["rights"][-1]["received"] == 1
    received = [row["value"] for row in _csv(visitor, f"/records/figures.csv?year={year}") if row["figure"] == "received" and row["right"] == "all"]
    assert received == ["1"]
    assert {row["system"] for row in _csv(visitor, "/records/processing.csv")} == {"shop"}
    assert any(row["kind"] == "request_log" and row["rows"] == "1" for row in _csv(visitor, "/records/own-data.csv"))
    assert visitor.client.get("/records/retention.md?language=de").get_data(as_text=True).startswith("# ")


def test_the_log_is_paged_there_and_back(doors: Doors) -> None:
    cases = {opened_for(doors.house, ("email", f"person{number}@example.test")).id for number in range(60)}
    visitor = doors.signed_in(Role.AUDITOR).go("/records/log")
    first = {case for case in cases if case in visitor.text}
    visitor.go(visitor.text.split('rel="next" href="')[1].partition('"')[0].replace("&amp;", "&"))
    second = {case for case in cases if case in visitor.text.partition('class="pager"')[0]}
    assert (len(first), len(second)) == (50, 10)
    assert first | second == cases
    visitor.go(visitor.text.split('rel="prev" href="')[1].partition('"')[0].replace("&amp;", "&"))
    assert {case for case in cases if case in visitor.text.partition('class="pager"')[0]} == first
    assert visitor.go("/records/log?from=2001-01-01&to=2001-12-31").text.count("<tbody>") == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/records/log.exe", 404),
        ("/records/figures?year=3", 400),
        ("/records/figures?regime=martian", 404),
        ("/records/log?from=x", 400),
        ("/records/retention?language=xx", 400),
    ],
)
def test_what_is_not_there_is_refused_in_words(doors: Doors, path: str, status: int) -> None:
    assert doors.signed_in(Role.AUDITOR).go(path).status == status
