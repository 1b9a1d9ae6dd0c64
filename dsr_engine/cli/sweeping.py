"""`dsr sweep`: erases what has outlived its period under one policy."""

import click

from dsr_engine.bootstrap import pin_policy
from dsr_engine.cli.cases import exit_code
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json, by_whom, home_of, house_of, worker_name
from dsr_engine.cli.stories import print_case
from dsr_engine.cli.terminal import print_json, print_line
from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.report import case_report, plan_report
from dsr_engine.workflow.sweep import sweep as run_sweep


@click.command()
@click.argument("policy_name", metavar="POLICY")
@click.option("--dry-run", is_flag=True, help="Make the plan, show it, and do nothing.")
@by_whom
@as_json
@click.pass_context
def sweep(context: click.Context, policy_name: str, dry_run: bool, by: str, is_json: bool) -> int:
    """Runs the retention sweep of a policy. Its first runs are dry, as many as the policy says."""
    home = home_of(context, allow_gaps=True)
    policy = home.declared.policies.get(policy_name)
    if policy is None:
        raise InputWrong(f"no such policy: {policy_name}", code="policy.unknown", hint=f"known are {', '.join(sorted(home.declared.policies))}")
    pin_policy(home, policy)
    with house_of(context) as house:
        swept = run_sweep(house, policy, by=by, worker=worker_name(), dry_run=dry_run)
        report = case_report(house, swept.case.id)
    if swept.plan is not None:
        # A dry run's case is forgotten when it ends, and its plan with it: here it is shown for the last time.
        report["plan"] = plan_report(swept.plan, Mask(()))
    report["is_dry"] = swept.is_dry
    if is_json:
        print_json(report)
    else:
        print_case(report)
        if swept.forced_dry:
            print_line("\nThis run was dry: the policy's first runs have to be (sweep.first_runs_dry).", "yellow")
    return DONE if swept.is_dry and swept.case.stage is Stage.CLOSED else exit_code(swept.case)
