"""A later look at the same case reads what is new in files; another case, more identifiers, another map and every verification read everything."""

import hashlib
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.drivers import unchanged as marks
from dsr_engine.drivers.objectstore import unchanged
from dsr_engine.drivers.objectstore.shelf import Stored
from dsr_engine.store.clean_tables import clean_records
from dsr_engine.workflow import marking
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.staying_erased.lookback import look_back
from tests.drivers.openings import names, noted_openings
from tests.workflow.canaries import leaks_in
from tests.workflow.company import BOB, EMAIL, FILES_CONNECTOR, Company, founded
from tests.workflow.journeys import NOON, WORKER, approved, carried_through, journey, opened_for, statement_of, working

_BRANCHES = ("berlin", "bonn", "cologne")
_EVERYTHING = ["berlin", "bonn", "cologne", "people", "readme"]


class _Killed(BaseException):
    """Ends a worker as a signal does: nothing of the engine catches it."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return noted_openings(monkeypatch)


@pytest.fixture
def folder(empty_home: Path, lasting_path: Path) -> Company:
    """A company with a folder: one file of the person and others, in several collections."""
    return _filled(founded(empty_home, lasting_path / "company", ("files",)))


@pytest.fixture(params=["files", "bucket"])
def lake(request: pytest.FixtureRequest, empty_home: Path) -> Company:
    """The same in a folder, and in a bucket with versions."""
    s3 = request.getfixturevalue("moto_s3") if request.param == "bucket" else None
    place = request.getfixturevalue("tmp_path" if request.param == "bucket" else "lasting_path")
    return _filled(founded(empty_home, place / "company", (request.param,), s3=s3, bucket=f"lake-{uuid4().hex[:12]}"))


def _filled(company: Company) -> Company:
    for branch in _BRANCHES:
        _write(company, f"{branch}/{branch}.txt", BOB)
    return company


def _write(company: Company, path: str, email: str) -> None:
    text = f"number,email\n1,{email}\n2,{BOB}\n"
    if company.s3 is not None:
        company.put(path, text)
        return
    file = company.files / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _rescanned(company: Company, opened: list[str], days: float = 1.1) -> tuple[str, list[str]]:
    """What the later look says, and which files it opened."""
    opened.clear()
    with working(company, FixedClock(NOON + timedelta(days=days))) as house:
        list(do_chores(house))
        with house.store.snapshot() as tx:
            kinds = [kind for kind in ("rescan.clean", "rescan.found", "rescan.incomplete") for _ in tx.ledger.find(kind)]
    return kinds[-1], names(opened)


def _marks(house: House) -> int:
    with house.store.snapshot() as tx:
        return int(tx.connection.scalar(select(func.count()).select_from(clean_records)) or 0)


def test_a_later_look_reads_the_rewritten_file_and_what_is_new(lake: Company, opened: list[str]) -> None:
    case = journey(lake)
    assert case.stage is Stage.CLOSED
    assert _rescanned(lake, opened, 1.1) == ("rescan.clean", [])
    _write(lake, "bonn/new.txt", BOB)
    _write(lake, "berlin/berlin.txt", "carl@example.net")
    assert _rescanned(lake, opened, 7.1) == ("rescan.clean", ["berlin", "new"])


def test_a_later_look_finds_whoever_came_back(folder: Company, opened: list[str]) -> None:
    journey(folder)
    _write(folder, "cologne/cologne.txt", EMAIL)
    assert _rescanned(folder, opened) == ("rescan.found", ["cologne"])


def test_a_further_round_reads_what_is_new_and_its_verification_reads_everything(lake: Company, opened: list[str]) -> None:
    with working(lake) as house:
        case = opened_for(house)
        case = run_case(house, case.id, WORKER)
        assert case.stage is Stage.APPROVE
        assert names(opened) == _EVERYTHING
        _carry_to(house, case, Stage.VERIFY_ABSENCE)
        _write(lake, "bonn/late.txt", EMAIL)
        opened.clear()
        case = run_case(house, case.id, WORKER, until=Stage.DISCOVER)
        assert (case.stage, case.round) == (Stage.DISCOVER, 2)
        assert names(opened) == sorted([*_EVERYTHING, "late"])
        opened.clear()
        case = run_case(house, case.id, WORKER, until=Stage.PLAN)
        assert names(opened) == ["late"]
        with house.store.snapshot() as tx:
            assert {row.extent.value for row in tx.coverage.of(case.id, 2, FOUND)} == {"full"}
        _carry_to(house, case, Stage.VERIFY_ABSENCE)
        opened.clear()
        case = carried_through(house, case)
        assert (case.stage, case.round) == (Stage.CLOSED, 2)
        assert set(names(opened)) >= {*_EVERYTHING, "late"}
        assert statement_of(house, case).case["id"] == case.id


def _carry_to(house: House, case: Case, stage: Stage) -> None:
    case = run_case(house, case.id, WORKER, until=stage)
    if case.stage is Stage.APPROVE:
        approved(house, case)
        case = run_case(house, case.id, WORKER, until=stage)
    assert case.stage is stage


def _looked_again(company: Company, opened: list[str], *cases: Case, is_rescan: bool = True) -> list[str]:
    """Which files a later look at these cases opens. It writes nothing, and nobody is there."""
    opened.clear()
    with working(company) as house:
        assert {seen.found for seen in look_back(house, cases, is_rescan=is_rescan).values()} == {0}
    return names(opened)


def test_everything_is_read_where_anything_else_is_another_than_it_was(folder: Company, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    case = journey(folder)
    assert _looked_again(folder, opened, case) == []
    assert _looked_again(folder, opened, case, is_rescan=False) == _EVERYTHING
    with monkeypatch.context() as updated:
        updated.setattr(marks, "_read_with", lambda: "a library was updated")
        assert _looked_again(folder, opened, case) == _EVERYTHING
    folder.connector(FILES_CONNECTOR.replace("user.contact.email", "user.contact"))
    assert _looked_again(folder, opened, case) == _EVERYTHING
    folder.connector(FILES_CONNECTOR)
    assert _looked_again(folder, opened, case) == []
    with working(folder) as house, house.store.transaction() as tx:
        tx.selectors.add(case.id, Selector("more", "email", Secret("ida@example.com"), verified=True))
    assert _looked_again(folder, opened, case) == _EVERYTHING


def test_another_case_reads_everything_and_what_one_of_a_pass_does_not_know_is_read(
    folder: Company, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = journey(folder)
    opened.clear()
    with working(folder) as house:
        second = run_case(house, opened_for(house, ("email", "somebody.else@example.org")).id, WORKER, until=Stage.PLAN)
    assert names(opened) == _EVERYTHING
    assert _looked_again(folder, opened, first, second) == _EVERYTHING
    with working(folder) as house:
        second = carried_through(house, second)
    assert _looked_again(folder, opened, first, second) == []
    monkeypatch.setattr(marking, "MOST", 1)
    assert _looked_again(folder, opened, first, second) == _EVERYTHING


def test_a_verification_that_was_killed_goes_on_and_leaves_all_marks(folder: Company, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[str] = []

    before = unchanged.Unchanged.note

    def note(self: unchanged.Unchanged, stored: Stored) -> None:
        before(self, stored)
        if self._marks.is_noting and Path(stored.path).stem == "bonn" and not killed:
            killed.append("once")
            raise _Killed

    monkeypatch.setattr(unchanged.Unchanged, "note", note)
    with working(folder) as house:
        case = opened_for(house)
        with pytest.raises(_Killed):
            carried_through(house, case)
        before_kill = _marks(house)
    with working(folder) as house:
        case = carried_through(house, case, "another")
        assert (case.stage, killed) == (Stage.CLOSED, ["once"])
        assert before_kill < _marks(house)
    assert _rescanned(folder, opened) == ("rescan.clean", [])


def test_the_store_knows_no_key_no_tag_and_no_digest_of_a_file_and_nothing_once_the_case_is_forgotten(lake: Company, opened: list[str]) -> None:
    _write(lake, "bonn/erika.mustermann@example.net.txt", BOB)
    journey(lake)
    with working(lake) as house:
        assert _marks(house) >= len(_BRANCHES)
    data = b"".join(path.read_bytes() for path in sorted(lake.home.glob("dsr.db*")))
    text = f"number,email\n1,{BOB}\n2,{BOB}\n".encode()
    assert text in lake.everything().values()
    for told in (b"erika.mustermann", b"bonn.txt", text):
        for secret in (told, *(hashlib.new(name, told, usedforsecurity=False).digest() for name in ("md5", "sha1", "sha256"))):
            assert secret[:16] not in data
            assert secret.hex().encode()[:32] not in data
    assert leaks_in(data) == []
    for days in (1.1, 7.1, 29.0, 31.0):
        _rescanned(lake, opened, days)
    with working(lake, FixedClock(NOON + timedelta(days=32))) as house:
        assert _marks(house) == 0
