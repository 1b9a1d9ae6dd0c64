"""Options that several commands share, and how what they say becomes selectors, systems and a house."""

import getpass
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from dsr_engine.bootstrap import Home, opened, read_home
from dsr_engine.cli.terminal import Terminal
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.policy import Policy
from dsr_engine.domain.selector import Secret, Selector
from dsr_engine.domain.system import System
from dsr_engine.settings import find_home
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.spec.url import BUCKETS, system_from_url
from dsr_engine.workflow.claims import refuse_unusable
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim

_Command = TypeVar("_Command", bound=Callable[..., Any])

as_json = click.option("--json", "is_json", is_flag=True, help="Print one JSON document instead of tables.")
by_whom = click.option("--by", metavar="NAME", default=getpass.getuser, show_default="you", help="Who does this; the store keeps a random id for it.")


def person_options(command: _Command) -> _Command:
    """--email, --phone, --name and --selector KIND=VALUE, each repeatable."""
    for option in (
        click.option("--selector", "selectors", multiple=True, metavar="KIND=VALUE", help="Any other identifier, e.g. customer_id=17."),
        click.option("--name", "names", multiple=True, help="A name; alone it gives possible findings only."),
        click.option("--phone", "phones", multiple=True, help="A telephone number; alone it gives possible findings only."),
        click.option("--email", "emails", multiple=True, help="An e-mail address."),
    ):
        command = option(command)
    return command


def system_options(command: _Command) -> _Command:
    """--in URL, repeatable, and --endpoint-url for S3-compatible stores."""
    for option in (
        click.option("--endpoint-url", metavar="URL", help="For buckets that are not at the cloud's own address."),
        click.option(
            "--in",
            "urls",
            multiple=True,
            metavar="URL",
            help="postgresql://, mysql://, sqlite:///, imap(s)://, maildir:, mbox:, eml:, s3://, az://, gs://, or a path.",
        ),
    ):
        command = option(command)
    return command


def claims_from(emails: Sequence[str], phones: Sequence[str], names: Sequence[str], selectors: Sequence[str]) -> tuple[Claim, ...]:
    """The identifiers that were given. Raises `InputWrong`, without repeating a value."""
    claims = [Claim("email", Secret(value)) for value in emails]
    claims += [Claim("phone", Secret(value)) for value in phones]
    claims += [Claim("name", Secret(value)) for value in names]
    for text in selectors:
        kind, equals, value = text.partition("=")
        if not equals:
            raise InputWrong("--selector takes KIND=VALUE", code="option.selector", hint="for instance --selector customer_id=17")
        claims.append(Claim(check_kind(kind.strip()), Secret(value)))
    if not claims:
        raise InputWrong(
            "no identifier was given", code="case.no_selector", hint="name at least one: --email, --phone, --name or --selector KIND=VALUE"
        )
    for claim in claims:
        refuse_unusable(claim)
    return tuple(claims)


def selectors_from(claims: Sequence[Claim]) -> tuple[Selector, ...]:
    """Selectors for a search without a case; the operator vouches for them."""
    return tuple(Selector(secrets.token_hex(6), claim.kind, claim.value, verified=True) for claim in claims)


def systems_from(urls: Sequence[str], endpoint_url: str | None) -> tuple[System, ...]:
    """The systems behind --in, under different names."""
    if endpoint_url is not None and not endpoint_url.startswith(("http://", "https://")):
        raise InputWrong("--endpoint-url is not a URL", code="option.endpoint", hint="it begins with http:// or https://")
    systems: list[System] = []
    for url in urls:
        if not url.strip():
            # An empty path is the working folder: a variable that is not set must not decide where somebody is erased.
            raise InputWrong("--in was given nothing", code="option.in", hint="name a URL or a path; `.` is the folder that you are in")
        system = system_from_url(url, endpoint_url=endpoint_url if url.startswith(BUCKETS) else None, environment=os.environ)
        taken = {entry.name for entry in systems}
        number = 2
        name = system.name
        while name in taken:
            name, number = f"{system.name}-{number}", number + 1
        systems.append(replace(system, name=name))
    if endpoint_url and not any(url.startswith(BUCKETS) for url in urls):
        raise InputWrong(
            "--endpoint-url is for buckets (s3://, az://, gs://), and none is named", code="option.endpoint", hint="add --in s3://bucket/prefix"
        )
    return tuple(systems)


def home_of(context: click.Context, *, allow_gaps: bool = False) -> Home:
    """The home that the options, the environment or the folder name."""
    given = context.find_root().obj
    return read_home(find_home(given, os.environ, Path.cwd()), os.environ, allow_gaps=allow_gaps)


@contextmanager
def house_of(context: click.Context, *, systems: Sequence[System] = (), policy: Policy | None = None, allow_gaps: bool = True) -> Iterator[House]:
    """The house of that home, with progress on the terminal.

    Gaps in policies were `dsr check`'s matter; a found field that no rule covers blocks its own plan.
    """
    home = home_of(context, allow_gaps=allow_gaps)
    with Terminal() as terminal, opened(home, systems=systems, policy=policy, progress=terminal) as house:
        yield house


def worker_name() -> str:
    """A name that no other worker has."""
    return f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(3)}"
