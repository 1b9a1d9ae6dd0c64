"""Charts as SVG, drawn on the server: no script, no inline style, and the same numbers in a table beside each (WCAG 2.2, 1.1.1).

Here are only the places; the elements are written by `templates/web/parts/charts.html`. Lengths are in the units of the view box.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

_WIDTH, _HEIGHT = 480, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 12, 26


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle. `tone` is the class that colours it, `says` what it stands for."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word at a place, or a line across at a height. `anchor` is `start`, `middle` or `end`."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and its table. `lines` are paths of points, `limit` the height of the line that must not be passed (None: there is none)."""

    id: str
    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[tuple[str, str], ...] = ()
    bars: tuple[Bar, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    dots: tuple[Mark, ...] = ()
    limit: Mark | None = None
    ticks: tuple[Mark, ...] = ()
    labels: tuple[Mark, ...] = ()
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT

    @property
    def is_empty(self) -> bool:
        return not self.rows


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers for each label; None where nothing is known. `tone` is `one`, `two`, `good`, `wait` or `wrong`."""

    name: str
    tone: str
    values: tuple[float | None, ...]


def bars(id: str, title: str, about: str, labels: Sequence[str], series: Sequence[Series]) -> Chart:
    """Groups of upright bars, one group for each label."""
    top = _ceiling(max((value or 0 for each in series for value in each.values), default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    width = step * 0.76 / max(len(series), 1)
    drawn = []
    for number, label in enumerate(labels):
        for which, each in enumerate(series):
            value = each.values[number] or 0
            high = _high(value, top)
            x = _LEFT + number * step + step * 0.12 + which * width
            drawn.append(Bar(_r(x), _r(_HEIGHT - _BOTTOM - high), _r(max(width - 1.5, 1)), _r(high), each.tone, f"{label}: {_n(value)} {each.name}"))
    return Chart(
        id, title, about, ("", *(each.name for each in series)), _table(labels, series), _legend(series), bars=tuple(drawn),
        ticks=_ticks(top), labels=_below(labels, step),
    )  # fmt: skip


def lines(id: str, title: str, about: str, labels: Sequence[str], series: Sequence[Series], limit: tuple[str, float] | None) -> Chart:
    """One line for each series over the labels, and a dashed one that must not be passed. Where nothing is known a line has a hole."""
    values = [value for each in series for value in each.values if value is not None]
    top = _ceiling(max([*values, limit[1] if limit and values else 0], default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(labels), 1)
    paths, dots = [], []
    for each in series:
        points = [
            None if value is None else (_r(_LEFT + (number + 0.5) * step), _r(_HEIGHT - _BOTTOM - _high(value, top)))
            for number, value in enumerate(each.values)
        ]
        paths.append((each.tone, _path(points)))
        dots += [
            Mark(point[0], point[1], f"{label}: {_n(value)} {each.name}", each.tone)
            for point, label, value in zip(points, labels, each.values, strict=True)
            if point is not None and value is not None
        ]
    line = Mark(_WIDTH - _RIGHT, _r(_HEIGHT - _BOTTOM - _high(limit[1], top)), limit[0], "end") if limit and values else None
    return Chart(
        id, title, about, ("", *(each.name for each in series)), _table(labels, series) if values else (), _legend(series), lines=tuple(paths),
        dots=tuple(dots), limit=line, ticks=_ticks(top), labels=_below(labels, step),
    )  # fmt: skip


def shares(id: str, title: str, about: str, labels: Sequence[str], series: Sequence[Series], *, is_relative: bool = True) -> Chart:
    """A lying bar for each label, cut into the shares of the series. `is_relative`: every bar has the whole width."""
    height, left = 26, 130
    totals = [sum(each.values[number] or 0 for each in series) for number in range(len(labels))]
    widest = max(totals, default=0) or 1
    room = _WIDTH - left - 60
    drawn, names = [], []
    for number, label in enumerate(labels):
        y, x = _TOP + number * height, float(left)
        names.append(Mark(left - 8, y + 13, _short(label), "end"))
        for each in series:
            value = each.values[number] or 0
            width = room * value / ((totals[number] or 1) if is_relative else widest)
            if value:
                drawn.append(Bar(_r(x), y, _r(max(width, 1.5)), height - 8, each.tone, f"{label}: {_n(value)} {each.name}"))
            x += width
        names.append(Mark(_r(x + 6), y + 13, _n(totals[number]), "start"))
    return Chart(
        id, title, about, ("", *(each.name for each in series)), _table(labels, series), _legend(series), bars=tuple(drawn), labels=tuple(names),
        height=_TOP * 2 + height * max(len(labels), 1), left=left,
    )  # fmt: skip


def _table(labels: Sequence[str], series: Sequence[Series]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (label, *("–" if each.values[number] is None else _n(each.values[number] or 0) for each in series)) for number, label in enumerate(labels)
    )


def _legend(series: Sequence[Series]) -> tuple[tuple[str, str], ...]:
    return tuple((each.tone, each.name) for each in series)


def _below(labels: Sequence[str], step: float) -> tuple[Mark, ...]:
    """The labels under the drawing, the last one always; every second one where they would touch."""
    every, last = 1 if step >= 46 else 2, len(labels) - 1
    return tuple(Mark(_r(_LEFT + (number + 0.5) * step), _HEIGHT - 8, label) for number, label in enumerate(labels) if (last - number) % every == 0)


def _ticks(top: float) -> tuple[Mark, ...]:
    return tuple(Mark(_LEFT - 6, _r(_HEIGHT - _BOTTOM - _high(value, top)), _n(value), "end") for value in (0, top / 2, top))


def _high(value: float, top: float) -> float:
    return (_HEIGHT - _TOP - _BOTTOM) * value / top


def _ceiling(value: float) -> float:
    """The next of 2, 4, 10, 20, 40, 100 … whose half is a number that people read, too."""
    top = 2.0
    for factor in cycle((2.0, 2.5, 2.0)):
        if value <= top:
            break
        top *= factor
    return top


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    parts, is_down = [], False
    for point in points:
        if point is None:
            is_down = False
            continue
        parts.append(f"{'L' if is_down else 'M'}{point[0]} {point[1]}")
        is_down = True
    return " ".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= 22 else f"{text[:21]}…"


def _n(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f") if float(value).is_integer() else f"{value:.1f}"


def _r(value: float) -> float:
    return round(value, 1)
