"""`dsr case ground`: why what the person asks for is due, as an officer says; and `--ground`, with which a case is opened."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import by_whom, house_of
from dsr_engine.cli.terminal import print_line
from dsr_engine.domain.entitled import EVERYTHING, REASONINGS
from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.law.entitling import ASSESSED, name_grounds

_Command = TypeVar("_Command", bound=Callable[..., Any])


def ground_options(command: _Command) -> _Command:
    """--ground NAME or CATEGORY=NAME, repeatable, and --reasoning."""
    for option in (
        click.option(
            "--reasoning", type=click.Choice(list(REASONINGS)), default=ASSESSED, show_default=True, help="How you came to see that the ground holds."
        ),
        click.option(
            "--ground", "grounds", multiple=True, metavar="[CATEGORY=]NAME", help="Why the data have to go, such as purpose_over; repeatable."
        ),
    ):
        command = option(command)
    return command


def grounds_from(texts: Sequence[str]) -> dict[str, str]:
    """Category → ground; `user` where no category is named. Raises `InputWrong` for two grounds of one category."""
    found: dict[str, str] = {}
    for text in texts:
        left, mark, right = text.partition("=")
        category, name = (left.strip(), right.strip()) if mark else (EVERYTHING, left.strip())
        if found.setdefault(category, name) != name:
            raise InputWrong(
                f"two grounds for {category}",
                code="option.ground",
                hint="name one for each category; that of another law of the case with `dsr case ground`",
            )
    return found


@click.command()
@click.argument("case_id", metavar="CASE")
@ground_options
@click.option("--take-back", "taken_back", multiple=True, metavar="CATEGORY", help="The ground for this category was wrong, and goes.")
@by_whom
@click.pass_context
def ground(context: click.Context, case_id: str, grounds: tuple[str, ...], reasoning: str, taken_back: tuple[str, ...], by: str) -> int:
    """Names the ground on which the data have to go, before the plan is approved."""
    if not (grounds or taken_back):
        raise InputWrong("no ground was named", code="option.ground", hint="--ground NAME for all data, or --ground CATEGORY=NAME")
    with house_of(context) as house:
        name_grounds(house, case_id, grounds_from(grounds), by, reasoning, taken_back)
    for category, name in grounds_from(grounds).items():
        print_line(f"{category}: {name}")
    print_line(f"  next: dsr case run {case_id}")
    return DONE
