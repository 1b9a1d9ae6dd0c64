"""`dsr copy`: the copy of a person's data that the rights of access and of portability ask for, from the search to the file."""

from pathlib import Path

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, house_of
from dsr_engine.cli.terminal import print_heading, print_json, print_line, print_table
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.finding import Extent
from dsr_engine.workflow.access.beginning import begin_copy, search_again
from dsr_engine.workflow.access.choosing import BLACKEN, EXCLUDE, REASONS
from dsr_engine.workflow.access.copying import copy_of
from dsr_engine.workflow.access.reviewing import Review, naming_others, release, review_of, take_back, treat_record

_TREATMENTS = {"give": "", "hide-others": BLACKEN, "leave-out": EXCLUDE}


@click.group()
def copy() -> None:
    """Answer requests for access and portability with a copy of the data."""


@copy.command()
@click.argument("case_id", metavar="CASE")
@click.option("--system", "systems", multiple=True, metavar="NAME", help="Only these systems; all that are declared if left out.")
@by_whom
@click.pass_context
def begin(context: click.Context, case_id: str, systems: tuple[str, ...], by: str) -> int:
    """Lets the engine search for the copy; nothing is changed anywhere. `dsr case run CASE` goes on from there."""
    with house_of(context) as house:
        begin_copy(house, case_id, by, systems)
    print_line(f"begun; next: dsr case run {case_id}")
    return DONE


@copy.command()
@click.argument("case_id", metavar="CASE")
@as_json
@click.pass_context
def show(context: click.Context, case_id: str, is_json: bool) -> int:
    """Shows by counts what was found and what still keeps the copy back. Exit code 3: it may not be fetched."""
    with house_of(context) as house:
        review = review_of(house, case_id)
    if is_json:
        print_json(_document(review))
    else:
        _show(review)
    return DONE if review.is_released else WAITING


@copy.command()
@click.argument("case_id", metavar="CASE")
@click.option("--after", default="", metavar="FINDING", help="Go on after this one.")
@click.pass_context
def naming(context: click.Context, case_id: str, after: str) -> int:
    """Lists records of the person's own that may name other people, by number and place; a browser shows them masked."""
    with house_of(context) as house:
        found = naming_others(house, case_id, after)
    rows: list[dict[str, str | int | bool | None]] = [
        {
            "finding": entry.id,
            "where": f"{entry.finding.locator.system}.{entry.finding.locator.collection}",
            "treated": found.known[entry.id].treatment or "give",
        }
        for entry in found.records
    ]
    print_table(rows, {"finding": "finding", "where": "where", "treated": "how it is given"}, empty="none seems to name anybody else")
    if found.after:
        print_line(f"there are more: --after {found.after}")
    return DONE


@copy.command()
@click.argument("case_id", metavar="CASE")
@click.option("--finding", required=True, metavar="ID", help="The record, as `dsr copy naming` lists it.")
@click.option("--as", "how", type=click.Choice(tuple(_TREATMENTS)), required=True, help="Whole, without what names others, or not at all.")
@click.option("--reason", type=click.Choice(REASONS), help="Why it is not given whole; the copy says so.")
@by_whom
@click.pass_context
def treat(context: click.Context, case_id: str, finding: str, how: str, reason: str | None, by: str) -> int:
    """Says how one record is given."""
    with house_of(context) as house:
        treat_record(house, case_id, finding, _TREATMENTS[how], reason or "", by)
    print_line("noted")
    return DONE


@copy.command(name="release")
@click.argument("case_id", metavar="CASE")
@by_whom
@click.pass_context
def release_(context: click.Context, case_id: str, by: str) -> int:
    """Lets the copy be fetched for thirty days, by you and by the requester in the portal. You answer for it that it holds nobody else's data."""
    with house_of(context) as house:
        release(house, case_id, by)
    print_line(f"released; next: dsr copy fetch {case_id} --out copy.zip")
    return DONE


