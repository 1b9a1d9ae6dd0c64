"""Many people's mailboxes from the file to the certificate: a reason in every paper, no list of the staff, and nobody leaves a search unseen."""

import mailbox
import os
from pathlib import Path

import pytest

from dsr_engine.certificate.editions import requesters
from dsr_engine.certificate.statement import to_bytes
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.finding import Extent
from dsr_engine.workflow.discover import VERIFIED
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.masking import MASK, mask_of
from dsr_engine.workflow.report import plan_report
from dsr_engine.workflow.verify_absence import UNSEEN
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import WORKER, approved, carried_through, opened_for, plan_of, statement_of, waits_for, working

POLICY = """\
policy: ours
about: Mail.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
"""
STAFF = ("ann@shop.example", "ben@shop.example", "cleo@shop.example")
REASON = "agreed with the works council on 15 January"
#: Whose mailbox each lies in, by name; those that hold the person begin with `her`.
MAILS = {
    "her.1": ("ann@shop.example", f"From: {EMAIL}\nTo: ann@shop.example, all@shop.example\nSubject: My order\n\nWhere is it?\n"),
    "her.2": ("cleo@shop.example", f"From: {BOB}\nTo: cleo@shop.example\nSubject: tea\n\nAsk {EMAIL} about it.\nThe lamp is broken.\n"),
    "other.1": ("ann@shop.example", f"From: {BOB}\nTo: ann@shop.example\nSubject: hello\n\nNothing of hers.\n"),
    "other.2": ("ben@shop.example", f"From: {BOB}\nTo: ben@shop.example\nSubject: hello\n\nNothing of hers.\n"),
    "other.3": ("cleo@shop.example", f"From: {BOB}\nTo: cleo@shop.example\nSubject: hello\n\nNothing of hers.\n"),
}


