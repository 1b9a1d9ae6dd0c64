"""The engine forgets too: whatever happened to a case, nothing of its person is in the home, in what was printed, in logs, in temporary files."""

import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.cli.entry import main
from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict
from dsr_engine.workflow.decide import MENTIONED, close_unfulfilled, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.masking import MASK
from dsr_engine.workflow.publish import forget_due
from dsr_engine.workflow.sweeps.sweep import sweep
from tests.workflow.canaries import assert_empty, assert_forgotten, leaks_in
from tests.workflow.company import EMAIL, NAME, PHONE, POLICY, SHOP_CONNECTOR, Company
from tests.workflow.journeys import NOON, WORKER, carried_through, opened_for, planned, waits_for, working
from tests.workflow.meddling import Once, meddled, silence

_CLAIMS = (("email", EMAIL), ("name", NAME), ("phone", PHONE))


def test_the_canary_sings(tmp_path: Path) -> None:
    """The search itself finds what it is meant to find."""
    for number, text in enumerate((EMAIL, EMAIL.upper(), f"x{PHONE}x", hashlib.sha1(EMAIL.encode()).hexdigest(), "IdaLindqvist")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "file").write_text(f"before {text} after")
        with pytest.raises(AssertionError):
            assert_forgotten(tmp_path / str(number))


@pytest.fixture
def named(company: Company) -> Company:
    """A company in which the person also stands in names: of a file, of a folder, of an object."""
    (company.files / f"{EMAIL}.txt").write_text("Her letter.\n", encoding="utf-8")
    (company.files / "letters" / EMAIL).mkdir(parents=True)
    (company.files / "letters" / EMAIL / "1.txt").write_text(f"Dear {NAME}, call {PHONE}.\n", encoding="utf-8")
    company.put(f"letters/{EMAIL}.txt", f"Dear {NAME},\n")
    return company


def _waiting(house: House, company: Company) -> Case:
    company.sql(f"INSERT INTO tickets VALUES (3, 'Call {NAME} back.')")  # a name alone waits for a person
    case = carried_through(house, opened_for(house, *_CLAIMS))
    assert case.stage is Stage.APPROVE
    return case


def _erased(house: House, _company: Company) -> Case:
    case = carried_through(house, opened_for(house))
    assert case.stage is Stage.CLOSED, case.wait
    return case


def _refused(house: House, _company: Company) -> Case:
    case = planned(house)
    close_unfulfilled(house, case.id, Outcome.REFUSED, "identity_not_verified", "officer")
    house.store.scrub()
    return case


def _withdrawn(house: House, _company: Company) -> Case:
    case = run_case(house, opened_for(house, *_CLAIMS).id, WORKER)
    close_unfulfilled(house, case.id, Outcome.WITHDRAWN, "withdrawn", "officer")
    return case


_ENDS: dict[str, Callable[[House, Company], Case]] = {"erased": _erased, "waiting": _waiting, "refused": _refused, "withdrawn": _withdrawn}


@pytest.mark.parametrize("how", _ENDS)
def test_nothing_of_the_person_is_left_however_the_case_ended(
    how: str,
    company: Company,
    temporary: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG, logger="dsr_engine")
    with working(company) as house:
        case = _ENDS[how](house, company)
    out, err = _shown(company, case, capfd, monkeypatch)
    assert caplog.text
    assert leaks_in((out + err + caplog.text).encode()) == []
    assert_forgotten(company.home)
    assert_empty(temporary)