@copy.command(name="take-back")
@click.argument("case_id", metavar="CASE")
@by_whom
@click.pass_context
def take_back_(context: click.Context, case_id: str, by: str) -> int:
    """Holds a released copy back again; what was fetched already is out of anybody's hands."""
    with house_of(context) as house:
        take_back(house, case_id, by)
    print_line("held back")
    return DONE


@copy.command()
@click.argument("case_id", metavar="CASE")
@by_whom
@click.pass_context
def again(context: click.Context, case_id: str, by: str) -> int:
    """Searches anew, where data changed since; records have to be decided about anew."""
    with house_of(context) as house:
        search_again(house, case_id, by)
    print_line(f"next: dsr case run {case_id}")
    return DONE


@copy.command()
@click.argument("case_id", metavar="CASE")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", required=True, help="The new file (copy.zip).")
@click.option("--language", metavar="CODE", default="", help="The language of its texts; that of the letters if left out.")
@by_whom
@click.pass_context
def fetch(context: click.Context, case_id: str, out: Path, language: str, by: str) -> int:
    """Makes the copy from the systems and writes it to a new file that only you can read. The engine keeps nothing of it."""
    if out.exists():
        raise InputWrong(f"{out} is there already", code="export.exists", hint="choose another name; nothing was changed")
    draft = out.with_name(out.name + ".part")
    with house_of(context) as house:
        pieces = copy_of(house, case_id, language, by)
        draft.touch(mode=0o600)
        try:
            with draft.open("wb") as file:
                file.writelines(pieces)
            draft.replace(out)
        finally:
            draft.unlink(missing_ok=True)
    print_line(f"the copy is in {out}; it holds everything: hand it over in a safe way, then delete it")
    print_line(f"next: dsr case answered {case_id} --outcome … --on DATE, which forgets the person")
    return DONE


def _show(review: Review) -> None:
    for (system, collection), counts in review.groups.items():
        print_line(f"  {system}.{collection}: " + ", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    if not review.groups:
        print_line("nothing was found so far")
    gaps = [row for row in review.coverage if row.extent is not Extent.FULL]
    if gaps:
        print_heading("Not searched, or not wholly; the copy says so")
        for row in gaps:
            print_line(f"  {row.system}.{row.collection}: {row.reason}")
    print_heading("What keeps it back")
    case = review.case
    for line in _holds(review):
        print_line(f"  {line}")
    if review.is_released and review.ends_at is not None:
        times = review.state.fetched if review.state else 0
        print_line(f"  nothing: it was released, can be fetched until {review.ends_at:%Y-%m-%d}, and was fetched {times} times")
    elif not review.is_searched:
        print_line("  nothing was searched yet: " + (case.wait.needs if case.wait else f"dsr case run {case.id}"))
    else:
        print_line(f"  nobody released it: dsr copy release {case.id}")


def _holds(review: Review) -> list[str]:
    said = [f"undecided: {review.undecided} possible findings; dsr case decide, or a browser, which shows them masked"] if review.undecided else []
    if review.weak is not None:
        said.append(f"{review.weak.reason}: {review.weak.needs}")
    if review.naming > review.looked:
        said.append(
            f"{review.naming - review.looked} records that may name others were not looked at (that alone keeps nothing back): dsr copy naming"
        )
    return said


def _document(review: Review) -> dict[str, object]:
    return {
        "case": review.case.id,
        "searched": review.is_searched,
        "released": review.is_released,
        "until": review.ends_at.isoformat() if review.ends_at else None,
        "fetched": review.state.fetched if review.state else 0,
        "undecided": review.undecided,
        "naming_others": review.naming,
        "looked_at": review.looked,
        "treated": dict(review.treated),
        "found": [{"system": system, "collection": collection, **counts} for (system, collection), counts in review.groups.items()],
        "gaps": [
            {"system": row.system, "collection": row.collection, "reason": row.reason} for row in review.coverage if row.extent is not Extent.FULL
        ],
    }
