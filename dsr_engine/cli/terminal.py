"""What people see on a terminal or in a log: progress, tables, JSON. Standard output carries results, standard error everything else."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

_pace = logging.getLogger("dsr_engine.pace")

Cell = str | int | bool | None
#: A column that is folded into fewer characters is deciphered, not read.
_LEAST = 16


class _Aloud(logging.Handler):
    """Shows what drivers have to say (that a search stands still, and why) between the bars."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(Text(record.getMessage(), style="yellow"))


class Terminal:
    """Progress bars on a terminal, plain lines in a log. A context: leaving it gives the terminal back."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Bars(*columns, console=self._console, transient=True)
        self._aloud = _Aloud(self._console)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
            _pace.addHandler(self._aloud)
            _pace.propagate = False
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars is not None:
            self._bars.stop()
            _pace.removeHandler(self._aloud)
            _pace.propagate = True

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
    """A line of prose; where the terminal is narrower it goes on under its own beginning."""
    indent = len(text) - len(text.lstrip(" "))
    _out().print(Padding(Text(text[indent:], style=style), (0, 0, 0, indent), expand=False))


def print_verbatim(text: str) -> None:
    """A line that people copy, such as a command or a path: only the terminal itself breaks it."""
    _out().print(Text(text), soft_wrap=True)


def print_table(rows: Sequence[Mapping[str, Cell]], columns: Mapping[str, str], *, empty: str) -> None:
    """A table of the columns (key → heading) that any row fills; `empty` is said where there is no row.

    Where the terminal is too narrow for it, each row becomes a paragraph.
    """
    if not rows:
        print_line(f"  {empty}", "dim")
        return
    used = {key: heading for key, heading in columns.items() if any(row.get(key) not in (None, "") for row in rows)}
    widths = {key: max(cell_len(heading), *(cell_len(_cell(row.get(key))) for row in rows)) for key, heading in used.items()}
    if sum(min(width, _LEAST) for width in widths.values()) + 3 * (len(used) - 1) > _out().width:
        _print_paragraphs(rows, used, widths)
        return
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    for key, heading in used.items():
        is_number = all(isinstance(row.get(key), int | None) for row in rows)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold", no_wrap=widths[key] <= _LEAST)
    for row in rows:
        table.add_row(*(_text(row.get(key)) for key in used))
    _out().print(table)


def _print_paragraphs(rows: Sequence[Mapping[str, Cell]], columns: Mapping[str, str], widths: Mapping[str, int]) -> None:
    """Short cells in one line, each long one in a line of its own under it."""
    out = _out()
    for row in rows:
        out.print(Text("  ").join(_text(row.get(key)) for key in columns if widths[key] <= _LEAST and row.get(key) not in (None, "")))
        for key, heading in columns.items():
            if widths[key] > _LEAST and row.get(key) not in (None, ""):
                out.print(Padding(Text(f"{heading}: ", "dim") + _text(row.get(key)), (0, 0, 0, 4)))


def _text(value: Cell) -> Text:
    """Text, not markup: names of systems may hold square brackets."""
    return Text(_cell(value), style=_STYLES.get(str(value), ""), overflow="fold")


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
