"""`dsr map`: drafts a connector from a live database, a bucket, a folder, or a fides dataset file, for a human to correct."""

import os
from pathlib import Path

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, home_of, systems_from
from dsr_engine.cli.terminal import Terminal, print_json
from dsr_engine.domain.errors import InputWrong, NotSupported
from dsr_engine.domain.system import System
from dsr_engine.drivers.registry import open_surveyor
from dsr_engine.workflow.drafting.draft import Draft
from dsr_engine.workflow.drafting.drafting import continued, draft_from, merged
from dsr_engine.workflow.drafting.fides import fides_draft
from dsr_engine.workflow.drafting.json_form import as_document
from dsr_engine.workflow.drafting.picture import svg_of
from dsr_engine.workflow.drafting.survey import MOST_SAMPLE, SAMPLE
from dsr_engine.workflow.drafting.yaml_text import yaml_of

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("map")
@click.argument("name", metavar="[SYSTEM]", required=False)
@click.option(
    "--in", "url", metavar="URL", help="What no file declares: postgresql://, mysql://, sqlite:///, s3://, the path of a database or folder."
)
@click.option("--endpoint-url", metavar="URL", help="Where the S3 compatible store of --in s3:// answers.")
@click.option("--from-fides", "fides", type=_FILE, help="Begin with what a fides dataset file declares; alone, or put together with a database.")
@click.option("--out", type=_FILE, help="Write the connector here; else it is printed.")
@click.option("--svg", type=_FILE, help="Draw the collections and their links into this file.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@click.option("--sample", type=click.IntRange(10, MOST_SAMPLE), default=SAMPLE, show_default=True, help="Different values of each field to look at.")
@click.option("--full", "is_full", is_flag=True, help="Read every file of a bucket or folder to its end, not a sample.")
@as_json
@click.pass_context
def map_(
    context: click.Context,
    name: str | None,
    url: str | None,
    fides: Path | None,
    out: Path | None,
    svg: Path | None,
    force: bool,
    sample: int,
    is_full: bool,
    endpoint_url: str | None,
    is_json: bool,
) -> int:
    """Drafts a connector for a declared SYSTEM or for what lies at --in URL: keys, links, categories, whose a record is, each with its reason.

    Of a bucket or folder it tells which collections its files make, which columns they have, and what stands in texts. Reads a bounded number of rows
    and files (all of them with --full), changes nothing, and writes no value that it saw. What is doubtful stands in comments. Exit code 3: something
    could not be looked at, and the draft says what.
    """
    for path in (out, svg):
        if path is not None and path.exists() and not force:
            raise InputWrong(f"{path} exists already", code="map.exists", hint="choose another file, or overwrite it with --force")
    system = _system(context, name, url, endpoint_url)
    if system is None and fides is None:
        raise InputWrong("nothing to draft from", code="map.nothing", hint="name a SYSTEM, --in URL, or --from-fides FILE")
    draft = _draft(system, fides, sample, is_full=is_full)
    if svg is not None:
        svg.write_text(svg_of(draft), encoding="utf-8")
    _give(draft, out, is_json)
    return WAITING if draft.gaps else DONE


def _system(context: click.Context, name: str | None, url: str | None, endpoint_url: str | None) -> System | None:
    if name is not None and url is not None:
        raise InputWrong("a SYSTEM and --in URL at once", code="map.both", hint="name one of them")
    if url is not None:
        return systems_from((url,), endpoint_url)[0]
    if name is None:
        return None
    systems = home_of(context, allow_gaps=True).declared.systems
    if name not in systems:
        raise InputWrong(f"system {name} is not declared", code="system.unknown", hint=f"one of {', '.join(systems) or 'none'}, or --in URL")
    return systems[name]


def _draft(system: System | None, fides: Path | None, sample: int, *, is_full: bool) -> Draft:
    given = fides_draft(fides) if fides is not None else None
    if system is None:
        assert given is not None
        return given
    live = _live(system, sample, is_full=is_full)
    return live if given is None else merged(given, live)


def _live(system: System, sample: int, *, is_full: bool) -> Draft:
    surveyor = open_surveyor(system, is_full=is_full)
    if surveyor is None:
        raise NotSupported(
            f"{system.name}: {'all of it cannot be read for' if is_full else 'a connector cannot be drafted from'} a system of the driver "
            f"{system.manifest.driver}",
            code="map.not_supported",
            hint="--full is for buckets and folders"
            if is_full
            else "only databases, buckets and folders can be asked for their shape; write the connector by hand, or begin with --from-fides FILE",
        )
    try:
        with Terminal() as terminal:
            return continued(system.manifest, draft_from(surveyor, system, sample, terminal))
    finally:
        surveyor.close()


def _give(draft: Draft, out: Path | None, is_json: bool) -> None:
    text = yaml_of(draft)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        click.echo(
            f"{out} is written: {_summary(draft)}{os.linesep}  read it, correct it, put it into connectors/ of your home, then `dsr check`", err=True
        )
    if is_json:
        print_json(as_document(draft))
    elif out is None:
        click.echo(text, nl=False)


def _summary(draft: Draft) -> str:
    personal = sum(1 for entry in draft.collections if any(field.is_personal for field in entry.fields))
    doubts = sum(len(field.suggested) for entry in draft.collections for field in entry.fields)
    unseen = f", {len(draft.gaps)} things that were not looked at" if draft.gaps else ""
    return f"{len(draft.collections)} collections, {personal} with personal data, {doubts} suggestions that need you{unseen}"
