"""`dsr worker`: runs what can run, again and again, and does the chores that are due."""

import time

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import house_of, worker_name
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.errors import Conflict, Unreachable
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House


@click.command()
@click.option("--once", is_flag=True, help="Do what can be done now, then leave.")
@click.option("--pause", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True, help="Seconds between two looks.")
@click.pass_context
def worker(context: click.Context, once: bool, pause: float) -> int:
    """Works on all cases. Several workers share the work: a case belongs to one at a time. May be killed at any time."""
    name = worker_name()
    with house_of(context) as house:
        while True:
            _round(house, name)
            if once:
                return DONE
            time.sleep(pause)


def _round(house: House, name: str) -> None:
    for case_id in house.store.claimable(house.clock.now()):
        try:
            case = run_case(house, case_id, name)
        except (Conflict, Unreachable) as error:
            print_line(f"case {case_id}: {error.message}", "yellow")
            continue
        print_line(f"case {case.id}: {case.stage.value}" + (f", waits: {case.wait.reason}" if case.wait else ""))
    for line in do_chores(house):
        print_line(line)
