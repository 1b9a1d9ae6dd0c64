"""Rules about mail from the file to the mailbox: places, sorts, mailboxes, and what is left to a person."""

import mailbox
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.errors import Conflict, DsrError, InputWrong
from dsr_engine.domain.plan import Delete, Rewrite
from dsr_engine.workflow.asking import ERASE, KEEP, REDACT
from dsr_engine.workflow.decide import NOT_THEIRS, STAYS, THEIRS, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from tests.workflow.company import BOB, EMAIL, Company, founded
from tests.workflow.journeys import WORKER, approved, carried_through, journey, opened_for, plan_of, statement_of, waits_for, working

SUE = "sue.tanner@example.com"
CONNECTOR = """\
connector: ourmail
driver: mailstore
own_domains: [shop.example]
discover: all
"""
HEAD = "policy: ours\nabout: Mail.\nowner: privacy@example.com\nregimes: [gdpr]\nrules:\n"
REST = """\
  - {name: mentions, when: {category: user, match: mentions}, then: redact}
  - {name: theirs, when: {category: user}, then: delete}
"""
ASKING = """\
  - {name: letters, when: {message: one_to_one}, then: ask}
  - {name: letters of others, when: {message: one_to_one, match: mentions}, then: ask}
"""

#: By name: each holds the person; what they are is in the name.
MAILS = {
    "1.one_to_one": f"From: {EMAIL}\nTo: help@shop.example\nCc: boss@shop.example\nSubject: My order\n\nWhere is it?\n",
    "2.one_to_one": f"From: help@shop.example\nTo: {EMAIL}, boss@shop.example\nSubject: Re: My order\n\nHere.\n\n> Where is it, {EMAIL}?\n",
    "3.thread": f"From: {BOB}\nTo: {SUE}\nSubject: tea\n\nAsk {EMAIL} about it.\nThe lamp is broken.\n",
    "4.list": f"From: {BOB}\nTo: all@lists.example\nList-Id: <all.lists.example>\nSubject: news\n\nToday {EMAIL} joined us.\n",
    "5.routing": f"Received: from a by b for <{EMAIL}>; Mon, 1 Jan 2024 00:00:00 +0000\nFrom: {BOB}\nTo: {SUE}\nSubject: hi\n\nHello Sue.\n",
}
OTHERS = {
    "6.other": f"From: {BOB}\nTo: help@shop.example\nSubject: My order\n\nWhere is it?\n",
    "7.other": f"From: help@shop.example\nTo: {BOB}\nSubject: Re: My order\n\nHere.\n> Where is it?\n",
    "8.other": f"From: {SUE}\nTo: all@lists.example\nList-Id: <all.lists.example>\nSubject: news\n\nNothing new.\n",
}


@pytest.fixture
def company(empty_home: Path, tmp_path: Path) -> Company:
    made = founded(empty_home, tmp_path / "company", ())
    mailbox.Maildir(made.mail, create=True).close()
    for name, text in (MAILS | OTHERS).items():
        made.deliver(text, f"{name}.host")
    made.connector(CONNECTOR)
    made.declare("mail", f'connector: ourmail, owner: office@example.com, url: "maildir:{made.mail}"')
    return made


def mails(company: Company) -> dict[str, str]:
    """What lies in the mailbox, by the first words of its file's name; read without the engine."""
    files = (path for path in (company.mail / "cur").iterdir() if path.is_file())
    return {".".join(path.name.split(".")[:2]): path.read_text(encoding="utf-8") for path in files}


def asked(house: House, case: Case) -> dict[str, str]:
    """The ids of the findings that wait for a person, by what sort of mail they are in and whose it is."""
    with house.store.snapshot() as tx:
        waiting = possible_findings(tx, tx.cases.get(case.id), FOUND)
    return {f"{finding.message} {finding.match.value}": id_ for id_, finding in waiting}


def test_a_sort_of_mail_decides_and_everybody_elses_mail_stays_byte_for_byte(company: Company) -> None:
    company.policy(
        HEAD
        + "  - {name: letters, when: {message: one_to_one}, then: retain}\n"
        + "  - {name: letters of others, when: {message: one_to_one, match: mentions}, then: retain}\n"
        + "  - {name: lists, when: {message: [list, routing], match: mentions}, then: retain}\n"
        + REST
    )
    before = mails(company)
    case = journey(company)
    after = mails(company)
    assert case.stage is Stage.CLOSED, case.wait
    assert set(after) == set(before)
    assert {name for name in before if after[name] != before[name]} == {"3.thread"}
    assert EMAIL not in after["3.thread"]
    assert "The lamp is broken." in after["3.thread"]


def test_a_place_in_the_mail_decides(company: Company) -> None:
    company.policy(
        HEAD
        + "  - {name: traces, when: {category: mail.header, match: mentions}, then: retain}\n"
        + "  - {name: quoted, when: {category: mail.body.quoted, match: mentions}, then: redact}\n"
        + "  - {name: words, when: {category: mail, match: mentions}, then: retain}\n"
        + "  - {name: written, when: {category: mail.sender}, then: redact}\n"
    )
    before = mails(company)
    case = journey(company)
    after = mails(company)
    assert case.stage is Stage.CLOSED, case.wait
    assert {name for name in before if after[name] != before[name]} == {"1.one_to_one", "2.one_to_one"}
    assert EMAIL not in after["1.one_to_one"]
    assert "Where is it?" in after["1.one_to_one"]
    assert after["2.one_to_one"].count(EMAIL) == 1
    assert f"To: {EMAIL}" in after["2.one_to_one"]