class Office(Company):
    """A company whose people have mailboxes below one folder, and a list of who they are."""

    def path(self, person: str) -> Path:
        name, _, domain = person.partition("@")
        return self.mail / domain / name / "Maildir"

    @property
    def staff(self) -> Path:
        return self.home / "staff.txt"

    def hire(self, person: str) -> None:
        self.path(person).parent.mkdir(parents=True, exist_ok=True)
        mailbox.Maildir(self.path(person), create=True).close()
        with self.staff.open("a") as file:
            file.write(person + "\n")

    def lay(self, person: str, name: str, text: str) -> None:
        (self.path(person) / "cur" / f"{name}.host:2,S").write_bytes(text.encode())

    def mails(self) -> dict[str, tuple[str, int]]:
        """What lies in all mailboxes, by the first words of its file's name, with its time; read without the engine."""
        files = [path for path in self.mail.rglob("cur/*") if path.is_file()]
        return {".".join(path.name.split(".")[:2]): (path.read_text(encoding="utf-8"), path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def office(empty_home: Path, tmp_path: Path) -> Office:
    made = founded(empty_home, tmp_path / "office", ())
    office = Office(made.folder, made.bucket, None, made.systems)
    for person in STAFF:
        office.hire(person)
    for name, (person, text) in MAILS.items():
        office.lay(person, name, text)
    url = f"maildir:{office.mail}/%d/%n/Maildir"
    office.declare("mail", f'connector: maildir, owner: office@example.com, url: "{url}", mailboxes: {{file: staff.txt}}, because: "{REASON}"')
    office.policy(POLICY)
    return office


def test_what_is_the_person_s_goes_from_every_mailbox_and_nothing_else_is_touched(office: Office) -> None:
    before = office.mails()
    with working(office) as house:
        case = carried_through(house, run_case(house, opened_for(house).id, WORKER))
        assert case.stage is Stage.CLOSED, case.wait
        plan = plan_of(house, case)
    after = office.mails()
    assert set(before) - set(after) == {"her.1"}
    assert {name for name in after if after[name] != before[name]} == {"her.2"}
    assert EMAIL not in after["her.2"][0]
    assert "The lamp is broken." in after["her.2"][0]
    assert [notice.message for notice in plan.notices if notice.code == "mailboxes.others"] == [
        f"mailboxes of several people are searched and changed here, because: {REASON}"
    ]


def test_papers_give_the_reason_and_no_list_of_the_staff(office: Office) -> None:
    (office.mail / "shop.example" / "dora" / "Maildir").mkdir(parents=True)
    with office.staff.open("a") as file:
        file.write("dora@shop.example\n")
    with working(office) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        approved(house, case, accept_gaps=True)
        case = run_case(house, case.id, WORKER)
        assert case.stage is Stage.CLOSED, case.wait
        statement = statement_of(house, case)
        with house.store.snapshot() as tx:
            reasons = [(body["phase"], body["because"]) for _, body in tx.ledger.find("mailboxes.searched", case=case.id)]
            rows = {row.collection: row.extent for row in tx.coverage.of(case.id, case.round, VERIFIED)}
    assert reasons == [("found", REASON), ("verified", REASON)]
    assert rows == {**{f"{person}/INBOX": Extent.FULL for person in STAFF}, "dora@shop.example/*": Extent.NONE}
    (system,) = statement.systems
    assert system.server["mailboxes_searched_because"] == REASON
    assert [(row["collection"], row["extent"]) for row in system.coverage] == [
        ("3 folders of 3 mailboxes", "full"),
        ("dora@shop.example/*", "none"),
    ]
    assert any("dora@shop.example/* was not searched" in text for text in statement.exceptions)
    text = to_bytes(statement)
    assert b"ben@shop.example" not in text
    assert EMAIL.encode() not in text
    given = to_bytes(requesters(statement, text))
    assert b"shop.example" not in given
    assert b"works council" not in given


def test_what_stands_in_the_way_is_told_without_whose_mailbox_it_is_in(office: Office) -> None:
    office.policy(POLICY.replace("{category: user}, then: delete", "{message: one_to_one}, then: ask"))
    office.hire(EMAIL)
    office.lay(EMAIL, "her.3", f"From: {BOB}\nTo: {EMAIL}\nSubject: tea\n\nThe lamp is broken.\n")
    with working(office) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert waits_for(case) == "finding.asked"
        with house.store.snapshot() as tx:
            mask = mask_of(tx, case)
        told = plan_report(plan_of(house, case), mask)
    assert case.wait is not None
    assert case.wait.reason.startswith(f"mail.{MASK}/INBOX: ")
    assert f"'mail.{MASK}/INBOX'" in str(told["obstacles"])
    assert EMAIL not in str(told)


def test_the_person_s_own_mailbox_is_on_no_certificate_not_even_where_it_could_not_be_searched(office: Office) -> None:
    with office.staff.open("a") as file:
        file.write(f"{EMAIL}\n")
    office.path(EMAIL).mkdir(parents=True)
    with working(office) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        approved(house, case, accept_gaps=True)
        statement = statement_of(house, run_case(house, case.id, WORKER))
    assert any(text.startswith(f"mail.{MASK}/* was not searched") for text in statement.exceptions)
    assert EMAIL.encode() not in to_bytes(statement)


def _planned(office: Office) -> Case:
    with working(office) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        approved(house, case)
        return case


def test_a_mailbox_that_is_not_listed_any_more_stops_the_certificate_until_somebody_has_looked(office: Office) -> None:
    case = _planned(office)
    office.staff.write_text("ann@shop.example\ncleo@shop.example\n")
    with working(office) as house:
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == UNSEEN
        assert case.wait is not None
        assert "not listed any more" in case.wait.reason
        case = carried_through(house, run_case(house, case.id, WORKER))
        assert case.stage is Stage.CLOSED, case.wait
    assert "her.1" not in office.mails()


def test_a_mailbox_that_came_after_the_search_is_in_the_fresh_look(office: Office) -> None:
    case = _planned(office)
    office.hire("new@shop.example")
    office.lay("new@shop.example", "her.3", MAILS["her.1"][1])
    path = next((office.path("new@shop.example") / "cur").iterdir())
    os.utime(path, (1_600_000_000, 1_600_000_000))
    with working(office) as house:
        case = carried_through(house, run_case(house, case.id, WORKER))
        assert case.stage is Stage.CLOSED, case.wait
        assert case.round == 2
    assert "her.3" not in office.mails()


def test_a_list_that_cannot_be_had_is_no_search_and_no_certificate(office: Office) -> None:
    case = _planned(office)
    office.staff.unlink()
    with working(office) as house:
        case = run_case(house, case.id, WORKER)
    assert case.stage is not Stage.CLOSED
    assert case.wait is not None
    assert "cannot be read" in case.wait.reason
