"""The register of certificates: each paper with its proof and its history, a number that is missing shows, reports can be saved."""

import csv
import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text

from dsr_engine.domain.case import Case, Outcome
from dsr_engine.domain.incident import IncidentKind
from dsr_engine.domain.user import Role
from dsr_engine.workflow.decide import close_unfulfilled
from dsr_engine.workflow.incidents import open_incident
from tests.web.conftest import Doors, browsing
from tests.web.test_looks import problems_of
from tests.web.visiting import Visitor
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, opened_for


def _certified(doors: Doors, *claims: tuple[str, str]) -> Case:
    return carried_through(doors.house, opened_for(doors.house, *claims))


def _id(doors: Doors, case: Case) -> str:
    with doors.house.store.snapshot() as tx:
        issued = tx.certificates.of(case.id)
    assert issued is not None
    return issued.id


def _rows(visitor: Visitor, path: str) -> list[dict[str, str]]:
    answer = visitor.client.get(path)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


def test_a_register_without_certificates_says_when_there_will_be_one(doors: Doors) -> None:
    assert "No certificate was issued yet" in doors.signed_in(Role.AUDITOR).go("/certificates").text


def test_a_certificate_is_read_verified_and_saved(doors: Doors) -> None:
    case = _certified(doors)
    visitor = doors.signed_in(Role.AUDITOR).go("/certificates")
    assert ">issued<" in visitor.text
    text = visitor.go(f"/certificates/{_id(doors, case)}").text
    assert text.count(">holds<") == 10
    assert "What this certificate states" in text
    assert EMAIL not in text
    assert visitor.client.get(f"{visitor.path}/certificate.pdf").data.startswith(b"%PDF")
    assert visitor.client.get(f"{visitor.path}/statement.json").json["serial"] == 1  # type: ignore[index]  # a statement is an object
    with zipfile.ZipFile(io.BytesIO(visitor.client.get(f"{visitor.path}/evidence.zip").data)) as archive:
        assert "verify.py" in archive.namelist()
    assert visitor.go("/certificates/no/1").path == f"/certificates/{_id(doors, case)}"


def test_certificates_are_found_by_date_system_policy_kind_and_state(doors: Doors) -> None:
    case = _certified(doors)
    visitor = doors.signed_in(Role.AUDITOR)
    today = f"{doors.clock.now():%Y-%m-%d}"
    tomorrow = f"{doors.clock.now() + timedelta(days=2):%Y-%m-%d}"
    for asked in (f"from={today}&to={today}", "system=shop", "policy=ours", "kind=request", "state=issued"):
        assert _id(doors, case)[:12] in visitor.go(f"/certificates?{asked}").text, asked
    for asked in (f"from={tomorrow}", "system=mail", "policy=theirs", "kind=sweep", "state=withdrawn", "state=record_erased", "state=missing"):
        assert "No certificate is like that" in visitor.go(f"/certificates?{asked}").text, asked
    assert visitor.go("/certificates?from=never").status == 400


def test_a_withdrawn_certificate_says_why(doors: Doors) -> None:
    case = _certified(doors)
    open_incident(doors.house, IncidentKind.WRONG_PERSON, case.id, doors.clock.now(), "officer")
    visitor = doors.signed_in(Role.AUDITOR)
    assert ">withdrawn<" in visitor.go("/certificates?state=withdrawn").text
    assert "wrong person" in visitor.go(f"/certificates/{_id(doors, case)}").text


def test_a_number_that_is_missing_shows_everywhere(doors: Doors) -> None:
    first, _ = _certified(doors), _certified(doors, ("email", "bob@example.test"))
    with doors.house.store.transaction() as tx:
        for table in ("certificate_facts", "certificate_systems", "certificates"):
            tx.connection.execute(text(f"DELETE FROM {table} WHERE serial = 1"))
    visitor = doors.signed_in(Role.AUDITOR)
    for path in ("/certificates", "/certificates?state=missing", "/certificates?state=issued", "/certificates/report"):
        assert "umbers are missing: 1" in visitor.go(path).text, path
    assert "the store may be an older backup" in visitor.go("/certificates").text
    assert [row["state"] for row in _rows(visitor, "/certificates/register.csv")] == ["issued", "missing"]
    assert visitor.go("/certificates/no/1").status == 404
    assert first.id


