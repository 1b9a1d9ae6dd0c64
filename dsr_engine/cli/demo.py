"""`dsr demo`: the main job on a sample company, told step by step, with a proof of its own that nobody else was touched."""

import os
import sys
from pathlib import Path
from typing import cast

import click

from dsr_engine.bootstrap import BUNDLE, Home, opened, pin_policy, read_home
from dsr_engine.certificate.check import check
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.cli.entry import DONE, FAILED
from dsr_engine.cli.sample.cases import add_accounts, add_cases
from dsr_engine.cli.sample.company import Comparison, build_company, compare, environment, everything_in, refuse_foreign
from dsr_engine.cli.sample.lake import embedded_s3
from dsr_engine.cli.sample.people import SUBJECT
from dsr_engine.cli.serving import serve_house
from dsr_engine.cli.stories import print_case
from dsr_engine.cli.terminal import Terminal, print_heading, print_line, print_table, print_verbatim
from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.entitled import EVERYTHING
from dsr_engine.domain.finding import Finding
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Role
from dsr_engine.workflow.approve import give_approval
from dsr_engine.workflow.decide import MENTIONED, NOT_THEIRS, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.holds.reviewing import attest
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim, Request, open_case
from dsr_engine.workflow.report import case_report
from dsr_engine.workflow.verify_identity import confirm_identity


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-company"))
@click.option("--serve", "is_served", is_flag=True, help="Then open the console on it, with cases in every stage. Ctrl-C ends it.")
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8080", show_default=True, help="Where the console listens, with --serve.")
def demo(folder: Path, is_served: bool, listen: str) -> int:
    """Builds a sample company in DIR, erases one person from it, and shows what happens."""
    os.environ |= environment()
    refuse_foreign(folder)
    with embedded_s3() as endpoint:
        print_heading("1. A sample company: a shop database, a Maildir, a versioned bucket")
        company = build_company(folder, endpoint)
        before = everything_in(company)
        print_line(f"  {len(before)} rows, mails and object versions of 303 people; one of them asks to be erased")
        home = read_home(company.home, os.environ, allow_gaps=True)
        with Terminal() as terminal, opened(home, progress=terminal) as house:
            case = _work(house, home)
            report = case_report(house, case.id)
        print_heading("5. Executed, looked at again, certified")
        print_case({**report, "plan": None, "findings": [], "coverage": [], "identities": []})
        comparison = compare(before, everything_in(company))
        is_proved = _prove(comparison)
        is_genuine = _verify(Path(cast("str", report["certificate"])), company.home / BUNDLE) if report["certificate"] else False
        if is_served:
            _serve(home, listen)
        else:
            _tell_of_the_console(folder)
    return DONE if is_proved and is_genuine and case.stage is Stage.CLOSED else FAILED


def _serve(home: Home, listen: str) -> None:
    """Opens the doors of the company while its bucket, which ends with this process, is there."""
    print_heading("8. The console, on the same company")
    with Terminal() as terminal, opened(home, progress=terminal) as house:
        count = add_cases(house, home)
        password = add_accounts(house)
    print_line(f"  {count} cases of other people were brought into every stage")
    accounts = ", ".join(role.value for role in Role)
    with opened(home) as house:
        serve_house(house, home, f"sign in as {accounts}; the password of each is {password}; Ctrl-C ends it", listen=listen)


def _tell_of_the_console(folder: Path) -> None:
    print_heading("8. In a browser")
    print_line("  To see the console on this company, with cases in every stage (builds it anew, about a minute):")
    program = Path(sys.executable).with_name("dsr")
    print_verbatim(f"  {_short(program)} demo {folder} --serve")


def _work(house: House, home: Home) -> Case:
    """The case from the request to the certificate; the people of the story are the officer, who opens it, and the approver."""
    policy = home.declared.policies["customer-data"]
    pin_policy(home, policy)
    print_heading("2. A case is opened, and the requester's identity confirmed by a code to her address")
    claims = (Claim("email", Secret(SUBJECT.email)), Claim("phone", Secret(SUBJECT.phone)), Claim("name", Secret(SUBJECT.name)))
    case = open_case(house, Request(claims, policy, opened_by="officer", grounds=_grounds(home, policy)))
    confirm_identity(house, case.id, "code_to_known_address", "officer")
    attest(house, "counsel", "the list of open disputes; there is none")
    print_line("  and the legal department has said that no legal hold stands in the way (`dsr hold attest`)")
    print_heading("3. Found; what only looks like her waits for a human")
    run_case(house, case.id, "demo", until=Stage.EXECUTE)
    _decide(house, case.id)
    case = run_case(house, case.id, "demo", until=Stage.EXECUTE)
    print_heading("4. The plan, and its approval by somebody else")
    report = case_report(house, case.id)
    print_case({**report, "results": [], "wait": None, "certificate": None})
    with house.store.snapshot() as tx:
        plan = tx.plans.latest(case.id)
    if plan is not None and case.stage is Stage.APPROVE:
        give_approval(house, case.id, plan.digest(), "approver")
    return run_case(house, case.id, "demo")


def _grounds(home: Home, policy: Policy) -> dict[str, str]:
    """She has closed her account: what the data were held for is over (Art. 17(1)(a) GDPR)."""
    law = home.declared.regimes[policy.regimes[0]]
    return {EVERYTHING: law.entitlements[0].name} if law.entitlements else {}


def _decide(house: House, case_id: str) -> None:
    """Decides about every possible finding as the officer would who looks at it: her doubles' own records are not hers."""
    with house.store.snapshot() as tx:
        waiting = possible_findings(tx, tx.cases.get(case_id), FOUND)
    verdicts = [(id_, NOT_THEIRS if _is_doubles(finding) else MENTIONED) for id_, finding in waiting]
    others = sum(1 for _, verdict in verdicts if verdict == NOT_THEIRS)
    print_line(
        f"  {len(verdicts)} possible findings (a name or a telephone alone): {others} are somebody else's, {len(verdicts) - others} mention her"
    )
    decide_findings(house, case_id, verdicts, "officer")


def _is_doubles(finding: Finding) -> bool:
    """What a person sees who opens the record: only the ticket, which names her and nobody of her name, is about her."""
    return finding.locator.collection != "tickets"


def _prove(comparison: Comparison) -> bool:
    print_heading("6. Proof without the engine: the company's data before and after, compared byte by byte")
    print_line(f"  {comparison.identical} places are identical; {len(comparison.changed)} changed, {len(comparison.gone)} are gone")
    rows = [{"place": place, "what": what} for what in ("changed", "gone", "appeared") for place in getattr(comparison, what)]
    print_table(rows, {"what": "what", "place": "place"}, empty="nothing changed")
    for place in comparison.wrong:
        print_line(f"  WRONG: {place}", "bold red")
    if not comparison.wrong:
        print_line("  Every record of everybody else is byte-identical; in shared files every line of theirs is there.", "bold green")
    print_line("  What still holds her: " + (", ".join(comparison.remaining) or "nothing"))
    return not comparison.wrong


def _verify(certificate: Path, bundle: Path) -> bool:
    print_heading("7. The certificate, verified as a stranger would")
    report = check(certificate.read_bytes(), read_bundle(bundle))
    print_verbatim(f"  dsr verify {_short(certificate)} --trust {_short(bundle)}")
    print_line(f"  {report.status}", "bold green" if report.is_genuine else "bold red")
    return report.is_genuine


def _short(path: Path) -> Path:
    """The path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
