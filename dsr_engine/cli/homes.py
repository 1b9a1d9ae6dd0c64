"""`dsr init`, `dsr check` and `dsr catalog`: a home, what is wrong with it, and the words that may stand in it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from dsr_engine.bootstrap import BUNDLE, Home, create_home, keep_checks, read_home
from dsr_engine.certificate.keys import fingerprint
from dsr_engine.certificate.letter import languages
from dsr_engine.certificate.trust import read_bundle
from dsr_engine.cli.entry import DONE, WAITING, WRONG
from dsr_engine.cli.options import as_json, system_options, systems_from
from dsr_engine.cli.posting import mail_checked
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table
from dsr_engine.domain.clock import SystemClock
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.regime import Regime
from dsr_engine.drivers.registry import open_driver
from dsr_engine.settings import find_home
from dsr_engine.shipped import shipped
from dsr_engine.spec.catalog import Entry
from dsr_engine.spec.catalog import catalog as words_of
from dsr_engine.spec.home import Declared, load_manifests, load_regimes
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.workflow.law.deadlines import is_stale
from dsr_engine.workflow.staying_erased.suppressing import backup_notes
from dsr_engine.workflow.systems.health import Told, told_by


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--controller", default="Example Ltd", show_default=True, help="The controller's name, as it stands on certificates.")
def init(directory: Path, controller: str) -> int:
    """Makes a new DSR_HOME in DIR."""
    create_home(directory, controller)
    bundle = read_bundle(directory / BUNDLE)
    print_line(f"{directory} is ready.")
    print_line(f"  next: name your systems in {directory / 'systems.yaml'}, put a policy into {directory / 'policies'}, then `dsr check`.")
    print_line("  before anything can be erased, somebody says that legal holds were reviewed: `dsr hold attest`")
    print_line()
    print_line("A local certificate authority was made for it. Only who has the trust bundle can trust its certificates:")
    print_line(f"  hand {directory / BUNDLE} to your auditors by a way that they trust, and let them compare")
    for certificate in bundle.ca:
        print_line(f"  SHA-256 {fingerprint(certificate)}")
    print_line(f"Keep {directory / 'keys'} out of the database's backups: forgetting a person means destroying keys in it.")
    return DONE


@click.command()
@system_options
@click.option("--allow-gaps", is_flag=True, help="Data without a rule and rules without a period are warnings, not errors.")
@as_json
@click.pass_context
def check(context: click.Context, urls: tuple[str, ...], endpoint_url: str | None, allow_gaps: bool, is_json: bool) -> int:
    """Checks every file, then every connection and permission. Exit code 2: a file is wrong; 3: a system cannot be used."""
    warnings: tuple[str, ...] = ()
    named = systems_from(urls, endpoint_url)
    found = {system.name: told_by(system, open_driver) for system in named}
    if not named:
        try:
            home = read_home(find_home(context.find_root().obj, os.environ, Path.cwd()), os.environ, allow_gaps=allow_gaps)
        except SpecWrong as wrong:
            _show_problems(wrong, is_json)
            return WRONG
        found = {system.name: told_by(system, open_driver) for system in home.declared.systems.values()}
        laws = (*_stale(home.declared.regimes), *_not_in_force(home.declared))
        warnings = (*(str(problem) for problem in home.declared.warnings), *laws, *_long_backups(home.declared), *_kept(home, found))
    rows = [row for name, told in found.items() for row in _rows(name, told)]
    rows += mail_checked(home.settings) if not named else []
    is_usable = not any(row["fatal"] for row in rows)
    if is_json:
        print_json({"files": "ok", "warnings": list(warnings), "systems": rows, "ok": is_usable})
    else:
        for warning in warnings:
            print_line(f"warning: {warning}", "yellow")
        print_heading("Systems")
        columns = {"system": "system", "state": "state", "message": "what", "hint": "what to do"}
        print_table(rows, columns, empty="no system is declared")
    if any(row["wrong_file"] for row in rows):
        return WRONG
    return DONE if is_usable else WAITING


def _stale(regimes: Mapping[str, Regime]) -> Iterator[str]:
    """A law changes without telling anybody, so its file has to be held against it now and then."""
    today = SystemClock().now().date()
    for regime in regimes.values():
        if is_stale(regime, today):
            yield f"{regime.source.file}: nobody held it against the law since {regime.checked_on}; do so, mend it, and set `checked_on`"


def _not_in_force(declared: Declared) -> Iterator[str]:
    """Laws that a policy names and under which no request of today could be opened."""
    today = SystemClock().now().date()
    for policy in declared.policies.values():
        for regime in (declared.regimes[name] for name in policy.regimes):
            if today < regime.valid_from:
                yield f"{policy.source.file}: {regime.name} applies from {regime.valid_from} on; no case is opened under it for a request from before"
            elif regime.valid_to is not None and today > regime.valid_to:
                yield f"{policy.source.file}: {regime.name} applied until {regime.valid_to}; name the law that came after it"


def _long_backups(declared: Declared) -> Iterator[str]:
    """Backups that live longer than a law allows under which cases are opened here."""
    names = {name for policy in declared.policies.values() for name in policy.regimes}
    yield from backup_notes([regime for name, regime in declared.regimes.items() if name in names], declared.systems.values())


def _show_problems(wrong: SpecWrong, is_json: bool) -> None:
    if is_json:
        print_json({"files": "wrong", "problems": [str(problem) for problem in wrong.problems], "ok": False})
        return
    for problem in wrong.problems:
        click.echo(str(problem), err=True)


Row = dict[str, str | int | bool | None]


def _kept(home: Home, found: Mapping[str, tuple[Told, ...]]) -> Iterator[str]:
    """Lets the pages of the systems say what the check found; a check tells that on a terminal all the same where the store cannot be reached."""
    try:
        keep_checks(home, found)
    except DsrError as error:
        yield f"the pages of the systems do not show this check: {error.message}"


def _rows(system: str, told: tuple[Told, ...]) -> list[Row]:
    ready = [_row(system, None)] if all(entry.is_note for entry in told) else []
    return ready + [_row(system, entry) for entry in told]


def _row(system: str, told: Told | None) -> Row:
    if told is None:
        return {"system": system, "state": "ready", "message": "", "hint": "", "code": "", "fatal": False, "wrong_file": False}
    return {
        "system": system,
        "state": "cannot be used" if told.is_fatal else "note" if told.is_note else "warning",
        "message": told.message,
        "hint": told.hint,
        "code": told.code,
        "fatal": told.is_fatal,
        "wrong_file": told.is_file,
    }


@click.command()
@as_json
def catalog(is_json: bool) -> int:
    """Lists every word that may stand in a policy, a connector or a systems file."""
    sections = words_of(load_manifests(shipped("connectors")), load_regimes(shipped("policies") / "regimes"))
    tables = {heading: [_word(entry) for entry in entries] for heading, entries in sections.items()}
    tables["languages_of_letters"] = [{"word": language, "about": f"templates/letters/{language}"} for language in languages()]
    if is_json:
        print_json(tables)
        return DONE
    for heading, rows in tables.items():
        print_heading(heading.replace("_", " ").capitalize())
        print_table(rows, {"word": "word", "about": "what it means"}, empty="")
    return DONE


def _word(entry: Entry) -> Row:
    return {"word": entry.name, "about": f"{entry.about} (not yet)" if entry.later else entry.about, "later": entry.later}
