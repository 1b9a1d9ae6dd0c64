"""`dsr find --estimate`: tables, bytes, time and load before the first full scan. Nobody is looked for."""

from collections.abc import Sequence
from dataclasses import replace

from dsr_engine.cli.entry import DONE, WAITING
from dsr_engine.cli.terminal import Cell, print_heading, print_json, print_line, print_table
from dsr_engine.domain.errors import DsrError
from dsr_engine.domain.system import System
from dsr_engine.drivers.registry import open_access
from dsr_engine.workflow.estimating import Forecast, forecast

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def show_estimates(systems: Sequence[System], workers: int, *, is_json: bool) -> int:
    """Prints one forecast for each system. Exit code 3 where a system could not be asked."""
    found = [_forecast(system, workers) for system in systems]
    if is_json:
        print_json({"systems": [_document(entry) for entry in found]})
    else:
        for entry, system in zip(found, systems, strict=True):
            _show(entry, system)
    return DONE if not any(entry.reason for entry in found) else WAITING


def _forecast(system: System, workers: int) -> Forecast:
    if system.is_disabled:
        return Forecast(system.name, reason="the system is disabled in systems.yaml")
    try:
        return forecast(replace(system, label="dsr/estimate"), open_access, workers)
    except DsrError as error:
        return Forecast(system.name, reason=str(error))


def _document(entry: Forecast) -> dict[str, object]:
    return {
        "system": entry.system,
        "rows": entry.rows,
        "bytes": entry.size,
        "slices": entry.slices,
        "seconds": None if entry.seconds is None else round(entry.seconds, 1),
        "windows": entry.days,
        "bytes_per_second": round(entry.speed),
        "connections": entry.connections,
        "longest_transaction_seconds": None if entry.snapshot is None else round(entry.snapshot, 1),
        "reason": entry.reason,
        "collections": [
            {"collection": one.collection, "rows": one.rows, "bytes": one.size, "slices": one.slices, "reason": one.reason}
            for one in entry.collections
        ],
    }


def _show(entry: Forecast, system: System) -> None:
    print_heading(f"{entry.system}: what a full search reads")
    if entry.reason:
        print_line(f"  not estimated: {entry.reason}", "yellow")
        return
    ordered = sorted(entry.collections, key=lambda one: (one.slices == 0, -(one.size or 0), one.collection))
    rows: list[dict[str, Cell]] = [
        {
            "collection": one.collection,
            "rows": _count(one.rows) if one.slices else "",
            "size": size_of(one.size) if one.slices else "",
            "slices": one.slices,
            "reason": one.reason,
        }
        for one in ordered
    ]
    columns = {"collection": "collection", "rows": "rows, about", "size": "size", "slices": "slices", "reason": "not, or not wholly, because"}
    print_table(rows, columns, empty="there is nothing to search")
    print_line(f"\n  together  {_count(entry.rows)} rows, {size_of(entry.size)} in {entry.slices} slices")
    print_line(f"  time      {_time(entry, system)}")
    print_line(f"  load      up to {entry.connections} connections; the longest transaction about {time_of(entry.snapshot)}")
    if entry.unknown:
        print_line(f"  unknown   the server knows no size of {', '.join(entry.unknown)}: run ANALYZE there, else the time is too short", "yellow")


def _time(entry: Forecast, system: System) -> str:
    if entry.seconds is None:
        return "unknown: there was nothing to measure by"
    text = f"about {time_of(entry.seconds)} at {size_of(round(entry.speed))}/s"
    limit = system.pace.bytes_per_second
    text += ", which one connection reads and searches now" if limit is None or entry.speed >= entry.throughput else ", the limit of systems.yaml"
    if system.pace.window is not None:
        text += f"; in {entry.days} {'opening' if entry.days == 1 else 'openings'} of the window {system.pace.window}"
    return text


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def size_of(number: int | None) -> str:
    """Bytes in a unit that people read."""
    if number is None:
        return "?"
    amount, unit = float(number), 0
    while amount >= 1000 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:,.0f} {_UNITS[unit]}" if unit == 0 or amount >= 100 else f"{amount:.1f} {_UNITS[unit]}"


def time_of(seconds: float | None) -> str:
    """A length of time, roughly."""
    if seconds is None:
        return "unknown"
    if seconds < 1:
        return "less than a second"
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
