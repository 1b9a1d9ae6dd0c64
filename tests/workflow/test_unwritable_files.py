"""Files out of which the person cannot be cut: a person is asked, or the policy lets them go as a whole; whatever keeps something there wins."""

import secrets
from pathlib import Path

import pytest

from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.hold import Hold
from dsr_engine.domain.plan import Delete
from dsr_engine.domain.selector import Secret
from dsr_engine.drivers.driver import Foreseen, Problem
from dsr_engine.workflow.asking import ERASE, KEEP
from dsr_engine.workflow.decide import STAYS, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.foresight import is_superseded
from dsr_engine.workflow.holds.placing import of_person, place_hold
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim
from tests.content.outlook_files import tnef
from tests.workflow.company import BOB, EMAIL, POLICY, Company, founded
from tests.workflow.journeys import WORKER, carried_through, opened_for, plan_of, statement_of, waits_for, working

_WRITABLE = "people.csv"
_FIXED = ("winmail.dat", f"{EMAIL}.txt")


@pytest.fixture
def files(empty_home: Path, tmp_path: Path) -> Company:
    """A folder with a file that can be rewritten, one of a format that cannot, one whose name is the person's, and the same of somebody else."""
    company = founded(empty_home, tmp_path / "company", ("files",))
    for who, name in ((EMAIL, "winmail.dat"), (BOB, "winmail-of-another.dat")):
        (company.files / name).write_bytes(tnef((1, 1, 0x8004, b"A word\0"), (1, 2, 0x800C, f"Please call {who} about tea.\0".encode())))
    (company.files / f"{EMAIL}.txt").write_text("a note\n", encoding="utf-8")
    (company.files / f"{BOB}.txt").write_text("a note\n", encoding="utf-8")
    return company


def _left(company: Company) -> set[str]:
    return {path.name for path in company.files.iterdir()}


def _codes(house: House, case_id: str) -> set[str]:
    with house.store.snapshot() as tx:
        plan = tx.plans.latest(case_id)
    assert plan is not None
    return {obstacle.code for obstacle in plan.obstacles}


def test_where_the_policy_says_nothing_a_person_is_asked_about_files_that_cannot_be_rewritten(files: Company) -> None:
    before = files.everything()
    with working(files) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert case.stage is Stage.APPROVE
        assert case.wait is not None
        assert waits_for(case) in ("place.fixed", "format.cannot_rewrite")
        assert "unwritable: delete" in case.wait.needs
        assert _codes(house, case.id) >= {"place.fixed", "format.cannot_rewrite"}
    assert files.everything() == before


def test_where_the_policy_lets_them_go_they_go_as_a_whole_and_nothing_else_does(files: Company) -> None:
    files.request("approval: one_person, unwritable: delete")
    before, names = files.everything(), _left(files)
    with working(files) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED
        assert "file.whole" in {notice.code for notice in plan_of(house, case).notices}
    assert _left(files) == names - set(_FIXED)
    changed = {name for name, content in files.everything().items() if before[name] != content}
    assert changed == {f"files/{_WRITABLE}"}
    rest = (files.files / _WRITABLE).read_text(encoding="utf-8")
    assert BOB in rest
    assert EMAIL not in rest


def test_a_folder_called_after_the_person_does_not_stay_behind_as_if_it_had_arrived_later(files: Company) -> None:
    files.request("approval: one_person, unwritable: delete")
    for who in (EMAIL, BOB):
        (files.files / "hr" / who).mkdir(parents=True)
        (files.files / "hr" / who / "cv.txt").write_text("a life\n", encoding="utf-8")
    with working(files) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED
        assert not any("arrived" in text for text in statement_of(house, case).exceptions)
    assert [path.name for path in (files.files / "hr").iterdir()] == [BOB]