def test_a_pdf_that_is_gone_shows(doors: Doors) -> None:
    case = _certified(doors)
    for path in doors.house.paper.folder.glob("*.pdf"):
        path.unlink()
    visitor = doors.signed_in(Role.AUDITOR)
    assert "its PDF is not in the folder" in visitor.go("/certificates").text
    assert "Its PDF is not in the folder" in visitor.go(f"/certificates/{_id(doors, case)}").text
    assert visitor.go(f"/certificates/{_id(doors, case)}/certificate.pdf").status == 404


def test_the_report_counts_what_happened_in_each_period(doors: Doors) -> None:
    _certified(doors)
    refused = opened_for(doors.house, ("email", "bob@example.test"))
    close_unfulfilled(doors.house, refused.id, Outcome.REFUSED, "excessive", "officer")
    visitor, now = doors.signed_in(Role.AUDITOR), doors.clock.now()
    (month,) = (row for row in _rows(visitor, f"/certificates/report.csv?year={now.year}&by=month") if row["period"] == f"{now:%Y-%m}")
    assert (month["opened"], month["certified"], month["refused"], month["withdrawn"]) == ("2", "1", "1", "0")
    assert (month["certificates_withdrawn"], month["first_number"], month["last_number"], month["missing_numbers"]) == ("0", "1", "1", "")
    quarters = _rows(visitor, f"/certificates/report.csv?year={now.year}&by=quarter")
    assert [row["period"][-2:] for row in quarters] == ["Q1", "Q2", "Q3", "Q4"]
    assert sum(int(row["opened"]) for row in quarters) == 2
    assert "2026 Q4" in visitor.go("/certificates/report?year=2026&by=quarter").text
    assert visitor.go("/certificates/report?year=1").status == 400


@pytest.mark.parametrize(
    "path", ["/certificates/nobody", "/certificates/no/9", "/certificates/nobody/certificate.pdf", "/certificates/x/evidence.zip"]
)
def test_a_certificate_that_is_not_there_is_not_found(doors: Doors, path: str) -> None:
    assert doors.signed_in(Role.AUDITOR).go(path).status == 404


def test_pages_with_much_on_them_have_no_barrier(chromium: Browser, doors: Doors, address: str) -> None:
    with ThreadPoolExecutor(1) as worker:  # papers cannot be signed in the thread of the browser
        case = worker.submit(_certified, doors).result()
    with browsing(chromium, doors, address, Role.AUDITOR, viewport={"width": 380, "height": 800}) as page:
        for path in (f"/certificates/{_id(doors, case)}", "/certificates", "/ledger", "/ledger/leaf/3", "/ledger/histories?one=1&other=1"):
            page.goto(path)
            assert problems_of(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path


def test_the_report_names_the_period_in_which_a_number_is_missing(doors: Doors) -> None:
    cases = [_certified(doors, ("email", f"{name}@example.test")) for name in ("ann", "bob", "cleo")]
    open_incident(doors.house, IncidentKind.WRONG_PERSON, cases[2].id, doors.clock.now(), "officer")
    with doors.house.store.transaction() as tx:
        for table in ("certificate_systems", "certificate_facts", "certificates"):
            tx.connection.execute(text(f"DELETE FROM {table} WHERE serial = 2"))
    visitor, year = doors.signed_in(Role.AUDITOR), doors.clock.now().year
    (month,) = (row for row in _rows(visitor, f"/certificates/report.csv?year={year}") if row["missing_numbers"])
    assert (month["period"], month["first_number"], month["last_number"], month["missing_numbers"]) == (f"{doors.clock.now():%Y-%m}", "1", "3", "2")
    assert month["certificates_withdrawn"] == "1"
    assert "1 missing" in visitor.go(f"/certificates/report?year={year}").text


def test_what_a_certificate_was_made_by_is_read_word_for_word(doors: Doors) -> None:
    case = _certified(doors)
    visitor = doors.signed_in(Role.AUDITOR).go(f"/certificates/{_id(doors, case)}")
    links = re.findall(r'href="(/policies/texts/[0-9a-f]{64})">([^<]*)<', visitor.text)
    assert {name.partition(" ")[0] for _, name in links} == {"policy", "regime", "connector"}
    for path, _ in links:
        assert visitor.go(path).status == 200
