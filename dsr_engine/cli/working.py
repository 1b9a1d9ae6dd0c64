"""`dsr worker`: runs what can run, again and again, and what is due when it is due."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from dsr_engine.bootstrap import Keeper
from dsr_engine.cli.courier import courier_of
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import home_of, house_of, worker_name
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.errors import Conflict, DsrError, Unreachable
from dsr_engine.scheduler import Clockwork
from dsr_engine.web.logs import FORMATS, logs_in
from dsr_engine.workflow.chores import do_chores
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House

#: Seconds between two looks.
PAUSE = 5.0


@click.command()
@click.option("--once", is_flag=True, help="Do what can be done now, then leave.")
@click.option("--no-clock", is_flag=True, help="Run cases only; sweeps and chores are somebody else's.")
@click.option("--pause", type=click.FloatRange(0.1, 3600), default=PAUSE, show_default=True, help="Seconds between two looks.")
@click.option("--log-format", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="json: each entry is a line of JSON.")
@click.pass_context
def worker(context: click.Context, once: bool, no_clock: bool, pause: float, log_format: str) -> int:
    """Works on all cases, and runs sweeps and chores when they are due. Several workers share the work. May be killed at any time."""
    name = worker_name()
    with logs_in(log_format), house_of(context) as house:
        if once:
            _round(house, name, threading.Event())
            for line in do_chores(house):
                print_line(line)
            return DONE
        keeper = Keeper(house, home_of(context, allow_gaps=True), os.environ)
        with clock_of(keeper, name, is_on=not no_clock):
            work(keeper.house, name, threading.Event(), pause)
    return DONE


@contextmanager
def clock_of(keeper: Keeper, name: str, *, is_on: bool) -> Iterator[None]:
    """Watches the clock as long as the block lasts, if it is to."""
    if not is_on:
        yield
        return
    clockwork = Clockwork(keeper, name, print_line)
    clockwork.start()
    try:
        with courier_of(keeper):
            yield
    finally:
        clockwork.stop()


def work(house: Callable[[], House], name: str, stop: threading.Event, pause: float = PAUSE) -> None:
    """Works until somebody says stop, each round with the house as its files say then."""
    while not stop.is_set():
        try:
            _round(house(), name, stop)
        except DsrError as error:  # the store does not answer: it may, later
            print_line(error.message, "yellow")
        stop.wait(pause)


def _round(house: House, name: str, stop: threading.Event) -> None:
    for case_id in house.store.claimable(house.clock.now()):
        if stop.is_set():
            return
        try:
            case = run_case(house, case_id, name)
        except (Conflict, Unreachable) as error:
            print_line(f"case {case_id}: {error.message}", "yellow")
            continue
        print_line(f"case {case.id}: {case.stage.value}" + (f", waits: {case.wait.reason}" if case.wait else ""))
