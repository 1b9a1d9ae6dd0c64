"""`dsr grants`: what an administrator has to allow, as SQL that can be read, changed and run. Nothing is executed."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json, home_of, system_options, systems_from
from dsr_engine.cli.terminal import print_json, print_line, print_verbatim
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.system import System
from dsr_engine.drivers.registry import open_access
from dsr_engine.workflow.systems.granting import ABOUT, PURPOSES, Granted, granted


@click.command()
@click.argument("name", metavar="[SYSTEM]", required=False)
@system_options
@click.option(
    "--account", metavar="NAME", help="The account for everything. Without it: those of systems.yaml, else dsr, dsr_verify and dsr_maintain."
)
@click.option("--for", "purposes", type=click.Choice(PURPOSES), multiple=True, help="Only for this; may be repeated.")
@as_json
@click.pass_context
def grants(
    context: click.Context,
    name: str | None,
    urls: tuple[str, ...],
    endpoint_url: str | None,
    account: str | None,
    purposes: tuple[str, ...],
    is_json: bool,
) -> int:
    """Prints the least privileges that the engine needs in a database, as SQL.

    SYSTEM is declared in systems.yaml; --in URL names a database without a home. With both, the catalogue is read through the URL (an
    administrator's, say) and the system's connector says what is searched.

    Tables come from the live catalogue: run it again after the schema changed.

    MariaDB shows an account only what it may use, so there the URL has to be one that sees everything.
    """
    declared, system = _system(context, name, urls, endpoint_url)
    if account is not None and (not account.strip() or not account.isprintable()):
        raise InputWrong("--account was given no name", code="grants.account", hint="--account dsr, or --account dsr@10.0.0.% for MariaDB")
    found = tuple(granted(declared, system, open_access, purposes, account))
    if is_json:
        print_json(
            {
                "system": system.name,
                "grants": [{"purpose": one.purpose, "account": one.account, "statement": one.statement, "why": one.why} for one in found],
            }
        )
    else:
        _show(system, found)
    return DONE


def _system(context: click.Context, name: str | None, urls: Sequence[str], endpoint_url: str | None) -> tuple[System | None, System]:
    """What is declared, and what is connected to."""
    named = systems_from(urls, endpoint_url)
    if len(named) > 1 or not (name or named):
        raise InputWrong("exactly one database is needed", code="grants.system", hint="dsr grants SYSTEM, or dsr grants --in postgresql://…")
    if name is None:
        return None, named[0]
    declared = home_of(context, allow_gaps=True).declared.systems
    if name not in declared:
        raise InputWrong(f"no system {name} is declared", code="system.unknown", hint=f"one of {', '.join(sorted(declared)) or 'none yet'}")
    system = declared[name]
    if system.is_disabled and not named:
        raise InputWrong(f"{name} is disabled, so its secrets were not read", code="system.disabled", hint="add --in URL")
    if not named:
        return system, system
    others = {key: secret for key, secret in system.settings.items() if key not in ("user", "password")}
    return system, replace(system, settings={**others, **named[0].settings})


def _show(system: System, found: Sequence[Granted]) -> None:
    """A script: everything that is not a statement is a comment."""
    print_line(f"-- Least privileges in {system.name}. Create each account first, with a password of its own; then run this as an administrator.")
    for (purpose, account), group in groupby(found, key=lambda entry: (entry.purpose, entry.account)):
        print_verbatim("")
        print_line(f"-- {purpose}: {ABOUT[purpose]}. Account: {account}", "bold")
        for grant in group:
            for line in textwrap.wrap(grant.why, 110):
                print_verbatim(f"-- {line}")
            if grant.statement:
                print_verbatim(grant.statement)
