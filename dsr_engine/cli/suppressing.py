"""`dsr suppress`: keeps erased people from being taken in again, without telling anybody who they are."""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import click

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.options import as_json, by_whom, claims_from, house_of, person_options
from dsr_engine.cli.terminal import print_json, print_line, print_table
from dsr_engine.content.format import Opener
from dsr_engine.domain.errors import InputWrong
from dsr_engine.spec.selector_kinds import check_kind
from dsr_engine.workflow.staying_erased.screening import Screened, drop_rows, read_lines, screen
from dsr_engine.workflow.staying_erased.suppressing import REASONS, activity, destroy_keys, rotate_key
from dsr_engine.workflow.staying_erased.suppressing import lift as lift_digests
from dsr_engine.workflow.wiping import wipe

_SHOWN = 20


@click.group()
def suppress() -> None:
    """Keep erased people from being taken in again; the list can be asked and never read."""


@suppress.command()
@click.argument("file", metavar="FILE")
@click.option("--column", "columns", multiple=True, metavar="KIND=COLUMN", help="Which column holds which identifier, e.g. email=E-Mail; repeatable.")
@click.option("--drop", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path), help="Write the file without these rows to OUT.")
@click.option("--force", is_flag=True, help="OUT may be there already, and is replaced.")
@by_whom
@as_json
@click.pass_context
def check(context: click.Context, file: str, columns: tuple[str, ...], drop: Path | None, force: bool, by: str, is_json: bool) -> int:
    """Tells which rows of FILE (`-`: standard input) are of people who were erased. Exit code 3: some are, or not all could be looked at."""
    named = _columns(columns)
    if drop is not None and drop.exists() and not force:
        raise InputWrong(f"{drop} is there already", code="option.out", hint="name another file, or add --force")
    with _opened(file) as (open_file, name), house_of(context) as house:
        found = screen(house, open_file, name, named, by)
        if drop is not None:
            drop_rows(open_file, name, found, drop)
    if is_json:
        print_json({"lines": found.lines, "rows": list(read_lines(found)), "not_looked_at": found.gaps, "written": str(drop) if drop else None})
    else:
        _tell(found, drop)
    return WAITING if found.gaps or (found.rows and drop is None) else DONE


def _tell(found: Screened, drop: Path | None) -> None:
    rows = list(read_lines(found))
    print_line(f"{len(rows)} of {found.lines} line(s) are of people who were erased, or who opted out")
    if rows:
        print_table(rows[:_SHOWN], {"row": "row", "how": "recognised by"}, empty="")
    if len(rows) > _SHOWN:
        print_line(f"  and {len(rows) - _SHOWN} more; --json names all of them")
    for gap in dict.fromkeys(found.gaps):
        print_line(f"not looked at: {gap}", "yellow")
    if drop is not None:
        print_line(f"written without these rows: {drop}")
    elif rows:
        print_line("  next: the same with --drop OUT writes the file without them")


def _columns(given: Sequence[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for text in given:
        kind, equals, column = text.partition("=")
        if not equals or not column.strip():
            raise InputWrong("--column takes KIND=COLUMN", code="option.column", hint="for instance --column email=E-Mail")
        if check_kind(kind.strip()) in columns:
            raise InputWrong(f"two columns for {kind.strip()}", code="option.column", hint="name one column for each kind, or none at all")
        columns[kind.strip()] = column.strip()
    return columns


class _Part(io.RawIOBase):
    """A file that is read by place, so that many readers share one descriptor: the copy of standard input has no name."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor, self._at = descriptor, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = os.pread(self._descriptor, size if size >= 0 else os.fstat(self._descriptor).st_size - self._at, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: os.fstat(self._descriptor).st_size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at


@contextmanager
def _opened(file: str) -> Iterator[tuple[Opener, str]]:
    """Opens the file as often as it is asked for. Standard input is copied into a file without a name, which goes with the process."""
    if file != "-":
        path = Path(file)
        if not path.is_file():
            raise InputWrong(f"there is no file {file}", code="option.file", hint="`-` reads standard input")
        yield (lambda: path.open("rb")), path.name
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield (lambda: cast("BinaryIO", _Part(copy.fileno()))), "stdin"


@suppress.command()
@person_options
@click.option("--because", type=click.Choice(REASONS), required=True, help="Why the person may be taken in again.")
@by_whom
@click.pass_context
def lift(
    context: click.Context,
    emails: tuple[str, ...],
    phones: tuple[str, ...],
    names: tuple[str, ...],
    selectors: tuple[str, ...],
    because: str,
    by: str,
) -> int:
    """Removes what is kept of a person who came back, or who wants it so. Later looks for them end."""
    with house_of(context) as house:
        removed = lift_digests(house, claims_from(emails, phones, names, selectors), because, by)
        wipe(house)
    print_line(f"{removed} digest(s) are removed" if removed else "nothing is kept under these identifiers")
    return DONE


@suppress.command("rotate-key")
@by_whom
@click.pass_context
def rotate(context: click.Context, by: str) -> int:
    """Makes a new key for what comes from now on. The old one goes with the last digest under it."""
    with house_of(context) as house:
        name = rotate_key(house, by)
    print_line(f"new digests are made under key {name}")
    return DONE


@suppress.command("destroy-key")
@click.option("--yes", is_flag=True, help="You know that nobody can be kept out, or erased again after a restored backup, from then on.")
@by_whom
@click.pass_context
def destroy(context: click.Context, yes: bool, by: str) -> int:
    """Removes all digests and destroys their keys: nobody can be linked to anything any more."""
    if not yes:
        click.confirm(
            "Imports cannot be checked from then on, objections to marketing are forgotten, and after a restored backup nobody knows whom to erase "
            "again once their case is forgotten. Destroy the keys?",
            abort=True,
        )
    with house_of(context) as house:
        removed = destroy_keys(house, by)
    print_line(f"{removed} digest(s) are removed and their keys destroyed")
    return DONE


@suppress.command()
@as_json
@click.pass_context
def about(context: click.Context, is_json: bool) -> int:
    """Tells what is kept, why, and until when: for the record of processing activities. Never of whom."""
    with house_of(context) as house, house.store.snapshot() as tx:
        rows = activity(tx)
    if is_json:
        print_json(list(rows))
    else:
        columns = {"activity": "activity", "purpose": "purpose", "legal_basis": "basis", "digests": "digests", "erased_by": "last one ends"}
        print_table(rows, columns, empty="nothing is kept of anybody")
    return DONE
