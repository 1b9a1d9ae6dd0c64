"""`dsr sweep`: erases what has outlived its period under one policy."""

import click

from dsr_engine.bootstrap import pin_policy
from dsr_engine.cli.cases import exit_code
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json, by_whom, home_of, house_of, worker_name
from dsr_engine.cli.stories import print_case
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.domain.case import Stage
from dsr_engine.domain.errors import InputWrong
from dsr_engine.store.sweep_counts import SweepCount
from dsr_engine.workflow.masking import Mask
from dsr_engine.workflow.report import case_report, plan_report
from dsr_engine.workflow.sweeps.sweep import Swept
from dsr_engine.workflow.sweeps.sweep import sweep as run_sweep


@click.command()
@click.argument("policy_name", metavar="POLICY")
@click.option("--dry-run", is_flag=True, help="Make the plan, show it, and do nothing.")
@by_whom
@as_json
@click.pass_context
def sweep(context: click.Context, policy_name: str, dry_run: bool, by: str, is_json: bool) -> int:
    """Runs the retention sweep of a policy, or goes on with the one that is open. Its first runs are dry, as many as the policy says."""
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
    whole = _whole(swept)
    if is_json:
        print_json(report | whole)
    else:
        print_case(report)  # whose `due` are the days of a request; that of the whole sweep are records
        _print_whole(whole, swept)
    return DONE if swept.is_dry and swept.case.stage is Stage.CLOSED else exit_code(swept.case)


def _whole(swept: Swept) -> dict[str, object]:
    """What the sweep had before it as a whole, what it could not date, and the tranches that it carried through."""
    places = ({"system": entry.system, "collection": entry.collection, "rule": entry.rule} for entry in swept.counts)
    counted = list(zip(places, swept.counts, strict=True))
    return {
        "due": [{**place, "records": entry.due, "of": entry.total} for place, entry in counted if entry.due != 0],
        "unknown_start": [{**place, "records": entry.unknown, "then": _fate(entry)} for place, entry in counted if entry.unknown != 0],
        "tranches": [
            {"tranche": done.number, "case": done.case, "affected": done.affected, "certificate": done.certificate} for done in swept.carried
        ],
    }


def _fate(entry: SweepCount) -> str:
    """What becomes of records whose period has no beginning that is known: nothing is erased on a guess."""
    return "stays until somebody says when it began" if entry.ground == "purpose" else f"waits: {entry.ground}"


def _print_whole(report: dict[str, object], swept: Swept) -> None:
    place = {"system": "system", "collection": "collection", "rule": "rule"}
    for title, name, more in (
        ("Due when the sweep began", "due", {"records": "records", "of": "of"}),
        ("Start unknown, never erased by a sweep", "unknown_start", {"records": "records", "then": "then"}),
        ("Tranches", "tranches", {"tranche": "tranche", "case": "case", "affected": "affected", "certificate": "certificate"}),
    ):
        rows = report[name]
        if isinstance(rows, list) and rows:
            print_line(f"\n{title}")
            print_table(rows, more if name == "tranches" else {**place, **more}, empty="none")
    if swept.forced_dry:
        print_line("\nThis run was dry: the policy's first runs have to be (sweep.first_runs_dry).", "yellow")
