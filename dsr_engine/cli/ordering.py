"""`dsr case open --order` and `dsr case end-order`: erasures that a supervisory authority orders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dsr_engine.cli.dates import day_of
from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import by_whom, house_of
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.order import Order
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.law.ordering import ENDINGS
from dsr_engine.workflow.law.ordering import end_order as end
from dsr_engine.workflow.wiping import wipe

_Command = TypeVar("_Command", bound=Callable[..., Any])


def order_options(command: _Command) -> _Command:
    """--order, --reference and --due."""
    for option in (
        click.option("--due", metavar="DATE", help="The last day that the authority set (2026-12-31)."),
        click.option("--reference", metavar="TEXT", default="", help="The authority's reference; it is sealed."),
        click.option("--order", "is_order", is_flag=True, help="A supervisory authority ordered it: nobody is verified, and it cannot be refused."),
    ):
        command = option(command)
    return command


def order_from(*, is_order: bool, reference: str, due: str | None) -> Order | None:
    """The order that the options name; None where they name none. Raises `InputWrong` for half of one."""
    if not is_order and not reference and due is None:
        return None
    if not is_order or not reference.strip() or due is None:
        raise InputWrong("--order, --reference and --due belong together", code="option.order", hint="--order --reference TEXT --due 2026-12-31")
    return Order(Secret(reference.strip()), day_of(due, "--due"))


@click.command("end-order")
@click.argument("case_id", metavar="CASE")
@click.option("--reason", type=click.Choice(ENDINGS), required=True)
@click.option(
    "--evidence", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True, help="A file that shows it; only its SHA-256 is kept."
)
@by_whom
@click.pass_context
def end_order(context: click.Context, case_id: str, reason: str, evidence: Path, by: str) -> int:
    """Closes the case of an authority's order that does not bind any more."""
    with house_of(context) as house:
        end(house, case_id, reason, evidence.read_bytes(), by)
        wipe(house)
    print_line(f"case {case_id} is closed: the order does not bind any more; its identifiers are forgotten")
    return DONE
