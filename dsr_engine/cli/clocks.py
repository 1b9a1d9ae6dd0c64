"""What stops a clock and what confirms a receipt: `dsr case pause`, `unpause` and `acknowledge`."""

import click

from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import by_whom, house_of
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.pause import Doubt, Stop
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law import acknowledging, pausing
from dsr_engine.workflow.law.standing import standing

_WHY = click.Choice([why.value for why in PauseWhy])


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--for", "why", type=_WHY, required=True, help="What was asked of the requester.")
@click.option("--asked", metavar="DATE", required=True, help="When you asked for it (2026-11-21).")
@click.option("--doubt", type=click.Choice([doubt.value for doubt in Doubt]), help="Why you could not be sure who asked; needed for an identity.")
@by_whom
@click.pass_context
def pause(context: click.Context, case_id: str, why: str, asked: str, doubt: str | None, by: str) -> int:
    """Records that you asked the requester for something, and says what that does to the limits. Some laws know no pause."""
    stop = Stop(PauseWhy(why), day_of(asked, "--asked"), doubt=Doubt(doubt) if doubt else None)
    with house_of(context) as house:
        lines = pausing.pause(house, case_id, stop, by)
        due = _due(house, case_id)
    print_line(f"case {case_id} waits for its requester since {asked}: {why}")
    for line in lines:
        print_line(f"  {line}")
    print_line(f"  {due}")
    print_line(f"  next: when it has come, dsr case unpause {case_id} --on DATE")
    return DONE


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--on", "day", metavar="DATE", required=True, help="When it came (2026-11-21).")
@click.option("--for", "why", type=_WHY, help="What came, if several things were asked for.")
@by_whom
@click.pass_context
def unpause(context: click.Context, case_id: str, day: str, why: str | None, by: str) -> int:
    """Records that what you had asked the requester for has come. Said again, it puts the day right."""
    with house_of(context) as house:
        stop = pausing.unpause(house, case_id, day_of(day, "--on"), by, PauseWhy(why) if why else None)
        due = _due(house, case_id)
    print_line(f"case {case_id}: {stop.why.value} came on {stop.ended}")
    print_line(f"  {due}")
    return DONE


def _due(house: House, case_id: str) -> str:
    with house.store.snapshot() as tx:
        found = standing(tx, house, tx.cases.get(case_id))
    if found is None:
        return "no limit runs"
    moves = "; it moves on every day until then" if found.is_moving else ""
    shown = f"; a supervisory authority may accept {found.shown}" if found.shown else ""
    return f"answer by {found.limits.answer} ({found.limits.set_by['answer']}){moves}{shown}"


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--on", "day", metavar="DATE", required=True, help="When receipt was confirmed (2026-11-21).")
@by_whom
@click.pass_context
def acknowledge(context: click.Context, case_id: str, day: str, by: str) -> int:
    """Records that you confirmed the receipt of a request outside of the engine. A letter that it sends counts by itself."""
    with house_of(context) as house:
        acknowledging.acknowledge(house, case_id, day_of(day, "--on"), by)
    print_line(f"case {case_id}: receipt was confirmed on {day}")
    return DONE
