"""What people see on a terminal or in a log: progress, tables, JSON. Standard output carries results, standard error everything else."""

import json
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

Cell = str | int | bool | None


class Terminal:
    """Progress bars on a terminal, plain lines in a log. A context: leaving it gives the terminal back."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Bars(*columns, console=self._console, transient=True)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()

    def begin(self, what: str, total: int | None) -> None:
        if self._bars is not None:
            self._tasks[what] = self._bars.add_task(what, total=total)
        else:
            click.echo(f"{what}: 0 of {'?' if total is None else total}", err=True)

    def advance(self, what: str, steps: int = 1) -> None:
        if self._bars is not None and what in self._tasks:
            self._bars.advance(self._tasks[what], steps)

    def end(self, what: str) -> None:
        if self._bars is not None and what in self._tasks:
            self._bars.remove_task(self._tasks.pop(what))
        elif self._bars is None:
            click.echo(f"{what}: done", err=True)


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    is_utf = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    click.echo(json.dumps(document, indent=2, ensure_ascii=not is_utf))


def print_heading(text: str) -> None:
    _out().print(Text(f"\n{text}", style="bold"))


def print_line(text: str = "", style: str = "") -> None:
    _out().print(Text(text, style=style))


def print_table(rows: Sequence[Mapping[str, Cell]], columns: Mapping[str, str], *, empty: str) -> None:
    """A table of the columns (key → heading) that any row fills; `empty` is said where there is no row."""
    if not rows:
        print_line(f"  {empty}", "dim")
        return
    used = {key: heading for key, heading in columns.items() if any(row.get(key) not in (None, "") for row in rows)}
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    for key, heading in used.items():
        is_number = all(isinstance(row.get(key), int | None) for row in rows)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        # Text, not markup: names of systems may hold square brackets.
        table.add_row(*(Text(_cell(row.get(key)), style=_STYLES.get(str(row.get(key)), "")) for key in used))
    _out().print(table)


_STYLES = {"none": "red", "partial": "yellow", "drifted": "yellow", "failed": "red", "possible": "yellow"}


def _cell(value: Cell) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _out() -> Console:
    """A console on today's standard output; wide in a log, where nobody folds lines."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = 160
    return console