def _shown(company: Company, case: Case, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What was printed so far, with what `dsr case show` prints."""
    for name, value in company.environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as left:
        main(["--home", str(company.home), "--log-level", "debug", "case", "show", case.id, "--possible", "--json"])
    assert left.value.code == 0
    out, err = capfd.readouterr()
    assert case.id in out
    return out, err


@pytest.mark.parametrize("point", ["before find", "after change", "before foresee"])
def test_nothing_of_the_person_is_left_of_a_run_that_failed(
    point: str, company: Company, temporary: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="dsr_engine")
    with working(company, drivers=meddled(Once("shop", point, silence))) as house:
        case = carried_through(house, opened_for(house))
        assert waits_for(case) == "system_down"
    out, err = capfd.readouterr()
    assert leaks_in((out + err + caplog.text).encode()) == []
    assert_forgotten(company.home)
    assert_empty(temporary)


def test_a_row_that_the_database_refuses_does_not_get_its_values_into_any_text(
    shop: Company, temporary: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Databases like to quote the row that they refuse."""
    shop.sql(f"CREATE TRIGGER loud BEFORE DELETE ON customers BEGIN SELECT RAISE(ABORT, 'cannot delete {EMAIL} ({NAME})'); END")
    caplog.set_level(logging.DEBUG, logger="dsr_engine")
    with working(shop) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is not Stage.CLOSED
    out, err = capfd.readouterr()
    assert leaks_in((out + err + caplog.text + repr(case)).encode()) == []
    assert_forgotten(shop.home)
    assert_empty(temporary)


def test_places_that_are_named_after_the_person_are_not_named_in_the_home(
    named: Company, temporary: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, logger="dsr_engine")
    with working(named) as house:
        case = carried_through(house, opened_for(house, ("email", EMAIL), ("name", NAME)))
    out, err = _shown(named, case, capfd, monkeypatch)
    assert leaks_in((out + err + repr(case)).encode()) == []
    assert_forgotten(named.home)
    assert_empty(temporary)


def test_nothing_of_anybody_is_left_of_a_sweep(
    shop: Company, temporary: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    shop.sql(f"CREATE TABLE leads (email TEXT PRIMARY KEY, seen DATE); INSERT INTO leads VALUES ('{EMAIL}', '2001-01-01')")
    leads = "  leads: {key: [email], fields: {email: {category: user.contact.email, selects: email}, seen: {starts: retention}}}\n"
    shop.connector(SHOP_CONNECTOR.replace("discover: rest", f"{leads}discover: rest"))
    rule = "  - {name: leads, when: {collection: shop.leads}, keep: {for: 2 years, from: seen}, then: delete}\n"
    terms = 'sweep: {schedule: "0 3 * * *", approval: automatic, max_share: 100%, first_runs_dry: 0}\n'
    shop.policy(POLICY.replace("rules:\n", f"rules:\n{rule}") + terms)
    caplog.set_level(logging.DEBUG, logger="dsr_engine")
    with working(shop) as house:
        for is_dry in (True, False):
            swept = sweep(house, house.policies["ours"], by="officer", worker=WORKER, dry_run=is_dry)
            assert swept.case.stage is Stage.CLOSED
    assert shop.rows("SELECT * FROM leads") == []
    out, err = capfd.readouterr()
    assert leaks_in((out + err + caplog.text + repr(swept)).encode()) == []
    assert_forgotten(shop.home)
    assert_empty(temporary)


def test_a_mail_folder_that_is_named_after_the_person_is_named_to_nobody(
    company: Company, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is a collection's, and those stand in the store while the case is open; what is shown and certified is masked.

    A name alone waits for a person, who says that it is hers: the folder gets another one.
    """
    for part in ("cur", "new", "tmp"):
        (company.mail / f".{NAME}" / part).mkdir(parents=True)
    (company.mail / f".{NAME}" / "cur" / "7.mail.host:2,S").write_bytes(f"From: {EMAIL}\nTo: shop@example.com\n\nHello.\n".encode())
    with working(company) as house:
        case = carried_through(house, opened_for(house, ("email", EMAIL), ("name", NAME)))
        with house.store.snapshot() as tx:
            ((folder, _),) = possible_findings(tx, case, FOUND)
        decide_findings(house, case.id, [(folder, MENTIONED)], "officer")
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED
    assert not list(company.mail.glob(f"*{NAME}*"))
    out, err = _shown(company, case, capfd, monkeypatch)
    assert leaks_in((out + err + repr(case)).encode()) == []
    assert_forgotten(company.home / "certificates")


def test_when_the_day_has_come_the_case_is_forgotten_and_its_certificate_stays(company: Company, clock: FixedClock) -> None:
    with working(company, clock) as house:
        case = _erased(house, company)
        assert forget_due(house) == ()
        clock.at = NOON + timedelta(days=31)
        assert forget_due(house) == (case.id,)
        assert forget_due(house) == ()
        with house.store.snapshot() as tx:
            with pytest.raises(Conflict) as caught:
                tx.selectors.of(case.id)
            assert caught.value.code == "vault.shredded"
            assert tx.certificates.of(case.id) is not None
    assert_forgotten(company.home)


def test_a_folder_that_was_named_after_the_person_is_forgotten_with_the_case(company: Company, clock: FixedClock) -> None:
    for part in ("cur", "new", "tmp"):
        (company.mail / f".{NAME}" / part).mkdir(parents=True)
    (company.mail / f".{NAME}" / "cur" / "7.mail.host:2,S").write_bytes(f"From: {EMAIL}\nTo: shop@example.com\n\nHello.\n".encode())
    with working(company, clock) as house:
        case = carried_through(house, opened_for(house, ("email", EMAIL), ("name", NAME)))
        with house.store.snapshot() as tx:
            ((folder, _),) = possible_findings(tx, case, FOUND)
        decide_findings(house, case.id, [(folder, MENTIONED)], "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
        clock.at = NOON + timedelta(days=31)
        assert forget_due(house) == (case.id,)
        with house.store.snapshot() as tx:
            known = tx.coverage.collections(case.id)
    # The row stays: a folder was searched. Whose it was called after is not said any more.
    assert [name for name in known if MASK in name] == [MASK]
    assert_forgotten(company.home)
