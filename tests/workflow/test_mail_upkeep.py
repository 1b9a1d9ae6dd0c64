"""Mail from the policy to the certificate: a retention sweep over a mailbox, and what its server is told to forget after an erasure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.sweeps.sweep import sweep
from dsr_engine.workflow.upkeep import accept_level, maintenance_report
from tests.drivers.mailstore_boxes import Box, DovecotBox, MaildirBox, box_of, letter
from tests.servers.dovecot import DovecotServer
from tests.workflow.company import BOB, EMAIL, POLICY, Company, founded
from tests.workflow.journeys import WORKER, carried_through, opened_for, plan_of, statement_of, waits_for, working

KINDS = ("maildir", "mbox", "dovecot")


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Box:
    return box_of(request.param, request, tmp_path)


def dated(sender: str, subject: str, day: str, eol: bytes) -> bytes:
    return b"Date: " + day.encode() + eol + letter(sender, "ann@example.com", subject, "hello", eol=eol)


CONNECTOR = """\
connector: letters
driver: mailstore
collections:
  INBOX:
    fields: {date: {starts: retention}, sent: {starts: retention}}
  "Archive*":
    fields: {date: {starts: retention}}
discover: all
"""
RULES = """\
  - name: letters
    when: {collection: mail.INBOX}
    keep: {for: 10 years, from: {latest: [date, sent]}}
    then: delete
  - name: what somebody flagged, and what the tax adviser wrote
    when: {system: mail}
    keep: {while: {flags: [flagged], sender_domain: [adviser.example]}}
    then: delete
  - name: archives
    when: {collection: "mail.Archive*"}
    keep: {for: 121 months, from: date}
    then: delete
"""


@pytest.fixture
def company(empty_home: Path, tmp_path: Path) -> Company:
    company = founded(empty_home, tmp_path / "company", ())
    company.connector(CONNECTOR)
    head = POLICY[: POLICY.index("rules:")]
    company.policy(
        f'{head}rules:\n{RULES}sweep: {{schedule: "0 3 * * *", approval: automatic, max_affected: 50, max_share: 100%, first_runs_dry: 0}}\n'
    )
    return company


def swept(company: Company, day: date) -> Stage:
    with working(company, FixedClock(datetime.combine(day, datetime.min.time(), UTC))) as house:
        return sweep(house, house.policies["ours"], by="officer", worker=WORKER).case.stage


def settings_of(box: Box, tmp_path: Path) -> Mapping[str, str]:
    plain = {name: secret.reveal() for name, secret in box.system().settings.items()}
    if "password" in plain:
        (tmp_path / "password").write_text(plain["password"])
        plain["password"] = f"file:{tmp_path / 'password'}"
    return plain


def test_a_sweep_takes_what_is_over_and_leaves_everything_else_byte_for_byte(company: Company, box: Box, tmp_path: Path) -> None:
    given = ", ".join(f'{name}: "{value}"' for name, value in settings_of(box, tmp_path).items())
    company.declare("mail", f"connector: letters, owner: office@example.com, {given}")
    old = "Mon, 1 Jan 2018 10:00:00 +0000"
    box.deliver("INBOX", dated("bob@example.net", "over", old, box.eol))
    box.deliver("INBOX", dated("bob@example.net", "claims a later day", "Mon, 1 Jan 2035 10:00:00 +0000", box.eol))
    box.deliver("INBOX", dated("bob@example.net", "flagged by somebody", old, box.eol))
    box.deliver("INBOX", dated("bob@adviser.example", "from the adviser", old, box.eol), is_seen=True)
    box.deliver("Archive2020", dated("bob@example.net", "in the archive", old, box.eol))
    box.deliver("Sent", dated("ann@example.com", "of no rule", old, box.eol))
    if isinstance(box, DovecotBox):
        box.flag("INBOX", b"flagged by somebody", "\\Flagged")
    else:
        box.flag("INBOX", b"flagged by somebody")
    before = box.stored()

    assert swept(company, date(2031, 3, 4)) is Stage.CLOSED
    assert box.stored() == before
    assert swept(company, date(2031, 3, 5)) is Stage.CLOSED

    after = box.stored()
    assert [mail for mail in before["INBOX"] if b"Subject: over" not in mail.raw] == after["INBOX"]
    assert {name: mails for name, mails in after.items() if name != "INBOX"} == {name: mails for name, mails in before.items() if name != "INBOX"}

    assert swept(company, date(2031, 4, 5)) is Stage.CLOSED
    final = box.stored()
    assert (len(final["INBOX"]), len(final["Archive2020"]), final["Sent"]) == (3, 0, before["Sent"])


def test_equal_mails_in_two_folders_of_a_pattern_are_both_swept_over_borders_of_pages(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = MaildirBox(tmp_path / "Maildir")
    company.declare("mail", f'connector: letters, owner: office@example.com, url: "maildir:{box.root}"')
    for number in range(3):
        box.deliver("Archive1", letter("bob@example.net", "ann@example.com", f"mail {number}", "hello"))
    box.make("Archive2")
    for path in (box.path("Archive1") / "cur").iterdir():  # a copy has the same name and the same content
        (box.root / ".Archive2" / "cur" / path.name).hardlink_to(path)
    monkeypatch.setattr("dsr_engine.workflow.sweeps.tranche.PAGE", 2)
    assert swept(company, date(2031, 4, 5)) is Stage.CLOSED
    stored = box.stored()
    assert (stored["Archive1"], stored["Archive2"]) == ([], [])


# --- what the server is told to forget -----------------------------------------------------------------------------------


def declared(company: Company, box: DovecotBox, tmp_path: Path, more: str) -> None:
    given = ", ".join(f'{name}: "{value}"' for name, value in settings_of(box, tmp_path).items())
    company.declare("mail", f"connector: imap, owner: office@example.com, {given}, {more}")


def with_the_person(box: DovecotBox) -> DovecotBox:
    """A mail of the person's own, one that mentions her and is signed, and one of somebody else; a mail program has listed them."""
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=x; h=from:to; bh=abc=; b=def=\r\n"
    box.deliver("INBOX", letter(EMAIL, "shop@example.com", f"of {EMAIL}", "hello", eol=box.eol))
    for number in range(2):
        box.deliver("INBOX", signature + letter(BOB, "shop@example.com", f"mention {number}", f"ask {EMAIL} please", eol=box.eol))
    box.deliver("INBOX", letter(BOB, "shop@example.com", "control", "hello", eol=box.eol))
    with box.client() as client:
        client.select("INBOX", readonly=True)
        client.fetch("1:*", "(ENVELOPE)")
    return box


