"""`dsr erase`: one shot, from the request to the certificate; stops where a person is needed, and goes on when it is called again."""

from pathlib import Path

import click

from dsr_engine.bootstrap import Home, pin_policy
from dsr_engine.cli.cases import exit_code
from dsr_engine.cli.entitling import ground_options, grounds_from
from dsr_engine.cli.options import as_json, by_whom, claims_from, home_of, house_of, person_options, system_options, systems_from, worker_name
from dsr_engine.cli.stories import print_case
from dsr_engine.cli.terminal import print_json, print_line
from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.spec.home import load_policy
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.intake import Request, open_case, same_request
from dsr_engine.workflow.law.entitling import name_further
from dsr_engine.workflow.report import case_report


@click.command()
@person_options
@system_options
@click.option("--policy", metavar="FILE", required=True, help="The policy: a file, or the name of one that the home declares or that is shipped.")
@ground_options
@click.option("--yes", is_flag=True, help="Let the policy approve, where it says `automatic` and the counts are under its cap.")
@by_whom
@as_json
@click.pass_context
def erase(
    context: click.Context,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    urls: tuple[str, ...],
    endpoint_url: str | None,
    policy: str,
    grounds: tuple[str, ...],
    reasoning: str,
    yes: bool,
    by: str,
    is_json: bool,
) -> int:
    """Erases a person: opens a case, finds, plans, executes, looks again, certifies.

    You vouch for the identifiers; store, ledger and certificate say so. Without --yes, or where a person is needed, it stops at APPROVE with exit
    code 3. Called again with the same words while its case is open, it goes on with that case.
    """
    named = grounds_from(grounds)
    claims = claims_from(emails, phones, names, selectors)
    systems = systems_from(urls, endpoint_url)
    home = home_of(context, allow_gaps=True)
    chosen = _pinned(home, policy)
    with house_of(context, systems=systems, policy=chosen) as house:
        request = Request(claims, chosen, by, systems=tuple(system.name for system in systems), vouched=True, grounds=named, reasoning=reasoning)
        known = same_request(house, request)
        if known is not None and named:
            name_further(house, known.id, named, by, reasoning)
        case = known or open_case(house, request)
        case = run_case(house, case.id, worker_name(), until=Stage.CLOSED if yes else Stage.APPROVE)
        report = case_report(house, case.id)
    if is_json:
        print_json(report)
    else:
        print_case(report)
        if case.stage is Stage.APPROVE and not case.wait:
            print_line("\nNothing was changed. To go on: the same command with --yes, where the policy approves automatically; or")
            print_line(f"  dsr case approve {case.id} --digest {_digest(report)} by somebody else, then the same command with --yes")
    return exit_code(case)


def _pinned(home: Home, text: str) -> Policy:
    """The policy that the option names, kept under its digest. A file comes before a name."""
    path = Path(text)
    if path.is_file():
        policy = load_policy(path, home.declared.regimes)
        pin_policy(home, policy, path)
        return policy
    for policy in home.declared.policies.values():
        if text in (policy.name, policy.source.file):
            pin_policy(home, policy)
            return policy
    known = ", ".join(sorted(home.declared.policies))
    raise InputWrong(f"there is no policy file {text}, and no policy of that name", code="policy.unknown", hint=f"known by name are {known}")


def _digest(report: dict[str, object]) -> str:
    plan = report["plan"]
    return str(plan["digest"])[:16] if isinstance(plan, dict) else "DIGEST"
