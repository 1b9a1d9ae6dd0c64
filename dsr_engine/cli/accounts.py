"""`dsr user`: who may sign in to the console, from the machine where it runs."""

import sys

import click

from dsr_engine.cli.entry import DONE
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.user import Role, User
from dsr_engine.workflow.house import House
from dsr_engine.workflow.users.accounts import add_user, disable, enable, forget_account, set_password, set_roles
from dsr_engine.workflow.users.factors import REASONS, reset_factors
from dsr_engine.workflow.users.invitations import invite

_ROLES = click.Choice([role.value for role in Role])


@click.group()
def user() -> None:
    """Make, change and disable accounts for the console."""


@user.command()
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True, help="What the person does; repeatable.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@by_whom
@click.pass_context
def add(context: click.Context, name: str, roles: tuple[str, ...], password_stdin: bool, by: str) -> int:
    """Makes an account. Its name is what `--by` calls the same person on the command line. To let them choose the password: `dsr user invite`."""
    password = _password(is_piped=password_stdin)
    with house_of(context) as house:
        made = add_user(house, name, map(Role, roles), by, password=password)
    print_line(f"{made.name} may sign in as {', '.join(made.roles)}")
    return DONE


@user.command("list")
@as_json
@click.pass_context
def list_(context: click.Context, is_json: bool) -> int:
    """Lists the accounts."""
    with house_of(context) as house, house.store.snapshot() as tx:
        invited = tx.users.invitations(house.clock.now())
        rows = [_row(each, is_invited=each.id in invited) for each in tx.users.list()]
    if is_json:
        print_json(rows)
    else:
        print_table(
            rows, {"name": "name", "roles": "roles", "second_factor": "second factor", "state": "state"}, empty="nobody may sign in: `dsr user add`"
        )
    return DONE


@user.command()
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, required=True)
@by_whom
@click.pass_context
def roles(context: click.Context, name: str, roles: tuple[str, ...], by: str) -> int:
    """Gives an account these roles instead of those it had; its sessions end."""
    with house_of(context) as house:
        changed = set_roles(house, _id_of(house, name), map(Role, roles), by)
    print_line(f"{changed.name} is {', '.join(changed.roles)} now")
    return DONE


@user.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it.")
@by_whom
@click.pass_context
def password(context: click.Context, name: str, password_stdin: bool, by: str) -> int:
    """Sets a new password; every session of the account ends."""
    chosen = _password(is_piped=password_stdin)
    with house_of(context) as house:
        set_password(house, _id_of(house, name), chosen, by)
    print_line(f"{name} has a new password")
    return DONE


@user.command("invite")
@click.argument("name")
@click.option("--role", "roles", type=_ROLES, multiple=True, help="What the person does; repeatable. Makes the account if there is none.")
@by_whom
@click.pass_context
def invite_(context: click.Context, name: str, roles: tuple[str, ...], by: str) -> int:
    """Prints a link that works once and for two days, with which the person chooses a password."""
    with house_of(context) as house:
        with house.store.snapshot() as tx:
            found = tx.users.find(name)
        if found is not None and roles:
            raise InputWrong("there is an account of this name", code="user.exists", hint="leave out --role, or change it with `dsr user roles`")
        about = found or (add_user(house, name, map(Role, roles), by) if roles else None)
        if about is None:
            raise InputWrong("there is no such account", code="user.unknown", hint="name a --role to make it")
        link = invite(house, about.id, by)
    print_line(link.reveal())
    return DONE


@user.command("reset-factors")
@click.argument("name")
@click.option("--reason", type=click.Choice(list(REASONS)), required=True, help="Why; the ledger keeps it.")
@by_whom
@click.pass_context
def reset_factors_(context: click.Context, name: str, reason: str, by: str) -> int:
    """Takes every second factor, session and token of an account away; its owner sets a new factor up."""
    with house_of(context) as house:
        changed = reset_factors(house, _id_of(house, name), reason, by)
    print_line(f"{changed.name} has no second factor now")
    return DONE


@user.command("forget")
@click.argument("name")
@by_whom
@click.pass_context
def forget(context: click.Context, name: str, by: str) -> int:
    """Takes an account away for good. What it opened and approved stays, under a random id."""
    with house_of(context) as house:
        forget_account(house, _id_of(house, name), by)
    print_line(f"{name} has no account any more")
    return DONE


@user.command("disable")
@click.argument("name")
@by_whom
@click.pass_context
def disable_(context: click.Context, name: str, by: str) -> int:
    """Ends every session of the account and keeps it from signing in."""
    with house_of(context) as house:
        disable(house, _id_of(house, name), by)
    print_line(f"{name} cannot sign in any more")
    return DONE


@user.command("enable")
@click.argument("name")
@by_whom
@click.pass_context
def enable_(context: click.Context, name: str, by: str) -> int:
    """Lets a disabled account sign in again."""
    with house_of(context) as house:
        enable(house, _id_of(house, name), by)
    print_line(f"{name} may sign in again")
    return DONE


def _row(each: User, *, is_invited: bool) -> dict[str, str | int | bool | None]:
    factors = (["one-time codes"] if each.has_totp else []) + ([f"{each.passkeys} passkey(s)"] if each.passkeys else [])
    return {
        "name": each.name,
        "roles": ", ".join(each.roles),
        "second_factor": ", ".join(factors),
        "state": "disabled" if each.disabled_at else "active" if each.can_sign_in else "invited" if is_invited else "invitation ended",
    }


def _id_of(house: House, name: str) -> str:
    with house.store.snapshot() as tx:
        found = tx.users.find(name)
    if found is None:
        raise InputWrong("there is no such account", code="user.unknown", hint="`dsr user list` names them")
    return found.id


def _password(*, is_piped: bool) -> str:
    if is_piped:
        return sys.stdin.readline().rstrip("\r\n")
    entered: str = click.prompt("password", hide_input=True, confirmation_prompt="again", err=True)
    return entered