def in_the_cache(box: DovecotBox) -> bool:
    return EMAIL.encode() in (box.root / "dovecot.index.cache").read_bytes()


def doveadm(dovecot: DovecotServer) -> str:
    return f'maintenance_command: [doveadm, -c, "{dovecot.folder / "dovecot.conf"}", "{{arguments}}"]'


def told(house: House, case: Case) -> dict[str, str]:
    """Channel → state, as the certificate says."""
    (system,) = statement_of(house, case).systems
    return {row["channel"]: row["state"] for row in system.channels}


CACHE = "headers in Dovecot's index cache (dovecot.index.cache)"


def test_the_engine_has_the_server_forget_and_the_certificate_says_so(company: Company, dovecot: DovecotServer, tmp_path: Path) -> None:
    box = with_the_person(DovecotBox(dovecot))
    declared(company, box, tmp_path, f"maintenance: run, {doveadm(dovecot)}")
    company.policy(POLICY)
    assert in_the_cache(box)
    control = [mail for mail in box.stored()["INBOX"] if b"control" in mail.raw]
    with working(company) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED, case.wait
        assert told(house, case)[CACHE] == "erased"
        with house.store.snapshot() as tx:
            assert len(tx.ledger.find("maintenance.done")) == 1
    assert not in_the_cache(box)
    left = box.stored()["INBOX"]
    assert [mail for mail in left if b"control" in mail.raw] == control
    assert [mail.raw.count(f"X-DSR-Redacted: {case.subject_ref[:12]}\r\n".encode()) for mail in left if b"mention" in mail.raw] == [1, 1]


def test_signatures_that_a_plan_breaks_are_counted_for_whoever_approves(company: Company, dovecot: DovecotServer, tmp_path: Path) -> None:
    box = with_the_person(DovecotBox(dovecot))
    declared(company, box, tmp_path, "records_per_second: 500")
    company.policy(POLICY)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        plan = plan_of(house, case)
    assert [(notice.code, notice.system, notice.today) for notice in plan.notices if "signature" in notice.code] == [
        ("mail.signature_dkim", "mail", "2 mails")
    ]
    assert plan.obstacles == ()


def test_without_a_command_the_certificate_names_what_stays_and_the_commands_are_printed(
    company: Company, dovecot: DovecotServer, tmp_path: Path
) -> None:
    box = with_the_person(DovecotBox(dovecot))
    declared(company, box, tmp_path, "records_per_second: 500")
    company.policy(POLICY)
    with working(company) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED, case.wait
        assert told(house, case)[CACHE] == "retained"
        systems = maintenance_report(house, case.id)["systems"]
        assert isinstance(systems, list)
        (system,) = systems
        assert [work["statement"] for work in system["works"]] == [
            f"doveadm mailbox cache purge -u {box.user} INBOX",
            f"doveadm purge -u {box.user}",
        ]
    assert in_the_cache(box)


def test_a_command_that_fails_keeps_the_case_until_somebody_accepts_that_by_name(company: Company, dovecot: DovecotServer, tmp_path: Path) -> None:
    box = with_the_person(DovecotBox(dovecot))
    declared(company, box, tmp_path, 'maintenance: run, maintenance_command: ["/bin/false", "{user}"]')
    company.policy(POLICY)
    with working(company) as house:
        case = carried_through(house, opened_for(house))
        assert (case.stage, waits_for(case)) == (Stage.VERIFY_ABSENCE, "maintenance_open")
        assert case.wait is not None
        assert box.user not in case.wait.reason
        accept_level(house, case.id, "mail", "other", "officer")
        case = run_case(house, case.id, WORKER)
        assert case.stage is Stage.CLOSED, case.wait
        assert told(house, case)[CACHE] == "retained"