def test_no_rule_no_change(company: Company) -> None:
    company.policy(HEAD + "  - {name: written, when: {category: mail.sender}, then: delete}\n")
    before = company.everything()
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        plan = plan_of(house, case)
        told = {entry.message for entry in plan.obstacles if entry.code == "rule.missing"}
        with pytest.raises(Conflict):
            approved(house, case)
    assert waits_for(case) == "rule.missing"
    assert any("mail.body" in message and "thread" in message and "mentions" in message for message in told)
    assert company.everything() == before


def test_what_a_rule_leaves_to_a_person_blocks_the_approval_until_somebody_decided(company: Company) -> None:
    company.policy(HEAD + ASKING + REST)
    before = mails(company)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        assert waits_for(case) == "finding.asked"
        with pytest.raises(Conflict) as refused:
            approved(house, case)
        assert refused.value.code == "finding.asked"
        waiting = asked(house, case)
        assert set(waiting) == {"one_to_one owns", "one_to_one mentions"}
        decide_findings(house, case.id, [(waiting["one_to_one owns"], ERASE)], "officer")
        assert waits_for(run_case(house, case.id, WORKER)) == "finding.asked"
        assert mails(company) == before
        decide_findings(house, case.id, [(waiting["one_to_one mentions"], REDACT)], "officer")
        case = carried_through(house, case)
        assert case.stage is Stage.CLOSED, case.wait
    after = mails(company)
    assert set(before) - set(after) == {"1.one_to_one"}
    assert all(EMAIL not in text for text in after.values())
    assert {name: after[name] for name in OTHERS} == {name: before[name] for name in OTHERS}
    assert "\nHere.\n" in after["2.one_to_one"]


def test_a_letter_that_is_kept_says_why_and_is_expected_to_be_there(company: Company) -> None:
    company.policy(HEAD + ASKING + REST)
    before = mails(company)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        waiting = asked(house, case)
        decide_findings(house, case.id, [(id_, KEEP) for id_ in waiting.values()], "officer", because="legal_obligation", law="§ 257 HGB")
        case = carried_through(house, case)
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
        statement = statement_of(house, case)
    after = mails(company)
    assert {name for name in before if after.get(name) != before[name]} == {"3.thread", "4.list", "5.routing"}
    assert "§ 257 HGB" in str(statement)


@pytest.mark.parametrize("verdict", [STAYS, NOT_THEIRS])
def test_a_letter_may_simply_stay(company: Company, verdict: str) -> None:
    company.policy(HEAD + ASKING + REST)
    before = mails(company)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        decide_findings(house, case.id, [(id_, verdict) for id_ in asked(house, case).values()], "officer")
        assert carried_through(house, case).stage is Stage.CLOSED
    assert all(mails(company)[name] == before[name] for name in ("1.one_to_one", "2.one_to_one"))


def test_whose_it_is_answers_nothing_that_a_rule_asks(company: Company) -> None:
    company.policy(HEAD + ASKING + REST)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        decide_findings(house, case.id, [(id_, THEIRS) for id_ in asked(house, case).values()], "officer")
        case = run_case(house, case.id, WORKER)
        assert waits_for(case) == "finding.asked"
        assert len(asked(house, case)) >= 1


@pytest.mark.parametrize(
    ("verdict", "because", "law", "code"),
    [
        (KEEP, "", "", "verdict.reason"),
        (KEEP, "not_theirs", "", "verdict.reason"),
        (KEEP, "legal_obligation", "", "correction.law"),
        (KEEP, "because I say so", "", "correction.reason"),
        (KEEP, "legal_hold", "", "correction.hold"),
        ("burn", "", "", "verdict.unknown"),
    ],
)
def test_an_answer_that_does_not_count_is_refused(company: Company, verdict: str, because: str, law: str, code: str) -> None:
    company.policy(HEAD + ASKING + REST)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        waiting = asked(house, case)
        with pytest.raises(InputWrong) as refused:
            decide_findings(house, case.id, [(id_, verdict) for id_ in waiting.values()], "officer", because=because, law=law)
        assert refused.value.code == code
        assert asked(house, case) == waiting


def test_what_no_rule_asks_is_for_the_rules_to_decide(company: Company) -> None:
    company.policy(HEAD + REST)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        with house.store.snapshot() as tx:
            id_ = next(iter(tx.findings.of(case.id, case.round, FOUND)))[0]
        with pytest.raises(DsrError) as refused:
            decide_findings(house, case.id, [(id_, ERASE)], "officer")
    assert refused.value.code == "verdict.not_asked"


