"""`dsr regimes`: what a law demands, in words and tables, for somebody who has never seen its YAML file."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.regime import Regime
from dsr_engine.settings import find_home
from dsr_engine.shipped import shipped
from dsr_engine.spec.home import load_regimes
from dsr_engine.spec.nearest import did_you_mean
from dsr_engine.workflow.law.lawbook import Law, law_row, lawbook

_LIST = {"regime": "regime", "title": "law", "answer": "answer", "extended": "extended", "appeal": "appeal", "since": "from", "checked": "checked"}
_POINTS = {"what": "what", "value": "what it says", "cite": "where that stands"}


@click.command()
@click.argument("name", required=False)
@as_json
@click.pass_context
def regimes(context: click.Context, name: str | None, is_json: bool) -> int:
    """Lists the laws that the engine knows; with NAME, shows one of them whole."""
    known = _known(context)
    today = SystemClock().now().date()
    if name is None:
        rows = [law_row(regime, today) for regime in known.values()]
        print_json(rows) if is_json else _print_list(rows)
        return DONE
    if name not in known:
        raise InputWrong(f"no such regime: {name}{did_you_mean(name, known)}", code="regime.unknown", hint="`dsr regimes` lists them")
    law = lawbook(known[name], today)
    print_json(law.as_data()) if is_json else _print(law)
    return DONE


def _known(context: click.Context) -> Mapping[str, Regime]:
    """The shipped laws, and those of the home where there is one; whatever else is wrong in the home does not matter here."""
    folders = [shipped("policies") / "regimes"]
    try:
        folders.append(find_home(context.find_root().obj, os.environ, Path.cwd()) / "policies" / "regimes")
    except InputWrong:
        if context.find_root().obj:
            raise  # a home that was named has to be there
    return load_regimes(*folders)


def _print_list(rows: list[dict[str, str | int | bool | None]]) -> None:
    print_table(rows, _LIST, empty="no regime")
    print_line()
    print_line("`dsr regimes NAME` shows one of them. A file in policies/regimes/ of your home takes the place of the shipped one of its name.")


def _print(law: Law) -> None:
    print_heading(f"{law.title} ({law.name}, version {law.version})")
    for warning in law.warnings:
        print_line(f"  {warning}", "yellow")
    for heading, rows in law.sections:
        print_heading(heading)
        print_table([{"what": row.what, "value": row.value, "cite": row.cite} for row in rows], _POINTS, empty="nothing")
