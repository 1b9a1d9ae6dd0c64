"""`dsr erase`: one shot, from the request to the certificate; stops where a person is needed, and goes on when it is called again."""

from pathlib import Path

import click

from dsr_engine.bootstrap import pin_policy
from dsr_engine.cli.cases import exit_code
from dsr_engine.cli.options import as_json, by_whom, claims_from, home_of, house_of, person_options, system_options, systems_from, worker_name
from dsr_engine.cli.stories import print_case
from dsr_engine.cli.terminal import print_json
from dsr_engine.domain.case import Stage
from dsr_engine.spec.home import load_policy
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.intake import Request, open_case, same_request
from dsr_engine.workflow.report import case_report


@click.command()
@person_options
@system_options
@click.option("--policy", "policy_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="The policy file.")
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
    policy_file: Path,
    yes: bool,
    by: str,
    is_json: bool,
) -> int:
    """Erases a person: opens a case, finds, plans, executes, looks again, certifies.

    You vouch for the identifiers; store, ledger and certificate say so. Without --yes, or where a person is needed, it stops at APPROVE with exit
    code 3. Called again with the same words while its case is open, it goes on with that case.
    """
    claims = claims_from(emails, phones, names, selectors)
    systems = systems_from(urls, endpoint_url)
    home = home_of(context, allow_gaps=True)
    policy = load_policy(policy_file, home.declared.regimes)
    pin_policy(home, policy, policy_file)
    with house_of(context, systems=systems, policy=policy) as house:
        request = Request(claims, policy, by, systems=tuple(system.name for system in systems), vouched=True)
        case = same_request(house, request) or open_case(house, request)
        case = run_case(house, case.id, worker_name(), until=Stage.CLOSED if yes else Stage.APPROVE)
        report = case_report(house, case.id)
    print_json(report) if is_json else print_case(report)
    return exit_code(case)