def test_while_a_ground_holds_nobody_is_asked(company: Company) -> None:
    keep = 'keep: {for: 6 years, from: date, because: legal_obligation, law: "§ 257 HGB"}'
    company.connector(CONNECTOR.replace("discover: all", "collections:\n  INBOX:\n    fields:\n      date: {starts: retention}\ndiscover: rest"))
    company.policy(HEAD + ASKING.replace("then: ask}", f"{keep}, then: ask}}") + REST)
    before = mails(company)
    case = journey(company)
    assert case.stage is Stage.CLOSED, case.wait
    assert all(mails(company)[name] == before[name] for name in ("1.one_to_one", "2.one_to_one"))


def test_an_attachment_that_a_rule_keeps_keeps_its_mail(company: Company) -> None:
    parts = f"--x\n\nSee the invoice.\n--x\nContent-Type: text/csv\nContent-Disposition: attachment; filename=a.csv\n\nemail\n{EMAIL}\n--x--\n"
    company.deliver(f"From: {EMAIL}\nTo: {BOB}, {SUE}\nContent-Type: multipart/mixed; boundary=x\n\n{parts}", "9.invoice.host")
    rules = "  - {name: attached, when: {category: mail.attachment}, then: retain}\n"
    company.policy(HEAD + rules + rules.replace("attached,", "attached to others',").replace("}, then", ", match: mentions}, then") + REST)
    with working(company) as house:
        case = carried_through(house, opened_for(house))
        assert case.stage is Stage.CLOSED, case.wait
    after = mails(company)["9.invoice"]
    assert f"email\n{EMAIL}" in after
    assert f"From: {EMAIL}" not in after


PARTS = f"--x\n\nSee below.\n--x\nContent-Disposition: attachment; filename=a.txt\n\nAbout {EMAIL}, by the court.\n--x--\n"
WITH_PART = f"From: {EMAIL}\nTo: {SUE}\nContent-Type: multipart/mixed; boundary=x\n\n{PARTS}"
IN_ANOTHER = f"From: {BOB}\nTo: {SUE}\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n{WITH_PART}\n--o--\n"


@pytest.mark.parametrize("mail", [WITH_PART, IN_ANOTHER])
def test_an_attachment_of_which_somebody_said_that_it_stays_keeps_what_is_around_it(company: Company, mail: str) -> None:
    company.deliver(mail, "9.court.host")
    company.policy(HEAD + "  - {name: attached, when: {category: mail.attachment, match: mentions}, then: ask}\n" + REST)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        (waiting,) = asked(house, case).values()
        decide_findings(house, case.id, [(waiting, STAYS)], "officer")
        case = carried_through(house, case)
    assert case.stage is Stage.CLOSED, case.wait
    after = mails(company)["9.court"]
    assert f"About {EMAIL}, by the court." in after
    assert "See below." in after
    assert f"From: {EMAIL}" not in after


@pytest.mark.parametrize("state", ["sender_domain: [example.org]", "flags: [flagged]"])
def test_what_a_rule_keeps_by_its_author_or_flag_is_kept_in_a_folder_that_no_connector_lists(company: Company, state: str) -> None:
    keep = f'keep: {{while: {{{state}}}, because: legal_obligation, law: "§ 257 HGB"}}'
    company.policy(HEAD + f"  - {{name: adviser, when: {{system: mail}}, {keep}, then: delete}}\n" + REST)
    letter = next((company.mail / "cur").glob("1.one_to_one.host*"))
    letter.rename(letter.with_name("1.one_to_one.host:2,FS"))
    before = mails(company)
    case = journey(company)
    assert case.stage is Stage.CLOSED, case.wait
    assert mails(company)["1.one_to_one"] == before["1.one_to_one"]
    assert EMAIL not in mails(company)["3.thread"]


def test_a_mailbox_decides(company: Company) -> None:
    company.declare("mail", f'connector: ourmail, owner: office@example.com, url: "maildir:{company.mail}", user: "{EMAIL}"')
    rules = "  - {name: own, when: {mailbox: own}, then: retain}\n  - {name: own too, when: {mailbox: own, match: mentions}, then: retain}\n"
    company.policy(HEAD + rules + REST)
    before = mails(company)
    assert journey(company).stage is Stage.CLOSED
    assert mails(company) == before
    company.declare("mail", f'connector: ourmail, owner: office@example.com, url: "maildir:{company.mail}", user: "{BOB}"')
    assert journey(company).stage is Stage.CLOSED
    assert all(EMAIL not in text for text in mails(company).values())
    assert {name: mails(company)[name] for name in OTHERS} == {name: before[name] for name in OTHERS}


def test_the_plan_says_in_which_effect_a_rule_of_mail_ends(company: Company) -> None:
    company.policy(HEAD + "  - {name: kept lists, when: {message: list, match: mentions}, then: retain}\n" + REST)
    with working(company) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        plan = plan_of(house, case)
    effects = {(reason.rule, type(item.effect)) for item in plan.items for reason in item.reasons}
    assert ("kept lists", type(None)) in effects
    assert ("theirs", Delete) in effects
    assert ("mentions", Rewrite) in effects
    assert case.kind is CaseKind.REQUEST