def test_a_rule_that_keeps_something_in_such_a_file_keeps_the_file(files: Company) -> None:
    kept = POLICY.replace("    then: redact\n", "    then: retain\n", 1).replace("approval: one_person", "approval: one_person, unwritable: delete")
    assert kept.count("then: retain") == kept.count("unwritable: delete") == 1
    files.policy(kept)
    with working(files) as house:
        carried_through(house, opened_for(house))
    assert set(_FIXED) <= _left(files)


def test_a_legal_hold_on_somebody_else_keeps_such_a_file_because_nobody_looks_who_else_is_in_it(files: Company) -> None:
    files.request("approval: one_person, unwritable: delete")
    with working(files) as house:
        with house.store.transaction() as tx:
            person = tx.people.id_of("counsel")
        hold = Hold(secrets.token_hex(6), "M-7", person, house.clock.now(), matter="file 7")
        hold, people = of_person(house, hold, (Claim("email", Secret(BOB)),))
        place_hold(house, hold, people, patience_seconds=0.2, sleep=lambda _: None)
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.APPROVE
        assert _codes(house, case.id) >= {"place.fixed", "format.cannot_rewrite"}
    assert set(_FIXED) <= _left(files)


@pytest.mark.parametrize(("code", "is_old"), [("s3.noncurrent", True), ("azure.noncurrent", True), ("gcs.noncurrent", True), ("s3.locked", False)])
def test_old_versions_are_known_as_such_whichever_store_refuses_to_rewrite_them(code: str, is_old: bool) -> None:
    assert is_superseded(Foreseen(None, None, Delete(), "", refusal=Problem(code, "no"))) is is_old


def _waiting(house: House, case_id: str) -> dict[str, str]:
    """The findings that people are asked about: name of the file → id."""
    with house.store.snapshot() as tx:
        case = tx.cases.get(case_id)
        return {finding.locator.key[0].removeprefix("files/"): id_ for id_, finding in possible_findings(tx, case, FOUND)}


def test_a_person_lets_one_such_file_go_as_a_whole_and_the_other_stays_for_a_reason(files: Company) -> None:
    before, names = files.everything(), _left(files)
    with working(files) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        waiting = _waiting(house, case.id)
        assert set(waiting) == set(_FIXED)
        erased, kept = (waiting[name] for name in _FIXED)
        decide_findings(house, case.id, [(erased, ERASE)], "officer")
        decide_findings(house, case.id, [(kept, KEEP)], "officer", because="rights_of_others")
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED
        rules = [reason.rule for item in plan_of(house, case).items if isinstance(item.effect, Delete) for reason in item.reasons]
        assert any(rule.endswith("(decided by a person)") for rule in rules)
    assert _left(files) == names - {_FIXED[0]}
    changed = {name for name, content in files.everything().items() if before[name] != content}
    assert changed == {f"files/{_WRITABLE}"}


def test_who_lets_a_file_go_may_still_change_their_mind_before_it_is_approved(files: Company) -> None:
    with working(files) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        waiting = _waiting(house, case.id)
        decide_findings(house, case.id, [(id_, ERASE) for id_ in waiting.values()], "officer")
        case = run_case(house, case.id, WORKER)
        assert not _codes(house, case.id) & {"place.fixed", "format.cannot_rewrite"}
        decide_findings(house, case.id, [(id_, STAYS) for id_ in waiting.values()], "officer")
        carried_through(house, case)
    assert set(_FIXED) <= _left(files)


def test_a_person_cannot_let_a_file_go_that_a_rule_keeps(files: Company) -> None:
    files.policy(POLICY.replace("    then: redact\n", "    then: retain\n", 1))
    with working(files) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        with house.store.snapshot() as tx:
            found = {finding.locator.key[0]: id_ for id_, finding in tx.findings.of(case.id, case.round, FOUND)}
        with pytest.raises(InputWrong):
            decide_findings(house, case.id, [(found[_FIXED[0]], ERASE)], "officer")
        carried_through(house, case)
    assert set(_FIXED) <= _left(files)
