"""A stranger brings a file: a genuine certificate, a changed one, somebody else's, a bomb. Nothing of it is kept."""

import html
import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from dsr_engine.bootstrap import create_home
from dsr_engine.certificate.check import check
from dsr_engine.certificate.keys import fingerprint
from dsr_engine.certificate.trust import bundle_in
from dsr_engine.domain.case import Case
from dsr_engine.domain.incident import IncidentKind
from dsr_engine.domain.user import Role
from dsr_engine.workflow.incidents import open_incident
from dsr_engine.workflow.proving.checking import PER_ADDRESS
from tests.web.conftest import Doors, browsing, doors_of
from tests.web.test_looks import problems_of
from tests.web.visiting import forms_of
from tests.workflow.company import founded
from tests.workflow.journeys import carried_through, opened_for


def _certificate(doors: Doors, case: Case | None = None) -> bytes:
    case = case or carried_through(doors.house, opened_for(doors.house))
    with doors.house.store.snapshot() as tx:
        issued = tx.certificates.of(case.id)
    assert issued is not None
    return (doors.house.paper.folder / issued.path).read_bytes()


def _brought(doors: Doors, data: bytes | None) -> TestResponse:
    visitor = doors.visitor().go("/check")
    form = forms_of(visitor.text)[0]
    fields: dict[str, object] = dict(form.fields)
    if data is not None:
        fields["certificate"] = FileStorage(io.BytesIO(data), "jane-doe.pdf")
    boundary, body = encode_multipart(fields)
    kind = f"multipart/form-data; boundary={boundary}"
    return visitor.client.post("/check", data=body, headers={"Referer": "http://localhost/check"}, content_type=kind)


def test_a_genuine_certificate_is_told_from_its_steps_by_somebody_without_an_account(doors: Doors) -> None:
    answer = _brought(doors, _certificate(doors))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "This certificate is genuine" in text
    assert "What it does not say" in text
    assert "nothing later in the ledger speaks against it" in text
    assert text.count(">holds<") == 10
    assert ">fails<" not in text


def test_a_changed_certificate_shows_nothing_of_what_it_says(doors: Doors) -> None:
    genuine = _certificate(doors)
    at = genuine.index(b"statement.dsse.json")
    for changed in (genuine + b"\n", genuine[: len(genuine) // 2], genuine[:at] + b"X" + genuine[at + 1 :]):
        text = _brought(doors, changed).get_data(as_text=True)
        assert "This is not a genuine certificate" in text
        assert "What it says" not in text
        assert ">not looked at<" in text


def test_a_withdrawn_certificate_is_genuine_and_not_to_be_relied_on(doors: Doors) -> None:
    case = carried_through(doors.house, opened_for(doors.house))
    genuine = _certificate(doors, case)
    open_incident(doors.house, IncidentKind.WRONG_PERSON, case.id, doors.clock.now(), "officer")
    text = _brought(doors, genuine).get_data(as_text=True)
    assert "but it was withdrawn" in text
    assert "do not rely on it" in text


def test_what_is_no_pdf_is_refused_in_words(doors: Doors) -> None:
    for data in (None, b"", b"%PDF-1.7\n", b"\0" * 1000, b"Jane Doe <jane@example.test>" * 100):
        answer = _brought(doors, data)
        assert answer.status_code in (200, 422)
        text = answer.get_data(as_text=True)
        assert any(words in text for words in ("not a genuine certificate", "No file was chosen", "The file is empty"))
        assert "jane@" not in text


def test_a_file_that_is_too_large_is_refused(doors: Doors) -> None:
    assert _brought(doors, b"%PDF-1.7\n" + bytes(10 * 1024**2)).status_code in (413, 422)
    assert _brought(doors, bytes(12 * 1024**2)).status_code == 413


def test_one_address_cannot_keep_the_server_busy(doors: Doors) -> None:
    answers = [_brought(doors, None).status_code for _ in range(PER_ADDRESS + 1)]
    assert (answers[0], answers[-1]) == (422, 429)


def test_nothing_of_the_file_stays(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        answer = _brought(doors, b"%PDF-1.7 jane-canary@example.test")
    stored = b"".join(path.read_bytes() for path in Path(doors.company.home).rglob("*") if path.is_file())
    for canary in ("jane-canary", "jane-doe.pdf"):
        assert canary not in answer.get_data(as_text=True)
        assert canary not in caplog.text
        assert canary.encode() not in stored


@pytest.mark.slow
def test_the_page_works_by_dropping_and_without_scripts(chromium: Browser, doors: Doors, address: str, tmp_path: Path) -> None:
    case = doors.work(opened_for(doors.house).id)
    assert case.stage.value == "approve"
    file = tmp_path / "a.pdf"
    file.write_bytes(b"%PDF-1.7")
    for options in ({"java_script_enabled": False}, {"viewport": {"width": 380, "height": 800}}):
        with browsing(chromium, doors, address, **options) as page:
            page.goto("/check")
            page.set_input_files("#certificate", file)
            page.click("text=Check it")
            assert "not a genuine certificate" in page.inner_text("h1")
            if options.get("java_script_enabled", True):
                assert problems_of(page) == []
                assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_a_file_that_is_dropped_is_checked_without_a_click(chromium: Browser, doors: Doors, address: str) -> None:
    dropping = "bytes => { const d = new DataTransfer(); d.items.add(new File([new Uint8Array(bytes)], 'a.pdf')); return d; }"
    with browsing(chromium, doors, address) as page:
        page.goto("/check")
        assert page.inner_text("[data-drop-hint]") == "You can also drop the file into this box."
        page.dispatch_event("form.drop", "drop", {"dataTransfer": page.evaluate_handle(dropping, [*b"%PDF-1.7"])})
        page.wait_for_selector("h1:has-text('not a genuine certificate')")


def test_who_is_signed_in_can_check_too(doors: Doors) -> None:
    assert doors.signed_in(Role.AUDITOR).go("/check").status == 200


def test_the_keys_to_check_with_are_given_to_everybody_and_shown_to_be_compared(doors: Doors) -> None:
    visitor = doors.visitor()
    text = visitor.go("/check").text
    answer = visitor.client.get("/check/trust-bundle.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    given = bundle_in(answer.data, Path("given"))
    assert check(_certificate(doors), given).is_genuine
    assert all(fingerprint(entry) in text for entry in given.ca)
    assert all(html.escape(str(key)) in text for key in given.log_keys)


@pytest.mark.slow
def test_a_certificate_of_another_installation_is_told_as_that(doors: Doors, tmp_path: Path) -> None:
    """Whose name is HTML, as a stranger may call themselves."""
    theirs = tmp_path / "theirs"
    create_home(theirs, "<script>alert(1)</script>")
    with doors_of(founded(theirs, tmp_path / "other")) as other:
        foreign = _certificate(other)
    text = _brought(doors, foreign).get_data(as_text=True)
    assert "This is not a genuine certificate" in text
    assert "<script>alert" not in text
    assert "What it says" not in text
